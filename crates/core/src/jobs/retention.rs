//! Lets old alerts go, in small steps, so that nobody waits for it.

use std::time::Duration;

use jiff::SignedDuration;
use store::{Keep, Scope};

use super::Job;
use crate::state::Shared;

/// Between two steps, so that whoever wants to write gets a turn.
const PAUSE: Duration = Duration::from_millis(50);

/// Lets old alerts go.
pub(super) struct Retention;

impl Job for Retention {
    const NAME: &'static str = "retention";

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn run(&mut self, core: &Shared) -> anyhow::Result<()> {
        let age = core.config.retention_max_age.get();
        let age = age.and_then(|age| SignedDuration::try_from(age).ok()).unwrap_or(SignedDuration::MAX);
        let keep = Keep { age, bytes: core.config.retention_max_bytes.get().unwrap_or(u64::MAX) };
        let scope = Scope::internal("old alerts go, whosever they are");
        while core.store.retain(&scope, keep).await? && !core.stop.is_cancelled() {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
