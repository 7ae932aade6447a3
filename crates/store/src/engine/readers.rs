//! A small pool of connections that cannot write.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::engine::sql::Sql;
use crate::engine::timings::Timings;
use crate::engine::{Share, open_reader};
use crate::{Error, Result};

/// After so long any read is ended.
const LONGEST: Duration = Duration::from_secs(15);
/// How long a read may wait for a connection.
const WAIT: Duration = Duration::from_secs(10);
/// SQLite's instructions between two looks at the clock.
const INSTRUCTIONS: i32 = 10_000;

/// The pool.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Pool>);

struct Pool {
    path: PathBuf,
    share: Share,
    idle: Mutex<Vec<Reader>>,
    free: Arc<Semaphore>,
    timings: Arc<Timings>,
    began: Instant,
}

struct Reader {
    connection: Connection,
    /// When its query must end: milliseconds since the pool began.
    end: Arc<AtomicU64>,
}

impl Readers {
    pub(crate) fn open(path: &Path, count: usize, share: Share, timings: Arc<Timings>) -> Result<Self> {
        let pool = Pool {
            path: path.to_owned(),
            share,
            idle: Mutex::new(Vec::new()),
            free: Arc::new(Semaphore::new(count)),
            timings,
            began: Instant::now(),
        };
        let first = pool.connect()?;
        pool.put(first);
        Ok(Self(Arc::new(pool)))
    }

    /// Runs `query` on one snapshot.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        query: impl FnOnce(Sql<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let free = self.0.free.clone();
        let permit = tokio::time::timeout(WAIT, free.acquire_owned()).await;
        let permit = permit.map_err(|_| Error::Busy)?.map_err(|_| Error::Closed)?;
        let pool = self.0.clone();
        let task = tokio::task::spawn_blocking(move || {
            let result = pool.run(name, query);
            drop(permit);
            result
        });
        task.await.map_err(|error| Error::Damaged(format!("a fault in the program ended «{name}»: {error}")))?
    }
}

impl Pool {
    fn run<T>(&self, name: &'static str, query: impl FnOnce(Sql<'_>) -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let reader = match self.take() {
            Some(reader) => reader,
            None => self.connect()?,
        };
        let end = self.began.elapsed() + LONGEST;
        reader.end.store(end.as_millis() as u64, Ordering::Relaxed);
        reader.connection.execute_batch("BEGIN")?;
        let result = query(Sql::new(&reader.connection));
        reader.connection.execute_batch("COMMIT")?;
        self.timings.note(name, began.elapsed());
        // Not put back where anything above failed oddly: a new one is cheap.
        self.put(reader);
        result
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
