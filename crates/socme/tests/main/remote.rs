//! `socme` for people at a terminal and for scripts, against a core that runs.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::core::Core;
use crate::support::node::Node;
use crate::support::person::Person;
use crate::support::{Process, wait_for};

const PASSPHRASE: &str = "three large boats at dawn";
const LIMIT: Duration = Duration::from_secs(40);

/// A core with two clients and a node at the first of them, whose Wazuh says what a test wants.
struct Soc {
    core: Core,
    url: String,
    folder: tempfile::TempDir,
    alerts: PathBuf,
    _node: Node,
}

impl Soc {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("tempdir");
        let alerts = folder.path().join("alerts.json");
        std::fs::write(&alerts, "").expect("write");
        let mut core = Core::start(folder.path(), "");
        let acme = core.new_client("Acme");
        core.new_client("City Library");
        let token = core.new_token(acme);
        let sources = format!("[[source]]\nkind = \"wazuh\"\npath = {alerts:?}\nstart = \"beginning\"\n");
        let mut node = Node::new(&folder.path().join("node"), &sources);
        node.enrol(&token);
        node.launch();
        let url = format!("http://{}", core.people);
        Self { core, url, folder, alerts, _node: node }
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

#[test]
fn an_administrator_signs_in_works_through_alerts_and_signs_out() {
    let soc = Soc::new();
    soc.happens(5710, "sshd: one");
    soc.happens(5711, "sshd: two");
    soc.has(2);
    let admin = soc.person("admin");
    assert_eq!(admin.run(&["alerts", "list"]).code, 3, "nobody is signed in yet");

    let seen = admin.login(&[&soc.url, "--role", "analyst"], "admin", PASSPHRASE);
    assert!(!seen.contains(PASSPHRASE), "the passphrase was shown: {seen}");
    assert_eq!(mode(&admin.login_file()), 0o600);
    let who = &admin.does(&["whoami", "--json"]).json()[0];
    assert_eq!((text(&who["me"], "role"), text(&who["key"], "role")), ("analyst", "analyst"));
    assert!(text(&who["key"], "name").starts_with("socme on "), "{who}");
    let sessions = soc.core.get("/me/sessions");
    assert_eq!(sessions["sessions"].as_array().map(Vec::len), Some(1), "signing in leaves no session: {sessions}");

    let list = admin.does(&["alerts", "list", "--json", "rule:5710,5711"]).json();
    assert_eq!(list.len(), 2);
    let (newest, oldest) = (text(&list[0], "ref"), text(&list[1], "ref"));
    assert!(newest.starts_with("acme/"), "{newest}");
    let table = admin.does(&["alerts", "list", "severity>=high", "source:wazuh"]).out;
    assert!(table.contains("sshd: one") && table.contains(newest), "{table}");
    assert_eq!(admin.does(&["alerts", "count", "source:wazuh"]).out, "2\n");
    let paged = admin.does(&["alerts", "list", "--ids", "--limit", "1", "source:wazuh"]).out;
    assert_eq!(paged, format!("{newest}\n"));

    // Show, by all that it is called.
    let shown = admin.does(&["alerts", "show", oldest]).out;
    assert!(shown.contains("sshd: one") && shown.contains("203.0.113.9") && shown.contains("arrived"), "{shown}");
    let bare = text(&list[1], "id");
    let in_browser = format!("{}/alerts/{}/{bare}", soc.url, list[1]["client"]);
    for named in [bare, in_browser.as_str()] {
        assert_eq!(text(&admin.does(&["alerts", "show", "--json", named]).json()[0], "id"), bare);
    }
    assert_eq!(admin.run(&["alerts", "show", &format!("city-library/{bare}")]).code, 4);

    // Acknowledge, and close what comes from standard input.
    assert_eq!(admin.does(&["alerts", "ack", oldest, "--comment", "seen"]).out, "1 acknowledged.\n");
    let closed = admin.run_with(&["alerts", "close", "-", "--json"], &format!("{oldest}\n\n{}\n", list[0]));
    assert_eq!(closed.code, 0, "{}", closed.err);
    assert!(closed.json().iter().all(|alert| alert["state"] == "closed" && alert["changed"] == true));
    assert_eq!(admin.does(&["alerts", "close", oldest]).out, "0 closed, 1 so already.\n");
    let history = admin.does(&["alerts", "show", oldest]).out;
    assert!(history.contains("acknowledged by admin") && history.contains("seen"), "{history}");

    // A query that is wrong is pointed at.
    let wrong = admin.run(&["alerts", "list", "state:open sevrity:high"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("  state:open sevrity:high\n             ^"), "{}", wrong.err);

    // An analyst's key manages nothing, whoever made it.
    assert_eq!(admin.run(&["clients", "create", "Another"]).code, 3);
    let key = std::fs::read_to_string(admin.login_file()).expect("read");
    admin.does(&["logout"]);
    assert!(!admin.login_file().exists());
    let key = key.lines().find_map(|line| line.strip_prefix("key = ")).expect("key").trim_matches('"').to_owned();
    let dead = admin.command(&["whoami"]).env("SOCME_URL", &soc.url).env("SOCME_KEY", key).output().expect("run");
    assert_eq!(dead.status.code(), Some(3), "the key is deleted at the core too");
}

#[test]
fn clients_nodes_and_users_are_managed_and_a_viewer_only_reads_their_own() {
    let mut soc = Soc::new();
    soc.happens(5710, "sshd: one");
    soc.has(1);
    let admin = soc.admin();

    // Clients, by name and number.
    let made = &admin.does(&["clients", "create", "Règle & Fils", "--time-zone", "Europe/Paris", "--json"]).json()[0];
    let (slug, id) = (text(made, "slug"), made["id"].to_string());
    admin.does(&["clients", "change", "règle & fils", "--contacts", "Jo\n+33 1"]);
    assert!(admin.does(&["clients", "show", &id]).out.contains("+33 1"));
    let wrong = admin.run(&["clients", "create", "X", "--time-zone", "Mars/Base"]);
    assert_eq!((wrong.code, wrong.err.contains("time_zone")), (2, true), "{}", wrong.err);
    assert_eq!(admin.run(&["clients", "delete", slug]).code, 2, "a script must say the name");
    assert_eq!(admin.run(&["clients", "delete", slug, "--yes", "Règle"]).code, 2);
    let mut terminal = admin.at_terminal(&["clients", "delete", slug]);
    terminal.answer("Type its name to go on: ", "Règle & Fils");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(admin.run(&["clients", "show", slug]).code, 4);
    assert_eq!(admin.run(&["clients", "delete", "acme", "--yes", "Acme"]).code, 1, "it still has a node");

    // Nodes.
    let node = &admin.does(&["nodes", "list", "--json", "--client", "acme"]).json()[0];
    let called = format!("acme/{}", text(node, "name"));
    admin.does(&["nodes", "change", &called, "--site", "Cellar", "--name", "office"]);
    assert!(admin.does(&["nodes", "show", "OFFICE"]).out.contains("Cellar"));
    assert_eq!(admin.does(&["nodes", "disable", "acme/office", "--json"]).json()[0]["state"], "disabled");
    admin.does(&["nodes", "enable", "acme/office"]);
    let command = admin.does(&["nodes", "token", "City Library", "--hours", "2"]);
    assert!(command.out.starts_with("socme node enrol socme1."), "{}", command.out);

    // A viewer is invited, signs in, and may read what they were given.
    let invited = &admin.does(&["users", "invite", "vera", "--client", "acme=viewer", "--json"]).json()[0];
    let token = text(invited, "url").rsplit('#').next().expect("token").to_owned();
    let cookie = soc.core.send("POST", "/session/invitation", Some(json!({"token": token, "passphrase": PASSPHRASE})));
    assert_eq!(cookie.status, 200, "{}", cookie.body);
    let vera = soc.person("vera");
    vera.login(&[&soc.url], "vera", PASSPHRASE);
    let clients: Vec<_> = vera.does(&["clients", "list", "--json"]).json();
    assert_eq!(clients.iter().map(|client| text(client, "slug")).collect::<Vec<_>>(), ["acme"]);
    let id = vera.does(&["alerts", "list", "--ids", "source:wazuh"]).out;
    let id = id.trim();
    let refused = vera.run(&["alerts", "ack", id]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("Your role does not allow this."), "{}", refused.err);
    assert_eq!(vera.run(&["clients", "show", "city-library"]).code, 4);
    assert_eq!(vera.run(&["alerts", "show", &id.replace("acme/", "city-library/")]).code, 4);
    assert_eq!(vera.run(&["users", "list"]).code, 3);

    // A key in a file that others can read is not used; nor is it sent anywhere else.
    std::fs::set_permissions(vera.login_file(), std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let open = vera.run(&["whoami"]);
    assert_eq!((open.code, open.err.contains("chmod 600")), (3, true), "{}", open.err);
    std::fs::set_permissions(vera.login_file(), std::fs::Permissions::from_mode(0o600)).expect("chmod");
    let elsewhere = vera.command(&["whoami"]).env("SOCME_URL", "http://127.0.0.1:9").output().expect("run");
    assert_eq!(elsewhere.status.code(), Some(3));

    // Her key is an administrator's to delete; who is disabled is out.
    let keys = admin.does(&["keys", "list", "--all", "--json"]).json();
    let hers = keys.iter().find(|key| key["user_name"] == "vera").expect("her key");
    admin.does(&["keys", "delete", "--all", &hers["id"].to_string()]);
    assert_eq!(vera.run(&["whoami"]).code, 3);
    admin.does(&["users", "disable", "vera"]);
    let audit = admin.does(&["audit", "list", "--json", "--action", "user", "--from", "1h"]).json();
    assert!(audit.iter().any(|entry| entry["action"] == "user.change"), "{audit:?}");
    let exported = admin.does(&["audit", "export"]).json();
    let head = &admin.does(&["audit", "head", "--json"]).json()[0];
    assert!(exported.iter().any(|entry| entry["link"] == head["link"]), "{head}");
    admin.does(&["users", "delete", "vera", "--yes", "vera"]);
}

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

#[test]
fn hostile_text_reaches_no_terminal() {
    let soc = Soc::new();
    soc.happens(5710, "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}gnp.exe\nSEVERITY  fake");
    soc.has(1);
    let admin = soc.admin();
    let id = admin.does(&["alerts", "list", "--ids", "source:wazuh"]).out;
    let id = id.trim();
    let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    for arguments in [
        &["alerts", "list"] as &[_],
        &["alerts", "list", "--json"],
        &["alerts", "show", id],
        &["alerts", "show", id, "--json"],
    ] {
        let said = admin.does(arguments);
        assert!(said.out.contains("1b"), "what is hostile is shown: {}", said.out);
        assert!(!said.out.chars().any(acts), "{arguments:?}: {:?}", said.out);
    }
    let list = admin.does(&["alerts", "list", "source:wazuh"]).out;
    assert_eq!(list.lines().count(), 2, "a line for the heads and one for the alert: {list}");
    let (code, seen) = admin.at_terminal(&["alerts", "show", id]).end();
    assert_eq!(code, 0, "{seen}");
    assert!(
        !seen.contains("\u{1b}]0;") && !seen.contains("\u{1b}[2J") && !seen.contains(['\u{9b}', '\u{202e}', '\u{7}'])
    );
    assert!(seen.contains("\u{1b}[1m"), "there is colour on a terminal: {seen:?}");
    // Somebody else's name is as hostile as a log's.
    let wrong = admin.run(&["clients", "show", "\u{1b}[31mred"]);
    assert_eq!((wrong.code, wrong.err.contains('\u{1b}')), (4, false), "{:?}", wrong.err);
}

#[test]
fn a_key_from_elsewhere_and_the_environment_work_without_a_terminal() {
    let soc = Soc::new();
    let admin = soc.admin();
    assert_eq!(admin.run(&["login", &soc.url]).code, 2, "there is nobody to ask");
    assert_eq!(admin.run(&["login", "--key", "socme_x", &soc.url]).code, 2, "no key on the command line");
    let mut terminal =
        admin.at_terminal(&["keys", "create", "nightly", "--role", "viewer", "--client", "acme", "--json"]);
    terminal.answer("Passphrase: ", PASSPHRASE);
    let (code, seen) = terminal.end();
    let made: Value = seen.lines().find_map(|line| serde_json::from_str(line.trim()).ok()).unwrap_or_default();
    assert_eq!((code, text(&made["key"], "role")), (0, "viewer"), "{seen}");
    let secret = text(&made, "secret");

    let script = soc.person("script");
    let by_environment = |arguments: &[&str]| {
        let mut command = script.command(arguments);
        command.env("SOCME_URL", &soc.url).env("SOCME_KEY", secret);
        command.output().expect("run")
    };
    let listed = by_environment(&["clients", "list", "--json"]);
    assert!(listed.status.success(), "{listed:?}");
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 1, "only Acme: {listed:?}");
    assert!(!script.login_file().exists());

    let said = script.run_with(&["login", &soc.url, "--key", "-"], &format!("{secret}\n"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(text(&script.does(&["whoami", "--json"]).json()[0]["key"], "name"), "nightly");
    let dead = script.run_with(&["login", &soc.url, "--key", "-"], "socme_0000000000000000000000000000000000000000000");
    assert_eq!(dead.code, 3, "{}", dead.err);
    assert_eq!(script.does(&["whoami"]).code, 0, "a key that is refused replaces nothing");
    let plain = script.run_with(&["login", "http://192.0.2.1", "--key", "-"], secret);
    assert_eq!((plain.code, plain.err.contains("--insecure-http")), (2, true), "{}", plain.err);
}
