//! How gently the manager is asked.

use std::time::Duration;

use wazuh::Kind;
use wazuh::api::{Api, EventBatch};

use crate::manager::{client, id, manager, manager_of, requests, settings, these};

#[tokio::test]
async fn a_busy_client_stays_within_its_budget_in_every_minute() {
    let manager = manager().await;
    let api = client(&manager);
    let begin = manager.clock.now_ms();
    for _ in 0..150 {
        api.daemons().await.unwrap();
    }
    // 152 requests: 20 at once, 40 a minute after.
    assert!(manager.clock.now_ms() - begin >= 190_000);
}

#[tokio::test]
async fn too_many_requests_of_others_are_waited_for_once() {
    let manager = manager().await;
    let api = client(&manager);
    api.daemons().await.unwrap();
    let begin = manager.clock.now_ms();
    manager.state().per_minute = 1;
    api.daemons().await.unwrap();
    let waited = manager.clock.now_ms() - begin;
    assert!((60_000..70_000).contains(&waited), "{waited}");
    assert_eq!(requests(&manager, "/manager/status"), 3);
}

#[tokio::test]
async fn a_client_without_patience_says_when_to_come_back() {
    let manager = manager().await;
    let mut hasty = settings(&manager);
    hasty.patient = false;
    let api = Api::new(hasty).unwrap();
    api.daemons().await.unwrap();
    manager.state().per_minute = 1;
    let error = api.daemons().await.unwrap_err();
    assert_eq!(error.kind(), Kind::TooManyRequests);
    assert!(error.is_passing());
}

#[tokio::test]
async fn what_is_slow_is_asked_once_more_with_time_and_a_change_has_time_from_the_start() {
    let manager = manager().await;
    let api = client(&manager);
    api.info().await.unwrap();
    manager.state().slow = true;
    api.daemons().await.unwrap();
    assert_eq!(requests(&manager, "/manager/status"), 2);
    api.restart_agents(&these(&["001"])).await.unwrap().reached(&id("001")).unwrap();
    // A change that timed out may have happened, so it must not be sent twice.
    assert_eq!(requests(&manager, "/agents/restart"), 1);
}

#[tokio::test]
async fn a_change_that_timed_out_all_the_same_is_not_repeated_and_its_outcome_is_unknown() {
    let manager = manager().await;
    let api = client(&manager);
    let body = serde_json::json!({ "title": "Wazuh Internal Error", "error": 3021 });
    manager.state().canned.push_back(wazuh_imitation::api::Canned::new("/agents/restart", 500, body));
    let error = api.restart_agents(&these(&["001"])).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Slow);
    assert!(error.outcome_unknown());
    assert_eq!(requests(&manager, "/agents/restart"), 1);
}

#[tokio::test]
async fn thousands_of_events_go_in_at_the_pace_that_the_manager_takes() {
    let manager = manager().await;
    let api = client(&manager);
    for _ in 0..60 {
        let mut batch = EventBatch::default();
        while !batch.is_full() {
            batch.push("{\"a\":1}").unwrap();
        }
        assert_eq!(batch.len(), 100);
        assert!(api.send_events(&batch).await.unwrap().is_empty());
    }
    assert_eq!(requests(&manager, "/events"), 60, "none was refused");
}

#[tokio::test]
async fn an_event_that_the_manager_does_not_take_is_given_back() {
    let manager = manager().await;
    let mut batch = EventBatch::default();
    batch.push("fine").unwrap();
    batch.push("refuse this").unwrap();
    let failed = client(&manager).send_events(&batch).await.unwrap();
    assert_eq!((failed[0].code, failed[0].ids.as_slice()), (1012, ["refuse this".to_owned()].as_slice()));
    assert!(batch.push("x".repeat(65_535)).is_err());
    assert!(batch.push("").is_err());
}

#[tokio::test]
async fn a_limit_on_events_holds_events_alone() {
    let manager = manager().await;
    let api = client(&manager);
    let mut batch = EventBatch::default();
    batch.push("one").unwrap();
    let body = serde_json::json!({ "title": "Too Many Requests", "error": 6005, "remediation": null });
    manager.state().canned.push_back(wazuh_imitation::api::Canned::new("/events", 429, body));
    let begin = manager.clock.now_ms();
    api.send_events(&batch).await.unwrap();
    assert!(manager.clock.now_ms() - begin >= 60_000);
    let then = manager.clock.now_ms();
    api.daemons().await.unwrap();
    assert!(manager.clock.now_ms() - then < 5_000);
}

#[tokio::test]
async fn a_manager_before_4_6_takes_no_events_and_the_error_says_what_to_do() {
    let manager = manager_of("4.3.11").await;
    let mut batch = EventBatch::default();
    batch.push("one").unwrap();
    let error = client(&manager).send_events(&batch).await.unwrap_err();
    assert_eq!(error.kind(), Kind::WrongVersion);
    assert!(error.to_string().contains("4.6"), "{error}");
    assert_eq!(requests(&manager, "/events"), 0);
    manager.clock.advance(Duration::from_secs(1)).await;
}
