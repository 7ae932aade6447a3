//! Those who change a PostgreSQL database: a few threads, each with a connection, that take jobs from one queue. A job is a transaction;
//! the server commits those that come at once together.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;

use super::hearing::Mouth;
use super::line::{Line, Purpose};
use super::place::Place;
use crate::changes::Effects;
use crate::engine::sql::Sql;
use crate::engine::writer::{Around, Job, Tx};
use crate::memory::Memory;
use crate::{Error, Result};

/// Starts the threads; they end when nobody can bring a job any more.
pub(crate) fn start(
    place: &Place,
    count: usize,
    around: &Around,
    mouth: &Mouth,
    waiting: mpsc::Receiver<Job>,
) -> Result<Vec<std::thread::JoinHandle<()>>> {
    let waiting = Arc::new(Mutex::new(waiting));
    let mut threads = Vec::with_capacity(count);
    for _ in 0..count {
        let mut writer = Writer {
            line: Line::new(place, Purpose::Writing),
            around: around.clone(),
            mouth: mouth.clone(),
            memory: Memory::default(),
        };
        let waiting = waiting.clone();
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || {
            loop {
                let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                let Some(job) = job else { return };
                writer.run(job);
            }
        });
        threads.push(thread.map_err(|error| Error::Damaged(format!("cannot start a thread: {error}")))?);
    }
    Ok(threads)
}

struct Writer {
    line: Line,
    around: Around,
    mouth: Mouth,
    memory: Memory,
}

impl Writer {
    fn run(&mut self, job: Job) {
        let began = Instant::now();
        let (name, run) = (job.name, job.run);
        let mut effects = Effects::default();
        let mut tx = Tx {
            sql: Sql::Postgres(&self.line),
            now: self.around.clock.millis(),
            memory: &mut self.memory,
            shared: &self.around.shared,
            effects: &mut effects,
        };
        // The job itself catches what its own code does wrong; this keeps the thread whatever happens.
        let Ok((keep, answer)) = std::panic::catch_unwind(AssertUnwindSafe(|| run(Ok(&mut tx)))) else {
            self.line.undo();
            self.memory = Memory::default();
            return;
        };
        self.around.timings.note(name, began.elapsed());
        let committing = Instant::now();
        if !keep {
            self.line.undo();
            self.memory = Memory::default();
            return answer(None);
        }
        match self.line.commit() {
            Ok(()) => {
                self.around.timings.note("commit", committing.elapsed());
                self.mouth.say(&effects);
                // The world hears of it before the one who asked: what they ask next finds the numbers moved.
                self.around.live.tell(effects);
                answer(None);
            }
            Err(error) => {
                self.memory = Memory::default();
                tracing::error!(%error, job = name, "a transaction failed; whether it was stored is not known");
                answer(Some(&error));
            }
        }
    }
}
