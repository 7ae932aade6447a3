//! The normalised alert. Field names are those of the Elastic Common Schema (ECS 8) where it has one:
//! <https://www.elastic.co/guide/en/ecs/current/index.html>.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limit;

/// Where an event comes from (ECS `event.module`). In the query language: `source:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Suricata's EVE log.
    Suricata,
    /// A Wazuh manager's alerts.
    Wazuh,
    /// SOCme's own alarms.
    Socme,
}

impl Source {
    /// All sources, in the order shown.
    pub const ALL: [Self; 3] = [Self::Suricata, Self::Wazuh, Self::Socme];

    /// The word for it, as on the wire and in queries.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Suricata => "suricata",
            Self::Wazuh => "wazuh",
            Self::Socme => "socme",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How bad it is: one scale everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// Worth waking someone.
    Critical,
}

impl Severity {
    /// All severities, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// From a Wazuh rule level (0–16): low 0–6, medium 7–11, high 12–14, critical 15 and above.
    #[must_use]
    pub fn from_wazuh_level(level: u64) -> Self {
        match level {
            0..=6 => Self::Low,
            7..=11 => Self::Medium,
            12..=14 => Self::High,
            _ => Self::Critical,
        }
    }

    /// From a Suricata severity (1 is worst): 1 high, or critical where the signature's metadata says
    /// `signature_severity Critical`; 2 medium; 3 and above low.
    #[must_use]
    pub fn from_suricata(severity: u64, metadata_says_critical: bool) -> Self {
        match severity {
            0 | 1 if metadata_says_critical => Self::Critical,
            0 | 1 => Self::High,
            2 => Self::Medium,
            _ => Self::Low,
        }
    }

    /// The word for it, as on the wire and in queries.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A noteworthy event, normalised: the only thing that leaves a node on its own.
///
/// Everything in it was written by someone who may be an attacker: it is text to be shown, never markup, a path to open
/// or a command to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alert {
    /// Where it comes from.
    pub module: Source,
    /// What turned the event into an alert.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// When it happened, by the source's clock.
    pub time: Timestamp,
    /// When the node read it, by the node's clock.
    pub seen: Timestamp,
    /// How many events it stands for so far; at least 1.
    pub count: u64,
    /// Time of the latest event it stands for.
    pub last: Timestamp,
    /// One sentence about this event in particular, where the source has one (ECS `message`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// MITRE ATT&CK (ECS `threat`).
    #[serde(default, skip_serializing_if = "Threat::is_empty")]
    pub threat: Threat,
    /// The host that it is about (ECS `host`); for Wazuh the agent's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// Where the traffic comes from (ECS `source`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Endpoint>,
    /// Where the traffic goes (ECS `destination`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Endpoint>,
    /// The conversation (ECS `network`).
    #[serde(default, skip_serializing_if = "Network::is_empty")]
    pub network: Network,
    /// The account that it is about (ECS `user`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// The process that it is about (ECS `process`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// The file that it is about (ECS `file`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
    /// The key or value of Windows' registry that it is about, in its exact case (ECS `registry.path`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// What was asked for by name: DNS names, TLS server names, HTTP hosts (ECS `dns.question.name`, `tls.client.server_name`, `url.domain`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// The address asked for, where there is one (ECS `url.original`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The log file or channel that the source names (ECS `log.file.path`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// By what this alert was folded.
    #[serde(default)]
    pub fold: Fold,
    /// By which ways it came: Suricata's own log, Wazuh's copy of it, or both. Empty: by the source's own way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<Source>,
    /// More of the events that it stands for, at most [`limit::SAMPLES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// The event as the source wrote it (ECS `event.original`); empty where the client's policy keeps raw events at home.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
    /// What was cut from `raw` to keep it within [`limit::RAW`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<Cut>,
    /// True if no count will follow: folding is switched off for its rule, or its window is closed already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// What turned an event into an alert (ECS `rule`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rule {
    /// Its identifier within its source, such as `2024897` or `5710`.
    pub id: String,
    /// Its revision (ECS `rule.version`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Its name, such as `ET SCAN sqlmap SQL Injection Scan`.
    pub name: String,
    /// Its classification (ECS `rule.category`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Groups it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Where to read about it (ECS `rule.reference`, several).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}

/// MITRE ATT&CK. The lists are not aligned with one another: Wazuh de-duplicates each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Threat {
    /// Technique ids, such as `T1110` (ECS `threat.technique.id`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub techniques: Vec<String>,
    /// Tactic names or ids, as the source writes them (ECS `threat.tactic.name`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tactics: Vec<String>,
}

impl Threat {
    /// True if nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.techniques.is_empty() && self.tactics.is_empty()
    }
}

/// A watched host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Host {
    /// The Wazuh agent's id (ECS `host.id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// One end of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Endpoint {
    /// IPv4 or IPv6 address, in its canonical text form; text as given if it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// TCP or UDP port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its name, where the source knows one (ECS `source.domain`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// A conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Network {
    /// `tcp`, `udp`, `icmp`… in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// `http`, `dns`, `tls`… in lower case (ECS `network.protocol`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Suricata's flow id, as text: it exceeds 2^53.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// Community ID (ECS `network.community_id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community_id: Option<String>,
    /// The interface or VLAN it was seen on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// What Suricata did: `allowed` or `blocked` (ECS `event.action`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

impl Network {
    /// True if nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Process {
    /// Name, or absolute path of the executable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
    /// Its command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u64>,
    /// The parent's executable (ECS `process.parent.executable`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The parent's command line (ECS `process.parent.command_line`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_command_line: Option<String>,
    /// The parent's id (ECS `process.parent.pid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_pid: Option<u64>,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct File {
    /// Its path, or its name where no path is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// MD5, lower-case hexadecimal (ECS `file.hash.md5`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// SHA-1, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    /// SHA-256, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// By what events were folded into this alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Fold {
    /// Source, rule, addresses, host and user.
    #[default]
    Full,
    /// Rule and source address: over 100 new alerts of its rule came in a minute.
    Address,
    /// Rule alone: over 100 new alerts came even so.
    Rule,
}

/// One more event that a folded alert stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sample {
    /// When it happened, by the source's clock.
    pub time: Timestamp,
    /// Where the traffic came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Endpoint>,
    /// Where it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Endpoint>,
    /// The event as the source wrote it, cut at [`limit::SAMPLE_RAW`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
}

/// Something that was cut from a raw event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cut {
    /// The field, such as `payload_printable`; `event` where the end of the text itself is missing.
    pub field: String,
    /// How many bytes are missing.
    pub bytes: u64,
}

/// What kind of thing an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// An IP address.
    Address,
    /// A host or domain name, in lower case.
    Name,
    /// An account.
    Account,
    /// A file's hash.
    Hash,
}

/// Something an alert is about, that other alerts may be about as well.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entity {
    /// What kind of thing.
    pub kind: EntityKind,
    /// Its value, normalised for comparison.
    pub value: String,
}

/// A bound that an alert breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct Breach {
    /// The field, in dotted form.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Alert {
    /// An alert that stands for one event at `at`, low, of SOCme itself, and says nothing else yet.
    #[must_use]
    pub fn bare(at: Timestamp) -> Self {
        Self {
            module: Source::Socme,
            rule: Rule::default(),
            severity: Severity::Low,
            time: at,
            seen: at,
            count: 1,
            last: at,
            message: None,
            threat: Threat::default(),
            host: None,
            source: None,
            destination: None,
            network: Network::default(),
            user: None,
            process: None,
            file: None,
            registry: None,
            domains: Vec::new(),
            url: None,
            location: None,
            fold: Fold::Full,
            witnesses: Vec::new(),
            samples: Vec::new(),
            raw: String::new(),
            cut: Vec::new(),
            closed: true,
        }
    }

    /// The addresses, names, accounts and hashes that it is about: sorted, each once.
    #[must_use]
    pub fn entities(&self) -> Vec<Entity> {
        let mut found = Vec::new();
        let mut add = |kind, value: Option<&String>| {
            if let Some(value) = value.map(|v| v.trim()).filter(|v| !v.is_empty() && v.len() <= limit::WORD) {
                found.push(Entity { kind, value: value.to_lowercase() });
            }
        };
        for end in [&self.source, &self.destination].into_iter().flatten() {
            add(EntityKind::Address, end.ip.as_ref());
            add(EntityKind::Name, end.domain.as_ref());
        }
        if let Some(host) = &self.host {
            add(EntityKind::Address, host.ip.as_ref());
            add(EntityKind::Name, host.name.as_ref());
        }
        for domain in &self.domains {
            add(EntityKind::Name, Some(domain));
        }
        add(EntityKind::Account, self.user.as_ref().map(|u| &u.name));
        if let Some(file) = &self.file {
            for hash in [&file.md5, &file.sha1, &file.sha256] {
                add(EntityKind::Hash, hash.as_ref());
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Says which bound it breaks, if any.
    ///
    /// # Errors
    /// The first [`Breach`] found.
    pub fn check(&self) -> Result<(), Breach> {
        let mut first = None;
        self.each_text(&mut |field, text, most| {
            if text.len() > most && first.is_none() {
                first = Some(Breach { field, problem: format!("has {} bytes, at most {most} are taken", text.len()) });
            }
        });
        for (field, len, most) in [
            ("rule.groups", self.rule.groups.len(), limit::LIST),
            ("rule.references", self.rule.references.len(), limit::LIST),
            ("threat.techniques", self.threat.techniques.len(), limit::LIST),
            ("threat.tactics", self.threat.tactics.len(), limit::LIST),
            ("domains", self.domains.len(), limit::LIST),
            ("samples", self.samples.len(), limit::SAMPLES),
            ("witnesses", self.witnesses.len(), Source::ALL.len()),
            ("cut", self.cut.len(), limit::LIST),
        ] {
            if len > most && first.is_none() {
                first = Some(Breach { field, problem: format!("has {len} elements, at most {most} are taken") });
            }
        }
        if self.rule.id.is_empty() {
            first = Some(Breach { field: "rule.id", problem: "is empty".into() });
        }
        if self.count == 0 || self.count > limit::COUNT {
            first = Some(Breach { field: "count", problem: format!("is {}, 1 to 2^53 are taken", self.count) });
        }
        first.map_or(Ok(()), Err)
    }

    /// Calls `visit` with each text field's name, value and longest length in bytes.
    fn each_text(&self, visit: &mut impl FnMut(&'static str, &str, usize)) {
        let mut opt = |field, text: &Option<String>, most| {
            if let Some(text) = text {
                visit(field, text, most);
            }
        };
        opt("message", &self.message, limit::TEXT);
        opt("url", &self.url, limit::TEXT);
        opt("location", &self.location, limit::TEXT);
        opt("registry", &self.registry, limit::TEXT);
        opt("rule.category", &self.rule.category, limit::WORD);
        for end in [&self.source, &self.destination].into_iter().flatten() {
            opt("source.ip / destination.ip", &end.ip, limit::WORD);
            opt("source.domain / destination.domain", &end.domain, limit::WORD);
        }
        if let Some(host) = &self.host {
            opt("host.id", &host.id, limit::WORD);
            opt("host.name", &host.name, limit::WORD);
            opt("host.ip", &host.ip, limit::WORD);
        }
        let n = &self.network;
        for (field, text) in [
            ("network.transport", &n.transport),
            ("network.protocol", &n.protocol),
            ("network.flow", &n.flow),
            ("network.community_id", &n.community_id),
            ("network.interface", &n.interface),
            ("network.action", &n.action),
        ] {
            opt(field, text, limit::WORD);
        }
        if let Some(user) = &self.user {
            opt("user.domain", &user.domain, limit::WORD);
        }
        if let Some(process) = &self.process {
            opt("process.executable", &process.executable, limit::TEXT);
            opt("process.command_line", &process.command_line, limit::TEXT);
            opt("process.parent", &process.parent, limit::TEXT);
            opt("process.parent_command_line", &process.parent_command_line, limit::TEXT);
        }
        if let Some(file) = &self.file {
            opt("file.path", &file.path, limit::TEXT);
            opt("file.md5", &file.md5, limit::WORD);
            opt("file.sha1", &file.sha1, limit::WORD);
            opt("file.sha256", &file.sha256, limit::WORD);
        }
        if let Some(user) = &self.user {
            visit("user.name", &user.name, limit::WORD);
        }
        visit("rule.id", &self.rule.id, limit::WORD);
        visit("rule.name", &self.rule.name, limit::TEXT);
        visit("raw", &self.raw, limit::RAW);
        for (field, list, most) in [
            ("rule.groups", &self.rule.groups, limit::WORD),
            ("rule.references", &self.rule.references, limit::TEXT),
            ("threat.techniques", &self.threat.techniques, limit::WORD),
            ("threat.tactics", &self.threat.tactics, limit::WORD),
            ("domains", &self.domains, limit::WORD),
        ] {
            for text in list {
                visit(field, text, most);
            }
        }
        for cut in &self.cut {
            visit("cut.field", &cut.field, limit::WORD);
        }
        for sample in &self.samples {
            sample.each_text(visit);
        }
    }
}

impl Sample {
    /// Says which bound it breaks, if any.
    ///
    /// # Errors
    /// The first [`Breach`] found.
    pub fn check(&self) -> Result<(), Breach> {
        let mut first = None;
        self.each_text(&mut |field, text, most| {
            if text.len() > most && first.is_none() {
                first = Some(Breach { field, problem: format!("has {} bytes, at most {most} are taken", text.len()) });
            }
        });
        first.map_or(Ok(()), Err)
    }

    fn each_text(&self, visit: &mut impl FnMut(&'static str, &str, usize)) {
        for end in [&self.source, &self.destination].into_iter().flatten() {
            for text in [&end.ip, &end.domain].into_iter().flatten() {
                visit("samples.source / samples.destination", text, limit::WORD);
            }
        }
        visit("samples.raw", &self.raw, limit::SAMPLE_RAW);
    }
}
