//! Whether a node sees what it should.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use store::{Blind, NodeId, Standing};
use wire::status::{SourceState, Status};
use wire::{Alert, Severity};

use crate::silence::alarm;

/// More than this share of the packets dropped means «partly blind».
const DROPS: f64 = 0.01;
/// A node stays «partly blind» so long after its last drops: they come and go, and an alarm each time helps nobody.
const DROPS_LAST: SignedDuration = SignedDuration::from_mins(10);

/// What a node says about its sources is believed once it has run so long: before, it has not looked at them yet.
const YOUNG: SignedDuration = SignedDuration::from_secs(20);

/// Remembers recent drops of each node.
#[derive(Default)]
pub(crate) struct Sight(Mutex<HashMap<NodeId, (Timestamp, f64)>>);

impl Sight {
    /// What the core concludes from a report, and why.
    pub(crate) fn judge(&self, node: NodeId, status: &Status, now: Timestamp) -> (Blind, Option<String>) {
        let drops = self.recent_drops(node, status, now);
        let mut why = Vec::new();
        let mut blind = Blind::No;
        let broken: Vec<&str> = status
            .sources
            .iter()
            .filter(|_| status.now.duration_since(status.started) >= YOUNG)
            .filter(|(_, source)| matches!(source.state, SourceState::Failed | SourceState::Missing))
            .map(|(name, _)| name.as_str())
            .collect();
        if status.sources.is_empty() {
            blind = Blind::Blind;
            why.push("no source is configured".to_owned());
        } else if !broken.is_empty() {
            blind = if broken.len() == status.sources.len() { Blind::Blind } else { Blind::Partly };
            why.push(format!("not being read: {}", broken.join(", ")));
        }
        if let Some(suricata) = &status.suricata
            && suricata.rules_loaded == 0
        {
            blind = Blind::Blind;
            why.push("Suricata has loaded no rules".to_owned());
        }
        if let Some(share) = drops {
            if blind == Blind::No {
                blind = Blind::Partly;
            }
            why.push(format!("Suricata dropped {:.1} % of the packets", share * 100.0));
        }
        (blind, (!why.is_empty()).then(|| why.join("; ")))
    }

    fn recent_drops(&self, node: NodeId, status: &Status, now: Timestamp) -> Option<f64> {
        let share = status.suricata.as_ref().map_or(0.0, |suricata| suricata.drop_share);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if share > DROPS {
            all.insert(node, (now, share));
        }
        match all.get(&node) {
            Some((at, share)) if now.duration_since(*at) < DROPS_LAST => Some(*share),
            _ => {
                all.remove(&node);
                None
            }
        }
    }
}

/// The alarm for a node that sees less than before.
pub(crate) fn worse(
    before: &Standing,
    blind: Blind,
    why: Option<&str>,
    name: &str,
    hostname: &str,
    now: Timestamp,
) -> Option<Alert> {
    let rank = |blind| match blind {
        Blind::No => 0,
        Blind::Partly => 1,
        Blind::Blind => 2,
    };
    if rank(blind) <= rank(before.blind) {
        return None;
    }
    let (what, severity) = match blind {
        Blind::Blind => ("sees nothing", Severity::High),
        _ => ("sees only a part", Severity::Medium),
    };
    let message = format!("{name} {what}: {}.", why.unwrap_or("unknown"));
    Some(alarm("node-blind", "A node does not see what it should", severity, &message, hostname, now))
}
