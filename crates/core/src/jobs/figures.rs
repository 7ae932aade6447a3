//! Figures that must be looked up.

use std::time::Duration;

use super::Job;
use crate::metrics::By;
use crate::state::Shared;

/// Looks them up.
pub(super) struct Figures;

impl Job for Figures {
    const NAME: &'static str = "figures";

    fn period(&self) -> Duration {
        Duration::from_secs(15)
    }

    async fn run(&mut self, core: &Shared) -> anyhow::Result<()> {
        let health = core.store.health().await?;
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        for (part, bytes) in [("file", health.bytes), ("wal", health.wal_bytes)] {
            core.metrics.database.get_or_create(&By("part", part.into())).set(number(bytes));
        }
        core.metrics.stored.set(number(health.alerts));
        let queues =
            [("writer", health.waiting as u64), ("text", health.text_behind), ("ingest", core.links.busy() as u64)];
        for (queue, depth) in queues {
            core.metrics.queues.get_or_create(&By("queue", queue.into())).set(number(depth));
        }
        Ok(())
    }
}
