//! `socme node run`: pipeline, way to the core, and status, until SIGTERM.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use wire::command::Permission;
use wire::status::{SpoolStatus, Status, WazuhStatus};

use crate::config::Config;
use crate::health::Machine;
use crate::identity::Identity;
use crate::manager;
use crate::pipeline::{Pipeline, Shared};
use crate::policy::Policy;
use crate::uplink::{State, Uplink};

/// Runs the node until SIGTERM or SIGINT.
///
/// # Errors
/// When it is not enrolled, or its policy or spool cannot be used.
pub async fn run(config: Config) -> Result<()> {
    let policy = Policy::read(&config.policy)?;
    let Some(identity) = Identity::read(&config.data)? else {
        bail!(
            "this node is not enrolled: press «Add a node» on the core's page of the client, and paste what it shows here"
        );
    };
    let summary = policy.summary();
    let allowed = if config.wazuh.api.is_some() { policy.allow.clone() } else { Vec::new() };
    let asked_of_hosts = policy.clone();
    let pipeline =
        Pipeline::start(&config, policy).with_context(|| format!("{} cannot be used", config.data.display()))?;
    let stop = CancellationToken::new();
    let state = Arc::new(Mutex::new(State::default()));
    let (wazuh, health) = watch::channel(None);
    let mut reporter =
        Reporter::new(&config, Arc::clone(&pipeline.shared), Arc::clone(&state), (summary, allowed), health);
    let report = Box::new(move |identity: &Identity| reporter.report(identity));
    let (commands, heard) = mpsc::channel(manager::WAITING);
    let (line, core) = watch::channel(None);
    let uplink =
        Uplink::new(identity, Arc::clone(&pipeline.shared), &config, state, report, (commands, line), stop.clone());
    let manager = manager::Manager::new(&config, &asked_of_hosts, Arc::clone(&pipeline.shared), wazuh);
    let manager = tokio::spawn(manager.run(core, heard));
    let uplink = tokio::spawn(uplink.run());
    let detected = tokio::spawn(crate::detected::serve(config.data.clone(), Arc::clone(&pipeline.shared)));
    ready();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "the node runs");
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
    detected.abort();
    manager.abort();
    let _ = tokio::time::timeout(Duration::from_secs(2), uplink).await;
    tokio::task::spawn_blocking(move || pipeline.stop()).await?;
    Ok(())
}

/// Tells systemd that the node is ready, where it waits for that.
fn ready() {
    if let Some(path) = std::env::var_os("NOTIFY_SOCKET")
        && let Ok(socket) = std::os::unix::net::UnixDatagram::unbound()
    {
        let _ = socket.send_to(b"READY=1", path);
    }
}

/// Puts the status together.
struct Reporter {
    shared: Arc<Shared>,
    state: Arc<Mutex<State>>,
    /// None where the system cannot be asked.
    machine: Option<Machine>,
    started: Timestamp,
    limit: u64,
    policy: Vec<String>,
    /// What the core may ask.
    allowed: Vec<Permission>,
    wazuh: watch::Receiver<Option<WazuhStatus>>,
    before: (Instant, u64, u64),
    rates: (f64, f64),
}

impl Reporter {
    fn new(
        config: &Config,
        shared: Arc<Shared>,
        state: Arc<Mutex<State>>,
        (policy, allowed): (Vec<String>, Vec<Permission>),
        wazuh: watch::Receiver<Option<WazuhStatus>>,
    ) -> Self {
        Self {
            shared,
            state,
            machine: Machine::new(&config.data).ok(),
            started: Timestamp::now(),
            limit: config.spool.limit.0,
            policy,
            allowed,
            wazuh,
            before: (Instant::now(), 0, 0),
            rates: (0.0, 0.0),
        }
    }

    fn report(&mut self, identity: &Identity) -> Status {
        let snapshot = self.shared.snapshot();
        let depth = self.shared.depth();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = Timestamp::now();
        let (at, events, written) = self.before;
        let elapsed = at.elapsed().as_secs_f64();
        if elapsed >= 0.5 {
            self.rates = (
                snapshot.events.saturating_sub(events) as f64 / elapsed,
                snapshot.written.saturating_sub(written) as f64 / elapsed,
            );
            self.before = (Instant::now(), snapshot.events, snapshot.written);
        }
        Status {
            now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started,
            sources: snapshot.sources,
            spool: SpoolStatus {
                depth: depth.records,
                bytes: depth.bytes,
                limit: self.limit,
                age_seconds: depth.oldest.map_or(0.0, |oldest| (now.as_second() - oldest).max(0) as f64),
                refused: state.refused.0,
                refused_why: state.refused.1,
                error: snapshot.spool_error,
            },
            uplink: state.status,
            suricata: snapshot.suricata,
            machine: self.machine.as_mut().map(Machine::look).unwrap_or_default(),
            events_per_second: self.rates.0,
            alerts_per_second: self.rates.1,
            certificate_end: identity.life().map_or(now, |(_, end)| end),
            policy: self.policy.clone(),
            wazuh: self.wazuh.borrow().clone(),
            allowed: self.allowed.clone(),
        }
    }
}
