//! The client's masks on what is told of hosts: in the list of them, in alarms about them, and in the answers to commands.
//!
//! A masked field is replaced by [`MASK`], whole. What a deed reads has fields of its own; a command line can name anybody, so it
//! is masked with the account as well.

use std::collections::BTreeMap;

use serde_json::Value;
use wire::command::{Deed, Inventory};
use wire::host::Host;

use crate::policy::{HostAlarms, MASK, Policy};

/// Which fields of a row are covered by which masks.
type Cover = (&'static str, &'static [&'static str]);

/// The fields that a client masks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks(Vec<String>);

impl Masks {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self(policy.mask.clone())
    }

    fn has(&self, field: &str) -> bool {
        self.0.iter().any(|mask| mask == field)
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
            }
            if addresses && host.address.is_some() {
                host.address = Some(MASK.to_owned());
            }
        }
        alarms
    }

    /// Masks what a deed has found.
    pub(crate) fn answer(&self, deed: &Deed, answer: &mut Value) {
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
}

fn covers(deed: &Deed) -> &'static [Cover] {
    const ACCOUNT: &[&str] = &["user.name"];
    match deed {
        Deed::FindVulnerable { .. } => &[("name", &["host.name"])],
        Deed::Inventory { what: Inventory::Ports, .. } => &[
            ("address", &["host.ip"]),
            ("remote_address", &["source.ip", "destination.ip"]),
            ("process", &["process.executable"]),
        ],
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
        Masks(fields.iter().map(|field| (*field).to_owned()).collect())
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
}
