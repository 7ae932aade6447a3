//! Tokens and passwords.

use std::time::Duration;

use wazuh::Kind;
use wazuh::api::Api;
use wazuh::{Error, Secret};
use wazuh_imitation::api::Canned;

use crate::manager::{client, manager, manager_of, requests, settings};

#[tokio::test]
async fn callers_at_once_log_in_once() {
    let manager = manager().await;
    let api = client(&manager);
    let calls = (0..5).map(|_| async { api.daemons().await.map(|_| ()) });
    futures::future::try_join_all(calls).await.unwrap();
    assert_eq!(manager.state().logins, 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_nobody_is_refused_meanwhile() {
    let manager = manager().await;
    let api = client(&manager);
    for _ in 0..20 {
        api.daemons().await.unwrap();
        manager.clock.advance(Duration::from_secs(130)).await;
    }
    // 2600 s are four tokens of 720 s; none was used beyond its end.
    assert_eq!(manager.state().logins, 4);
    assert_eq!(requests(&manager, "/manager/status"), 20);
}

#[tokio::test]
async fn a_token_that_is_refused_for_any_reason_is_replaced_once() {
    let manager = manager().await;
    let api = client(&manager);
    api.daemons().await.unwrap();
    // Revoked ("Invalid token"), and issued before the settings changed ("Token expired").
    manager.state().revoke();
    api.daemons().await.unwrap();
    manager.state().change_settings();
    api.daemons().await.unwrap();
    for text in ["Invalid token", "Token expired", "No authorization token provided"] {
        let body = serde_json::json!({ "title": "Unauthorized", "detail": text });
        manager.state().canned.push_back(Canned::new("/manager/status", 401, body));
        api.daemons().await.unwrap();
    }
    assert_eq!(manager.state().logins, 6);
}

#[tokio::test]
async fn a_manager_that_refuses_its_own_tokens_is_not_asked_for_ever() {
    let manager = manager().await;
    let api = client(&manager);
    api.daemons().await.unwrap();
    for _ in 0..9 {
        let body = serde_json::json!({ "title": "Unauthorized", "detail": "Invalid token" });
        manager.state().canned.push_back(Canned::new("/manager/status", 401, body));
    }
    assert!(matches!(api.daemons().await.unwrap_err(), Error::TokenRefused { .. }));
    assert_eq!(manager.state().logins, 2);
    assert_eq!(requests(&manager, "/manager/status"), 3);
}

#[tokio::test]
async fn a_wrong_password_stops_the_client_long_before_the_server_blocks_it() {
    let manager = manager().await;
    let mut wrong = settings(&manager);
    wrong.password = Secret::new("guess");
    let api = Api::new(wrong).unwrap();
    // Somebody asks every second for an hour.
    for _ in 0..3600 {
        let error = api.daemons().await.unwrap_err();
        assert_eq!(error.kind(), Kind::WrongPassword);
        assert!(!error.to_string().contains("guess"));
        manager.clock.advance(Duration::from_secs(1)).await;
    }
    let attempts = requests(&manager, "/security/user/authenticate");
    assert!((3..=10).contains(&attempts), "{attempts}");
}

#[tokio::test]
async fn after_fifty_failures_the_right_password_is_blocked_too_until_five_minutes_after_the_first() {
    let manager = manager().await;
    for _ in 0..50 {
        let mut wrong = settings(&manager);
        wrong.password = Secret::new("guess");
        Api::new(wrong).unwrap().info().await.unwrap_err();
    }
    let api = client(&manager);
    let error = api.daemons().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Blocked);
    assert!(error.to_string().contains("five minutes"));
    // While it lasts, it is not asked again.
    let before = requests(&manager, "/security");
    assert_eq!(api.daemons().await.unwrap_err().kind(), Kind::Blocked);
    assert_eq!(requests(&manager, "/security"), before);
    manager.clock.advance(Duration::from_secs(301)).await;
    api.daemons().await.unwrap();
}

#[tokio::test]
async fn a_manager_of_4_3_is_logged_into_as_it_knows() {
    let manager = manager_of("4.3.11").await;
    let api = client(&manager);
    assert_eq!(api.version().await.unwrap().to_string(), "4.3.11");
    let methods: Vec<_> = manager.state().log.iter().map(|asked| asked.method.clone()).collect();
    assert_eq!(methods, ["POST", "GET", "GET"]);
}

#[tokio::test]
async fn a_renewal_that_fails_in_passing_does_not_throw_away_a_good_token() {
    let manager = manager().await;
    let api = client(&manager);
    api.daemons().await.unwrap();
    manager.clock.advance(Duration::from_secs(800)).await;
    let body = serde_json::json!({ "title": "Wazuh Internal Error", "error": 1017 });
    // Each request that needs a token tries once more.
    for _ in 0..2 {
        manager.state().canned.push_back(Canned::new("/security", 500, body.clone()));
    }
    api.daemons().await.unwrap();
    assert_eq!(manager.state().logins, 1);
}

#[tokio::test]
async fn wazuh_5_and_what_is_older_than_4_3_are_refused_with_a_sentence() {
    for (version, word) in [("5.0.0", "another API"), ("4.2.7", "upgrade")] {
        let manager = manager_of("4.14.7").await;
        manager.state().version = version.into();
        let body = serde_json::json!({ "data": { "api_version": version }, "error": 0 });
        manager.state().canned.push_back(Canned {
            path: "/security".into(),
            status: 200,
            body: "e30.e30.x".into(),
            kind: Some("text/plain".into()),
        });
        let mut root = Canned::new("/", 200, body);
        root.kind = None;
        manager.state().canned.push_back(root);
        let error = client(&manager).daemons().await.unwrap_err();
        assert_eq!(error.kind(), Kind::WrongVersion);
        assert!(error.to_string().contains(version) && error.to_string().contains(word), "{error}");
        assert_eq!(requests(&manager, "/manager"), 0);
    }
}

#[tokio::test]
async fn a_token_that_ran_out_while_this_machine_slept_is_replaced() {
    let manager = manager().await;
    let mut slept = settings(&manager);
    // A clock of its own: no time passes here.
    slept.clock = std::sync::Arc::new(wazuh::api::MachineClock::default());
    let api = Api::new(slept).unwrap();
    api.daemons().await.unwrap();
    manager.clock.advance(Duration::from_secs(901)).await;
    api.daemons().await.unwrap();
    assert_eq!(requests(&manager, "/manager/status"), 3);
    assert_eq!(manager.state().logins, 2);
}

#[tokio::test]
async fn a_login_that_succeeds_does_not_count_against_failures() {
    let manager = manager().await;
    let wrong = async || {
        let mut wrong = settings(&manager);
        wrong.password = Secret::new("guess");
        Api::new(wrong).unwrap().info().await.unwrap_err();
    };
    for _ in 0..49 {
        wrong().await;
    }
    let inside = client(&manager);
    inside.daemons().await.unwrap();
    wrong().await;
    assert_eq!(client(&manager).daemons().await.unwrap_err().kind(), Kind::Blocked);
    inside.daemons().await.unwrap();
}
