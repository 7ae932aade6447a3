//! What agents have, and MITRE ATT&CK.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Canned;
use super::state::{Asked, State};

/// What agent 001 has at the beginning.
pub(super) fn example() -> BTreeMap<(String, String), Vec<Value>> {
    let packages = (0..1203)
        .map(|number| json!({ "name": format!("pkg{number:04}"), "version": "1.0", "architecture": "amd64", "format": "deb", "size": "12" }))
        .collect();
    [
        ("os", vec![json!({ "os": { "name": "Ubuntu", "major": 22 }, "hostname": "web1", "scan": { "id": 0, "time": "2026-05-01 09:00:00" } })]),
        ("hardware", vec![json!({ "cpu": { "name": "EPYC", "cores": "4", "mhz": 2400.5 }, "ram": { "total": 8000, "free": 100, "usage": 98 } })]),
        ("packages", packages),
        ("ports", vec![json!({ "protocol": "tcp", "local": { "ip": "0.0.0.0", "port": 22 }, "state": "listening", "pid": "900" })]),
        ("processes", vec![json!({ "pid": "900", "name": "sshd", "ppid": 1 })]),
        ("netaddr", vec![json!({ "iface": "eth0", "address": "10.0.0.5", "proto": "ipv4" })]),
        ("netiface", vec![json!({ "name": "eth0", "mac": "02:00:00:00:00:01", "mtu": 1500, "type": "ethernet" })]),
        ("netproto", vec![json!({ "iface": "eth0", "type": "ipv4", "gateway": "10.0.0.1" })]),
        ("hotfixes", vec![json!({ "hotfix": "KB5034441" })]),
        ("users", vec![json!({ "user": { "name": "root", "id": "0" } })]),
        ("sca", vec![json!({ "policy_id": "cis_ubuntu22-04", "name": "CIS", "pass": 100, "fail": 50, "invalid": 2, "total_checks": 152, "score": 66, "end_scan": "2026-05-01T09:00:00Z" })]),
        ("sca/cis_ubuntu22-04", vec![json!({ "id": 28500, "title": "t", "result": "failed", "condition": "all", "compliance": [{ "key": "cis", "value": "1.1" }] })]),
        ("syscheck", vec![json!({ "file": "/etc/passwd", "type": "file", "size": 10, "mtime": "2026-05-01T09:00:00Z" })]),
        ("syscheck/last_scan", vec![json!({ "start": "2026-05-01T09:00:00Z", "end": null })]),
        ("rootcheck", vec![json!({ "log": "SSH Hardening", "status": "outstanding" })]),
        ("rootcheck/last_scan", vec![json!({ "start": "2026-05-01T09:00:00Z", "end": "2026-05-01T09:01:00Z" })]),
    ]
    .map(|(what, rows): (&str, Vec<Value>)| (("001".to_owned(), what.to_owned()), rows))
    .into()
}

impl State {
    pub(super) fn of_inventory(&mut self, asked: &Asked, parts: &[&str]) -> Option<Canned> {
        if let ("PUT", [what @ ("syscheck" | "rootcheck")]) = (asked.method.as_str(), parts) {
            return Some(self.tell(asked, &format!("{what} scan was restarted on returned agents"), |_, _| None));
        }
        if asked.method != "GET" {
            return None;
        }
        let (id, what) = match parts {
            ["mitre", "techniques"] => {
                let technique = json!({ "id": "attack-pattern--1", "external_id": "T1059", "name": "Command and Scripting Interpreter", "deprecated": 0 });
                return Some(self.page(&[technique], asked));
            }
            ["mitre", _] => return Some(self.page(&[], asked)),
            ["syscollector", id, what] => (*id, (*what).to_owned()),
            [what @ ("sca" | "syscheck" | "rootcheck"), id] => (*id, (*what).to_owned()),
            [what @ ("syscheck" | "rootcheck"), id, "last_scan"] => (*id, format!("{what}/last_scan")),
            ["sca", id, "checks", policy] => (*id, format!("sca/{policy}")),
            _ => return None,
        };
        let agent = match self.seen(id) {
            Ok(agent) => agent,
            Err((code, why)) => return Some(Canned::list(vec![], 0, &[(code, why, id.to_owned())], "None")),
        };
        if agent["status"] == "never_connected" && !self.before(4, 4) {
            let detail = "There is an error accessing the agent database";
            return Some(Canned::problem(400, "Bad Request", detail, Some(2007)));
        }
        let rows = self.inventory.get(&(id.to_owned(), what)).cloned().unwrap_or_default();
        Some(self.page(&rows, asked))
    }
}
