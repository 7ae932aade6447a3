//! What nodes report about themselves, and that they are silent. Only the last report is kept.

use std::collections::BTreeMap;

use crate::engine::sql::{Sql, params};
use jiff::Timestamp;
use wire::status::Status;

use crate::changes::{self, Kind, Nudge};
use crate::id::{ClientId, NodeId};
use crate::nodes::{Blind, Standing, client_of, read_standing};
use crate::{Error, Result, Store, ingest};

/// The core warns of the same thing at most so often, in milliseconds.
const AGAIN: i64 = 86_400_000;

/// A node's report as the core heard it.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the node says.
    pub status: Status,
    /// Its clock less the core's, in seconds.
    pub skew_seconds: f64,
    /// Whether it sees what it should, as the core concludes.
    pub blind: Blind,
    /// Why not.
    pub blind_why: Option<String>,
}

impl Store {
    /// Takes a node's report. `alarms` gets its standing until now and says what to raise (the return from silence, blindness);
    /// they are stored with the report, all or nothing. Silence ends.
    ///
    /// # Errors
    /// There is no such node, or an alarm breaks a bound.
    pub async fn heard(
        &self,
        id: NodeId,
        report: Report,
        alarms: impl FnOnce(&Standing) -> Vec<wire::Alert> + Send + 'static,
    ) -> Result<Standing> {
        let status = serde_json::to_string(&report.status)?;
        self.write("heard", move |tx| {
            let client = client_of(tx.sql, id)?;
            tx.sql.claim(client)?;
            let (before, version) = standing(tx.sql, client, id)?;
            let raised = alarms(&before);
            let notable = before.silence_step > 0
                || before.last_heard.is_none()
                || before.blind != report.blind
                || before.blind_why != report.blind_why
                || version.as_deref() != Some(&report.status.version)
                || !raised.is_empty();
            tx.sql.run(
                "UPDATE node_report SET heard = ?3, version = ?4, skew = ?5, silence = 0, blind = ?6, blind_why = ?7, \
                 status = ?8 WHERE node = ?1 AND client = ?2",
                params![
                    id,
                    client,
                    tx.now,
                    report.status.version,
                    report.skew_seconds,
                    report.blind as i64,
                    report.blind_why,
                    status
                ],
            )?;
            for alarm in raised {
                ingest::raise(tx, client, Some(id), alarm)?;
            }
            if notable {
                changes::note(tx, client, Kind::Nodes(Some(id)))?;
            } else {
                tx.effects.nudges.push(Nudge::Report(client, id));
            }
            Ok(standing(tx.sql, client, id)?.0)
        })
        .await
    }

    /// Notes that a node has been silent for a further step and raises the alarm, if nobody did before and the node has not
    /// reported since `last_heard`. Says whether it did.
    ///
    /// # Errors
    /// There is no such node, or the alarm breaks a bound.
    pub async fn silent(
        &self,
        id: NodeId,
        last_heard: Option<Timestamp>,
        step: u8,
        alarm: wire::Alert,
    ) -> Result<bool> {
        self.write("silent", move |tx| {
            let client = client_of(tx.sql, id)?;
            tx.sql.claim(client)?;
            let changed = tx.sql.run(
                "UPDATE node_report SET silence = ?3 WHERE node = ?1 AND client = ?2 AND silence < ?3 AND heard IS NOT DISTINCT FROM ?4",
                params![id, client, step, last_heard.map(Timestamp::as_millisecond)],
            )?;
            if changed == 0 {
                return Ok(false);
            }
            ingest::raise(tx, client, Some(id), alarm)?;
            changes::note(tx, client, Kind::Nodes(Some(id)))?;
            Ok(true)
        })
        .await
    }

    /// Raises alarms of the core itself, by what they are about; about one thing at most once a day. Says how many.
    ///
    /// # Errors
    /// An alarm breaks a bound.
    pub async fn warn(&self, alarms: Vec<(&'static str, wire::Alert)>) -> Result<usize> {
        self.write("warn", move |tx| {
            tx.sql.claim(ClientId::SOC)?;
            let kept =
                tx.sql.one("SELECT value FROM setting WHERE name = 'warned'", [], |row| row.get::<_, String>(0))?;
            let mut warned: BTreeMap<String, i64> =
                kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            warned.retain(|_, at| tx.now - *at < AGAIN);
            let mut raised = 0;
            for (about, alarm) in alarms {
                if warned.contains_key(about) {
                    continue;
                }
                warned.insert(about.to_owned(), tx.now);
                ingest::raise(tx, ClientId::SOC, None, alarm)?;
                raised += 1;
            }
            if raised > 0 {
                tx.sql.run(
                    "INSERT INTO setting (name, value, changed) VALUES ('warned', ?1, ?2) \
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed",
                    params![serde_json::to_string(&warned)?, tx.now],
                )?;
            }
            Ok(raised)
        })
        .await
    }
}

fn standing(sql: Sql<'_>, client: ClientId, id: NodeId) -> Result<(Standing, Option<String>)> {
    sql.one(
        "SELECT heard, silence, blind, blind_why, version FROM node_report WHERE node = ?1 AND client = ?2",
        params![id, client],
        |row| Ok((read_standing(row, 0)?, row.get(4)?)),
    )?
    .ok_or(Error::NotFound("node"))
}
