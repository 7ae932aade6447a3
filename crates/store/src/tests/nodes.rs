use super::*;

fn count(alert: u64, count: u64, closed: bool) -> Record {
    let last = start() + SignedDuration::from_secs(9);
    Record::Count(Count { alert, count, first: start(), last, witnesses: Vec::new(), samples: Vec::new(), closed })
}

#[tokio::test]
async fn a_batch_is_taken_once_and_its_raw_event_comes_back() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let batch = node.batch(vec![record(alert("1")), record(alert("2"))]);
    node.send(&story.store, batch.records.clone()).await;
    // The answer was lost: the node sends it again.
    let again = story.store.take_batch(node.node, batch.clone()).await.unwrap();
    assert!(matches!(again, Ingested::Conflict(conflict) if conflict.position == Some(batch.to)));
    let rows = story.rows("").await;
    assert_eq!(rows.iter().map(|row| row.rule_id.as_str()).collect::<Vec<_>>(), ["2", "1"]);
    let detail = story.store.alert(&all(), acme.id, rows[0].id).await.unwrap();
    assert_eq!(detail.alert.raw, "{\"sid\":\"2\"}");
    assert_eq!(detail.row.node_name.as_deref(), Some("sensor"));
}

#[tokio::test]
async fn a_batch_that_does_not_follow_is_refused_with_where_the_core_stands() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1"))]).await;
    let here = node.position;
    for forked in [None, Some(Position { tag: 99, ..here.unwrap() }), Some(Position { number: 5, ..here.unwrap() })] {
        let mut other = Sender { node: node.node, position: forked, epoch: 7 };
        if forked.is_none() {
            other.epoch = 8;
        }
        let answer = story.store.take_batch(node.node, other.batch(vec![record(alert("2"))])).await.unwrap();
        match answer {
            Ingested::Conflict(conflict) => {
                assert_eq!(conflict.position, here);
                assert_eq!(conflict.cursors["eve"]["offset"], 1);
            }
            Ingested::Taken(taken) => panic!("{taken:?}"),
        }
    }
    assert_eq!(story.rows("").await.len(), 1);
}

#[tokio::test]
async fn counts_are_totals_and_end_with_their_window() {
    let mut story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1")), count(1, 5, false)]).await;
    story.restart().await;
    let taken = node.send(&story.store, vec![count(1, 9, true), count(1, 10, false), count(77, 2, false)]).await;
    assert_eq!(taken.refused.iter().map(|r| r.number).collect::<Vec<_>>(), [4, 5]);
    let rows = story.rows("source:suricata").await;
    assert_eq!((rows[0].count, rows[0].last), (9, start() + SignedDuration::from_secs(9)));
    assert_eq!(story.rows("rule:node-refused").await.len(), 1, "the team hears of it");
}

#[tokio::test]
async fn a_record_that_breaks_a_bound_is_refused_alone() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let mut giant = alert("2");
    giant.rule.name = "x".repeat(wire::limit::TEXT + 1);
    let taken = node.send(&story.store, vec![record(alert("1")), record(giant), record(alert("3"))]).await;
    assert_eq!(taken.refused.len(), 1);
    assert_eq!(story.rows("source:suricata").await.len(), 2);
}

#[tokio::test]
async fn lost_records_are_shown_and_raise_an_alarm() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let lost = Lost { epoch: 3, from: 1, to: 40, why: "the disk died".into() };
    node.send(&story.store, vec![Record::Lost(lost)]).await;
    let shown = story.store.node(&all(), node.node).await.unwrap();
    assert_eq!((shown.lost[0].from, shown.lost[0].to), (1, 40));
    assert_eq!(story.rows("rule:node-lost").await[0].severity, Severity::High);
}

#[tokio::test]
async fn ids_rise_though_the_clock_is_turned_back_and_the_store_restarts() {
    let mut story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let mut last = None;
    for turn in [0, -7_200, 60, -86_400] {
        story.hand.turn(turn);
        story.restart().await;
        node.send(&story.store, vec![record(alert("1"))]).await;
        let newest = story.rows("").await[0].id;
        assert!(Some(newest) > last);
        last = Some(newest);
    }
}

#[tokio::test]
async fn times_that_cannot_be_are_kept_and_flagged() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    for (time, flag) in [
        ("9999-12-30T00:00:00Z", Some(TimeFlag::Future)),
        ("-000001-01-01T00:00:00Z", Some(TimeFlag::Past)),
        ("2026-11-24T09:59:00Z", None),
    ] {
        let mut odd = alert("1");
        (odd.time, odd.last) = (time.parse().unwrap(), time.parse().unwrap());
        node.send(&story.store, vec![record(odd.clone())]).await;
        let row = &story.rows("").await[0];
        assert_eq!((row.time, row.time_flag), (odd.time, flag));
    }
}

#[tokio::test]
async fn a_new_epoch_follows_and_old_windows_are_forgotten() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1"))]).await;
    node.epoch = 8;
    let taken = node.send(&story.store, vec![record(alert("2")), count(1, 3, false)]).await;
    assert!(taken.refused.is_empty(), "record 1 is now that of the new epoch: {:?}", taken.refused);
    assert_eq!(story.rows("rule:2").await[0].count, 3);
    assert_eq!(story.rows("rule:1").await[0].count, 1);
}

#[tokio::test]
async fn old_alerts_go_with_everything_that_belongs_to_them() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1"))]).await;
    story.hand.turn(40 * 86_400);
    node.send(&story.store, vec![record(alert("2"))]).await;
    story.store.catch_up().await.unwrap();
    let keep = Keep { age: SignedDuration::from_hours(30 * 24), bytes: u64::MAX };
    while story.store.retain(&all(), keep).await.unwrap() {}
    let rows = story.rows("").await;
    assert_eq!(rows.iter().map(|row| row.rule_id.as_str()).collect::<Vec<_>>(), ["2"]);
    assert!(story.rows("\"rule 1\"").await.is_empty());
    assert_eq!(story.store.health().await.unwrap().alerts, 1);
}

#[tokio::test]
async fn each_client_keeps_its_alerts_for_its_own_time_and_all_of_them_under_a_hold() {
    let story = Story::begin().await;
    let mut nodes = Vec::new();
    for (name, days) in [("Short", Some(7)), ("Usual", None), ("Long", Some(90)), ("Held", Some(7))] {
        let client = story.client(name).await;
        story.store.keep_client(admin(), &all(), client.id, days).await.unwrap();
        nodes.push((client.id, story.node(client.id, name).await));
    }
    let held = nodes[3].0;
    story.store.hold_client(admin(), &all(), held, "court order 1".into()).await.unwrap();
    for (days, turn) in [(100, 60), (40, 30), (10, 9), (1, 1)] {
        for (_, node) in &mut nodes {
            node.send(&story.store, vec![record(alert(&days.to_string()))]).await;
        }
        story.hand.turn(turn * 86_400);
    }
    story.store.catch_up().await.unwrap();
    let keep = Keep { age: SignedDuration::from_hours(30 * 24), bytes: u64::MAX };
    while story.store.retain(&all(), keep).await.unwrap() {}
    let left = async |slug: &str| -> Vec<String> {
        story.rows(&format!("client:{slug}")).await.into_iter().map(|row| row.rule_id).collect()
    };
    assert_eq!(left("short").await, ["1"]);
    assert_eq!(left("usual").await, ["1", "10"]);
    assert_eq!(left("long").await, ["1", "10", "40"]);
    assert_eq!(left("held").await, ["1", "10", "40", "100"]);

    // Nor does it go for want of room, or with its node, or by hand.
    let refused = story.store.delete_node(admin(), &all(), nodes[3].1.node).await.unwrap_err();
    assert!(refused.to_string().contains("under legal hold"), "{refused}");
    let refused = story.store.delete_client(admin(), &all(), held).await.unwrap_err();
    assert!(refused.to_string().contains("under legal hold"), "{refused}");
    while story.store.retain(&all(), Keep { age: SignedDuration::MAX, bytes: 0 }).await.unwrap() {}
    assert_eq!(left("held").await.len(), 4);
    assert_eq!(story.rows("").await.len(), 4, "of the others nothing is left");

    // When the hold is lifted it is as with all others.
    story.store.release_client(admin(), &all(), held).await.unwrap();
    while story.store.retain(&all(), keep).await.unwrap() {}
    assert_eq!(left("held").await, ["1"]);
    let ask = AuditAsk { client: Some(held), action: Some("client".into()), limit: 3, ..AuditAsk::default() };
    let said = story.store.audit(&all(), ask).await.unwrap();
    let said: Vec<_> = said.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(said, ["client.release", "client.hold", "client.keep"]);
}

#[tokio::test]
async fn what_was_being_cleared_away_waits_while_the_client_is_held() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1"))]).await;
    story.store.delete_node(admin(), &all(), node.node).await.unwrap();
    story.store.hold_client(admin(), &all(), acme.id, "asked by the court".into()).await.unwrap();
    story.store.catch_up().await.unwrap();
    assert_eq!(story.rows("").await.len(), 1);
    story.store.release_client(admin(), &all(), acme.id).await.unwrap();
    story.store.catch_up().await.unwrap();
    assert!(story.rows("").await.is_empty());
}

#[tokio::test]
async fn a_hold_needs_a_reason_and_days_have_a_range() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await.id;
    for why in ["", " \n", &"x".repeat(1_001)] {
        let refused = story.store.hold_client(admin(), &all(), acme, why.into()).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid { field: "why", .. }), "{refused:?}");
    }
    for days in [0, 36_501, u32::MAX] {
        let refused = story.store.keep_client(admin(), &all(), acme, Some(days)).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid { field: "keep_days", .. }), "{refused:?}");
    }
    assert!(matches!(story.store.release_client(admin(), &all(), acme).await.unwrap_err(), Error::Refused(_)));
    let client = story.store.client(&all(), acme).await.unwrap();
    assert_eq!((client.keep_days, client.hold), (None, None));
}

#[tokio::test]
async fn a_database_that_grew_too_large_lets_the_oldest_go() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    for part in 0..6 {
        let records = (0..400).map(|n| record(alert(&format!("{}", part * 400 + n)))).collect();
        node.send(&story.store, records).await;
    }
    story.store.catch_up().await.unwrap();
    let before = story.store.used_bytes().await.unwrap();
    let keep = Keep { age: SignedDuration::MAX, bytes: before * 2 / 3 };
    while story.store.retain(&all(), keep).await.unwrap() {}
    assert!(story.store.used_bytes().await.unwrap() <= keep.bytes);
    let left = story.store.health().await.unwrap().alerts;
    assert!((1..2_000).contains(&left), "{left}");
    assert_eq!(story.rows("").await[0].rule_id, "2399", "the newest stays");
    assert!(story.rows("rule:0").await.is_empty(), "the oldest is gone");
}

#[tokio::test]
async fn a_deleted_node_goes_with_its_alerts_and_may_not_speak() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1")), record(alert("2"))]).await;
    assert_eq!(story.store.consequences(&all(), node.node).await.unwrap().alerts, 2);
    story.store.delete_node(admin(), &all(), node.node).await.unwrap();
    let batch = node.batch(vec![record(alert("3"))]);
    assert_eq!(story.store.take_batch(node.node, batch).await.unwrap_err(), Error::NotFound("node"));
    story.store.catch_up().await.unwrap();
    assert!(story.rows("").await.is_empty());
}
