//! Nodes that do not report: what the core makes of silence, and of the return.
//!
//! # Invariants
//! - How many steps of silence were alarmed is in the database, and moves in the same transaction as the alarm: a restart
//!   neither repeats one nor forgets one.
//! - A node that passed several steps at once (the core was away) raises one alarm, that of the highest.
//! - While the core has only just begun to listen nobody is called silent: nodes need a moment to come back.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use store::{Node, Scope, Standing, Store};
use utoipa::ToSchema;
use wire::alert::{Host, Rule};
use wire::{Alert, Severity};

use crate::config::Config;

/// How a node is, by its last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    /// It has enrolled and never reported.
    Pending,
    /// It reports.
    Online,
    /// Its report is late.
    Late,
    /// It is silent.
    Offline,
    /// A person has switched it off.
    Disabled,
    /// It may not speak any more.
    Revoked,
}

impl Presence {
    /// All, in the order shown.
    pub(crate) const ALL: [Self; 6] =
        [Self::Pending, Self::Online, Self::Late, Self::Offline, Self::Disabled, Self::Revoked];

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Online => "online",
            Self::Late => "late",
            Self::Offline => "offline",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
        }
    }
}

/// How a node is at `now`.
pub(crate) fn presence(node: &Node, now: Timestamp, config: &Config) -> Presence {
    if node.revoked.is_some() {
        return Presence::Revoked;
    }
    if node.disabled {
        return Presence::Disabled;
    }
    let Some(heard) = node.standing.last_heard else { return Presence::Pending };
    let silence = now.duration_since(heard);
    if silence >= span(config.nodes_offline_after) {
        Presence::Offline
    } else if silence >= span(config.nodes_late_after) {
        Presence::Late
    } else {
        Presence::Online
    }
}

/// Raises the alarms that are due for nodes that should report; says how many.
pub(crate) async fn raise_due(store: &Store, nodes: &[Node], steps: &[std::time::Duration]) -> store::Result<usize> {
    let now = store.clock().now();
    let mut raised = 0;
    for node in nodes.iter().filter(|node| node.revoked.is_none() && !node.disabled) {
        // One that never reported has been silent since it enrolled.
        let since = node.standing.last_heard.unwrap_or(node.enrolled);
        let silence = now.duration_since(since);
        // While it was disabled nobody waited for it.
        let waited = now.duration_since(since.max(node.expected));
        let step = steps.iter().take_while(|step| waited >= span(**step)).count() as u8;
        if step > node.standing.silence_step {
            let alarm = silent(node, since, silence, step, now);
            raised += usize::from(store.silent(node.id, node.standing.last_heard, step, alarm).await?);
        }
    }
    Ok(raised)
}

/// All nodes, for [`raise_due`].
pub(crate) async fn nodes(store: &Store) -> store::Result<Vec<Node>> {
    store.nodes(&Scope::internal("silence is decided for every node"), None).await
}

/// The alarm for a node that reports again, if its silence was alarmed.
pub(crate) fn back(before: &Standing, name: &str, hostname: &str, now: Timestamp) -> Option<Alert> {
    if before.silence_step == 0 {
        return None;
    }
    let silence = before.last_heard.map(|heard| format!(" after {} of silence", words(now.duration_since(heard))));
    let message = format!("{name} reports again{}.", silence.unwrap_or_default());
    Some(alarm("node-back", "A node reports again", Severity::Low, &message, hostname, now))
}

fn silent(node: &Node, since: Timestamp, silence: SignedDuration, step: u8, now: Timestamp) -> Alert {
    let severity = if step == 1 { Severity::Medium } else { Severity::High };
    let last = if node.standing.last_heard.is_some() { "last heard" } else { "enrolled, never heard," };
    let message = format!("{} has been silent for {} ({last} {since:.0}).", node.name, words(silence));
    alarm("node-silent", "A node is silent", severity, &message, &node.hostname, now)
}

/// An alarm of the core's own.
pub(crate) fn alarm(id: &str, name: &str, severity: Severity, message: &str, host: &str, now: Timestamp) -> Alert {
    let rule = Rule { id: id.into(), name: name.into(), ..Rule::default() };
    let host = Host { name: Some(cut(host, wire::limit::WORD)), ..Host::default() };
    let message = cut(message, wire::limit::TEXT);
    Alert { rule, severity, message: Some(message), host: Some(host), ..Alert::bare(now) }
}

/// At most so many bytes of a text, whole characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}

fn span(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// A time span in words: one unit, rounded down.
fn words(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
