//! What the demo says while it starts: one line per step, on standard error.

use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Steps, as they happen.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    terminal: bool,
    open: bool,
}

impl Progress {
    /// Begins.
    pub(crate) fn begin() -> Self {
        Self { begun: Instant::now(), terminal: std::io::stderr().is_terminal(), open: false }
    }

    /// A step begins; it is taken for done when the next one begins.
    pub(crate) fn step(&mut self, what: &str) {
        self.done();
        let mut err = std::io::stderr().lock();
        // Whether anyone reads is not the demo's concern.
        let _ = if self.terminal { write!(err, "  … {what}") } else { writeln!(err, "  {what}") };
        let _ = err.flush();
        self.open = self.terminal;
    }

    /// The last step is done.
    pub(crate) fn done(&mut self) {
        if std::mem::take(&mut self.open) {
            let _ = writeln!(std::io::stderr(), "\r  ✓");
        }
    }

    /// Seconds since the beginning.
    pub(crate) fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}
