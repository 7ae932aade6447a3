//! How the database is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::from_millis;
use crate::engine::timings::Timing;
use crate::id::stamp_millis;
use crate::{Result, Store, search};

/// How the database is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the write-ahead log.
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
        let path = self.0.path.clone();
        let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
        let mut wal = path.clone().into_os_string();
        wal.push("-wal");
        let (bytes, wal_bytes) = (size(&path), size(std::path::Path::new(&wal)));
        let (alerts, behind, oldest) = self
            .read("health", |sql| {
                let alerts = sql.number("SELECT sum(alerts) FROM tally /* across clients: a sum */", [])?;
                let oldest = sql.one(
                    "SELECT stamp FROM alert ORDER BY number LIMIT 1 /* across clients: a time */ /* in order: one row */",
                    [],
                    |row| row.get::<_, i64>(0),
                )?;
                Ok((alerts, search::behind(sql)?, oldest))
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
