//! Alerts as a Wazuh 4.x manager writes them.

use fastrand::Rng;
use jiff::ZonedDateTime;
use serde_json::{Map, Value, json};

use crate::demo::traffic::scene::{Scene, stranger};

/// Something that a manager reports.
pub(crate) struct Event {
    /// How often the demo writes it, against the others.
    pub weight: u32,
    build: fn(&mut Stage<'_>) -> Vec<Value>,
}

/// What an event is written with.
pub(crate) struct Stage<'a> {
    /// The client.
    pub scene: &'a Scene,
    /// Chance.
    pub dice: &'a mut Rng,
    /// The manager's clock, in its own zone.
    pub now: &'a ZonedDateTime,
}

/// A host with an agent.
struct Agent {
    id: &'static str,
    name: &'static str,
    last: u8,
}

const WEB: Agent = Agent { id: "001", name: "web-1", last: 10 };
const FILES: Agent = Agent { id: "002", name: "files-1", last: 20 };
const CONTROLLER: Agent = Agent { id: "003", name: "DC1", last: 30 };
const DESKS: [Agent; 4] = [
    Agent { id: "004", name: "DESK-101", last: 101 },
    Agent { id: "005", name: "DESK-102", last: 102 },
    Agent { id: "006", name: "DESK-103", last: 103 },
    Agent { id: "007", name: "DESK-104", last: 104 },
];
const PEOPLE: [&str; 6] = ["alice", "bruno", "chantal", "dora", "emil", "fatou"];
const ACCOUNTS: [&str; 5] = ["admin", "oracle", "test", "ubuntu", "postgres"];

/// What a manager reports in the demo.
pub(crate) const EVENTS: &[Event] = &[
    Event { weight: 8, build: sshd_unknown_user },
    Event { weight: 3, build: sshd_brute_force },
    Event { weight: 8, build: sshd_success },
    Event { weight: 8, build: sudo_to_root },
    Event { weight: 6, build: file_changed },
    Event { weight: 4, build: file_added },
    Event { weight: 5, build: web_attack },
    Event { weight: 2, build: rootcheck },
    Event { weight: 6, build: windows_sign_in_failed },
    Event { weight: 3, build: windows_user_added },
    Event { weight: 4, build: sysmon_script_from_office },
    Event { weight: 1, build: sysmon_lsass },
    Event { weight: 5, build: agent_stopped },
    Event { weight: 5, build: package_installed },
];

impl Event {
    /// The alerts of one occurrence, without their ids.
    pub(crate) fn alerts(&self, stage: &mut Stage<'_>) -> Vec<Value> {
        (self.build)(stage)
    }
}

/// The rule's part of an alert.
struct Rule {
    id: u32,
    level: u32,
    description: &'static str,
    groups: &'static [&'static str],
    mitre: &'static [(&'static str, &'static str, &'static str)],
    frequency: Option<u32>,
}

impl Rule {
    fn json(&self, fired: u32) -> Value {
        let mut rule = Map::new();
        rule.insert("level".into(), self.level.into());
        rule.insert("description".into(), self.description.into());
        rule.insert("id".into(), self.id.to_string().into());
        if !self.mitre.is_empty() {
            let part = |get: fn(&(&'static str, &'static str, &'static str)) -> &'static str| {
                let mut all: Vec<_> = self.mitre.iter().map(get).collect();
                all.dedup();
                all
            };
            rule.insert(
                "mitre".into(),
                json!({"id": part(|m| m.0), "tactic": part(|m| m.1), "technique": part(|m| m.2)}),
            );
        }
        if let Some(frequency) = self.frequency {
            rule.insert("frequency".into(), frequency.into());
        }
        rule.insert("firedtimes".into(), fired.into());
        rule.insert("mail".into(), (self.level >= 12).into());
        rule.insert("groups".into(), json!(self.groups));
        Value::Object(rule)
    }
}

impl Stage<'_> {
    fn ip(&self, agent: &Agent) -> String {
        let [a, b, c, _] = self.scene.web().octets();
        format!("{a}.{b}.{c}.{}", agent.last)
    }

    fn person(&mut self) -> &'static str {
        PEOPLE[self.dice.usize(..PEOPLE.len())]
    }

    fn desk(&mut self) -> &'static Agent {
        &DESKS[self.dice.usize(..DESKS.len())]
    }

    /// An alert; `rest` holds what comes after the manager's name.
    fn alert(&mut self, rule: &Rule, agent: &Agent, rest: Value) -> Value {
        let fired = self.dice.u32(1..40);
        let mut alert = json!({
            "timestamp": self.now.strftime("%Y-%m-%dT%H:%M:%S%.3f%z").to_string(),
            "rule": rule.json(fired),
            "agent": {"id": agent.id, "name": agent.name, "ip": self.ip(agent)},
            "manager": {"name": format!("wazuh-{}", self.scene.slug)},
            "cluster": {"name": "wazuh", "node": "node01"},
        });
        if let (Some(all), Value::Object(rest)) = (alert.as_object_mut(), rest) {
            all.extend(rest);
        }
        alert
    }

    /// An alert about a line of syslog.
    fn syslog(&mut self, rule: &Rule, agent: &Agent, program: &str, log: &str, rest: Value) -> Value {
        let stamp = self.now.strftime("%b %e %H:%M:%S").to_string();
        let program_name = program.split('[').next().unwrap_or(program);
        let mut alert = self.alert(
            rule,
            agent,
            json!({
                "full_log": format!("{stamp} {} {program}: {log}", agent.name),
                "predecoder": {"program_name": program_name, "timestamp": stamp, "hostname": agent.name},
                "decoder": {"parent": program_name, "name": program_name},
                "location": "/var/log/auth.log",
            }),
        );
        if let (Some(all), Value::Object(rest)) = (alert.as_object_mut(), rest) {
            all.extend(rest);
        }
        alert
    }

    /// An alert about a record of a Windows event log.
    fn windows(&mut self, rule: &Rule, agent: &Agent, log: &WindowsLog, eventdata: &Value) -> Value {
        let record = self.dice.u32(10_000..900_000);
        let process = self.dice.u32(400..9_000);
        let system_time = self.now.timestamp().strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string();
        self.alert(
            rule,
            agent,
            json!({
                "decoder": {"name": "windows_eventchannel"},
                "data": {"win": {
                    "system": {
                        "providerName": log.provider,
                        "eventID": log.event.to_string(),
                        "version": "5",
                        "level": "4",
                        "task": log.event.to_string(),
                        "opcode": "0",
                        "keywords": log.keywords,
                        "systemTime": system_time,
                        "eventRecordID": record.to_string(),
                        "processID": process.to_string(),
                        "threadID": (process + 12).to_string(),
                        "channel": log.channel,
                        "computer": format!("{}.{}.example", agent.name, self.scene.slug),
                        "severityValue": log.severity,
                        "message": format!("\"{}\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-0-0\"", log.message),
                    },
                    "eventdata": eventdata,
                }},
                "location": "EventChannel",
            }),
        )
    }
}

struct WindowsLog {
    provider: &'static str,
    channel: &'static str,
    event: u32,
    keywords: &'static str,
    severity: &'static str,
    message: &'static str,
}

const BRUTE: &[(&str, &str, &str)] = &[("T1110", "Credential Access", "Brute Force")];

fn sshd_line(s: &mut Stage<'_>, rule: &Rule, ip: &str) -> Value {
    let (user, port) = (ACCOUNTS[s.dice.usize(..ACCOUNTS.len())], s.dice.u16(30_000..60_000));
    let pid = s.dice.u32(1_000..30_000);
    s.syslog(
        rule,
        &FILES,
        &format!("sshd[{pid}]"),
        &format!("Invalid user {user} from {ip} port {port}"),
        json!({"data": {"srcip": ip, "srcport": port.to_string(), "srcuser": user}}),
    )
}

const UNKNOWN_USER: Rule = Rule {
    id: 5710,
    level: 5,
    description: "sshd: Attempt to login using a non-existent user",
    groups: &["syslog", "sshd", "authentication_failed", "invalid_login"],
    mitre: &[("T1110.001", "Credential Access", "Password Guessing"), ("T1021.004", "Lateral Movement", "SSH")],
    frequency: None,
};

fn sshd_unknown_user(s: &mut Stage<'_>) -> Vec<Value> {
    let ip = stranger(s.dice).to_string();
    vec![sshd_line(s, &UNKNOWN_USER, &ip)]
}

fn sshd_brute_force(s: &mut Stage<'_>) -> Vec<Value> {
    let ip = stranger(s.dice).to_string();
    let mut all: Vec<Value> = (0..7).map(|_| sshd_line(s, &UNKNOWN_USER, &ip)).collect();
    let rule = Rule {
        id: 5712,
        level: 10,
        description: "sshd: brute force trying to get access to the system. Non existent user.",
        groups: &["syslog", "sshd", "authentication_failures"],
        mitre: BRUTE,
        frequency: Some(8),
    };
    let earlier: Vec<&str> = all.iter().filter_map(|a| a["full_log"].as_str()).collect();
    let earlier = earlier.join("\n");
    let mut alert = sshd_line(s, &rule, &ip);
    alert["previous_output"] = earlier.into();
    all.push(alert);
    if s.dice.u8(..4) == 0 {
        let rule = Rule {
            id: 5763,
            level: 10,
            description: "sshd: brute force trying to get access to the system. Authentication failed.",
            groups: &["syslog", "sshd", "authentication_failures"],
            mitre: BRUTE,
            frequency: Some(8),
        };
        all.push(sshd_line(s, &rule, &ip));
    }
    all
}

fn sshd_success(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 5715,
        level: 3,
        description: "sshd: authentication success.",
        groups: &["syslog", "sshd", "authentication_success"],
        mitre: &[("T1078", "Defense Evasion", "Valid Accounts"), ("T1021", "Lateral Movement", "Remote Services")],
        frequency: None,
    };
    let (user, desk) = (s.person(), s.desk());
    let (ip, port, pid) = (s.ip(desk), s.dice.u16(30_000..60_000), s.dice.u32(1_000..30_000));
    let log = format!("Accepted publickey for {user} from {ip} port {port} ssh2: ED25519 SHA256:demo");
    vec![s.syslog(
        &rule,
        &FILES,
        &format!("sshd[{pid}]"),
        &log,
        json!({"data": {"srcip": ip, "srcport": port.to_string(), "dstuser": user}}),
    )]
}

fn sudo_to_root(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 5402,
        level: 3,
        description: "Successful sudo to ROOT executed.",
        groups: &["syslog", "sudo"],
        mitre: &[("T1548.003", "Privilege Escalation", "Sudo and Sudo Caching")],
        frequency: None,
    };
    let user = s.person();
    let command = ["/usr/bin/apt-get update", "/usr/bin/systemctl restart nginx", "/usr/bin/less /var/log/syslog"]
        [s.dice.usize(..3)];
    let log = format!("    {user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND={command}");
    vec![s.syslog(
        &rule,
        &WEB,
        "sudo",
        &log,
        json!({"data": {"srcuser": user, "dstuser": "root", "tty": "pts/0", "pwd": format!("/home/{user}"), "command": command}}),
    )]
}

fn file_event(s: &mut Stage<'_>, rule: &Rule, path: &str, event: &str, change: Value) -> Value {
    let mut word = |n: usize| (0..n).map(|_| s.dice.digit(16)).collect::<String>();
    let (md5, sha1, sha256) = (word(32), word(40), word(64));
    let mtime = s.now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let inode = s.dice.u32(100_000..900_000);
    let mut syscheck = json!({
        "path": path, "mode": "realtime", "size_after": s.dice.u32(200..9_000).to_string(),
        "perm_after": "rw-r--r--", "uid_after": "0", "gid_after": "0",
        "md5_after": md5, "sha1_after": sha1, "sha256_after": sha256,
        "uname_after": "root", "gname_after": "root", "mtime_after": mtime, "inode_after": inode, "event": event,
    });
    if let (Some(all), Value::Object(change)) = (syscheck.as_object_mut(), change) {
        all.extend(change);
    }
    s.alert(
        rule,
        &WEB,
        json!({
            "full_log": format!("File '{path}' {event}\nMode: realtime\n"),
            "syscheck": syscheck,
            "decoder": {"name": format!("syscheck_{}", if event == "added" { "new_entry" } else { "integrity_changed" })},
            "location": "syscheck",
        }),
    )
}

fn file_changed(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 550,
        level: 7,
        description: "Integrity checksum changed.",
        groups: &["ossec", "syscheck", "syscheck_entry_modified", "syscheck_file"],
        mitre: &[("T1565.001", "Impact", "Stored Data Manipulation")],
        frequency: None,
    };
    let path = ["/etc/hosts", "/etc/nginx/nginx.conf", "/etc/cron.d/backup", "/etc/passwd"][s.dice.usize(..4)];
    vec![file_event(
        s,
        &rule,
        path,
        "modified",
        json!({"changed_attributes": ["size", "mtime", "md5", "sha1", "sha256"]}),
    )]
}

fn file_added(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 554,
        level: 5,
        description: "File added to the system.",
        groups: &["ossec", "syscheck", "syscheck_entry_added", "syscheck_file"],
        mitre: &[],
        frequency: None,
    };
    let path = ["/var/www/html/uploads/image.php", "/usr/local/bin/update", "/etc/cron.d/job"][s.dice.usize(..3)];
    vec![file_event(s, &rule, path, "added", json!({}))]
}

fn web_attack(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 31106,
        level: 6,
        description: "A web attack returned code 200 (success).",
        groups: &["web", "accesslog", "attack"],
        mitre: &[("T1190", "Initial Access", "Exploit Public-Facing Application")],
        frequency: None,
    };
    let ip = stranger(s.dice).to_string();
    let url = "/search?q=%27%20UNION%20SELECT%20name%20FROM%20users--";
    let stamp = s.now.strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
    vec![s.alert(
        &rule,
        &WEB,
        json!({
            "full_log": format!("{ip} - - [{stamp}] \"GET {url} HTTP/1.1\" 200 612 \"-\" \"Mozilla/5.0\""),
            "decoder": {"name": "web-accesslog"},
            "data": {"protocol": "GET", "srcip": ip, "id": "200", "url": url},
            "location": "/var/log/nginx/access.log",
        }),
    )]
}

fn rootcheck(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 510,
        level: 7,
        description: "Host-based anomaly detection event (rootcheck).",
        groups: &["ossec", "rootcheck"],
        mitre: &[],
        frequency: None,
    };
    let log = "File '/dev/shm/.x' is owned by root and has written permissions to anyone.";
    vec![s.alert(
        &rule,
        &FILES,
        json!({
            "full_log": log,
            "decoder": {"name": "rootcheck"},
            "data": {"title": "File is owned by root and has written permissions to anyone.", "file": "/dev/shm/.x"},
            "location": "rootcheck",
        }),
    )]
}

const SECURITY: WindowsLog = WindowsLog {
    provider: "Microsoft-Windows-Security-Auditing",
    channel: "Security",
    event: 4625,
    keywords: "0x8010000000000000",
    severity: "AUDIT_FAILURE",
    message: "An account failed to log on.",
};

fn windows_sign_in_failed(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 60122,
        level: 5,
        description: "Logon failure - Unknown user or bad password.",
        groups: &["windows", "windows_security", "authentication_failed"],
        mitre: &[("T1531", "Impact", "Account Access Removal")],
        frequency: None,
    };
    let (user, desk) = (s.person(), s.desk());
    let (ip, port) = (s.ip(desk), s.dice.u16(49_152..65_000));
    let eventdata = json!({
        "subjectUserSid": "S-1-0-0", "targetUserName": user, "targetDomainName": s.scene.slug.to_uppercase(),
        "status": "0xc000006d", "subStatus": "0xc000006a", "failureReason": "%%2313", "logonType": "3",
        "logonProcessName": "NtLmSsp", "authenticationPackageName": "NTLM", "workstationName": desk.name,
        "ipAddress": ip, "ipPort": port.to_string(),
    });
    vec![s.windows(&rule, &CONTROLLER, &SECURITY, &eventdata)]
}

fn windows_user_added(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 60109,
        level: 8,
        description: "User account enabled or created.",
        groups: &["windows", "windows_security", "adduser", "account_changed"],
        mitre: &[("T1098", "Persistence", "Account Manipulation")],
        frequency: None,
    };
    let log = WindowsLog {
        event: 4720,
        keywords: "0x8020000000000000",
        severity: "AUDIT_SUCCESS",
        message: "A user account was created.",
        ..SECURITY
    };
    let who = s.person();
    let domain = s.scene.slug.to_uppercase();
    let eventdata = json!({
        "targetUserName": "svc-backup2", "targetDomainName": domain, "targetSid": "S-1-5-21-1-2-3-1610",
        "subjectUserName": who, "subjectDomainName": domain, "subjectLogonId": "0x3e7f1",
    });
    vec![s.windows(&rule, &CONTROLLER, &log, &eventdata)]
}

const SYSMON: WindowsLog = WindowsLog {
    provider: "Microsoft-Windows-Sysmon",
    channel: "Microsoft-Windows-Sysmon/Operational",
    event: 1,
    keywords: "0x8000000000000000",
    severity: "INFORMATION",
    message: "Process Create:",
};

fn sysmon_script_from_office(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 92_032,
        level: 12,
        description: "Office application started PowerShell",
        groups: &["sysmon", "sysmon_eid1_detections", "windows"],
        mitre: &[("T1566.001", "Initial Access", "Spearphishing Attachment"), ("T1059.001", "Execution", "PowerShell")],
        frequency: None,
    };
    let (user, desk) = (s.person(), s.desk());
    let mut word = |n: usize| (0..n).map(|_| s.dice.digit(16)).collect::<String>().to_uppercase();
    let hashes = format!("MD5={},SHA256={}", word(32), word(64));
    let pid = s.dice.u32(1_000..9_000);
    let eventdata = json!({
        "utcTime": s.now.timestamp().strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        "processGuid": "{c5f6a1b2-0001-0002-0003-000000000400}", "processId": pid.to_string(),
        "image": "C:\\\\Windows\\\\System32\\\\WindowsPowerShell\\\\v1.0\\\\powershell.exe",
        "commandLine": "powershell.exe -NoP -W Hidden -File C:\\\\Users\\\\Public\\\\invoice.ps1",
        "currentDirectory": "C:\\\\Users\\\\Public\\\\", "user": format!("{}\\\\{user}", s.scene.slug.to_uppercase()),
        "integrityLevel": "Medium", "hashes": hashes,
        "parentProcessId": (pid - 60).to_string(),
        "parentImage": "C:\\\\Program Files\\\\Microsoft Office\\\\root\\\\Office16\\\\WINWORD.EXE",
        "parentCommandLine": "WINWORD.EXE /n invoice.docm",
    });
    vec![s.windows(&rule, desk, &SYSMON, &eventdata)]
}

fn sysmon_lsass(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 92_900,
        level: 15,
        description: "Lsass process was accessed by a program with read permissions, possible credential dump",
        groups: &["sysmon", "sysmon_eid10_detections", "windows"],
        mitre: &[("T1003.001", "Credential Access", "LSASS Memory")],
        frequency: None,
    };
    let log = WindowsLog { event: 10, message: "Process accessed:", ..SYSMON };
    let desk = s.desk();
    let eventdata = json!({
        "utcTime": s.now.timestamp().strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        "sourceProcessId": s.dice.u32(1_000..9_000).to_string(),
        "sourceImage": "C:\\\\Users\\\\Public\\\\update.exe",
        "targetProcessId": "712", "targetImage": "C:\\\\Windows\\\\system32\\\\lsass.exe",
        "grantedAccess": "0x1010", "callTrace": "C:\\\\Windows\\\\SYSTEM32\\\\ntdll.dll+9d4c4",
        "sourceUser": format!("{}\\\\{}", s.scene.slug.to_uppercase(), PEOPLE[0]), "targetUser": "NT AUTHORITY\\\\SYSTEM",
    });
    vec![s.windows(&rule, desk, &log, &eventdata)]
}

fn agent_stopped(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 506,
        level: 3,
        description: "Wazuh agent stopped.",
        groups: &["wazuh"],
        mitre: &[("T1562.001", "Defense Evasion", "Disable or Modify Tools")],
        frequency: None,
    };
    let desk = s.desk();
    let log = format!("ossec: Agent stopped: '{}->any'.", desk.name);
    vec![s.alert(
        &rule,
        desk,
        json!({"full_log": log, "decoder": {"parent": "ossec", "name": "ossec"}, "location": "wazuh-remoted"}),
    )]
}

fn package_installed(s: &mut Stage<'_>) -> Vec<Value> {
    let rule = Rule {
        id: 2902,
        level: 7,
        description: "New dpkg (Debian Package) installed.",
        groups: &["syslog", "dpkg", "config_changed"],
        mitre: &[],
        frequency: None,
    };
    let package = ["htop", "socat", "nmap", "tcpdump"][s.dice.usize(..4)];
    let stamp = s.now.strftime("%Y-%m-%d %H:%M:%S").to_string();
    vec![s.alert(
        &rule,
        &WEB,
        json!({
            "full_log": format!("{stamp} status installed {package}:amd64 3.2.2-2"),
            "decoder": {"name": "dpkg-decoder"},
            "data": {"dpkg_status": "status installed", "package": package, "arch": "amd64", "version": "3.2.2-2"},
            "location": "/var/log/dpkg.log",
        }),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::traffic::scene::SCENES;

    #[test]
    fn every_alert_has_what_a_manager_always_writes() {
        let now: ZonedDateTime = "2026-05-01T12:00:00.123+02:00[Europe/Paris]".parse().unwrap();
        let mut dice = Rng::with_seed(3);
        for event in EVENTS {
            for alert in event.alerts(&mut Stage { scene: &SCENES[1], dice: &mut dice, now: &now }) {
                assert_eq!(alert["timestamp"], "2026-05-01T12:00:00.123+0200", "local time, offset without a colon");
                assert!(alert["rule"]["id"].is_string() && alert["rule"]["level"].is_u64(), "{alert}");
                assert!(alert["agent"]["id"].is_string() && alert["location"].is_string(), "{alert}");
                assert_eq!(alert["manager"]["name"], "wazuh-lycee-exemple");
            }
        }
    }
}
