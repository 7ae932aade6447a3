//! What the manager refuses, and that it is never taken for an answer.

use serde_json::json;
use wazuh::Kind;
use wazuh_imitation::api::Canned;

use crate::manager::{client, id, manager};

#[tokio::test]
async fn a_missing_permission_is_named_with_its_resource() {
    let manager = manager().await;
    manager.state().denied.push("/agents".into());
    let error = client(&manager).agent(&id("001")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NoPermission);
    assert!(error.to_string().contains("agent:read") && error.to_string().contains("Resource type"), "{error}");
}

#[tokio::test]
async fn every_status_with_its_code_is_told_apart() {
    let manager = manager().await;
    let api = client(&manager);
    for (status, body, kind) in [
        (400, json!({ "title": "Bad Request", "detail": "Query does not match", "error": 1407 }), Kind::Refused),
        (400, json!({ "title": "Bad Request", "detail": { "a": 1 } }), Kind::Refused),
        (403, json!({ "error": 6004 }), Kind::NoPermission),
        (404, json!({ "title": "Not Found", "detail": "404: Not Found" }), Kind::NotFound),
        (405, json!({ "title": "Method Not Allowed" }), Kind::Refused),
        (406, json!({ "error": 6002 }), Kind::Refused),
        (413, json!({ "title": "Content size exceeded." }), Kind::Refused),
        (415, json!({ "title": "Unsupported Media Type" }), Kind::Refused),
        (417, json!({ "title": "Expectation Failed" }), Kind::Refused),
        (500, json!({ "error": 1013, "dapi_errors": { "n": { "error": "socket" } } }), Kind::NotReady),
        (500, json!({ "error": 1017 }), Kind::NotReady),
        (500, json!({ "error": 1020 }), Kind::Refused),
        (500, json!({ "error": 3004 }), Kind::NotReady),
        (200, json!({ "message": "no", "error": 1 }), Kind::Refused),
        (
            200,
            json!({ "data": { "affected_items": [], "failed_items": [{ "error": { "code": 4000, "message": "Permission denied" }, "id": ["001"] }] }, "error": 1 }),
            Kind::NoPermission,
        ),
        (200, json!({ "data": { "affected_items": [], "failed_items": [] }, "error": 0 }), Kind::NotFound),
        (200, json!([1]), Kind::Unexpected),
    ] {
        manager.state().canned.push_back(Canned::new("/manager/status", status, body.clone()));
        assert_eq!(api.daemons().await.unwrap_err().kind(), kind, "{status} {body}");
    }
}

#[tokio::test]
async fn a_hostile_answer_is_short_and_harmless_in_a_message() {
    let manager = manager().await;
    let api = client(&manager);
    api.info().await.unwrap();
    let text = format!("\u{1b}[2J{}", "x".repeat(100_000));
    let canned = Canned { path: String::new(), status: 500, body: text.into(), kind: Some("text/html".into()) };
    manager.state().canned.push_back(canned);
    let error = api.daemons().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unexpected);
    assert!(error.to_string().len() < 500 && !error.to_string().contains('\u{1b}'));
}

#[tokio::test]
async fn a_login_without_a_token_is_no_login() {
    let manager = manager().await;
    for body in ["", "{\"data\":{}}", "<html>", "two words"] {
        let canned =
            Canned { path: "/security".into(), status: 200, body: body.into(), kind: Some("text/plain".into()) };
        manager.state().canned.push_back(canned);
        assert_eq!(client(&manager).info().await.unwrap_err().kind(), Kind::Unexpected, "{body}");
    }
}

#[tokio::test]
async fn without_a_cluster_its_nodes_are_refused_with_3013() {
    let manager = manager().await;
    let api = client(&manager);
    assert_eq!(api.cluster_status().await.unwrap().enabled, Some(false));
    assert_eq!(api.nodes().all().await.unwrap_err().code(), Some(3013));
    manager.state().cluster = true;
    let nodes = api.nodes().all().await.unwrap();
    assert_eq!(nodes[1].kind.as_deref(), Some("worker"));
    assert_eq!(api.node_daemons("node02").await.unwrap()["wazuh-analysisd"], "running");
    assert!(api.node_daemons("../manager").await.is_err());
}
