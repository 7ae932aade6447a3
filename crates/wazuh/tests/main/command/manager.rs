//! `wazuh info`, `wazuh agents`, `wazuh logtest`.

use super::{ask, ask_with, of, rows};
use crate::manager::{manager, manager_of, requests};

#[tokio::test]
async fn info_tells_of_the_manager_and_of_what_it_may_not_tell() {
    let manager = manager().await;
    manager.state().stopped.push("wazuh-syscheckd".into());
    let told = ask(&manager, &["info"]).await;
    for part in ["mgr", "4.14.7", &manager.fingerprint, "3 active", "1 never connected", "wazuh-syscheckd: stopped"] {
        assert!(told.code == 0 && told.out.contains(part), "{part}: {told:?}");
    }
    let info = &rows(&ask(&manager, &["info", "--json"]).await.out)[0];
    assert_eq!(
        (info["version"].as_str(), info["daemons"]["wazuh-syscheckd"].as_str()),
        (Some("4.14.7"), Some("stopped"))
    );
    manager.state().denied = vec!["/manager/status".into()];
    let partly = ask(&manager, &["info"]).await;
    assert!(partly.code == 5 && partly.out.contains("3 active"), "{partly:?}");
    assert!(partly.err.contains("lacks the permission manager:read"), "{partly:?}");
    let old = ask(&manager_of("4.3.11").await, &["info"]).await;
    assert!(old.code == 0 && old.out.contains("4.3.11") && old.out.contains("3 active"), "{old:?}");
}

#[tokio::test]
async fn agents_are_listed_with_filters_and_without_the_manager() {
    let manager = manager().await;
    let told = ask(&manager, &["agents"]).await;
    let lines: Vec<&str> = told.out.lines().collect();
    assert!(told.code == 0 && lines.len() == 5 && lines[0].starts_with("ID"), "{told:?}");
    assert!(lines[1].contains("web1") && lines[1].contains("4.14.7") && lines[1].contains("2026-05-01T10:00:00Z"));
    assert!(lines.iter().any(|line| line.starts_with("003") && line.contains("never_connected")));
    assert!(!told.out.contains("always"), "000 only where it is asked for");
    assert!(ask(&manager, &["agents", "--with-manager"]).await.out.contains("always"));
    let filters = ["agents", "--json", "--status", "active,never-connected", "--name", "web"];
    let found = rows(&ask(&manager, &filters).await.out);
    assert_eq!(found.iter().map(|agent| agent["id"].as_str().unwrap()).collect::<Vec<_>>(), ["001"]);
    let asked = manager.state().log.last().unwrap().clone();
    assert_eq!((asked.get("status"), asked.get("q")), (Some("active,never_connected"), Some("id!=000;name~web")));
    ask(&manager, &["agents", "--silent-for", "1d", "--platform", "ubuntu", "--agent-version", "4.14.7"]).await;
    let asked = manager.state().log.last().unwrap().clone();
    assert_eq!((asked.get("older_than"), asked.get("os.platform")), (Some("1d"), Some("ubuntu")));
    assert_eq!(asked.get("version"), Some("v4.14.7"));
    for wrong in
        [&["agents", "--name", "a;id=000"][..], &["agents", "--silent-for", "soon"], &["agents", "--status", "x"]]
    {
        let told = ask(&manager, wrong).await;
        assert!(told.code == 2 && !told.err.is_empty(), "{told:?}");
    }
}

#[tokio::test]
async fn a_hostile_name_moves_no_cursor_and_is_the_same_in_json() {
    let manager = manager().await;
    let name = "\u{1b}[2Jweb\u{202e}1\nroot";
    manager.state().agents[1]["name"] = name.into();
    let told = ask(&manager, &["agents"]).await;
    assert!(told.out.contains("\\u{1b}[2Jweb\\u{202e}1\\u{a}root"), "{told:?}");
    assert_eq!(told.out.lines().count(), 5);
    let json = ask(&manager, &["agents", "--json"]).await.out;
    assert!(!json.contains(['\u{1b}', '\u{202e}']));
    assert_eq!(rows(&json)[0]["name"], name);
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let manager = manager().await;
    let mut child = of(&manager, &["agents"]).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait_with_output().await.unwrap().status.success());
}

#[tokio::test]
async fn lines_are_tried_in_one_session_and_a_rule_that_must_match_decides() {
    let manager = manager().await;
    let lines = "Failed password\nInvalid user eve\u{1b}[2J\n\n";
    let told = ask_with(&manager, &["logtest"], lines).await;
    let said: Vec<&str> = told.out.lines().collect();
    assert!(told.code == 0 && said.len() == 2, "{told:?}");
    assert!(said[0].starts_with("no rule") && said[1].starts_with("rule 5710, level 5: sshd"), "{told:?}");
    assert!(manager.state().sessions.is_empty(), "the session was ended");
    assert_eq!(requests(&manager, "/logtest/sessions/"), 1);
    let matched = ask(&manager, &["logtest", "Invalid user eve", "--expect", "5710", "--json"]).await;
    assert_eq!((matched.code, rows(&matched.out)[0]["output"]["rule"]["id"].as_str()), (0, Some("5710")));
    let other = ask(&manager, &["logtest", "Invalid user eve", "--expect", "5712"]).await;
    assert!(other.code == 1 && other.err.contains("rule 5712 did not match"), "{other:?}");
    manager.state().broken = true;
    let broken = ask(&manager, &["logtest", "a line"]).await;
    assert!(broken.code == 1 && broken.err.contains("etc/rules/own.xml"), "{broken:?}");
}
