//! What the core does by itself: idempotent work that runs every so often. Running one twice changes nothing.

pub(crate) mod authorities;
mod certificates;
mod collector;
mod commands;
pub(crate) mod condition;
mod figures;
mod retention;
mod silence;

use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::state::Shared;

/// Something that the core does every so often.
trait Job: Send + 'static {
    /// What it is called in the log.
    const NAME: &'static str;

    /// How long to wait between two runs.
    fn period(&self) -> Duration;

    /// Does it once.
    fn run(&mut self, core: &Shared) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Starts all of them; each ends when the core stops.
///
/// # Errors
/// What one of them needs cannot be used.
pub(crate) fn start(core: &Shared, tasks: &TaskTracker) -> anyhow::Result<()> {
    if let Some(sending) = collector::Sending::new(core)? {
        every(core, tasks, sending);
    }
    every(core, tasks, silence::Silence::new(core));
    every(core, tasks, certificates::Certificates);
    every(core, tasks, authorities::Succession);
    every(core, tasks, condition::Condition);
    every(core, tasks, retention::Retention);
    every(core, tasks, commands::Upkeep);
    every(core, tasks, figures::Figures);
    Ok(())
}

/// Does it now, and again after each period. What fails is told, and tried again.
fn every<J: Job>(core: &Shared, tasks: &TaskTracker, mut job: J) {
    let core = core.clone();
    tasks.spawn(async move {
        loop {
            if let Err(error) = job.run(&core).await {
                tracing::warn!(job = J::NAME, error = format!("{error:#}"), "a job failed; it is tried again");
            }
            tokio::select! {
                () = core.stop.cancelled() => return,
                () = tokio::time::sleep(job.period()) => {}
            }
        }
    });
}
