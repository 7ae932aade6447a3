//! The one thread that changes the database: group commit.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::changes::{Effects, Live};
use crate::clock::Clock;
use crate::engine::sql::Sql;
use crate::engine::timings::Timings;
use crate::memory::Memory;

use crate::{Error, Result};

/// Jobs that may wait. More of them wait at the door ([`Writer::write`] is async).
const QUEUE: usize = 256;
/// Weight (about one per row) after which a transaction takes no further job.
const GROUP: usize = 8_000;
/// Pages in the write-ahead log from which it is copied into the database (32 MiB): larger means fewer writes of hot pages.
const CHECKPOINT_PAGES: i64 = 8_192;
/// Pages in the log from which readers are waited for, so that it can begin anew (512 MiB).
const RESTART_PAGES: i64 = 131_072;

/// What the writer and those who prepare its work share.
pub(crate) struct Shared {
    pub(crate) cipher: crate::id::Cipher,
    pub(crate) dictionaries: crate::bodies::Dictionaries,
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
type Answer = Box<dyn FnOnce(Option<&Error>) + Send>;

struct Job {
    name: &'static str,
    weight: usize,
    /// Runs it, unless it is told why not. True: keep what it did; false: undo it.
    run: Box<Run>,
}

type Run = dyn FnOnce(Result<&mut Tx<'_>>) -> (bool, Answer) + Send;

/// The way to the writer's thread.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the thread; it ends when the last [`Writer`] is dropped.
    pub(crate) fn start(
        connection: Connection,
        clock: Clock,
        timings: Arc<Timings>,
        live: Arc<Live>,
        shared: Arc<Shared>,
    ) -> Result<(Self, std::thread::JoinHandle<()>)> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let mut thread =
            Thread { connection, clock, timings, live, shared, memory: Memory::default(), checkpoint_failed: false };
        let handle = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || thread.run(waiting))
            .map_err(|error| Error::Damaged(format!("cannot start a thread: {error}")))?;
        Ok((Self { jobs }, handle))
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

struct Thread {
    connection: Connection,
    clock: Clock,
    timings: Arc<Timings>,
    live: Arc<Live>,
    shared: Arc<Shared>,
    memory: Memory,
    checkpoint_failed: bool,
}

impl Thread {
    fn run(&mut self, mut waiting: mpsc::Receiver<Job>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut weight = first.weight;
            let mut group = vec![first];
            while weight < GROUP {
                let Ok(job) = waiting.try_recv() else { break };
                weight += job.weight;
                group.push(job);
            }
            self.commit(group);
            self.checkpoint();
        }
        // Leaves one file behind, where the disk allows it.
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = self.connection.execute_batch("PRAGMA optimize");
    }

    fn commit(&mut self, group: Vec<Job>) {
        let began = Instant::now();
        let mut answers = Vec::with_capacity(group.len());
        let mut effects = Effects::default();
        let result = self.run_group(group, &mut answers, &mut effects);
        match result {
            Ok(()) => {
                self.timings.note("commit", began.elapsed());
                // The world hears of it before the one who asked: what they ask next finds the numbers moved.
                self.live.tell(effects);
                answers.into_iter().for_each(|answer| answer(None));
            }
            Err(error) => {
                tracing::error!(%error, jobs = answers.len(), "a transaction failed; nothing of it was stored");
                if !self.connection.is_autocommit() {
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                self.memory = Memory::default();
                answers.into_iter().for_each(|answer| answer(Some(&error)));
            }
        }
    }

    fn run_group(&mut self, group: Vec<Job>, answers: &mut Vec<Answer>, effects: &mut Effects) -> Result<()> {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE").map_err(Error::from);
        let mut failed = begun.err();
        for job in group {
            if let Some(error) = &failed {
                answers.push((job.run)(Err(error.clone())).1);
                continue;
            }
            match self.run_one(job, effects) {
                Ok(answer) => answers.push(answer),
                Err((answer, error)) => {
                    answers.push(answer);
                    failed = Some(error);
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Fails if the whole transaction is lost, not only the job.
    fn run_one(&mut self, job: Job, effects: &mut Effects) -> std::result::Result<Answer, (Answer, Error)> {
        let began = Instant::now();
        let name = job.name;
        if let Err(error) = self.connection.execute_batch("SAVEPOINT job") {
            let error = Error::from(error);
            return Err(((job.run)(Err(error.clone())).1, error));
        }
        let mut own = Effects::default();
        let mut tx = Tx {
            sql: Sql::new(&self.connection),
            now: self.clock.millis(),
            memory: &mut self.memory,
            shared: &self.shared,
            effects: &mut own,
        };
        let (keep, answer) = (job.run)(Ok(&mut tx));
        self.timings.note(name, began.elapsed());
        if self.connection.is_autocommit() {
            // SQLite gives up the whole transaction on some failures, such as a full disk.
            return Err((answer, Error::Full("the transaction was given up".into())));
        }
        let ended = if keep {
            effects.add(own);
            self.connection.execute_batch("RELEASE job")
        } else {
            self.memory = Memory::default();
            self.connection.execute_batch("ROLLBACK TO job; RELEASE job")
        };
        match ended {
            Ok(()) => Ok(answer),
            Err(error) => Err((answer, error.into())),
        }
    }

    fn checkpoint(&mut self) {
        let Ok(pages) = self.connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get::<_, i64>(1)) else {
            return;
        };
        if pages < CHECKPOINT_PAGES {
            return;
        }
        let began = Instant::now();
        let sql =
            if pages < RESTART_PAGES { "PRAGMA wal_checkpoint(PASSIVE)" } else { "PRAGMA wal_checkpoint(RESTART)" };
        let result = self.connection.query_row(sql, [], |_| Ok(()));
        self.timings.note("checkpoint", began.elapsed());
        if let Err(error) = &result
            && !self.checkpoint_failed
        {
            tracing::warn!(%error, "the write-ahead log cannot be copied into the database yet");
        }
        self.checkpoint_failed = result.is_err();
        if began.elapsed() > Duration::from_secs(2) {
            tracing::warn!(pages, seconds = began.elapsed().as_secs_f64(), "copying the write-ahead log took long");
        }
    }
}
