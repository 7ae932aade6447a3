//! The node's own alarms: alerts of source `socme`.

use jiff::Timestamp;
use wire::alert::{Alert, Rule, Severity};

/// An alarm that stands for itself: it is not folded.
#[must_use]
pub fn alarm(id: &str, name: &str, severity: Severity, message: String, now: Timestamp) -> Alert {
    let rule = Rule { id: id.to_owned(), name: name.to_owned(), groups: vec!["node".to_owned()], ..Rule::default() };
    Alert { rule, severity, message: Some(message), ..Alert::bare(now) }
}
