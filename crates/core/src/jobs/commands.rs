//! Ends commands that nobody began in time, and lets go of those that ended long ago.

use std::time::Duration;

use super::Job;
use crate::state::Shared;

/// Looks after commands.
pub(super) struct Upkeep;

impl Job for Upkeep {
    const NAME: &'static str = "commands";

    fn period(&self) -> Duration {
        Duration::from_secs(15)
    }

    async fn run(&mut self, core: &Shared) -> anyhow::Result<()> {
        core.store.tidy_commands().await?;
        Ok(())
    }
}
