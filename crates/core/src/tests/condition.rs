//! What is wrong with the core itself is an alarm of the client «SOC».

use serde_json::{Value, json};

use super::{PASSPHRASE, Stage};
use crate::jobs::condition::tell;

const DAY: i64 = 86_400;

/// Looks, as the core does every minute, and gives the alarms about certificates.
async fn alarms(stage: &mut Stage) -> Vec<Value> {
    let core = stage.running.as_ref().unwrap().core.clone();
    for _ in 0..2 {
        tell(&core).await.unwrap();
    }
    // Sessions end meanwhile.
    stage.ask("POST", "/session", Some(json!({"name": "Ada", "passphrase": PASSPHRASE}))).await;
    stage.get("/alerts?q=rule:core-certificate").await["alerts"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_certificate_that_ends_is_an_alarm_once_a_day() {
    let mut stage = Stage::new().await;
    assert!(alarms(&mut stage).await.is_empty());
    // The authority ends in ten years.
    stage.clock.turn(3_640 * DAY);
    let said = alarms(&mut stage).await;
    assert_eq!(said.len(), 1);
    assert_eq!((&said[0]["client_name"], &said[0]["module"]), (&json!("SOC"), &json!("socme")));
    assert!(said[0]["message"].as_str().unwrap().contains("«authority»"), "{}", said[0]);
    stage.clock.turn(DAY / 2);
    assert_eq!(alarms(&mut stage).await.len(), 1);
    stage.clock.turn(DAY);
    assert_eq!(alarms(&mut stage).await.len(), 2);
    stage.stop().await;
}
