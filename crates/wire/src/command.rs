//! Commands: what a person at the core asks of a node.
//!
//! # How one is never done twice
//! The core tells a command to the node as often as the node asks for its commands. The node writes it down, durably, and asks
//! whether it may begin ([`Begin`]). The core answers yes once: then the command is `taken`, and is told no more. A node that
//! finds a command begun and not finished after a crash reports [`End::Unknown`], whatever it had done. The end travels with the
//! records.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::host::is_agent;
use crate::limit;

/// What the core tells a node to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Drawn at random by the core, 1 to 2^53 - 1: numbers come again after a core was restored from a backup, or at another core,
    /// and a command must never be taken for one that was done before.
    pub id: i64,
    /// The core's number for it, which people see.
    pub number: i64,
    /// What to do.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What can be asked of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// Restart an agent (`PUT /agents/{id}/restart`).
    RestartAgent {
        /// Its id, `"001"`.
        agent: String,
    },
    /// Put an agent into a group (`PUT /agents/{id}/group/{group}`).
    AddToGroup {
        /// Its id.
        agent: String,
        /// The group: letters, digits, `.`, `-`, `_`; at most 128.
        group: String,
    },
    /// Take an agent out of a group (`DELETE /agents/{id}/group/{group}`).
    RemoveFromGroup {
        /// Its id.
        agent: String,
        /// The group.
        group: String,
    },
    /// Upgrade an agent to its manager's version (`PUT /agents/upgrade`).
    UpgradeAgent {
        /// Its id.
        agent: String,
    },
    /// Look at an agent's files and for rootkits anew (`PUT /syscheck`, `PUT /rootcheck`).
    ScanAgent {
        /// Its id.
        agent: String,
    },
    /// Have an agent drop what comes from an address, for a while (`PUT /active-response`, the command `firewall-drop<seconds>` of
    /// the manager's configuration).
    BlockAddress {
        /// Its id.
        agent: String,
        /// The IP address.
        address: String,
        /// For how long, in seconds: 60 to 86,400.
        seconds: u32,
    },
    /// See what the manager's rules make of a line (`PUT /logtest`).
    Logtest {
        /// The line, at most 60,000 bytes.
        event: String,
        /// `syslog`, `json`, `eventchannel`…
        format: String,
        /// Where it comes from, such as `/var/log/auth.log`.
        location: String,
    },
    /// Read one of the manager's files of rules (`GET /rules/files/{file}`).
    ReadRules {
        /// Its name, `local_rules.xml`.
        file: String,
    },
    /// Read what is known of a host.
    Inventory {
        /// Its id.
        agent: String,
        /// What.
        what: Inventory,
    },
    /// Which hosts have a vulnerability (the indexer's `wazuh-states-vulnerabilities-*`)?
    FindVulnerable {
        /// `CVE-2026-12345`.
        cve: String,
    },
}

/// What is known of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Inventory {
    /// Its machine: processor, memory.
    Hardware,
    /// Open ports (`/syscollector/{id}/ports`).
    Ports,
    /// Installed software (`/syscollector/{id}/packages`).
    Packages,
    /// Its users (`/syscollector/{id}/users`, from Wazuh 4.14 on).
    Users,
    /// What runs (`/syscollector/{id}/processes`).
    Processes,
    /// How it stands to a policy of security configuration (`/sca/{id}`).
    Sca,
    /// Its vulnerabilities (the indexer's `wazuh-states-vulnerabilities-*`).
    Vulnerabilities,
}

/// What a client's policy can allow or forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Reading what is known of a host, and which hosts have a vulnerability.
    Inventory,
    /// Testing lines against the rules.
    Logtest,
    /// Reading files of rules.
    Rules,
    /// Restarting agents.
    Restart,
    /// Changing agents' groups.
    Group,
    /// Upgrading agents.
    Upgrade,
    /// Starting scans.
    Scan,
    /// Blocking addresses.
    Block,
}

/// The node asks whether it may begin a command.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// The command's [`Command::id`].
    pub id: i64,
    /// Drawn at random when the node wrote the command down: who asks again after a lost answer says the same.
    pub token: u64,
}

/// The answer to [`Begin`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begun {
    /// True: do it now. False: it was withdrawn, has expired by the core's clock, or was begun before.
    pub go: bool,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The command's [`Command::id`].
    pub id: i64,
    /// That of its [`Begin`]; 0 if the core was not asked. Of two machines with one identity only the one that began it can end it.
    #[serde(default)]
    pub token: u64,
    /// How.
    pub end: End,
    /// In a sentence, with the mend if it was not done.
    pub said: String,
    /// What was found, for what asks something: at most [`limit::ANSWER`] bytes of JSON, or nothing. As a text: so that a batch
    /// of them takes no more memory than it has bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
    /// When.
    pub at: Timestamp,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It was done.
    Done,
    /// It was not done, or not whole.
    Failed,
    /// The client's policy forbids it.
    Refused,
    /// The node crashed while it was doing it: it may have been done.
    Unknown,
}

impl Deed {
    /// Its name on the wire.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::RestartAgent { .. } => "restart_agent",
            Self::AddToGroup { .. } => "add_to_group",
            Self::RemoveFromGroup { .. } => "remove_from_group",
            Self::UpgradeAgent { .. } => "upgrade_agent",
            Self::ScanAgent { .. } => "scan_agent",
            Self::BlockAddress { .. } => "block_address",
            Self::Logtest { .. } => "logtest",
            Self::ReadRules { .. } => "read_rules",
            Self::Inventory { .. } => "inventory",
            Self::FindVulnerable { .. } => "find_vulnerable",
        }
    }

    /// The agent that it is about, if it is about one.
    #[must_use]
    pub fn agent(&self) -> Option<&str> {
        match self {
            Self::RestartAgent { agent }
            | Self::AddToGroup { agent, .. }
            | Self::RemoveFromGroup { agent, .. }
            | Self::UpgradeAgent { agent }
            | Self::ScanAgent { agent }
            | Self::BlockAddress { agent, .. }
            | Self::Inventory { agent, .. } => Some(agent),
            Self::Logtest { .. } | Self::ReadRules { .. } | Self::FindVulnerable { .. } => None,
        }
    }

    /// What the client's policy must allow.
    #[must_use]
    pub fn permission(&self) -> Permission {
        match self {
            Self::RestartAgent { .. } => Permission::Restart,
            Self::AddToGroup { .. } | Self::RemoveFromGroup { .. } => Permission::Group,
            Self::UpgradeAgent { .. } => Permission::Upgrade,
            Self::ScanAgent { .. } => Permission::Scan,
            Self::BlockAddress { .. } => Permission::Block,
            Self::Logtest { .. } => Permission::Logtest,
            Self::ReadRules { .. } => Permission::Rules,
            Self::Inventory { .. } | Self::FindVulnerable { .. } => Permission::Inventory,
        }
    }

    /// True if it changes nothing at the client.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        matches!(self.permission(), Permission::Inventory | Permission::Logtest | Permission::Rules)
    }

    /// Holds it against the bounds: the field that breaks one, and what it must be.
    ///
    /// # Errors
    /// Field and sentence.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.agent().is_some_and(|agent| !is_agent(agent) || agent == "000") {
            return Err(("agent", "an agent's id has 3 to 10 digits; 000 is the manager itself"));
        }
        match self {
            Self::AddToGroup { group, .. } | Self::RemoveFromGroup { group, .. } => {
                let letters = group.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
                let reserved = matches!(group.as_str(), "" | "." | ".." | "all");
                if !letters || reserved || group.len() > 128 {
                    return Err(("group", "a group has 1 to 128 letters, digits, dots, hyphens or underscores"));
                }
            }
            Self::BlockAddress { address, seconds, .. } => {
                if address.parse::<std::net::IpAddr>().is_err() {
                    return Err(("address", "give an IP address such as 192.0.2.7"));
                }
                if !(60..=86_400).contains(seconds) {
                    return Err(("seconds", "give 60 to 86,400 seconds"));
                }
            }
            Self::Logtest { event, format, location } => {
                if event.is_empty() || event.len() > limit::LOGTEST {
                    return Err(("event", "a line has 1 to 60,000 bytes"));
                }
                if format.is_empty() || format.len() > 64 {
                    return Err(("format", "give a format such as syslog or json"));
                }
                if location.is_empty() || location.len() > limit::WORD {
                    return Err(("location", "give a place such as /var/log/auth.log"));
                }
            }
            Self::ReadRules { file } => {
                let name = file.strip_suffix(".xml").unwrap_or_default();
                let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
                if name.is_empty() || !letters || file.len() > 128 {
                    return Err(("file", "give the name of a file of rules such as local_rules.xml"));
                }
            }
            Self::FindVulnerable { cve } if !is_cve(cve) => {
                return Err(("cve", "give a number such as CVE-2026-12345"));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Permission {
    /// Its name in the policy file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Logtest => "logtest",
            Self::Rules => "rules",
            Self::Restart => "restart",
            Self::Group => "group",
            Self::Upgrade => "upgrade",
            Self::Scan => "scan",
            Self::Block => "block",
        }
    }

    /// Those that change nothing: what a policy allows that says nothing of commands.
    pub const READING: [Self; 3] = [Self::Inventory, Self::Logtest, Self::Rules];
}

impl Outcome {
    /// Holds it against the bounds.
    ///
    /// # Errors
    /// Says which one it breaks.
    pub fn check(&self) -> Result<(), String> {
        if self.said.len() > limit::TEXT {
            return Err(format!("outcome: said has {} bytes, at most {} are taken", self.said.len(), limit::TEXT));
        }
        let length = self.answer.len();
        if length > limit::ANSWER {
            return Err(format!("outcome: the answer has {length} bytes, at most {} are taken", limit::ANSWER));
        }
        Ok(())
    }
}

/// Whether a text is a CVE's number (CVE list, «CVE-» year «-» four digits or more).
#[must_use]
pub fn is_cve(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts[..], ["CVE", year, number] if year.len() == 4 && digits(year) && (4..=10).contains(&number.len()) && digits(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_that_breaks_a_bound_names_its_field() {
        let agent = || "001".to_owned();
        let block = |address: &str, seconds| Deed::BlockAddress { agent: agent(), address: address.into(), seconds };
        assert_eq!(block("192.0.2.7", 600).check(), Ok(()));
        assert_eq!(block("192.0.2.7; reboot", 600).check().unwrap_err().0, "address");
        assert_eq!(block("192.0.2.7", 1).check().unwrap_err().0, "seconds");
        assert_eq!(Deed::RestartAgent { agent: "000".into() }.check().unwrap_err().0, "agent");
        assert_eq!(Deed::RestartAgent { agent: "all".into() }.check().unwrap_err().0, "agent");
        assert_eq!(Deed::AddToGroup { agent: agent(), group: "../x".into() }.check().unwrap_err().0, "group");
        assert_eq!(Deed::ReadRules { file: "../../etc/shadow".into() }.check().unwrap_err().0, "file");
        assert_eq!(Deed::FindVulnerable { cve: "CVE-2026-12345".into() }.check(), Ok(()));
        assert_eq!(Deed::FindVulnerable { cve: "CVE-2026-1' OR 1=1".into() }.check().unwrap_err().0, "cve");
    }

    #[test]
    fn a_command_is_told_with_its_deed_beside_its_number() {
        let command = Command { id: 7, number: 1, deed: Deed::RestartAgent { agent: "001".into() } };
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(text, r#"{"id":7,"number":1,"deed":"restart_agent","agent":"001"}"#);
        assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command);
    }
}
