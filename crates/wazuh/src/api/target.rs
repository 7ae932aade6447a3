//! Which agents are meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::loose::Loose as _;
use crate::error::{Error, shown};

/// How many agents one request may name, so that its address stays within what servers take.
pub const MOST: usize = 1000;

/// The number of an agent: digits, at least three, for example `007` or `1000`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AgentId(String);

/// Not the number of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an agent's number is made of digits, for example 007")]
pub struct NotAnAgentId;

impl AgentId {
    /// 000, the manager itself: it can be neither restarted, deleted nor made to respond as an agent.
    #[must_use]
    pub fn manager() -> Self {
        Self("000".into())
    }

    /// True for 000.
    #[must_use]
    pub fn is_manager(&self) -> bool {
        self.0 == "000"
    }

    /// As Wazuh writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AgentId {
    type Err = NotAnAgentId;

    /// Shorter numbers are filled with zeros from the left.
    fn from_str(text: &str) -> Result<Self, NotAnAgentId> {
        if text.is_empty() || text.len() > 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAnAgentId);
        }
        Ok(Self(format!("{text:0>3}")))
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgentId {
    /// Takes numbers too: some answers have them.
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        Self::understand(value).ok_or_else(|| serde::de::Error::custom(NotAnAgentId))
    }
}

/// Agents that something is done to.
///
/// In Wazuh's API an empty list means *all agents*. Here a list cannot be empty, and all are meant only by [`Agents::All`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agents {
    /// Every agent that the user may reach.
    All,
    /// These.
    These(Listed),
}

/// Agents by their numbers: at least one, at most [`MOST`], none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed(Vec<AgentId>);

impl Agents {
    /// One agent.
    #[must_use]
    pub fn one(id: AgentId) -> Self {
        Self::These(Listed(vec![id]))
    }

    /// Several agents; those named twice count once.
    ///
    /// # Errors
    /// There are none, or more than [`MOST`].
    pub fn these(ids: impl IntoIterator<Item = AgentId>) -> Result<Self, Error> {
        let mut ids: Vec<AgentId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        match ids.len() {
            0 => Err(Error::Input("no agent is named; all of them are meant only where that is said".into())),
            many if many > MOST => Err(Error::Input(format!("{many} agents are named; {MOST} at most in one request"))),
            _ => Ok(Self::These(Listed(ids))),
        }
    }

    /// Those that are named.
    #[must_use]
    pub fn named(&self) -> &[AgentId] {
        match self {
            Self::All => &[],
            Self::These(Listed(ids)) => ids,
        }
    }

    /// For a parameter that leaves out nothing: nothing for all.
    pub(super) fn list(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::These(Listed(ids)) => Some(ids.iter().map(AgentId::as_str).collect::<Vec<_>>().join(",")),
        }
    }

    /// For a parameter that must be there.
    pub(super) fn list_or_all(&self) -> String {
        self.list().unwrap_or_else(|| "all".into())
    }
}

/// The name of a group, checked: it goes into paths.
pub(super) fn group(name: &str) -> Result<&str, Error> {
    let fine = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    if name.is_empty() || name.len() > 128 || !name.chars().all(fine) || [".", "..", "all"].contains(&name) {
        let why = "a group's name has up to 128 letters, digits, dots, dashes and underscores, and is not «all»";
        return Err(Error::Input(format!("«{}»: {why}", shown(name))));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_of_agents_cannot_be_made_so_it_never_means_all() {
        assert!(matches!(Agents::these([]), Err(Error::Input(_))));
        assert_eq!(Agents::All.list(), None);
        let id = |text: &str| text.parse::<AgentId>().unwrap();
        let these = Agents::these([id("7"), id("1000"), id("007")]).unwrap();
        assert_eq!(these.list().as_deref(), Some("007,1000"));
        assert!(Agents::these((0..=1000).map(|number| id(&number.to_string()))).is_err());
    }

    #[test]
    fn an_agents_number_keeps_its_zeros_and_may_pass_999() {
        assert_eq!(serde_json::from_str::<AgentId>("7").unwrap().as_str(), "007");
        assert_eq!(serde_json::from_str::<AgentId>("\"1000\"").unwrap().as_str(), "1000");
        for wrong in ["", "-1", "1,2", "00a", "٣", "12345678901"] {
            assert!(wrong.parse::<AgentId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_groups_name_cannot_leave_its_place() {
        for wrong in ["", ".", "..", "all", "a/b", "a,b", "a b", "é"] {
            assert!(group(wrong).is_err(), "{wrong}");
        }
        assert!(group("web-1_a.b").is_ok());
    }
}
