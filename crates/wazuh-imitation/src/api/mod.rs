//! The manager's API (port 55000).
//!
//! [`Imitation::start`] listens on the loopback with TLS, in the way a fresh manager does: a self-signed certificate for
//! `localhost`. What it knows is in [`State`], and can be changed while it runs; so can its clock. Beside it, a plain
//! listener takes orders from outside of the process (see [`control`]).

mod agents;
mod answer;
mod clock;
pub mod control;
mod guard;
mod inventory;
mod lists;
mod manager;
mod routes;
mod ruleset;
mod state;
mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use answer::Canned;
pub use clock::Clock;
pub use state::{Asked, State};
pub use tls::Options;

/// An imitation that runs until it is dropped.
pub struct Imitation {
    /// For example `https://localhost:40123`.
    pub url: String,
    /// Where orders are taken, for example `http://127.0.0.1:40124`.
    pub control: String,
    /// Its certificate (PEM).
    pub certificate: String,
    /// The SHA-256 of its certificate.
    pub fingerprint: String,
    /// Its clock.
    pub clock: Clock,
    state: Arc<Mutex<State>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Imitation {
    /// Begins to listen on ports of the loopback that are free.
    ///
    /// # Errors
    /// There is none, or the certificate cannot be made.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let made = tls::make(&options)?;
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let clock = options.clock.clone().unwrap_or_else(Clock::still);
        let state = Arc::new(Mutex::new(State::new(clock.clone())));
        let orders = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, options.control_port)).await?;
        let control = format!("http://{}", orders.local_addr()?);
        let router = control::router(Arc::clone(&state));
        let tasks = vec![
            tokio::spawn(listen(listener, address, made.acceptor, Arc::clone(&state), clock.clone())),
            tokio::spawn(async move {
                let _ = axum::serve(orders, router).await;
            }),
        ];
        let (certificate, fingerprint) = (made.pem, made.fingerprint);
        let url = format!("https://localhost:{}", address.port());
        Ok(Self { url, control, certificate, fingerprint, clock, state, tasks })
    }

    /// What it knows.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Imitation {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens while the state says that the API is there; connections end when it goes.
async fn listen(
    first: TcpListener,
    address: SocketAddr,
    acceptor: tokio_rustls::TlsAcceptor,
    state: Arc<Mutex<State>>,
    clock: Clock,
) {
    let mut listener = Some(first);
    let mut connections: Vec<JoinHandle<()>> = Vec::new();
    let mut ticks = clock.ticks();
    loop {
        let tick = *ticks.borrow_and_update();
        let up = lock(&state).is_up();
        match (up, listener.is_some()) {
            (false, true) => {
                listener = None;
                connections.drain(..).for_each(|connection| connection.abort());
            }
            (true, false) => listener = bind(address).await.ok(),
            _ => {}
        }
        clock.noted(tick);
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await.ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = accepted => {
                let Some((tcp, _)) = accepted else { continue };
                let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
                connections.retain(|connection| !connection.is_finished());
                connections.push(tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else { return };
                    let service = hyper::service::service_fn(move |request| serve(Arc::clone(&state), request));
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tls), service).await;
                }));
            }
            changed = ticks.changed() => if changed.is_err() { return },
            () = clock.beat() => {}
        }
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.context("the port is taken")
}

async fn serve(
    state: Arc<Mutex<State>>,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.unwrap_or_default();
    let asked = Asked::read(&parts, body);
    let answer = lock(&state).answer(&asked);
    Ok(answer.response())
}
