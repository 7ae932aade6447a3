//! Bringing new rules and settings into force.
//!
//! # Invariants
//! - A manager is not restarted with a configuration that it calls broken: it would stay down.
//! - On a cluster every node is meant.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value};

use super::call::Call;
use super::envelope::Items;
use super::{Api, Feature, Version};
use crate::error::{Error, Kind};

/// How often a manager that restarts is asked.
const STEP: Duration = Duration::from_secs(2);
/// After how long a restart that nobody saw has surely happened, or never will.
const UNSEEN: Duration = Duration::from_secs(20);
/// What has to run before alerts are made and agents heard.
const NEEDED: [&str; 4] = ["wazuh-analysisd", "wazuh-remoted", "wazuh-db", "wazuh-modulesd"];
/// What a reload says when there is nothing to say.
const SENT: &str = "Ruleset reload request sent successfully.";

/// How new rules came into force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Applied {
    /// They were loaded without a restart; with what the manager has to say about them.
    Reloaded {
        /// One for each thing that is odd; the rules are loaded.
        warnings: Vec<String>,
    },
    /// The manager restarts; see [`Api::wait_until_ready`].
    Restarting,
}

/// # Restarts
impl Api {
    /// Has the manager, or each node of a cluster, load its rules, decoders and lists anew, without a restart. If they
    /// are broken the old ones stay in force.
    ///
    /// Wazuh server API, `PUT /manager/analysisd/reload` (`manager:restart`) or `PUT /cluster/analysisd/reload`
    /// (`cluster:restart`), 4.13.
    ///
    /// # Errors
    /// No answer, no permission, an older manager, or rules that are broken (code 1914, with the reasons).
    pub async fn reload_ruleset(&self) -> Result<Vec<String>, Error> {
        self.require(Feature::Reload).await?;
        let call = if self.is_cluster().await? {
            Call::put(&["cluster", "analysisd", "reload"], "cluster:restart")
        } else {
            Call::put(&["manager", "analysisd", "reload"], "manager:restart")
        };
        let items: Items<Map<String, Value>> = self.items(&call).await?;
        let said = items.whole()?;
        let said = said.iter().filter_map(|item| item.get("msg")?.as_str());
        Ok(said.filter(|text| !text.is_empty() && *text != SENT).map(str::to_owned).collect())
    }

    /// Restarts the manager, or each node of a cluster, after it was asked to check its configuration. The API goes away
    /// within seconds and comes back within a minute or two.
    ///
    /// Wazuh server API, `PUT /manager/restart` (`manager:restart`) or `PUT /cluster/restart` (`cluster:restart`).
    ///
    /// # Errors
    /// No answer, no permission, or a broken configuration (code 1908, with the reasons): nothing is restarted then.
    pub async fn restart(&self) -> Result<(), Error> {
        let broken = self.validate().await?;
        let place = if self.is_cluster().await? { "cluster" } else { "manager" };
        let action = if place == "cluster" { "cluster:restart" } else { "manager:restart" };
        let mut call = Call::new(Method::PUT, &[place, "restart"], action);
        // From 4.14 on it knows no `wait_for_complete` here, and refuses what it does not know.
        if self.version().await? >= Version::new(4, 14, 0) {
            call = call.without_wait();
        }
        if let Some(failed) = broken.first() {
            return Err(failed.error(&self.asked(&call)));
        }
        self.items::<Value>(&call).await?.whole()?;
        Ok(())
    }

    /// Brings rules, decoders and lists into force: reloads where the manager can, and otherwise restarts it.
    ///
    /// # Errors
    /// See [`Self::reload_ruleset`] and [`Self::restart`].
    pub async fn apply_ruleset(&self) -> Result<Applied, Error> {
        if self.version().await?.has(Feature::Reload) {
            match self.reload_ruleset().await {
                // A manager in the middle of an upgrade may say 4.13 and not know this yet.
                Err(Error::NotFound { code: None, .. } | Error::Refused { status: 405, .. }) => {}
                outcome => return Ok(Applied::Reloaded { warnings: outcome? }),
            }
        }
        self.restart().await?;
        Ok(Applied::Restarting)
    }

    /// Waits until a manager that was told to restart is back and the daemons that make alerts run.
    ///
    /// # Errors
    /// It is not back within this time (the last reason is given), or fails for a reason that waiting does not mend.
    pub async fn wait_until_ready(&self, within: Duration) -> Result<(), Error> {
        let clock = &self.0.clock;
        let begin = clock.now();
        let mut gone = false;
        loop {
            let waited = clock.now().saturating_sub(begin);
            let last = match self.daemons().await {
                Ok(daemons) => {
                    let down = NEEDED.iter().find(|name| daemons.get(**name).is_some_and(|state| state != "running"));
                    match down {
                        // Before it goes, it looks as it will when it is back.
                        None if gone || waited >= UNSEEN.min(within) => return Ok(()),
                        None => None,
                        Some(name) => {
                            gone = true;
                            Some(Error::NotReady {
                                address: self.address().to_owned(),
                                code: None,
                                detail: format!("{name} is {}", daemons.get(*name).map_or("not there", String::as_str)),
                            })
                        }
                    }
                }
                Err(error) if error.is_passing() => {
                    gone |= error.kind() != Kind::TooManyRequests;
                    Some(error)
                }
                Err(error) => return Err(error),
            };
            if let Some(error) = last
                && waited >= within
            {
                return Err(error);
            }
            clock.sleep(STEP).await;
        }
    }
}
