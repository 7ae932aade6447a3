//! What nodes say to the core: one file per request. `wire::path` names the paths, `wire::link` what is said.
//!
//! # Invariants
//! - Who a node is comes from its connection alone; no request says it.
//! - Whether it may speak is asked of the database at each request, so that revoking and disabling take effect at once.
//! - Everything in a request is hostile: its size, its nesting, its rate, its content.

mod batch;
mod caller;
mod commands;
mod enrol;
mod hello;
mod read;
mod renew;
mod status;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use wire::path;

use crate::problem::{Listener, Problem, answer};
use crate::state::Shared;

/// All that nodes reach.
pub(crate) fn router(core: Shared) -> Router {
    Router::new()
        .route(path::ENROL, post(enrol::enrol))
        .route(path::RENEW, post(renew::renew))
        .route(path::HELLO, post(hello::hello))
        .route(path::BATCH, post(batch::batch))
        .route(path::STATUS, post(status::status))
        .route(path::COMMANDS, get(commands::commands))
        .route(path::BEGIN, post(commands::begin))
        .fallback(|| async { Problem::not_found("path").detail("This is the way in for nodes.") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This path has no such method.")
        })
        .layer(from_fn_with_state((core.clone(), Listener::Nodes), answer))
        .with_state(core)
}

/// Refuses a node that speaks what this core does not.
fn check_wire(wire: u32) -> Result<(), Problem> {
    let problem =
        |title, detail| Problem::new(StatusCode::UPGRADE_REQUIRED, wire::link::problem::WIRE, title).detail(detail);
    if wire > wire::VERSION {
        return Err(problem(
            "This node is newer than the core.",
            "Update the core; the node keeps everything until then.",
        ));
    }
    if wire < wire::OLDEST {
        return Err(problem("This node is too old for this core.", "Update the node; it keeps everything until then."));
    }
    Ok(())
}
