//! A node beside a Wazuh manager (imitated): its hosts at the core, alarms about them, and what analysts ask of them.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use wazuh_imitation::api::{Clock, Imitation, Options};

use crate::support::core::Core;
use crate::support::node::Node;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(30);

/// A core, a node, and the manager beside it.
struct Story {
    core: Core,
    node: Node,
    number: i64,
    manager: Imitation,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

/// What the node's file says of the manager.
fn settings(folder: &Path, manager: &Imitation) -> String {
    let password = folder.join("password");
    std::fs::write(&password, "wazuh-wui\n").expect("write");
    let alerts = folder.join("alerts.json");
    std::fs::write(&alerts, "").expect("write");
    format!(
        "[[source]]\nkind = \"wazuh\"\npath = {alerts:?}\n[wazuh]\nlook_seconds = 5\n[wazuh.api]\nurl = \"{}\"\nuser = \"wazuh\"\n\
         password_file = {password:?}\npin = \"{}\"\n",
        manager.url, manager.fingerprint
    )
}

impl Story {
    fn begin(policy: &str) -> Self {
        let folder = tempfile::tempdir().expect("tempdir");
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        let options = Options { clock: Some(Clock::running()), ..Options::default() };
        let manager = runtime.block_on(Imitation::start(options)).expect("imitation");
        let mut core = Core::start(folder.path(), "");
        let client = core.new_client("Acme");
        let token = core.new_token(client);
        let mut node = Node::new(&folder.path().join("node"), &settings(folder.path(), &manager));
        node.policy(policy);
        node.enrol(&token);
        node.launch();
        let number = wait_for("the node", SOON, || core.get("/nodes")["nodes"][0]["id"].as_i64());
        Self { core, node, number, manager, runtime, folder }
    }

    /// Waits until a host of this id is in this state at the core.
    fn host(&self, agent: &str, state: &str) -> Value {
        wait_for(&format!("agent {agent} to be {state}"), SOON, || {
            let hosts = self.core.get("/hosts");
            let found = hosts["hosts"].as_array()?.iter().find(|host| host["agent"] == agent)?.clone();
            (found["state"] == state).then_some(found)
        })
    }

    /// Changes an agent at the manager.
    fn agent(&self, id: &str, fields: &Value) {
        let mut state = self.manager.state();
        let agent = state.agents.iter_mut().find(|agent| agent["id"] == id).expect("agent");
        for (name, value) in fields.as_object().expect("fields") {
            agent[name] = value.clone();
        }
    }

    fn alert(&self, rule: &str) -> Value {
        wait_for(&format!("the alert {rule}"), SOON, || {
            self.core.get(&format!("/alerts?q=rule:{rule}"))["alerts"].as_array()?.first().cloned()
        })
    }

    /// Asks the node for something, and waits for its end.
    fn ask(&mut self, deed: Value) -> Value {
        let asked = self.core.post(&format!("/nodes/{}/commands", self.number), deed);
        self.ended(&asked)
    }

    fn ended(&self, asked: &Value) -> Value {
        wait_for("the command to end", SOON, || {
            let command = self.core.get(&format!("/commands/{}", asked["id"]));
            let open = ["queued", "taken"].contains(&command["state"].as_str()?);
            (!open).then_some(command)
        })
    }

    fn asked_of_manager(&self, method: &str, path: &str) -> usize {
        let state = self.manager.state();
        state.log.iter().filter(|asked| asked.method == method && asked.path == path).count()
    }
}

#[test]
fn a_host_falls_silent_is_restarted_by_an_analyst_and_is_back() {
    let mut story = Story::begin("allow = [\"inventory\", \"restart\"]\n");
    // A real manager reaches no agent that is silent; here the restart stands for whoever starts it at the host.
    story.manager.state().restart_revives = true;
    let host = story.host("001", "active");
    assert_eq!((host["name"].as_str(), host["client_name"].as_str()), (Some("web1"), Some("Acme")));
    story.agent("001", &json!({"status": "disconnected", "status_code": 4}));
    let host = story.host("001", "disconnected");
    assert_eq!(host["why"], "no sign of life");
    let alert = story.alert("host-silent");
    assert_eq!((alert["host"].as_str(), alert["module"].as_str()), (Some("web1"), Some("socme")));
    let restart = story.ask(json!({"deed": "restart_agent", "agent": "001"}));
    assert_eq!(restart["state"], "done", "{restart}");
    story.host("001", "active");
    story.alert("host-back");
    assert_eq!(story.asked_of_manager("PUT", "/agents/restart"), 1);
    for action in ["command.create", "command.end"] {
        let audit = story.core.get(&format!("/audit?action={action}"));
        assert_eq!(audit["entries"][0]["after"], json!({"deed": "restart_agent", "agent": "001"}), "{action}");
    }
    let status = story.core.get(&format!("/nodes/{}", story.number))["status"].clone();
    assert_eq!(status["wazuh"]["version"], "4.14.7");
    assert_eq!(status["allowed"], json!(["inventory", "restart"]));
}

#[test]
fn an_old_manager_tells_its_hosts_too_and_one_that_shows_none_ends_none() {
    let story = Story::begin("");
    let host = story.host("001", "active");
    let told = || story.core.get(&format!("/nodes/{}", story.number))["status"]["wazuh"].clone();
    story.manager.state().version = "4.3.11".into();
    // The version is asked with each token.
    story.manager.state().revoke();
    wait_for("a look at the old one", SOON, || {
        let told = told();
        (told["version"] == "4.3.11" && told["error"].is_null()).then_some(())
    });
    story.agent("001", &json!({"status": "disconnected"}));
    story.host("001", "disconnected");
    // Its user loses the right to read agents: the manager says nothing of that, and gives an empty list.
    story.manager.state().denied = vec!["/agents".into()];
    wait_for("the reason", SOON, || told()["error"].as_str().filter(|why| why.contains("agent:read")).map(drop));
    assert_eq!(story.host("001", "disconnected")["name"], host["name"], "no host ends for that");
}

#[test]
fn a_password_that_is_corrected_is_used_at_once() {
    let story = Story::begin("");
    story.host("001", "active");
    let error = || story.core.get(&format!("/nodes/{}", story.number))["status"]["wazuh"]["error"].clone();
    story.manager.state().password = "another".into();
    story.manager.state().revoke();
    wait_for("the wrong password to be told", SOON, || error().as_str()?.contains("password").then_some(()));
    std::fs::write(story.folder.path().join("password"), "another\n").expect("write");
    wait_for("the manager to be seen again", SOON, || error().is_null().then_some(()));
}

#[test]
fn a_manager_that_is_too_busy_to_tell_its_health_still_tells_its_hosts() {
    let story = Story::begin("");
    story.host("001", "active");
    story.manager.state().canned.extend((0..100).map(|_| {
        serde_json::from_value(json!({"path": "/manager/status", "status": 500, "body": {"title": "x", "error": 1000}}))
            .expect("canned")
    }));
    story.agent("001", &json!({"status": "disconnected"}));
    story.host("001", "disconnected");
    story.alert("host-silent");
    wait_for("the reason", SOON, || {
        let node = story.core.get(&format!("/nodes/{}", story.number));
        node["status"]["wazuh"]["error"].as_str().filter(|why| why.contains("its health is not")).map(drop)
    });
}

#[test]
fn a_command_that_the_client_forbids_never_reaches_the_manager() {
    let mut story = Story::begin("allow = [\"inventory\"]\n");
    story.host("001", "active");
    let refused = story.ask(json!({"deed": "block_address", "agent": "001", "address": "192.0.2.7", "seconds": 600}));
    assert_eq!(refused["state"], "refused", "{refused}");
    assert!(refused["said"].as_str().expect("said").contains("«block»"), "{refused}");
    assert_eq!(story.asked_of_manager("PUT", "/active-response"), 0);
    let ports = story.ask(json!({"deed": "inventory", "agent": "001", "what": "ports"}));
    assert_eq!(ports["state"], "done", "{ports}");
    let known = story.core.get(&format!("/nodes/{}/hosts/001", story.number));
    assert_eq!(known["answers"][0]["answer"], ports["answer"]);
    assert!(known["answers"][0]["answer"]["total"].as_u64().expect("total") > 0, "{known}");
}

#[test]
fn whatever_a_client_allows_is_done_at_the_manager() {
    let mut story = Story::begin(
        "allow = [\"inventory\", \"logtest\", \"rules\", \"restart\", \"group\", \"upgrade\", \"scan\", \"block\"]\n",
    );
    story.host("001", "active");
    let done = |story: &mut Story, deed: Value| {
        let ended = story.ask(deed);
        assert_eq!(ended["state"], "done", "{ended}");
        ended["answer"].clone()
    };
    for what in ["hardware", "ports", "packages", "users", "processes", "sca"] {
        let answer = done(&mut story, json!({"deed": "inventory", "agent": "001", "what": what}));
        assert!(answer.is_object(), "{what}: {answer}");
    }
    done(&mut story, json!({"deed": "add_to_group", "agent": "001", "group": "web"}));
    wait_for("the group at the core", SOON, || {
        let host = story.host("001", "active");
        host["groups"].as_array()?.iter().any(|group| group == "web").then_some(())
    });
    done(&mut story, json!({"deed": "remove_from_group", "agent": "001", "group": "web"}));
    done(&mut story, json!({"deed": "scan_agent", "agent": "001"}));
    done(&mut story, json!({"deed": "block_address", "agent": "001", "address": "192.0.2.7", "seconds": 600}));
    let rules = done(&mut story, json!({"deed": "read_rules", "file": "local_rules.xml"}));
    assert!(rules["text"].as_str().expect("text").contains("100001"), "{rules}");
    let event = "Nov 24 12:00:00 web sshd[99]: Failed password for root from 203.0.113.9 port 4022 ssh2";
    let tested = done(
        &mut story,
        json!({"deed": "logtest", "event": event, "format": "syslog", "location": "/var/log/auth.log"}),
    );
    assert!(tested["alert"].is_boolean(), "{tested}");
    // No response of this time is in the manager's list: the mend is named.
    let block = story.ask(json!({"deed": "block_address", "agent": "001", "address": "192.0.2.7", "seconds": 61}));
    assert_eq!(block["state"], "failed", "{block}");
    assert!(block["said"].as_str().expect("said").contains("ossec.conf"), "{block}");
    // An agent that there is not: the manager says so, and nothing else is touched.
    let nobody = story.ask(json!({"deed": "restart_agent", "agent": "777"}));
    assert_eq!(nobody["state"], "failed", "{nobody}");
}

#[test]
fn a_node_that_is_killed_in_the_middle_of_a_command_does_not_do_it_again() {
    let mut story = Story::begin("allow = [\"restart\"]\n");
    story.host("001", "active");
    // The manager does not answer any more, so the command stays under way.
    story.manager.state().canned.extend((0..1).map(|_| {
        serde_json::from_value(json!({"path": "/agents/restart", "status": 500, "body": {"title": "x", "error": 3021}}))
            .expect("canned")
    }));
    let asked =
        story.core.post(&format!("/nodes/{}/commands", story.number), json!({"deed": "restart_agent", "agent": "001"}));
    wait_for("the restart to be asked for", SOON, || {
        (story.asked_of_manager("PUT", "/agents/restart") > 0).then_some(())
    });
    story.node.kill();
    story.node.launch();
    let ended = story.ended(&asked);
    assert!(["unknown", "done", "failed"].contains(&ended["state"].as_str().expect("state")), "{ended}");
    assert_eq!(story.asked_of_manager("PUT", "/agents/restart"), 1, "{ended}");
}

#[test]
fn what_keeps_a_node_from_its_manager_is_told_apart_with_the_mend() {
    let story = Story::begin("");
    story.host("001", "active");
    let doctor = |story: &Story| {
        let output = crate::support::socme()
            .args(["node", "doctor", "--json", "--config"])
            .arg(&story.node.config)
            .output()
            .expect("doctor");
        let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let text = findings
            .as_array()
            .expect("list")
            .iter()
            .filter(|f| f["check"].as_str().unwrap_or("").starts_with("wazuh"));
        text.map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert!(doctor(&story).contains("may read hosts and health"), "{}", doctor(&story));
    story.manager.state().denied = vec!["/agents".into()];
    assert!(doctor(&story).contains("agent:read"), "{}", doctor(&story));
    story.manager.state().denied.clear();
    story.manager.state().stopped = vec!["wazuh-analysisd".into()];
    assert!(doctor(&story).contains("wazuh-analysisd"), "{}", doctor(&story));
    story.manager.state().stopped.clear();
    story.manager.state().version = "5.0.0".into();
    assert!(doctor(&story).contains("Wazuh 5"), "{}", doctor(&story));
    story.manager.state().version = "4.14.7".into();
    story.manager.state().password = "another".into();
    assert!(doctor(&story).contains("wrong name or password"), "{}", doctor(&story));
    let file = std::fs::read_to_string(&story.node.config).expect("read");
    let pinned = format!("pin = \"{}\"\n", story.manager.fingerprint);
    std::fs::write(&story.node.config, file.replace(&pinned, "")).expect("write");
    let untrusted = doctor(&story);
    assert!(untrusted.contains("self-signed") || untrusted.contains("signed itself"), "{untrusted}");
    let _ = story.core.get("/health");
    drop(story.runtime);
}

fn alert_line(number: u64, at: jiff::Timestamp) -> String {
    let time = at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000");
    format!(
        r#"{{"timestamp":"{time}","rule":{{"level":5,"description":"story {number}","id":"{}"}},"agent":{{"id":"001","name":"web1"}},"manager":{{"name":"mgr"}},"id":"{}.{number}","location":"/var/log/auth.log"}}"#,
        100_000 + number,
        at.as_second()
    )
}

#[test]
fn alerts_of_an_indexer_are_read_once_each_though_the_node_is_killed_and_some_come_late_or_twice() {
    let folder = tempfile::tempdir().expect("tempdir");
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let indexer = wazuh_imitation::indexer::Indexer::new();
    let address = runtime.block_on(indexer.listen()).expect("listen");
    let password = folder.path().join("password");
    std::fs::write(&password, "secret\n").expect("write");
    let mut core = Core::start(folder.path(), "");
    let client = core.new_client("Acme");
    let token = core.new_token(client);
    let settings = format!(
        "[[source]]\nkind = \"wazuh-indexer\"\n[wazuh.indexer]\nurl = \"http://{address}\"\nuser = \"reader\"\npassword_file = {password:?}\n"
    );
    let mut node = Node::new(&folder.path().join("node"), &settings);
    node.enrol(&token);
    node.launch();
    wait_for("the node to have asked", SOON, || {
        let status = node.status()?;
        (status["sources"]["wazuh"]["path"].as_str()?.contains(&address.port().to_string())).then_some(())
    });
    wait_for("the indexer to be asked", SOON, || (!indexer.requests().is_empty()).then_some(()));
    let written = std::cell::Cell::new(0);
    let write = |twice: bool| {
        written.set(written.get() + 1);
        let line = alert_line(written.get(), jiff::Timestamp::now());
        indexer.add_alert(&line);
        if twice {
            indexer.add_alert(&line);
        }
    };
    let all_there = |core: &Core| {
        wait_for("all alerts at the core", SOON, || {
            let alerts = core.get("/alerts?q=source:wazuh&limit=100");
            let alerts = alerts["alerts"].as_array()?.clone();
            let mut rules: Vec<String> =
                alerts.iter().filter_map(|row| Some(row["rule_id"].as_str()?.to_owned())).collect();
            rules.sort();
            assert!(alerts.iter().all(|row| row["count"] == 1), "{alerts:?}");
            let wanted: Vec<String> = (1..=written.get()).map(|number| (100_000 + number).to_string()).collect();
            (rules == wanted).then_some(())
        });
    };
    for round in 0..4 {
        for number in 0..5 {
            write(number == 2);
        }
        if round % 2 == 0 {
            all_there(&core);
        }
        node.kill();
        write(false);
        node.launch();
    }
    all_there(&core);
    let status = wait_for("the source to be live", SOON, || {
        let status = node.status()?["sources"]["wazuh"].clone();
        (status["state"] == "live").then_some(status)
    });
    assert!(status["error"].is_null(), "{status}");
    indexer.behave(|behaviour| behaviour.password = "another".into());
    wait_for("the wrong password to be told", SOON, || {
        let status = node.status()?["sources"]["wazuh"].clone();
        status["error"].as_str()?.contains("password").then_some(())
    });
    std::fs::write(&password, "another\n").expect("write");
    write(false);
    all_there(&core);
}
