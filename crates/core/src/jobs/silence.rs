//! Looks for nodes that do not report.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use store::NodeId;

use super::Job;
use crate::metrics::By;
use crate::silence::{Presence, nodes, presence, raise_due};
use crate::state::Shared;

/// Looks for nodes that do not report; remembers what it saw last.
pub(super) struct Silence {
    /// Nobody is called silent before.
    quiet_until: Instant,
    period: Duration,
    last: (Instant, Timestamp),
    seen: HashMap<NodeId, Presence>,
}

/// The clock may move so much more or less than time passes before it counts as having been turned.
const TURNED: SignedDuration = SignedDuration::from_secs(20);

impl Silence {
    pub(super) fn new(core: &Shared) -> Self {
        let now = Instant::now();
        let period = (core.config.nodes_heartbeat / 2).min(Duration::from_secs(5));
        Self { quiet_until: now + grace(core), period, last: (now, core.now()), seen: HashMap::new() }
    }
}

impl Job for Silence {
    const NAME: &'static str = "silence";

    fn period(&self) -> Duration {
        self.period
    }

    /// Raises what is due, and tells pages which nodes have become late or offline since the last look.
    async fn run(&mut self, core: &Shared) -> anyhow::Result<()> {
        let (now, clock) = (Instant::now(), core.now());
        let passed = SignedDuration::try_from(now - self.last.0).unwrap_or(SignedDuration::ZERO);
        if (clock.duration_since(self.last.1) - passed).abs() > TURNED {
            // The machine slept, or its clock was set: nodes need a moment to come back.
            tracing::warn!("the clock was turned; silence is looked for again in a while");
            self.quiet_until = now + grace(core);
        }
        self.last = (now, clock);
        let nodes = nodes(&core.store).await?;
        let mut counts = [0; Presence::ALL.len()];
        let mut seen = HashMap::with_capacity(nodes.len());
        for node in &nodes {
            let state = presence(node, clock, &core.config);
            counts[state as usize] += 1;
            if self.seen.get(&node.id).is_some_and(|before| *before != state) {
                let _ = core.moved.send((node.client, node.id));
            }
            seen.insert(node.id, state);
        }
        self.seen = seen;
        for (state, count) in Presence::ALL.into_iter().zip(counts) {
            core.metrics.nodes.get_or_create(&By("state", state.word().into())).set(count);
        }
        core.metrics.connected.set(core.links.connected() as i64);
        if now >= self.quiet_until {
            raise_due(&core.store, &nodes, &core.config.nodes_silence_alarms).await?;
        }
        Ok(())
    }
}

/// How long nodes may take to come back after the core was away.
fn grace(core: &Shared) -> Duration {
    core.config.nodes_offline_after.max(core.config.nodes_heartbeat * 3)
}
