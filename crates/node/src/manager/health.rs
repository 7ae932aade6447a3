//! When a manager is unwell, and the alarms about it: each once, and once more a day while it lasts.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use wire::alert::{Alert, Severity};
use wire::link::Record;
use wire::status::WazuhStatus;

use super::hosts::Piece;
use crate::alarm::alarm;
use crate::config::Limits;

/// Notes about alarms begin so; the alarm's id follows.
pub(crate) const NOTES: &str = "alarm/";
/// What lasts is alarmed again after so long.
const AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// What may pass by itself, such as a restart, is alarmed when it has lasted so long.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// What was said is forgotten when it has been well for so long: a queue that swings around its threshold is one alarm, not one a
/// minute, and what comes back after an hour is news.
const WELL: SignedDuration = SignedDuration::from_hours(1);
/// Daemons without which a manager does not do its work; others run only where they are configured.
const NEEDED: [&str; 9] = [
    "wazuh-analysisd",
    "wazuh-remoted",
    "wazuh-db",
    "wazuh-modulesd",
    "wazuh-monitord",
    "wazuh-authd",
    "wazuh-syscheckd",
    "wazuh-logcollector",
    "wazuh-execd",
];

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq)]
struct Trouble {
    id: &'static str,
    name: &'static str,
    severity: Severity,
    text: String,
    /// It may pass by itself.
    passing: bool,
}

/// What is wrong, since when, and what was said of it.
#[derive(Debug, Default)]
pub(crate) struct Health {
    since: BTreeMap<&'static str, Timestamp>,
    said: BTreeMap<String, Timestamp>,
    /// Since when what was said is well again.
    well: BTreeMap<String, Timestamp>,
    /// When events last came in.
    busy: Option<Timestamp>,
}

impl Health {
    /// As it is noted.
    pub(crate) fn load(notes: BTreeMap<String, Vec<u8>>) -> Self {
        let said = notes.into_iter().filter_map(|(id, at)| Some((id, serde_json::from_slice(&at).ok()?)));
        Self { said: said.collect(), ..Self::default() }
    }

    /// What to raise and to note, if anything. `disk`: how full the disk with Wazuh's logs is, 0 to 1, if it is here.
    pub(crate) fn look(
        &mut self,
        status: &WazuhStatus,
        limits: &Limits,
        disk: Option<f64>,
        now: Timestamp,
    ) -> Option<Piece> {
        // What is not known is not silence.
        if status.events_per_second.is_none_or(|rate| rate > 0.0)
            || self.busy.is_none()
            || status.active == 0
            || status.error.is_some()
        {
            self.busy = Some(now);
        }
        let quiet = self.busy.map_or(SignedDuration::ZERO, |busy| now.duration_since(busy));
        let found = troubles(status, limits, disk, quiet, now);
        self.since.retain(|id, _| found.iter().any(|trouble| trouble.id == *id));
        let mut piece = Piece::default();
        for trouble in &found {
            let since = *self.since.entry(trouble.id).or_insert(now);
            let due = self.said.get(trouble.id).is_none_or(|said| now.duration_since(*said) >= AGAIN);
            if due && (!trouble.passing || now.duration_since(since) >= PATIENCE) {
                piece.records.push(Record::Alert(Box::new(trouble.alert(now))));
                piece
                    .notes
                    .push((format!("{NOTES}{}", trouble.id), Some(serde_json::to_vec(&now).unwrap_or_default())));
            }
        }
        self.well.retain(|id, _| self.said.contains_key(id) && !found.iter().any(|trouble| trouble.id == *id));
        for id in self.said.keys().filter(|id| !found.iter().any(|trouble| trouble.id == **id)) {
            let since = *self.well.entry(id.clone()).or_insert(now);
            if now.duration_since(since) >= WELL {
                piece.notes.push((format!("{NOTES}{id}"), None));
            }
        }
        (!piece.notes.is_empty()).then_some(piece)
    }

    /// A piece is on the disk.
    pub(crate) fn written(&mut self, piece: &Piece, now: Timestamp) {
        for (key, value) in &piece.notes {
            let Some(id) = key.strip_prefix(NOTES) else { continue };
            match value {
                Some(_) => drop(self.said.insert(id.to_owned(), now)),
                None => drop(self.said.remove(id)),
            }
        }
    }
}

fn troubles(
    status: &WazuhStatus,
    limits: &Limits,
    disk: Option<f64>,
    quiet: SignedDuration,
    now: Timestamp,
) -> Vec<Trouble> {
    let mut found = Vec::new();
    let mut add = |id, name, severity, passing, text| found.push(Trouble { id, name, severity, text, passing });
    if let Some(error) = &status.error {
        let text = format!("its hosts or its health are not seen: {error}");
        add("wazuh-away", "The Wazuh manager cannot be asked", Severity::Medium, true, text);
    }
    if let Some(error) = &status.indexer_error {
        add("wazuh-indexer", "The Wazuh indexer cannot be asked", Severity::Medium, true, error.clone());
    }
    let stopped = stopped(status);
    if !stopped.is_empty() {
        let text = format!("{} does not run: see /var/ossec/logs/ossec.log on the manager", stopped.join(", "));
        add("wazuh-daemon", "A daemon of the Wazuh manager does not run", Severity::High, true, text);
    }
    if status.dropped >= limits.dropped.max(1) {
        let text = format!("its analysis dropped {} events: they were not looked at", status.dropped);
        add("wazuh-drops", "The Wazuh manager drops events", Severity::High, false, text);
    }
    if status.queue >= limits.queue {
        let percent = (status.queue * 100.0).round();
        let which = status.queue_name.as_deref().unwrap_or("a queue");
        let text = format!("{which} is {percent} % full: when it is full, events are dropped");
        add("wazuh-queue", "A queue of the Wazuh manager is nearly full", Severity::Medium, false, text);
    }
    if limits.quiet_minutes > 0 && quiet >= SignedDuration::from_mins(limits.quiet_minutes.into()) {
        let text = format!(
            "no event has come in for {} minutes, though {} hosts report: is its analysis stuck?",
            quiet.as_mins(),
            status.active
        );
        add("wazuh-quiet", "The Wazuh manager takes in nothing", Severity::High, false, text);
    }
    if let Some(disk) = disk.filter(|disk| *disk >= limits.disk) {
        let text = format!("the disk with Wazuh's logs is {} % full: make room", (disk * 100.0).round());
        add("wazuh-disk", "The disk with Wazuh's logs is nearly full", Severity::High, false, text);
    }
    if let Some(end) = status.certificate_end {
        let left = end.duration_since(now);
        if left < SignedDuration::from_hours(24 * i64::from(limits.certificate_days)) {
            let ends = if left.is_negative() { "ended" } else { "ends" };
            let text = format!("the certificate of its API {ends} {end:.0}: make a new one on the manager");
            add("wazuh-certificate", "The Wazuh manager's certificate ends", Severity::Low, false, text);
        }
    }
    found
}

/// Daemons that a manager needs and that do not run.
pub(crate) fn stopped(status: &WazuhStatus) -> Vec<&'static str> {
    let down = |name: &str| status.daemons.get(name).is_some_and(|state| state != "running");
    let clusterd = status.cluster.is_some().then_some("wazuh-clusterd");
    NEEDED.into_iter().chain(clusterd).filter(|name| down(name)).collect()
}

impl Trouble {
    fn alert(&self, now: Timestamp) -> Alert {
        let mut alert = alarm(self.id, self.name, self.severity, self.text.clone(), now);
        crate::normalise::fit(&mut alert);
        alert
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn well() -> WazuhStatus {
        WazuhStatus { events_per_second: Some(5.0), active: 3, ..WazuhStatus::default() }
    }

    struct Story(Health, BTreeMap<String, Vec<u8>>);

    impl Story {
        fn look(&mut self, status: &WazuhStatus, minute: i64) -> Vec<String> {
            let Some(piece) = self.0.look(status, &Limits::default(), None, at(minute)) else { return Vec::new() };
            for (key, value) in &piece.notes {
                match value {
                    Some(value) => drop(self.1.insert(key[NOTES.len()..].to_owned(), value.clone())),
                    None => drop(self.1.remove(&key[NOTES.len()..])),
                }
            }
            self.0.written(&piece, at(minute));
            let ids = piece.records.into_iter().map(|record| match record {
                Record::Alert(alert) => alert.rule.id,
                other => panic!("{other:?}"),
            });
            ids.collect()
        }
    }

    #[test]
    fn what_lasts_is_said_once_and_again_after_a_day_and_a_restart_changes_nothing() {
        let mut story = Story(Health::default(), BTreeMap::new());
        let full = WazuhStatus { queue: 0.9, queue_name: Some("event queue".into()), ..well() };
        assert_eq!(story.look(&full, 0), ["wazuh-queue"]);
        assert_eq!(story.look(&full, 1), [""; 0]);
        story.0 = Health::load(story.1.clone());
        assert_eq!(story.look(&full, 2), [""; 0]);
        assert_eq!(story.look(&full, 24 * 60), ["wazuh-queue"]);
    }

    #[test]
    fn what_swings_around_its_threshold_is_said_once_until_it_has_been_well_for_an_hour() {
        let mut story = Story(Health::default(), BTreeMap::new());
        let full = WazuhStatus { queue: 0.9, queue_name: Some("event queue".into()), ..well() };
        let calm = well();
        let swings = (0..=200).flat_map(|minute| story.look(if minute % 2 == 0 { &full } else { &calm }, minute));
        let swings: Vec<String> = swings.collect();
        assert_eq!(swings, ["wazuh-queue"]);
        assert_eq!(story.look(&well(), 201), [""; 0]);
        assert_eq!(story.look(&full, 260), [""; 0], "it was well for less than an hour");
        assert_eq!(story.look(&well(), 261), [""; 0]);
        assert_eq!(story.look(&well(), 321), [""; 0]);
        assert_eq!(story.look(&full, 322), ["wazuh-queue"], "it was well for an hour");
    }

    #[test]
    fn what_passes_by_itself_is_said_when_it_has_lasted() {
        let mut story = Story(Health::default(), BTreeMap::new());
        let mut restarting = well();
        restarting.daemons.insert("wazuh-analysisd".into(), "restarting".into());
        restarting.daemons.insert("wazuh-maild".into(), "stopped".into());
        assert_eq!(story.look(&restarting, 0), [""; 0]);
        assert_eq!(story.look(&well(), 1), [""; 0]);
        assert_eq!(story.look(&restarting, 2), [""; 0]);
        assert_eq!(story.look(&restarting, 6), [""; 0]);
        assert_eq!(story.look(&restarting, 7), ["wazuh-daemon"]);
        restarting.daemons.insert("wazuh-analysisd".into(), "running".into());
        assert_eq!(story.look(&restarting, 8), [""; 0], "mail is not needed");
    }

    #[test]
    fn silence_of_the_manager_itself_is_noticed_while_hosts_report() {
        let mut story = Story(Health::default(), BTreeMap::new());
        let quiet = WazuhStatus { events_per_second: Some(0.0), ..well() };
        assert_eq!(story.look(&well(), 0), [""; 0]);
        assert_eq!(story.look(&quiet, 14), [""; 0]);
        assert_eq!(story.look(&quiet, 15), ["wazuh-quiet"]);
        let nobody = WazuhStatus { active: 0, ..quiet };
        assert_eq!(story.look(&nobody, 60), [""; 0]);
    }

    #[test]
    fn a_manager_whose_figures_may_not_be_read_is_not_said_to_be_quiet() {
        let mut story = Story(Health::default(), BTreeMap::new());
        let unknown = WazuhStatus { events_per_second: None, ..well() };
        let said: Vec<String> = (0..60).flat_map(|minute| story.look(&unknown, minute)).collect();
        assert_eq!(said, [""; 0]);
    }

    #[test]
    fn each_threshold_is_an_alarm() {
        let limits = Limits::default();
        let day = |days: i64| Some(at(days * 24 * 60));
        for (status, disk, id) in [
            (WazuhStatus { dropped: 1, ..well() }, None, "wazuh-drops"),
            (WazuhStatus { certificate_end: day(13), ..well() }, None, "wazuh-certificate"),
            (well(), Some(0.95), "wazuh-disk"),
        ] {
            let found = troubles(&status, &limits, disk, SignedDuration::ZERO, at(0));
            assert_eq!(found.iter().map(|trouble| trouble.id).collect::<Vec<_>>(), [id]);
        }
        let fine = WazuhStatus { certificate_end: day(15), ..well() };
        assert_eq!(troubles(&fine, &limits, Some(0.5), SignedDuration::ZERO, at(0)), []);
    }
}
