//! The Wazuh manager beside this node: its hosts, its health, and what the core asks of it.
//!
//! Hosts and health are looked at every so often; what has changed is posted to the pipeline, which writes it to the spool.

pub(crate) mod commands;
mod deeds;
mod health;
mod hosts;
mod journal;
mod look;
mod masks;
mod poll;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use wazuh::api::{Api, Settings};
use wazuh::indexer::Indexer;
use wire::command::{Command, Deed, Permission};
use wire::status::WazuhStatus;

use crate::config::{Config, Wazuh};
use crate::line::Line;
use crate::pipeline::Shared;
use crate::policy::{HostAlarms, Policy};

pub(crate) use commands::WAITING;
pub(crate) use health::stopped;
use masks::Masks;

/// Between two tries to read what cannot be read.
const AGAIN: Duration = Duration::from_secs(5);

/// What a node knows of its Wazuh.
pub(crate) struct Manager {
    wazuh: Wazuh,
    allow: Vec<Permission>,
    alarms: HostAlarms,
    shared: Arc<Shared>,
    status: watch::Sender<Option<WazuhStatus>>,
    masks: Masks,
    /// Names of the sources that are read from the indexer.
    polled: Vec<String>,
}

/// The ways in; a sentence with the mend where there is none.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) api: Result<Api, String>,
    pub(crate) indexer: Result<Indexer, String>,
}

impl Manager {
    pub(crate) fn new(
        config: &Config,
        policy: &Policy,
        shared: Arc<Shared>,
        status: watch::Sender<Option<WazuhStatus>>,
    ) -> Self {
        let (allow, alarms) = (policy.allow.clone(), policy.hosts.clone());
        let polled = config.source.iter().filter(|source| !source.kind.is_file());
        let polled = polled.map(|source| source.name.clone()).collect();
        let masks = Masks::new(policy);
        Self { wazuh: config.wazuh.clone(), allow, alarms, shared, status, masks, polled }
    }

    /// Looks at the manager, and does what the core asks, until it is dropped.
    pub(crate) async fn run(self, core: watch::Receiver<Option<Arc<Line>>>, heard: mpsc::Receiver<Command>) {
        let doors = Doors::open(&self.wazuh);
        let look = look::Look {
            doors: doors.clone(),
            url: self.wazuh.api.as_ref().map(|reach| reach.url.clone()),
            indexer_url: self.wazuh.indexer.as_ref().map(|reach| reach.url.clone()),
            limits: self.wazuh.limits.clone(),
            every: Duration::from_secs(self.wazuh.look_seconds.0.into()),
            alarms: self.alarms,
            masks: self.masks.clone(),
            shared: Arc::clone(&self.shared),
            status: self.status,
        };
        let polls =
            self.polled.into_iter().map(|name| poll::run(Arc::clone(&self.shared), name, doors.indexer.clone()));
        let polls = futures::future::join_all(polls);
        let masks = self.masks;
        let perform = move |deed: Deed| {
            let (doors, masks) = (doors.clone(), masks.clone());
            async move {
                let mut performed = deeds::perform(doors, deed.clone()).await;
                masks.answer(&deed, &mut performed.answer);
                performed
            }
        };
        tokio::join!(polls, look.run(), commands::run(&self.shared, &self.allow, core, heard, perform));
    }
}

impl Doors {
    /// Opens what the settings name. Nothing is asked yet.
    pub(crate) fn open(wazuh: &Wazuh) -> Self {
        let missing = |what: &str, table: &str| {
            format!(
                "this node knows no Wazuh {what}: name it in [wazuh.{table}] of /etc/socme/node.toml, see «Connecting a Wazuh» in the manual"
            )
        };
        let api = wazuh.api.as_ref().ok_or_else(|| missing("manager", "api")).and_then(|reach| {
            let settings = Settings::new(reach.server(), &reach.user, reach.password()?);
            Api::new(settings).map_err(|error| error.to_string())
        });
        let indexer = wazuh.indexer.as_ref().ok_or_else(|| missing("indexer", "indexer")).and_then(|reach| {
            Indexer::new(&reach.server(), &reach.user, reach.password()?).map_err(|error| error.to_string())
        });
        Self { api, indexer }
    }
}
