//! A core from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::routing::get;
use jiff::SignedDuration;
use store::{Actor, Clock, Options, Place, Server, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::TaskTracker;

use crate::api::health;
use crate::config::Config;
use crate::folder::{self, Held};
use crate::listener::{Current, PeopleTls, serve_nodes, serve_people, serve_plain};
use crate::pki::{Authorities, server_certificate};
use crate::private::check_private;
use crate::seal::{Sealer, master_key, master_key_path};
use crate::state::{Core, Parts, Shared};
use crate::{api, jobs, nodes_api, notify};

/// How long the setup link lives.
const SETUP_LINK: SignedDuration = SignedDuration::from_hours(24);
/// How long connections and jobs may take to end.
const ENDING: Duration = Duration::from_millis(3_000);
/// How long the database may take to close after that.
const CLOSING: Duration = Duration::from_millis(1_500);

/// A core that runs.
pub struct Running {
    /// Where people reach the pages, without a final slash.
    pub people_url: String,
    /// Where the pages listen.
    pub people: SocketAddr,
    /// Where nodes connect to.
    pub nodes: SocketAddr,
    /// What nodes are told about where that is.
    pub node_addresses: Vec<String>,
    /// Where the figures are.
    pub metrics: Option<SocketAddr>,
    /// The link with which the first administrator sets up, if there is none yet.
    pub setup_link: Option<String>,
    pub(crate) core: Shared,
    tasks: TaskTracker,
    _held: Held,
}

/// Starts a core.
///
/// # Errors
/// Says what is in the way, with the mend.
pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Running> {
    let held = folder::hold(&config.data)?;
    let people_tls = PeopleTls::load(&config).context("the certificate for people cannot be used")?;
    let people = bind("people.listen", config.people_listen).await?;
    let nodes = bind("nodes.listen", config.nodes_listen).await?;
    let metrics = match config.metrics_listen.get() {
        Some(address) => Some(bind("metrics.listen", address).await?),
        None => None,
    };
    let options = Options { clock, ..Options::default() };
    let store = open(&config, options).await?;
    let key = master_key_path(config.master_key.as_deref(), &config.data);
    let key = master_key(&key, store.authorities().await?.is_empty()).with_context(|| same_key(&config))?;
    let sealer = Sealer::new(&key)?;
    let authorities = Authorities::load(&store, &sealer).await.with_context(|| same_key(&config))?;
    let now = store.clock().now();
    let (certificate, ends) = server_certificate(&authorities, now, config.nodes_certificate_life)?;
    let setup = if store.needs_setup().await? {
        Some(store.setup_link(Actor::named("the core, at its start"), SETUP_LINK).await?)
    } else {
        None
    };
    let (people_address, nodes_address) = (people.local_addr()?, nodes.local_addr()?);
    let metrics_address = metrics.as_ref().map(TcpListener::local_addr).transpose()?;
    let core = Core::new(Parts {
        config,
        store,
        authorities,
        sealer,
        nodes_certificate: Current::new(certificate, ends),
        people_tls,
        people: people_address,
        nodes: nodes_address,
    })?;
    let tasks = TaskTracker::new();
    jobs::start(&core, &tasks)?;
    tasks.spawn(serve_people(core.clone(), people, api::router(core.clone()), tasks.clone()));
    tasks.spawn(serve_nodes(core.clone(), nodes, nodes_api::router(core.clone()), tasks.clone()));
    if let Some(metrics) = metrics {
        tasks.spawn(serve_plain(core.clone(), metrics, figures(core.clone()), tasks.clone()));
    }
    Ok(Running {
        people_url: core.people_url.clone(),
        people: people_address,
        nodes: nodes_address,
        node_addresses: core.node_addresses.clone(),
        metrics: metrics_address,
        setup_link: setup.map(|secret| format!("{}/setup#{}", core.people_url, secret.reveal())),
        core,
        tasks,
        _held: held,
    })
}

/// Where the database is.
pub(crate) fn place(config: &Config) -> anyhow::Result<Place> {
    let Some(url) = &config.database_url else { return Ok(Place::File(config.data.join("socme.db"))) };
    let password = config.database_password_file.as_deref().map(|path| {
        check_private(path)?;
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        anyhow::Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    });
    Ok(Place::Postgres(Server {
        url: url.reveal().to_owned(),
        direct_url: config.database_direct_url.as_ref().map(|url| url.reveal().to_owned()),
        password: password.transpose().context("database.password_file")?,
        ca_file: config.database_ca_file.clone(),
    }))
}

/// Opens the database, and says where it is if that fails.
pub(crate) async fn open(config: &Config, options: Options) -> anyhow::Result<Store> {
    let place = place(config)?;
    let shown = match &place {
        Place::File(path) => path.display().to_string(),
        Place::Postgres(server) => server.shown()?,
    };
    Store::open(place, options).await.with_context(|| format!("the database {shown} cannot be used"))
}

/// What to think of when secrets do not open.
fn same_key(config: &Config) -> &'static str {
    match config.database_url {
        Some(_) => {
            "all cores on one database need the same master key: copy the file from the core that was the first there"
        }
        None => "the database and the master key belong together",
    }
}

impl Running {
    /// Stops accepting, lets what is under way finish, closes the database. Takes less than 5 seconds.
    pub async fn stop(self) {
        self.core.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(ENDING, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "some connections did not end in time");
        }
        if tokio::time::timeout(CLOSING, self.core.store.close()).await.is_err() {
            tracing::warn!("the database did not close in time; it recovers at the next start");
        }
    }
}

/// Runs a core until SIGTERM or SIGINT; a second one ends it at once.
///
/// # Errors
/// It cannot start: says what is in the way, with the mend.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let running = start(config, Clock::system()).await?;
    tell(&running);
    notify::ready(&running.people_url);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    notify::stopping();
    tracing::info!("stopping");
    tokio::select! {
        () = running.stop() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Says where it runs, on standard output: it is for the person who started it.
#[allow(clippy::print_stdout)]
fn tell(running: &Running) {
    println!("SOCme core {}", api::version::VERSION);
    println!("  pages  {}", running.people_url);
    println!("  nodes  {} (nodes are told: {})", running.nodes, running.node_addresses.join(", "));
    if let Some(link) = &running.setup_link {
        println!("\nThere is no administrator yet. Open this link within 24 hours; it works once:\n  {link}\n");
    }
    tracing::info!(pages = %running.people_url, nodes = %running.nodes, "the core runs");
}

async fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| {
        format!(
            "{key}: cannot listen on {address}; is another program there? Choose another one with --{}",
            key.replace('.', "-")
        )
    })
}

/// What machines on this machine may ask.
fn figures(core: Shared) -> Router {
    let text = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(move |State(core): State<Arc<Core>>| async move { ([(header::CONTENT_TYPE, text)], core.metrics.text()) }))
        .with_state(core)
}
