//! One alert.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::Value;

use super::loose::{at, list, number, text, truth};
use super::{Key, Suricata, Syscheck, Windows, time};

/// An alert as the manager wrote it. Only its time is certain to be there; whatever else is absent or of another type than
/// it should be is none, and everything is in [`Alert::document`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// When the manager received the event, to the millisecond; not the time that stands in a log.
    pub timestamp: Timestamp,
    /// The manager's offset from UTC then.
    pub offset: Offset,
    /// `<seconds since 1970>.<offset>`: unique within one manager's file only, see [`Alert::key`].
    pub id: Option<String>,
    /// Why it is an alert. None in events that are none (`archives.json`).
    pub rule: Option<Rule>,
    /// The host. None for a device that is watched without an agent, see [`Alert::agentless`].
    pub agent: Option<Agent>,
    /// The device that is watched without an agent, as `host`.
    pub agentless: Option<String>,
    /// The manager's host name.
    pub manager: Option<String>,
    /// The cluster that the manager belongs to; there also where there is none, unless hidden by configuration.
    pub cluster: Option<Cluster>,
    /// The decoder, for example `sshd`, `json`, `windows_eventchannel`.
    pub decoder: Option<String>,
    /// Whence: a file, `EventChannel`, `syscheck`, `API-Webhook`, …
    pub location: Option<String>,
    /// The log itself. None for Suricata's and Windows' events, whose rules ask for that.
    pub full_log: Option<String>,
    /// The earlier logs of a correlation, separated by line ends. May be long.
    pub previous_output: Option<String>,
    /// Changes of files and of the registry.
    pub syscheck: Option<Syscheck>,
    /// All of it, unknown fields too.
    pub document: Value,
}

/// Why an event is an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// Its number, as text.
    pub id: Option<String>,
    /// 0 to 16. Suricata's are all 3, whatever their severity: see [`Suricata::severity`].
    pub level: u64,
    /// A sentence.
    pub description: Option<String>,
    /// Groups that say what it is about.
    pub groups: Vec<String>,
    /// ATT&CK.
    pub mitre: Mitre,
    /// How many events a correlation took.
    pub frequency: Option<u64>,
    /// How often it fired since the manager was started.
    pub fired: Option<u64>,
    /// True if the manager was to mail it.
    pub mail: Option<bool>,
}

/// ATT&CK. The lists are not aligned: each is without repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mitre {
    /// `T1110`, …
    pub ids: Vec<String>,
    /// Names of tactics.
    pub tactics: Vec<String>,
    /// Names of techniques.
    pub techniques: Vec<String>,
}

/// The host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agent {
    /// Three digits or more; `000` is the manager itself.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its address as registered; none for `any`.
    pub ip: Option<String>,
}

/// A cluster of managers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cluster {
    /// Its name; `wazuh` where there is no cluster.
    pub name: Option<String>,
    /// The node.
    pub node: Option<String>,
}

/// Why a line is no alert.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnAlert {
    /// No JSON: a line that was torn when the manager ended, with the next one behind it; [`whole_alerts`](super::whole_alerts)
    /// finds that one.
    #[error("this line is no JSON: {0}")]
    Torn(String),
    /// No object, or one without a time.
    #[error("this line has no time that can be read")]
    NoTime,
}

impl Alert {
    /// Reads a line of `alerts.json`, or a document of the indexer. Bytes that are no UTF-8 become U+FFFD: log text that
    /// is in another encoding gets into lines as it is.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(line: &[u8]) -> Result<Self, NotAnAlert> {
        let text: Cow<'_, str> = String::from_utf8_lossy(line);
        Self::of(serde_json::from_str(&text).map_err(|error| NotAnAlert::Torn(error.to_string()))?)
    }

    /// Reads a document.
    ///
    /// # Errors
    /// It has no time.
    pub fn of(document: Value) -> Result<Self, NotAnAlert> {
        let written = text(&document, "timestamp").or_else(|| text(&document, "@timestamp"));
        let (timestamp, offset) = written.and_then(|text| time::moment(&text)).ok_or(NotAnAlert::NoTime)?;
        let there = |path: &str| at(&document, path).filter(|value| value.is_object());
        Ok(Self {
            timestamp,
            offset,
            id: text(&document, "id"),
            rule: there("rule").map(Rule::of),
            agent: there("agent").map(|agent| Agent {
                id: text(agent, "id"),
                name: text(agent, "name"),
                ip: text(agent, "ip").filter(|ip| ip != "any"),
            }),
            agentless: text(&document, "agentless.host").or_else(|| text(&document, "agentless.name")),
            manager: text(&document, "manager.name"),
            cluster: there("cluster")
                .map(|cluster| Cluster { name: text(cluster, "name"), node: text(cluster, "node") }),
            decoder: text(&document, "decoder.name"),
            location: text(&document, "location"),
            full_log: text(&document, "full_log"),
            previous_output: text(&document, "previous_output"),
            syscheck: there("syscheck").map(Syscheck::of),
            document,
        })
    }

    /// What tells it from all others. `line` is the text that it was read from.
    #[must_use]
    pub fn key(&self, line: &[u8]) -> Key {
        let node = self.cluster.as_ref().and_then(|cluster| cluster.node.as_deref());
        let (manager, id) = (self.manager.as_deref(), self.id.as_deref());
        Key::new(self.timestamp, manager.unwrap_or(""), node.unwrap_or(""), id.unwrap_or(""), line)
    }

    /// A field by its dotted path, as text: `data.srcip`. Numbers and truths become text; lists and objects are none.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        text(&self.document, path)
    }

    /// Suricata's own event, if it came through Wazuh: by rule 86601, or by one of somebody's own.
    #[must_use]
    pub fn suricata(&self) -> Option<Suricata> {
        Suricata::of(self)
    }

    /// The Windows or Sysmon event in it.
    #[must_use]
    pub fn windows(&self) -> Option<Windows> {
        Windows::of(self)
    }
}

impl Rule {
    fn of(rule: &Value) -> Self {
        Self {
            id: text(rule, "id"),
            level: number(rule, "level").unwrap_or(0),
            description: text(rule, "description"),
            groups: list(rule, "groups"),
            mitre: Mitre {
                ids: list(rule, "mitre.id"),
                tactics: list(rule, "mitre.tactic"),
                techniques: list(rule, "mitre.technique"),
            },
            frequency: number(rule, "frequency"),
            fired: number(rule, "firedtimes"),
            mail: truth(rule, "mail"),
        }
    }
}
