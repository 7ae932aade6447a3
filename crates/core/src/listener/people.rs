//! The listener for people: plain HTTP, or TLS from files.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Gate, HANDSHAKE, accept, http, serve};
use crate::state::Shared;

/// Connections at once.
const CONNECTIONS: usize = 4_000;
/// Connections at once from one address; a proxy has one address for all.
const EACH: usize = 200;
/// Requests at once on one connection.
const STREAMS: u32 = 100;

/// The address that a request comes from, for handlers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// Accepts people until the core stops.
pub(crate) async fn serve_people(core: Shared, listener: TcpListener, router: Router, tasks: TaskTracker) {
    let tls = match core.people_tls.as_ref().map(super::PeopleTls::server).transpose() {
        Ok(tls) => tls.map(TlsAcceptor::from),
        Err(error) => return tracing::error!(error = %error, "the listener for people cannot start"),
    };
    let each = if core.config.trusted_proxies.is_empty() { EACH } else { CONNECTIONS };
    let (stop, connections) = (core.stop.clone(), tasks.clone());
    accept(listener, Gate::new(CONNECTIONS, each), stop.clone(), connections, move |stream, address, pass| {
        let (tls, stop) = (tls.clone(), stop.clone());
        let router = router.clone();
        async move {
            let cut = CancellationToken::new();
            match tls {
                None => serve(stream, &http(STREAMS), router, address, &stop, &cut).await,
                Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve(stream, &http(STREAMS), router, address, &stop, &cut).await,
                    Ok(Err(error)) => tracing::debug!(address = %address.ip(), error = %error, "a handshake failed"),
                    Err(_) => tracing::debug!(address = %address.ip(), "a handshake took too long"),
                },
            }
            drop(pass);
        }
    })
    .await;
}

/// Tells handlers which address a request comes from: that of the connection, or what a trusted proxy says.
pub(crate) async fn client_address(proxies: Vec<query::Net>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<SocketAddr>().map_or(IpAddr::from([0, 0, 0, 0]), SocketAddr::ip);
    let address = forwarded(peer.to_canonical(), request.headers(), &proxies);
    request.extensions_mut().insert(ClientAddress(address));
    next.run(request).await
}

/// The last address that is not a trusted proxy's: whatever stands before it was written by that one, who may lie.
fn forwarded(peer: IpAddr, headers: &HeaderMap, proxies: &[query::Net]) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|net| net.contains(address));
    let mut address = peer;
    let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let said: Vec<&str> = said.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in said.iter().rev() {
        if !trusted(address) {
            break;
        }
        match hop.parse::<IpAddr>() {
            Ok(hop) => address = hop.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_say_who_comes() {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        for (peer, header, expected) in [
            ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("::1", "2001:db8::1", "2001:db8::1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", header.parse().unwrap());
            let found = forwarded(peer.parse().unwrap(), &headers, &proxies);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {header}");
        }
    }
}
