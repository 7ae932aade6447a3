//! Takes what nodes send.
//!
//! # Invariants
//! - A batch is taken whole, in one transaction with the node's new position and cursors, and only if it follows exactly where
//!   the core stands. So a replayed, skipped, reordered or forked batch changes nothing.
//! - A record that breaks a bound is refused by itself: its number counts as taken, and the node is told why.
//! - Numbers and stamps of alerts only rise: across batches, restarts, deletions and clocks that are turned back.
//! - Counts are totals. A count never moves its alert in a list, and never opens a closed alert.

mod batch;
mod count;
mod prepare;

use std::time::Duration;

use crate::engine::sql::{Sql, params};
use wire::link::{Batch, Conflict, Cursors, Position, Refused, Taken};
use wire::{Alert, Source};

use batch::insert_alerts;
use prepare::{Prepared, prepare_alert};

use crate::bodies::Packer;
use crate::engine::writer::Tx;
use crate::id::{AlertId, ClientId, NodeId};
use crate::{Error, Result, Scope, Store, changes, clients, nodes};

/// How long a batch may wait for its turn before the node is told to come back.
const WAIT: Duration = Duration::from_secs(20);

/// What became of a batch.
#[derive(Clone, Debug)]
pub enum Ingested {
    /// It is on the disk.
    Taken(Taken),
    /// It does not follow where the core stands; nothing was stored.
    Conflict(Conflict),
}

/// Where the core stands in a node's chain.
pub(crate) struct Link {
    pub(crate) position: Option<Position>,
    pub(crate) cursors: String,
    pub(crate) refused_alarm: i64,
}

impl Store {
    /// Where the core stands with a node, and where the reading of its sources stood then.
    ///
    /// # Errors
    /// There is no such node.
    pub async fn position(&self, node: NodeId) -> Result<(Option<Position>, Cursors)> {
        self.read("position", move |sql| {
            let client = nodes::client_of(sql, node)?;
            let link = link(sql, client, node)?;
            Ok((link.position, serde_json::from_str(&link.cursors)?))
        })
        .await
    }

    /// Takes a batch of a node, all or nothing, if it follows exactly where the core stands.
    ///
    /// # Errors
    /// `NotFound`: there is no such node. `Malformed`: the batch contradicts itself or breaks a bound as a whole. `Busy`,
    /// `Full`: later.
    pub async fn take_batch(&self, node: NodeId, batch: Batch) -> Result<Ingested> {
        check(&batch)?;
        let turns = self.0.ingest_turns.clone();
        let turn = tokio::time::timeout(WAIT, turns.acquire_owned()).await;
        let turn = turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Closed)?;
        // Looked at before the work, and again, under the lock, when it is stored.
        let (client, standing) = self
            .read("position", move |sql| {
                let client = nodes::client_of(sql, node)?;
                Ok((client, link(sql, client, node)?))
            })
            .await?;
        if standing.position != batch.after {
            return Ok(Ingested::Conflict(standing.conflict()?));
        }
        let shared = self.0.shared.clone();
        let task = tokio::task::spawn_blocking(move || Prepared::new(&shared, client, batch));
        let prepared = task.await.map_err(|error| Error::Malformed(format!("it cannot be read: {error}")))??;
        let weight = prepared.records.len().max(1);
        let result =
            self.writer()?.write("take batch", weight, move |tx| batch::take(tx, client, node, &prepared)).await;
        drop(turn);
        if let Ok(Ingested::Taken(taken)) = &result {
            self.0.meter.taken(weight as u64, taken.refused.len() as u64);
        }
        result
    }

    /// Raises an alarm of the core's own, about a node or not; it goes the same way as any alert.
    ///
    /// # Errors
    /// There is no such client in scope, or the alarm breaks a bound.
    pub async fn raise(&self, scope: &Scope, client: ClientId, node: Option<NodeId>, alarm: Alert) -> Result<AlertId> {
        scope.demand(client, "client")?;
        self.write("raise", move |tx| {
            tx.sql.claim(client)?;
            clients::demand(tx.sql, client)?;
            raise(tx, client, node, alarm)
        })
        .await
    }
}

/// Raises an alarm within a transaction.
pub(crate) fn raise(tx: &mut Tx<'_>, client: ClientId, node: Option<NodeId>, alarm: Alert) -> Result<AlertId> {
    debug_assert_eq!(alarm.module, Source::Socme);
    alarm.check().map_err(|breach| Error::invalid("alarm", breach.to_string()))?;
    let shared = tx.shared.clone();
    let snapshot = shared.dictionaries.snapshot();
    let mut packer = Packer::new(&shared.dictionaries, &snapshot);
    let prepared = prepare_alert(&shared, &mut packer, client, alarm)?;
    let mut writing = batch::Writing::new(client, node);
    let taken = insert_alerts(tx, &mut writing, &[&prepared])?;
    let (number, stamp) = taken.first().copied().ok_or(Error::NotFound("alert"))?;
    let new = writing.finish(tx)?;
    if let Some(node) = node {
        let sql = "UPDATE node_link SET alerts = alerts + ?3 WHERE node = ?1 AND client = ?2";
        tx.sql.run(sql, params![node, client, new as i64])?;
    }
    changes::note(tx, client, changes::Kind::Alerts { new: 1, counted: 0, changed: 0 })?;
    Ok(shared.cipher.id(stamp, number))
}

/// What a batch must be whatever the core holds.
fn check(batch: &Batch) -> Result<()> {
    let malformed = |why: String| Err(Error::Malformed(why));
    let expected = match batch.after {
        Some(after) if after.epoch == batch.to.epoch => after.number.saturating_add(1),
        _ => 1,
    };
    if batch.first != expected {
        return malformed(format!("its first record is {}, {expected} follows", batch.first));
    }
    if batch.records.len() > wire::limit::BATCH_RECORDS {
        return malformed(format!(
            "it has {} records, at most {} are taken",
            batch.records.len(),
            wire::limit::BATCH_RECORDS
        ));
    }
    if batch.to.number.checked_add(1) != batch.first.checked_add(batch.records.len() as u64) {
        return malformed(format!(
            "it ends at {} but has {} records from {}",
            batch.to.number,
            batch.records.len(),
            batch.first
        ));
    }
    if batch.to.number > i64::MAX as u64 {
        return malformed("its numbers are too high".into());
    }
    if batch.cursors.len() > wire::limit::SOURCES {
        return malformed(format!(
            "it has {} cursors, at most {} are taken",
            batch.cursors.len(),
            wire::limit::SOURCES
        ));
    }
    for (name, cursor) in &batch.cursors {
        let length = name.len() + cursor.to_string().len();
        if length > wire::limit::CURSOR {
            return malformed(format!("a cursor has {length} bytes, at most {} are taken", wire::limit::CURSOR));
        }
    }
    Ok(())
}

pub(crate) fn link(sql: Sql<'_>, client: ClientId, node: NodeId) -> Result<Link> {
    sql.one(
        "SELECT epoch, number, tag, cursors, refused_alarm FROM node_link WHERE node = ?1 AND client = ?2",
        params![node, client],
        |row| {
            let epoch: Option<i64> = row.get(0)?;
            let position = match epoch {
                Some(epoch) => Some(Position {
                    epoch: epoch as u64,
                    number: row.get::<_, i64>(1)? as u64,
                    tag: row.get::<_, i64>(2)? as u64,
                }),
                None => None,
            };
            Ok(Link { position, cursors: row.get(3)?, refused_alarm: row.get(4)? })
        },
    )?
    .ok_or(Error::NotFound("node"))
}

impl Link {
    fn conflict(&self) -> Result<Conflict> {
        Ok(Conflict { position: self.position, cursors: serde_json::from_str(&self.cursors)? })
    }
}

fn refused(number: u64, why: impl Into<String>) -> Refused {
    Refused { number, why: why.into() }
}
