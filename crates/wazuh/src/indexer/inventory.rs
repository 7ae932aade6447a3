//! What is on the hosts (Wazuh 4.13 and later).

use futures::{Stream, StreamExt as _};
use serde_json::{Value, json};

use super::search::every;
use super::vulnerabilities::parse;
use super::{Indexer, Order, Search};
use crate::Error;
use crate::alerts::loose::text;

/// A part of the inventory: one family of indices `wazuh-states-inventory-…-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Inventory {
    /// The system.
    System,
    /// Packages: `package.name`, `package.version`.
    Packages,
    /// Processes: `process.pid`, `process.name`.
    Processes,
    /// Open ports: `source.port`.
    Ports,
    /// Addresses.
    Networks,
    /// Interfaces.
    Interfaces,
    /// Protocols of the interfaces.
    Protocols,
    /// Processor and memory.
    Hardware,
    /// Windows' updates.
    Hotfixes,
    /// Accounts (4.14).
    Users,
    /// Groups of accounts (4.14).
    Groups,
    /// Services (4.14).
    Services,
    /// Browsers' extensions (4.14).
    BrowserExtensions,
}

/// A row of the inventory.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct State {
    /// The host's agent.
    pub agent_id: Option<String>,
    /// The host's name.
    pub agent_name: Option<String>,
    /// All of it, with ECS-like names.
    pub document: Value,
}

impl Inventory {
    /// The indices of it, of all clusters.
    #[must_use]
    pub fn indices(self) -> String {
        let name = match self {
            Self::System => "system",
            Self::Packages => "packages",
            Self::Processes => "processes",
            Self::Ports => "ports",
            Self::Networks => "networks",
            Self::Interfaces => "interfaces",
            Self::Protocols => "protocols",
            Self::Hardware => "hardware",
            Self::Hotfixes => "hotfixes",
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Services => "services",
            Self::BrowserExtensions => "browser-extensions",
        };
        format!("wazuh-states-inventory-{name}-*")
    }

    /// A field that tells the rows of one host apart, where the contract names one, so that few are equal.
    fn order(self) -> Option<Order> {
        match self {
            Self::Packages => Some(Order::keyword("package.name")),
            Self::Processes => Some(Order::number("process.pid")),
            Self::Ports => Some(Order::number("source.port")),
            _ => None,
        }
    }
}

impl State {
    /// A field by its dotted path, as text.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        text(&self.document, path)
    }
}

impl Indexer {
    /// Rows of the inventory: of one host, or of all. `terms` are further conditions, a keyword field and its value: all
    /// hosts with a package are `[("package.name", "openssl")]`. Nothing comes before Wazuh 4.13, where the manager's API has
    /// it.
    ///
    /// Wazuh indexer, `wazuh-states-inventory-…-*`, as [`Self::search`]. The stream ends with the first error.
    pub fn inventory(
        &self,
        part: Inventory,
        agent: Option<&str>,
        terms: &[(&str, &str)],
    ) -> impl Stream<Item = Result<State, Error>> + Send + use<> {
        let agent = agent.map(|agent| ("agent.id", agent));
        let all = agent.into_iter().chain(terms.iter().copied());
        let query = every(all.map(|(field, value)| json!({ "term": { field: value } })).collect());
        let mut order = vec![Order::keyword("agent.id")];
        order.extend(part.order());
        let indexer = self.clone();
        let hits = self.search(Search::new(part.indices(), query, order)).into_stream();
        hits.map(move |hit| {
            let document = parse(&indexer, &hit?)?;
            Ok(State { agent_id: text(&document, "agent.id"), agent_name: text(&document, "agent.name"), document })
        })
    }
}
