//! The node's own alarms: alerts of source `socme`.

use jiff::Timestamp;
use wire::alert::{Alert, Fold, Network, Rule, Severity, Source, Threat};

/// An alarm that stands for itself: it is not folded.
#[must_use]
pub fn alarm(id: &str, name: &str, severity: Severity, message: String, now: Timestamp) -> Alert {
    Alert {
        module: Source::Socme,
        rule: Rule { id: id.to_owned(), name: name.to_owned(), groups: vec!["node".to_owned()], ..Rule::default() },
        severity,
        time: now,
        seen: now,
        count: 1,
        last: now,
        message: Some(message),
        threat: Threat::default(),
        host: None,
        source: None,
        destination: None,
        network: Network::default(),
        user: None,
        process: None,
        file: None,
        domains: Vec::new(),
        url: None,
        location: None,
        fold: Fold::Full,
        samples: Vec::new(),
        raw: String::new(),
        cut: Vec::new(),
        closed: true,
    }
}
