//! What changes the database: jobs, each in a transaction of which nothing remains if it fails. Who takes them from the queue is
//! the engine's: one thread for SQLite, a few for PostgreSQL.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::changes::{Effects, Live};
use crate::clock::Clock;
use crate::engine::sql::Sql;
use crate::engine::timings::Timings;
use crate::memory::Memory;
use crate::{Error, Result};

/// Jobs that may wait. More of them wait at the door ([`Writer::write`] is async).
const QUEUE: usize = 256;

/// What the writer and those who prepare its work share.
pub(crate) struct Shared {
    pub(crate) cipher: crate::id::Cipher,
    pub(crate) dictionaries: crate::bodies::Dictionaries,
}

/// What those who take jobs have around them.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) clock: Clock,
    pub(crate) timings: Arc<Timings>,
    pub(crate) live: Arc<Live>,
    pub(crate) shared: Arc<Shared>,
}

/// What a job works with.
pub(crate) struct Tx<'w> {
    pub(crate) sql: Sql<'w>,
    /// The database's clock when the job began, milliseconds.
    pub(crate) now: i64,
    /// What the writer remembers from job to job.
    pub(crate) memory: &'w mut Memory,
    pub(crate) shared: &'w Arc<Shared>,
    /// What the world hears once it is committed.
    pub(crate) effects: &'w mut Effects,
}

/// Sent when the group has ended: none if it was committed.
pub(super) type Answer = Box<dyn FnOnce(Option<&Error>) + Send>;

pub(crate) struct Job {
    pub(super) name: &'static str,
    pub(super) weight: usize,
    /// Runs it, unless it is told why not. True: keep what it did; false: undo it.
    pub(super) run: Box<Run>,
}

pub(super) type Run = dyn FnOnce(Result<&mut Tx<'_>>) -> (bool, Answer) + Send;

/// The way to the writer's thread.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// The way to whoever takes jobs from the other end; they end when the last [`Writer`] is dropped.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Job>) {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        (Self { jobs }, waiting)
    }

    /// Runs `job` in a transaction; returns when it is on the disk. If it fails, nothing of it remains.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        weight: usize,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::new(name, weight, job, answer)).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Jobs that wait.
    pub(crate) fn depth(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }
}

impl Job {
    fn new<T: Send + 'static>(
        name: &'static str,
        weight: usize,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        answer: oneshot::Sender<Result<T>>,
    ) -> Self {
        let run = move |tx: Result<&mut Tx<'_>>| -> (bool, Answer) {
            // A bug in one job must not take the writer from all others; the savepoint undoes what it did.
            let result = tx.and_then(|tx| {
                std::panic::catch_unwind(AssertUnwindSafe(|| job(tx))).unwrap_or_else(|_| {
                    Err(Error::Damaged(format!("a fault in the program ended «{name}»; nothing of it was stored")))
                })
            });
            let keep = result.is_ok();
            let answer = move |failed: Option<&Error>| {
                let _ = answer.send(match failed {
                    Some(error) if keep => Err(error.clone()),
                    _ => result,
                });
            };
            (keep, Box::new(answer))
        };
        Self { name, weight, run: Box::new(run) }
    }
}
