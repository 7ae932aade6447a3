//! The one thread that changes a SQLite database: group commit.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::changes::Effects;
use crate::engine::sql::Sql;
use crate::engine::writer::{Answer, Around, Job, Tx};
use crate::memory::Memory;
use crate::{Error, Result};

/// Weight (about one per row) after which a transaction takes no further job.
const GROUP: usize = 8_000;
/// Pages in the write-ahead log from which it is copied into the database (32 MiB): larger means fewer writes of hot pages.
const CHECKPOINT_PAGES: i64 = 8_192;
/// Pages in the log from which readers are waited for, so that it can begin anew (512 MiB).
const RESTART_PAGES: i64 = 131_072;

/// Starts the thread; it ends when nobody can bring a job any more.
pub(crate) fn start(
    connection: Connection,
    around: Around,
    waiting: mpsc::Receiver<Job>,
) -> Result<std::thread::JoinHandle<()>> {
    let mut thread = Thread { connection, around, memory: Memory::default(), checkpoint_failed: false };
    std::thread::Builder::new()
        .name("store-writer".into())
        .spawn(move || thread.run(waiting))
        .map_err(|error| Error::Damaged(format!("cannot start a thread: {error}")))
}

struct Thread {
    connection: Connection,
    around: Around,
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
                self.around.timings.note("commit", began.elapsed());
                // The world hears of it before the one who asked: what they ask next finds the numbers moved.
                self.around.live.tell(effects);
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
            sql: Sql::Sqlite(&self.connection),
            now: self.around.clock.millis(),
            memory: &mut self.memory,
            shared: &self.around.shared,
            effects: &mut own,
        };
        let (keep, answer) = (job.run)(Ok(&mut tx));
        self.around.timings.note(name, began.elapsed());
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
        self.around.timings.note("checkpoint", began.elapsed());
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
