//! What has changed among a manager's hosts since the core was last told, and which of it is worth an alarm.
//!
//! # Invariants
//! - What the core is told and what is remembered of it are one transaction: so a host that was told is never told again
//!   unless it is different, and an alarm is raised once.
//! - Notes of an epoch are gone with it: then all is told again, with the list of all there are, and no alarm is raised for
//!   what was so before.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use wire::alert::{Alert, Severity};
use wire::host::{Host, HostState, Hosts};
use wire::limit;
use wire::link::Record;

use crate::alarm::alarm;
use crate::policy::HostAlarms;
use crate::spool::Note;

/// Notes about hosts begin so; the agent's id follows.
pub(crate) const NOTES: &str = "host/";
/// Noted once all hosts of this epoch were told.
pub(crate) const TOLD_ALL: &str = "hosts";
/// So many hosts that fall silent at one look are told in one alarm.
const MANY: usize = 10;

/// What the core was told of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) host: Host,
    /// Its silence, or that it never came, was alarmed.
    #[serde(default)]
    alarmed: bool,
}

/// What is written in one transaction.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Piece {
    pub(crate) records: Vec<Record>,
    pub(crate) notes: Vec<Note>,
}

/// All that is known of the hosts.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    known: BTreeMap<String, Known>,
    told_all: bool,
}

impl Roll {
    /// As it is noted. What cannot be read is told again.
    pub(crate) fn load(hosts: BTreeMap<String, Vec<u8>>, told_all: bool) -> Self {
        let known = hosts.into_iter().filter_map(|(agent, json)| Some((agent, serde_json::from_slice(&json).ok()?)));
        Self { known: known.collect(), told_all }
    }

    /// What to tell and to note now that these are all hosts. Once it is written, call [`Roll::written`] for each piece.
    pub(crate) fn changes(&self, found: &BTreeMap<String, Host>, alarms: &HostAlarms, now: Timestamp) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut changed = Vec::new();
        let silent: Vec<&Host> = found.values().filter(|host| self.fell_silent(host, alarms)).collect();
        for host in found.values() {
            let known = self.known.get(&host.agent);
            let (alarmed, alert) = self.judge(host, alarms, silent.len() > MANY, now);
            if known.is_some_and(|known| known.host == *host && known.alarmed == alarmed) {
                continue;
            }
            let told = known.is_some_and(|known| known.host == *host);
            changed.push((Known { host: host.clone(), alarmed }, alert, told));
        }
        for part in changed.chunks(limit::HOSTS_CHANGED) {
            let mut piece = Piece::default();
            let hosts: Vec<Host> =
                part.iter().filter(|(_, _, told)| !told).map(|(known, ..)| known.host.clone()).collect();
            if !hosts.is_empty() {
                piece.records.push(Record::Hosts(Box::new(Hosts { changed: hosts, ..Hosts::default() })));
            }
            for (known, alert, _) in part {
                piece.records.extend(alert.clone().map(|alert| Record::Alert(Box::new(alert))));
                piece.notes.push(note(known));
            }
            pieces.push(piece);
        }
        if silent.len() > MANY {
            let alert = Record::Alert(Box::new(many(&silent, now)));
            pieces.first_mut().into_iter().for_each(|piece| piece.records.push(alert.clone()));
        }
        let gone: Vec<&String> = self.known.keys().filter(|agent| !found.contains_key(*agent)).collect();
        for part in gone.chunks(limit::HOSTS_CHANGED) {
            let agents = part.iter().map(|agent| (*agent).clone()).collect();
            pieces.push(Piece {
                records: vec![Record::Hosts(Box::new(Hosts { gone: agents, ..Hosts::default() }))],
                notes: part.iter().map(|agent| (format!("{NOTES}{agent}"), None)).collect(),
            });
        }
        if !self.told_all {
            let only = Some(found.keys().cloned().collect());
            pieces.push(Piece {
                records: vec![Record::Hosts(Box::new(Hosts { only, ..Hosts::default() }))],
                notes: vec![(TOLD_ALL.to_owned(), Some(b"1".to_vec()))],
            });
        }
        pieces
    }

    /// A piece is on the disk.
    pub(crate) fn written(&mut self, piece: Piece) {
        for (key, value) in piece.notes {
            match (key.strip_prefix(NOTES), value) {
                (Some(agent), Some(json)) => {
                    if let Ok(known) = serde_json::from_slice(&json) {
                        self.known.insert(agent.to_owned(), known);
                    }
                }
                (Some(agent), None) => drop(self.known.remove(agent)),
                (None, _) => self.told_all |= key == TOLD_ALL,
            }
        }
    }

    /// Whether a host has fallen silent since it was last told, and that matters.
    fn fell_silent(&self, host: &Host, alarms: &HostAlarms) -> bool {
        let before = self.known.get(&host.agent).map(|known| known.host.state);
        let came = matches!(before, Some(HostState::Active | HostState::Pending));
        came && host.state == HostState::Disconnected && alarms.silent && !alarms.spares(host)
    }

    /// Whether its silence is alarmed from now on, and what to raise.
    fn judge(&self, host: &Host, alarms: &HostAlarms, together: bool, now: Timestamp) -> (bool, Option<Alert>) {
        let known = self.known.get(&host.agent);
        let alarmed = known.is_some_and(|known| known.alarmed);
        match host.state {
            HostState::Disconnected if self.fell_silent(host, alarms) => (true, (!together).then(|| silent(host, now))),
            HostState::Active if alarmed => (false, Some(returned(host, known, now))),
            HostState::NeverConnected if !alarmed && self.never_came(host, alarms, now) => {
                (true, Some(never(host, now)))
            }
            _ => (alarmed && host.state != HostState::Active, None),
        }
    }

    fn never_came(&self, host: &Host, alarms: &HostAlarms, now: Timestamp) -> bool {
        let age = SignedDuration::from_hours(i64::from(alarms.never_seen_hours));
        let old = host.registered.is_some_and(|registered| now.duration_since(registered) >= age);
        // What was so before the node looked for the first time is on the page of hosts, and wakes nobody.
        self.told_all && alarms.never_seen_hours > 0 && old && !alarms.spares(host)
    }
}

fn note(known: &Known) -> Note {
    (format!("{NOTES}{}", known.host.agent), Some(serde_json::to_vec(known).unwrap_or_default()))
}

fn about(host: &Host, mut alert: Alert) -> Alert {
    alert.host = Some(wire::alert::Host {
        name: Some(host.name.clone()),
        id: Some(host.agent.to_string()),
        ..wire::alert::Host::default()
    });
    crate::normalise::fit(&mut alert);
    alert
}

fn silent(host: &Host, now: Timestamp) -> Alert {
    let since = host.seen.map(|seen| format!(" since {seen:.0}")).unwrap_or_default();
    let why = host.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    let text = format!("{} (agent {}) has been silent{since}{why}: nothing of it is watched", host.name, host.agent);
    about(host, alarm("host-silent", "A host has fallen silent", Severity::Medium, text, now))
}

fn many(hosts: &[&Host], now: Timestamp) -> Alert {
    let names: Vec<&str> = hosts.iter().take(40).map(|host| host.name.as_str()).collect();
    let rest = if hosts.len() > names.len() { ", …" } else { "" };
    let text = format!("{} hosts have fallen silent at once: {}{rest}", hosts.len(), names.join(", "));
    let mut alert = alarm("hosts-silent", "Many hosts have fallen silent at once", Severity::High, text, now);
    crate::normalise::fit(&mut alert);
    alert
}

fn returned(host: &Host, known: Option<&Known>, now: Timestamp) -> Alert {
    let never = known.is_some_and(|known| known.host.state == HostState::NeverConnected);
    let (name, what) =
        if never { ("A host has come for the first time", "has come") } else { ("A host is back", "is back") };
    let text = format!("{} (agent {}) {what}", host.name, host.agent);
    about(host, alarm("host-back", name, Severity::Low, text, now))
}

fn never(host: &Host, now: Timestamp) -> Alert {
    let since = host.registered.map(|at| format!(" on {at:.0}")).unwrap_or_default();
    let text = format!("{} (agent {}) was registered{since} and has never come", host.name, host.agent);
    about(host, alarm("host-never-seen", "A host was registered and never came", Severity::Low, text, now))
}

#[cfg(test)]
mod tests;
