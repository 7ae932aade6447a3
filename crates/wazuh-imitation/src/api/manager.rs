//! The manager and the cluster.

use serde_json::{Value, json};

use super::answer::Canned;
use super::state::{Asked, State};

const DAEMONS: [&str; 10] = [
    "wazuh-analysisd",
    "wazuh-remoted",
    "wazuh-db",
    "wazuh-modulesd",
    "wazuh-execd",
    "wazuh-authd",
    "wazuh-apid",
    "wazuh-syscheckd",
    "wazuh-monitord",
    "wazuh-logcollector",
];
/// Daemons that run only where something is configured for them: here they do not.
const OPTIONAL: [&str; 5] = ["wazuh-agentlessd", "wazuh-csyslogd", "wazuh-integratord", "wazuh-maild", "wazuh-reportd"];

impl State {
    pub(super) fn of_manager(&mut self, asked: &Asked, parts: &[&str]) -> Option<Canned> {
        let one = |item: Value| Some(Canned::list(vec![item], 1, &[], "Information was returned"));
        let node = if self.cluster { "node01" } else { "manager" };
        Some(match (asked.method.as_str(), parts) {
            ("GET", [""]) => {
                let revision = if self.before(4, 9) { json!("40819") } else { json!("rc1") };
                Canned::ok(json!({
                    "title": "Wazuh API REST", "api_version": self.version, "revision": revision,
                    "license_name": "GPL 2.0", "license_url": "", "hostname": "mgr", "timestamp": self.clock.text(),
                }))
            }
            ("GET", ["manager", "info"]) => {
                let mut info = json!({
                    "path": "/var/ossec", "version": format!("v{}", self.version), "type": "server",
                    "max_agents": "unlimited", "openssl_support": "yes", "tz_offset": "+0000", "tz_name": "UTC",
                });
                if self.before(4, 8) {
                    info["compilation_date"] = "2023-01-01T00:00:00Z".into();
                }
                if !self.before(4, 13) {
                    info["uuid"] = Value::Null;
                }
                return one(info);
            }
            ("GET", ["manager", "status"]) => {
                let starting = self.is_starting();
                let state = |name: &str| match self.stopped.iter().any(|stopped| stopped == name) {
                    true => "stopped",
                    false if starting => "restarting",
                    false => "running",
                };
                let clusterd = if self.cluster { state("wazuh-clusterd") } else { "stopped" };
                let optional = OPTIONAL.iter().map(|name| (*name, "stopped")).chain([("wazuh-clusterd", clusterd)]);
                let all = DAEMONS.iter().map(|name| (*name, state(name))).chain(optional);
                return one(all.map(|(name, state)| (name.to_owned(), Value::from(state))).collect());
            }
            ("GET", ["manager", "logs"]) => {
                let line = |tag: &str, level: &str, text: &str| json!({ "timestamp": self.clock.text(), "tag": tag, "level": level, "description": text });
                let lines =
                    [line("wazuh-analysisd", "error", "(1234): something"), line("wazuh-db", "info", "Started")];
                self.page_of_files(&lines, asked)
            }
            ("GET", ["manager", "logs", "summary"]) => {
                return one(
                    json!({ "wazuh-analysisd": { "all": 1, "info": 0, "error": 1, "critical": 0, "warning": 0, "debug": 0 } }),
                );
            }
            ("GET", ["manager", "stats"]) => match asked.get("date") {
                Some("2020-01-01") => {
                    Canned::list(vec![], 0, &[(1308, "Stats file does not exist", "manager".into())], "None")
                }
                _ => {
                    return one(json!({
                        "hour": 9, "alerts": [{ "sigid": 5710, "level": 5, "times": 3 }], "totalAlerts": 3, "events": 120,
                        "syscheck": 0, "firewall": 0,
                    }));
                }
            },
            ("GET", ["manager", "stats", "analysisd"]) => {
                return one(json!({ "events_processed": 120.0, "events_dropped": 0.0, "alerts_written": 3.0 }));
            }
            ("GET", ["manager", "stats", "remoted"]) => {
                return one(json!({ "queue_size": 0.0, "tcp_sessions": 2.0, "discarded_count": 0.0 }));
            }
            ("GET", ["manager", "daemons", "stats"]) => {
                let names = asked
                    .list("daemons_list")
                    .unwrap_or_else(|| ["wazuh-analysisd", "wazuh-remoted", "wazuh-db"].map(str::to_owned).to_vec());
                let items: Vec<Value> = names
                    .iter()
                    .map(|name| json!({
                        "name": name, "uptime": "2026-05-01T09:00:00+00:00", "timestamp": self.clock.text(),
                        "metrics": { "events": { "processed": 120, "dropped": 0 }, "queues": { "alerts": { "usage": 0.0 } } },
                    }))
                    .collect();
                let total = items.len();
                Canned::list(items, total, &[], "Statistical information for each daemon was successfully read")
            }
            ("GET", ["manager", "configuration"]) if asked.is_true("raw") => {
                Canned::text("application/xml; charset=utf-8", "<ossec_config></ossec_config>\n")
            }
            ("GET", ["manager", "configuration"]) => return one(json!({ "global": { "jsonout_output": "yes" } })),
            ("GET", [place @ ("manager" | "cluster"), "configuration", "validation"]) => {
                if *place == "cluster" && !self.cluster {
                    return Some(no_cluster());
                }
                if self.broken {
                    let text = "Error validating configuration: wazuh-analysisd: ERROR: (1202): Configuration error at 'etc/ossec.conf'";
                    return Some(Canned::list(
                        vec![],
                        0,
                        &[(1908, text, node.into())],
                        "Validation was not successful",
                    ));
                }
                return one(json!({ "name": node, "status": "OK" }));
            }
            ("PUT", [place @ ("manager" | "cluster"), "restart"]) => {
                if *place == "cluster" && !self.cluster {
                    return Some(no_cluster());
                }
                self.restart();
                let mut answer = Canned::list(vec![node.into()], 1, &[], "Restart request sent to all specified nodes");
                answer.status = 202;
                answer
            }
            ("PUT", [place @ ("manager" | "cluster"), "analysisd", "reload"]) => {
                if *place == "cluster" && !self.cluster {
                    return Some(no_cluster());
                }
                if self.broken {
                    let text = "Error reloading ruleset: (1226): Error reading XML file 'etc/rules/own.xml'";
                    return Some(Canned::list(vec![], 0, &[(1914, text, node.into())], "Could not reload"));
                }
                self.loaded = self.files.clone();
                let said = match self.warnings.is_empty() {
                    true => "Ruleset reload request sent successfully.".to_owned(),
                    false => self.warnings.join(", "),
                };
                return one(json!({ "name": node, "msg": said }));
            }
            ("GET", ["manager", "version", "check"]) => Canned::ok(json!({
                "uuid": "u", "last_check_date": self.clock.text(), "current_version": format!("v{}", self.version),
                "update_check": true, "last_available_major": {}, "last_available_minor": {},
                "last_available_patch": { "tag": "v4.14.8" },
            })),
            ("GET", ["cluster", "status"]) => {
                let text = if self.cluster { "yes" } else { "no" };
                Canned::ok(json!({ "enabled": text, "running": text }))
            }
            ("GET", ["cluster", ..]) if !self.cluster => no_cluster(),
            ("GET", ["cluster", "nodes"]) => {
                let nodes = [
                    json!({ "name": "node01", "type": "master", "version": self.version, "ip": "10.0.0.1" }),
                    json!({ "name": "node02", "type": "worker", "version": self.version, "ip": "10.0.0.2" }),
                ];
                self.page_of_files(&nodes, asked)
            }
            ("GET", ["cluster", _, "status"]) => return one(json!({ "wazuh-analysisd": "running" })),
            _ => return None,
        })
    }
}

fn no_cluster() -> Canned {
    Canned::problem(
        400,
        "Bad Request",
        "Cluster is not running, it might be disabled in `WAZUH_HOME/etc/ossec.conf`",
        Some(3013),
    )
}
