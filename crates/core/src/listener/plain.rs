//! The listener for machines on this machine: figures and whether the core is well.

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Gate, accept, http, serve};
use crate::state::Shared;

/// Connections at once.
const CONNECTIONS: usize = 64;

/// Accepts until the core stops.
pub(crate) async fn serve_plain(core: Shared, listener: TcpListener, router: Router, tasks: TaskTracker) {
    let (stop, connections) = (core.stop.clone(), tasks.clone());
    accept(listener, Gate::new(CONNECTIONS, CONNECTIONS), stop.clone(), connections, move |stream, _, pass| {
        let (router, stop) = (router.clone(), stop.clone());
        async move {
            serve(stream, &http(8), router, (), &stop, &CancellationToken::new()).await;
            drop(pass);
        }
    })
    .await;
}
