//! Having agents respond: block an address, end a process.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::call::Call;
use super::envelope::Sent;
use super::{Agents, Api};
use crate::error::{Error, shown};

/// What agents are told to do.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing is done before it is handed to `Api::active_response`"]
pub struct ActiveResponse {
    command: String,
    arguments: Vec<String>,
    alert: Map<String, Value>,
}

impl ActiveResponse {
    /// A response that the manager has in its list (`ar.conf`), where its name ends with the seconds after which it is
    /// undone: `firewall-drop600`. This is the form for blocks, because it ends by itself.
    ///
    /// # Errors
    /// This cannot be such a name.
    pub fn named(name: &str) -> Result<Self, Error> {
        Self::of("", name)
    }

    /// A program in the agent's `active-response/bin`. **Nothing undoes it**: a block stays until somebody takes it away.
    ///
    /// # Errors
    /// This cannot be the name of a program there.
    pub fn program_without_end(name: &str) -> Result<Self, Error> {
        Self::of("!", name)
    }

    /// The address that it is about, where programs look for it (`parameters.alert.data.srcip`).
    pub fn about(mut self, address: IpAddr) -> Self {
        self.alert.insert("data".into(), json!({ "srcip": address.to_string() }));
        self
    }

    /// The alert that it is about, whole, in place of the address alone.
    pub fn alert(mut self, alert: Map<String, Value>) -> Self {
        self.alert = alert;
        self
    }

    /// Further arguments.
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = String>) -> Self {
        self.arguments = arguments.into_iter().collect();
        self
    }

    fn of(mark: &str, name: &str) -> Result<Self, Error> {
        let fine = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(fine) {
            return Err(Error::Input(format!("«{}» is not the name of a response", shown(name))));
        }
        Ok(Self { command: format!("{mark}{name}"), arguments: Vec::new(), alert: Map::new() })
    }
}

/// # Active response
impl Api {
    /// Tells agents to respond. That they did it shows in a later alert only (rules 601 to 607 and 651 on).
    ///
    /// Wazuh server API, `PUT /active-response` (`active-response:command`).
    ///
    /// ```
    /// use wazuh::api::{ActiveResponse, AgentId, Agents};
    /// # async fn example(api: wazuh::api::Api) -> Result<(), Box<dyn std::error::Error>> {
    /// // For ten minutes: the name in ar.conf ends with the seconds.
    /// let host: AgentId = "001".parse()?;
    /// let block = ActiveResponse::named("firewall-drop600")?.about("192.0.2.7".parse()?);
    /// let sent = api.active_response(&Agents::one(host.clone()), &block).await?;
    /// sent.reached(&host)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No answer, no permission at all, or the manager has no response of this name (1652). What concerns single agents is
    /// in the value: 1701 unknown, 1707 not connected, 1750 switched off there; of 000 the server says nothing.
    pub async fn active_response(&self, agents: &Agents, response: &ActiveResponse) -> Result<Sent, Error> {
        let mut body = json!({ "command": response.command, "arguments": response.arguments });
        if !response.alert.is_empty() {
            body["alert"] = Value::Object(response.alert.clone());
        }
        let call = Call::put(&["active-response"], "active-response:command");
        self.sent(&call.with_some("agents_list", agents.list()).json(body), agents).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_a_name_and_no_path() {
        for wrong in ["", ".", "..", "../a", "a/b", "!a", "a b", "a;b"] {
            assert!(
                ActiveResponse::named(wrong).is_err() && ActiveResponse::program_without_end(wrong).is_err(),
                "{wrong}"
            );
        }
        assert_eq!(ActiveResponse::named("firewall-drop600").unwrap().command, "firewall-drop600");
        assert_eq!(ActiveResponse::program_without_end("firewall-drop").unwrap().command, "!firewall-drop");
    }
}
