//! Hosts: the agents of a Wazuh manager, as the node that knows the manager tells of them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limit;

/// A host that a Wazuh agent watches.
///
/// A host that is `active` has no `seen`: it is alive as of the node's last look ([`crate::status::WazuhStatus::looked`]). So a
/// host that only goes on living is no difference, and nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AgentHost))]
pub struct Host {
    /// The agent's id at its manager, `"001"`: at least three digits.
    pub agent: String,
    /// The agent's name.
    pub name: String,
    /// How the manager sees it.
    pub state: HostState,
    /// Why it was disconnected, in Wazuh's words (`status_code`, from Wazuh 4.7 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The agent's version, `"4.14.7"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// True if that is below its manager's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behind: bool,
    /// The operating system with its version, `"Ubuntu 22.04.4 LTS"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The operating system in one word, `"ubuntu"`, `"windows"`, `"darwin"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The processor's kind, `"x86_64"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Its groups at the manager.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Its address, as the manager sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The manager's node that it is connected to, in a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// When it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Timestamp>,
    /// Its last sign of life, unless it is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

/// How a manager sees an agent (Wazuh server API, `GET /agents`: `status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// It reports.
    Active,
    /// It is silent, for 10 minutes or as the manager is told.
    Disconnected,
    /// It is connecting.
    Pending,
    /// It was registered, and never came.
    NeverConnected,
}

/// What has changed among a node's hosts since the record before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosts {
    /// New ones, and those that are different now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Host>,
    /// Agents that are no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// All agents that there are: any other is no more. Sent once at the beginning of an epoch, when the node does not know what
    /// the core has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
}

/// A host that breaks a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach(String);

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HostState {
    /// Wazuh's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disconnected => "disconnected",
            Self::Pending => "pending",
            Self::NeverConnected => "never_connected",
        }
    }
}

impl Host {
    /// Cuts its texts to what is taken, and its groups to as many.
    pub fn fit(&mut self) {
        let texts = [&mut self.why, &mut self.version, &mut self.system, &mut self.platform, &mut self.architecture];
        for text in texts.into_iter().chain([&mut self.address, &mut self.manager]).flatten() {
            cut(text, limit::HOST_TEXT);
        }
        cut(&mut self.name, limit::HOST_TEXT);
        self.groups.truncate(limit::GROUPS);
        self.groups.iter_mut().for_each(|group| cut(group, limit::GROUP));
    }
}

impl Hosts {
    /// Holds it against the bounds.
    ///
    /// # Errors
    /// Says which one it breaks.
    pub fn check(&self) -> Result<(), Breach> {
        if self.changed.len() + self.gone.len() > limit::HOSTS_CHANGED {
            return Err(Breach(format!("hosts: at most {} are taken in a record", limit::HOSTS_CHANGED)));
        }
        if self.only.as_ref().is_some_and(|only| only.len() > limit::HOSTS) {
            return Err(Breach(format!("hosts: at most {} are taken of a node", limit::HOSTS)));
        }
        let agents = self.changed.iter().map(|host| &host.agent).chain(&self.gone).chain(self.only.iter().flatten());
        if agents.into_iter().any(|agent| !is_agent(agent)) {
            return Err(Breach("hosts: an agent's id has 3 to 10 digits".to_owned()));
        }
        if self.changed.iter().any(|host| {
            let mut fitted = host.clone();
            fitted.fit();
            fitted != *host
        }) {
            return Err(Breach(format!(
                "hosts: a text is too long, or there are too many groups: {} bytes are taken, and {} groups of {}",
                limit::HOST_TEXT,
                limit::GROUPS,
                limit::GROUP
            )));
        }
        Ok(())
    }
}

/// Whether a text is an agent's id: 3 digits or more.
#[must_use]
pub fn is_agent(text: &str) -> bool {
    (3..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate((0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_break_a_bound_are_named() {
        let host = |agent: &str, name: String| Host {
            agent: agent.into(),
            name,
            state: HostState::Active,
            why: None,
            version: None,
            behind: false,
            system: None,
            platform: None,
            architecture: None,
            groups: Vec::new(),
            address: None,
            manager: None,
            registered: None,
            seen: None,
        };
        let of = |host| Hosts { changed: vec![host], ..Hosts::default() };
        assert_eq!(of(host("001", "web1".into())).check(), Ok(()));
        assert!(of(host("1", "web1".into())).check().unwrap_err().to_string().contains("digits"));
        assert!(of(host("001", "é".repeat(400))).check().unwrap_err().to_string().contains("long"));
        let mut long = host("001", "é".repeat(400));
        long.fit();
        assert_eq!(of(long).check(), Ok(()));
        let grouped = |groups: Vec<String>| Host { groups, ..host("001", "web1".into()) };
        assert_eq!(of(grouped(vec!["g".repeat(limit::GROUP); limit::GROUPS])).check(), Ok(()));
        for mut groups in [vec!["g".repeat(limit::GROUP + 1)], vec!["g".to_owned(); limit::GROUPS + 1]] {
            let mut many = grouped(std::mem::take(&mut groups));
            assert!(of(many.clone()).check().unwrap_err().to_string().contains("groups"));
            many.fit();
            assert_eq!(of(many).check(), Ok(()));
        }
    }
}
