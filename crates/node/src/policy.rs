//! The client's own policy: what may leave its network. It acts on each alert before anything is stored.
//!
//! A policy that cannot be read stops the node: it never runs without the one that the client has written.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use wire::alert::{Alert, Sample};
use wire::command::Permission;
use wire::host::Host;

use crate::config::Wrong;

/// What stands where something was masked.
pub const MASK: &str = "[masked]";

/// Shorter texts, in bytes, stand within other words as well.
const SHORT: usize = 3;

/// The fields that can be masked, by their ECS names.
const FIELDS: [&str; 15] = [
    "user.name",
    "host.name",
    "host.ip",
    "source.ip",
    "source.domain",
    "destination.ip",
    "destination.domain",
    "process.executable",
    "process.command_line",
    "process.parent",
    "registry.path",
    "file.path",
    "url",
    "domains",
    "message",
];

/// Where Wazuh and Suricata write account names: all of them are masked in the raw event with `user.name`.
const ACCOUNTS: [&str; 9] = [
    "/data/dstuser",
    "/data/srcuser",
    "/data/win/eventdata/targetUserName",
    "/data/win/eventdata/subjectUserName",
    "/data/win/eventdata/user",
    "/data/audit/auid",
    "/syscheck/audit/user/name",
    "/syscheck/audit/login_user/name",
    "/smb/ntlmssp/user",
];

/// A client's policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Whether raw events may leave.
    pub raw: bool,
    /// Fields to mask: ECS names, or `raw:` and a JSON pointer into the raw event.
    pub mask: Vec<String>,
    /// What the core may ask of this node.
    pub allow: Vec<Permission>,
    /// Which hosts are alarmed about.
    pub hosts: HostAlarms,
}

/// Which of a manager's hosts are alarmed about, and when.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostAlarms {
    /// When one falls silent, and when it is back.
    pub silent: bool,
    /// When one was registered so many hours ago and never came; 0: never.
    pub never_seen_hours: u32,
    /// Not about these: names, or `group:` and a group's name.
    pub quiet: Vec<String>,
    /// Nor about the agents with these ids: those that are quiet by a name that is masked.
    #[serde(skip)]
    pub(crate) spared: BTreeSet<String>,
}

impl Default for HostAlarms {
    fn default() -> Self {
        Self { silent: true, never_seen_hours: 24, quiet: Vec::new(), spared: BTreeSet::new() }
    }
}

impl HostAlarms {
    /// True if nobody is to be woken for this host.
    #[must_use]
    pub fn spares(&self, host: &Host) -> bool {
        let named = self.quiet.iter().any(|quiet| match quiet.strip_prefix("group:") {
            Some(group) => host.groups.iter().any(|own| own == group),
            None => quiet.eq_ignore_ascii_case(&host.name),
        });
        named || self.spared.contains(&host.agent)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { raw: true, mask: Vec::new(), allow: Permission::READING.to_vec(), hosts: HostAlarms::default() }
    }
}

impl Policy {
    /// Reads the file; without one everything may leave.
    ///
    /// # Errors
    /// Says file, line and what is wrong.
    pub fn read(path: &Path) -> Result<Self, Wrong> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Wrong::whole(path, format!("cannot be read: {error}"))),
        };
        Self::parse(path, &text)
    }

    /// Reads what stands in the file.
    ///
    /// # Errors
    /// Says file, line and what is wrong.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Wrong> {
        let policy: Self = toml::from_str(text).map_err(|error| Wrong::of_toml(path, text, &error))?;
        for field in &policy.mask {
            if !FIELDS.contains(&field.as_str()) && !field.starts_with("raw:/") {
                let line = text.lines().position(|line| line.contains(field.as_str())).map(|at| at + 1);
                let problem = format!(
                    "«{}» cannot be masked. Give one of {}, or \"raw:/\" and a JSON pointer such as \"raw:/data/dstuser\"",
                    field.escape_debug(),
                    FIELDS.join(", ")
                );
                return Err(Wrong { file: path.to_owned(), line, problem });
            }
        }
        Ok(policy)
    }

    /// The file with every key, its meaning and its usual value.
    #[must_use]
    pub fn example() -> String {
        include_str!("config/policy.example.toml").to_owned()
    }

    /// What it forbids, in words, for the status.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        let raw = (!self.raw).then(|| "raw events stay here".to_owned());
        raw.into_iter().chain(self.mask.iter().map(|field| format!("{field} is masked"))).collect()
    }

    /// Takes out what may not leave.
    pub fn apply(&self, alert: &mut Alert) {
        let secrets = self.secrets(alert);
        for field in &self.mask {
            blank(alert, field);
        }
        // What cannot be taken apart may hold anything.
        let opaque = !self.mask.is_empty() && serde_json::from_str::<Value>(&alert.raw).is_err();
        if opaque || secrets.iter().any(|secret| secret.len() < SHORT) {
            // So short a text stands in half of all words: replacing it would not leave anything readable.
            alert.raw.clear();
            alert.samples.iter_mut().for_each(|sample| sample.raw.clear());
        }
        if !self.raw {
            alert.raw.clear();
            alert.cut.clear();
            alert.samples.iter_mut().for_each(|sample| sample.raw.clear());
        }
        for secret in &secrets {
            each_text(alert, &mut |text| replace(text, secret));
        }
        // The mask may be longer than what it covers.
        crate::normalise::fit(alert);
    }

    /// Takes out of an answer what may not leave. `event`: the alert in it, as Wazuh writes it; nothing of it is left if it cannot be
    /// taken apart.
    pub(crate) fn hide(&self, event: &Value, more: &[String], answer: &mut Value) {
        let line = event.to_string();
        let Ok(alert) = crate::normalise::wazuh::alert(&line, jiff::Timestamp::UNIX_EPOCH) else {
            *answer = Value::Null;
            return;
        };
        let mut secrets = self.secrets(&alert);
        secrets.extend_from_slice(more);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        hide(answer, &secrets);
    }

    /// Takes out of a sample what may not leave.
    #[must_use]
    pub fn sample(&self, mut alert: Alert) -> Sample {
        self.apply(&mut alert);
        crate::normalise::sample(alert)
    }

    /// The values that are masked, in every form in which they may stand elsewhere in the alert.
    fn secrets(&self, alert: &Alert) -> Vec<String> {
        let mut found = Vec::new();
        let pointers = self.mask.iter().filter_map(|field| field.strip_prefix("raw:")).collect::<Vec<_>>();
        let accounts = self.mask.iter().any(|field| field == "user.name");
        if accounts || !pointers.is_empty() {
            let raw: Value = serde_json::from_str(&alert.raw).unwrap_or(Value::Null);
            let accounts = if accounts { &ACCOUNTS[..] } else { &[] };
            for value in pointers.iter().chain(accounts).filter_map(|pointer| raw.pointer(pointer)) {
                texts(value, &mut found);
            }
        }
        for field in &self.mask {
            found.extend(values(alert, field));
        }
        // An account with its domain is also written without.
        let bare: Vec<String> = found.iter().filter_map(|text| text.rsplit_once('\\')).map(|(_, n)| n.into()).collect();
        found.extend(bare);
        // In the raw event, text is written with JSON's escapes, which Wazuh may have made twice.
        for text in found.clone() {
            let once = escaped(&text);
            found.extend([escaped(&once), once]);
        }
        found.retain(|text| !text.trim().is_empty() && text != MASK);
        found.sort_by_key(|text| std::cmp::Reverse(text.len()));
        found.dedup();
        found
    }
}

fn escaped(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(fields) => fields.values().for_each(|item| texts(item, into)),
        Value::Number(number) => into.push(number.to_string()),
        _ => {}
    }
}

fn hide(value: &mut Value, secrets: &[String]) {
    match value {
        Value::String(text) => secrets.iter().for_each(|secret| replace(text, secret)),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, secrets)),
        Value::Object(fields) => fields.values_mut().for_each(|item| hide(item, secrets)),
        Value::Number(number) if secrets.contains(&number.to_string()) => *value = MASK.into(),
        _ => {}
    }
}

/// Replaces each occurrence, whatever its case (ASCII), by [`MASK`]; short ones only where they stand as words.
pub(crate) fn replace(text: &mut String, secret: &str) {
    if text.len() < secret.len() {
        return;
    }
    let (haystack, needle) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    let mut out = String::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(haystack.as_bytes(), needle.as_bytes()) {
        let inside = |around: Option<&u8>| around.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 128);
        let (before, after) = (haystack.as_bytes()[..at].last(), haystack.as_bytes().get(at + needle.len()));
        if at < from || needle.len() < SHORT && (inside(before) || inside(after)) {
            continue;
        }
        out.push_str(&text[from..at]);
        out.push_str(MASK);
        from = at + needle.len();
    }
    if from > 0 {
        out.push_str(&text[from..]);
        *text = out;
    }
}

fn values(alert: &Alert, field: &str) -> Vec<String> {
    let mut copy = alert.clone();
    let mut found = Vec::new();
    slots(&mut copy, field, &mut |slot| found.extend(slot.take()));
    if field == "domains" {
        found.extend(copy.domains);
    }
    if field == "user.name" {
        found.extend(alert.user.as_ref().map(|user| user.name.clone()));
    }
    for sample in &alert.samples {
        let (end, ip) = match field {
            "source.ip" => (&sample.source, true),
            "destination.ip" => (&sample.destination, true),
            "source.domain" => (&sample.source, false),
            "destination.domain" => (&sample.destination, false),
            _ => continue,
        };
        found.extend(end.iter().filter_map(|end| if ip { end.ip.clone() } else { end.domain.clone() }));
    }
    found
}

fn blank(alert: &mut Alert, field: &str) {
    slots(alert, field, &mut |slot| {
        if slot.is_some() {
            *slot = Some(MASK.to_owned());
        }
    });
    match field {
        "domains" => alert.domains.clear(),
        "user.name" => {
            if let Some(user) = &mut alert.user {
                MASK.clone_into(&mut user.name);
            }
        }
        _ => {}
    }
}

/// The optional texts that a field name stands for.
fn slots(alert: &mut Alert, field: &str, visit: &mut impl FnMut(&mut Option<String>)) {
    match field {
        "url" => visit(&mut alert.url),
        "message" => visit(&mut alert.message),
        "host.name" => alert.host.iter_mut().for_each(|host| visit(&mut host.name)),
        "host.ip" => alert.host.iter_mut().for_each(|host| visit(&mut host.ip)),
        "source.ip" => alert.source.iter_mut().for_each(|end| visit(&mut end.ip)),
        "source.domain" => alert.source.iter_mut().for_each(|end| visit(&mut end.domain)),
        "destination.ip" => alert.destination.iter_mut().for_each(|end| visit(&mut end.ip)),
        "destination.domain" => alert.destination.iter_mut().for_each(|end| visit(&mut end.domain)),
        "process.executable" => alert.process.iter_mut().for_each(|process| visit(&mut process.executable)),
        "process.command_line" => alert.process.iter_mut().for_each(|process| visit(&mut process.command_line)),
        "process.parent" => alert.process.iter_mut().for_each(|process| {
            visit(&mut process.parent);
            visit(&mut process.parent_command_line);
        }),
        "registry.path" => visit(&mut alert.registry),
        "file.path" => alert.file.iter_mut().for_each(|file| visit(&mut file.path)),
        _ => {}
    }
}

/// Every text of an alert in which a masked value may stand.
fn each_text(alert: &mut Alert, visit: &mut impl FnMut(&mut String)) {
    let Alert { rule, message, threat, host, source, destination, network, user, process, file, domains, url, .. } =
        alert;
    let mut some = |text: &mut Option<String>| text.iter_mut().for_each(&mut *visit);
    some(message);
    some(url);
    some(&mut alert.location);
    some(&mut alert.registry);
    for end in [source, destination].into_iter().flatten() {
        some(&mut end.ip);
        some(&mut end.domain);
    }
    if let Some(host) = host {
        some(&mut host.id);
        some(&mut host.name);
        some(&mut host.ip);
    }
    some(&mut network.interface);
    if let Some(process) = process {
        some(&mut process.executable);
        some(&mut process.command_line);
        some(&mut process.parent);
        some(&mut process.parent_command_line);
    }
    if let Some(file) = file {
        some(&mut file.path);
    }
    if let Some(user) = user {
        some(&mut user.domain);
    }
    if let Some(user) = user {
        visit(&mut user.name);
    }
    visit(&mut rule.name);
    visit(&mut alert.raw);
    domains.iter_mut().chain(&mut threat.techniques).for_each(&mut *visit);
    for sample in &mut alert.samples {
        visit(&mut sample.raw);
        for end in [&mut sample.source, &mut sample.destination].into_iter().flatten() {
            end.ip.iter_mut().chain(&mut end.domain).for_each(&mut *visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn policy(text: &str) -> Result<Policy, Wrong> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Policy::read(file.path())
    }

    const LINE: &str = r#"{"timestamp":"2026-05-01T12:00:00.123+0200","rule":{"level":5,"description":"failed for Jeanne.Dupont","id":"5760"},"agent":{"id":"001","name":"web"},"id":"1.1","full_log":"Failed password for jeanne.dupont from 203.0.113.9","previous_output":"ACME\\jeanne.dupont","data":{"srcip":"203.0.113.9","dstuser":"ACME\\jeanne.dupont","srcuser":"second.name"},"location":"/x"}"#;

    #[test]
    fn a_masked_account_stands_nowhere_in_the_alert() {
        let mut alert = crate::normalise::wazuh::alert(LINE, Timestamp::now()).unwrap();
        policy("mask = [\"user.name\"]").unwrap().apply(&mut alert);
        let text = serde_json::to_string(&alert).unwrap().to_lowercase();
        assert!(!text.contains("jeanne"), "{text}");
        assert!(!text.contains("second.name"), "the other account of the event: {text}");
        assert!(text.contains("203.0.113.9"));
    }

    #[test]
    fn a_pointer_into_the_raw_event_masks_its_value_everywhere() {
        let mut alert = crate::normalise::wazuh::alert(LINE, Timestamp::now()).unwrap();
        policy("mask = [\"raw:/data/srcip\"]").unwrap().apply(&mut alert);
        assert!(!serde_json::to_string(&alert).unwrap().contains("203.0.113.9"));
    }

    #[test]
    fn a_short_account_is_masked_where_it_stands_as_a_word() {
        let line = LINE.replace("jeanne.dupont", "jo").replace("203", "joan");
        let mut alert = crate::normalise::wazuh::alert(&line, Timestamp::now()).unwrap();
        policy("mask = [\"user.name\"]").unwrap().apply(&mut alert);
        assert_eq!(alert.message.as_deref(), Some("Failed password for [masked] from joan.0.113.9"));
        assert!(alert.raw.is_empty());
    }

    #[test]
    fn a_raw_event_that_cannot_be_taken_apart_does_not_leave_if_anything_is_masked() {
        let deep = format!(
            r#"{{"event_type":"alert","alert":{{"signature_id":7}},"user":"jeanne.dupont","deep":{}{}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        let key: crate::normalise::suricata::Key<'_> = serde_json::from_str(&deep).unwrap();
        let found = crate::source::Found::Suricata(key);
        let now = Timestamp::now();
        let event = found.event("eve", "eve", now);
        let mut alert = crate::source::Reading::normalise(wire::Source::Suricata, &deep, &event, now);
        assert_eq!(alert.raw, deep);
        policy("mask = [\"user.name\"]").unwrap().apply(&mut alert);
        assert!(alert.raw.is_empty());
    }

    #[test]
    fn an_alert_is_within_its_bounds_though_masks_are_longer_than_what_they_cover() {
        let mut alert = crate::normalise::wazuh::alert(LINE, Timestamp::now()).unwrap();
        alert.message = Some("abc ".repeat(2_000));
        alert.raw = serde_json::json!({"full_log": "abc ".repeat(60_000), "data": {"dstuser": "abc"}}).to_string();
        alert.cut.clear();
        assert_eq!(alert.check(), Ok(()));
        policy("mask = [\"user.name\"]").unwrap().apply(&mut alert);
        assert_eq!(alert.check(), Ok(()));
        assert!(!alert.raw.contains("abc"));
        assert_eq!(alert.cut.len(), 1, "it says that something was cut");
    }

    #[test]
    fn raw_events_stay_where_the_policy_says_so() {
        let mut alert = crate::normalise::wazuh::alert(LINE, Timestamp::now()).unwrap();
        policy("raw = false").unwrap().apply(&mut alert);
        assert!(alert.raw.is_empty());
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let wrong = policy("raw = true\nmask = [\n  \"user.nam\",\n]\n").unwrap_err();
        assert_eq!(wrong.line, Some(3));
    }

    #[test]
    fn the_example_is_the_usual_policy() {
        let example = policy(&Policy::example()).unwrap();
        assert!(example.raw && example.mask.is_empty());
    }
}
