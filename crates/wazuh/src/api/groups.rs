//! Groups of agents, and the files that they share.

use bytes::Bytes;
use serde_json::json;

use super::call::Call;
use super::envelope::{Items, Sent};
use super::loose::record;
use super::target::group;
use super::{Agent, AgentId, Agents, Api, Feature, Listing};
use crate::error::{Error, shown};

record! {
    /// A group.
    pub struct Group {
        /// Its name.
        pub name: String,
        /// How many agents are in it.
        pub count: u64,
        /// Changes with its files.
        #[serde(rename = "mergedSum")]
        pub merged_sum: String,
        /// Changes with its configuration.
        #[serde(rename = "configSum")]
        pub config_sum: String,
    }
}

record! {
    /// A file of a group.
    pub struct GroupFile {
        /// Its name.
        pub filename: String,
        /// Changes with it.
        pub hash: String,
    }
}

/// # Groups
impl Api {
    /// The groups.
    ///
    /// Wazuh server API, `GET /groups` (`group:read`).
    pub fn groups(&self) -> Listing<Group> {
        Listing::new(self, Call::get(&["groups"], "group:read"), "name")
    }

    /// Makes a group.
    ///
    /// Wazuh server API, `POST /groups` (`group:create`).
    ///
    /// # Errors
    /// No answer, no permission, or it exists (1711).
    pub async fn add_group(&self, name: &str) -> Result<(), Error> {
        self.message(&Call::post(&["groups"], "group:create").json(json!({ "group_id": group(name)? }))).await?;
        Ok(())
    }

    /// Deletes a group; its agents stay.
    ///
    /// Wazuh server API, `DELETE /groups?groups_list=` (`group:delete`).
    ///
    /// # Errors
    /// No answer, no permission, no such group (1710), or the default one (1712).
    pub async fn delete_group(&self, name: &str) -> Result<(), Error> {
        // What is in the list has changed between versions; that nothing failed has not.
        let call = Call::delete(&["groups"], "group:delete").with("groups_list", group(name)?);
        self.items::<serde_json::Value>(&call).await?.whole()?;
        Ok(())
    }

    /// The agents of a group.
    ///
    /// Wazuh server API, `GET /groups/{group}/agents` (`group:read`).
    ///
    /// # Errors
    /// What is given cannot be the name of a group.
    pub fn group_agents(&self, name: &str) -> Result<Listing<Agent>, Error> {
        Ok(Listing::new(self, Call::get(&["groups", group(name)?, "agents"], "group:read"), "id"))
    }

    /// Adds agents to a group; with `alone` they leave their other groups.
    ///
    /// Wazuh server API, `PUT /agents/group` (`agent:modify_group`).
    ///
    /// # Errors
    /// No answer, no permission at all, or no such group (1710). What concerns single agents is in the value: 1701
    /// unknown, 1703 for 000, 1737 in too many groups, 1751 in it already.
    pub async fn add_to_group(&self, name: &str, agents: &Agents, alone: bool) -> Result<Sent, Error> {
        let call = Call::put(&["agents", "group"], "agent:modify_group")
            .with("group_id", group(name)?)
            .with_some("agents_list", agents.list())
            .with("force_single_group", alone);
        self.sent(&call, agents).await
    }

    /// Takes agents out of a group.
    ///
    /// Wazuh server API, `DELETE /agents/group` (`agent:modify_group`).
    ///
    /// # Errors
    /// No answer, no permission at all, or no such group (1710). What concerns single agents is in the value: 1701
    /// unknown, 1734 not in it, 1745 in no other.
    pub async fn remove_from_group(&self, name: &str, agents: &Agents) -> Result<Sent, Error> {
        let call = Call::delete(&["agents", "group"], "agent:modify_group")
            .with("group_id", group(name)?)
            .with("agents_list", agents.list_or_all());
        self.sent(&call, agents).await
    }

    /// Adds one agent to a group.
    ///
    /// Wazuh server API, `PUT /agents/{id}/group/{group}` (`agent:modify_group`).
    ///
    /// # Errors
    /// See [`Self::add_to_group`].
    pub async fn join_group(&self, id: &AgentId, name: &str, alone: bool) -> Result<(), Error> {
        let call = Call::put(&["agents", id.as_str(), "group", group(name)?], "agent:modify_group");
        let call = call.with("force_single_group", alone);
        self.items::<serde_json::Value>(&call).await?.whole()?;
        Ok(())
    }

    /// The files of a group.
    ///
    /// Wazuh server API, `GET /groups/{group}/files` (`group:read`).
    ///
    /// # Errors
    /// What is given cannot be the name of a group.
    pub fn group_files(&self, name: &str) -> Result<Listing<GroupFile>, Error> {
        Ok(Listing::new(self, Call::get(&["groups", group(name)?, "files"], "group:read"), "filename").flat())
    }

    /// A file of a group, as it is; `agent.conf` is the configuration of its agents.
    ///
    /// Wazuh server API, `GET /groups/{group}/files/{file}?raw=true` (`group:read`); up to 4.8 `…/{file}/xml`.
    ///
    /// # Errors
    /// No answer, no permission, no such group or file.
    pub async fn group_file(&self, name: &str, file: &str) -> Result<String, Error> {
        if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\']) {
            return Err(Error::Input(format!("«{}» is not the name of a file", shown(file))));
        }
        let name = group(name)?;
        if self.version().await?.has(Feature::RawGroupFiles) {
            return self.text(&Call::get(&["groups", name, "files", file], "group:read").with("raw", true)).await;
        }
        self.text(&Call::get(&["groups", name, "files", file, "xml"], "group:read")).await
    }

    /// Replaces the configuration of a group (`agent.conf`).
    ///
    /// Wazuh server API, `PUT /groups/{group}/configuration` (`group:update_config`).
    ///
    /// # Errors
    /// No answer, no permission, no such group, or a configuration that is broken (1113, 1114) or empty (1112).
    pub async fn set_group_configuration(&self, name: &str, xml: &str) -> Result<(), Error> {
        let call = Call::put(&["groups", group(name)?, "configuration"], "group:update_config");
        let call = call.bytes("application/xml", Bytes::copy_from_slice(xml.as_bytes()));
        let answer = self.ask(&call).await?;
        let items: Items<serde_json::Value> = super::envelope::items(&answer, &self.asked(&call))?;
        items.whole()?;
        Ok(())
    }
}
