//! How the database is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::from_millis;
use crate::engine::sql::Sql;
use crate::engine::timings::Timing;
use crate::id::stamp_millis;
use crate::{Engine, Result, Store, search};

/// How the database is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Bytes of the file, or of the database on its server.
    pub bytes: u64,
    /// Bytes of the write-ahead log; 0 where a server looks after it.
    pub wal_bytes: u64,
    /// Alerts in it.
    pub alerts: u64,
    /// Jobs that wait for the writer.
    pub waiting: usize,
    /// Alerts that the text index has not taken in yet.
    pub text_behind: u64,
    /// Arrival of the oldest alert.
    pub oldest: Option<jiff::Timestamp>,
    /// How long each kind of query takes, slowest first.
    pub timings: Vec<Timing>,
}

/// What was taken since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Batches.
    pub batches: u64,
    /// Records.
    pub records: u64,
    /// Records that were refused.
    pub refused: u64,
}

/// Counts what is taken.
#[derive(Default)]
pub(crate) struct Meter {
    batches: AtomicU64,
    records: AtomicU64,
    refused: AtomicU64,
}

impl Meter {
    pub(crate) fn taken(&self, records: u64, refused: u64) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
        self.refused.fetch_add(refused, Ordering::Relaxed);
    }
}

impl Store {
    /// How the database is.
    ///
    /// # Errors
    /// The database fails.
    pub async fn health(&self) -> Result<Health> {
        let (bytes, wal_bytes) = match &self.0.engine {
            Engine::File(path) => {
                let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
                let mut wal = path.clone().into_os_string();
                wal.push("-wal");
                (size(path), size(std::path::Path::new(&wal)))
            }
            Engine::Server => {
                let text = "SELECT pg_database_size(current_database())";
                let bytes = self.read("database size", |sql| sql.number(text, [])).await?;
                (u64::try_from(bytes).unwrap_or(0), 0)
            }
        };
        let (alerts, behind, oldest) = self
            .read("health", |sql| {
                let alerts = sql.number("SELECT CAST(sum(alerts) AS bigint) FROM tally /* across clients: a sum */", [])?;
                let oldest = match sql {
                    Sql::Sqlite(_) => {
                        "SELECT stamp FROM alert ORDER BY number LIMIT 1 /* across clients: a time */ /* in order: one row */"
                    }
                    // The first of each client.
                    Sql::Postgres(_) => {
                        "SELECT (SELECT stamp FROM alert WHERE alert.client = tally.client ORDER BY alert.number LIMIT 1) \
                         AS first FROM tally ORDER BY 1 LIMIT 1"
                    }
                };
                let oldest = sql.one(oldest, [], |row| row.get::<_, Option<i64>>(0))?.flatten();
                Ok((alerts, search::behind_by(sql)?, oldest))
            })
            .await?;
        Ok(Health {
            bytes,
            wal_bytes,
            alerts: u64::try_from(alerts).unwrap_or(0),
            waiting: self.writer()?.depth(),
            text_behind: u64::try_from(behind).unwrap_or(0),
            oldest: oldest.map(|stamp| from_millis(stamp_millis(stamp))),
            timings: self.0.timings.all(),
        })
    }

    /// What was taken since the start.
    #[must_use]
    pub fn taken(&self) -> Taken {
        let meter = &self.0.meter;
        Taken {
            batches: meter.batches.load(Ordering::Relaxed),
            records: meter.records.load(Ordering::Relaxed),
            refused: meter.refused.load(Ordering::Relaxed),
        }
    }
}
