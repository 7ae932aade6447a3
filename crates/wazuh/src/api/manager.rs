//! The manager itself: what it is, how its daemons do, what they log.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::call::Call;
use super::envelope::{Asked, Failed, Items};
use super::loose::{When, record};
use super::{Api, Feature, Listing};
use crate::error::{Error, shown};

record! {
    /// What answers (`GET /`).
    pub struct ApiInfo {
        /// For example `Wazuh API REST`.
        pub title: String,
        /// The version, for example `4.14.7`.
        pub api_version: String,
        /// The build; a number up to 4.8, a stage such as `rc1` later.
        pub revision: String,
        /// The manager's name.
        pub hostname: String,
        /// The manager's clock.
        pub timestamp: When,
    }
}

record! {
    /// The manager (`GET /manager/info`).
    pub struct ManagerInfo {
        /// Where it is installed.
        pub path: String,
        /// The version, for example `v4.14.7`.
        pub version: String,
        /// `server`.
        #[serde(rename = "type")]
        pub kind: String,
        /// How many agents it takes, or `unlimited`.
        pub max_agents: String,
        /// `yes`, `N/A`…
        pub openssl_support: String,
        /// For example `+0000`.
        pub tz_offset: String,
        /// For example `UTC`.
        pub tz_name: String,
        /// Since 4.13.
        pub uuid: String,
        /// Up to 4.7.
        pub compilation_date: String,
    }
}

record! {
    /// A line of the manager's own log (`GET /manager/logs`).
    pub struct LogEntry {
        /// When.
        pub timestamp: When,
        /// Which part of it, for example `wazuh-analysisd`.
        pub tag: String,
        /// `critical`, `error`, `warning`, `info`, `debug`, `debug2`.
        pub level: String,
        /// What.
        pub description: String,
    }
}

record! {
    /// How many lines of each level one part wrote (`GET /manager/logs/summary`).
    pub struct LogSummary {
        /// All of them.
        pub all: u64,
        /// Critical ones.
        pub critical: u64,
        /// Errors.
        pub error: u64,
        /// Warnings.
        pub warning: u64,
        /// For information.
        pub info: u64,
        /// For debugging.
        pub debug: u64,
    }
}

record! {
    /// What happened within an hour (`GET /manager/stats`).
    pub struct HourStatistics {
        /// 0 to 23, by the manager's local time.
        pub hour: u64,
        /// Alerts by rule: `sigid`, `level`, `times`.
        pub alerts: Vec<Map<String, Value>>,
        /// How many alerts.
        #[serde(rename = "totalAlerts")]
        pub total_alerts: u64,
        /// How many events.
        pub events: u64,
        /// How many of them from file integrity.
        pub syscheck: u64,
        /// How many of them from firewalls.
        pub firewall: u64,
    }
}

record! {
    /// What a daemon counts (`GET /manager/daemons/stats`, 4.4).
    pub struct DaemonStatistics {
        /// For example `wazuh-analysisd`.
        pub name: String,
        /// When it was started.
        pub uptime: When,
        /// When it was asked.
        pub timestamp: When,
        /// Its numbers, nested; which ones there are differs from version to version.
        pub metrics: Map<String, Value>,
    }
}

record! {
    /// What the manager knows of updates (`GET /manager/version/check`, 4.8). It asks the internet.
    pub struct UpdateCheck {
        /// When it last asked.
        pub last_check_date: When,
        /// For example `v4.14.7`.
        pub current_version: String,
        /// False if it was told not to ask.
        pub update_check: bool,
        /// The newest major version above, empty if there is none.
        pub last_available_major: Map<String, Value>,
        /// The newest minor version above, empty if there is none.
        pub last_available_minor: Map<String, Value>,
        /// The newest patch above, empty if there is none.
        pub last_available_patch: Map<String, Value>,
    }
}

/// # The manager
impl Api {
    /// What answers there, whatever its version: also a Wazuh 5, which the other calls refuse.
    ///
    /// Wazuh server API, `GET /`.
    ///
    /// # Errors
    /// No answer, or no login.
    pub async fn info(&self) -> Result<ApiInfo, Error> {
        let call = Call::get(&[""], "a login").without_wait();
        let answer = self.send(&call).await?;
        super::envelope::object(&answer, &Asked { address: self.address().to_owned(), action: call.action })
    }

    /// What the manager says of itself. On a cluster that is the node that is spoken with.
    ///
    /// Wazuh server API, `GET /manager/info` (`manager:read`).
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn manager_info(&self) -> Result<ManagerInfo, Error> {
        self.items(&Call::get(&["manager", "info"], "manager:read")).await?.one()
    }

    /// Each daemon and its state: `running`, `stopped`, `failed`, `restarting`. Answers while others do not yet.
    ///
    /// Wazuh server API, `GET /manager/status` (`manager:read`).
    ///
    /// ```
    /// # async fn example(api: wazuh::api::Api) -> Result<(), wazuh::Error> {
    /// for (name, state) in api.daemons().await? {
    ///     println!("{name} {state}");
    /// }
    /// for daemon in api.daemon_statistics(&["wazuh-analysisd"]).await? {
    ///     println!("{:?}", daemon.metrics);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn daemons(&self) -> Result<BTreeMap<String, String>, Error> {
        self.items(&Call::get(&["manager", "status"], "manager:read")).await?.one()
    }

    /// The manager's own log: of its last 2000 lines, newest first.
    ///
    /// Wazuh server API, `GET /manager/logs` (`manager:read`); filters `level` and `tag`.
    pub fn logs(&self) -> Listing<LogEntry> {
        Listing::new(self, Call::get(&["manager", "logs"], "manager:read"), "").flat().at_most(500)
    }

    /// How much each part of the manager logged.
    ///
    /// Wazuh server API, `GET /manager/logs/summary` (`manager:read`).
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn log_summary(&self) -> Result<BTreeMap<String, LogSummary>, Error> {
        let call = Call::get(&["manager", "logs", "summary"], "manager:read");
        let items: Items<BTreeMap<String, LogSummary>> = self.items(&call).await?;
        Ok(items.whole()?.into_iter().flatten().collect())
    }

    /// What happened on a day, hour by hour; today if none is given.
    ///
    /// Wazuh server API, `GET /manager/stats` (`manager:read`).
    ///
    /// # Errors
    /// No answer, no permission, or nothing is known of that day (1308).
    pub async fn statistics(&self, day: Option<jiff::civil::Date>) -> Result<Vec<HourStatistics>, Error> {
        self.items(&Call::get(&["manager", "stats"], "manager:read").with_some("date", day)).await?.whole()
    }

    /// What daemons count, for example `wazuh-analysisd`, `wazuh-remoted`, `wazuh-db`; those three if none is named.
    ///
    /// Wazuh server API, `GET /manager/daemons/stats` (`manager:read`, 4.4). A manager of 4.3 is asked for
    /// `/manager/stats/analysisd` and `/manager/stats/remoted` instead, whose numbers have other names; wazuh-db has none.
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn daemon_statistics(&self, daemons: &[&str]) -> Result<Vec<DaemonStatistics>, Error> {
        if self.version().await?.has(Feature::DaemonStatistics) {
            let list = (!daemons.is_empty()).then(|| daemons.join(","));
            let call = Call::get(&["manager", "daemons", "stats"], "manager:read").with_some("daemons_list", list);
            return self.items(&call).await?.whole();
        }
        let mut found = Vec::new();
        for name in ["wazuh-analysisd", "wazuh-remoted"] {
            if !daemons.is_empty() && !daemons.contains(&name) {
                continue;
            }
            let call = Call::get(&["manager", "stats", name.trim_start_matches("wazuh-")], "manager:read");
            let metrics: Map<String, Value> = self.items(&call).await?.one()?;
            found.push(DaemonStatistics { name: Some(name.into()), metrics: Some(metrics), ..Default::default() });
        }
        Ok(found)
    }

    /// The configuration as JSON: all of it, a section (`global`, `remote`…), or a field of a section. Secrets in it are
    /// masked by the server for users that may not change it, and not by every version.
    ///
    /// Wazuh server API, `GET /manager/configuration` (`manager:read`).
    ///
    /// # Errors
    /// No answer, no permission, or no such section.
    pub async fn configuration(&self, section: Option<&str>, field: Option<&str>) -> Result<Value, Error> {
        let call = Call::get(&["manager", "configuration"], "manager:read");
        self.items(&call.with_some("section", section).with_some("field", field)).await?.one()
    }

    /// The configuration as it stands in `ossec.conf`.
    ///
    /// Wazuh server API, `GET /manager/configuration?raw=true` (`manager:read`).
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn raw_configuration(&self) -> Result<String, Error> {
        let call = Call::get(&["manager", "configuration"], "manager:read").with("raw", true);
        self.text(&call).await
    }

    /// Has the manager check its configuration and its rules; what is wrong with them, by node. Nothing is wrong if the
    /// list is empty.
    ///
    /// Wazuh server API, `GET /manager/configuration/validation` (`manager:read`), on a cluster
    /// `GET /cluster/configuration/validation` (`cluster:read`).
    ///
    /// # Errors
    /// No answer, no permission, or the daemon that checks is down.
    pub async fn validate(&self) -> Result<Vec<Failed>, Error> {
        let call = if self.is_cluster().await? {
            Call::get(&["cluster", "configuration", "validation"], "cluster:read")
        } else {
            Call::get(&["manager", "configuration", "validation"], "manager:read")
        };
        let items: Items<Map<String, Value>> = self.items(&call).await?;
        let (broken, other): (Vec<_>, Vec<_>) = items.failed.into_iter().partition(|failed| failed.code == 1908);
        if let Some(failed) = other.first() {
            return Err(failed.error(&items.asked));
        }
        let unsure = items.items.iter().find(|item| item.get("status").and_then(Value::as_str) != Some("OK"));
        match unsure {
            Some(item) => {
                Err(super::envelope::unexpected(&items.asked, shown(&Value::Object(item.clone()).to_string())))
            }
            None => Ok(broken),
        }
    }

    /// What the manager knows of newer versions.
    ///
    /// Wazuh server API, `GET /manager/version/check` (`manager:read`, 4.8).
    ///
    /// # Errors
    /// No answer, no permission, or an older manager.
    pub async fn update_check(&self) -> Result<UpdateCheck, Error> {
        self.require(Feature::UpdateCheck).await?;
        self.object(&Call::get(&["manager", "version", "check"], "manager:read").without_wait()).await
    }

    /// An answer that is a text. Failures come as JSON all the same, so the content type is looked at.
    pub(super) async fn text(&self, call: &Call) -> Result<String, Error> {
        let answer = self.ask(call).await?;
        let asked = self.asked(call);
        if answer.kind == "application/json" || answer.kind == "application/problem+json" {
            let items: Items<Value> = super::envelope::items(&answer, &asked)?;
            items.whole()?;
            return Err(super::envelope::unexpected(&asked, "JSON instead of a file"));
        }
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }
}
