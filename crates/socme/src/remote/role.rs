//! What somebody may do, as it is written on the command line.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::core::Core;
use super::failure::{Failure, Result};
use super::field::{is, items, number, text};
use super::names;

/// The most that a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// Reads
    Viewer,
    /// Works on alerts
    Analyst,
    /// Manages clients, nodes and users
    Admin,
}

/// What somebody does at a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Duty {
    /// Reads
    Viewer,
    /// Works on alerts
    Analyst,
}

impl Role {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        }
    }
}

impl Duty {
    fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
        }
    }
}

/// What somebody is given.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Given {
    /// Everything, everywhere
    #[arg(long, conflicts_with_all = ["everywhere", "client"])]
    admin: bool,
    /// All clients, those to come as well
    #[arg(long, value_enum, value_name = "ROLE")]
    everywhere: Option<Duty>,
    /// A client, as viewer or analyst; may be given several times
    #[arg(long, value_name = "CLIENT=ROLE")]
    client: Vec<String>,
}

impl Given {
    /// True if nothing is given.
    pub(super) fn is_empty(&self) -> bool {
        !self.admin && self.everywhere.is_none() && self.client.is_empty()
    }

    /// As the API wants it.
    pub(super) async fn access(&self, core: &Core) -> Result<Value> {
        let mut clients = Vec::with_capacity(self.client.len());
        for given in &self.client {
            let wrong = || {
                Failure::usage(format!("«{given}» is no client and role."))
                    .mend("Write for instance --client acme=analyst")
            };
            let (client, role) = given.rsplit_once('=').ok_or_else(wrong)?;
            let role = Duty::from_str(role, true).map_err(|_| wrong())?;
            let client = number(&names::client(core, client).await?, "id");
            clients.push(json!({ "client": client, "role": role.word() }));
        }
        Ok(json!({ "admin": self.admin, "everywhere": self.everywhere.map(Duty::word), "clients": clients }))
    }
}

/// What somebody was given, in words; `clients` are those that there are.
pub(super) fn in_words(access: &Value, clients: &[Value]) -> String {
    if is(access, "admin") {
        return "admin".into();
    }
    let slug = |id: i64| {
        let client = clients.iter().find(|client| number(client, "id") == id);
        client.map_or_else(|| id.to_string(), |client| text(client, "slug").to_owned())
    };
    let everywhere = access["everywhere"].as_str().map(|role| format!("{role} everywhere"));
    let one = |given: &Value| format!("{}={}", slug(number(given, "client")), text(given, "role"));
    let given: Vec<String> = everywhere.into_iter().chain(items(access, "clients").iter().map(one)).collect();
    if given.is_empty() { "nothing yet".into() } else { given.join(", ") }
}
