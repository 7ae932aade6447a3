//! What goes on, told on a terminal once it takes longer than a second.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use wire::shown;

/// How long nobody wonders.
const PATIENCE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(200);

/// There is one line for it: whatever goes on inside of something else is not told.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A line on standard error while something takes long; it goes when this is dropped.
pub(super) struct Progress {
    what: Arc<Mutex<String>>,
    task: Option<JoinHandle<()>>,
}

impl Progress {
    /// Of something that begins now.
    pub(super) fn begin(what: impl Into<String>) -> Self {
        let what = Arc::new(Mutex::new(what.into()));
        let told = Arc::clone(&what);
        let ours = std::io::stderr().is_terminal() && !TAKEN.swap(true, Ordering::AcqRel);
        let task = ours.then(|| {
            tokio::spawn(async move {
                let begun = tokio::time::Instant::now();
                tokio::time::sleep(PATIENCE).await;
                // Clears the line however this ends.
                let _clear = Clear;
                for mark in ['|', '/', '-', '\\'].into_iter().cycle() {
                    let what = shown(&told.lock().unwrap_or_else(PoisonError::into_inner));
                    let seconds = begun.elapsed().as_secs();
                    let _ = write!(std::io::stderr(), "\r\u{1b}[K{mark} {what}… {seconds} s");
                    tokio::time::sleep(STEP).await;
                }
            })
        });
        Self { what, task }
    }

    /// Something else goes on now.
    pub(super) fn now(&self, what: impl Into<String>) {
        *self.what.lock().unwrap_or_else(PoisonError::into_inner) = what.into();
    }

    /// Ends, and waits until its line is gone.
    pub(super) async fn end(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
            TAKEN.store(false, Ordering::Release);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
            TAKEN.store(false, Ordering::Release);
        }
    }
}

struct Clear;

impl Drop for Clear {
    fn drop(&mut self) {
        let _ = write!(std::io::stderr(), "\r\u{1b}[K");
    }
}
