//! `socme node doctor`: what a person is told of a node that is well, and of one that is not.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::sensor::{run, shipped};
use crate::support::core::Core;
use crate::support::node::Node;
use crate::support::{free_address, socme, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

/// What the doctor found.
struct Findings {
    list: Vec<Value>,
    code: Option<i32>,
}

impl Findings {
    fn of(config: &Path) -> Self {
        let output = socme().args(["node", "doctor", "--json", "--config"]).arg(config).output().expect("run doctor");
        let list = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        Self { list, code: output.status.code() }
    }

    fn all(&self, check: &str) -> Vec<&Value> {
        self.list.iter().filter(|finding| finding["check"] == check).collect()
    }

    /// The one finding of a check, which must be in this state: what it says, and its mend.
    fn one(&self, check: &str, state: &str) -> (&str, &str) {
        let found = self.all(check);
        assert_eq!(found.len(), 1, "{check}: {:#?}", self.list);
        assert_eq!(found[0]["state"], state, "{check}: {:#?}", self.list);
        (found[0]["says"].as_str().expect("says"), found[0]["mend"].as_str().unwrap_or(""))
    }

    fn wrong(&self) -> Vec<&Value> {
        self.list.iter().filter(|finding| finding["state"] == "wrong").collect()
    }
}

/// A log that Suricata itself wrote, with these rules, about a capture of the demo's traffic.
fn eve(folder: &Path, rules: &Path) -> PathBuf {
    let capture = folder.join("traffic.pcap");
    run(socme().args(["demo-traffic", "capture", "--out"]).arg(&capture));
    let mut suricata = Command::new("suricata");
    suricata.arg("-c").arg(shipped("suricata/suricata.yaml")).arg("-S").arg(rules).arg("-l").arg(folder);
    run(suricata.arg("-r").arg(&capture));
    folder.join("eve.json")
}

/// Suricata reads a capture in no time; one that has just started may still be loading its rules.
fn make_older(eve: &Path) {
    let text = std::fs::read_to_string(eve).expect("read");
    let lines = text.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).expect("JSON");
        if record["event_type"] == "stats" {
            record["stats"]["uptime"] = json!(60);
        }
        format!("{record}\n")
    });
    std::fs::write(eve, lines.collect::<String>()).expect("write");
}

fn source(eve: &Path) -> String {
    format!("[[source]]\nkind = \"suricata\"\npath = {eve:?}\nstart = \"beginning\"\n")
}

/// Waits until a node has told how it is, its source included.
fn wait_for_status(node: &Node) {
    wait_for("the node to have read its source", LIMIT, || {
        let status = node.status()?;
        let read = status["sources"]["suricata"]["events"].as_u64()? > 0;
        (read && status["uplink"]["connected"] == true).then_some(())
    });
}

#[test]
fn a_node_that_is_well_is_told_so_and_one_without_its_core_is_told_the_mend() {
    let folder = tempfile::tempdir().expect("tempdir");
    let eve = eve(folder.path(), &shipped("suricata/socme.rules"));
    let mut core = Core::start(folder.path(), "");
    let client = core.new_client("Acme");
    let token = core.new_token(client);
    let mut node = Node::new(&folder.path().join("node"), &source(&eve));
    node.enrol(&token);
    node.launch();
    wait_for_status(&node);
    // Suricata writes it no more; a line of ours stands for its next one.
    let mut log = OpenOptions::new().append(true).open(&eve).expect("open");
    log.write_all(b"{\"event_type\":\"flow\"}\n").expect("write");

    let well = Findings::of(&node.config);
    for check in ["settings", "policy", "enrolled", "owner", "certificate", "clock", "service", "spool"] {
        well.one(check, "fine");
    }
    for check in ["source-file", "source-rights", "source-writing", "source-content", "source-reading"] {
        well.one(check, "fine");
    }
    let (core_says, _) = well.one("core", "fine");
    assert!(core_says.starts_with(&core.nodes.to_string()) && core_says.contains("«Acme»"), "{core_says}");
    let (rules, _) = well.one("suricata-rules", "fine");
    assert!(!rules.contains(" 0 rules"), "{rules}");
    assert_eq!((well.code, well.wrong()), (Some(0), Vec::new()));

    core.kill();
    let alone = Findings::of(&node.config);
    let (says, mend) = alone.one("core", "wrong");
    assert_eq!(says, format!("{}: nothing listens there", core.nodes));
    assert!(mend.contains("sudo systemctl status socme-core"), "{mend}");
    alone.one("clock", "not-applicable");
    assert_eq!((alone.code, alone.wrong().len()), (Some(1), 1), "{:#?}", alone.list);
    let output = socme().args(["node", "doctor", "--config"]).arg(&node.config).output().expect("run doctor");
    let table = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        table.contains(&format!("\nCore\n  ✗ WRONG    {}: nothing listens there\n             → ", core.nodes)),
        "{table}"
    );
    assert!(table.contains("\n1 wrong, ") && !table.contains('\u{1b}'), "{table}");

    assert_eq!(node.stop(), Some(0));
}

#[test]
fn each_no_of_a_core_is_told_apart() {
    let folder = tempfile::tempdir().expect("tempdir");
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    std::fs::create_dir_all(&here).expect("create");
    std::fs::create_dir_all(&there).expect("create");
    let (mut core, other) = (Core::start(&here, ""), Core::start(&there, ""));
    let client = core.new_client("Acme");
    let token = core.new_token(client);
    let node = Node::new(&folder.path().join("node"), "");
    node.enrol(&token);
    let id = core.get("/nodes")["nodes"][0]["id"].as_i64().expect("id");

    // The node knows three addresses: its core's, another core's, and one where nothing listens.
    let about = node.data.join("identity/node.json");
    let mut text: Value = serde_json::from_slice(&std::fs::read(&about).expect("read")).expect("JSON");
    let nobody = free_address();
    text["addresses"] = json!([core.nodes.to_string(), other.nodes.to_string(), nobody.to_string()]);
    std::fs::write(&about, text.to_string()).expect("write");
    let found = Findings::of(&node.config);
    let tried = found.all("core");
    assert_eq!(tried.len(), 3, "{tried:#?}");
    assert_eq!(tried[0]["state"], "fine", "{tried:#?}");
    assert_eq!([&tried[1]["state"], &tried[2]["state"]], ["warning", "warning"], "one address works: {tried:#?}");
    let says = |at: usize| tried[at]["says"].as_str().expect("says");
    assert!(says(1).contains("not the core that this node trusts"), "{}", says(1));
    assert!(says(2).contains("nothing listens there"), "{}", says(2));

    core.send("PATCH", &format!("/nodes/{id}"), Some(json!({"disabled": true})));
    let disabled = Findings::of(&node.config);
    let tried = disabled.all("core");
    assert_eq!(tried[0]["state"], "wrong", "{tried:#?}");
    assert!(tried[0]["says"].as_str().expect("says").contains("This node is disabled."), "{tried:#?}");
    core.post(&format!("/nodes/{id}/revoke"), json!({}));
    let revoked = Findings::of(&node.config);
    let mend = revoked.all("core")[0]["mend"].as_str().expect("mend");
    assert!(mend.contains("sudo socme node enrol --force TOKEN"), "{mend}");
    assert_eq!(revoked.code, Some(1));
}

#[test]
fn a_suricata_without_rules_is_wrong_also_on_a_machine_that_is_not_enrolled() {
    let folder = tempfile::tempdir().expect("tempdir");
    let eve = eve(folder.path(), Path::new("/dev/null"));
    make_older(&eve);
    let node = Node::new(&folder.path().join("node"), &source(&eve));
    let found = Findings::of(&node.config);
    let (says, mend) = found.one("suricata-rules", "wrong");
    assert!(says.contains("has loaded no rules"), "{says}");
    assert_eq!(mend, "sudo suricata-update && sudo systemctl restart suricata");
    let (_, mend) = found.one("enrolled", "wrong");
    assert!(mend.contains("sudo socme node enrol TOKEN"), "{mend}");
    found.one("core", "not-applicable");
    found.one("service", "not-applicable");
    assert_eq!(found.code, Some(1));
}

#[test]
fn a_file_that_is_missing_or_wrong_is_a_finding() {
    let folder = tempfile::tempdir().expect("tempdir");
    let missing = Findings::of(&folder.path().join("node.toml"));
    missing.one("settings", "wrong");
    let node = Node::new(folder.path(), "[spool]\nlimt = 5\n");
    let wrong = Findings::of(&node.config);
    let (says, _) = wrong.one("settings", "wrong");
    assert!(says.contains("node.toml:4") && says.contains("limt"), "{says}");
    assert_eq!((missing.code, wrong.code), (Some(1), Some(1)));
}
