//! The clients that an asker may see.
//!
//! Every public function on tenants' data takes a [`Scope`]. There is no way to make one by accident: each constructor
//! says whose it is or why it sees everything, and the reasons can be listed with one search through the code. Below it,
//! `engine::guard` refuses any SQL on tenants' tables that does not name the client.
//!
//! A scope is made for one deed and the role that it needs: it holds the clients where the asker has that role. A client
//! that they may see but not do this at is *forbidden*; one that they may not see at all does not exist.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::access::{Access, Role};
use crate::id::ClientId;

/// Which clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// All clients, those to come as well.
    All,
    /// These only.
    Only(BTreeSet<ClientId>),
}

impl Reach {
    /// True if it holds this client.
    #[must_use]
    pub fn holds(&self, client: ClientId) -> bool {
        match self {
            Self::All => true,
            Self::Only(clients) => clients.contains(&client),
        }
    }
}

/// The clients at which an asker may do something, and on whose behalf.
#[derive(Clone, Debug)]
pub struct Scope {
    reach: Reach,
    /// The clients that they may see.
    sees: Reach,
    /// The role that the deed needs.
    role: Role,
    why: &'static str,
}

impl Scope {
    /// Where somebody with this access may do what needs this role.
    #[must_use]
    pub fn of(access: &Access, role: Role) -> Self {
        Self { reach: access.reach(role), sees: access.reach(Role::Viewer), role, why: "a user asks" }
    }

    /// Everything, for the core's own work; `why` says which.
    #[must_use]
    pub fn internal(why: &'static str) -> Self {
        Self { reach: Reach::All, sees: Reach::All, role: Role::Admin, why }
    }

    /// One client, for the core's own work on its behalf; `why` says which.
    #[must_use]
    pub fn of_client(client: ClientId, why: &'static str) -> Self {
        let only = Reach::Only(BTreeSet::from([client]));
        Self { reach: only.clone(), sees: only, role: Role::Admin, why }
    }

    /// The same, but only these of its clients: never wider.
    #[must_use]
    pub fn narrowed(&self, to: impl IntoIterator<Item = ClientId>) -> Self {
        let to = Reach::Only(to.into_iter().filter(|client| self.allows(*client)).collect());
        Self { reach: to.clone(), sees: to, role: self.role, why: self.why }
    }

    /// True if it holds this client.
    #[must_use]
    pub fn allows(&self, client: ClientId) -> bool {
        self.reach.holds(client)
    }

    /// Which clients.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Why it exists.
    #[must_use]
    pub fn why(&self) -> &'static str {
        self.why
    }

    /// `Forbidden` or `NotFound` unless it holds this client.
    pub(crate) fn demand(&self, client: ClientId, what: &'static str) -> crate::Result<()> {
        if self.allows(client) {
            Ok(())
        } else if self.sees.holds(client) {
            Err(crate::Error::Forbidden(self.role))
        } else {
            Err(crate::Error::NotFound(what))
        }
    }
}
