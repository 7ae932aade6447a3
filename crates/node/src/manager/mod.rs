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

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use wazuh::Secret;
use wazuh::api::{Api, Settings};
use wazuh::indexer::Indexer;
use wire::command::{Command, Deed, Permission};
use wire::status::WazuhStatus;

use crate::config::{Config, Reach, Wazuh};
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

/// The ways in. What cannot be opened is tried again when it is next needed, and what is open is opened anew once its password is
/// another: it may come, or be corrected, while the node runs.
#[derive(Clone)]
pub(crate) struct Doors {
    wazuh: Arc<Wazuh>,
    api: Door<Api>,
    indexer: Door<Indexer>,
}

/// A way in, and the password that opened it.
type Door<T> = Arc<Mutex<Option<(Secret, T)>>>;

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
    pub(crate) fn api(&self) -> Result<Api, String> {
        let reach = self.wazuh.api.as_ref().ok_or_else(|| missing("manager", "api"))?;
        opened(&self.api, reach, |password| {
            let settings = Settings::new(reach.server(), &reach.user, password);
            Api::new(settings).map_err(|error| error.to_string())
        })
    }

    /// The indexer; a sentence with the mend where there is no way in.
    pub(crate) fn indexer(&self) -> Result<Indexer, String> {
        let reach = self.wazuh.indexer.as_ref().ok_or_else(|| missing("indexer", "indexer"))?;
        opened(&self.indexer, reach, |password| {
            Indexer::new(&reach.server(), &reach.user, password).map_err(|error| error.to_string())
        })
    }
}

fn opened<T: Clone>(
    door: &Door<T>,
    reach: &Reach,
    open: impl FnOnce(Secret) -> Result<T, String>,
) -> Result<T, String> {
    let mut door = door.lock().unwrap_or_else(PoisonError::into_inner);
    match (&*door, reach.password()) {
        (Some((with, way)), Ok(password)) if with.reveal() == password.reveal() => Ok(way.clone()),
        // Whoever writes it anew may have emptied the file just now.
        (Some((_, way)), Err(_)) => Ok(way.clone()),
        (None, Err(why)) => Err(why),
        (_, Ok(password)) => {
            let way = open(password.clone())?;
            *door = Some((password, way.clone()));
            Ok(way)
        }
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
    fn a_password_that_comes_later_or_is_another_opens_the_way_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let text = format!("[api]\nurl = \"https://127.0.0.1:55000\"\nuser = \"socme\"\npassword_file = {file:?}\n");
        let doors = Doors::new(&toml::from_str(&text).unwrap());
        let why = doors.api().map(drop).unwrap_err();
        assert!(why.contains(&file.display().to_string()), "{why}");
        let with = || doors.api.lock().unwrap().as_ref().unwrap().0.reveal().to_owned();
        for (written, used) in [("first\n", "first"), ("", "first"), ("second\n", "second")] {
            std::fs::write(&file, written).unwrap();
            assert_eq!(doors.api().unwrap().address(), "127.0.0.1:55000");
            assert_eq!(with(), used);
        }
        assert!(doors.indexer().map(drop).unwrap_err().contains("[wazuh.indexer]"));
    }
}
