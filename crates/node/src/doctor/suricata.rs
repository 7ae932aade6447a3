//! Suricata itself: does it run, has it rules, does it see the traffic, does it keep up? Debian's Suricata has no rules
//! when it is installed, and says so in one line of its log only.

use std::path::Path;

use wire::status::SuricataStatus;

use super::Node;
use super::finding::{AS_ROOT, Check, Finding, quoted};
use super::lines::End;
use super::process::{self, Suricata};
use crate::normalise::suricata::{Kind, Sieve, stats};
use crate::status::span;

/// Suricata needs so many seconds to load its rules.
const LOADING: u64 = 20;
/// A larger share of lost packets makes a node blind in part.
const LOST: f64 = 0.01;

const PROC: &str = "/proc";
const RULES: &str = "sudo suricata-update && sudo systemctl restart suricata";

/// Everything about the Suricata that writes `log`.
pub(super) fn look(node: &Node, log: &Path, end: Option<&End>, fresh: bool, group: &str) -> Vec<Finding> {
    let (process, found) = process(log, fresh, group);
    let config = found.map_or_else(|| "/etc/suricata/suricata.yaml".into(), |found| quoted(&found.config));
    let said = end.map(figures).unwrap_or_default();
    // On a busy network the end of the log is too short to hold them, but the node has read them all.
    let known = said.last.or_else(|| node.status.as_ref()?.suricata.clone());
    let mut findings = vec![process];
    match known {
        None if end.is_none() => findings.push(
            Check::of(group, "suricata-rules").unknown("whether it has rules stands in its log, which cannot be read", AS_ROOT),
        ),
        None => findings.push(Check::of(group, "suricata-rules").warning(
            "Suricata's figures are not in its log, so nobody knows whether it has rules and loses packets",
            format!("in {config}: «stats: enabled: yes», and «- stats: {{totals: yes, threads: no}}» among the types of eve-log; then sudo systemctl restart suricata"),
        )),
        Some(known) => {
            let age = known.time.map(|time| node.now.duration_since(time).as_secs()).filter(|age| *age > 120);
            let when = age.map(|age| format!(" (as it said {} ago)", span(age))).unwrap_or_default();
            findings.push(rules(&known, &when, group));
            findings.push(drops(&known, &when, &config, group));
            findings.push(traffic(&known, said.before.as_ref(), &when, &config, group));
        }
    }
    findings
}

/// Whether it runs, and the process that was found.
pub(super) fn process(log: &Path, fresh: bool, group: &str) -> (Finding, Option<Suricata>) {
    let check = Check::of(group, "suricata-process");
    let found = process::find(Path::new(PROC), log);
    let finding = match &found {
        None if fresh => check.warning(
            "no process of Suricata is to be seen, and yet its log is written",
            "nothing, if it runs in a container or on another machine",
        ),
        None if process::hidden(Path::new(PROC)) => check.unknown("this user sees no processes of others", AS_ROOT),
        None => check.wrong("Suricata does not run", "sudo systemctl enable --now suricata"),
        Some(one) if one.writes == Some(false) && !fresh => check.wrong(
            format!("Suricata runs (process {}), but does not write this file", one.pid),
            format!(
                "after a rotation: sudo kill -HUP {}; otherwise compare the filename of eve-log in {} with source.path",
                one.pid,
                quoted(&one.config)
            ),
        ),
        Some(one) => check.fine(format!("Suricata runs (process {}), with {}", one.pid, one.config.display())),
    };
    (finding, found)
}

/// The last two of Suricata's own records.
#[derive(Default)]
struct Figures {
    last: Option<SuricataStatus>,
    before: Option<SuricataStatus>,
}

fn figures(end: &End) -> Figures {
    let sieve = Sieve::default();
    let mut lines = end.lines().filter(|line| sieve.kind(line) == Kind::Stats);
    let last = lines.find(|line| stats(line, None).is_some());
    let before = lines.find_map(|line| stats(line, None));
    Figures { last: last.and_then(|line| stats(line, before.as_ref())), before }
}

fn rules(known: &SuricataStatus, when: &str, group: &str) -> Finding {
    let check = Check::of(group, "suricata-rules");
    let (loaded, failed) = (known.rules_loaded, known.rules_failed);
    if loaded == 0 && known.uptime > 0 && known.uptime <= LOADING {
        return check.warning("Suricata has just started, without rules so far", "look again in half a minute");
    }
    if loaded == 0 {
        let says = format!(
            "Suricata has loaded no rules: it sees nothing{when}. SOCme brings some: /usr/share/socme/suricata/socme.rules"
        );
        return check.wrong(says, RULES);
    }
    if failed > 0 {
        let says = format!("{loaded} rules are loaded, {failed} could not be{when}");
        return check.warning(says, "sudo grep -i error /var/log/suricata/suricata.log names them");
    }
    check.fine(format!("{loaded} rules are loaded{when}"))
}

fn drops(known: &SuricataStatus, when: &str, config: &str, group: &str) -> Finding {
    let check = Check::of(group, "suricata-drops");
    let says = format!(
        "{:.1} % of the packets were lost lately, {} since its start{when}",
        known.drop_share * 100.0,
        known.drops
    );
    if known.drop_share > LOST {
        return check.wrong(says, format!("fewer rules, more processors, or af-packet: threads: auto in {config}"));
    }
    check.fine(says)
}

/// Whether packets arrive: the counter must grow between two records.
fn traffic(known: &SuricataStatus, before: Option<&SuricataStatus>, when: &str, config: &str, group: &str) -> Finding {
    let check = Check::of(group, "suricata-traffic");
    let mend = format!(
        "is the interface of af-packet in {config} the one that the switch mirrors to, and is it up? ip -s link"
    );
    if known.packets == 0 && known.uptime > LOADING {
        return check.wrong(format!("Suricata has not seen a single packet since it started{when}"), mend);
    }
    match before {
        Some(before) if before.uptime < known.uptime && before.packets >= known.packets => {
            let seconds = known.uptime - before.uptime;
            check.warning(format!("Suricata saw no packet in the {seconds} s before its last word{when}"), mend)
        }
        _ => check.fine(format!("Suricata sees traffic: {} packets since it started{when}", known.packets)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use std::io::Write as _;

    fn record(uptime: u64, packets: u64, drops: u64, rules: u64) -> String {
        format!(
            "{{\"timestamp\":\"2026-11-24T14:31:29.1+0000\",\"event_type\":\"stats\",\"stats\":{{\"uptime\":{uptime},\"capture\":{{\"kernel_packets\":{packets},\"kernel_drops\":{drops}}},\"detect\":{{\"engines\":[{{\"id\":0,\"rules_loaded\":{rules},\"rules_failed\":2}}]}}}}}}\n"
        )
    }

    fn read(text: &str) -> Figures {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        figures(&End::read(file.path()).unwrap())
    }

    #[test]
    fn the_last_two_records_are_found_among_others() {
        let other = "{\"event_type\":\"flow\",\"note\":\"stats\"}\n";
        let text =
            [&record(8, 100, 0, 5), other, &record(16, 200, 10, 5), other, "{\"event_type\":\"stats\",\"sta"].concat();
        let found = read(&text);
        let last = found.last.unwrap();
        assert_eq!((last.uptime, last.packets, last.rules_loaded), (16, 200, 5));
        assert!((last.drop_share - 0.1).abs() < 1e-9);
        assert_eq!(found.before.unwrap().packets, 100);
        assert!(read(other).last.is_none());
    }

    #[test]
    fn no_rules_are_wrong_and_say_where_there_are_some() {
        let known = |uptime, loaded| SuricataStatus { uptime, rules_loaded: loaded, ..Default::default() };
        let none = rules(&known(60, 0), "", "x");
        assert_eq!(none.state, State::Wrong);
        assert_eq!(none.mend.as_deref(), Some("sudo suricata-update && sudo systemctl restart suricata"));
        assert!(none.says.contains("/usr/share/socme/suricata/socme.rules"));
        assert_eq!(rules(&known(5, 0), "", "x").state, State::Warning);
        assert_eq!(rules(&known(60, 7), "", "x").state, State::Fine);
        assert_eq!(rules(&SuricataStatus { rules_failed: 1, ..known(60, 7) }, "", "x").state, State::Warning);
    }

    #[test]
    fn packets_that_are_lost_or_do_not_come_are_told() {
        let of = |text: &str| read(text);
        let losing = of(&(record(8, 100, 0, 5) + &record(16, 200, 2, 5)));
        let last = losing.last.unwrap();
        assert_eq!(drops(&last, "", "c", "x").state, State::Wrong);
        assert_eq!(traffic(&last, losing.before.as_ref(), "", "c", "x").state, State::Fine);
        let still = of(&(record(8, 100, 0, 5) + &record(16, 100, 0, 5)));
        assert_eq!(traffic(&still.last.unwrap(), still.before.as_ref(), "", "c", "x").state, State::Warning);
        let deaf = of(&record(60, 0, 0, 5));
        assert_eq!(traffic(&deaf.last.unwrap(), None, "", "c", "x").state, State::Wrong);
        let restarted = of(&(record(80, 100, 0, 5) + &record(16, 50, 0, 5)));
        assert_eq!(traffic(&restarted.last.unwrap(), restarted.before.as_ref(), "", "c", "x").state, State::Fine);
    }
}
