//! What has changed among a manager's hosts since the core was last told, and which of it is worth an alarm.
//!
//! # Invariants
//! - What the core is told and what is remembered of it are one transaction: so a host that was told is never told again
//!   unless it is different, and an alarm is raised once.
//! - Notes of an epoch are gone with it: then all is told again, with the list of all there are, and no alarm is raised for
//!   what was so before.

use std::collections::{BTreeMap, BTreeSet};

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
/// Noted while a look's alarms about many hosts are written and the rest of what it found is not.
const BEGUN: &str = "hosts/begun";
/// More hosts than so many that fall silent, come back or are late at one look are told in one alarm.
const MANY: usize = 10;

/// What is alarmed about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// It has fallen silent.
    Silent,
    /// It is back, or has come at last.
    Back,
    /// It was registered and never came.
    Never,
}

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
    /// What the look that was cut off has raised about many.
    begun: BTreeSet<Kind>,
    /// Hosts that the look before did not find.
    missed: BTreeSet<String>,
}

impl Roll {
    /// As it is noted: the hosts ([`NOTES`]), and how far telling has come ([`TOLD_ALL`]). What cannot be read is told again.
    pub(crate) fn load(hosts: BTreeMap<String, Vec<u8>>, told: &BTreeMap<String, Vec<u8>>) -> Self {
        let known = hosts.into_iter().filter_map(|(agent, json)| Some((agent, serde_json::from_slice(&json).ok()?)));
        let begun = told.get(&BEGUN[TOLD_ALL.len()..]).and_then(|json| serde_json::from_slice(json).ok());
        Self {
            known: known.collect(),
            told_all: told.contains_key(""),
            begun: begun.unwrap_or_default(),
            missed: BTreeSet::new(),
        }
    }

    /// What to tell and to note now that these are all hosts. Once it is written, call [`Roll::written`] for each piece.
    pub(crate) fn changes(
        &mut self,
        found: &BTreeMap<String, Host>,
        alarms: &HostAlarms,
        now: Timestamp,
    ) -> Vec<Piece> {
        let mut changed = Vec::new();
        let mut raised: BTreeMap<Kind, Vec<&Host>> = BTreeMap::new();
        for host in found.values() {
            let known = self.known.get(&host.agent);
            let (alarmed, kind) = self.judge(host, alarms, now);
            if known.is_some_and(|known| known.host == *host && known.alarmed == alarmed) {
                continue;
            }
            let told = known.is_some_and(|known| known.host == *host);
            let kind = kind.filter(|kind| !self.begun.contains(kind));
            kind.into_iter().for_each(|kind| raised.entry(kind).or_default().push(host));
            changed.push((Known { host: host.clone(), alarmed }, kind, told));
        }
        raised.retain(|_, hosts| hosts.len() > MANY);
        let mut pieces = Vec::new();
        for part in changed.chunks(limit::HOSTS_CHANGED) {
            let mut piece = Piece::default();
            let hosts: Vec<Host> =
                part.iter().filter(|(_, _, told)| !told).map(|(known, ..)| known.host.clone()).collect();
            if !hosts.is_empty() {
                piece.records.push(Record::Hosts(Box::new(Hosts { changed: hosts, ..Hosts::default() })));
            }
            for (known, kind, _) in part {
                let single = kind.filter(|kind| !raised.contains_key(kind));
                let alert = single.map(|kind| kind.of_one(&known.host, self.known.get(&known.host.agent), now));
                piece.records.extend(alert.map(|alert| Record::Alert(Box::new(alert))));
                piece.notes.push(note(known));
            }
            pieces.push(piece);
        }
        self.raise_together(&mut pieces, &raised, now);
        // Where agents come or go while pages are read, the rest moves over the pages' borders, and one is passed over.
        let missed = self.known.keys().filter(|agent| !found.contains_key(*agent)).cloned().collect();
        let before = std::mem::replace(&mut self.missed, missed);
        let gone: Vec<&String> = self.missed.intersection(&before).collect();
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

    /// Adds the alarms about many hosts to the first piece. If there are more, it is noted until the last one that these were
    /// raised: who is killed in between raises them no second time.
    fn raise_together(&self, pieces: &mut Vec<Piece>, raised: &BTreeMap<Kind, Vec<&Host>>, now: Timestamp) {
        if let Some(first) = pieces.first_mut() {
            let alerts = raised.iter().map(|(kind, hosts)| Record::Alert(Box::new(kind.of_many(hosts, now))));
            first.records.extend(alerts);
        }
        let begun: BTreeSet<Kind> = self.begun.iter().chain(raised.keys()).copied().collect();
        let several = pieces.len() > 1 && !begun.is_empty();
        if several && let Some(first) = pieces.first_mut() {
            first.notes.push((BEGUN.to_owned(), serde_json::to_vec(&begun).ok()));
        }
        if several || !self.begun.is_empty() {
            if pieces.is_empty() {
                pieces.push(Piece::default());
            }
            pieces.last_mut().into_iter().for_each(|piece| piece.notes.push((BEGUN.to_owned(), None)));
        }
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
                // In memory it is known at once what was raised: a note that is there for a crash begins nothing.
                (None, _) if key == BEGUN => self.begun.clear(),
                (None, _) => self.told_all |= key == TOLD_ALL,
            }
        }
    }

    /// Whether its silence is alarmed from now on, and what to raise.
    fn judge(&self, host: &Host, alarms: &HostAlarms, now: Timestamp) -> (bool, Option<Kind>) {
        let known = self.known.get(&host.agent);
        let alarmed = known.is_some_and(|known| known.alarmed);
        let before = known.map(|known| known.host.state);
        match host.state {
            HostState::Active if alarmed => (false, Some(Kind::Back)),
            HostState::Active => (false, None),
            _ if alarmed || alarms.spares(host) => (alarmed, None),
            HostState::Disconnected
                if alarms.silent && matches!(before, Some(HostState::Active | HostState::Pending)) =>
            {
                (true, Some(Kind::Silent))
            }
            // What was so before the node looked for the first time is on the page of hosts, and wakes nobody.
            HostState::NeverConnected if is_late(host, alarms, now) => (true, self.told_all.then_some(Kind::Never)),
            _ => (false, None),
        }
    }
}

/// Whether a host was registered so long ago that it should have come.
fn is_late(host: &Host, alarms: &HostAlarms, now: Timestamp) -> bool {
    let age = SignedDuration::from_hours(i64::from(alarms.never_seen_hours));
    alarms.never_seen_hours > 0 && host.registered.is_some_and(|registered| now.duration_since(registered) >= age)
}

impl Kind {
    fn of_one(self, host: &Host, known: Option<&Known>, now: Timestamp) -> Alert {
        match self {
            Self::Silent => silent(host, now),
            Self::Back => returned(host, known, now),
            Self::Never => never(host, now),
        }
    }

    fn of_many(self, hosts: &[&Host], now: Timestamp) -> Alert {
        let names: Vec<&str> = hosts.iter().take(40).map(|host| host.name.as_str()).collect();
        let rest = if hosts.len() > names.len() { ", …" } else { "" };
        let (id, name, severity, what) = match self {
            Self::Silent => {
                ("hosts-silent", "Many hosts have fallen silent at once", Severity::High, "have fallen silent at once")
            }
            Self::Back => ("hosts-back", "Many hosts are back", Severity::Low, "are back"),
            Self::Never => (
                "hosts-never-seen",
                "Many hosts were registered and never came",
                Severity::Low,
                "were registered and have never come",
            ),
        };
        let text = format!("{} hosts {what}: {}{rest}", hosts.len(), names.join(", "));
        let mut alert = alarm(id, name, severity, text, now);
        crate::normalise::fit(&mut alert);
        alert
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
