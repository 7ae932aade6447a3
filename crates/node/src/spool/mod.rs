//! The spool: what the core has not confirmed yet, how far each source is read, and the open folding windows, in one
//! embedded database, so that one transaction holds them together.
//!
//! # Invariants
//! - A transaction that writes a record writes the counts of all windows that have grown, too. So at each [`Position`] the
//!   records up to there say exactly what the sources held up to its cursors.
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

mod windows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use wire::link::{Cursors, Lost, Position, Record};

use crate::fold::{Key, Window};

/// How long confirmed records are kept, in seconds: a core that is restored from a backup is sent them again.
const KEEP: i64 = 48 * 3600;
/// Room on the disk that stays free for the write-ahead log, so that what the core confirms can always be written down: as
/// much as it grows to before a checkpoint empties it, and a quarter of a small disk at most.
const LOG_ROOM: u64 = 8 << 20;

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

/// Some records, as they are sent.
#[derive(Debug)]
pub struct Parcel {
    /// The position that they follow.
    pub after: Option<Position>,
    /// Number of the first.
    pub first: u64,
    /// The position behind the last.
    pub to: Position,
    /// The whole [`wire::link::Batch`] as JSON.
    pub json: Vec<u8>,
}

/// How the spool was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// As it was left.
    Resumed,
    /// Missing: waits for the core.
    Missing,
    /// Damaged, and set aside under this name: waits for the core.
    SetAside(PathBuf, String),
}

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

/// What a core has of the epoch before a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// All of it: what was seen stays seen.
    Taken,
    /// A part that cannot be told.
    Unknown,
}

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
    /// Makes the spool of a node that was just enrolled. One that is there stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(data: &Path, limit: u64) -> Result<(), Error> {
        let path = data.join("spool.db");
        if !path.exists() {
            let mut spool = Self::make(&path, limit)?;
            spool.begin_epoch(None, &Cursors::new(), None, Before::Unknown, Timestamp::now())?;
        }
        Ok(())
    }

    /// Prepares the spool for this machine as another node of the same core: what that core has taken from the node before is
    /// not sent again, and reading goes on behind it. False if there is none whose way is known.
    ///
    /// # Errors
    /// When it cannot be written, or a node is using it.
    pub fn begin_again(data: &Path, limit: u64) -> Result<bool, Error> {
        let path = data.join("spool.db");
        if !path.exists() {
            return Ok(false);
        }
        let mut spool = match Self::connect(&path, limit) {
            Ok(Some(spool)) if !spool.waiting => spool,
            // A damaged one is set aside when the node starts.
            Ok(_) | Err(Error::Broken(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut cursors = spool.base_cursors()?;
        cursors.extend(spool.cursors_at(spool.confirmed)?);
        // Where the core has taken nothing of a source yet, nobody knows where to read again: what is there is sent instead.
        if spool.cursors()?.keys().all(|source| cursors.contains_key(source)) {
            let before = if spool.confirmed == spool.seq { Before::Taken } else { Before::Unknown };
            spool.begin_epoch(None, &cursors, None, before, Timestamp::now())?;
        }
        Ok(true)
    }

    /// Sees that no node is using the spool, if there is one.
    ///
    /// # Errors
    /// One is.
    pub fn check_free(data: &Path, limit: u64) -> Result<(), Error> {
        let path = data.join("spool.db");
        match path.exists().then(|| Self::connect(&path, limit)) {
            None | Some(Ok(_) | Err(Error::Broken(_))) => Ok(()),
            Some(Err(error)) => Err(error),
        }
    }

    /// Opens the spool of an enrolled node.
    ///
    /// # Errors
    /// When the disk is full or the files may not be used.
    pub fn open(data: &Path, limit: u64) -> Result<(Self, Opened), Error> {
        let path = data.join("spool.db");
        if !path.exists() {
            return Ok((Self::make(&path, limit)?, Opened::Missing));
        }
        match Self::connect(&path, limit) {
            Ok(Some(spool)) => Ok((spool, Opened::Resumed)),
            Ok(None) => Ok((Self::make(&path, limit)?, Opened::Missing)),
            Err(Error::Broken(why)) => {
                let aside = set_aside(&path)?;
                Ok((Self::make(&path, limit)?, Opened::SetAside(aside, why)))
            }
            Err(error) => Err(error),
        }
    }

    fn make(path: &Path, limit: u64) -> Result<Self, Error> {
        let db = connection(path)?;
        let tables = concat!(include_str!("schema.sql"), include_str!("later.sql"));
        db.execute_batch(&format!("BEGIN IMMEDIATE; {tables} COMMIT;"))?;
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .map_err(|error| Error::Other(error.to_string()))?;
        Ok(Self::over(db, path, limit))
    }

    fn over(db: Connection, path: &Path, limit: u64) -> Self {
        Self {
            db,
            path: path.to_owned(),
            limit,
            epoch: 0,
            number: 0,
            seq: 0,
            confirmed: 0,
            waiting: true,
            doubt: None,
            #[cfg(test)]
            fail: None,
        }
    }

    /// Opens what is there; none if it was never finished.
    fn connect(path: &Path, limit: u64) -> Result<Option<Self>, Error> {
        let db = connection(path)?;
        let sound: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if sound != "ok" {
            return Err(Error::Broken(sound));
        }
        let tables: i64 =
            db.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))?;
        if tables == 0 {
            return Ok(None);
        }
        update(&db)?;
        let mut spool = Self::over(db, path, limit);
        spool.load()?;
        Ok(Some(spool))
    }

    /// Reads where the chain stands.
    fn load(&mut self) -> Result<(), Error> {
        self.waiting = self.meta::<u64>("epoch")?.is_none();
        self.epoch = self.meta("epoch")?.unwrap_or(0);
        self.number = self.meta("number")?.unwrap_or(0);
        self.seq = self.meta("seq")?.unwrap_or(0);
        self.confirmed = self.meta("confirmed")?.unwrap_or(0);
        let last: Option<i64> = self.db.query_row("SELECT max(seq) FROM position", [], |row| row.get(0))?;
        if last.unwrap_or(0) != self.seq || self.confirmed > self.seq {
            return Err(Error::Broken("its last transaction is missing".to_owned()));
        }
        Ok(())
    }

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
        forget(&tx, &commit.forget)?;
        (seq, number) = append(&tx, seq, number, &bodies, now)?;
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

    /// Where the chain ends: the last position, or the one that this epoch follows.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn end(&self) -> Result<Option<Position>, Error> {
        let last = self
            .db
            .prepare_cached("SELECT number, tag FROM position ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        match last {
            Some((number, tag)) => {
                Ok(Some(Position { epoch: self.epoch, number: unsigned(number), tag: unsigned(tag) }))
            }
            None => self.base(),
        }
    }

    /// The position of the core that this epoch follows.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn base(&self) -> Result<Option<Position>, Error> {
        let text: Option<String> = self.meta("base")?;
        text.map(|text| parse(text.as_bytes())).transpose().map(Option::flatten)
    }

    /// Makes the core's position the place from which records are sent on, if the chain has it and all that follows it.
    /// Records up to there are confirmed, those behind are not, whatever was said before.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn stand_at(&mut self, core: Option<Position>) -> Result<bool, Error> {
        self.settle()?;
        let trimmed: i64 = self.meta("trimmed")?.unwrap_or(0);
        let seq = if core == self.base()? {
            Some(0)
        } else if let Some(core) = core.filter(|core| core.epoch == self.epoch) {
            self.db
                .query_row(
                    "SELECT seq FROM position WHERE number = ?1 AND tag = ?2",
                    [signed(core.number), signed(core.tag)],
                    |row| row.get(0),
                )
                .optional()?
        } else {
            None
        };
        let Some(seq) = seq.filter(|seq| *seq >= trimmed) else { return Ok(false) };
        if self.confirmed != seq {
            self.confirmed = seq;
            match set(&self.db, "confirmed", seq) {
                // The core says it again after a restart; a full disk must not keep the node from reporting that it is full.
                Err(Error::Full(_)) => {}
                done => done?,
            }
        }
        Ok(true)
    }

    /// The next records to send: whole transactions, about `bytes` of them.
    ///
    /// # Errors
    /// [`Error::Broken`] when a record is damaged.
    pub fn parcel(&mut self, records: usize, bytes: usize) -> Result<Option<Parcel>, Error> {
        self.settle()?;
        let mut rows =
            self.db.prepare_cached("SELECT seq, number, sum, body FROM record WHERE seq > ?1 ORDER BY seq")?;
        let mut ends =
            self.db.prepare_cached("SELECT seq, number, tag, cursors FROM position WHERE seq > ?1 ORDER BY seq")?;
        let mut ends = ends.query([self.confirmed])?;
        let mut rows = rows.query([self.confirmed])?;
        let (mut json, mut count, mut first, mut found) = (Vec::new(), 0, None, None);
        // Take one transaction after the other, as long as there is room.
        while let Some(end) = ends.next()? {
            let (seq, number, tag): (i64, i64, i64) = (end.get(0)?, end.get(1)?, end.get(2)?);
            let (mut piece, mut pieces) = (Vec::new(), 0);
            let mut at = 0;
            while at < seq {
                let Some(row) = rows.next()? else {
                    return Err(Error::Broken(format!("records up to {seq} are missing")));
                };
                at = row.get(0)?;
                let body = row.get_ref(3)?.as_blob().map_err(|error| Error::Broken(error.to_string()))?;
                if row.get::<_, i64>(2)? != sum(body) {
                    return Err(Error::Broken(format!("the checksum of record {at} does not match")));
                }
                first.get_or_insert(unsigned(row.get(1)?));
                if count + pieces > 0 {
                    piece.push(b',');
                }
                piece.extend_from_slice(body);
                pieces += 1;
            }
            let full = count > 0 && (count + pieces > records || json.len() + piece.len() > bytes);
            if full {
                break;
            }
            json.extend_from_slice(&piece);
            count += pieces;
            let to = Position { epoch: self.epoch, number: unsigned(number), tag: unsigned(tag) };
            found = Some((to, end.get::<_, String>(3)?));
            if count >= records || json.len() >= bytes {
                break;
            }
        }
        let (Some((to, cursors)), Some(first)) = (found, first) else { return Ok(None) };
        let after = self.position_at(self.confirmed)?;
        let head = serde_json::json!({"wire": wire::VERSION, "after": after, "first": first, "to": to}).to_string();
        let mut out = Vec::with_capacity(json.len() + head.len() + cursors.len() + 64);
        out.extend_from_slice(&head.as_bytes()[..head.len() - 1]);
        out.extend_from_slice(b",\"cursors\":");
        out.extend_from_slice(cursors.as_bytes());
        out.extend_from_slice(b",\"records\":[");
        out.extend_from_slice(&json);
        out.extend_from_slice(b"]}");
        Ok(Some(Parcel { after, first, to, json: out }))
    }

    /// The core has everything up to a position.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn confirm(&mut self, to: Position) -> Result<(), Error> {
        self.stand_at(Some(to)).map(drop)
    }

    /// Follows the core, whose position is none of ours: a new epoch begins there, and reading goes on from its cursors.
    /// Nothing that was not confirmed is needed: it comes again from the sources. A source that the core has never heard of
    /// goes on from the oldest place known here. If the core has nothing of this node at all, that holds for every source,
    /// and what was confirmed before is recorded as lost.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn adopt(&mut self, core: Option<Position>, cursors: &Cursors, now: Timestamp) -> Result<Cursors, Error> {
        self.settle()?;
        let lost = match core {
            None if !self.waiting => self.position_at(self.confirmed)?,
            _ => None,
        };
        let mut all = self.cursors()?;
        all.extend(self.base_cursors()?);
        all.extend(self.cursors_at(self.confirmed)?);
        all.extend(cursors.clone());
        let why = "the core has nothing of this node: it was set up anew, or restored from a backup that is too old";
        let lost = lost.map(|end| Lost { epoch: end.epoch, from: 1, to: end.number, why: why.to_owned() });
        let before = (self.epoch, self.number);
        let done = self.begin_epoch(core, &all, lost, Before::Unknown, now);
        self.doubt = done.is_err().then_some(before);
        done.map(|()| all)
    }

    /// Where reading stood at the end of a transaction, if it is still known.
    fn cursors_at(&self, seq: i64) -> Result<Cursors, Error> {
        let kept: Option<String> = self
            .db
            .prepare_cached("SELECT cursors FROM position WHERE seq = ?1")?
            .query_row([seq], |row| row.get(0))
            .optional()?;
        kept.map_or(Ok(Cursors::new()), |kept| parse(kept.as_bytes()))
    }

    /// Where reading stood when this epoch began.
    fn base_cursors(&self) -> Result<Cursors, Error> {
        let kept: Option<String> = self.meta("base_cursors")?;
        kept.map_or(Ok(Cursors::new()), |kept| parse(kept.as_bytes()))
    }

    /// Sets the spool aside because of damage found while it was in use; it waits for the core then.
    ///
    /// # Errors
    /// When the new one cannot be written.
    pub fn set_aside(self) -> Result<(Self, PathBuf), Error> {
        let Self { db, path, limit, .. } = self;
        drop(db);
        let aside = set_aside(&path)?;
        Ok((Self::make(&path, limit)?, aside))
    }

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

    fn begin_epoch(
        &mut self,
        base: Option<Position>,
        cursors: &Cursors,
        lost: Option<Lost>,
        before: Before,
        now: Timestamp,
    ) -> Result<(), Error> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        tx.execute_batch(
            "DELETE FROM record; DELETE FROM position; DELETE FROM window; DELETE FROM cursor; DELETE FROM meta;",
        )?;
        if before == Before::Unknown {
            // What was seen and is not at the core has to be read again.
            tx.execute("DELETE FROM seen", [])?;
        }
        tx.execute("DELETE FROM note WHERE NOT (key >= ?1 AND key < ?1 || '~')", [LASTING])?;
        for (source, cursor) in cursors {
            tx.execute("INSERT INTO cursor (source, cursor) VALUES (?1, ?2)", params![source, cursor.to_string()])?;
        }
        set(&tx, "epoch", random())?;
        set(&tx, "base", serde_json::to_string(&base).unwrap_or_default())?;
        set(&tx, "base_cursors", serde_json::to_string(cursors).unwrap_or_default())?;
        let lost: Vec<Vec<u8>> =
            lost.map(Record::Lost).iter().map(|lost| serde_json::to_vec(lost).unwrap_or_default()).collect();
        append(&tx, 0, 0, &lost, now)?;
        tx.commit()?;
        self.load()
    }

    fn position_at(&self, seq: i64) -> Result<Option<Position>, Error> {
        let found = self
            .db
            .prepare_cached("SELECT number, tag FROM position WHERE seq = ?1")?
            .query_row([seq], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        match found {
            Some((number, tag)) => {
                Ok(Some(Position { epoch: self.epoch, number: unsigned(number), tag: unsigned(tag) }))
            }
            None => self.base(),
        }
    }

    /// Deletes confirmed records that are old, and as many more as are needed for the room.
    /// `records` and `beside` are the bytes that records and all else need.
    fn make_room(&mut self, records: u64, beside: u64, now: Timestamp) -> Result<(), Error> {
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
    fn forget(&mut self, hours: &[(String, i64)]) -> Result<(), Error> {
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
    fn used(&self) -> Result<u64, Error> {
        Ok((self.pragma("page_count")? - self.pragma("freelist_count")?) * self.pragma("page_size")?)
    }

    /// Bytes of pages that are free.
    fn free(&self) -> Result<u64, Error> {
        Ok(self.pragma("freelist_count")? * self.pragma("page_size")?)
    }

    fn pragma(&self, name: &str) -> Result<u64, Error> {
        Ok(unsigned(self.db.prepare_cached(&format!("PRAGMA {name}"))?.query_row([], |row| row.get(0))?))
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

fn connection(path: &Path) -> Result<Connection, Error> {
    let db = Connection::open(path)?;
    db.busy_timeout(std::time::Duration::from_secs(1))?;
    // Exclusive: no second node on the same folder, and no shared-memory file.
    db.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = OFF;
         PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 500;
         PRAGMA journal_size_limit = 8388608;",
    )?;
    Ok(db)
}

/// Brings the tables of a spool of an earlier version into the shape of this one.
fn update(db: &Connection) -> Result<(), Error> {
    let has = |what: &str| db.prepare(what)?.exists([]);
    // Spools of early versions have none, and those after them had it by key.
    let seen_by_key = has("SELECT 1 FROM sqlite_schema WHERE name = 'seen_hour'")?;
    let windows_by_key = has("SELECT 1 FROM pragma_table_info('window') WHERE name = 'key' AND pk > 0")?;
    let tx = db.unchecked_transaction()?;
    if seen_by_key {
        tx.execute_batch("ALTER TABLE seen RENAME TO seen_by_key")?;
    }
    if windows_by_key {
        tx.execute_batch("ALTER TABLE window RENAME TO window_by_key")?;
    }
    tx.execute_batch(include_str!("later.sql"))?;
    if seen_by_key {
        let copy = "INSERT INTO seen (source, hour, key) SELECT source, hour, key FROM seen_by_key";
        tx.execute_batch(&format!("{copy}; DROP TABLE seen_by_key;"))?;
    }
    if windows_by_key {
        windows::keep(&tx, &windows::read(&tx, "window_by_key")?)?;
        tx.execute_batch("DROP TABLE window_by_key")?;
    }
    Ok(tx.commit()?)
}

fn set_aside(path: &Path) -> Result<PathBuf, Error> {
    let aside = path.with_file_name(format!("spool.broken-{}.db", Timestamp::now().as_second()));
    std::fs::rename(path, &aside).map_err(|error| Error::Other(error.to_string()))?;
    for end in ["-wal", "-shm"] {
        let _ = std::fs::rename(format!("{}{end}", path.display()), format!("{}{end}", aside.display()));
    }
    Ok(aside)
}

/// Adds records to the chain, as the end of a transaction. Gives the last one's `seq` and number.
fn append(
    db: &Connection,
    mut seq: i64,
    mut number: u64,
    bodies: &[Vec<u8>],
    now: Timestamp,
) -> Result<(i64, u64), Error> {
    if bodies.is_empty() {
        return Ok((seq, number));
    }
    let mut insert =
        db.prepare_cached("INSERT INTO record (seq, number, at, sum, body) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for body in bodies {
        seq += 1;
        number += 1;
        insert.execute(params![seq, signed(number), now.as_second(), sum(body), body])?;
    }
    db.prepare_cached("INSERT INTO position (seq, number, tag, cursors) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        seq,
        signed(number),
        signed(random()),
        all_cursors(db)?
    ])?;
    set(db, "seq", seq)?;
    set(db, "number", number)?;
    Ok((seq, number))
}

fn forget(db: &Connection, hours: &[(String, i64)]) -> Result<(), Error> {
    let mut forget = db.prepare_cached("DELETE FROM seen WHERE source = ?1 AND hour < ?2")?;
    for (source, hour) in hours {
        forget.execute(params![source, hour])?;
    }
    Ok(())
}

fn all_cursors(db: &Connection) -> Result<String, Error> {
    let mut rows = db.prepare_cached("SELECT source, cursor FROM cursor ORDER BY source")?;
    let mut rows = rows.query([])?;
    let mut out = String::from("{");
    while let Some(row) = rows.next()? {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&serde_json::Value::String(row.get(0)?).to_string());
        out.push(':');
        out.push_str(row.get_ref(1)?.as_str().map_err(|error| Error::Broken(error.to_string()))?);
    }
    out.push('}');
    Ok(out)
}

fn set(db: &Connection, key: &str, value: impl std::fmt::Display) -> Result<(), Error> {
    db.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value.to_string()])?;
    Ok(())
}

fn parse<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| Error::Broken(error.to_string()))
}

fn sum(body: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&blake3::hash(body).as_bytes()[..8]);
    i64::from_le_bytes(bytes)
}

/// At most 2^53 - 1, so that it survives any JSON reader.
fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without the system's randomness the clock tells epochs apart well enough.
    if getrandom::fill(&mut bytes).is_err() {
        bytes = Timestamp::now().as_nanosecond().to_le_bytes()[..8].try_into().unwrap_or_default();
    }
    (u64::from_le_bytes(bytes) >> 11).max(1)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests;
