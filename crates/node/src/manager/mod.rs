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

use std::sync::{Arc, OnceLock};
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

/// The ways in. What cannot be opened is tried again when it is next needed: its password may come later.
#[derive(Clone)]
pub(crate) struct Doors {
    wazuh: Arc<Wazuh>,
    api: Arc<OnceLock<Api>>,
    indexer: Arc<OnceLock<Indexer>>,
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
        let doors = Doors::new(&self.wazuh);
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
        let polls = self.polled.into_iter().map(|name| poll::run(Arc::clone(&self.shared), name, doors.clone()));
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
    /// Of what the settings name. Nothing is opened yet.
    pub(crate) fn new(wazuh: &Wazuh) -> Self {
        Self { wazuh: Arc::new(wazuh.clone()), api: Arc::default(), indexer: Arc::default() }
    }

    /// The manager; a sentence with the mend where there is no way in.
    pub(crate) fn api(&self) -> Result<&Api, String> {
        opened(&self.api, || {
            let reach = self.wazuh.api.as_ref().ok_or_else(|| missing("manager", "api"))?;
            let settings = Settings::new(reach.server(), &reach.user, reach.password()?);
            Api::new(settings).map_err(|error| error.to_string())
        })
    }

    /// The indexer; a sentence with the mend where there is no way in.
    pub(crate) fn indexer(&self) -> Result<&Indexer, String> {
        opened(&self.indexer, || {
            let reach = self.wazuh.indexer.as_ref().ok_or_else(|| missing("indexer", "indexer"))?;
            Indexer::new(&reach.server(), &reach.user, reach.password()?).map_err(|error| error.to_string())
        })
    }
}

fn opened<T>(door: &OnceLock<T>, open: impl FnOnce() -> Result<T, String>) -> Result<&T, String> {
    match door.get() {
        Some(open) => Ok(open),
        None => open().map(|open| door.get_or_init(|| open)),
    }
}

fn missing(what: &str, table: &str) -> String {
    format!(
        "this node knows no Wazuh {what}: name it in [wazuh.{table}] of /etc/socme/node.toml, see «Connecting a Wazuh» in the manual"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_comes_later_opens_the_way_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let text = format!("[api]\nurl = \"https://127.0.0.1:55000\"\nuser = \"socme\"\npassword_file = {file:?}\n");
        let doors = Doors::new(&toml::from_str(&text).unwrap());
        let why = doors.api().map(drop).unwrap_err();
        assert!(why.contains(&file.display().to_string()), "{why}");
        std::fs::write(&file, "secret\n").unwrap();
        assert_eq!(doors.api().unwrap().address(), "127.0.0.1:55000");
        assert!(doors.indexer().unwrap_err().contains("[wazuh.indexer]"));
    }
}
