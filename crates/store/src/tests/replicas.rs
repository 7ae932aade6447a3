//! Several stores on one PostgreSQL database, as several cores have them.

use std::time::{Duration, Instant};

use super::on_postgres::story::Story;
use super::*;
use crate::testing::{Cluster, Database, Kind, Own, Pooler};
use crate::{Nudge, Server};

/// A further store on a story's database.
async fn beside(story: &Story) -> Store {
    open(own(story).server(), story.store.clock().clone()).await
}

async fn open(server: Server, clock: Clock) -> Store {
    let options = Options { clock, background: false, ..Options::default() };
    Store::open(Place::Postgres(server), options).await.unwrap()
}

fn own(story: &Story) -> &Own {
    match &story.database {
        Database::Postgres(own) => own,
        Database::File(_) => unreachable!("the story is told on PostgreSQL"),
    }
}

/// Waits until a store knows this number of a client; says how long it took.
async fn heard(store: &Store, client: ClientId, number: i64) -> Duration {
    let began = Instant::now();
    while store.numbers(&all()).get(&client).copied().unwrap_or(0) < number {
        assert!(began.elapsed() < Duration::from_secs(5), "not heard of");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

#[tokio::test]
async fn what_one_writes_the_other_hears_at_once() {
    let story = Story::begin().await;
    let other = beside(&story).await;
    // Whoever listens has connected by then.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut nudges = other.watch();
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    // The best of a few: the machine may be busy with other tests.
    let (mut best, mut latest) = (Duration::MAX, 0);
    for _ in 0..5 {
        node.send(&story.store, vec![record(alert("1"))]).await;
        latest = story.store.numbers(&all())[&acme.id];
        best = best.min(heard(&other, acme.id, latest).await);
    }
    assert!(best < Duration::from_millis(500), "{best:?}");
    assert_eq!(nudges.recv().await.unwrap(), Nudge::Changes);
    let known = [(acme.id, latest - 1)].into();
    let changes = other.changes_since(&all().narrowed([acme.id]), &known).await.unwrap();
    assert!(matches!(changes[0].what, What::Alerts { new: 1, .. }), "{changes:?}");
    // A session that ends at one ends at the other.
    let user = NewUser { name: "Ada".into(), access: crate::Access::Admin, passphrase: None };
    let user = story.store.create_user(admin(), user).await.unwrap();
    let session = story.store.begin_session(user.id, new_session()).await.unwrap().1;
    story.store.end_session(admin(), user.id, session.id).await.unwrap();
    loop {
        let nudge = tokio::time::timeout(Duration::from_secs(2), nudges.recv()).await;
        if nudge.expect("heard of").unwrap() == Nudge::SessionEnded(session.id) {
            break;
        }
    }
    story.store.delete_client(admin(), &all(), story.client("Gone").await.id).await.unwrap();
}

#[tokio::test]
async fn who_wanders_from_one_to_the_other_is_not_told_to_begin_anew() {
    let story = Story::begin().await;
    let other = beside(&story).await;
    for round in 0..10 {
        let client = story.client(&format!("Client {round}")).await;
        // At once: the other cannot have heard of it yet.
        let changes = other.changes_since(&all(), &story.store.numbers(&all())).await.unwrap();
        let odd =
            |change: &crate::Change| change.client == client.id && matches!(change.what, What::Gone | What::Reset);
        assert!(!changes.iter().any(odd), "{changes:?}");
    }
}

#[tokio::test]
async fn a_listener_that_is_cut_off_is_made_up_for() {
    let story = Story::begin().await;
    let other = beside(&story).await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let cut = || {
        std::thread::scope(|scope| {
            let cut = scope.spawn(|| {
                let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' \
                           AND datname = current_database()";
                own(&story).connect().query(sql, &[]).unwrap().len()
            });
            cut.join().unwrap()
        })
    };
    assert_eq!(cut(), 2);
    for round in 0..5 {
        node.send(&story.store, vec![record(alert("1"))]).await;
        let took = heard(&other, acme.id, story.store.numbers(&all())[&acme.id]).await;
        assert!(took < Duration::from_secs(5), "round {round}: {took:?}");
        if round < 2 {
            cut();
        }
    }
}

#[tokio::test]
async fn two_take_batches_of_one_client_and_of_one_node_and_nothing_is_lost_or_twice() {
    let story = Story::begin().await;
    let other = beside(&story).await;
    let acme = story.client("Acme").await;
    let mut tasks = tokio::task::JoinSet::new();
    // Nodes of one client at both.
    for (name, store) in [("a", &story.store), ("b", &other), ("c", &story.store), ("d", &other)] {
        let (mut node, store) = (story.node(acme.id, name).await, store.clone());
        tasks.spawn(async move {
            for round in 0..20 {
                node.send(&store, (0..10).map(|n| record(alert(&format!("{}", n + round)))).collect()).await;
            }
        });
    }
    // One node whose connection wanders: each batch is sent to both, for it never hears the first answer.
    let (mut node, here, there) = (story.node(acme.id, "wanders").await, story.store.clone(), other.clone());
    tasks.spawn(async move {
        for _ in 0..20 {
            let batch = node.batch((0..5).map(|n| record(alert(&format!("w{n}")))).collect());
            let (one, two) =
                tokio::join!(here.take_batch(node.node, batch.clone()), there.take_batch(node.node, batch.clone()));
            let taken = [one.unwrap(), two.unwrap()];
            let count = taken.iter().filter(|taken| matches!(taken, Ingested::Taken(_))).count();
            assert_eq!(count, 1, "{taken:?}");
            node.position = Some(batch.to);
        }
    });
    // Somebody handles alerts meanwhile.
    let store = other.clone();
    let scope = all();
    let ask = |before| Ask { before, ..story.ask("") };
    let mut acted = 0;
    while !tasks.is_empty() {
        let page = store.alerts(&scope, ask(None)).await.unwrap();
        let some: Vec<_> = page.alerts.iter().take(20).map(|row| (row.client, row.id)).collect();
        if !some.is_empty() {
            store.act(admin(), &scope, some, Action::Close, None).await.unwrap();
            acted += 1;
        }
        if let Some(done) = tasks.try_join_next() {
            done.unwrap();
        }
    }
    assert!(acted > 0);
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = other.alerts(&scope, ask(before)).await.unwrap();
        found.extend(page.alerts.iter().map(|row| row.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 4 * 200 + 100);
    assert!(found.windows(2).all(|pair| pair[0] > pair[1]), "in order of arrival, each once");
    let facets = other.facets(&scope, query::Query::default(), TimeZone::UTC, other.clock().now()).await.unwrap();
    assert_eq!(facets.state.iter().map(|facet| facet.count).sum::<u64>(), 900);
    let client = story.store.client(&all(), acme.id).await.unwrap();
    let open = facets.state.iter().find(|facet| facet.value == "open").map_or(0, |facet| facet.count);
    assert_eq!(client.open_alerts, open);
    assert!(matches!(story.store.verify_audit(None).await.unwrap(), crate::Verified::Whole { .. }));
}

#[tokio::test]
async fn what_comes_after_the_newest_is_never_missed() {
    let story = Story::begin().await;
    let (acme, beta) = (story.client("Acme").await, story.client("Beta").await);
    let mut node = story.node(beta.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1"))]).await;
    // Somebody has taken a number for Acme and does not commit yet.
    let (mut begun, commit) = std::thread::scope(|scope| {
        let begun = scope.spawn(|| {
            let mut client = own(&story).connect();
            client.batch_execute("BEGIN").unwrap();
            let number: i64 = client.query_one("SELECT take_numbers(1)", &[]).unwrap().get(0);
            let sql = format!(
                "INSERT INTO rule (client, id, module, rule, folded, name) VALUES ({0}, 999, 0, 'r', 'r', 'r'); \
                 INSERT INTO alert (client, number, rule, stamp, time, span, count, severity, state, hidden, fold, has_raw) \
                 VALUES ({0}, {number}, 999, {1}, 0, 0, 1, 0, 0, 0, 0, 0); \
                 UPDATE tally SET last = {number}, stamp = {1} WHERE client = {0}",
                acme.id.0,
                crate::id::stamp_at(start().as_millisecond())
            );
            client.batch_execute(&sql).unwrap();
            (client, move |client: &mut postgres::Client| client.batch_execute("COMMIT").unwrap())
        });
        begun.join().unwrap()
    });
    node.send(&story.store, vec![record(alert("2"))]).await;
    let page = story.store.alerts(&all(), story.ask("")).await.unwrap();
    assert_eq!(page.alerts.len(), 2);
    std::thread::scope(|scope| {
        scope.spawn(|| commit(&mut begun)).join().unwrap();
    });
    std::thread::spawn(move || drop(begun)).join().unwrap();
    let ask = Ask { after: Some(page.newest), ..story.ask("") };
    let later = story.store.alerts(&all(), ask).await.unwrap();
    assert!(later.alerts.iter().any(|row| row.rule_id == "r"), "{later:?}");
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_may_stand_in_between() {
    let cluster = crate::testing::cluster();
    let database = Database::new(Kind::Postgres);
    let Database::Postgres(own) = &database else { unreachable!() };
    let pooler = Pooler::start(cluster);
    let (clock, _) = Clock::stopped(start());
    let pooled = own.url_by(pooler.port);
    let direct = Server { url: pooled.clone(), direct_url: Some(own.url()), ..Server::default() };
    let without = Server { url: pooled, ..Server::default() };
    let (one, two) = (open(direct, clock.clone()).await, open(without, clock).await);
    let new = NewClient { name: "Acme".into(), ..NewClient::default() };
    let acme = one.create_client(admin(), new).await.unwrap();
    let again = NewClient { name: "Acme".into(), ..NewClient::default() };
    assert!(matches!(two.create_client(admin(), again).await, Err(Error::Invalid { field: "name", .. })));
    let story = Story { database, store: one, hand: Clock::stopped(start()).1 };
    let mut node = story.node(acme.id, "sensor").await;
    let mut tasks = tokio::task::JoinSet::new();
    for round in 0..10 {
        node.send(if round % 2 == 0 { &story.store } else { &two }, vec![record(alert("1")), record(alert("2"))]).await;
        for store in [story.store.clone(), two.clone()] {
            let ask = story.ask("rule:1");
            tasks.spawn(async move { store.alerts(&all(), ask).await.unwrap().alerts.len() });
        }
    }
    tasks.join_all().await;
    let latest = story.store.numbers(&all())[&acme.id];
    // Without a direct connection the numbers are asked for.
    heard(&two, acme.id, latest).await;
    story.store.catch_up().await.unwrap();
    assert_eq!(two.alerts(&all(), story.ask("\"rule 2\"")).await.unwrap().alerts.len(), 10);
    // Done, before what it goes through ends.
    two.close().await;
    story.store.close().await;
}

#[tokio::test]
async fn a_server_that_restarts_loses_nothing_and_brings_nothing_twice() {
    let cluster = std::thread::spawn(|| Cluster::start(true)).join().unwrap();
    let own = cluster.database();
    let (clock, hand) = Clock::stopped(start());
    let store = open(own.server(), clock).await;
    let story = Story { database: Database::Postgres(own), store, hand };
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1"))]).await;
    let cluster = std::thread::spawn(move || {
        cluster.stop();
        cluster
    });
    let cluster = cluster.join().unwrap();
    let batch = node.batch(vec![record(alert("2"))]);
    let away = story.store.take_batch(node.node, batch.clone()).await;
    assert!(matches!(away, Err(Error::Away(_))), "{away:?}");
    let cluster = std::thread::spawn(move || {
        cluster.run();
        cluster
    });
    let cluster = cluster.join().unwrap();
    node.send(&story.store, batch.records).await;
    let rows = story.rows("").await;
    assert_eq!(rows.iter().map(|row| row.rule_id.as_str()).collect::<Vec<_>>(), ["2", "1"]);
    story.store.close().await;
    std::thread::spawn(move || drop((story, cluster))).join().unwrap();
}

#[tokio::test]
async fn a_text_that_postgresql_cannot_hold_is_taken_all_the_same() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let mut odd = alert("1\0");
    odd.rule.name = "x".repeat(wire::limit::TEXT);
    odd.message = Some("before\0after".into());
    let taken = node.send(&story.store, vec![record(odd.clone()), record(odd)]).await;
    assert!(taken.refused.is_empty(), "{taken:?}");
    let rows = story.rows("").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].message.as_deref(), Some("before\u{fffd}after"));
    let detail = story.store.alert(&all(), acme.id, rows[0].id).await.unwrap();
    assert_eq!(detail.alert.message.as_deref(), Some("before\0after"), "the alert itself is as it came");
}

#[tokio::test]
async fn a_part_of_the_tables_goes_when_all_in_it_is_old() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1")), record(alert("2"))]).await;
    let skip = |to: i64| {
        let sql = format!("SELECT setval('alert_number', {to})");
        std::thread::scope(|scope| scope.spawn(|| own(&story).connect().batch_execute(&sql).unwrap()).join().unwrap());
    };
    use crate::engine::postgresql::partitions::PART;
    skip(PART + 5);
    story.hand.turn(86_400);
    node.send(&story.store, vec![record(alert("3"))]).await;
    skip(2 * PART + 5);
    story.store.catch_up().await.unwrap();
    story.hand.turn(86_400 / 2);
    node.send(&story.store, vec![record(alert("4"))]).await;
    let parts = || {
        let sql = "SELECT count(*) FROM pg_class WHERE relname LIKE 'alert_00000%' AND relkind = 'r'";
        std::thread::scope(|scope| {
            scope.spawn(|| own(&story).connect().query_one(sql, &[]).unwrap().get::<_, i64>(0)).join().unwrap()
        })
    };
    assert_eq!(parts(), 5);
    let keep = Keep { age: SignedDuration::from_hours(24), bytes: u64::MAX };
    while story.store.retain(&all(), keep).await.unwrap() {}
    assert_eq!(parts(), 4, "the first is dropped");
    let rows = story.rows("").await;
    assert_eq!(rows.iter().map(|row| row.rule_id.as_str()).collect::<Vec<_>>(), ["4", "3"]);
    assert_eq!(story.store.health().await.unwrap().alerts, 2);
    assert_eq!(story.store.node(&all(), node.node).await.unwrap().alerts, 2);
    assert_eq!(story.store.client(&all(), acme.id).await.unwrap().open_alerts, 2);
}

#[tokio::test]
async fn a_part_stays_while_somebody_keeps_what_is_in_it_and_the_others_alerts_go_one_by_one() {
    use crate::engine::postgresql::partitions::PART;
    let story = Story::begin().await;
    let (acme, other) = (story.client("Acme").await, story.client("Other").await);
    let (mut held, mut usual) = (story.node(acme.id, "held").await, story.node(other.id, "usual").await);
    held.send(&story.store, vec![record(alert("1"))]).await;
    usual.send(&story.store, vec![record(alert("2"))]).await;
    for part in 1..=2 {
        let sql = format!("SELECT setval('alert_number', {})", part * PART + 5);
        std::thread::scope(|scope| scope.spawn(|| own(&story).connect().batch_execute(&sql).unwrap()).join().unwrap());
        story.hand.turn(40 * 86_400);
        usual.send(&story.store, vec![record(alert("3"))]).await;
        story.store.catch_up().await.unwrap();
    }
    story.store.hold_client(admin(), &all(), acme.id, "asked by the court".into()).await.unwrap();
    let keep = Keep { age: SignedDuration::from_hours(30 * 24), bytes: u64::MAX };
    while story.store.retain(&all(), keep).await.unwrap() {}
    let rules = async || -> Vec<_> { story.rows("").await.into_iter().map(|row| row.rule_id).collect() };
    assert_eq!(rules().await, ["3", "1"]);
    story.store.release_client(admin(), &all(), acme.id).await.unwrap();
    while story.store.retain(&all(), keep).await.unwrap() {}
    assert_eq!(rules().await, ["3"]);
}

fn new_session() -> NewSession {
    NewSession {
        how: crate::Proof::Passphrase,
        idle: SignedDuration::from_hours(1),
        longest: SignedDuration::from_hours(2),
        address: None,
        agent: None,
    }
}
