//! Wazuh's versions, and what came with which.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A version of Wazuh, for example of a manager or of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 4 in 4.14.7.
    pub major: u16,
    /// 14 in 4.14.7.
    pub minor: u16,
    /// 7 in 4.14.7.
    pub patch: u16,
}

/// Not a version of Wazuh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version of Wazuh looks like 4.14.7")]
pub struct NotAVersion;

/// Something that not every manager can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// `POST /security/user/authenticate`; before, `GET`.
    PostLogin,
    /// `GET /manager/daemons/stats`.
    DaemonStatistics,
    /// `POST /events`.
    Events,
    /// `relative_dirname` of rule and decoder files.
    Folders,
    /// `distinct` on lists.
    Distinct,
    /// `GET /manager/version/check`.
    UpdateCheck,
    /// `GET /groups/{group}/files/{file}` with `raw`.
    RawGroupFiles,
    /// Parentheses within parentheses in `q`.
    NestedQueries,
    /// `PUT /manager/analysisd/reload`.
    Reload,
    /// `GET /agents/summary`.
    AgentSummary,
    /// Users, groups, services and browser extensions in the inventory.
    People,
}

impl Version {
    /// The oldest that this crate speaks with.
    pub const OLDEST: Self = Self::new(4, 3, 0);

    /// For example `Version::new(4, 14, 7)`.
    #[must_use]
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// True if a manager of this version can do it.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        self >= feature.since() && self.major == 4
    }
}

impl Feature {
    /// The first version that has it.
    #[must_use]
    pub const fn since(self) -> Version {
        match self {
            Self::PostLogin | Self::DaemonStatistics => Version::new(4, 4, 0),
            Self::NestedQueries => Version::new(4, 5, 3),
            Self::Events | Self::Folders | Self::Distinct => Version::new(4, 6, 0),
            Self::UpdateCheck => Version::new(4, 8, 0),
            Self::RawGroupFiles => Version::new(4, 9, 0),
            Self::Reload | Self::AgentSummary => Version::new(4, 13, 0),
            Self::People => Version::new(4, 14, 0),
        }
    }

    /// What it is, and what to do without it.
    pub(super) const fn otherwise(self) -> &'static str {
        match self {
            Self::PostLogin => "this login",
            Self::DaemonStatistics => "these statistics (before, remoted and analysisd have their own)",
            Self::Events => "sending events (before, write them to a file or a syslog that the manager reads)",
            Self::Folders => "naming a folder of rules",
            Self::Distinct => "asking for distinct rows",
            Self::NestedQueries => "a condition with parentheses within parentheses (before, ask several times)",
            Self::UpdateCheck => "asking for updates",
            Self::RawGroupFiles => "reading this file of a group",
            Self::Reload => "reloading the ruleset (before, restart the manager)",
            Self::AgentSummary => "this summary (before, ask for the states and systems one by one)",
            Self::People => "this part of the inventory",
        }
    }
}

impl FromStr for Version {
    type Err = NotAVersion;

    /// Takes `4.14.7`, `v4.14.7`, `Wazuh v4.14.7` and `4.14.7-rc1`.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let text = text.trim();
        let text = text.strip_prefix("Wazuh").unwrap_or(text).trim_start();
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split(['-', '+', ' ']).next().unwrap_or_default();
        let mut parts = text.split('.').map(|part| part.parse::<u16>().map_err(|_| NotAVersion));
        let mut next = || parts.next().unwrap_or(Err(NotAVersion));
        let (major, minor) = (next()?, next()?);
        let patch = parts.next().unwrap_or(Ok(0))?;
        if parts.next().is_some() {
            return Err(NotAVersion);
        }
        Ok(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_wazuh_writes_them_and_compared_by_number() {
        let version = Version::new(4, 14, 7);
        for text in ["4.14.7", "v4.14.7", "Wazuh v4.14.7", "4.14.7-rc1", " Wazuh  v4.14.7 "] {
            assert_eq!(text.parse(), Ok(version), "{text}");
        }
        for text in ["", "Wazuh", "4", "4.x", "4.1.2.3", "99999.1.1"] {
            assert_eq!(text.parse::<Version>(), Err(NotAVersion), "{text}");
        }
        assert!(Version::new(4, 9, 2) < version);
        assert!(version.has(Feature::Reload) && !Version::new(4, 12, 0).has(Feature::Reload));
        assert!(!Version::new(5, 0, 0).has(Feature::Reload));
    }
}
