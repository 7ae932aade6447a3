//! Keeps certificates fresh: the nodes' listener's is issued anew, the people's is read again when its file changes.

use std::time::Duration;

use super::Job;
use crate::pki::server_certificate;
use crate::state::Shared;

/// Looks at both.
pub(super) struct Certificates;

impl Job for Certificates {
    const NAME: &'static str = "certificates";

    fn period(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn run(&mut self, core: &Shared) -> anyhow::Result<()> {
        if let Some(tls) = &core.people_tls {
            tls.refresh();
        }
        let life = core.config.nodes_certificate_life;
        let left = core.nodes_certificate.ends().duration_since(core.now());
        // Renewed at two thirds of its life, as nodes do.
        if left.as_secs_f64() < life.as_secs_f64() / 3.0 {
            let (key, ends) = server_certificate(&core.authorities(), core.now(), life)?;
            core.nodes_certificate.set(key, ends);
            tracing::info!(ends = %ends, "the certificate for nodes was issued anew");
        }
        Ok(())
    }
}
