//! Hosts, commands to their nodes, and vulnerabilities, at a terminal and in scripts.

use serde_json::{Value, json};
use wazuh_imitation::api::{Canned, Clock, Imitation, Options};
use wazuh_imitation::indexer::Indexer;

use super::{LIMIT, PASSPHRASE, Soc, text};
use crate::support::person::{Person, Said};
use crate::support::wait_for;

/// A SOC whose node knows a Wazuh manager and its indexer, both imitated.
struct Watched {
    soc: Soc,
    manager: Imitation,
    indexer: Indexer,
    _runtime: tokio::runtime::Runtime,
    _passwords: tempfile::TempDir,
}

const ALL: &str = "allow = [\"inventory\", \"logtest\", \"rules\", \"restart\", \"group\", \"upgrade\", \"scan\"]\n";

impl Watched {
    /// With something of the manager changed before anybody looks.
    fn begin(policy: &str, change: impl FnOnce(&Imitation)) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        let options = Options { clock: Some(Clock::running()), ..Options::default() };
        let manager = runtime.block_on(Imitation::start(options)).expect("imitation");
        change(&manager);
        let indexer = Indexer::new();
        let address = runtime.block_on(indexer.listen()).expect("listen");
        let passwords = tempfile::tempdir().expect("tempdir");
        let write = |name: &str, text: &str| {
            let path = passwords.path().join(name);
            std::fs::write(&path, text).expect("write");
            path
        };
        let (api, reader) = (write("api", "wazuh-wui\n"), write("reader", "secret\n"));
        let settings = format!(
            "[wazuh]\nlook_seconds = 5\n[wazuh.api]\nurl = \"{}\"\nuser = \"wazuh\"\npassword_file = {api:?}\npin = \"{}\"\n\
             [wazuh.indexer]\nurl = \"http://{address}\"\nuser = \"reader\"\npassword_file = {reader:?}\n",
            manager.url, manager.fingerprint
        );
        let soc = Soc::with(&settings, policy);
        wait_for("the hosts at the core", LIMIT, || {
            let hosts = soc.core.get("/hosts");
            (hosts["hosts"].as_array()?.len() == 4).then_some(())
        });
        Self { soc, manager, indexer, _runtime: runtime, _passwords: passwords }
    }

    /// Changes an agent at the manager, and waits until the core knows.
    fn is_silent(&self, id: &str) {
        for agent in self.manager.state().agents.iter_mut().filter(|agent| agent["id"] == id) {
            agent["status"] = "disconnected".into();
        }
        wait_for("the silent host at the core", LIMIT, || {
            let hosts = self.soc.core.get("/hosts?state=disconnected");
            (hosts["hosts"][0]["agent"] == id).then_some(())
        });
    }

    fn restarts(&self) -> usize {
        self.manager.state().log.iter().filter(|asked| asked.path == "/agents/restart").count()
    }
}

fn names(said: &Said) -> Vec<String> {
    said.json().iter().map(|host| text(host, "name").to_owned()).collect()
}

#[test]
fn hosts_are_found_and_their_nodes_do_what_the_client_allows() {
    let mut watched = Watched::begin(ALL, |manager| manager.state().agents[1]["version"] = "Wazuh v4.9.2".into());
    let admin = watched.soc.admin();
    watched.is_silent("002");

    // Who is there, and who is silent.
    assert_eq!(names(&admin.does(&["hosts", "list", "--json"])), ["dc1", "mail", "spare", "web1"]);
    assert_eq!(names(&admin.does(&["hosts", "list", "--json", "--state", "disconnected"])), ["dc1"]);
    assert_eq!(names(&admin.does(&["hosts", "list", "--json", "--behind"])), ["web1"]);
    assert_eq!(names(&admin.does(&["hosts", "list", "--json", "--client", "acme", "AI"])), ["mail"]);
    let some = admin.does(&["hosts", "list", "--limit", "3"]);
    assert_eq!((some.out.lines().count(), some.err.contains("--all")), (4, true), "{}{}", some.out, some.err);
    let list = admin.does(&["hosts", "list"]).out;
    let web = list.lines().find(|line| line.contains("web1")).expect("web1");
    for said in ["/001", "Acme", "active", "4.9.2 (behind)", " s "] {
        assert!(web.contains(said), "{said} in {web}");
    }
    let counts = admin.does(&["hosts", "count"]).out;
    assert!(counts.contains("never connected") && counts.contains("By version"), "{counts}");
    assert_eq!(admin.run(&["hosts", "show", "nobody"]).code, 4);
    let host = admin.does(&["hosts", "show", "ACME/Web1"]).out;
    assert!(host.contains("older than its manager") && host.contains("nothing yet"), "{host}");

    // Reading asks for nothing, and says what was found.
    let ports = admin.does(&["commands", "ask", "inventory", "web1", "ports", "--wait"]).out;
    assert!(ports.starts_with("Done") && ports.contains("listening"), "{ports}");
    let ports = admin.does(&["commands", "ask", "inventory", "web1", "ports", "--wait", "--json"]).json();
    assert_eq!((&ports[0]["state"], &ports[0]["answer"]["items"][0]["port"]), (&json!("done"), &json!(22)));
    let host = admin.does(&["hosts", "show", "web1"]).out;
    assert!(host.contains("ports") && host.contains("socme commands show"), "{host}");

    // What changes something asks whether it is meant, and says what happens.
    let restart = ["commands", "ask", "restart-agent", "acme/web1", "--wait"];
    let script = admin.run(&restart);
    assert_eq!((script.code, script.err.contains("--yes")), (2, true), "{}", script.err);
    assert_eq!(watched.restarts(), 0);
    let mut terminal = admin.at_terminal(&restart);
    terminal.answer("nothing of it is watched. Go on? [y/N] ", "n");
    assert_eq!(terminal.end().0, 1);
    assert_eq!(watched.restarts(), 0);
    let mut terminal = admin.at_terminal(&restart);
    terminal.answer("Go on? [y/N] ", "y");
    let (code, seen) = terminal.end();
    assert_eq!((code, seen.contains("the restart was sent to agent 001")), (0, true), "{seen}");
    assert_eq!(watched.restarts(), 1);

    // Each end has a code of its own.
    let block = ["commands", "ask", "block-address", "web1", "203.0.113.9", "--yes", "--wait"];
    let refused = admin.run(&block);
    assert_eq!((refused.code, refused.err.contains("policy")), (5, true), "{}", refused.err);
    let wrong = admin.run(&["commands", "ask", "block-address", "web1", "everybody", "--yes"]);
    assert_eq!((wrong.code, wrong.err.contains("address: give an IP address")), (2, true), "{}", wrong.err);
    let failed = admin.run(&["commands", "ask", "read-rules", "1", "none.xml", "--wait"]);
    assert_eq!((failed.code, failed.err.contains("It failed")), (1, true), "{}", failed.err);
    // The manager gave up waiting for its own work, and cannot tell what became of it.
    let slow = json!({ "title": "Wazuh Internal Error", "detail": "Timeout executing API request", "error": 3021 });
    watched.manager.state().canned.extend((0..3).map(|_| Canned::new("/agents/restart", 500, slow.clone())));
    let unknown = admin.run(&["commands", "ask", "restart-agent", "web1", "--yes", "--wait"]);
    assert_eq!((unknown.code, unknown.err.contains("look at the host")), (7, true), "{}", unknown.err);
    watched.soc.node.kill();
    let expired = admin.run(&["commands", "ask", "scan-agent", "web1", "--yes", "--within", "1", "--wait"]);
    assert_eq!((expired.code, expired.err.contains("nothing was done")), (6, true), "{}", expired.err);
    let waits = &admin.does(&["commands", "ask", "scan-agent", "web1", "--yes", "--json"]).json()[0];
    let number = waits["id"].to_string();
    admin.does(&["commands", "withdraw", &number]);
    assert_eq!(admin.run(&["commands", "wait", &number]).code, 6);
    assert_eq!(admin.run(&["commands", "withdraw", &number]).code, 1, "it is withdrawn already");

    // All of it is on record.
    let list = admin.does(&["commands", "list", "--host", "web1"]).out;
    for state in ["done", "refused", "unknown", "expired", "withdrawn"] {
        assert!(list.contains(state), "{state} in {list}");
    }
    let restarts = admin.does(&["commands", "list", "--deed", "restart-agent", "--json"]).json();
    assert_eq!(restarts.iter().map(|one| text(one, "state")).collect::<Vec<_>>(), ["unknown", "done"]);
    let shown = admin.does(&["commands", "show", &number]).out;
    assert!(shown.contains("scan agent 001") && shown.contains("by admin"), "{shown}");
}

#[test]
fn a_vulnerability_is_looked_for_everywhere_and_who_has_not_answered_is_named() {
    let mut watched = Watched::begin(ALL, |_| {});
    for (agent, name) in [("001", "web1"), ("002", "dc1")] {
        let found = json!({
            "agent": { "id": agent, "name": name }, "package": { "name": "openssl", "version": "3.0.2" },
            "vulnerability": { "id": "CVE-2026-12345", "severity": "Critical", "score": { "base": 9.8 } },
        });
        watched.indexer.add("wazuh-states-vulnerabilities-mgr", &found.to_string());
    }
    wait_for("the node to tell of its indexer", LIMIT, || {
        let nodes = watched.soc.core.get("/nodes");
        (!nodes["nodes"][0]["status"]["wazuh"]["indexer"].is_null()).then_some(())
    });
    watched.soc.second_node();
    let admin = watched.soc.admin();

    let found = admin.does(&["vulnerable", "cve-2026-12345"]).out;
    for said in ["web1", "dc1", "openssl", "critical", "9.8", "City Library", "it knows no Wazuh indexer"] {
        assert!(found.contains(said), "{said} in {found}");
    }
    let lines = admin.does(&["vulnerable", "CVE-2026-12345", "--json", "--client", "acme"]).json();
    let called =
        |line: &Value| (text(line, "ref").split('/').nth(1).expect("agent").to_owned(), line["client_name"].clone());
    let mut hosts: Vec<_> = lines.iter().map(called).collect();
    hosts.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(hosts, [("001".to_owned(), json!("Acme")), ("002".to_owned(), json!("Acme"))]);
    assert!(admin.does(&["vulnerable", "CVE-2026-99999"]).out.contains("No host is known"));
    assert_eq!(admin.run(&["vulnerable", "openssl"]).code, 2);

    // A node that is away is not taken for one that has nothing.
    watched.soc.node.kill();
    let part = admin.run(&["vulnerable", "CVE-2026-12345", "--patience", "0"]);
    assert_eq!((part.code, part.err.contains("This is not the whole")), (1, true), "{}", part.err);
    assert!(part.out.contains("it has not come for the question"), "{}", part.out);
}

#[test]
fn a_key_that_only_reads_asks_nothing_of_a_node_and_a_clients_key_sees_its_hosts_alone() {
    let watched = Watched::begin(ALL, |_| {});
    let url = watched.soc.url.as_str();
    let viewer = watched.soc.person("viewer");
    viewer.login(&[url, "--role", "viewer"], "admin", PASSPHRASE);
    assert_eq!(names(&viewer.does(&["hosts", "list", "--json"])).len(), 4);
    let refused = |person: &Person, arguments: &[&str]| {
        let said = person.run(arguments);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{arguments:?}: {}", said.err);
        assert!(said.err.contains("Your role does not allow this."), "{}", said.err);
    };
    refused(&viewer, &["commands", "ask", "restart-agent", "web1", "--yes", "--wait"]);
    refused(&viewer, &["commands", "ask", "inventory", "web1", "ports"]);
    refused(&viewer, &["vulnerable", "CVE-2026-12345"]);
    assert_eq!(watched.restarts(), 0);
    let library = watched.soc.person("library");
    library.login(&[url, "--client", "city-library"], "admin", PASSPHRASE);
    assert!(library.does(&["hosts", "list"]).err.contains("No host matches."));
    assert_eq!(library.run(&["hosts", "show", "web1"]).code, 4);
    assert_eq!(library.run(&["commands", "ask", "restart-agent", "1/001", "--yes"]).code, 4);
}

#[test]
fn what_a_hostile_agent_says_of_itself_reaches_no_terminal() {
    const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}gnp.exe\nHOST  fake";
    let watched = Watched::begin(ALL, |manager| {
        let mut state = manager.state();
        state.agents[1]["name"] = HOSTILE.into();
        state.agents[1]["os"]["name"] = HOSTILE.into();
        let port = json!({ "protocol": HOSTILE, "local": { "ip": "0.0.0.0", "port": 22 }, "process": HOSTILE });
        state.inventory.insert(("001".into(), "ports".into()), vec![port]);
    });
    let admin = watched.soc.admin();
    let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    let host = admin.does(&["hosts", "list", "--json"]).json().iter().find(|host| host["agent"] == "001").expect("it")
        ["ref"]
        .clone();
    let host = host.as_str().expect("its name");
    for arguments in [
        &["hosts", "list"] as &[_],
        &["hosts", "list", "--json"],
        &["hosts", "show", host],
        &["commands", "ask", "inventory", host, "ports", "--wait"],
        &["commands", "show", "1"],
        &["commands", "show", "1", "--json"],
    ] {
        let said = admin.does(arguments);
        assert!(said.out.contains("1b"), "what is hostile is shown: {}", said.out);
        assert!(!format!("{}{}", said.out, said.err).chars().any(acts), "{arguments:?}: {:?}", said.out);
    }
    let list = admin.does(&["hosts", "list"]).out;
    assert_eq!(list.lines().count(), 5, "a line for the heads and one for each host: {list}");
    let mut terminal = admin.at_terminal(&["commands", "ask", "restart-agent", host]);
    terminal.answer("Go on? [y/N] ", "n");
    let (_, seen) = terminal.end();
    assert!(!seen.contains("\u{1b}]0;") && !seen.contains(['\u{9b}', '\u{202e}', '\u{7}']), "{seen:?}");
}
