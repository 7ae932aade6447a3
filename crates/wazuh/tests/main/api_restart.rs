//! Restarts of the manager.

use std::time::Duration;

use wazuh::{Error, Kind, Route};

use crate::manager::{client, manager, manager_of, requests};

#[tokio::test]
async fn a_restart_goes_through_refused_connections_and_daemons_that_are_not_ready() {
    let manager = manager().await;
    let api = client(&manager);
    api.restart().await.unwrap();
    assert_eq!(requests(&manager, "/manager/configuration/validation"), 1);
    // It is still there for a moment.
    api.daemons().await.unwrap();
    manager.clock.advance(Duration::from_secs(2)).await;
    let error = api.daemons().await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable { route: Route::Refused | Route::Broken(_), .. }), "{error:?}");
    assert!(error.is_passing());
    manager.clock.advance(Duration::from_secs(10)).await;
    let error = api.agent(&"001".parse().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::NotReady, Some(1017)));
    assert!(error.is_passing());
    manager.clock.advance(Duration::from_secs(10)).await;
    api.agent(&"001".parse().unwrap()).await.unwrap();
    // Tokens survive it.
    assert_eq!(manager.state().logins, 1);
}

#[tokio::test]
async fn a_manager_of_any_version_is_restarted_and_waited_for() {
    for version in ["4.3.11", "4.8.2", "4.9.2", "4.13.1", "4.14.0", "4.14.7"] {
        let manager = manager_of(version).await;
        let api = client(&manager);
        api.restart().await.unwrap();
        api.wait_until_ready(Duration::from_secs(120)).await.unwrap();
        api.daemons().await.unwrap();
        let asked = manager.state().log.iter().find(|asked| asked.path == "/manager/restart").cloned().unwrap();
        let waits = asked.get("wait_for_complete").is_some();
        assert_eq!(waits, !version.starts_with("4.14"), "{version} knows it or refuses it");
    }
}

#[tokio::test]
async fn while_daemons_are_not_ready_nobody_is_let_in_and_that_is_no_wrong_password() {
    for version in ["4.8.2", "4.14.7"] {
        let manager = manager_of(version).await;
        manager.state().stopped.push("wazuh-db".into());
        let error = client(&manager).daemons().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::NotReady, Some(1017)), "{version}: {error}");
        assert!(error.is_passing() && error.to_string().contains("wazuh-db"), "{error}");
    }
}

#[tokio::test]
async fn whoever_waits_for_a_restart_does_not_take_the_old_manager_for_the_new_one() {
    let manager = manager().await;
    let api = client(&manager);
    let begin = manager.clock.now_ms();
    api.restart().await.unwrap();
    api.wait_until_ready(Duration::from_secs(120)).await.unwrap();
    let waited = manager.clock.now_ms() - begin;
    assert!((20_000..40_000).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_manager_that_does_not_come_back_is_named_with_what_is_missing() {
    let manager = manager().await;
    let api = client(&manager);
    manager.state().stopped.push("wazuh-analysisd".into());
    let error = api.wait_until_ready(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotReady);
    assert!(error.to_string().contains("wazuh-analysisd->stopped"), "{error}");
    // One without which the manager answers is not waited for.
    manager.state().stopped = vec!["wazuh-authd".into()];
    api.wait_until_ready(Duration::from_secs(60)).await.unwrap();
}

#[tokio::test]
async fn a_manager_with_a_broken_configuration_is_not_restarted() {
    let manager = manager().await;
    manager.state().broken = true;
    let api = client(&manager);
    assert_eq!(api.validate().await.unwrap()[0].code, 1908);
    let error = api.restart().await.unwrap_err();
    assert_eq!(error.code(), Some(1908));
    assert!(error.to_string().contains("ossec.conf"), "{error}");
    assert_eq!(requests(&manager, "/manager/restart"), 0);
}

#[tokio::test]
async fn a_cluster_is_checked_and_restarted_as_one() {
    let manager = manager().await;
    manager.state().cluster = true;
    client(&manager).restart().await.unwrap();
    assert_eq!((requests(&manager, "/cluster/restart"), requests(&manager, "/manager/restart")), (1, 0));
}

#[tokio::test]
async fn orders_from_outside_change_what_the_imitation_says() {
    let manager = manager().await;
    let api = client(&manager);
    let order = async |path: &str, body: serde_json::Value| {
        let body = body.to_string();
        let request = format!(
            "POST /imitation/{path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let address = manager.control.trim_start_matches("http://").to_owned();
        let answer = tokio::task::spawn_blocking(move || {
            use std::io::{Read as _, Write as _};
            let mut line = std::net::TcpStream::connect(address).unwrap();
            line.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            line.read_to_string(&mut answer).unwrap();
            answer
        });
        assert!(answer.await.unwrap().starts_with("HTTP/1.1 204"), "{path}");
    };
    order("agents/001", serde_json::json!({ "status": "disconnected" })).await;
    assert!(!api.agent(&"001".parse().unwrap()).await.unwrap().is_active());
    order("set", serde_json::json!({ "denied": ["/agents"] })).await;
    assert_eq!(api.agent(&"001".parse().unwrap()).await.unwrap_err().kind(), Kind::NoPermission);
    order("answer", serde_json::json!({ "path": "/manager", "status": 500, "body": { "error": 1017 } })).await;
    assert_eq!(api.daemons().await.unwrap_err().kind(), Kind::NotReady);
    let begin = manager.clock.now_ms();
    order("advance", serde_json::json!({ "seconds": 60 })).await;
    assert_eq!(manager.clock.now_ms() - begin, 60_000);
}

#[tokio::test]
async fn a_status_that_is_answered_while_daemons_start_is_not_taken_for_ready() {
    let manager = manager().await;
    manager.state().status_answers = true;
    let api = client(&manager);
    let begin = manager.clock.now_ms();
    api.restart().await.unwrap();
    manager.clock.advance(Duration::from_secs(12)).await;
    assert_eq!(api.daemons().await.unwrap()["wazuh-analysisd"], "restarting");
    assert_eq!(api.manager_info().await.unwrap_err().code(), Some(1017), "nothing else answers yet");
    api.wait_until_ready(Duration::from_secs(120)).await.unwrap();
    assert!(manager.clock.now_ms() - begin >= 20_000);
    api.manager_info().await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_breaks_off_passes() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let closing = tokio::spawn(async move {
        loop {
            // As a server that ends while it shakes hands.
            let (mut tcp, _) = listener.accept().await.unwrap();
            tokio::io::AsyncReadExt::read_u8(&mut tcp).await.unwrap();
            drop(tcp);
        }
    });
    let settings = wazuh::api::Settings::new(
        wazuh::Server::new(url, wazuh::Trust::Nothing),
        "wazuh",
        wazuh::Secret::new("wazuh-wui"),
    );
    let error = wazuh::api::Api::new(settings).unwrap().info().await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable { route: Route::Broken(_), .. }) && error.is_passing(), "{error:?}");
    closing.abort();
}

#[tokio::test]
async fn what_cannot_be_checked_is_not_restarted() {
    let manager = manager().await;
    let api = client(&manager);
    for code in [1901, 1904, 1013, 1014] {
        let body = serde_json::json!({ "title": "Wazuh Internal Error", "error": code });
        let canned = wazuh_imitation::api::Canned::new("/manager/configuration/validation", 500, body);
        manager.state().canned.push_back(canned);
        assert_eq!(api.restart().await.unwrap_err().kind(), Kind::NotReady, "{code}");
    }
    assert_eq!(requests(&manager, "/manager/restart"), 0);
}
