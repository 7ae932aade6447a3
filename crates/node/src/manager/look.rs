//! Looks at the manager every so often: which hosts there are, and how it is itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;
use wazuh::Error;
use wazuh::api::{Agent, Api, Version};
use wire::host::{Host, HostState};
use wire::limit;
use wire::status::WazuhStatus;

use super::health::{self, Health};
use super::hosts::{self, Piece, Roll};
use super::masks::Masks;
use super::{AGAIN, Doors};
use crate::config::Limits;
use crate::pipeline::{Shared, Void};
use crate::policy::HostAlarms;

/// Where Wazuh keeps its logs on its own machine.
const LOGS: &str = "/var/ossec/logs";
/// The fields of an agent that are shown: the rest stays at the manager.
const FIELDS: [&str; 14] = [
    "id",
    "name",
    "ip",
    "status",
    "status_code",
    "version",
    "group",
    "dateAdd",
    "lastKeepAlive",
    "node_name",
    "os.name",
    "os.platform",
    "os.version",
    "os.arch",
];

/// Agents asked for at once: the most that a manager advises, since requests are counted.
const PAGE: u32 = 1_000;

/// What is looked at, and what comes of it.
pub(super) struct Look {
    pub(super) doors: Doors,
    pub(super) url: Option<String>,
    pub(super) indexer_url: Option<String>,
    pub(super) limits: Limits,
    pub(super) every: Duration,
    pub(super) alarms: HostAlarms,
    pub(super) masks: Masks,
    pub(super) shared: Arc<Shared>,
    pub(super) status: watch::Sender<Option<WazuhStatus>>,
}

/// The analysis' counters at the look before.
#[derive(Clone, Copy)]
struct Counters {
    at: Instant,
    received: f64,
    dropped: f64,
}

impl Look {
    pub(super) async fn run(mut self) {
        // Without a manager in the settings there is nothing to look at.
        let Some(url) = self.url.clone() else { return };
        let mut status = WazuhStatus { url, indexer: self.indexer_url.clone(), ..WazuhStatus::default() };
        let mut before = None;
        loop {
            let Some(epoch) = self.shared.epoch() else {
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            // In each epoch anew: what the core has is told by the notes.
            let _ = self.within(epoch, &mut status, &mut before).await;
        }
    }

    async fn within(
        &mut self,
        epoch: u64,
        status: &mut WazuhStatus,
        before: &mut Option<Counters>,
    ) -> Result<(), Void> {
        let notes = |beginning| self.shared.with_spool(|spool| spool.notes(beginning)).map_err(|_| Void);
        let mut roll = Roll::load(notes(hosts::NOTES)?, &notes(hosts::TOLD_ALL)?);
        let mut health = Health::load(notes(health::NOTES)?);
        loop {
            let now = Timestamp::now();
            match self.ask(status).await {
                Ok(mut found) => {
                    (status.error, status.looked) = (None, Some(now));
                    count(status, &found);
                    let alarms = self.masks.hosts(&mut found, &self.alarms);
                    // Before its health is asked: a manager that is overloaded may not tell that.
                    for piece in roll.changes(&found, &alarms, now) {
                        self.write(epoch, &piece).await?;
                        roll.written(piece);
                    }
                    self.ask_health(status, before).await;
                }
                Err(why) => {
                    status.error = Some(why);
                    forget_figures(status);
                }
            }
            status.indexer_error = match self.doors.indexer() {
                Ok(indexer) => indexer.info().await.err().map(|error| error.to_string()),
                Err(why) => self.indexer_url.as_ref().map(|_| why),
            };
            // What is told and alarmed is masked; what is remembered is not: a look that fails leaves it as it is.
            let mut told = status.clone();
            self.masks.status(&mut told);
            if let Some(piece) = health.look(&told, &self.limits, disk(), now) {
                self.write(epoch, &piece).await?;
                health.written(&piece, now);
            }
            self.status.send_replace(Some(told));
            tokio::time::sleep(self.every).await;
            if self.shared.epoch() != Some(epoch) {
                return Ok(());
            }
        }
    }

    async fn write(&self, epoch: u64, piece: &Piece) -> Result<(), Void> {
        self.shared.post(epoch, piece.records.clone(), piece.notes.clone()).await
    }

    /// All hosts, and the manager's version.
    async fn ask(&self, status: &mut WazuhStatus) -> Result<BTreeMap<String, Host>, String> {
        let api = self.doors.api()?;
        let said = |error: Error| error.to_string();
        let outcome = async {
            let version = api.version().await?;
            status.version = Some(version.to_string());
            hosts(&api, version).await
        };
        let outcome = outcome.await.map_err(said);
        status.certificate_end = api.certificate().and_then(|certificate| certificate.not_after);
        outcome
    }

    /// How the manager is itself.
    async fn ask_health(&self, status: &mut WazuhStatus, before: &mut Option<Counters>) {
        let Ok(api) = self.doors.api() else { return };
        if let Err(error) = look_after(&api, status, before).await {
            status.error = Some(format!("its hosts are seen, its health is not: {error}"));
            forget_figures(status);
        }
    }
}

/// The agents without the manager itself.
///
/// # Errors
/// See [`Api::agents`], or the user may read no agent at all: the manager then gives an empty list without a word, and that
/// must not be taken for the end of all hosts. One that may read any sees at least the manager itself.
async fn hosts(api: &Api, version: Version) -> Result<BTreeMap<String, Host>, Error> {
    // A manager refuses a field that it does not know: the reason of a disconnection came with 4.7.
    let knows = |field: &&str| *field != "status_code" || version >= Version::new(4, 7, 0);
    let fields: Vec<&str> = FIELDS.into_iter().filter(knows).collect();
    let mut agents = std::pin::pin!(api.agents().select(&fields).page_size(PAGE).stream());
    let (mut found, mut none) = (BTreeMap::new(), true);
    while let Some(agent) = agents.try_next().await? {
        none = false;
        if agent.id.as_ref().is_some_and(|id| id.as_str() == "000") {
            continue;
        }
        if let Some(host) = host(agent, version)
            && found.len() < limit::HOSTS
        {
            found.insert(host.agent.clone(), host);
        }
    }
    if none {
        return Err(api.sees_no_agent());
    }
    Ok(found)
}

/// An agent as the core is told of it; none if it has no number.
fn host(agent: Agent, manager: Version) -> Option<Host> {
    let version = agent.wazuh();
    let system = agent.os.as_ref();
    let state = match agent.status.as_deref() {
        Some("active") => HostState::Active,
        Some("pending") => HostState::Pending,
        Some("never_connected") => HostState::NeverConnected,
        _ => HostState::Disconnected,
    };
    let seen = agent.last_keep_alive.as_ref().and_then(wazuh::api::When::at);
    let name = |system: &wazuh::api::System| match (&system.name, &system.version) {
        (Some(name), Some(version)) => Some(format!("{name} {version}")),
        (name, version) => name.clone().or_else(|| version.clone()),
    };
    let mut host = Host {
        agent: agent.id?.to_string(),
        name: agent.name.unwrap_or_default(),
        state,
        why: if state == HostState::Disconnected { agent.status_code.and_then(why) } else { None },
        version: version.map(|version| version.to_string()),
        behind: version.is_some_and(|version| version < manager),
        system: system.and_then(name),
        platform: system.and_then(|system| system.platform.clone()),
        architecture: system.and_then(|system| system.arch.clone()),
        groups: agent.group.unwrap_or_default(),
        address: agent.ip.or(agent.register_ip).filter(|address| address != "any"),
        manager: agent.node_name.filter(|node| node != "unknown"),
        registered: agent.added.as_ref().and_then(wazuh::api::When::at),
        // What only goes on living is no difference.
        seen: if state == HostState::Active { None } else { seen },
    };
    host.groups.sort();
    host.fit();
    Some(host)
}

/// Why an agent was last disconnected (Wazuh server API, `status_code`, from 4.7 on).
fn why(code: u64) -> Option<String> {
    let why = match code {
        1 => "its version is invalid",
        2 => "its version could not be retrieved",
        3 => "it was shut down",
        4 => "no sign of life",
        5 => "reset by the manager",
        _ => return None,
    };
    Some(why.to_owned())
}

fn count(status: &mut WazuhStatus, hosts: &BTreeMap<String, Host>) {
    let of = |state| hosts.values().filter(|host| host.state == state).count() as u64;
    status.active = of(HostState::Active);
    status.disconnected = of(HostState::Disconnected);
    status.never_connected = of(HostState::NeverConnected);
}

/// The manager's own condition. What its user may not read is left out: that is told by `socme node doctor`.
async fn look_after(api: &Api, status: &mut WazuhStatus, before: &mut Option<Counters>) -> Result<(), Error> {
    status.daemons = allowed(api.daemons().await)?.unwrap_or_default();
    status.hostname = allowed(api.info().await)?.and_then(|info| info.hostname);
    let cluster = allowed(api.cluster_status().await)?;
    status.cluster = match cluster {
        Some(cluster) if cluster.running == Some(true) => allowed(api.nodes().all().await)?.map(|nodes| named(&nodes)),
        _ => None,
    };
    forget_figures(status);
    let Some(statistics) = allowed(api.daemon_statistics(&["wazuh-analysisd"]).await)? else { return Ok(()) };
    let metrics = statistics.into_iter().find_map(|daemon| daemon.metrics).map(Value::Object).unwrap_or_default();
    let now = Counters { at: Instant::now(), received: received(&metrics), dropped: dropped(&metrics) };
    if let Some(before) = *before {
        // A counter that fell began anew.
        let grown = |now: f64, before: f64| if now >= before { now - before } else { now };
        let seconds = now.at.duration_since(before.at).as_secs_f64().max(0.001);
        status.events_per_second = Some(grown(now.received, before.received) / seconds);
        status.dropped = grown(now.dropped, before.dropped) as u64;
    }
    *before = Some(now);
    let fullest = queues(&metrics).into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    (status.queue_name, status.queue) = fullest.map_or((None, 0.0), |(name, full)| (Some(name), full));
    Ok(())
}

/// Figures of a look before say nothing of this one.
fn forget_figures(status: &mut WazuhStatus) {
    (status.events_per_second, status.dropped, status.queue, status.queue_name) = (None, 0, 0.0, None);
}

/// What may be missing: nothing where the user lacks a right, or there is no such thing. A manager that is in trouble (5xx)
/// may have it all the same.
fn allowed<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(Error::NoPermission { .. } | Error::NotFound { .. } | Error::Refused { status: ..500, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn named(nodes: &[wazuh::api::Node]) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    nodes.iter().map(|node| format!("{} ({})", text(&node.name), text(&node.kind))).collect::<Vec<_>>().join(", ")
}

/// Events that the analysis took in: `events.received`; before 4.4 `events_received`.
fn received(metrics: &Value) -> f64 {
    number(metrics.pointer("/events/received")).or_else(|| number(metrics.get("events_received"))).unwrap_or(0.0)
}

/// Events that it dropped: all that stands under `dropped_breakdown`; before 4.4 `events_dropped`.
fn dropped(metrics: &Value) -> f64 {
    match metrics.pointer("/events/received_breakdown/dropped_breakdown") {
        Some(breakdown) => sum(breakdown),
        None => number(metrics.get("events_dropped")).unwrap_or(0.0),
    }
}

/// Each queue and how full it is, 0 to 1: `queues.NAME.usage`; before 4.4 `NAME_queue_usage`.
fn queues(metrics: &Value) -> Vec<(String, f64)> {
    let share = |full: f64| if full > 1.0 { full / 100.0 } else { full };
    let nested = metrics.get("queues").and_then(Value::as_object).into_iter().flatten();
    let nested = nested.filter_map(|(name, queue)| Some((name.clone(), share(number(queue.get("usage"))?))));
    let flat = metrics.as_object().into_iter().flatten();
    let flat = flat
        .filter_map(|(name, full)| Some((name.strip_suffix("_queue_usage")?.to_owned(), share(number(Some(full))?))));
    nested.chain(flat).collect()
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn sum(value: &Value) -> f64 {
    match value {
        Value::Object(fields) => fields.values().map(sum).sum(),
        value => number(Some(value)).unwrap_or(0.0),
    }
}

/// How full the disk with Wazuh's logs is, 0 to 1, where the manager is on this machine.
fn disk() -> Option<f64> {
    let found = rustix::fs::statvfs(LOGS).ok()?;
    let (all, left) = (found.f_blocks as f64, found.f_bavail as f64);
    (all > 0.0).then(|| 1.0 - left / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_told_with_what_is_known_of_it_and_no_time_while_it_lives() {
        let json = r#"{"id":"001","name":"web1","ip":"10.0.0.5","status":"active","status_code":0,"version":"Wazuh v4.9.0",
            "node_name":"node01","group":["web","default"],"dateAdd":"2026-05-01T10:00:00+00:00",
            "lastKeepAlive":"2026-05-01T10:05:00Z","os":{"name":"Ubuntu","platform":"ubuntu","version":"22.04.4 LTS"}}"#;
        let manager: Version = "4.14.7".parse().unwrap();
        let active = host(serde_json::from_str(json).unwrap(), manager).unwrap();
        assert_eq!((active.system.as_deref(), active.behind, active.seen), (Some("Ubuntu 22.04.4 LTS"), true, None));
        assert_eq!(active.groups, ["default", "web"], "their order tells nothing");
        let silent = json.replace("\"active\"", "\"disconnected\"").replace("\"status_code\":0", "\"status_code\":4");
        let silent = host(serde_json::from_str(&silent).unwrap(), manager).unwrap();
        assert_eq!(silent.why.as_deref(), Some("no sign of life"));
        assert_eq!(silent.seen, Some("2026-05-01T10:05:00Z".parse().unwrap()));
        let never = r#"{"id":"002","name":"x","status":"never_connected","registerIP":"any","node_name":"unknown"}"#;
        let never = host(serde_json::from_str(never).unwrap(), manager).unwrap();
        assert_eq!((never.state, never.address, never.manager), (HostState::NeverConnected, None, None));
    }

    #[test]
    fn figures_are_read_as_both_kinds_of_managers_give_them() {
        let new = serde_json::json!({"events": {"received": 120, "received_breakdown": {"dropped_breakdown":
            {"agents": 3, "modules": {"sca": 4}}}}, "queues": {"alerts": {"size": 16384, "usage": 0.25}, "event": {"usage": 90}}});
        assert_eq!((received(&new), dropped(&new)), (120.0, 7.0));
        assert_eq!(queues(&new), [("alerts".to_owned(), 0.25), ("event".to_owned(), 0.9)]);
        let old = serde_json::json!({"events_received": "120", "events_dropped": 7, "alerts_queue_usage": 0.25});
        assert_eq!((received(&old), dropped(&old)), (120.0, 7.0));
        assert_eq!(queues(&old), [("alerts".to_owned(), 0.25)]);
        assert_eq!(received(&serde_json::Value::Null), 0.0);
    }
}
