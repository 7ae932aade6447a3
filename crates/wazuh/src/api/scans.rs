//! What agents check: security policies (SCA), file integrity (syscheck), rootkits (rootcheck).

use serde_json::{Map, Value};

use super::call::Call;
use super::envelope::Sent;
use super::loose::{When, record};
use super::{AgentId, Agents, Api, Listing};
use crate::error::{Error, shown};

record! {
    /// A policy, and how well a host keeps to it (`GET /sca/{id}`).
    pub struct Policy {
        /// Its name among the files of policies.
        pub policy_id: String,
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Where it is from.
        pub references: String,
        /// How many checks passed.
        pub pass: u64,
        /// How many failed.
        pub fail: u64,
        /// How many did not apply.
        pub invalid: u64,
        /// How many there are.
        pub total_checks: u64,
        /// 0 to 100.
        pub score: u64,
        /// When the last scan began.
        pub start_scan: When,
        /// When it ended.
        pub end_scan: When,
    }
}

record! {
    /// One check of a policy (`GET /sca/{id}/checks/{policy}`).
    pub struct Check {
        /// Its number.
        pub id: u64,
        /// What should be so.
        pub title: String,
        /// More about it.
        pub description: String,
        /// Why.
        pub rationale: String,
        /// What to do.
        pub remediation: String,
        /// Why it does not apply.
        pub reason: String,
        /// `passed`, `failed`, `not applicable`.
        pub result: String,
        /// `all`, `any`, `none` of its rules.
        pub condition: String,
        /// Which demands of which standards it is about.
        pub compliance: Vec<Map<String, Value>>,
        /// How it is looked at.
        pub rules: Vec<Map<String, Value>>,
    }
}

record! {
    /// A file or a key of the registry that is watched (`GET /syscheck/{id}`).
    pub struct FileState {
        /// Its path.
        pub file: String,
        /// `file`, `registry_key`, `registry_value`.
        #[serde(rename = "type")]
        pub kind: String,
        /// When a change was last seen.
        pub date: When,
        /// When it was last written.
        pub mtime: When,
        /// How often it changed.
        pub changes: u64,
        /// Its MD5.
        pub md5: String,
        /// Its SHA-1.
        pub sha1: String,
        /// Its SHA-256.
        pub sha256: String,
        /// In bytes.
        pub size: u64,
        /// Who may do what with it.
        pub perm: String,
        /// Whose it is.
        pub uname: String,
        /// Whose group's it is.
        pub gname: String,
    }
}

record! {
    /// When something was last looked through.
    pub struct LastScan {
        /// When that began.
        pub start: When,
        /// When it ended; nothing while it runs.
        pub end: When,
    }
}

record! {
    /// What the search for rootkits and weak settings found (`GET /rootcheck/{id}`).
    pub struct RootcheckFinding {
        /// What.
        pub log: String,
        /// `outstanding` or `solved`.
        pub status: String,
        /// When it was first seen.
        pub date_first: When,
        /// When it was last seen.
        pub date_last: When,
    }
}

/// # Security policies, file integrity, rootkits
impl Api {
    /// The policies that a host is held to, and its score.
    ///
    /// Wazuh server API, `GET /sca/{id}` (`sca:read`).
    pub fn policies(&self, id: &AgentId) -> Listing<Policy> {
        Listing::new(self, Call::get(&["sca", id.as_str()], "sca:read"), "policy_id")
    }

    /// The checks of a policy; filter `result`.
    ///
    /// Wazuh server API, `GET /sca/{id}/checks/{policy}` (`sca:read`).
    ///
    /// # Errors
    /// What is given cannot be the name of a policy.
    pub fn checks(&self, id: &AgentId, policy: &str) -> Result<Listing<Check>, Error> {
        let fine = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
        if policy.is_empty() || policy.starts_with('.') || !policy.chars().all(fine) {
            return Err(Error::Input(format!("«{}» is not the name of a policy", shown(policy))));
        }
        Ok(Listing::new(self, Call::get(&["sca", id.as_str(), "checks", policy], "sca:read"), "id"))
    }

    /// The files and keys that are watched, each value of a key for itself; filters `file`, `type`, `hash`, `md5`, `sha1`, `sha256`.
    ///
    /// Wazuh server API, `GET /syscheck/{id}` (`syscheck:read`).
    pub fn files(&self, id: &AgentId) -> Listing<FileState> {
        Listing::new(self, Call::get(&["syscheck", id.as_str()], "syscheck:read"), "file,arch,value.name")
    }

    /// When files were last looked through.
    ///
    /// Wazuh server API, `GET /syscheck/{id}/last_scan` (`syscheck:read`).
    ///
    /// # Errors
    /// No answer, no permission, or nothing is known of this agent.
    pub async fn last_file_scan(&self, id: &AgentId) -> Result<LastScan, Error> {
        self.items(&Call::get(&["syscheck", id.as_str(), "last_scan"], "syscheck:read")).await?.one()
    }

    /// Has agents look through their files now.
    ///
    /// Wazuh server API, `PUT /syscheck` (`syscheck:run`).
    ///
    /// # Errors
    /// No answer, or no permission at all. What concerns single agents is in the value: 1701 unknown, 1707 not connected.
    pub async fn scan_files(&self, agents: &Agents) -> Result<Sent, Error> {
        self.sent(&Call::put(&["syscheck"], "syscheck:run").with_some("agents_list", agents.list()), agents).await
    }

    /// What the search for rootkits found; filter `status`.
    ///
    /// Wazuh server API, `GET /rootcheck/{id}` (`rootcheck:read`).
    pub fn rootcheck(&self, id: &AgentId) -> Listing<RootcheckFinding> {
        Listing::new(self, Call::get(&["rootcheck", id.as_str()], "rootcheck:read"), "log")
    }

    /// When rootkits were last searched for.
    ///
    /// Wazuh server API, `GET /rootcheck/{id}/last_scan` (`rootcheck:read`).
    ///
    /// # Errors
    /// No answer, no permission, or nothing is known of this agent.
    pub async fn last_rootcheck(&self, id: &AgentId) -> Result<LastScan, Error> {
        self.items(&Call::get(&["rootcheck", id.as_str(), "last_scan"], "rootcheck:read")).await?.one()
    }

    /// Has agents search for rootkits now.
    ///
    /// Wazuh server API, `PUT /rootcheck` (`rootcheck:run`).
    ///
    /// # Errors
    /// See [`Self::scan_files`].
    pub async fn run_rootcheck(&self, agents: &Agents) -> Result<Sent, Error> {
        self.sent(&Call::put(&["rootcheck"], "rootcheck:run").with_some("agents_list", agents.list()), agents).await
    }
}
