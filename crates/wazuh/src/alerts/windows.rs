//! Windows and Sysmon events.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::loose::{at, number, text};
use super::{Alert, time};

/// The channel of Sysmon's events.
const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

/// A Windows event (decoder `windows_eventchannel`). Names, paths and command lines are in the case in which Windows gave
/// them; of the fields' names, only the first letter was lowered by the manager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Windows {
    /// `Security`, `Microsoft-Windows-Sysmon/Operational`, …
    pub channel: Option<String>,
    /// `Microsoft-Windows-Sysmon`, …
    pub provider: Option<String>,
    /// What happened, by the provider's numbers: 4625, or Sysmon's 1.
    pub event_id: Option<u64>,
    /// The event's number in its channel.
    pub record_id: Option<u64>,
    /// When Windows wrote it.
    pub time: Option<Timestamp>,
    /// The machine.
    pub computer: Option<String>,
    /// `INFORMATION`, `AUDIT_FAILURE`, …
    pub severity: Option<String>,
    /// The text that Windows shows.
    pub message: Option<String>,
    /// The account: without its domain.
    pub user: Option<String>,
    /// Its domain or machine.
    pub domain: Option<String>,
    /// The process.
    pub process: Process,
    /// What began it.
    pub parent: Process,
    /// Of the process' file, by the name of the algorithm in capitals, in lower-case hexadecimal.
    pub hashes: BTreeMap<String, String>,
    /// The registry key or value (Sysmon 12 to 14; `objectName` of security events).
    pub registry: Option<String>,
    /// The file (Sysmon 11, 15, 23, 26).
    pub file: Option<String>,
    /// The name that was asked of DNS (Sysmon 22).
    pub query: Option<String>,
    /// Whence, by address.
    pub source_ip: Option<String>,
    /// The port there.
    pub source_port: Option<u64>,
    /// Whereto, by address.
    pub destination_ip: Option<String>,
    /// The port there.
    pub destination_port: Option<u64>,
    /// Whereto, by name.
    pub destination_host: Option<String>,
    /// `tcp`, `udp`.
    pub protocol: Option<String>,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its file.
    pub image: Option<String>,
    /// How it was called.
    pub command_line: Option<String>,
    /// Its number.
    pub id: Option<u64>,
    /// Sysmon's name for it, unique on a machine.
    pub guid: Option<String>,
    /// Where it works.
    pub directory: Option<String>,
}

impl Windows {
    /// True for Sysmon's events, whose numbers mean something else than those of Windows.
    #[must_use]
    pub fn is_sysmon(&self) -> bool {
        self.channel.as_deref() == Some(SYSMON)
    }

    pub(super) fn of(alert: &Alert) -> Option<Self> {
        let win = at(&alert.document, "data.win").filter(|win| win.is_object())?;
        let event = |name: &str| field(win, &format!("eventdata.{name}"));
        let any = |names: &[&str]| names.iter().find_map(|name| event(name));
        let port = |names: &[&str]| any(names).and_then(|text| text.parse().ok());
        let account = any(&["user", "targetUserName", "subjectUserName", "sourceUser"]);
        let (domain, user) = match account {
            // Sysmon writes DOMAIN\name.
            Some(name) => match name.split_once('\\') {
                Some((domain, user)) if !user.is_empty() => (Some(domain.to_owned()), Some(user.to_owned())),
                _ => (any(&["targetDomainName", "subjectDomainName"]), Some(name)),
            },
            None => (None, None),
        };
        let object = any(&["objectName"]).filter(|name| name.starts_with(r"\REGISTRY\"));
        Some(Self {
            channel: field(win, "system.channel"),
            provider: field(win, "system.providerName"),
            event_id: number(win, "system.eventID"),
            record_id: number(win, "system.eventRecordID"),
            time: text(win, "system.systemTime").and_then(|text| time::timestamp(&text)),
            computer: field(win, "system.computer"),
            severity: field(win, "system.severityValue"),
            message: text(win, "system.message").map(|text| unquoted(&text).to_owned()),
            user,
            domain,
            process: Process {
                image: any(&["image", "newProcessName", "processName", "sourceImage"]),
                command_line: event("commandLine"),
                id: any(&["newProcessId", "processId", "sourceProcessId"]).and_then(|text| process_id(&text)),
                guid: any(&["processGuid", "sourceProcessGuid"]),
                directory: event("currentDirectory"),
            },
            parent: Process {
                image: any(&["parentImage", "parentProcessName"]),
                command_line: event("parentCommandLine"),
                id: parent_id(win),
                guid: event("parentProcessGuid"),
                directory: None,
            },
            hashes: event("hashes").or_else(|| event("hash")).map(|text| hashes(&text)).unwrap_or_default(),
            registry: event("targetObject").or(object),
            file: event("targetFilename"),
            query: event("queryName"),
            source_ip: any(&["sourceIp", "ipAddress"]),
            source_port: port(&["sourcePort", "ipPort"]),
            destination_ip: event("destinationIp"),
            destination_port: port(&["destinationPort"]),
            destination_host: event("destinationHostname"),
            protocol: event("protocol"),
        })
    }
}

/// Windows writes `-` for what it does not know.
fn field(win: &Value, path: &str) -> Option<String> {
    text(win, path).filter(|text| text != "-")
}

/// Of a process' begin in the security log, `processId` is the parent.
fn parent_id(win: &Value) -> Option<u64> {
    let begun = field(win, "eventdata.newProcessId").and_then(|_| field(win, "eventdata.processId"));
    field(win, "eventdata.parentProcessId").or(begun).and_then(|text| process_id(&text))
}

/// Decimal in Sysmon's events, hexadecimal in the security log's.
fn process_id(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Splits `SHA256=..,MD5=..`.
fn hashes(text: &str) -> BTreeMap<String, String> {
    let parts = text.split(',').filter_map(|part| part.split_once('='));
    parts.map(|(name, hash)| (name.trim().to_ascii_uppercase(), hash.trim().to_ascii_lowercase())).collect()
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}
