//! `socme` for people at a terminal and for scripts, against a core that runs.

mod alerts;
mod hostile;
mod hosts;
mod login;
mod manage;
mod shell;
mod watch;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::core::Core;
use crate::support::node::Node;
use crate::support::person::Person;
use crate::support::wait_for;

const PASSPHRASE: &str = "three large boats at dawn";
const LIMIT: Duration = Duration::from_secs(40);

/// A core with two clients and a node at the first of them, whose Wazuh says what a test wants.
struct Soc {
    core: Core,
    url: String,
    folder: tempfile::TempDir,
    alerts: PathBuf,
    node: Node,
}

impl Soc {
    fn new() -> Self {
        Self::with("", "")
    }

    /// With more in the node's file, and this policy.
    fn with(more: &str, policy: &str) -> Self {
        let folder = tempfile::tempdir().expect("tempdir");
        let alerts = folder.path().join("alerts.json");
        std::fs::write(&alerts, "").expect("write");
        let mut core = Core::start(folder.path(), "");
        let acme = core.new_client("Acme");
        core.new_client("City Library");
        let token = core.new_token(acme);
        let sources = format!("[[source]]\nkind = \"wazuh\"\npath = {alerts:?}\nstart = \"beginning\"\n{more}");
        let mut node = Node::new(&folder.path().join("node"), &sources);
        node.policy(policy);
        node.enrol(&token);
        node.launch();
        let url = format!("http://{}", core.people);
        Self { core, url, folder, alerts, node }
    }

    /// Has Wazuh write an alert of this rule.
    fn happens(&self, rule: u32, description: &str) {
        let line = json!({
            "timestamp": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
            "rule": {"level": 12, "description": description, "id": rule.to_string(), "groups": ["sshd"]},
            "agent": {"id": "001", "name": "web"}, "manager": {"name": "manager"}, "id": format!("1764000000.{rule}"),
            "decoder": {"name": "sshd"}, "data": {"srcip": "203.0.113.9"}, "location": "/var/log/auth.log",
        });
        let mut file = OpenOptions::new().append(true).open(&self.alerts).expect("open");
        writeln!(file, "{line}").expect("write");
    }

    /// Waits until the core has so many of Wazuh's alerts.
    fn has(&self, many: usize) {
        wait_for("the alerts at the core", LIMIT, || {
            (self.core.get("/alerts/count?q=source:wazuh")["count"] == many).then_some(())
        });
    }

    /// Enrols a machine at the other client; it never speaks again.
    fn second_node(&mut self) {
        let clients = self.core.get("/clients");
        let library =
            clients["clients"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "City Library"));
        let token = self.core.new_token(library.and_then(|one| one["id"].as_i64()).expect("the library"));
        Node::new(&self.folder.path().join("second"), "").enrol(&token);
    }

    /// Somebody with this key from the environment's file.
    fn person(&self, name: &str) -> Person {
        Person::new(self.folder.path(), name)
    }

    /// The administrator, signed in.
    fn admin(&self) -> Person {
        let admin = self.person("admin");
        admin.login(&[&self.url], "admin", PASSPHRASE);
        admin
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("metadata").permissions().mode() & 0o777
}
