//! What everything in a running core shares.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use jiff::Timestamp;
use store::{ClientId, NodeId, Store};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::breached::Breached;
use crate::config::Config;
use crate::links::Links;
use crate::listener::{Current, PeopleTls};
use crate::metrics::Metrics;
use crate::passkey::Passkeys;
use crate::passphrase::Passphrases;
use crate::pki::Authorities;
use crate::providers::Providers;
use crate::seal::Sealer;
use crate::sight::Sight;
use crate::throttle::Throttle;

/// A running core. Handlers and jobs get it as [`Shared`].
pub(crate) struct Core {
    /// The settings.
    pub(crate) config: Config,
    /// The database.
    pub(crate) store: Store,
    /// The authorities; exchanged when one follows another.
    authorities: RwLock<Arc<Authorities>>,
    /// Seals the secrets that the database keeps.
    pub(crate) sealer: Sealer,
    /// The certificate of the listener for nodes.
    pub(crate) nodes_certificate: Arc<Current>,
    /// The certificate of the listener for people, if it speaks TLS.
    pub(crate) people_tls: Option<PeopleTls>,
    /// Nodes that are connected.
    pub(crate) links: Arc<Links>,
    /// Whether nodes see what they should.
    pub(crate) sight: Sight,
    /// Nodes whose state has changed by the clock alone: live streams hear of it.
    pub(crate) moved: broadcast::Sender<(ClientId, NodeId)>,
    /// Hashes passphrases.
    pub(crate) passphrases: Passphrases,
    /// Passphrases that nobody may choose.
    pub(crate) breached: Breached,
    /// Speaks with providers of identities.
    pub(crate) providers: Providers,
    /// Slows down who tries to get in by a provider, by address.
    pub(crate) visits: Throttle,
    /// Passkeys.
    pub(crate) passkeys: Passkeys,
    /// Slows down who guesses passphrases.
    pub(crate) sign_ins: Throttle,
    /// Slows down who has a passphrase and guesses codes.
    pub(crate) codes: Throttle,
    /// Slows down who guesses enrolment tokens.
    pub(crate) enrolments: Throttle,
    /// Bytes of nodes' batches that are in memory at once, in KiB.
    pub(crate) batch_room: Arc<Semaphore>,
    /// Batches that are unfolded and parsed at once.
    pub(crate) decode_turns: Arc<Semaphore>,
    /// Live streams that are open at once.
    pub(crate) live_room: Arc<Semaphore>,
    /// One client is exported at a time: each holds a snapshot of the database.
    pub(crate) export_turn: Arc<Semaphore>,
    /// Why the log collector does not take the audit log; none: it does.
    pub(crate) collector: watch::Sender<Option<String>>,
    /// What is measured.
    pub(crate) metrics: Metrics,
    /// Where people reach the pages, without a final slash.
    pub(crate) people_url: String,
    /// Where nodes reach this core.
    pub(crate) node_addresses: Vec<String>,
    /// When it started.
    pub(crate) started: Instant,
    /// Set when the core stops: whatever waits ends.
    pub(crate) stop: CancellationToken,
}

/// A running core, for many owners.
pub(crate) type Shared = Arc<Core>;

/// What [`Core::new`] is made of beside the parts that it makes itself.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) authorities: Authorities,
    pub(crate) sealer: Sealer,
    pub(crate) nodes_certificate: Arc<Current>,
    pub(crate) people_tls: Option<PeopleTls>,
    pub(crate) people: SocketAddr,
    pub(crate) nodes: SocketAddr,
}

/// KiB of batches in memory at once.
const BATCH_ROOM: usize = 192 * 1024;
/// Batches unfolded at once: each takes up to 16 MiB of text, and a processor.
const DECODE_TURNS: usize = 4;
/// Live streams at once.
const LIVE_ROOM: usize = 1_000;

impl Core {
    pub(crate) fn new(parts: Parts) -> anyhow::Result<Shared> {
        let Parts { config, store, authorities, sealer, nodes_certificate, people_tls, people, nodes } = parts;
        let people_url = config.people_url(people);
        let breached = Breached::new(config.people_breached_passphrases.as_deref());
        let providers = Providers::new(config.people_private_providers, config.people_providers_ca.as_deref())?;
        Ok(Arc::new(Self {
            people_url: people_url.clone(),
            node_addresses: node_addresses(&config, nodes),
            links: Links::new(config.nodes_batches_per_second),
            config,
            store,
            authorities: RwLock::new(Arc::new(authorities)),
            sealer,
            nodes_certificate,
            people_tls,
            sight: Sight::default(),
            moved: broadcast::Sender::new(1_024),
            passphrases: Passphrases::new()?,
            breached,
            providers,
            visits: Throttle::default(),
            passkeys: Passkeys::new(&people_url)?,
            sign_ins: Throttle::default(),
            codes: Throttle::default(),
            enrolments: Throttle::default(),
            batch_room: Arc::new(Semaphore::new(BATCH_ROOM)),
            decode_turns: Arc::new(Semaphore::new(DECODE_TURNS)),
            live_room: Arc::new(Semaphore::new(LIVE_ROOM)),
            export_turn: Arc::new(Semaphore::new(1)),
            collector: watch::Sender::default(),
            metrics: Metrics::new(),
            started: Instant::now(),
            stop: CancellationToken::new(),
        }))
    }

    /// The time, by the database's clock: the one that everything is decided by.
    pub(crate) fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    /// The authorities as they are now.
    pub(crate) fn authorities(&self) -> Arc<Authorities> {
        self.authorities.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses these authorities from now on.
    pub(crate) fn follow(&self, authorities: Authorities) {
        *self.authorities.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(authorities);
    }
}

/// Where nodes reach this core: as set, else by this machine's name and addresses.
fn node_addresses(config: &Config, listening: SocketAddr) -> Vec<String> {
    if !config.node_addresses.is_empty() {
        return config.node_addresses.iter().map(ToString::to_string).collect();
    }
    if !listening.ip().is_unspecified() {
        return vec![listening.to_string()];
    }
    let port = listening.port();
    // From which address would this machine speak to the internet, by IPv4 and IPv6, and to a tailnet? Nothing is sent.
    let routes = [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9"), ("0.0.0.0:0", "100.100.100.100:9")];
    let mut found: Vec<String> = Vec::new();
    for (from, to) in routes {
        let address = UdpSocket::bind(from).and_then(|socket| socket.connect(to).and_then(|()| socket.local_addr()));
        if let Ok(address) = address.map(|address| SocketAddr::new(address.ip(), port).to_string())
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if !name.is_empty() && name != "localhost" {
        found.push(format!("{name}:{port}"));
    }
    if found.is_empty() {
        found.push(format!("127.0.0.1:{port}"));
    }
    found
}
