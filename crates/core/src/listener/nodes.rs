//! The listener for nodes: TLS 1.3 and nothing else; a certificate is asked for, and judged once per connection.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Gate, HANDSHAKE, Pass, accept, http, serve};
use crate::links::Connected;
use crate::pki::{Doorkeeper, Peer};
use crate::state::Shared;

/// Connections at once: 1,000 nodes, each with one or two, and whoever knocks.
const CONNECTIONS: usize = 8_000;
/// Connections at once from one address, of those that have not shown that they are a node of ours.
const UNKNOWN: usize = 16;
/// Requests at once on one connection. A node has one batch and one report in flight.
const STREAMS: u32 = 8;

/// Who is at the other end, for handlers.
#[derive(Clone, Debug)]
pub(crate) struct NodeTls {
    /// What the certificate says.
    pub(crate) peer: Peer,
    /// The address.
    pub(crate) address: SocketAddr,
}

/// Accepts nodes until the core stops.
pub(crate) async fn serve_nodes(core: Shared, listener: TcpListener, router: Router, tasks: TaskTracker) {
    let tls = match tls(&core) {
        Ok(tls) => TlsAcceptor::from(tls),
        Err(error) => return tracing::error!(error = %error, "the listener for nodes cannot start"),
    };
    let (stop, connections) = (core.stop.clone(), tasks.clone());
    accept(listener, Gate::new(CONNECTIONS, UNKNOWN), stop, connections, move |stream, address, pass| {
        connection(core.clone(), tls.clone(), router.clone(), stream, address, pass)
    })
    .await;
}

async fn connection(
    core: Shared,
    tls: TlsAcceptor,
    router: Router,
    stream: TcpStream,
    address: SocketAddr,
    mut pass: Pass,
) {
    let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(address = %address.ip(), error = %error, "a handshake failed"),
        Err(_) => return tracing::debug!(address = %address.ip(), "a handshake took too long"),
    };
    let peer = Peer::of(stream.get_ref().1.peer_certificates(), &core.authorities(), core.now());
    let connected = connect(&core, &peer).await;
    if connected.is_some() {
        pass.is_known();
    }
    let cut = connected.as_ref().map_or_else(CancellationToken::new, |connected| connected.cut.clone());
    serve(stream, &http(STREAMS), router, NodeTls { peer, address }, &core.stop, &cut).await;
    drop((connected, pass));
}

/// Notes the connection of a node that may speak. One that may not is answered why, request by request.
async fn connect(core: &Shared, peer: &Peer) -> Option<Connected> {
    let Peer::Node(badge) = peer else { return None };
    let identity = core.store.identity_by_key(badge.key).await.ok()??;
    (identity.node == badge.node && !identity.revoked).then(|| core.links.connect(badge.node))
}

fn tls(core: &Shared) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Doorkeeper::new())
        .with_cert_resolver(core.nodes_certificate.clone());
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // No resumption: each connection shows its certificate anew.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    Ok(Arc::new(tls))
}
