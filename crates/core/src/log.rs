//! The log: what is written where.

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Begins to log, on standard error.
pub fn begin(config: &Config) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Another one may have begun already: then that is the log.
    let _ = match config.log_format {
        LogFormat::Text => {
            let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            log.with_ansi(terminal && std::env::var_os("NO_COLOR").is_none()).try_init()
        }
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
