//! Both sides say where they are.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use wire::link::{Hello, Welcome};

use super::caller::Caller;
use super::{check_wire, read};
use crate::api::version::VERSION;
use crate::problem::Problem;
use crate::state::Shared;

/// Says where the core stands with a node.
pub(super) async fn hello(
    State(core): State<Shared>,
    Caller(identity): Caller,
    body: Body,
) -> Result<Json<Welcome>, Problem> {
    let asked: Hello = read::json(body).await?;
    check_wire(asked.wire)?;
    let (position, cursors) = core.store.position(identity.node).await?;
    // One that says nothing of where it stands is new, or only looks whether it would be welcome.
    if asked.position.is_some() && asked.position != position {
        tracing::info!(
            node = identity.node.0,
            "node and core stand at different places: the node goes on from the core's"
        );
    }
    Ok(Json(Welcome {
        wire: wire::VERSION,
        version: VERSION.into(),
        position,
        cursors,
        now: core.now(),
        heartbeat: heartbeat(&core),
        node: identity.node.0,
        name: identity.name,
        client: identity.client_name,
        addresses: core.node_addresses.clone(),
        ca: core.authorities().bundle.clone(),
    }))
}

/// Seconds between two reports.
pub(super) fn heartbeat(core: &Shared) -> u32 {
    core.config.nodes_heartbeat.as_secs().clamp(1, 3600) as u32
}
