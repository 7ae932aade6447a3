//! Upgrading agents from the manager.

use super::call::Call;
use super::envelope::Items;
use super::loose::{When, record};
use super::{AgentId, Agents, Api, Listing, Version};
use crate::error::Error;

/// How agents are upgraded; by default to the manager's version, from Wazuh's own repository.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Upgrade {
    /// To this version instead of the manager's.
    pub version: Option<Version>,
    /// From this repository instead of Wazuh's.
    pub repository: Option<String>,
    /// Without TLS to the repository.
    pub plain_http: bool,
    /// Even where the version is the same.
    pub force: bool,
    /// `rpm` or `deb`, where the manager cannot know.
    pub package: Option<String>,
}

record! {
    /// An upgrade that was begun.
    pub struct UpgradeTask {
        /// Of which agent.
        pub agent: AgentId,
        /// Its number among the manager's tasks.
        pub task_id: u64,
    }
}

record! {
    /// How an upgrade goes.
    pub struct UpgradeResult {
        /// Of which agent.
        pub agent: AgentId,
        /// Its number among the manager's tasks.
        pub task_id: u64,
        /// The node of the cluster that does it.
        pub node: String,
        /// `upgrade_module`.
        pub module: String,
        /// `upgrade`.
        pub command: String,
        /// For example `Updating`, `Updated`, `Failed`.
        pub status: String,
        /// Why it failed.
        pub message: String,
        /// When it was begun.
        pub create_time: When,
        /// When it last changed.
        pub update_time: When,
    }
}

/// # Upgrading agents
impl Api {
    /// Begins to upgrade agents; see [`Self::upgrade_results`] for how it goes.
    ///
    /// Wazuh server API, `PUT /agents/upgrade` (`agent:upgrade`).
    ///
    /// # Errors
    /// No answer, or no permission at all. What concerns single agents is in the value: 1701 unknown, 1703 for 000, 1707
    /// not connected, 1731, 1810 to 1899 from the module that does it.
    pub async fn upgrade_agents(&self, agents: &Agents, upgrade: &Upgrade) -> Result<Items<UpgradeTask>, Error> {
        let mut call = Call::put(&["agents", "upgrade"], "agent:upgrade")
            .with("agents_list", agents.list_or_all())
            .with_some("upgrade_version", upgrade.version.map(|version| format!("v{version}")))
            .with_some("wpk_repo", upgrade.repository.as_ref())
            .with_some("package_type", upgrade.package.as_ref());
        for (name, set) in [("use_http", upgrade.plain_http), ("force", upgrade.force)] {
            if set {
                call.set(name, true);
            }
        }
        self.items(&call).await
    }

    /// How upgrades go.
    ///
    /// Wazuh server API, `GET /agents/upgrade_result` (`agent:upgrade`).
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn upgrade_results(&self, agents: &Agents) -> Result<Items<UpgradeResult>, Error> {
        let call = Call::get(&["agents", "upgrade_result"], "agent:upgrade").with_some("agents_list", agents.list());
        self.items(&call).await
    }

    /// The manager's tasks, upgrades among them.
    ///
    /// Wazuh server API, `GET /tasks/status` (`task:status`).
    pub fn tasks(&self) -> Listing<UpgradeResult> {
        Listing::new(self, Call::get(&["tasks", "status"], "task:status"), "task_id")
    }
}
