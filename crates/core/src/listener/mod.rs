//! Accepts connections: bounded in number, in time, and in what one address may hold.

mod gate;
mod nodes;
mod patience;
mod people;
mod plain;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use gate::{Gate, Pass};
pub(crate) use nodes::{NodeTls, serve_nodes};
pub(crate) use people::{ClientAddress, client_address, serve_people};
pub(crate) use plain::serve_plain;
pub(crate) use tls::{Current, PeopleTls, read as read_certificate};

use patience::Patience;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the headers of a request may take, and how long a connection may be idle.
const HEADERS: Duration = Duration::from_secs(30);
/// How long a connection may finish when the core stops.
const GRACE: Duration = Duration::from_secs(2);

/// Accepts until `stop`; hands each connection that the gate lets in to `serve`.
async fn accept<F, Fut>(listener: TcpListener, gate: Gate, stop: CancellationToken, tasks: TaskTracker, serve: F)
where
    F: Fn(TcpStream, SocketAddr, Pass) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let Some(pass) = gate.enter(address.ip()) else {
                    tracing::debug!(address = %address.ip(), "connection refused: too many");
                    continue;
                };
                let _ = stream.set_nodelay(true);
                tasks.spawn(serve(stream, address, pass));
            }
            // One that went away before it was accepted is no reason to pause; no more file descriptors is.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept a connection; trying again in a moment");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Serves one connection until it ends; handlers get `who` as an extension. `stop` lets it finish what it is at, `cut` does
/// not.
async fn serve<I, E>(
    io: I,
    http: &Builder<TokioExecutor>,
    router: Router,
    who: E,
    stop: &CancellationToken,
    cut: &CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    E: Clone + Send + Sync + 'static,
{
    let service = tower::ServiceBuilder::new().map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(who.clone());
        request.map(Body::new)
    });
    let service = TowerToHyperService::new(service.service(router));
    let connection = http.serve_connection(TokioIo::new(Patience::new(io)), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cut.cancelled() => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = cut.cancelled() => return,
                () = tokio::time::sleep(GRACE) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "connection ended");
    }
}

/// How HTTP is spoken; what may be open at once is bounded.
fn http(streams: u32) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_headers(64).max_buf_size(64 * 1024);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(streams)
        .max_header_list_size(16 * 1024)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(2 << 20)
        .max_send_buf_size(256 * 1024)
        // Streams that are opened only to be reset («rapid reset») end the connection.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(64)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    http
}
