//! MITRE ATT&CK as the manager knows it.

use super::call::Call;
use super::loose::{When, record};
use super::{Api, Listing, Query};
use crate::error::Error;

/// What there is of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MitreKind {
    /// Ways to do something, for example T1059.
    Techniques,
    /// What they are for, for example TA0002.
    Tactics,
    /// Who does it.
    Groups,
    /// With what.
    Software,
    /// What helps.
    Mitigations,
    /// Where more stands.
    References,
}

record! {
    /// One entry.
    pub struct MitreItem {
        /// A name in STIX, for example `attack-pattern--…`.
        pub id: String,
        /// The name that people use, for example `T1059`.
        pub external_id: String,
        /// For example `Command and Scripting Interpreter`.
        pub name: String,
        /// More about it.
        pub description: String,
        /// Where more stands.
        pub url: String,
        /// `mitre-attack`.
        pub source: String,
        /// True if it is no longer used.
        pub deprecated: bool,
        /// When it was written.
        pub created_time: When,
        /// When it was last changed.
        pub modified_time: When,
        /// The tactics that it is for, by name in STIX.
        pub tactics: Vec<String>,
        /// The techniques that belong to it, by name in STIX.
        pub techniques: Vec<String>,
    }
}

/// # MITRE ATT&CK
impl Api {
    /// All entries of a kind. Software and techniques take the server a while.
    ///
    /// Wazuh server API, `GET /mitre/…` (`mitre:read`).
    pub fn mitre(&self, kind: MitreKind) -> Listing<MitreItem> {
        let what = match kind {
            MitreKind::Techniques => "techniques",
            MitreKind::Tactics => "tactics",
            MitreKind::Groups => "groups",
            MitreKind::Software => "software",
            MitreKind::Mitigations => "mitigations",
            MitreKind::References => "references",
        };
        Listing::new(self, Call::get(&["mitre", what], "mitre:read"), "id")
    }

    /// A technique by the name that people use, for example `T1059` or `T1059.001`.
    ///
    /// # Errors
    /// No answer, no permission, or no such technique.
    pub async fn technique(&self, name: &str) -> Result<MitreItem, Error> {
        let list = self.mitre(MitreKind::Techniques).query(&Query::equals("external_id", name)?)?;
        list.page_size(1).page(0).await?.one()
    }
}
