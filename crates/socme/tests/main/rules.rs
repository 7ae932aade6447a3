//! The shipped Suricata rules, against the demo's own traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::sensor::{fired, read, run, shipped, socme};

/// The scenarios and the rules that must see them, as `socme demo-traffic list` tells.
fn scenarios() -> BTreeMap<String, BTreeSet<u64>> {
    let list = run(socme().args(["demo-traffic", "list"]));
    list.lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap().to_owned();
            (name, words.map_while(|w| w.parse().ok()).collect())
        })
        .collect()
}

/// Each rule's text by its number.
fn rules() -> BTreeMap<u64, String> {
    let text = std::fs::read_to_string(shipped("suricata/socme.rules")).unwrap();
    let rules = text.lines().filter(|l| l.starts_with("alert "));
    rules
        .map(|rule| {
            let (_, rest) = rule.split_once("sid:").unwrap();
            (rest.split(';').next().unwrap().parse().unwrap(), rule.to_owned())
        })
        .collect()
}

#[test]
fn suricata_takes_every_rule_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let mut suricata = Command::new("suricata");
    suricata.arg("-T").arg("-c").arg(shipped("suricata/suricata.yaml")).arg("-S").arg(shipped("suricata/socme.rules"));
    run(suricata.arg("-l").arg(folder.path()));
    let log = std::fs::read_to_string(folder.path().join("suricata.log")).unwrap();
    assert!(log.contains(&format!("{} rules successfully loaded, 0 rules failed", rules().len())), "{log}");
    assert!(!log.contains("Warning") && !log.contains("Error"), "{log}");
}

#[test]
fn every_rule_says_how_bad_it_is_and_what_the_attacker_wants() {
    for (sid, rule) in rules() {
        assert!((9_000_001..=9_000_999).contains(&sid), "{sid} is outside our range");
        for part in ["msg:\"SOCme ", "classtype:", "; rev:", "signature_severity ", "created_at ", "updated_at "] {
            assert!(rule.contains(part), "{sid} lacks «{part}»");
        }
        let test = rule.contains("signature_severity Informational, confidence High, created_at");
        assert!(test || rule.contains("mitre_technique_id T"), "{sid} names no technique");
    }
}

#[test]
fn each_scenario_is_seen_by_its_rules_and_by_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = BTreeSet::new();
    for (name, expected) in scenarios() {
        let capture = folder.path().join(format!("{name}.pcap"));
        run(socme().args(["demo-traffic", "capture", "--scenario", &name, "--out"]).arg(&capture));
        let events = read(&capture);
        let got: BTreeSet<u64> = fired(&events).into_keys().collect();
        assert_eq!(got, expected, "scenario {name}");
        // Wrong checksums or sequence numbers would be seen by nobody but us.
        let stats = events.iter().rfind(|e| e["event_type"] == "stats").unwrap();
        assert_eq!(stats["stats"]["decoder"]["invalid"], 0, "{name}");
        assert_ne!(stats["stats"]["decoder"]["pkts"], 0, "{name}");
        seen.extend(got);
    }
    let all: BTreeSet<u64> = rules().into_keys().collect();
    assert_eq!(seen, all, "a rule that no scenario tries");
}
