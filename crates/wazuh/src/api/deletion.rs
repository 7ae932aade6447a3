//! Deleting agents, with the traps of it made plain.
//!
//! The server deletes an agent only if it is named, in one of the given states, *and* silent for longer than
//! `older_than`, which is a week unless something else is said. So a plain deletion does nothing with an agent that is
//! connected, and says 1731. Here it is said each time which of the two is meant.

use std::time::Duration;

use super::call::Call;
use super::envelope::Sent;
use super::{Agents, Api};
use crate::error::Error;

/// The state of an agent's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AgentStatus {
    /// Connected.
    Active,
    /// About to be.
    Pending,
    /// Not yet.
    NeverConnected,
    /// Not any more.
    Disconnected,
}

/// What to delete.
#[derive(Clone, Debug)]
#[must_use = "nothing is deleted before it is handed to `Api::delete_agents`"]
pub struct Deletion {
    agents: Agents,
    states: Vec<AgentStatus>,
    older: Duration,
    purge: bool,
}

impl AgentStatus {
    /// As Wazuh writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::NeverConnected => "never_connected",
            Self::Disconnected => "disconnected",
        }
    }
}

impl Deletion {
    /// These agents, in whatever state and however lately they were heard.
    pub fn at_once(agents: Agents) -> Self {
        Self { agents, states: Vec::new(), older: Duration::ZERO, purge: false }
    }

    /// Those of these agents that were not heard for so long; of those that never connected, since they were added.
    pub fn silent_for(agents: Agents, time: Duration) -> Self {
        Self { agents, states: vec![AgentStatus::Disconnected, AgentStatus::NeverConnected], older: time, purge: false }
    }

    /// Only those in one of these states; in any if the list is empty.
    pub fn only(mut self, states: &[AgentStatus]) -> Self {
        self.states = states.to_vec();
        self
    }

    /// Leaves no line about them in the store of keys.
    pub fn purge(mut self) -> Self {
        self.purge = true;
        self
    }

    fn call(&self) -> Call {
        let states: Vec<_> = self.states.iter().map(|state| state.as_str()).collect();
        let states = if states.is_empty() { "all".to_owned() } else { states.join(",") };
        Call::delete(&["agents"], "agent:delete")
            .with("agents_list", self.agents.list_or_all())
            .with("status", states)
            .with("older_than", format!("{}s", self.older.as_secs()))
            .with("purge", self.purge)
    }
}

/// # Deleting agents
impl Api {
    /// Deletes agents.
    ///
    /// Wazuh server API, `DELETE /agents` (`agent:delete`).
    ///
    /// # Errors
    /// No answer, or no permission at all. What concerns single agents is in the value: 1701 unknown, 1703 for 000, 1731
    /// not in one of the states or heard too lately.
    pub async fn delete_agents(&self, deletion: &Deletion) -> Result<Sent, Error> {
        self.sent(&deletion.call(), &deletion.agents).await
    }
}
