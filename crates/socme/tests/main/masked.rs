//! What the client's policy masks never leaves the node: not in its spool, not at the core, not in an answer.

use std::path::Path;
use std::time::Duration;

use crate::support::core::Core;
use crate::support::node::Node;
use crate::support::wait_for;

const SECRET: &str = "jeanne.dupont";

#[test]
fn a_masked_field_is_found_neither_in_the_spool_nor_at_the_core() {
    let folder = tempfile::tempdir().expect("tempdir");
    let alerts = folder.path().join("alerts.json");
    std::fs::write(&alerts, format!("{}\n", wazuh_line())).expect("write");
    let mut core = Core::start(folder.path(), "");
    let client = core.new_client("Acme");
    let token = core.new_token(client);
    let sources = format!("[[source]]\nkind = \"wazuh\"\npath = {alerts:?}\nstart = \"beginning\"\n");
    let mut node = Node::new(&folder.path().join("node"), &sources);
    node.policy("mask = [\"user.name\"]\n");
    node.enrol(&token);
    node.launch();
    let row = wait_for("the alert at the core", Duration::from_secs(30), || {
        core.get("/alerts?q=source:wazuh")["alerts"].as_array().and_then(|rows| rows.first().cloned())
    });
    let details = core.get(&format!("/alerts/{}/{}", row["client"], row["id"].as_str().expect("id"))).to_string();
    assert!(details.contains("sshd: authentication failed"), "the alert itself is there: {details}");
    assert!(!details.contains(SECRET), "{details}");
    assert_eq!(node.stop(), Some(0));
    core.kill();
    for data in [&node.data, &core.data] {
        assert_not_in(data, SECRET);
    }
}

fn assert_not_in(folder: &Path, secret: &str) {
    for entry in std::fs::read_dir(folder).expect("read folder").map(|e| e.expect("entry")) {
        let path = entry.path();
        if path.is_dir() {
            assert_not_in(&path, secret);
        } else if path.is_file() {
            let bytes = std::fs::read(&path).expect("read");
            let found = bytes.windows(secret.len()).any(|w| w.eq_ignore_ascii_case(secret.as_bytes()));
            assert!(!found, "{} holds what is masked", path.display());
        }
    }
}

fn wazuh_line() -> String {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3f+0000");
    format!(
        r#"{{"timestamp":"{now}","rule":{{"level":5,"description":"sshd: authentication failed for {SECRET}.","id":"5760","firedtimes":1,"mail":false,"groups":["syslog","sshd"]}},"agent":{{"id":"001","name":"web","ip":"10.3.0.1"}},"manager":{{"name":"manager"}},"id":"1764000000.1","full_log":"Nov 24 12:00:00 web sshd[99]: Failed password for {SECRET} from 203.0.113.9 port 4022 ssh2","previous_output":"Failed password for {SECRET} from 203.0.113.9","decoder":{{"name":"sshd"}},"data":{{"srcip":"203.0.113.9","dstuser":"{SECRET}"}},"location":"/var/log/auth.log"}}"#
    )
}
