use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use wire::alert::{Endpoint, File, Host, User};
use wire::link::{Batch, Count, Cursors, Lost, Position, Record};
use wire::{Alert, Severity, Source};

use super::*;

mod lists;
mod nodes;

fn start() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().unwrap()
}

/// A database in a folder of its own, with a clock that the test turns.
struct Story {
    folder: tempfile::TempDir,
    store: Store,
    hand: Hand,
}

impl Story {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::stopped(start());
        let store = open(&folder, clock).await;
        Self { folder, store, hand }
    }

    /// Closes the database and opens it again.
    async fn restart(&mut self) {
        self.store.close().await;
        self.store = open(&self.folder, self.store.clock().clone()).await;
    }

    async fn client(&self, name: &str) -> Client {
        let new = NewClient { name: name.into(), ..NewClient::default() };
        self.store.create_client(admin(), new).await.unwrap()
    }

    async fn node(&self, client: ClientId, name: &str) -> Sender {
        let hour = SignedDuration::from_hours(1);
        let (token, _) = self.store.create_token(admin(), &all(), client, hour).await.unwrap();
        let mut key = [0; 32];
        key[..name.len()].copy_from_slice(name.as_bytes());
        let new = NewNode { hostname: name.into(), version: "1".into(), key: Fingerprint(key) };
        let certificate =
            Certificate { fingerprint: Fingerprint(key), serial: "1".into(), starts: start(), ends: start() };
        let enrolled = self.store.enrol(&token, new, |_| Ok((certificate, ()))).await.unwrap();
        Sender { node: enrolled.identity.node, position: None, epoch: 7 }
    }

    async fn rows(&self, query: &str) -> Vec<AlertRow> {
        self.store.alerts(&all(), self.ask(query)).await.unwrap().alerts
    }

    fn ask(&self, query: &str) -> Ask {
        let (query, now) = (query::parse(query).unwrap(), self.store.clock().now());
        Ask { query, zone: TimeZone::UTC, now, before: None, after: None, limit: PAGE }
    }
}

async fn open(folder: &tempfile::TempDir, clock: Clock) -> Store {
    let options = Options { clock, background: false, ..Options::default() };
    Store::open(&folder.path().join("socme.db"), options).await.unwrap()
}

fn all() -> Scope {
    Scope::internal("a test")
}

fn admin() -> Actor {
    Actor::named("test")
}

/// A node as the store sees it: what it sends next.
struct Sender {
    node: NodeId,
    position: Option<Position>,
    epoch: u64,
}

impl Sender {
    fn batch(&self, records: Vec<Record>) -> Batch {
        let first = self.position.filter(|at| at.epoch == self.epoch).map_or(1, |at| at.number + 1);
        let number = first + records.len() as u64 - 1;
        let to = Position { epoch: self.epoch, number, tag: number * 31 };
        let cursors = Cursors::from([("eve".to_owned(), serde_json::json!({ "offset": number }))]);
        Batch { wire: 1, after: self.position, first, to, cursors, records }
    }

    async fn send(&mut self, store: &Store, records: Vec<Record>) -> wire::link::Taken {
        let batch = self.batch(records);
        match store.take_batch(self.node, batch).await.unwrap() {
            Ingested::Taken(taken) => {
                self.position = Some(taken.position);
                taken
            }
            Ingested::Conflict(conflict) => panic!("{conflict:?}"),
        }
    }
}

fn alert(rule: &str) -> Alert {
    let mut alert = Alert::bare(start());
    alert.module = Source::Suricata;
    alert.rule.id = rule.into();
    alert.rule.name = format!("rule {rule}");
    alert.severity = Severity::High;
    alert.closed = false;
    alert.raw = format!("{{\"sid\":\"{rule}\"}}");
    alert
}

fn record(alert: Alert) -> Record {
    Record::Alert(Box::new(alert))
}
