//! A node falls silent, and comes back: the core decides by its own clock, in steps, and says each once.

use std::time::Duration;

use serde_json::{Value, json};

use super::hostile::Liar;
use super::{PASSPHRASE, Stage};
use crate::silence::{nodes, raise_due};

const STEPS: [Duration; 3] = [Duration::from_secs(600), Duration::from_secs(3_600), Duration::from_secs(86_400)];

/// A stage, and a node that has reported once.
pub(super) async fn reporting() -> (Stage, Liar) {
    let mut stage = Stage::new().await;
    let (_, client) = stage.ask("POST", "/clients", Some(json!({"name": "Client A"}))).await;
    let node = Liar::new(&mut stage, client["id"].as_i64().unwrap()).await;
    report(&stage, &node, json!({})).await;
    (stage, node)
}

/// Reports; `more` is added to what a report has at least.
pub(super) async fn report(stage: &Stage, node: &Liar, more: Value) {
    let now = stage.running.as_ref().unwrap().core.now();
    let mut status = json!({"now": now, "version": "0", "started": now, "sources": {}, "certificate_end": now,
                "spool": {"depth": 0, "bytes": 0, "limit": 1, "age_seconds": 0.0, "refused": 0},
                "uplink": {"connected": true, "skew_seconds": 0.0}, "events_per_second": 0.0, "alerts_per_second": 0.0,
                "machine": {"cpu": 0.0, "memory_used": 0, "memory_total": 0, "memory_node": 0, "disk_used": 0, "disk_total": 0, "uptime": 0}});
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (answer, said) = node.post(wire::path::STATUS, &status).await;
    assert_eq!(answer, 200, "{said}");
}

/// Looks, as the core does every few seconds, and gives the rule and message of all alarms so far, oldest first.
async fn alarms(stage: &mut Stage) -> Vec<(String, String)> {
    let core = stage.running.as_ref().unwrap().core.clone();
    for _ in 0..2 {
        raise_due(&core.store, &nodes(&core.store).await.unwrap(), &STEPS).await.unwrap();
    }
    // Sessions end meanwhile.
    stage.ask("POST", "/session", Some(json!({"name": "Ada", "passphrase": PASSPHRASE}))).await;
    let list = stage.get("/alerts?q=rule:node-silent,node-back").await;
    let word = |alert: &Value, field: &str| alert[field].as_str().unwrap_or_default().to_owned();
    let all = list["alerts"].as_array().unwrap().iter().rev();
    all.map(|alert| (word(alert, "rule_id"), word(alert, "message"))).collect()
}

async fn state(stage: &mut Stage, node: &Liar) -> Value {
    stage.get(&format!("/nodes/{}", node.id)).await["state"].clone()
}

#[tokio::test]
async fn silence_is_alarmed_in_steps_and_so_is_the_return() {
    let (mut stage, node) = reporting().await;
    assert_eq!(state(&mut stage, &node).await, "online");
    stage.clock.turn(599);
    assert_eq!(alarms(&mut stage).await, []);
    assert_eq!(state(&mut stage, &node).await, "offline");
    for (seconds, words) in [(1, "10 minutes"), (3_000, "1 hour"), (82_800, "24 hours")] {
        stage.clock.turn(seconds);
        let all = alarms(&mut stage).await;
        let (rule, message) = all.last().unwrap();
        assert_eq!(rule, "node-silent");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(alarms(&mut stage).await.len(), 3);
    report(&stage, &node, json!({})).await;
    let all = alarms(&mut stage).await;
    assert_eq!((all.len(), all[3].0.as_str()), (4, "node-back"));
    assert_eq!(state(&mut stage, &node).await, "online");
    stage.stop().await;
}

#[tokio::test]
async fn a_node_that_was_disabled_has_its_time_to_come_back() {
    let (mut stage, node) = reporting().await;
    let path = format!("/nodes/{}", node.id);
    let (status, _) = stage.ask("PATCH", &path, Some(json!({"disabled": true}))).await;
    assert_eq!(status, 200);
    stage.clock.turn(100_000);
    assert_eq!(alarms(&mut stage).await, []);
    let (status, _) = stage.ask("PATCH", &path, Some(json!({"disabled": false}))).await;
    assert_eq!(status, 200);
    stage.clock.turn(599);
    assert_eq!(alarms(&mut stage).await, []);
    stage.clock.turn(1);
    assert_eq!(alarms(&mut stage).await.len(), 1);
    stage.stop().await;
}
