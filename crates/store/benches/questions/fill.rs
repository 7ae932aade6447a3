//! Fills a database as nodes do: batch after batch, each node's one after another, several nodes at once.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use store::{
    Action, Actor, Ask, Certificate, ClientId, Fingerprint, Hand, Ingested, NewClient, NewNode, NodeId, Scope, Store,
};
use wire::link::{Batch, Cursors, Position, Record};

use crate::made::{self, CLIENTS, DAYS, Dice};

/// Nodes at each client.
const NODES: usize = 2;
/// Batches under way at once.
const AT_ONCE: usize = 16;
/// After so many alerts somebody deals with a page of them.
const ACT_EVERY: u64 = 4_000;

/// One node, and where it stands.
struct Sender {
    client: usize,
    client_id: ClientId,
    node: NodeId,
    position: Option<Position>,
}

struct Filling {
    store: Store,
    hand: Hand,
    alerts: u64,
    batch: u64,
    /// Idle nodes, and alerts that are made so far.
    state: Mutex<(Vec<Option<Sender>>, u64)>,
}

pub(crate) async fn fill(store: &Store, hand: &Hand, alerts: u64) {
    let begin = made::end() - SignedDuration::from_hours(DAYS * 24);
    hand.set(begin);
    let mut senders = Vec::new();
    for client in 0..CLIENTS {
        let new = NewClient { name: format!("Client {client}"), ..NewClient::default() };
        let made = store.create_client(Actor::named("bench"), new).await.expect("client");
        for node in 0..NODES {
            senders.push(Some(enrol(store, client, made.id, node).await));
        }
    }
    // About one batch an hour from each node, so that the rollups have as many rows as in 60 real days.
    let batch = (alerts / (CLIENTS * NODES) as u64 / (DAYS as u64 * 24)).clamp(10, 500);
    let filling =
        Arc::new(Filling { store: store.clone(), hand: hand.clone(), alerts, batch, state: Mutex::new((senders, 0)) });
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..AT_ONCE {
        workers.spawn(filling.clone().work(worker as u64 + 1));
    }
    let watched = filling.clone();
    let watch = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(30)).await;
            let made = watched.state.lock().expect("lock").1;
            eprintln!("  {made} of {alerts} alerts after {:.0} s", begun.elapsed().as_secs_f64());
        }
    });
    while let Some(done) = workers.join_next().await {
        done.expect("a worker");
    }
    watch.abort();
    let took = begun.elapsed().as_secs_f64();
    println!("filled: {alerts} alerts in batches of {batch}, {:.0} alerts/s durably", alerts as f64 / took);
    while store.text_behind().await.expect("behind") > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    println!("        {:.0} alerts/s until the text index had them too", alerts as f64 / took);
}

impl Filling {
    async fn work(self: Arc<Self>, seed: u64) {
        let mut dice = Dice(seed << 32);
        loop {
            let (place, mut sender, first) = {
                let mut state = self.state.lock().expect("lock");
                if state.1 >= self.alerts {
                    return;
                }
                // Some clients have far more alerts than others.
                let place = loop {
                    let place = dice.skewed((CLIENTS * NODES) as u64) as usize;
                    if state.0[place].is_some() {
                        break place;
                    }
                };
                let sender = state.0[place].take().expect("idle");
                state.1 += self.batch;
                (place, sender, state.1)
            };
            let share = first.min(self.alerts) as f64 / self.alerts as f64;
            let age = (1.0 - share) * (DAYS * 86_400_000) as f64;
            let now = made::end() - SignedDuration::from_millis(age as i64);
            self.hand.set(now);
            let records =
                (0..self.batch).map(|_| Record::Alert(Box::new(made::alert(&mut dice, sender.client, now)))).collect();
            self.send(&mut sender, records).await;
            if first / ACT_EVERY != (first - self.batch) / ACT_EVERY {
                self.act(&mut dice, sender.client_id).await;
            }
            self.state.lock().expect("lock").0[place] = Some(sender);
        }
    }

    async fn send(&self, sender: &mut Sender, records: Vec<Record>) {
        let first = sender.position.map_or(1, |at| at.number + 1);
        let number = first + records.len() as u64 - 1;
        let to = Position { epoch: 1, number, tag: number * 31 };
        let cursors = Cursors::from([("suricata".to_owned(), serde_json::json!({ "offset": number }))]);
        let batch = Batch { wire: wire::VERSION, after: sender.position, first, to, cursors, records };
        match self.store.take_batch(sender.node, batch).await.expect("taken") {
            Ingested::Taken(taken) => assert!(taken.refused.is_empty(), "{:?}", taken.refused),
            Ingested::Conflict(conflict) => panic!("{conflict:?}"),
        }
        sender.position = Some(to);
    }

    /// Somebody deals with the newest page of a client's open alerts.
    async fn act(&self, dice: &mut Dice, client: ClientId) {
        let scope = Scope::of_client(client, "a benchmark");
        let query = query::parse("state:open").expect("a query");
        let now = self.store.clock().now();
        let ask = Ask { query, zone: TimeZone::UTC, now, before: None, after: None, limit: store::PAGE };
        let page = self.store.alerts(&scope, ask).await.expect("a page");
        let action = if dice.below(3) == 0 { Action::Acknowledge } else { Action::Close };
        let alerts: Vec<_> = page.alerts.iter().map(|row| (row.client, row.id)).collect();
        self.store.act(Actor::named("bench"), &scope, alerts, action, None).await.expect("done");
    }
}

async fn enrol(store: &Store, client: usize, client_id: ClientId, node: usize) -> Sender {
    let scope = Scope::internal("a benchmark");
    let hour = SignedDuration::from_hours(1);
    let (token, _) = store.create_token(Actor::named("bench"), &scope, client_id, hour).await.expect("token");
    let mut key = [0; 32];
    (key[0], key[1]) = (client as u8, node as u8);
    let (starts, ends) = (store.clock().now(), made::end());
    let certificate = Certificate { fingerprint: Fingerprint(key), serial: "1".into(), starts, ends };
    let new = NewNode { hostname: format!("node-{client}-{node}"), version: "1".into(), key: Fingerprint(key) };
    let enrolled = store.enrol(&token, new, |_| Ok((certificate, ()))).await.expect("enrolled");
    Sender { client, client_id, node: enrolled.identity.node, position: None }
}
