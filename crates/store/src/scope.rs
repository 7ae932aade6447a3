//! The clients that an asker may see.
//!
//! Every public function on tenants' data takes a [`Scope`]. There is no way to make one by accident: each constructor
//! says whose it is or why it sees everything, and the reasons can be listed with one search through the code. Below it,
//! `engine::guard` refuses any SQL on tenants' tables that does not name the client.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::ClientId;
use crate::users::User;

/// Which clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// All clients, those to come as well.
    All,
    /// These only.
    Only(BTreeSet<ClientId>),
}

/// The clients that an asker may see, and on whose behalf.
#[derive(Clone, Debug)]
pub struct Scope {
    reach: Reach,
    why: &'static str,
}

impl Scope {
    /// What this person may see.
    #[must_use]
    pub fn of_user(user: &User) -> Self {
        Self { reach: user.reach.clone(), why: "a user asks" }
    }

    /// Everything, for the core's own work; `why` says which.
    #[must_use]
    pub fn internal(why: &'static str) -> Self {
        Self { reach: Reach::All, why }
    }

    /// One client, for the core's own work on its behalf; `why` says which.
    #[must_use]
    pub fn of_client(client: ClientId, why: &'static str) -> Self {
        Self { reach: Reach::Only(BTreeSet::from([client])), why }
    }

    /// The same, but only these of its clients: never wider.
    #[must_use]
    pub fn narrowed(&self, to: impl IntoIterator<Item = ClientId>) -> Self {
        let to = to.into_iter().filter(|client| self.allows(*client)).collect();
        Self { reach: Reach::Only(to), why: self.why }
    }

    /// True if it holds this client.
    #[must_use]
    pub fn allows(&self, client: ClientId) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Only(clients) => clients.contains(&client),
        }
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

    /// `NotFound` unless it holds this client.
    pub(crate) fn demand(&self, client: ClientId, what: &'static str) -> crate::Result<()> {
        if self.allows(client) { Ok(()) } else { Err(crate::Error::NotFound(what)) }
    }
}
