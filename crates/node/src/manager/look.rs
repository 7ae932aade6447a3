//! Looks at the manager every so often: which hosts there are, and how it is itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use jiff::Timestamp;
use tokio::sync::watch;
use wazuh::Error;
use wazuh::api::{Agent, Api, Query, Version};
use wire::host::{Host, HostState};
use wire::limit;
use wire::status::WazuhStatus;

use super::health::{self, Health};
use super::hosts::{self, Piece, Roll};
use super::{AGAIN, Doors};
use crate::config::Limits;
use crate::pipeline::{Shared, Void};
use crate::policy::HostAlarms;

/// Where Wazuh keeps its logs on its own machine.
const LOGS: &str = "/var/ossec/logs";
/// The fields of an agent that are shown: the rest stays at the manager.
const FIELDS: [&str; 17] = [
    "id",
    "name",
    "ip",
    "status",
    "status_code",
    "version",
    "group",
    "dateAdd",
    "lastKeepAlive",
    "disconnection_time",
    "node_name",
    "os.name",
    "os.platform",
    "os.version",
    "os.arch",
    "registerIP",
    "manager",
];

/// What is looked at, and what comes of it.
pub(super) struct Look {
    pub(super) doors: Doors,
    pub(super) url: Option<String>,
    pub(super) indexer_url: Option<String>,
    pub(super) limits: Limits,
    pub(super) every: Duration,
    pub(super) alarms: HostAlarms,
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

    async fn within(&mut self, epoch: u64, status: &mut WazuhStatus, before: &mut Option<Counters>) -> Result<(), Void> {
        let notes = |beginning| self.shared.with_spool(|spool| spool.notes(beginning)).map_err(|_| Void);
        let told_all = notes(hosts::TOLD_ALL)?.contains_key("");
        let mut roll = Roll::load(notes(hosts::NOTES)?, told_all);
        let mut health = Health::load(notes(health::NOTES)?);
        loop {
            let now = Timestamp::now();
            match self.ask(status, before).await {
                Ok(found) => {
                    (status.error, status.looked) = (None, Some(now));
                    count(status, &found);
                    for piece in roll.changes(&found, &self.alarms, now) {
                        self.write(epoch, &piece).await?;
                        roll.written(piece);
                    }
                }
                Err(why) => status.error = Some(why),
            }
            status.indexer_error = match &self.doors.indexer {
                Ok(indexer) => indexer.info().await.err().map(|error| error.to_string()),
                Err(why) => self.indexer_url.as_ref().map(|_| why.clone()),
            };
            if let Some(piece) = health.look(status, &self.limits, disk(), now) {
                self.write(epoch, &piece).await?;
                health.written(&piece, now);
            }
            self.status.send_replace(Some(status.clone()));
            tokio::time::sleep(self.every).await;
            if self.shared.epoch() != Some(epoch) {
                return Ok(());
            }
        }
    }

    async fn write(&self, epoch: u64, piece: &Piece) -> Result<(), Void> {
        self.shared.post(epoch, piece.records.clone(), piece.notes.clone()).await
    }

    /// All hosts; fills in what is known of the manager.
    async fn ask(
        &self,
        status: &mut WazuhStatus,
        before: &mut Option<Counters>,
    ) -> Result<BTreeMap<String, Host>, String> {
        let api = self.doors.api.as_ref().map_err(Clone::clone)?;
        let said = |error: Error| error.to_string();
        let outcome = async {
            let version = api.version().await?;
            status.version = Some(version.to_string());
            let found = hosts(api, version).await?;
            look_after(api, status, before).await?;
            Ok(found)
        };
        let outcome = outcome.await.map_err(said);
        status.certificate_end = api.certificate().and_then(|certificate| certificate.not_after);
        outcome
    }
}

/// The agents without the manager itself.
async fn hosts(api: &Api, version: Version) -> Result<BTreeMap<String, Host>, Error> {
    let list = api.agents().query(&Query::is_not("id", "000")?)?.select(&FIELDS);
    let mut agents = std::pin::pin!(list.stream());
    let mut found = BTreeMap::new();
    while let Some(agent) = agents.try_next().await? {
        if let Some(host) = host(agent, version)
            && found.len() < limit::HOSTS
        {
            found.insert(host.agent.clone(), host);
        }
    }
    Ok(found)
}
