//! Says by an alarm of the client «SOC» what is wrong with the core itself, so that nobody has to look at the health page.

use std::time::Duration;

use super::Job;
use crate::condition::warnings;
use crate::state::Shared;

/// Looks at the core itself.
pub(super) struct Condition;

impl Job for Condition {
    const NAME: &'static str = "condition";

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn run(&mut self, core: &Shared) -> anyhow::Result<()> {
        tell(core).await
    }
}

/// Raises what is not told yet.
pub(crate) async fn tell(core: &Shared) -> anyhow::Result<()> {
    let alarms: Vec<_> = warnings(core).iter().map(|warning| (warning.code, warning.alarm(core.now()))).collect();
    if !alarms.is_empty() {
        core.store.warn(alarms).await?;
    }
    Ok(())
}
