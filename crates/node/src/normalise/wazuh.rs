//! A Wazuh manager's `alerts.json`, versions 4.3 to 4.14: <https://documentation.wazuh.com/4.14/user-manual/manager/alert-management.html>.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use wire::alert::{Alert, File, Fold, Host, Network, Process, Rule, Severity, Source, Threat, User};

use super::{Text, address, at, cut, endpoint, first, fit, list, number, raw, suricata, text, time};

/// Wazuh's own rule of Suricata's alerts, the one of its `0475-suricata_rules.xml` that makes alerts. Those of any other rule say
/// something that Suricata did not: they are Wazuh's.
const COPIES: &str = "86601";

/// The fields by which alerts are folded.
#[derive(Debug, Default, Deserialize)]
pub struct Key<'a> {
    /// When the manager received the event.
    #[serde(borrow, default)]
    pub timestamp: Text<'a>,
    /// The rule; absent in events that are no alerts (`archives.json`).
    #[serde(borrow, default)]
    pub rule: Option<RuleKey<'a>>,
    /// The host.
    #[serde(borrow, default)]
    pub agent: AgentKey<'a>,
    /// Decoded fields.
    #[serde(borrow, default)]
    pub data: Option<DataKey<'a>>,
    /// File integrity: the path tells events apart.
    #[serde(borrow, default)]
    pub syscheck: Option<SyscheckKey<'a>>,
}

/// The rule.
#[derive(Debug, Default, Deserialize)]
pub struct RuleKey<'a> {
    /// Its id.
    #[serde(borrow, default)]
    pub id: Text<'a>,
}

/// The host.
#[derive(Debug, Default, Deserialize)]
pub struct AgentKey<'a> {
    /// Its id.
    #[serde(borrow, default)]
    pub id: Text<'a>,
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
}

/// Decoded fields.
#[derive(Debug, Default, Deserialize)]
pub struct DataKey<'a> {
    /// Source address.
    #[serde(borrow, default)]
    pub srcip: Text<'a>,
    /// Source address in Suricata's events.
    #[serde(borrow, default)]
    pub src_ip: Text<'a>,
    /// Destination address.
    #[serde(borrow, default)]
    pub dstip: Text<'a>,
    /// Destination address in Suricata's events.
    #[serde(borrow, default)]
    pub dest_ip: Text<'a>,
    /// Account at the source.
    #[serde(borrow, default)]
    pub srcuser: Text<'a>,
    /// Account at the destination.
    #[serde(borrow, default)]
    pub dstuser: Text<'a>,
    /// The signature of Suricata, in its events.
    #[serde(borrow, default)]
    pub alert: Option<suricata::AlertKey<'a>>,
    /// Suricata's own time, in its events.
    #[serde(borrow, default)]
    pub timestamp: Text<'a>,
}

/// File integrity.
#[derive(Debug, Default, Deserialize)]
pub struct SyscheckKey<'a> {
    /// The file.
    #[serde(borrow, default)]
    pub path: Text<'a>,
}

impl Key<'_> {
    /// The event of Suricata that this is a copy of, if it is one: as [`alert`] sees it.
    #[must_use]
    pub fn suricata(&self) -> Option<&DataKey<'_>> {
        let data = self.data.as_ref()?;
        let signature = &data.alert.as_ref()?.signature_id.0;
        (!signature.is_empty() && self.rule.as_ref()?.id.0 == COPIES).then_some(data)
    }

    /// Source address.
    #[must_use]
    pub fn from(&self) -> &str {
        self.data.as_ref().map_or("", |data| if data.srcip.0.is_empty() { &data.src_ip.0 } else { &data.srcip.0 })
    }

    /// Destination address.
    #[must_use]
    pub fn to(&self) -> &str {
        self.data.as_ref().map_or("", |data| if data.dstip.0.is_empty() { &data.dest_ip.0 } else { &data.dstip.0 })
    }

    /// Account; the file for file integrity, so that two changed files are two alerts.
    #[must_use]
    pub fn user(&self) -> &str {
        if let Some(syscheck) = &self.syscheck {
            return &syscheck.path.0;
        }
        self.data.as_ref().map_or("", |data| if data.dstuser.0.is_empty() { &data.srcuser.0 } else { &data.dstuser.0 })
    }
}

/// The whole alert.
///
/// # Errors
/// When the line is no JSON object.
pub fn alert(line: &str, now: Timestamp) -> Result<Alert, serde_json::Error> {
    let value: Value = serde_json::from_str(line)?;
    let (raw, cut) = raw(line, &value);
    let rule = Rule {
        id: text(&value, "rule.id").unwrap_or_default(),
        version: None,
        name: text(&value, "rule.description").unwrap_or_else(|| "Wazuh alert without a description".to_owned()),
        category: None,
        groups: list(&value, "rule.groups"),
        references: list(&value, "rule.info"),
    };
    let copy = |data: &&Value| rule.id == COPIES && text(data, "alert.signature_id").is_some();
    let mut alert = match at(&value, "data").filter(copy) {
        Some(data) => through_suricata(data, now, raw),
        None => Alert {
            time: text(&value, "timestamp").and_then(|text| time(&text)).unwrap_or(now),
            ..build(&value, rule, now, raw)
        },
    };
    alert.last = alert.time;
    alert.threat.techniques.extend(list(&value, "rule.mitre.id"));
    alert.threat.tactics.extend(list(&value, "rule.mitre.tactic"));
    alert.host = host(&value);
    alert.location = text(&value, "location");
    alert.cut = cut;
    fit(&mut alert);
    Ok(alert)
}

/// Suricata's event as Wazuh read it ([`COPIES`]): Wazuh gives every one level 3, the
/// signature's own severity is kept. It is an alert of Suricata that came by way of Wazuh, so that it is the same one as in EVE.
fn through_suricata(data: &Value, now: Timestamp, raw: String) -> Alert {
    Alert { witnesses: vec![Source::Wazuh], ..suricata::build(data, now, raw) }
}

fn build(value: &Value, rule: Rule, now: Timestamp, raw: String) -> Alert {
    let level = number(value, "rule.level").unwrap_or(0);
    let data = at(value, "data").unwrap_or(&Value::Null);
    let from = first(data, &["srcip", "src_ip", "win.eventdata.ipAddress", "win.eventdata.sourceIp"])
        .filter(|ip| !matches!(ip.as_str(), "-" | "any"));
    let to = first(data, &["dstip", "dest_ip", "win.eventdata.destinationIp"]);
    let from_port = ["srcport", "src_port", "win.eventdata.ipPort", "win.eventdata.sourcePort"];
    let to_port = ["dstport", "dest_port", "win.eventdata.destinationPort"];
    let port = |paths: &[&str]| paths.iter().find_map(|path| number(data, path));
    Alert {
        module: Source::Wazuh,
        rule,
        severity: Severity::from_wazuh_level(level),
        time: now,
        seen: now,
        count: 1,
        last: now,
        message: message(value, data),
        threat: Threat::default(),
        host: None,
        source: endpoint(
            from,
            port(&from_port),
            text(data, "win.eventdata.workstationName").filter(|name| name != "-"),
        ),
        destination: endpoint(to, port(&to_port), text(data, "win.eventdata.destinationHostname")),
        network: Network {
            transport: first(data, &["protocol", "proto", "win.eventdata.protocol"])
                .map(|text| text.to_ascii_lowercase()),
            action: first(data, &["action", "alert.action"]),
            ..Network::default()
        },
        user: user(data),
        process: process(value, data),
        file: file(value, data),
        registry: text(data, "win.eventdata.targetObject").or_else(|| registry(value)),
        domains: first(data, &["win.eventdata.queryName", "hostname"])
            .map(|name| name.trim_end_matches('.').to_lowercase())
            .into_iter()
            .collect(),
        url: text(data, "url"),
        location: None,
        fold: Fold::Full,
        witnesses: Vec::new(),
        samples: Vec::new(),
        raw,
        cut: Vec::new(),
        closed: false,
    }
}

fn host(value: &Value) -> Option<Host> {
    let host = Host {
        id: text(value, "agent.id"),
        name: first(value, &["agent.name", "agentless.host", "predecoder.hostname"]),
        ip: text(value, "agent.ip").filter(|ip| ip != "any").map(|ip| address(&ip)),
    };
    (host != Host::default()).then_some(host)
}

fn message(value: &Value, data: &Value) -> Option<String> {
    let whole = first(value, &["full_log", "syscheck.diff"])
        .or_else(|| first(data, &["win.system.message", "alert.signature"]))?;
    let line = whole.trim_matches('"').split(['\n', '\r']).find(|line| !line.trim().is_empty())?;
    Some(cut(line.trim(), 1024).to_owned())
}

fn user(data: &Value) -> Option<User> {
    let paths = [
        "dstuser",
        "srcuser",
        "win.eventdata.targetUserName",
        "win.eventdata.user",
        "win.eventdata.subjectUserName",
        "audit.auid",
    ];
    let name = first(data, &paths).filter(|name| name != "-")?;
    let domain = first(data, &["win.eventdata.targetDomainName", "win.eventdata.subjectDomainName"]);
    // Sysmon writes `DOMAIN\name`.
    match name.split_once('\\') {
        Some((domain, name)) if !name.is_empty() => {
            Some(User { name: name.to_owned(), domain: Some(domain.to_owned()) })
        }
        _ => Some(User { name, domain }),
    }
}

fn process(value: &Value, data: &Value) -> Option<Process> {
    let executable =
        first(data, &["win.eventdata.image", "win.eventdata.newProcessName", "win.eventdata.processName", "audit.exe"])
            .or_else(|| first(value, &["syscheck.audit.process.name", "predecoder.program_name"]));
    let pid = |path: &str| {
        text(data, path).and_then(|text| match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        })
    };
    let process = Process {
        executable,
        command_line: first(data, &["win.eventdata.commandLine", "command", "audit.command"]),
        pid: pid("win.eventdata.processId"),
        parent: first(data, &["win.eventdata.parentImage", "win.eventdata.parentProcessName"]),
        parent_command_line: text(data, "win.eventdata.parentCommandLine"),
        parent_pid: pid("win.eventdata.parentProcessId"),
    };
    (process != Process::default()).then_some(process)
}

/// File integrity watches the registry too: `syscheck.path` is then a key.
fn registry(value: &Value) -> Option<String> {
    let key = text(value, "syscheck.path").filter(|path| path.starts_with("HKEY_"))?;
    Some(match text(value, "syscheck.value_name") {
        Some(name) => format!("{key}\\{name}"),
        None => key,
    })
}

fn file(value: &Value, data: &Value) -> Option<File> {
    let hash = |name: &str| first(value, &[&format!("syscheck.{name}_after"), &format!("syscheck.{name}_before")]);
    let mut file = File {
        path: text(value, "syscheck.path")
            .filter(|path| !path.starts_with("HKEY_"))
            .or_else(|| first(data, &["win.eventdata.targetFilename", "file"])),
        size: number(value, "syscheck.size_after"),
        md5: hash("md5"),
        sha1: hash("sha1"),
        sha256: hash("sha256"),
    };
    // Sysmon: `SHA256=..,MD5=..` in one text.
    for (name, hash) in text(data, "win.eventdata.hashes")
        .unwrap_or_default()
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, hash)| (name.trim().to_ascii_uppercase(), hash.trim().to_ascii_lowercase()))
    {
        match name.as_str() {
            "MD5" => file.md5 = Some(hash),
            "SHA1" => file.sha1 = Some(hash),
            "SHA256" => file.sha256 = Some(hash),
            _ => {}
        }
    }
    (file != File::default()).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_login_has_host_addresses_account_and_technique() {
        let line = r#"{"timestamp":"2026-05-01T12:00:00.123+0200","rule":{"level":10,"description":"sshd: brute force","id":"5763","mitre":{"id":["T1110"],"tactic":["Credential Access"],"technique":["Brute Force"]},"groups":["syslog","sshd"]},"agent":{"id":"001","name":"web","ip":"10.3.0.1"},"manager":{"name":"m"},"id":"1764000000.1","full_log":"Nov 24 12:00:00 web sshd[99]: Failed password for root from 203.0.113.9 port 4022 ssh2","predecoder":{"program_name":"sshd"},"decoder":{"name":"sshd"},"data":{"srcip":"203.0.113.9","srcport":"4022","dstuser":"root"},"location":"/var/log/auth.log"}"#;
        let alert = alert(line, Timestamp::now()).unwrap();
        assert_eq!(alert.check(), Ok(()));
        assert_eq!(alert.severity, Severity::Medium);
        assert_eq!(alert.host.as_ref().unwrap().name.as_deref(), Some("web"));
        assert_eq!(alert.source.as_ref().unwrap().port, Some(4022));
        assert_eq!(alert.user.as_ref().unwrap().name, "root");
        assert_eq!(alert.threat.techniques, ["T1110"]);
        assert_eq!(alert.time, "2026-05-01T10:00:00.123Z".parse::<Timestamp>().unwrap());
        let key: Key<'_> = serde_json::from_str(line).unwrap();
        assert_eq!((key.from(), key.user(), key.agent.name.0.as_ref()), ("203.0.113.9", "root", "web"));
    }

    #[test]
    fn suricata_through_wazuh_keeps_its_severity_and_mangled_flow() {
        let line = r#"{"timestamp":"2026-05-01T12:00:00.123+0200","rule":{"level":3,"description":"Suricata: Alert - X","id":"86601","groups":["ids","suricata"]},"agent":{"id":"002","name":"fw"},"manager":{"name":"m"},"id":"1.2","decoder":{"name":"json"},"data":{"timestamp":"2026-05-01T10:00:00.1+0000","flow_id":"1946432423433533.000000","event_type":"alert","src_ip":"10.0.0.1","src_port":"4","dest_ip":"10.0.0.2","dest_port":"80","proto":"TCP","alert":{"signature_id":"2024897","severity":"1","signature":"X"}},"location":"/var/log/suricata/eve.json"}"#;
        let alert = alert(line, Timestamp::now()).unwrap();
        assert_eq!((alert.severity, alert.module), (Severity::High, Source::Suricata));
        assert_eq!((alert.rule.id.as_str(), &alert.witnesses[..]), ("2024897", &[Source::Wazuh][..]));
        assert_eq!(alert.time, "2026-05-01T10:00:00.1Z".parse::<Timestamp>().unwrap(), "Suricata's own");
        assert_eq!(alert.network.flow.as_deref(), Some("1946432423433533"));
        assert_eq!(alert.destination.unwrap().port, Some(80));
    }

    #[test]
    fn a_rule_of_the_managers_own_on_suricatas_events_is_an_alert_of_wazuh_with_its_level() {
        let line = r#"{"timestamp":"2026-05-01T12:00:07.123+0200","rule":{"level":12,"description":"C2 from a server","id":"100200","groups":["local","suricata"]},"agent":{"id":"002","name":"fw"},"manager":{"name":"m"},"id":"1.2","decoder":{"name":"json"},"data":{"timestamp":"2026-05-01T10:00:00.1+0000","event_type":"alert","src_ip":"10.0.0.1","src_port":"4","dest_ip":"10.0.0.2","dest_port":"80","proto":"TCP","alert":{"signature_id":"2024897","severity":"3","signature":"X","action":"allowed"}},"location":"/var/log/suricata/eve.json"}"#;
        let alert = alert(line, Timestamp::now()).unwrap();
        assert_eq!(alert.check(), Ok(()));
        assert_eq!((alert.severity, alert.module), (Severity::from_wazuh_level(12), Source::Wazuh));
        assert_eq!((alert.rule.id.as_str(), alert.rule.name.as_str()), ("100200", "C2 from a server"));
        assert_eq!(alert.time, "2026-05-01T10:00:07.123Z".parse::<Timestamp>().unwrap(), "Wazuh's own");
        assert_eq!(
            (alert.source.unwrap().ip.as_deref(), alert.destination.unwrap().port),
            (Some("10.0.0.1"), Some(80))
        );
        assert_eq!((alert.message.as_deref(), alert.network.transport.as_deref()), (Some("X"), Some("tcp")));
        let key: Key<'_> = serde_json::from_str(line).unwrap();
        assert!(key.suricata().is_none(), "it is folded as Wazuh's");
        assert_eq!((key.from(), key.to()), ("10.0.0.1", "10.0.0.2"));
    }

    #[test]
    fn sysmon_keeps_the_case_of_paths_and_gives_hashes() {
        let line = r#"{"timestamp":"2026-05-01T12:00:00.123+0200","rule":{"level":12,"description":"d","id":"92052"},"agent":{"id":"003","name":"PC"},"manager":{"name":"m"},"id":"1.3","decoder":{"name":"windows_eventchannel"},"data":{"win":{"system":{"eventID":"1"},"eventdata":{"image":"C:\\Windows\\System32\\cmd.exe","commandLine":"cmd /c Whoami","parentImage":"C:\\Word.exe","parentCommandLine":"Word.exe /Q","parentProcessId":"12","targetObject":"HKLM\\Run\\Evil","processId":"4711","user":"ACME\\Jo","hashes":"SHA256=AB12,MD5=CD34"}}},"location":"EventChannel"}"#;
        let alert = alert(line, Timestamp::now()).unwrap();
        let process = alert.process.unwrap();
        assert_eq!(process.executable.as_deref(), Some("C:\\Windows\\System32\\cmd.exe"));
        assert_eq!(process.pid, Some(4711));
        assert_eq!((process.parent_command_line.as_deref(), process.parent_pid), (Some("Word.exe /Q"), Some(12)));
        assert_eq!(alert.registry.as_deref(), Some("HKLM\\Run\\Evil"));
        assert_eq!(alert.user.unwrap(), User { name: "Jo".into(), domain: Some("ACME".into()) });
        assert_eq!(alert.file.unwrap().sha256.as_deref(), Some("ab12"));
    }
}
