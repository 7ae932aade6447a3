//! One authority follows another while nodes go on.

use serde_json::json;
use store::Actor;
use wire::link::problem;

use super::Stage;
use super::hostile::Liar;
use crate::jobs::authorities::reconcile;
use crate::pki::announce;

const DAY: i64 = 86_400;

#[tokio::test]
async fn nodes_hear_of_the_next_authority_before_it_signs_and_the_old_one_goes_last() {
    let mut stage = Stage::new().await;
    let (_, client) = stage.ask("POST", "/clients", Some(json!({"name": "Client A"}))).await;
    let client = client["id"].as_i64().unwrap();
    let mut node = Liar::new(&mut stage, client).await;
    let core = stage.running.as_ref().unwrap().core.clone();
    let first = core.authorities().fingerprint();
    announce(&core.store, &core.sealer, Actor::named("a test")).await.unwrap();
    reconcile(&core).await.unwrap();

    // Announced: it is told at once, and signs nothing.
    let (_, welcome) = node.hello().await;
    assert_eq!(welcome["ca"].as_str().unwrap().matches("BEGIN CERTIFICATE").count(), 2);
    assert_eq!(core.authorities().fingerprint(), first);

    // It signs; what the first one has signed is good still, and is renewed by the next.
    let mut old = String::new();
    for _ in 0..23 {
        stage.clock.turn(4 * DAY);
        let (status, renewed) = node.renew().await;
        assert_eq!(status, 200, "{renewed}");
        old = renewed["certificate"].as_str().unwrap().to_owned();
        node.take(&old);
        reconcile(&core).await.unwrap();
    }
    assert_ne!(core.authorities().fingerprint(), first);
    let (status, _) = node.hello().await;
    assert_eq!(status, 200);
    let (_, renewed) = node.renew().await;
    let fresh = renewed["certificate"].as_str().unwrap().to_owned();

    // The first one goes: what it signed is a stranger's, what the next signed is not.
    stage.clock.turn(100 * DAY);
    reconcile(&core).await.unwrap();
    assert_eq!(core.authorities().bundle.matches("BEGIN CERTIFICATE").count(), 1);
    node.take(&old);
    assert_eq!(node.renew().await.1["type"], problem::CERTIFICATE);
    node.take(&fresh);
    assert_eq!(node.renew().await.1["type"], problem::TOO_OLD, "it is known, only too late by now");
    stage.stop().await;
}
