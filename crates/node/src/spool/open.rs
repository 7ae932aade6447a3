//! How a spool comes to be, is found, and is set aside.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;
use wire::link::Cursors;

use super::chain::Before;
use super::{Error, Spool, windows};

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
    pub(super) fn load(&mut self) -> Result<(), Error> {
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
