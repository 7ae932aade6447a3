//! Room for what is written: what is old goes, and nothing that the core has not taken.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Error, Spool, set, unsigned};

/// How long confirmed records are kept, in seconds: a core that is restored from a backup is sent them again.
const KEEP: i64 = 48 * 3600;
/// Room on the disk that stays free for the write-ahead log, so that what the core confirms can always be written down: as
/// much as it grows to before a checkpoint empties it, and a quarter of a small disk at most.
const LOG_ROOM: u64 = 8 << 20;

/// How much is in the spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Records not confirmed.
    pub records: u64,
    /// Bytes used on disk.
    pub bytes: u64,
    /// When the oldest one not confirmed was written, in Unix seconds.
    pub oldest: Option<i64>,
}

impl Spool {
    /// How much is in it.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn depth(&self) -> Result<Depth, Error> {
        let oldest = self
            .db
            .prepare_cached("SELECT at FROM record WHERE seq > ?1 ORDER BY seq LIMIT 1")?
            .query_row([self.confirmed], |row| row.get(0))
            .optional()?;
        Ok(Depth { records: unsigned(self.seq - self.confirmed), bytes: self.used()?, oldest })
    }

    /// Deletes confirmed records that are old, and as many more as are needed for the room.
    /// `records` and `beside` are the bytes that records and all else need.
    pub(super) fn make_room(&mut self, records: u64, beside: u64, now: Timestamp) -> Result<(), Error> {
        self.trim("at < ?2", now.as_second() - KEEP)?;
        while records > 0 && self.used()? + records > self.limit {
            if self.trim("seq < ?2", i64::MAX)? == 0 {
                if self.seq == self.confirmed {
                    // It is full of what else is remembered: no core could make room.
                    break;
                }
                return Err(Error::Full(format!(
                    "the spool has reached its limit of {} MiB: it waits for the core to take something, and reads no further",
                    self.limit >> 20
                )));
            }
        }
        // A file that has free pages within need not grow.
        while self.disk_left()? < (records + beside).saturating_sub(self.free()?) {
            if self.trim("seq < ?2", i64::MAX)? == 0 {
                return Err(Error::Full(format!(
                    "the disk with {} is full: sources are not read on until there is room; free some space",
                    self.path.display()
                )));
            }
        }
        Ok(())
    }

    /// Forgets what was seen before some hours, ahead of the transaction that says so: it has no room yet.
    pub(super) fn forget(&mut self, hours: &[(String, i64)]) -> Result<(), Error> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        forget(&tx, hours)?;
        Ok(tx.commit()?)
    }

    /// Bytes left on the disk, without what the log may still grow by, and the database at the next checkpoint.
    fn disk_left(&self) -> Result<u64, Error> {
        let folder = self.path.parent().unwrap_or(&self.path);
        let disk = rustix::fs::statvfs(folder).map_err(|error| Error::Other(error.to_string()))?;
        let (free, total) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let log_grows = LOG_ROOM.min(total / 4).saturating_sub(size(Path::new(&log)));
        let database_grows = (self.pragma("page_count")? * self.pragma("page_size")?).saturating_sub(size(&self.path));
        Ok(free.saturating_sub(log_grows + database_grows))
    }

    /// Deletes up to a thousand of the oldest confirmed records, up to a transaction's end that stays known.
    fn trim(&mut self, condition: &str, value: i64) -> Result<usize, Error> {
        // The inner select is of the first thousand whatever they are: a condition within it would look through all records.
        let select = format!(
            "SELECT max(seq) FROM (SELECT seq, at FROM record WHERE seq <= ?1 ORDER BY seq LIMIT 1000) WHERE {condition}"
        );
        let last: Option<i64> =
            self.db.prepare_cached(&select)?.query_row([self.confirmed, value], |row| row.get(0))?;
        let Some(last) = last else { return Ok(0) };
        let end: Option<i64> = self.db.query_row(
            "SELECT min(seq) FROM position WHERE seq >= ?1 AND seq <= ?2",
            [last, self.confirmed],
            |row| row.get(0),
        )?;
        let Some(end) = end else { return Ok(0) };
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let deleted = tx.execute("DELETE FROM record WHERE seq <= ?1", [end])?;
        tx.execute("DELETE FROM position WHERE seq < ?1", [end])?;
        set(&tx, "trimmed", end)?;
        tx.commit()?;
        Ok(deleted)
    }

    /// Bytes used, without the pages that are free.
    pub(super) fn used(&self) -> Result<u64, Error> {
        Ok((self.pragma("page_count")? - self.pragma("freelist_count")?) * self.pragma("page_size")?)
    }

    /// Bytes of pages that are free.
    fn free(&self) -> Result<u64, Error> {
        Ok(self.pragma("freelist_count")? * self.pragma("page_size")?)
    }

    fn pragma(&self, name: &str) -> Result<u64, Error> {
        Ok(unsigned(self.db.prepare_cached(&format!("PRAGMA {name}"))?.query_row([], |row| row.get(0))?))
    }
}

pub(super) fn forget(db: &Connection, hours: &[(String, i64)]) -> Result<(), Error> {
    let mut forget = db.prepare_cached("DELETE FROM seen WHERE source = ?1 AND hour < ?2")?;
    for (source, hour) in hours {
        forget.execute(params![source, hour])?;
    }
    Ok(())
}
