//! What settings must be to fit together.

use std::fmt;
use std::time::Duration;

use super::file::Origin;
use super::value::{Bound, Transport};
use super::{Config, Layers};

/// Something that is wrong with the settings: where, what, and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) origin: Origin,
    pub(crate) key: Option<String>,
    pub(crate) why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.why)
    }
}

/// Notes everything that does not fit together.
pub(crate) fn check(config: &Config, layers: &Layers, faults: &mut Vec<Fault>) {
    let mut fault = |key: &str, why: &str| {
        faults.push(Fault { origin: layers.origin(key), key: Some(key.to_owned()), why: why.to_owned() });
    };
    let reachable = !config.people_listen.ip().is_loopback();
    match (&config.people_tls_certificate, &config.people_tls_key) {
        (Some(_), None) => {
            fault("people.tls_certificate", "It needs people.tls_key as well: the certificate's private key.");
        }
        (None, Some(_)) => fault("people.tls_key", "It needs people.tls_certificate as well."),
        (None, None) if reachable && !config.people_plain_http_anywhere => fault(
            "people.listen",
            "Plain HTTP would be reachable from other machines, and passphrases with it. Set people.tls_certificate and \
             people.tls_key; or listen on 127.0.0.1 behind a proxy that adds TLS; or, if you accept it, set \
             people.plain_http_anywhere = true.",
        ),
        _ => {}
    }
    if config.database_url.is_none() {
        let rest = [
            ("database.direct_url", config.database_direct_url.is_some()),
            ("database.password_file", config.database_password_file.is_some()),
            ("database.ca_file", config.database_ca_file.is_some()),
        ];
        for (key, _) in rest.iter().filter(|(_, given)| *given) {
            fault(key, "It needs database.url as well.");
        }
    }
    let enciphered = matches!(&config.audit_syslog, Bound::At(collector) if collector.transport == Transport::Tls);
    if config.audit_syslog_ca.is_some() && !enciphered {
        fault("audit.syslog_ca", "It needs audit.syslog = \"tls://…\" as well.");
    }
    let secs = Duration::from_secs;
    if config.nodes_late_after <= config.nodes_heartbeat {
        fault("nodes.late_after", "It must be longer than nodes.heartbeat, or every node is late.");
    }
    if config.nodes_offline_after <= config.nodes_late_after {
        fault("nodes.offline_after", "It must be longer than nodes.late_after.");
    }
    if config.nodes_heartbeat < secs(1) || config.nodes_heartbeat > secs(300) {
        fault("nodes.heartbeat", "It must be 1 second to 5 minutes.");
    }
    let steps = &config.nodes_silence_alarms;
    if steps.windows(2).any(|pair| pair[0] >= pair[1]) || steps.len() > 8 {
        fault("nodes.silence_alarms", "The steps must rise, and there may be 8 at most.");
    }
    if steps.first().is_some_and(|first| *first <= config.nodes_heartbeat) {
        fault("nodes.silence_alarms", "The first step must be longer than nodes.heartbeat, or every node is silent.");
    }
    if config.nodes_certificate_life < secs(10) || config.nodes_certificate_life > secs(90 * 86_400) {
        fault("nodes.certificate_life", "It must be 10 seconds to 90 days; days are usual.");
    }
    if config.people_session_idle > config.people_session_longest {
        fault("people.session_idle", "It must not be longer than people.session_longest.");
    }
    if config.retention_max_bytes.get().is_some_and(|bytes| bytes < 64 << 20) {
        fault("retention.max_bytes", "It must be 64 MiB at least, or there is no room for anything.");
    }
    let mut taken = vec![("people.listen", config.people_listen)];
    for (key, address) in [("nodes.listen", Some(config.nodes_listen)), ("metrics.listen", config.metrics_listen.get())]
    {
        let Some(address) = address else { continue };
        let clash = taken.iter().find(|(_, other)| {
            let everywhere = other.ip().is_unspecified() || address.ip().is_unspecified();
            address.port() != 0 && other.port() == address.port() && (everywhere || other.ip() == address.ip())
        });
        if let Some((other, _)) = clash {
            fault(key, &format!("{other} has this port already. Take another one."));
        }
        taken.push((key, address));
    }
    if tracing_subscriber::EnvFilter::try_new(&config.log).is_err() {
        fault(
            "log",
            "This is no filter. Write error, warn, info, debug, trace, or for instance \"info,socme_core=debug\".",
        );
    }
}
