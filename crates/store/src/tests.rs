use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use wire::alert::{Endpoint, File, Host, User};
use wire::link::{Batch, Count, Cursors, Lost, Position, Record};
use wire::{Alert, Severity, Source};

use super::*;
use crate::testing::{Database, Kind};

mod on_postgres;
mod on_sqlite;
mod replicas;

fn start() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().unwrap()
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
