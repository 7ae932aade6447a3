//! What somebody may do, and where.
//!
//! An administrator may do everything at every client. Everybody else is *given* clients, each as a viewer or as an
//! analyst, or all of them (those to come as well). Who was given nothing is a guest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::sql::{Sql, params};
use crate::id::{ClientId, UserId};
use crate::{Error, Reach, Result};

/// What somebody may do; each may do what those before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Was given nothing yet: has their own page alone.
    Guest,
    /// Reads the clients that they were given: the clients' own people.
    Viewer,
    /// Works on the alerts of the clients that they were given.
    Analyst,
    /// Manages clients, nodes and users.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Guest, Self::Viewer, Self::Analyst, Self::Admin];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn from_code(code: i64) -> Self {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied().unwrap_or(Self::Guest)
    }
}

/// As what somebody was given a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duty {
    /// Reads.
    Viewer,
    /// Works on alerts.
    Analyst,
}

impl Duty {
    /// The role that it amounts to.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Analyst => Role::Analyst,
        }
    }

    fn from_role(role: Role) -> Option<Self> {
        match role {
            Role::Viewer => Some(Self::Viewer),
            Role::Analyst | Role::Admin => Some(Self::Analyst),
            Role::Guest => None,
        }
    }
}

/// What somebody may do, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Everything, everywhere.
    Admin,
    /// What they were given.
    Given {
        /// At all clients, those to come as well.
        everywhere: Option<Duty>,
        /// At these clients; counts where it is more than `everywhere`.
        clients: BTreeMap<ClientId, Duty>,
    },
}

impl Access {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::Given { everywhere: None, clients: BTreeMap::new() }
    }

    /// All clients.
    #[must_use]
    pub fn everywhere(duty: Duty) -> Self {
        Self::Given { everywhere: Some(duty), clients: BTreeMap::new() }
    }

    /// These clients.
    #[must_use]
    pub fn at(duty: Duty, clients: impl IntoIterator<Item = ClientId>) -> Self {
        Self::Given { everywhere: None, clients: clients.into_iter().map(|client| (client, duty)).collect() }
    }

    /// The most that they may do anywhere.
    #[must_use]
    pub fn role(&self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::Given { everywhere, clients } => {
                everywhere.iter().chain(clients.values()).max().map_or(Role::Guest, |duty| duty.role())
            }
        }
    }

    /// Where they may do what this role may.
    #[must_use]
    pub fn reach(&self, role: Role) -> Reach {
        match self {
            Self::Admin => Reach::All,
            Self::Given { everywhere, .. } if everywhere.is_some_and(|duty| duty.role() >= role) => Reach::All,
            Self::Given { clients, .. } => {
                Reach::Only(clients.iter().filter(|(_, duty)| duty.role() >= role).map(|(client, _)| *client).collect())
            }
        }
    }

    /// The part of it that is at most this role, and at these clients: never more.
    #[must_use]
    pub fn narrowed(&self, role: Role, to: &Reach) -> Self {
        if *self == Self::Admin && role == Role::Admin && *to == Reach::All {
            return Self::Admin;
        }
        let most = Duty::from_role(role);
        let cut = |duty: Duty| most.map(|most| duty.min(most));
        let (everywhere, clients) = match self {
            Self::Admin => (Some(Duty::Analyst), BTreeMap::new()),
            Self::Given { everywhere, clients } => (*everywhere, clients.clone()),
        };
        match to {
            Reach::All => Self::Given {
                everywhere: everywhere.and_then(cut),
                clients: clients.into_iter().filter_map(|(client, duty)| Some((client, cut(duty)?))).collect(),
            },
            Reach::Only(only) => {
                let at = |client: &ClientId| clients.get(client).copied().max(everywhere);
                let clients = only.iter().filter_map(|client| Some((*client, cut(at(client)?)?))).collect();
                Self::Given { everywhere: None, clients }
            }
        }
    }

    /// In a few words, for the audit log.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Admin => "admin".into(),
            Self::Given { everywhere: None, clients } if clients.is_empty() => "guest".into(),
            Self::Given { everywhere, clients } => {
                let all = everywhere.iter().map(|duty| format!("{} at all clients", duty.role().word()));
                let each = clients.iter().map(|(client, duty)| format!("{} at client {client}", duty.role().word()));
                all.chain(each).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// As it is stored beside a user: administrator or not, and what they were given everywhere.
pub(crate) fn columns(access: &Access) -> (bool, Option<i64>) {
    match access {
        Access::Admin => (true, None),
        Access::Given { everywhere, .. } => (false, everywhere.map(|duty| duty.role() as i64)),
    }
}

/// Reads what a user was given.
pub(crate) fn load(sql: Sql<'_>, user: UserId, admin: bool, everywhere: Option<i64>) -> Result<Access> {
    if admin {
        return Ok(Access::Admin);
    }
    let duty = |code: i64| Duty::from_role(Role::from_code(code));
    let given = sql.all(
        "SELECT client, duty FROM user_client WHERE user_id = ?1 /* across clients: this is what a scope is made of */",
        [user],
        |row| Ok((row.get::<_, ClientId>(0)?, row.get::<_, i64>(1)?)),
    )?;
    let clients = given.into_iter().filter_map(|(client, code)| Some((client, duty(code)?))).collect();
    Ok(Access::Given { everywhere: everywhere.and_then(duty), clients })
}

/// Stores what a user is given, instead of what they were.
pub(crate) fn store(sql: Sql<'_>, user: UserId, access: &Access) -> Result<()> {
    let (admin, everywhere) = columns(access);
    sql.run("UPDATE user SET admin = ?2, everywhere = ?3 WHERE id = ?1", params![user, admin, everywhere])?;
    sql.run("DELETE FROM user_client WHERE user_id = ?1 /* across clients: all that they saw */", [user])?;
    if let Access::Given { clients, .. } = access {
        known(sql, clients.keys())?;
        for (client, duty) in clients {
            sql.run(
                "INSERT INTO user_client (user_id, client, duty) VALUES (?1, ?2, ?3)",
                params![user, client, duty.role() as i64],
            )?;
        }
    }
    Ok(())
}

/// Fails unless there are all these clients.
pub(crate) fn known<'c>(sql: Sql<'_>, clients: impl IntoIterator<Item = &'c ClientId>) -> Result<()> {
    for client in clients {
        let found = sql.one("SELECT 1 FROM client WHERE id = ?1", [client], |_| Ok(()))?;
        found.ok_or_else(|| Error::invalid("clients", format!("there is no client {client}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ClientId = ClientId(7);
    const B: ClientId = ClientId(8);

    #[test]
    fn a_role_reaches_where_it_was_given() {
        let mixed =
            Access::Given { everywhere: Some(Duty::Viewer), clients: [(A, Duty::Analyst), (B, Duty::Viewer)].into() };
        assert_eq!(mixed.role(), Role::Analyst);
        assert_eq!(mixed.reach(Role::Viewer), Reach::All);
        assert_eq!(mixed.reach(Role::Analyst), Reach::Only([A].into()));
        assert_eq!(mixed.reach(Role::Admin), Reach::Only([].into()));
        assert_eq!(Access::none().role(), Role::Guest);
        assert_eq!(Access::none().reach(Role::Viewer), Reach::Only([].into()));
        assert_eq!(Access::Admin.reach(Role::Admin), Reach::All);
    }

    #[test]
    fn narrowing_never_widens() {
        let only_a = Reach::Only([A].into());
        assert_eq!(Access::Admin.narrowed(Role::Admin, &Reach::All), Access::Admin);
        assert_eq!(Access::Admin.narrowed(Role::Admin, &only_a), Access::at(Duty::Analyst, [A]));
        assert_eq!(Access::Admin.narrowed(Role::Viewer, &Reach::All), Access::everywhere(Duty::Viewer));
        let viewer = Access::at(Duty::Viewer, [B]);
        assert_eq!(viewer.narrowed(Role::Admin, &Reach::All), viewer);
        assert_eq!(viewer.narrowed(Role::Admin, &only_a), Access::none());
        assert_eq!(viewer.narrowed(Role::Guest, &Reach::All), Access::none());
        assert_eq!(Access::everywhere(Duty::Analyst).narrowed(Role::Viewer, &only_a), Access::at(Duty::Viewer, [A]));
    }
}
