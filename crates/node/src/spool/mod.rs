//! The spool: what the core has not confirmed yet, how far each source is read, and the open folding windows, in one
//! embedded database, so that one transaction holds them together.
//!
//! # Invariants
//! - A transaction that writes a record writes the counts of all windows that have grown, too. So at each
//!   [`Position`](wire::link::Position) the records up to there say exactly what the sources held up to its cursors.
//! - The records of the spool are one chain that follows `base`, the position of the core at which this epoch began.
//! - Nothing is dropped when the spool is full: the transaction is refused, and the sources are not read on. It is full of what
//!   the core has not taken: what else is remembered never refuses what nothing could make room for.
//! - A record whose checksum does not match is never sent, a window whose checksum does not match never counted on: the
//!   spool is set aside, and reading goes on from what the core has.
//! - A transaction whose end is not known (the disk failed under it) is looked up before it is written again.
//!
//! # Recovery
//! A spool that is missing though the node is enrolled, or that was set aside, is *waiting*: nothing is read until the core
//! has said where it stands ([`Spool::adopt`]).

mod chain;
mod open;
mod room;
mod windows;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use wire::link::{Cursors, Record};

use crate::fold::{Key, Window};

pub use chain::Parcel;
pub use open::Opened;
pub use room::Depth;

/// Why the spool says no.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has reached its limit, or the disk is full. Nothing was written; try again later.
    #[error("{0}")]
    Full(String),
    /// Its content is damaged.
    #[error("the spool is damaged: {0}")]
    Broken(String),
    /// Anything else, such as missing rights.
    #[error("the spool cannot be used: {0}")]
    Other(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
                Self::Full(format!("the disk of the spool is full or does not work ({error}): make room"))
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Other("another socme node has it open: stop that one first".to_owned())
            }
            // A value of another kind or size than was written.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => Self::Broken(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// What one transaction writes.
#[derive(Debug, Default)]
pub struct Commit {
    /// New records, the first being number [`Spool::next`].
    pub records: Vec<Record>,
    /// Windows as they are now.
    pub windows: Vec<(Key, Window)>,
    /// Windows that are no more, by the numbers of their alerts.
    pub closed: Vec<u64>,
    /// How far the sources are read.
    pub cursors: Cursors,
    /// What is remembered along with the records; none: forgotten.
    pub notes: Vec<Note>,
    /// Keys of alerts that were seen, of sources that may show one again.
    pub seen: Vec<Seen>,
    /// Keys of a source that are not needed any more: those of hours before this one.
    pub forget: Vec<(String, i64)>,
}

/// Source, key, and hour since 1970 of an alert that was seen.
pub type Seen = (String, [u8; 16], i64);

/// A key and its value; none: forgotten.
pub type Note = (String, Option<Vec<u8>>);

/// Notes with this beginning outlive an epoch, all others belong to what the core has.
pub const LASTING: &str = "command/";

/// A node's spool.
pub struct Spool {
    db: Connection,
    path: PathBuf,
    limit: u64,
    epoch: u64,
    /// Number of the last record of this epoch.
    number: u64,
    /// `seq` of the last record, and of the last confirmed one.
    seq: i64,
    confirmed: i64,
    waiting: bool,
    /// A transaction failed whose end is not known; epoch and last number before it.
    doubt: Option<(u64, u64)>,
    #[cfg(test)]
    pub(crate) fail: Option<Fail>,
}

/// Where a test lets a transaction fail.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fail {
    /// Before it is durable.
    Before,
    /// Once it is durable, before the caller knows.
    After,
}

impl Spool {
    /// The epoch that records are numbered in: another one means that the chain began anew. 0 while the spool waits.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// True until the core has said where it stands.
    #[must_use]
    pub fn waiting(&self) -> bool {
        self.waiting
    }

    /// Number of the next record.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.number + 1
    }

    /// How far the sources are read.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn cursors(&self) -> Result<Cursors, Error> {
        let mut rows = self.db.prepare_cached("SELECT source, cursor FROM cursor")?;
        let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut cursors = BTreeMap::new();
        for row in rows {
            let (source, cursor) = row?;
            cursors.insert(source, parse(cursor.as_bytes())?);
        }
        Ok(cursors)
    }

    /// Whether alerts of a source were seen, by their keys and hours.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn seen(&self, source: &str, keys: impl IntoIterator<Item = ([u8; 16], i64)>) -> Result<Vec<bool>, Error> {
        let mut look = self.db.prepare_cached("SELECT 1 FROM seen WHERE source = ?1 AND hour = ?2 AND key = ?3")?;
        keys.into_iter().map(|(key, hour)| Ok(look.exists(params![source, hour, key])?)).collect()
    }

    /// Whether any alert of a source is remembered as seen. None is in an epoch that has just begun without what was before.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn has_seen(&self, source: &str) -> Result<bool, Error> {
        Ok(self.db.prepare_cached("SELECT 1 FROM seen WHERE source = ?1 LIMIT 1")?.exists([source])?)
    }

    /// What is remembered under keys with this beginning, without it.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn notes(&self, beginning: &str) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        // `~` comes after every character of our keys.
        let mut rows = self.db.prepare_cached("SELECT key, value FROM note WHERE key >= ?1 AND key < ?1 || '~'")?;
        let rows = rows.query_map([beginning], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let strip = |key: String| key.strip_prefix(beginning).map(str::to_owned).unwrap_or(key);
        rows.map(|row| row.map(|(key, value)| (strip(key), value)).map_err(Error::from)).collect()
    }

    /// The open windows.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn windows(&self) -> Result<Vec<(Key, Window)>, Error> {
        windows::read(&self.db, "window")
    }

    /// Writes it all, or nothing. After an error the same must be written next, unless the spool is opened anew or follows
    /// the core.
    ///
    /// # Errors
    /// [`Error::Full`] when there is no room now.
    pub fn commit(&mut self, commit: &Commit, now: Timestamp) -> Result<(), Error> {
        self.settle()?;
        if let Some((epoch, number)) = self.doubt.take() {
            if self.epoch != epoch {
                return Err(Error::Other("it follows the core in a new epoch".to_owned()));
            }
            if self.number != number {
                return Ok(());
            }
        }
        let before = (self.epoch, self.number);
        let done = self.write(commit, now);
        if done.is_err() {
            self.doubt = Some(before);
        }
        done
    }

    /// Looks up where the chain stands, if the last transaction failed.
    fn settle(&mut self) -> Result<(), Error> {
        if self.doubt.is_some() { self.load() } else { Ok(()) }
    }

    fn write(&mut self, commit: &Commit, now: Timestamp) -> Result<(), Error> {
        let bodies: Vec<Vec<u8>> = commit.records.iter().map(|r| serde_json::to_vec(r).unwrap_or_default()).collect();
        let bytes: u64 = bodies.iter().map(|body| body.len() as u64 + 64).sum();
        let notes: u64 = commit.notes.iter().map(|(_, value)| value.as_ref().map_or(64, |v| v.len() as u64 + 64)).sum();
        let notes = notes + commit.seen.len() as u64 * 128;
        let beside = notes + commit.windows.len() as u64 * 512 + 64 * 1024;
        match self.make_room(bytes, beside, now) {
            // What may be forgotten may be what takes the room.
            Err(Error::Full(_)) if !commit.forget.is_empty() => {
                self.forget(&commit.forget)?;
                self.make_room(bytes, beside, now)?;
            }
            done => done?,
        }
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let (mut seq, mut number) = (self.seq, self.number);
        {
            windows::keep(&tx, &commit.windows)?;
            windows::forget(&tx, &commit.closed)?;
            let mut read = tx.prepare_cached("INSERT OR REPLACE INTO cursor (source, cursor) VALUES (?1, ?2)")?;
            for (source, cursor) in &commit.cursors {
                read.execute(params![source, cursor.to_string()])?;
            }
        }
        {
            let mut keep = tx.prepare_cached("INSERT OR REPLACE INTO note (key, value) VALUES (?1, ?2)")?;
            let mut forget = tx.prepare_cached("DELETE FROM note WHERE key = ?1")?;
            for (key, value) in &commit.notes {
                match value {
                    Some(value) => keep.execute(params![key, value])?,
                    None => forget.execute([key])?,
                };
            }
        }
        {
            let mut keep = tx.prepare_cached("INSERT OR IGNORE INTO seen (source, key, hour) VALUES (?1, ?2, ?3)")?;
            for (source, key, hour) in &commit.seen {
                keep.execute(params![source, key, hour])?;
            }
        }
        room::forget(&tx, &commit.forget)?;
        (seq, number) = chain::append(&tx, seq, number, &bodies, now)?;
        #[cfg(test)]
        if self.fail == Some(Fail::Before) {
            return Err(Error::Full("made to fail".to_owned()));
        }
        tx.commit()?;
        #[cfg(test)]
        if self.fail == Some(Fail::After) {
            return Err(Error::Full("made to fail".to_owned()));
        }
        (self.seq, self.number) = (seq, number);
        Ok(())
    }

    fn meta<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, Error> {
        let text: Option<String> = self
            .db
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        text.map(|text| text.parse().map_err(|_| Error::Broken(format!("{key} is damaged")))).transpose()
    }
}

fn set(db: &Connection, key: &str, value: impl std::fmt::Display) -> Result<(), Error> {
    db.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value.to_string()])?;
    Ok(())
}

fn parse<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| Error::Broken(error.to_string()))
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests;
