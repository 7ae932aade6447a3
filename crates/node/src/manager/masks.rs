//! The client's masks on what is told of hosts: in the list of them, in alarms about them, and in the answers to commands.
//!
//! A masked field is replaced by [`MASK`], whole. What a deed reads has fields of its own; a command line can name anybody, so it
//! is masked with the account as well.

use std::collections::BTreeMap;

use serde_json::Value;
use wire::command::{Deed, Inventory};
use wire::host::Host;
use wire::status::WazuhStatus;

use crate::policy::{HostAlarms, MASK, Policy, replace};

/// Which fields of a row are covered by which masks.
type Cover = (&'static str, &'static [&'static str]);

/// Where the event of a logtest names machines: the manager that tried it, and the one that the line says it comes from.
const MACHINES: [(&str, &str); 5] = [
    ("/manager/name", "host.name"),
    ("/agent/name", "host.name"),
    ("/predecoder/hostname", "host.name"),
    ("/cluster/node", "host.name"),
    ("/agent/ip", "host.ip"),
];

/// The fields that a client masks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks(Policy);

impl Masks {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self(policy.clone())
    }

    fn has(&self, field: &str) -> bool {
        self.0.mask.iter().any(|mask| mask == field)
    }

    /// What is shown of the manager itself: its name, and where it and its indexer are.
    pub(crate) fn status(&self, status: &mut WazuhStatus) {
        let mut hidden = Vec::new();
        if self.has("host.name") {
            for text in [&mut status.hostname, &mut status.cluster].into_iter().flatten() {
                hidden.push(std::mem::replace(text, MASK.to_owned()));
            }
        }
        for url in [Some(&mut status.url), status.indexer.as_mut()].into_iter().flatten() {
            let Some(host) = host_of(url) else { continue };
            let is_address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
            if self.has(if is_address { "host.ip" } else { "host.name" }) {
                *url = MASK.to_owned();
                hidden.push(host);
            }
        }
        for text in [&mut status.error, &mut status.indexer_error].into_iter().flatten() {
            hidden.iter().for_each(|hidden| replace(text, hidden));
        }
    }

    /// Masks hosts. Gives back which of them are alarmed about, which goes by their true names.
    pub(crate) fn hosts(&self, hosts: &mut BTreeMap<String, Host>, alarms: &HostAlarms) -> HostAlarms {
        let mut alarms = alarms.clone();
        let (names, addresses) = (self.has("host.name"), self.has("host.ip"));
        if names {
            let spared = hosts.values().filter(|host| alarms.spares(host)).map(|host| host.agent.clone());
            alarms.spared = spared.collect();
        }
        for host in hosts.values_mut() {
            if names {
                MASK.clone_into(&mut host.name);
                host.manager = host.manager.take().map(|_| MASK.to_owned());
            }
            if addresses && host.address.is_some() {
                host.address = Some(MASK.to_owned());
            }
        }
        alarms
    }

    /// Masks what a deed has found.
    pub(crate) fn answer(&self, deed: &Deed, answer: &mut Value) {
        if matches!(deed, Deed::Logtest { .. }) {
            return self.logtest(answer);
        }
        let Some(rows) = answer.get_mut("items").and_then(Value::as_array_mut) else { return };
        let covered = covers(deed).iter().filter(|(_, masks)| masks.iter().any(|mask| self.has(mask)));
        let fields: Vec<&str> = covered.map(|(field, _)| *field).collect();
        for row in rows {
            for field in &fields {
                if let Some(value) = row.get_mut(field).filter(|value| !value.is_null()) {
                    *value = MASK.into();
                }
            }
        }
    }

    /// A logtest answers with the alert that would be: what is masked in alerts is masked in it.
    fn logtest(&self, answer: &mut Value) {
        if self.0.mask.is_empty() {
            return;
        }
        let event = answer.get("output").cloned().unwrap_or_default();
        let named = MACHINES.iter().filter(|(_, mask)| self.has(mask));
        let named = named.filter_map(|(at, _)| event.pointer(at)?.as_str().map(str::to_owned));
        self.0.hide(&event, &named.filter(|name| !name.is_empty()).collect::<Vec<_>>(), answer);
    }
}

/// The machine that an address names: `https://MACHINE:55000`.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let place = rest.split(['/', '?', '#']).next()?;
    let place = place.rsplit('@').next()?;
    let host = match place.rsplit_once(':') {
        // The colons of an address of version 6 stand in brackets.
        Some((host, port)) if !port.contains(']') => host,
        _ => place,
    };
    (!host.is_empty()).then(|| host.to_owned())
}

fn covers(deed: &Deed) -> &'static [Cover] {
    const ACCOUNT: &[&str] = &["user.name"];
    // Which end is the host's own is not known: it is either, by who has opened the connection.
    const ADDRESS: &[&str] = &["host.ip", "source.ip", "destination.ip"];
    match deed {
        Deed::FindVulnerable { .. } => &[("name", &["host.name"])],
        Deed::Inventory { what: Inventory::Ports, .. } => {
            &[("address", ADDRESS), ("remote_address", ADDRESS), ("process", &["process.executable"])]
        }
        Deed::Inventory { what: Inventory::Processes, .. } => &[
            ("name", &["process.executable"]),
            ("command", &["process.executable", "process.command_line", "user.name"]),
            ("user", ACCOUNT),
        ],
        Deed::Inventory { what: Inventory::Users, .. } => {
            &[("name", ACCOUNT), ("id", ACCOUNT), ("groups", ACCOUNT), ("home", ACCOUNT)]
        }
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masks(fields: &[&str]) -> Masks {
        Masks(Policy { mask: fields.iter().map(|field| (*field).to_owned()).collect(), ..Policy::default() })
    }

    #[test]
    fn a_host_that_is_quiet_by_name_stays_so_though_its_name_is_masked() {
        let host = |agent: &str, name: &str| {
            let host = json!({"agent": agent, "name": name, "state": "active", "address": "10.0.0.5"});
            (agent.to_owned(), serde_json::from_value::<Host>(host).unwrap())
        };
        let mut hosts = BTreeMap::from([host("001", "payroll"), host("002", "web")]);
        let alarms = HostAlarms { quiet: vec!["payroll".into()], ..HostAlarms::default() };
        let alarms = masks(&["host.name", "host.ip"]).hosts(&mut hosts, &alarms);
        assert!(hosts.values().all(|host| host.name == MASK && host.address.as_deref() == Some(MASK)));
        assert_eq!(hosts.values().map(|host| alarms.spares(host)).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn what_is_read_of_a_host_holds_nothing_that_is_masked() {
        let users = Deed::Inventory { agent: "001".into(), what: Inventory::Users };
        let rows = || json!({"items": [{"name": "jeanne", "id": 1000, "home": "/home/jeanne", "shell": "/bin/sh"}], "total": 1});
        let mut answer = rows();
        masks(&["user.name"]).answer(&users, &mut answer);
        let masked = json!([{"name": MASK, "id": MASK, "home": MASK, "shell": "/bin/sh"}]);
        assert_eq!((&answer["items"], &answer["total"]), (&masked, &json!(1)));
        let mut answer = rows();
        masks(&["host.name"]).answer(&users, &mut answer);
        assert_eq!(answer, rows(), "what is not masked stays");
        let find = Deed::FindVulnerable { cve: "CVE-2026-12345".into() };
        let mut answer = json!({"items": [{"agent": "001", "name": "payroll"}]});
        masks(&["host.name"]).answer(&find, &mut answer);
        assert_eq!(answer, json!({"items": [{"agent": "001", "name": MASK}]}));
    }

    #[test]
    fn an_open_port_does_not_tell_the_address_that_is_masked_in_either_column() {
        let ports = Deed::Inventory { agent: "001".into(), what: Inventory::Ports };
        for mask in ["host.ip", "source.ip", "destination.ip"] {
            let mut answer = json!({"items": [{"address": "10.0.0.5", "remote_address": "10.0.0.6", "port": 22}]});
            masks(&[mask]).answer(&ports, &mut answer);
            assert_eq!(answer, json!({"items": [{"address": MASK, "remote_address": MASK, "port": 22}]}), "{mask}");
        }
    }

    #[test]
    fn a_tested_line_does_not_tell_what_is_masked_in_alerts() {
        let test = Deed::Logtest { event: String::new(), format: "syslog".into(), location: "x".into() };
        let mut answer = json!({"alert": true, "messages": ["INFO: from wazuh-mgr"], "output": {
            "rule": {"id": "5710", "level": 5, "description": "sshd"}, "manager": {"name": "wazuh-mgr"},
            "agent": {"id": "000", "name": "payroll"}, "predecoder": {"hostname": "web1"},
            "data": {"srcip": "203.0.113.9", "srcuser": "jeanne"},
            "full_log": "May  1 10:00:00 web1 sshd[1]: Invalid user jeanne from 203.0.113.9"}});
        masks(&["user.name", "host.name"]).answer(&test, &mut answer);
        let told = answer.to_string();
        for hidden in ["wazuh-mgr", "payroll", "web1", "jeanne"] {
            assert!(!told.contains(hidden), "{hidden}: {told}");
        }
        assert_eq!(answer["output"]["data"]["srcip"], "203.0.113.9", "what is not masked stays");
    }

    #[test]
    fn the_status_of_a_manager_does_not_tell_its_name_or_address_where_they_are_masked() {
        let status = || WazuhStatus {
            url: "https://10.0.0.2:55000".into(),
            hostname: Some("wazuh-mgr".into()),
            cluster: Some("node01 (master)".into()),
            indexer: Some("https://indexer.acme.example:9200/".into()),
            error: Some("https://10.0.0.2:55000 does not answer".into()),
            indexer_error: Some("https://indexer.acme.example:9200 does not answer".into()),
            ..WazuhStatus::default()
        };
        let told = |fields: &[&str]| {
            let mut told = status();
            masks(fields).status(&mut told);
            serde_json::to_string(&told).unwrap()
        };
        let names = told(&["host.name"]);
        assert!(["wazuh-mgr", "node01", "acme"].iter().all(|name| !names.contains(name)), "{names}");
        assert!(names.contains("10.0.0.2"), "{names}");
        let addresses = told(&["host.ip"]);
        assert!(!addresses.contains("10.0.0.2") && addresses.contains("acme"), "{addresses}");
        assert_eq!(host_of("http://[fd00::5]:9200").as_deref(), Some("[fd00::5]"));
    }
}
