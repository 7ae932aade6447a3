//! Watching, while the core comes and goes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{LIMIT, Soc, text};
use crate::support::{Process, wait_for};

#[test]
fn whoever_watches_sees_each_alert_once_though_the_core_goes_away() {
    let mut soc = Soc::new();
    soc.happens(5700, "sshd: before");
    soc.has(1);
    let admin = soc.admin();
    let command = admin.command(&["alerts", "watch", "--json", "--limit", "4", "source:wazuh", "-rule:5799"]);
    let mut watch = Process::start("watch", command);
    watch.wait_for_line("that it watches", LIMIT, |line| line.contains("Watching").then_some(()));
    let mut seen = Vec::new();
    let mut next = |watch: &mut Process| {
        let found = watch.wait_for_line("an alert", LIMIT, |line| serde_json::from_str::<Value>(line).ok());
        seen.push((text(&found, "rule_id").to_owned(), text(&found, "id").to_owned()));
    };
    soc.happens(5701, "sshd: while it watches");
    next(&mut watch);
    soc.core.kill();
    watch.wait_for_line("that the core is away", LIMIT, |line| line.contains("Trying again").then_some(()));
    soc.happens(5702, "sshd: while the core is away");
    soc.happens(5799, "sshd: of no interest");
    soc.core.launch();
    next(&mut watch);
    soc.happens(5703, "sshd: after it came back");
    next(&mut watch);
    soc.happens(5704, "sshd: the last one");
    next(&mut watch);
    assert_eq!(seen.iter().map(|(rule, _)| rule.as_str()).collect::<Vec<_>>(), ["5701", "5702", "5703", "5704"]);
    assert_eq!(seen.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len(), 4);
    wait_for("the watch to end after its last alert", LIMIT, || (!watch.alive()).then_some(()));
}
