//! A small pool of connections that cannot write.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::Result;
use crate::engine::sql::Sql;
use crate::engine::sqlite::{Share, open_reader};

/// After so long any read is ended.
const LONGEST: Duration = Duration::from_secs(15);
/// SQLite's instructions between two looks at the clock.
const INSTRUCTIONS: i32 = 10_000;

/// The pool.
pub(crate) struct Pool {
    path: PathBuf,
    share: Share,
    idle: Mutex<Vec<Reader>>,
    began: Instant,
}

struct Reader {
    connection: Connection,
    /// When its query must end: milliseconds since the pool began.
    end: Arc<AtomicU64>,
}

impl Pool {
    pub(crate) fn open(path: &Path, share: Share) -> Result<Self> {
        let pool = Self { path: path.to_owned(), share, idle: Mutex::new(Vec::new()), began: Instant::now() };
        let first = pool.connect()?;
        pool.put(first);
        Ok(pool)
    }

    pub(crate) fn run<T>(&self, query: impl FnOnce(Sql<'_>) -> Result<T>) -> Result<T> {
        let reader = match self.take() {
            Some(reader) => reader,
            None => self.connect()?,
        };
        let end = self.began.elapsed() + LONGEST;
        reader.end.store(end.as_millis() as u64, Ordering::Relaxed);
        reader.connection.execute_batch("BEGIN")?;
        let result = query(Sql::Sqlite(&reader.connection));
        reader.connection.execute_batch("COMMIT")?;
        // Not put back where anything above failed oddly: a new one is cheap.
        self.put(reader);
        result
    }

    /// Runs `query` on a connection of its own, without an end.
    pub(crate) fn apart<T>(&self, query: impl FnOnce(Sql<'_>) -> Result<T>) -> Result<T> {
        let connection = open_reader(&self.path, self.share)?;
        connection.execute_batch("BEGIN")?;
        query(Sql::Sqlite(&connection))
    }

    fn connect(&self) -> Result<Reader> {
        let connection = open_reader(&self.path, self.share)?;
        let end = Arc::new(AtomicU64::new(u64::MAX));
        let (at, began) = (end.clone(), self.began);
        connection.progress_handler(
            INSTRUCTIONS,
            Some(move || began.elapsed().as_millis() as u64 > at.load(Ordering::Relaxed)),
        )?;
        Ok(Reader { connection, end })
    }

    fn take(&self) -> Option<Reader> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, reader: Reader) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
    }
}
