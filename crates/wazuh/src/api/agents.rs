//! Agents: which there are, how they do, and how one is added.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::envelope::Sent;
use super::loose::{When, record};
use super::target::group;
use super::{AgentId, Agents, Api, Feature, Listing, Version};
use crate::error::{Error, shown};
use crate::secret::Secret;

record! {
    /// An agent (`GET /agents`). One that never connected has almost nothing but its number and name.
    pub struct Agent {
        /// Its number.
        pub id: AgentId,
        /// Its name.
        pub name: String,
        /// Where it last connected from.
        pub ip: String,
        /// Where it may connect from: an address, a network, or `any`.
        #[serde(rename = "registerIP")]
        pub register_ip: String,
        /// `active`, `pending`, `never_connected`, `disconnected`.
        pub status: String,
        /// Why it was last disconnected (4.7): 0 not, 1 invalid version, 2 version not known, 3 shut down, 4 silent,
        /// 5 reset by the manager.
        pub status_code: u64,
        /// For example `Wazuh v4.14.7`; see [`Agent::wazuh`].
        pub version: String,
        /// The manager that it reports to.
        pub manager: String,
        /// The node of the cluster that it reports to, or `unknown`.
        pub node_name: String,
        /// Its groups.
        pub group: Vec<String>,
        /// When it was added.
        #[serde(rename = "dateAdd")]
        pub added: When,
        /// When it was last heard; always for 000.
        #[serde(rename = "lastKeepAlive")]
        pub last_keep_alive: When,
        /// When it was disconnected. May linger after it came back.
        pub disconnection_time: When,
        /// `synced` or `not synced` (4.4).
        pub group_config_status: String,
        /// Its operating system.
        pub os: System,
    }
}

record! {
    /// An operating system.
    pub struct System {
        /// For example `Ubuntu`.
        pub name: String,
        /// For example `ubuntu`, `windows`, `darwin`.
        pub platform: String,
        /// For example `22.04.4 LTS`.
        pub version: String,
        /// For example `x86_64`.
        pub arch: String,
        /// For example the build of a Windows.
        pub build: String,
        /// `uname -a`.
        pub uname: String,
        /// For example `Jammy Jellyfish`.
        pub codename: String,
    }
}

impl Agent {
    /// True if it is connected.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status.as_deref() == Some("active")
    }

    /// Its version, if it has told one.
    #[must_use]
    pub fn wazuh(&self) -> Option<Version> {
        self.version.as_deref()?.parse().ok()
    }
}

record! {
    /// How many agents are in which state.
    pub struct States {
        /// By connection.
        pub connection: Counts,
        /// By whether they have their group's files; since 4.4.
        pub configuration: BTreeMap<String, u64>,
    }
}

record! {
    /// How many agents are connected. 000 is not counted.
    pub struct Counts {
        /// Connected.
        pub active: u64,
        /// Not any more.
        pub disconnected: u64,
        /// Not yet.
        pub never_connected: u64,
        /// About to be.
        pub pending: u64,
        /// All of them.
        pub total: u64,
    }
}

record! {
    /// All that there is to say of all agents (`GET /overview/agents`).
    pub struct Overview {
        /// How many report to which node.
        pub nodes: Vec<Map<String, Value>>,
        /// The groups.
        pub groups: Vec<super::Group>,
        /// How many run which system.
        pub agent_os: Vec<Map<String, Value>>,
        /// How many run which version.
        pub agent_version: Vec<Map<String, Value>>,
        /// How many are in which state.
        #[serde(rename = "agent_status")]
        pub states: Value,
        /// The one that was added last, if there is one.
        pub last_registered_agent: Vec<Agent>,
    }
}

record! {
    /// An agent that is older than the manager.
    pub struct Outdated {
        /// Its number.
        pub id: AgentId,
        /// Its name.
        pub name: String,
        /// For example `Wazuh v4.3.0`.
        pub version: String,
    }
}

/// An agent's number, and the key that it needs to connect.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct AgentKey {
    /// Its number.
    pub id: AgentId,
    /// Its key: whoever has it can speak as this agent.
    pub key: Secret,
}

/// # Agents
impl Api {
    /// All agents, 000 (the manager itself) among them; `Query::is_not("id", "000")` leaves it out.
    ///
    /// Wazuh server API, `GET /agents` (`agent:read`). What the user may not read is left out without a word. Filters:
    /// `status`, `older_than`, `os.platform`, `os.name`, `os.version`, `version`, `group`, `node_name`, `name`, `ip`,
    /// `registerIP`, `manager`, `group_config_status` (4.4).
    pub fn agents(&self) -> Listing<Agent> {
        Listing::new(self, Call::get(&["agents"], "agent:read"), "id")
    }

    /// One agent.
    ///
    /// Wazuh server API, `GET /agents?agents_list=` (`agent:read`).
    ///
    /// # Errors
    /// No answer, no permission, or no such agent (1701).
    pub async fn agent(&self, id: &AgentId) -> Result<Agent, Error> {
        self.items(&Call::get(&["agents"], "agent:read").with("agents_list", id)).await?.one()
    }

    /// The agents in no group.
    ///
    /// Wazuh server API, `GET /agents/no_group` (`agent:read`).
    pub fn agents_without_group(&self) -> Listing<Agent> {
        Listing::new(self, Call::get(&["agents", "no_group"], "agent:read"), "id")
    }

    /// The agents that are older than the manager.
    ///
    /// Wazuh server API, `GET /agents/outdated` (`agent:read`).
    pub fn outdated_agents(&self) -> Listing<Outdated> {
        Listing::new(self, Call::get(&["agents", "outdated"], "agent:read"), "id")
    }

    /// How many agents are in which state.
    ///
    /// Wazuh server API, `GET /agents/summary/status` (`agent:read`); the flat form of 4.3 is understood.
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn agent_states(&self) -> Result<States, Error> {
        let data: Value = self.object(&Call::get(&["agents", "summary", "status"], "agent:read")).await?;
        Ok(States::of(data))
    }

    /// How many agents run which system, by platform.
    ///
    /// Wazuh server API, `GET /agents/summary` (`agent:read`, 4.13).
    ///
    /// # Errors
    /// No answer, no permission, or an older manager.
    pub async fn agent_summary(&self, agents: &Agents) -> Result<Value, Error> {
        self.require(Feature::AgentSummary).await?;
        self.object(&Call::get(&["agents", "summary"], "agent:read").with_some("agents_list", agents.list())).await
    }

    /// All that there is to say of all agents at once.
    ///
    /// Wazuh server API, `GET /overview/agents` (`agent:read` and `group:read`).
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn overview(&self) -> Result<Overview, Error> {
        self.object(&Call::get(&["overview", "agents"], "agent:read and group:read")).await
    }

    /// Adds an agent, and gives its key. It may connect from `ip` (an address or a network), or from anywhere.
    ///
    /// Wazuh server API, `POST /agents` (`agent:create`).
    ///
    /// # Errors
    /// No answer, no permission, a name or address that exists (1705, 1706), or the daemon that does it is down.
    pub async fn add_agent(&self, name: &str, ip: Option<&str>) -> Result<AgentKey, Error> {
        let fine = |letter: char| letter.is_alphanumeric() || "_-.%".contains(letter);
        if name.is_empty() || name.chars().count() > 128 || !name.chars().all(fine) {
            let why = "an agent's name has up to 128 letters, digits, dots, dashes and underscores";
            return Err(Error::Input(format!("«{}»: {why}", shown(name))));
        }
        let mut body = json!({ "name": name });
        if let Some(ip) = ip {
            body["ip"] = ip.into();
        }
        self.object(&Call::post(&["agents"], "agent:create").json(body)).await
    }

    /// An agent's key.
    ///
    /// Wazuh server API, `GET /agents/{id}/key` (`agent:read`).
    ///
    /// # Errors
    /// No answer, no permission, no such agent (1701), or 000 (1703).
    pub async fn agent_key(&self, id: &AgentId) -> Result<AgentKey, Error> {
        self.items(&Call::get(&["agents", id.as_str(), "key"], "agent:read")).await?.one()
    }

    /// The error to give where a list of all agents is empty, without even 000: the user may read none of them, which the
    /// server does not say.
    #[must_use]
    pub fn sees_no_agent(&self) -> Error {
        let detail = "the list of agents is empty, without even the manager itself (000)".into();
        Error::NoPermission { address: self.address().to_owned(), action: "agent:read".into(), detail }
    }

    /// Restarts agents. They are told; that they do it shows in their state.
    ///
    /// Wazuh server API, `PUT /agents/restart` (`agent:restart`).
    ///
    /// # Errors
    /// No answer, or no permission at all. What concerns single agents is in the value: 1701 unknown, 1703 for 000, 1707
    /// not connected.
    pub async fn restart_agents(&self, agents: &Agents) -> Result<Sent, Error> {
        let call = Call::put(&["agents", "restart"], "agent:restart").with_some("agents_list", agents.list());
        self.sent(&call, agents).await
    }

    /// Restarts the agents of a group.
    ///
    /// Wazuh server API, `PUT /agents/group/{group}/restart` (`agent:restart`).
    ///
    /// # Errors
    /// See [`Self::restart_agents`], or no such group (1710).
    pub async fn restart_group(&self, name: &str) -> Result<Sent, Error> {
        let call = Call::put(&["agents", "group", group(name)?, "restart"], "agent:restart");
        self.sent(&call, &Agents::All).await
    }

    /// Has agents connect anew.
    ///
    /// Wazuh server API, `PUT /agents/reconnect` (`agent:reconnect`).
    ///
    /// # Errors
    /// See [`Self::restart_agents`].
    pub async fn reconnect_agents(&self, agents: &Agents) -> Result<Sent, Error> {
        let call = Call::put(&["agents", "reconnect"], "agent:reconnect").with_some("agents_list", agents.list());
        self.sent(&call, agents).await
    }
}

impl States {
    /// 4.3 has the counts where later versions have `connection` and `configuration`.
    fn of(data: Value) -> Self {
        if data.get("connection").is_some() {
            return serde_json::from_value(data).unwrap_or_default();
        }
        Self { connection: serde_json::from_value(data).ok(), ..Self::default() }
    }
}

impl Overview {
    /// How many agents are in which state.
    #[must_use]
    pub fn counts(&self) -> States {
        States::of(self.states.clone().unwrap_or_default())
    }
}
