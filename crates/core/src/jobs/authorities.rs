//! Lets one authority follow another, and takes up what the command line has changed.

use std::time::Duration;

use anyhow::Context as _;
use store::{Actor, AuthorityState};

use super::Job;
use crate::pki::{Authorities, Due, announce, due, server_certificate};
use crate::state::Shared;

/// Looks at the authorities.
pub(super) struct Succession;

impl Job for Succession {
    const NAME: &'static str = "authorities";

    fn period(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn run(&mut self, core: &Shared) -> anyhow::Result<()> {
        reconcile(core).await
    }
}

/// Does what is due, then uses the authorities as the database has them.
pub(crate) async fn reconcile(core: &Shared) -> anyhow::Result<()> {
    let (store, life) = (&core.store, core.config.nodes_certificate_life);
    let actor = || Actor::named("the core");
    let mut known = store.authorities().await?;
    while let Some(step) = due(&known, core.now(), life) {
        match step {
            Due::Announce => drop(announce(store, &core.sealer, actor()).await?),
            Due::Sign(id) => store.set_authority_state(actor(), id, AuthorityState::Signing).await?,
            Due::Forget(id) => store.set_authority_state(actor(), id, AuthorityState::Gone).await?,
        }
        tracing::info!(?step, "the authorities have changed");
        known = store.authorities().await?;
    }
    let same = known.iter().map(|authority| (authority.id, authority.state)).eq(core.authorities().standing.clone());
    if same {
        return Ok(());
    }
    let fresh = Authorities::load(store, &core.sealer).await?;
    let (key, ends) =
        server_certificate(&fresh, core.now(), life).context("the nodes' listener keeps its certificate")?;
    core.follow(fresh);
    core.nodes_certificate.set(key, ends);
    Ok(())
}
