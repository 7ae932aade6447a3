//! What becomes of a client's data: how long it is kept, the legal hold, and all of it in one file.

use std::io::{Cursor, Read as _};

use futures::StreamExt as _;
use serde_json::{Value, json};
use store::{Access, Duty, Store};
use zip::ZipArchive;

use super::Stage;
use super::world::{Things, actor, all, session, things, user};

#[tokio::test]
async fn an_administrator_says_how_long_alerts_are_kept_and_holds_a_client() {
    let mut stage = Stage::with("[retention]\nmax_age = '200d'").await;
    let store = stage.store();
    let acme = things(&store, "Acme", "erstmarke").await;
    let path = format!("/clients/{}", acme.client);
    let client = stage.get(&path).await;
    assert_eq!(
        [&client["keep_days"], &client["kept_days"], &client["hold"]],
        [&Value::Null, &json!(200), &Value::Null]
    );

    let (status, client) = stage.ask("PUT", &format!("{path}/retention"), Some(json!({"keep_days": 30}))).await;
    assert_eq!((status.as_u16(), &client["kept_days"]), (200, &json!(30)), "{client}");
    let (status, said) = stage.ask("PUT", &format!("{path}/retention"), Some(json!({"keep_days": 0}))).await;
    assert_eq!((status.as_u16(), &said["field"]), (400, &json!("keep_days")));
    let (status, said) = stage.ask("PUT", &format!("{path}/hold"), Some(json!({"why": "  "}))).await;
    assert_eq!((status.as_u16(), &said["field"]), (400, &json!("why")));

    let (status, client) = stage.ask("PUT", &format!("{path}/hold"), Some(json!({"why": "case 118"}))).await;
    assert_eq!((status.as_u16(), &client["hold"]["why"]), (200, &json!("case 118")));
    for (path, name) in [(format!("/nodes/{}", acme.node), "erstmarke-box"), (path.clone(), "Acme")] {
        let (status, said) = stage.ask("DELETE", &path, Some(json!({"confirm": name}))).await;
        assert_eq!(status, 409, "{path}: {said}");
        assert!(said["detail"].as_str().unwrap().contains("legal hold"), "{said}");
    }
    // Whoever may look at the client sees that it is held; why is not their concern.
    let access = Access::at(Duty::Viewer, [acme.client]);
    let (viewer, _) = session(&store, user(&store, &access).await.id).await;
    let admin = std::mem::replace(&mut stage.cookie, viewer);
    let seen = stage.get(&path).await;
    assert!(seen["hold"]["since"].is_string() && seen["hold"]["why"].is_null(), "{seen}");
    stage.cookie = admin;

    let (status, client) = stage.ask("DELETE", &format!("{path}/hold"), None).await;
    assert_eq!((status.as_u16(), &client["hold"]), (200, &Value::Null));
    assert_eq!(stage.ask("DELETE", &format!("{path}/hold"), None).await.0, 409);
    stage.stop().await;
}

/// The lines of a file in the archive.
fn lines(archive: &mut ZipArchive<Cursor<Vec<u8>>>, file: &str) -> Vec<Value> {
    let mut text = String::new();
    archive.by_name(file).unwrap().read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_client_is_exported_whole_and_nothing_of_another_with_it() {
    let mut stage = Stage::new().await;
    let store = stage.store();
    let acme = things(&store, "Acme", "erstmarke").await;
    things(&store, "Other", "zweitmarke").await;
    let alert = format!("/alerts/{}/{}", acme.client, acme.alert);
    let act = json!({"action": "comment", "comment": "ours", "alerts": [{"client": acme.client.0, "id": acme.alert}]});
    assert_eq!(stage.ask("POST", "/alerts/actions", Some(act)).await.0, 200);
    let shown = stage.get(&alert).await;

    let url = format!("{}/api/v1/clients/{}/export", stage.base, acme.client);
    let answer = stage.http.get(&url).header("cookie", &stage.cookie).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/zip");
    let name = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(name.starts_with("attachment; filename=\"socme-acme-"), "{name}");
    let bytes = answer.bytes().await.unwrap().to_vec();

    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    assert_eq!(lines(&mut archive, "alerts.jsonl"), [shown], "as the page shows it, with its history");
    let nodes = lines(&mut archive, "nodes.jsonl");
    assert_eq!(nodes.iter().map(|node| &node["hostname"]).collect::<Vec<_>>(), ["erstmarke-box"]);
    let hosts = lines(&mut archive, "hosts.jsonl");
    let known = stage.get(&format!("/hosts?client={}", acme.client)).await["hosts"].clone();
    assert_eq!(json!(hosts), known, "as the page lists them");
    assert_eq!(hosts[0]["name"], "erstmarke-host");
    let commands = lines(&mut archive, "commands.jsonl");
    let asked = stage.get(&format!("/commands/{}", acme.command)).await;
    assert_eq!(commands, [asked], "with what they found");
    let counts = lines(&mut archive, "counts.jsonl");
    assert_eq!(counts.iter().map(|count| count["alerts"].as_i64().unwrap()).sum::<i64>(), 1);
    let done = lines(&mut archive, "audit.jsonl");
    let done: Vec<_> = done.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(done.first().zip(done.last()), Some((&"client.create", &"client.export")), "{done:?}");
    let mut manifest = String::new();
    archive.by_name("manifest.json").unwrap().read_to_string(&mut manifest).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let lines = json!({"nodes.jsonl": 1, "hosts.jsonl": 1, "commands.jsonl": 1, "alerts.jsonl": 1, "counts.jsonl": 1, "audit.jsonl": done.len()});
    assert_eq!(manifest["lines"], lines);
    assert_eq!(archive.len(), 9);
    for at in 0..archive.len() {
        let mut text = String::new();
        archive.by_index(at).unwrap().read_to_string(&mut text).unwrap();
        assert!(!text.contains("zweitmarke"), "it tells of another client: {text}");
    }
    stage.stop().await;
}

/// Alerts that cannot be compressed: more than what waits on its way.
async fn noise(store: &Store, things: &Things, count: usize) {
    for n in 0..count {
        let mut noise = vec![0; 48 * 1024];
        getrandom::fill(&mut noise).unwrap();
        let now = store.clock().now();
        let mut alarm =
            crate::silence::alarm(&format!("rule {n}"), "noise", wire::Severity::Low, "noise", "noise", now);
        alarm.raw = noise.iter().map(|byte| format!("{byte:02x}")).collect();
        store.raise(&all(), things.client, Some(things.node), alarm).await.unwrap();
    }
}

#[tokio::test]
async fn one_client_is_exported_at_a_time_and_who_reads_no_further_ends_it() {
    let stage = Stage::new().await;
    let store = stage.store();
    let acme = things(&store, "Acme", "erstmarke").await;
    noise(&store, &acme, 40).await;
    let url = format!("{}/api/v1/clients/{}/export", stage.base, acme.client);
    let ask = || stage.http.get(&url).header("cookie", &stage.cookie).send();
    let mut first = ask().await.unwrap().bytes_stream();
    assert!(first.next().await.unwrap().is_ok());
    let second = ask().await.unwrap();
    assert_eq!(second.status(), 503);
    assert!(second.headers().contains_key("retry-after"));
    drop(first);
    let whole = loop {
        let answer = ask().await.unwrap();
        if answer.status() == 200 {
            break answer.bytes().await.unwrap().to_vec();
        }
        assert_eq!(answer.status(), 503);
        tokio::task::yield_now().await;
    };
    let mut archive = ZipArchive::new(Cursor::new(whole)).unwrap();
    assert_eq!(lines(&mut archive, "alerts.jsonl").len(), 41);
    stage.stop().await;
}

#[tokio::test]
async fn whose_session_ends_gets_no_more_of_what_they_are_sent() {
    let stage = Stage::new().await;
    let store = stage.store();
    let acme = things(&store, "Acme", "erstmarke").await;
    noise(&store, &acme, 200).await;
    let admin = user(&store, &Access::Admin).await;
    let (cookie, id) = session(&store, admin.id).await;
    let url = format!("{}/api/v1/clients/{}/export", stage.base, acme.client);
    let mut sent = stage.http.get(&url).header("cookie", cookie).send().await.unwrap().bytes_stream();
    assert!(sent.next().await.unwrap().is_ok());
    store.end_session(actor(), admin.id, id).await.unwrap();
    let mut last = None;
    while let Some(piece) = sent.next().await {
        last = Some(piece.is_ok());
    }
    assert_eq!(last, Some(false), "it breaks off");
    stage.stop().await;
}
