//! Old alerts go, in small steps; rollups stay for 25 months.

use crate::engine::sql::params;
use jiff::{SignedDuration, Timestamp};

use crate::alerts::{State, severity_from_code};
use crate::bodies::Unpacker;
use crate::changes::{self, Kind};
use crate::engine::writer::Tx;
use crate::facts::about;
use crate::id::{ClientId, NodeId};
use crate::{Result, Scope, Store, jobs, list, postings, search};

/// Alerts that go at once.
const STEP: i64 = 500;
/// How long rollups are kept, in hours.
const ROLLUPS: i64 = 25 * 31 * 24;
/// Pages given back to the file system at once.
const PAGES: i64 = 2_000;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Alerts that arrived longer ago go.
    pub age: SignedDuration,
    /// The oldest alerts go while the database is larger, in bytes.
    pub bytes: u64,
}

impl Store {
    /// Takes one small step towards what is to be kept. True if there is more to do.
    ///
    /// # Errors
    /// The database fails.
    pub async fn retain(&self, scope: &Scope, keep: Keep, now: Timestamp) -> Result<bool> {
        debug_assert_eq!(*scope.reach(), crate::Reach::All);
        let bytes = self.used_bytes().await?;
        let oldest = now.checked_sub(keep.age).unwrap_or(Timestamp::UNIX_EPOCH).as_millisecond();
        self.write("retain", move |tx| {
            let first = tx.sql.number(
                "SELECT number FROM alert ORDER BY number LIMIT 1 /* across clients: the oldest */ /* in order: one row */",
                [],
            )?;
            let mut end = list::first_at(tx.sql, oldest)?;
            if bytes > keep.bytes {
                end = end.max(first + STEP);
            }
            let rows = tx.sql.all(
                "SELECT number, client FROM alert WHERE number < ?1 ORDER BY number LIMIT ?2 /* across clients: the oldest */",
                params![end, STEP],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, ClientId>(1)?)),
            )?;
            let more = rows.len() as i64 == STEP;
            forget(tx, rows)?;
            let hour = tx.now.div_euclid(3_600_000) - ROLLUPS;
            for client in tx.sql.all("SELECT client FROM tally /* across clients: rollups of all */", [], |row| {
                row.get::<_, ClientId>(0)
            })? {
                tx.sql.run("DELETE FROM rollup WHERE client = ?1 AND hour < ?2", params![client, hour])?;
                tx.sql.run("DELETE FROM rollup_hour WHERE client = ?1 AND hour < ?2", params![client, hour])?;
                let day = hour.div_euclid(24);
                tx.sql.run("DELETE FROM rollup_day WHERE client = ?1 AND day < ?2", params![client, day])?;
            }
            tx.sql.give_back(PAGES);
            Ok(more)
        })
        .await
    }

    /// Bytes of the database that are in use: its pages less the free ones.
    ///
    /// # Errors
    /// The database fails.
    pub async fn used_bytes(&self) -> Result<u64> {
        self.read("used bytes", |sql| sql.used_bytes()).await
    }
}

/// Deletes alerts with all that belongs to them. Rollups stay.
pub(crate) fn forget(tx: &mut Tx<'_>, rows: Vec<(i64, ClientId)>) -> Result<()> {
    let shared = tx.shared.clone();
    let snapshot = shared.dictionaries.snapshot();
    let mut unpacker = Unpacker::new(&shared.dictionaries, &snapshot);
    let mut touched = std::collections::BTreeMap::<ClientId, (i64, i64)>::new();
    for (number, client) in rows {
        if let Some(alert) = unpacker.load(tx.sql, client, number)? {
            let entities: Vec<i64> =
                about(&alert).iter().map(|(kind, value)| shared.cipher.entity(client, *kind, value)).collect();
            postings::forget(tx.sql, client, number, &entities)?;
        }
        search::forget(tx, number)?;
        let key = params![number, client];
        tx.sql.run("DELETE FROM body WHERE alert = ?1 AND client = ?2", key)?;
        tx.sql.run("DELETE FROM sample WHERE alert = ?1 AND client = ?2", key)?;
        tx.sql.run("DELETE FROM history WHERE alert = ?1 AND client = ?2", key)?;
        tx.sql.run("DELETE FROM open_fold WHERE alert = ?1 AND client = ?2", key)?;
        let gone = tx.sql.one(
            "DELETE FROM alert WHERE number = ?1 AND client = ?2 RETURNING state, rule, node, severity",
            key,
            |row| {
                let state = State::from_code(row.get(0)?);
                let _ = severity_from_code(row.get(3)?);
                Ok((state, row.get::<_, i64>(1)?, row.get::<_, Option<NodeId>>(2)?))
            },
        )?;
        if let Some((state, rule, node)) = gone {
            tx.sql.run(
                "UPDATE rule SET alerts = max(0, alerts - 1) WHERE id = ?1 AND client = ?2",
                params![rule, client],
            )?;
            if let Some(node) = node {
                let sql = "UPDATE node_link SET alerts = max(0, alerts - 1) WHERE node = ?1 AND client = ?2";
                tx.sql.run(sql, params![node, client])?;
            }
            let tally = touched.entry(client).or_default();
            tally.0 += 1;
            tally.1 += i64::from(state == State::Open);
        }
    }
    for (client, (alerts, open)) in touched {
        let sql = "UPDATE tally SET alerts = max(0, alerts - ?2), open = max(0, open - ?3) WHERE client = ?1";
        tx.sql.run(sql, params![client, alerts, open])?;
        changes::note(tx, client, Kind::Alerts { new: 0, counted: 0, changed: alerts as u64 })?;
    }
    Ok(())
}

/// Clears away a little of what a deleted node or client left. True if there is more to do.
pub(crate) fn clear_away(tx: &mut Tx<'_>) -> Result<bool> {
    let sql = "SELECT id, kind, client, subject FROM job ORDER BY id LIMIT 1 /* across clients: the work to do */";
    let job = tx.sql.one(sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, ClientId>(2)?, row.get::<_, i64>(3)?))
    })?;
    let Some((id, kind, client, subject)) = job else { return Ok(false) };
    let rows = if kind == jobs::Kind::ClearNode.word() {
        tx.sql.all(
            "SELECT number FROM alert WHERE client = ?1 AND node = ?2 ORDER BY number LIMIT ?3",
            params![client, subject, STEP],
            |row| row.get::<_, i64>(0),
        )?
    } else {
        tx.sql.all("SELECT number FROM alert WHERE client = ?1 LIMIT ?2", params![client, STEP], |row| {
            row.get::<_, i64>(0)
        })?
    };
    let left = rows.len() as i64 == STEP;
    forget(tx, rows.into_iter().map(|number| (number, client)).collect())?;
    if !left {
        if kind == jobs::Kind::ClearNode.word() {
            for table in [
                "DELETE FROM rollup WHERE client = ?1 AND node = ?2",
                "DELETE FROM rollup_hour WHERE client = ?1 AND node = ?2",
                "DELETE FROM rollup_day WHERE client = ?1 AND node = ?2",
                "DELETE FROM open_fold WHERE client = ?1 AND node = ?2",
                "DELETE FROM node WHERE client = ?1 AND id = ?2 AND deleting = 1",
            ] {
                tx.sql.run(table, params![client, subject])?;
            }
        } else {
            for table in [
                "DELETE FROM rollup WHERE client = ?1",
                "DELETE FROM rollup_hour WHERE client = ?1",
                "DELETE FROM rollup_day WHERE client = ?1",
                "DELETE FROM rule WHERE client = ?1",
                "DELETE FROM change WHERE client = ?1",
            ] {
                tx.sql.run(table, [client])?;
            }
        }
        tx.sql.run("DELETE FROM job WHERE id = ?1 /* across clients: it is done */", [id])?;
    }
    Ok(true)
}
