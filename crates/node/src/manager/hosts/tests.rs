use super::*;

fn host(agent: &str, state: HostState) -> Host {
    Host {
        agent: agent.into(),
        name: format!("host{agent}"),
        state,
        why: None,
        version: None,
        behind: false,
        system: None,
        platform: None,
        architecture: None,
        groups: Vec::new(),
        address: None,
        manager: None,
        registered: Some(at(0)),
        seen: None,
    }
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(hour * 3_600).unwrap()
}

/// A roll, and what its core was told.
struct Story {
    roll: Roll,
    notes: BTreeMap<String, Vec<u8>>,
    core: BTreeMap<String, Host>,
    alarms: Vec<String>,
    bytes: usize,
    policy: HostAlarms,
}

impl Story {
    fn begin() -> Self {
        let roll = Roll::default();
        let (notes, core, alarms) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { roll, notes, core, alarms, bytes: 0, policy: HostAlarms::default() }
    }

    fn look(&mut self, hosts: &[Host], now: Timestamp) {
        self.look_until_killed(hosts, now, usize::MAX);
    }

    /// Only so many pieces come to the disk.
    fn look_until_killed(&mut self, hosts: &[Host], now: Timestamp, pieces: usize) {
        let found = hosts.iter().map(|host| (host.agent.clone(), host.clone())).collect();
        for piece in self.roll.changes(&found, &self.policy, now).into_iter().take(pieces) {
            for record in &piece.records {
                self.bytes += serde_json::to_vec(record).unwrap().len();
                match record {
                    Record::Hosts(told) => {
                        assert_eq!(told.check(), Ok(()));
                        told.gone.iter().for_each(|agent| drop(self.core.remove(agent).unwrap()));
                        self.core.extend(told.changed.iter().map(|host| (host.agent.clone(), host.clone())));
                        if let Some(only) = &told.only {
                            self.core.retain(|agent, _| only.contains(agent));
                        }
                    }
                    Record::Alert(alert) => {
                        assert_eq!(alert.check(), Ok(()));
                        self.alarms.push(alert.rule.id.clone());
                    }
                    other => panic!("{other:?}"),
                }
            }
            for (key, value) in &piece.notes {
                match value {
                    Some(value) => drop(self.notes.insert(key.clone(), value.clone())),
                    None => drop(self.notes.remove(key)),
                }
            }
            self.roll.written(piece);
        }
    }

    fn restart(&mut self) {
        let of = |beginning: &str| {
            let own = self.notes.iter().filter_map(|(key, value)| Some((key.strip_prefix(beginning)?, value)));
            own.map(|(key, value)| (key.to_owned(), value.clone())).collect::<BTreeMap<_, _>>()
        };
        self.roll = Roll::load(of(NOTES), &of(TOLD_ALL));
    }
}

use HostState::{Active, Disconnected, NeverConnected, Pending};

#[test]
fn only_differences_are_told_also_after_a_restart() {
    let mut story = Story::begin();
    let many: Vec<Host> = (1..=1_000).map(|n| host(&format!("{n:03}"), Active)).collect();
    story.look(&many, at(1));
    assert_eq!(story.core.len(), 1_000);
    let first = std::mem::take(&mut story.bytes);
    story.look(&many, at(2));
    story.restart();
    story.look(&many, at(3));
    assert_eq!(story.bytes, 0);
    let mut changed = many.clone();
    changed[0].version = Some("4.14.7".into());
    changed.pop();
    story.look(&changed, at(4));
    story.look(&changed, at(5));
    assert_eq!(story.core.len(), 999);
    assert_eq!(story.core["001"].version.as_deref(), Some("4.14.7"));
    assert!(story.bytes * 100 < first, "{} of {first}", story.bytes);
}

#[test]
fn in_a_new_epoch_all_is_told_and_what_the_core_has_beside_that_is_no_more() {
    let mut story = Story::begin();
    story.look(&[host("001", Active), host("002", Disconnected)], at(1));
    // The notes are gone with the epoch; meanwhile 002 was deleted at the manager.
    story.roll = Roll::default();
    story.look(&[host("001", Active)], at(2));
    assert_eq!(story.core.keys().collect::<Vec<_>>(), ["001"]);
    assert_eq!(story.alarms, [""; 0]);
}

#[test]
fn a_host_that_falls_silent_is_alarmed_once_and_so_is_its_return() {
    let mut story = Story::begin();
    story.look(&[host("001", Active), host("002", Disconnected)], at(1));
    assert_eq!(story.alarms, [""; 0], "002 was silent before");
    for hour in 2..5 {
        story.look(&[host("001", Disconnected), host("002", Disconnected)], at(hour));
        story.restart();
    }
    assert_eq!(story.alarms, ["host-silent"]);
    story.look(&[host("001", Active), host("002", Active)], at(5));
    story.look(&[host("001", Active), host("002", Active)], at(6));
    assert_eq!(story.alarms, ["host-silent", "host-back"]);
}

#[test]
fn a_host_that_never_came_is_alarmed_when_it_is_late_and_when_it_comes() {
    let mut story = Story::begin();
    story.look(&[], at(0));
    story.look(&[host("001", NeverConnected)], at(1));
    assert_eq!(story.alarms, [""; 0]);
    story.look(&[host("001", NeverConnected)], at(24));
    story.look(&[host("001", NeverConnected)], at(48));
    story.look(&[host("001", Active)], at(49));
    assert_eq!(story.alarms, ["host-never-seen", "host-back"]);
}

#[test]
fn hosts_that_were_late_before_the_first_look_wake_nobody_in_any_epoch() {
    let mut story = Story::begin();
    let all = [host("001", NeverConnected), host("002", NeverConnected)];
    story.look(&all, at(48));
    story.look(&all, at(49));
    story.roll = Roll::default();
    story.look(&all, at(50));
    story.look(&all, at(51));
    assert_eq!(story.alarms, [""; 0]);
}

#[test]
fn a_host_that_tries_to_come_back_and_fails_is_alarmed_once() {
    let mut story = Story::begin();
    for (hour, state) in [Active, Disconnected, Pending, Disconnected, Pending, Active].into_iter().enumerate() {
        story.look(&[host("001", state)], at(hour as i64));
    }
    assert_eq!(story.alarms, ["host-silent", "host-back"]);
}

fn many(state: HostState) -> Vec<Host> {
    (1..=500).map(|n| host(&format!("{n:03}"), state)).collect()
}

#[test]
fn many_that_fall_silent_at_once_are_one_alarm_and_so_is_their_return() {
    let mut story = Story::begin();
    story.look(&many(Active), at(1));
    story.look(&many(Disconnected), at(2));
    story.look(&many(Pending), at(3));
    story.look(&many(Active), at(4));
    assert_eq!(story.alarms, ["hosts-silent", "hosts-back"]);
    assert!(story.notes.keys().all(|key| key != BEGUN));
}

#[test]
fn many_that_are_late_at_once_are_one_alarm() {
    let mut story = Story::begin();
    story.look(&many(NeverConnected), at(1));
    story.look(&many(NeverConnected), at(25));
    assert_eq!(story.alarms, ["hosts-never-seen"]);
}

#[test]
fn an_alarm_about_many_is_raised_once_though_the_node_is_killed_before_all_is_written() {
    for pieces in 0..=3 {
        let mut story = Story::begin();
        story.look(&many(Active), at(1));
        story.look_until_killed(&many(Disconnected), at(2), pieces);
        story.restart();
        story.look_until_killed(&many(Disconnected), at(3), 1);
        story.restart();
        story.look(&many(Disconnected), at(4));
        assert_eq!(story.alarms, ["hosts-silent"], "killed after {pieces} pieces");
        assert!(story.core.values().all(|host| host.state == Disconnected));
        story.look(&many(Active), at(5));
        story.look(&many(Disconnected), at(6));
        assert_eq!(story.alarms, ["hosts-silent", "hosts-back", "hosts-silent"]);
    }
}

#[test]
fn a_host_that_one_look_passes_over_is_not_gone() {
    let mut story = Story::begin();
    let all = ["001", "002", "003"].map(|agent| host(agent, HostState::Active));
    story.look(&all, at(1));
    let bytes = story.bytes;
    story.look(&all[..2], at(1));
    story.look(&all, at(1));
    story.look(&all[..2], at(1));
    assert_eq!((story.core.len(), story.bytes), (3, bytes));
    story.look(&all[..2], at(1));
    assert_eq!(story.core.len(), 2);
}

#[test]
fn the_policy_spares_hosts_and_groups() {
    let mut story = Story::begin();
    story.policy.quiet = vec!["host001".into(), "group:laptops".into()];
    let laptop = |state| Host { groups: vec!["laptops".into()], ..host("002", state) };
    story.look(&[host("001", Active), laptop(Active), host("003", Active)], at(1));
    story.look(&[host("001", Disconnected), laptop(Disconnected), host("003", Disconnected)], at(2));
    assert_eq!(story.alarms, ["host-silent"]);
    story.policy.silent = false;
    story.look(&[host("003", Active)], at(3));
    story.look(&[host("003", Disconnected)], at(4));
    assert_eq!(story.alarms, ["host-silent", "host-back"]);
}
