//! A node that reports, but does not see what it should.

use serde_json::{Value, json};

use super::Stage;
use super::hostile::Liar;
use super::silent::{report, reporting};

/// What Suricata says of itself: the share of packets dropped lately, and how many rules are loaded.
fn suricata(drop_share: f64, rules_loaded: u64) -> Value {
    let source = json!({"module": "suricata", "path": "/eve.json", "state": "live", "lag_bytes": 0, "lag_seconds": 0.0, "events": 1,
        "alerts": 0, "bad_lines": 0, "long_lines": 0, "gaps": 0});
    json!({"sources": {"suricata": source}, "suricata": {"uptime": 60, "packets": 1000, "drops": 0, "drop_share": drop_share,
        "rules_loaded": rules_loaded, "rules_failed": 0}})
}

/// How the core sees the node, and how many alarms it has raised about that.
async fn sight(stage: &mut Stage, node: &Liar) -> (Value, usize) {
    let shown = stage.get(&format!("/nodes/{}", node.id)).await["blind"].clone();
    let alarms = stage.get("/alerts?q=rule:node-blind").await["alerts"].as_array().unwrap().len();
    (shown, alarms)
}

#[tokio::test]
async fn drops_make_a_node_partly_blind_and_no_rules_blind_and_each_is_alarmed_once() {
    let (mut stage, node) = reporting().await;
    // It had no source at first, which was told.
    report(&stage, &node, suricata(0.0, 41)).await;
    let (shown, before) = sight(&mut stage, &node).await;
    assert_eq!(shown, Value::Null);
    for _ in 0..3 {
        report(&stage, &node, suricata(0.2, 41)).await;
    }
    assert_eq!(sight(&mut stage, &node).await, (json!("partly"), before + 1));
    // Drops come and go: it stays so for ten minutes after the last.
    report(&stage, &node, suricata(0.0, 41)).await;
    assert_eq!(sight(&mut stage, &node).await, (json!("partly"), before + 1));
    report(&stage, &node, suricata(0.0, 0)).await;
    assert_eq!(sight(&mut stage, &node).await, (json!("blind"), before + 2));
    stage.clock.turn(601);
    report(&stage, &node, suricata(0.0, 41)).await;
    assert_eq!(sight(&mut stage, &node).await, (Value::Null, before + 2));
    stage.stop().await;
}
