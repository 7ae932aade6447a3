//! Rules, decoders, lists, and trying events.

use wazuh::Kind;
use wazuh::api::{Applied, Contents, LogtestEvent, Query, Ruleset};

use crate::manager::{client, manager, manager_of, requests};

const OWN: &str = "<group name=\"own,\"><rule id=\"100002\" level=\"3\"></rule></group>\n";

#[tokio::test]
async fn rules_are_read_with_the_one_that_stands_there_twice() {
    let manager = manager().await;
    let api = client(&manager);
    let rules = api.rules().all().await.unwrap();
    assert_eq!(rules.iter().filter(|rule| rule.id == Some(100_001)).count(), 2);
    assert_eq!(rules[0].details.as_ref().unwrap()["match"]["pattern"], "x");
    assert_eq!(api.decoders().all().await.unwrap()[0].position, Some(0));
    assert_eq!(
        api.lookups().with("filename", "bad-ips").all().await.unwrap()[0].items.as_ref().unwrap()[0]["key"],
        "192.0.2.7"
    );
    let nested =
        Query::equals("a", "1").unwrap().or(Query::equals("b", "2").unwrap()).and(Query::equals("c", "3").unwrap());
    assert!(api.rules().query(&nested).is_err(), "lists from files know no parentheses");
    assert_eq!(api.ruleset_files(Ruleset::Rules).all().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_file_is_written_read_back_and_in_force_only_when_it_is_applied() {
    let manager = manager().await;
    let api = client(&manager);
    let written = api.write_file(Ruleset::Rules, "own.xml", OWN, false, None).await.unwrap();
    assert_eq!((written.path.as_str(), &written.contents), ("etc/rules/own.xml", &Contents::AsSent));
    assert!(!manager.state().loaded.contains_key("rules/etc/rules/own.xml"));
    assert_eq!(api.apply_ruleset().await.unwrap(), Applied::Reloaded { warnings: Vec::new() });
    assert!(manager.state().loaded.contains_key("rules/etc/rules/own.xml"));
    assert_eq!(api.write_file(Ruleset::Rules, "own.xml", OWN, false, None).await.unwrap_err().code(), Some(1905));
    api.delete_file(Ruleset::Rules, "own.xml", Some("etc/rules")).await.unwrap();
    let error = api.delete_file(Ruleset::Rules, "own.xml", None).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::NotFound, Some(1906)));
}

#[tokio::test]
async fn a_file_that_the_manager_changed_is_told() {
    let manager = manager().await;
    let text = "<group name=\"own,\"><field name=\"a\">=\"x\"</field></group>\n";
    let written = client(&manager).write_file(Ruleset::Rules, "own.xml", text, false, None).await.unwrap();
    assert!(matches!(written.contents, Contents::Changed(back) if back.contains("'=\"x\"")));
}

#[tokio::test]
async fn a_broken_file_is_refused_and_the_old_one_stays() {
    let manager = manager().await;
    let api = client(&manager);
    let before = api.read_file(Ruleset::Rules, "local_rules.xml", None).await.unwrap();
    let code = async |text: &str| {
        api.write_file(Ruleset::Rules, "local_rules.xml", text, true, None).await.unwrap_err().code()
    };
    assert_eq!(code("<group>").await, Some(1113));
    // Good XML that the manager cannot load has the same code.
    assert_eq!(code("<group><rule id=\"100003\"><if_sid>999999</if_sid></rule></group>").await, Some(1113));
    assert_eq!(code("").await, Some(1112));
    assert_eq!(code("  \n").await, Some(1113));
    assert_eq!(api.read_file(Ruleset::Rules, "local_rules.xml", None).await.unwrap(), before);
    let shipped = api.write_file(Ruleset::Rules, "own.xml", OWN, false, Some("ruleset/rules")).await.unwrap_err();
    assert_eq!(shipped.code(), Some(1210));
    let list = api.write_file(Ruleset::Lists, "bad-ips", "no colon\n", true, None).await.unwrap_err();
    assert_eq!(list.code(), Some(1800));
}

#[tokio::test]
async fn a_missing_file_is_an_error_although_raw_text_was_asked_for() {
    let manager = manager().await;
    let api = client(&manager);
    for (part, name, code) in
        [(Ruleset::Rules, "no.xml", 1415), (Ruleset::Decoders, "no.xml", 1503), (Ruleset::Lists, "no", 1802)]
    {
        let error = api.read_file(part, name, None).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::NotFound, Some(code)));
    }
    assert!(api.read_file(Ruleset::Lists, "bad-ips", None).await.unwrap().contains("192.0.2.7:scanner"));
    let before = manager.state().log.len();
    for name in ["../x.xml", "a b.xml", "x", "a.b.xml", ".xml"] {
        assert_eq!(api.read_file(Ruleset::Rules, name, None).await.unwrap_err().kind(), Kind::Input, "{name}");
    }
    assert_eq!(manager.state().log.len(), before);
    assert!(api.read_file(Ruleset::Rules, "a.xml", Some("../etc")).await.is_err());
}

#[tokio::test]
async fn before_4_13_rules_come_into_force_by_a_restart_and_before_4_6_no_folder_is_named() {
    let manager = manager_of("4.12.0").await;
    let api = client(&manager);
    assert_eq!(api.reload_ruleset().await.unwrap_err().kind(), Kind::WrongVersion);
    assert_eq!(api.apply_ruleset().await.unwrap(), Applied::Restarting);
    assert_eq!(requests(&manager, "/manager/restart"), 1);
    let manager = manager_of("4.3.11").await;
    let api = client(&manager);
    let error = api.read_file(Ruleset::Rules, "local_rules.xml", Some("etc/rules")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::WrongVersion);
    api.read_file(Ruleset::Rules, "local_rules.xml", None).await.unwrap();
}

#[tokio::test]
async fn a_reload_of_broken_rules_says_why_and_a_cluster_reloads_every_node() {
    let manager = manager().await;
    let api = client(&manager);
    manager.state().broken = true;
    let error = api.apply_ruleset().await.unwrap_err();
    assert_eq!(error.code(), Some(1914));
    assert!(error.to_string().contains("own.xml"), "{error}");
    manager.state().broken = false;
    manager.state().cluster = true;
    api.reload_ruleset().await.unwrap();
    assert_eq!(requests(&manager, "/cluster/analysisd/reload"), 1);
}

#[tokio::test]
async fn an_event_is_tried_in_a_session_that_is_ended() {
    let manager = manager().await;
    let api = client(&manager);
    let event = LogtestEvent::new("sshd: Invalid user x", "syslog", "/var/log/auth.log");
    let verdict = api.logtest(&event).await.unwrap();
    assert_eq!((verdict.alert, verdict.codemsg), (Some(true), Some(0)));
    assert_eq!(verdict.output.as_ref().unwrap()["rule"]["id"], "5710");
    let token = verdict.token.unwrap();
    let again = api.logtest(&LogtestEvent::new("nothing", "syslog", "x").in_session(&token)).await.unwrap();
    assert_eq!((again.token.as_deref(), again.alert), (Some(token.as_str()), Some(false)));
    assert!(!again.output.unwrap().contains_key("rule"));
    // A session that has ended is another one, with a warning.
    api.end_logtest(&token).await.unwrap();
    assert_eq!(api.end_logtest(&token).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(api.logtest(&event.in_session(&token)).await.unwrap().codemsg, Some(1));
    assert_eq!(api.end_logtest("short").await.unwrap_err().kind(), Kind::Input);
}

#[tokio::test]
async fn rules_that_cannot_be_loaded_are_a_failure_of_logtest_with_the_reason() {
    let manager = manager().await;
    manager.state().broken = true;
    let api = client(&manager);
    let event = LogtestEvent::new("x", "syslog", "y");
    let error = api.logtest(&event).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.to_string().contains("own.xml"), "{error}");
    manager.state().stopped.push("wazuh-analysisd".into());
    assert_eq!(api.logtest(&event).await.unwrap_err().kind(), Kind::NotReady);
}

#[tokio::test]
async fn a_file_that_is_called_as_one_of_wazuhs_own_is_read_back_from_where_it_was_written() {
    let manager = manager().await;
    let api = client(&manager);
    let written = api.write_file(Ruleset::Rules, "0095-sshd_rules.xml", OWN, false, None).await.unwrap();
    assert_eq!((written.path.as_str(), &written.contents), ("etc/rules/0095-sshd_rules.xml", &Contents::AsSent));
    // Before 4.6 there is no way to say which.
    let manager = manager_of("4.3.11").await;
    let written = client(&manager).write_file(Ruleset::Rules, "own.xml", OWN, false, None).await.unwrap();
    assert_eq!(written.contents, Contents::AsSent);
}

#[tokio::test]
async fn a_file_beyond_what_the_manager_takes_is_refused() {
    let manager = manager().await;
    let list = "192.0.2.7:x\n".repeat(900_000);
    let error = client(&manager).write_file(Ruleset::Lists, "large", &list, false, None).await.unwrap_err();
    assert!(matches!(&error, wazuh::Error::Refused { status: 413, .. }), "{error:?}");
}

#[tokio::test]
async fn what_a_reload_warns_of_is_told_and_one_that_is_not_known_becomes_a_restart() {
    let manager = manager().await;
    let api = client(&manager);
    manager.state().warnings = vec!["WARNING: (7612): Rule ID '100001' is duplicated.".into()];
    let Applied::Reloaded { warnings } = api.apply_ruleset().await.unwrap() else { panic!("it was reloaded") };
    assert!(warnings.len() == 1 && warnings[0].contains("7612"), "{warnings:?}");
    for (status, title) in [(404, "Not Found"), (405, "Method Not Allowed")] {
        let body = serde_json::json!({ "title": title, "detail": format!("{status}: {title}") });
        let canned = wazuh_imitation::api::Canned::new("/manager/analysisd/reload", status, body);
        manager.state().canned.push_back(canned);
        assert_eq!(api.apply_ruleset().await.unwrap(), Applied::Restarting);
    }
    // A node of a cluster that may not do it is another matter: a restart would change nothing.
    let body = serde_json::json!({ "title": "Not Found", "detail": "for the master only", "error": 902 });
    manager.state().canned.push_back(wazuh_imitation::api::Canned::new("/manager/analysisd/reload", 404, body));
    assert_eq!(api.apply_ruleset().await.unwrap_err().code(), Some(902));
    assert_eq!(requests(&manager, "/manager/restart"), 2);
}

#[tokio::test]
async fn a_session_keeps_the_rules_that_it_began_with_and_an_event_without_one_meets_the_new() {
    let manager = manager().await;
    let api = client(&manager);
    let event = LogtestEvent::new("sshd: Invalid user x", "syslog", "/var/log/auth.log");
    let token = api.logtest(&event).await.unwrap().token.unwrap();
    manager.state().broken = true;
    assert_eq!(api.logtest(&event.clone().in_session(&token)).await.unwrap().alert, Some(true));
    assert!(api.logtest(&event).await.unwrap_err().to_string().contains("own.xml"));
    let body =
        serde_json::json!({ "title": "Bad Request", "detail": "Error trying to get logtest response", "error": 7000 });
    manager.state().canned.push_back(wazuh_imitation::api::Canned::new("/logtest", 400, body));
    let error = api.logtest(&event).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Refused, Some(7000)));
}
