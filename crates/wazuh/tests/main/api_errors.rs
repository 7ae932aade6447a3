//! What the manager refuses, and that it is never taken for an answer.

use serde_json::json;
use wazuh::Kind;
use wazuh::api::{Query, Ruleset, Upgrade};
use wazuh_imitation::api::Canned;

use crate::manager::{client, id, manager, these};

#[tokio::test]
async fn a_missing_permission_is_named_with_its_resource() {
    let manager = manager().await;
    manager.state().denied.push("/agents".into());
    let error = client(&manager).agent(&id("001")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NoPermission);
    assert!(error.to_string().contains("agent:read") && error.to_string().contains("Resource type"), "{error}");
}

#[tokio::test]
async fn what_the_user_may_not_see_is_left_out_of_lists_and_refused_by_name() {
    let manager = manager().await;
    manager.state().unseen.push("002".into());
    let api = client(&manager);
    let ids: Vec<_> = api.agents().all().await.unwrap().into_iter().filter_map(|agent| agent.id).collect();
    assert_eq!(ids, ["000", "001", "003", "1000"].map(id));
    assert_eq!(api.agent(&id("002")).await.unwrap_err().kind(), Kind::NoPermission);
    assert_eq!(api.os(&id("002")).await.unwrap_err().kind(), Kind::NoPermission);
    let sent = api.restart_agents(&these(&["001", "002"])).await.unwrap();
    assert_eq!(sent.reached(&id("002")).unwrap_err().kind(), Kind::NoPermission);
    sent.reached(&id("001")).unwrap();
    let sent = api.restart_agents(&wazuh::api::Agents::All).await.unwrap();
    assert_eq!(sent.to, ["001", "1000"].map(id), "of all, what may not be seen is no failure");
    // Who may see no agent is given an empty list, and no refusal.
    manager.state().denied.push("/agents".into());
    assert!(api.agents().all().await.unwrap().is_empty());
    assert!(api.restart_agents(&wazuh::api::Agents::All).await.unwrap().to.is_empty());
}

#[tokio::test]
async fn a_list_that_is_asked_for_wrongly_is_refused_with_its_code() {
    let manager = manager().await;
    let api = client(&manager);
    assert_eq!(api.agents().sort("nonsense", false).all().await.unwrap_err().code(), Some(1403));
    assert_eq!(api.agents().select(&["nonsense"]).all().await.unwrap_err().code(), Some(1724));
    for (parameter, value) in [
        ("status", "asleep"),
        ("status", "all"),
        ("nonsense", "1"),
        ("agents_list", "1"),
        ("agents_list", "all"),
        ("older_than", "soon"),
    ] {
        let error = api.agents().with(parameter, value).all().await.unwrap_err();
        assert!(matches!(&error, wazuh::Error::Refused { status: 400, code: None, .. }), "{parameter}: {error:?}");
        assert!(error.to_string().contains(parameter), "{error}");
    }
    assert_eq!(api.logs().page_size(5000).all().await.unwrap().len(), 2, "no more is asked for than the server gives");
    // The number comes along whatever is selected, and «-» turns the order round.
    let names = api.agents().select(&["name", "os.platform"]).sort("id", true).all().await.unwrap();
    assert_eq!((names[0].id.clone(), names[0].name.as_deref()), (Some(id("1000")), Some("mail")));
    assert_eq!(names[0].os.as_ref().unwrap().platform.as_deref(), Some("debian"));
    assert!(names[0].version.is_none());
    assert_eq!(api.agents().search("DC1").unwrap().count().await.unwrap(), 1);
    assert_eq!(api.agents().with("os.platform", "windows").count().await.unwrap(), 1);
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

/// A failure with status 200, as the manager tells of one agent, file or group.
fn failed(path: &str, code: u32, id: &str) -> Canned {
    let error = json!({ "code": code, "message": "why", "remediation": "what to do" });
    let data = json!({ "affected_items": [], "total_affected_items": 0, "total_failed_items": 1,
        "failed_items": [{ "error": error, "id": [id] }] });
    Canned::new(path, 200, json!({ "data": data, "message": "none", "error": 1 }))
}

#[tokio::test]
async fn a_failure_that_only_a_manager_can_have_comes_with_its_code() {
    let manager = manager().await;
    let api = client(&manager);
    let told = |canned| manager.state().canned.push_back(canned);
    for code in [1005, 1006, 1016, 1019, 1209, 1211, 1805, 1907] {
        told(failed("/rules/files", code, "etc/rules/own.xml"));
        let error = api.write_file(Ruleset::Rules, "own.xml", "<group name=\"own\"/>", true, None).await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert!(error.to_string().contains("what to do"), "{error}");
    }
    for (code, part) in [(1505, Ruleset::Decoders), (1506, Ruleset::Decoders), (1907, Ruleset::Rules)] {
        told(failed(if part == Ruleset::Rules { "/rules" } else { "/decoders" }, code, "own.xml"));
        assert_eq!(api.delete_file(part, "own.xml", None).await.unwrap_err().code(), Some(code));
    }
    for (status, code) in [(400, 1911), (400, 1912)] {
        told(Canned::new("/lists/files", status, json!({ "title": "Bad Request", "error": code })));
        assert_eq!(api.write_file(Ruleset::Lists, "own", "a:b\n", true, None).await.unwrap_err().code(), Some(code));
    }
    for code in [1737, 1751] {
        told(failed("/agents/group", code, "001"));
        let sent = api.add_to_group("db", &these(&["001"]), false).await.unwrap();
        assert_eq!(sent.reached(&id("001")).unwrap_err().code(), Some(code));
    }
    told(failed("/agents/group", 1745, "001"));
    let sent = api.remove_from_group("db", &these(&["001"])).await.unwrap();
    assert_eq!(sent.reached(&id("001")).unwrap_err().code(), Some(1745));
    for code in [1708, 1709, 1738] {
        told(Canned::new("/agents", 400, json!({ "title": "Bad Request", "error": code })));
        assert_eq!(api.add_agent("new", None).await.unwrap_err().code(), Some(code));
    }
    for code in [1810, 1824, 1899] {
        told(failed("/agents/upgrade", code, "001"));
        let begun = api.upgrade_agents(&these(&["001"]), &Upgrade::default()).await.unwrap();
        assert_eq!(begun.failed[0].code, code);
    }
    told(Canned::new("/manager/logs", 500, json!({ "title": "Wazuh Internal Error", "error": 1020 })));
    assert_eq!(api.logs().all().await.unwrap_err().code(), Some(1020));
    told(Canned::new("/groups", 400, json!({ "title": "Bad Request", "error": 1713 })));
    assert_eq!(api.add_group("all-of-us").await.unwrap_err().code(), Some(1713));
    for code in [1407, 1409, 1411] {
        told(Canned::new("/agents", 400, json!({ "title": "Bad Request", "error": code })));
        let older = Query::less("lastKeepAlive", "1d").unwrap();
        assert_eq!(api.agents().query(&older).unwrap().all().await.unwrap_err().code(), Some(code));
    }
}
