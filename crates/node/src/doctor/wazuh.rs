//! The Wazuh manager and the indexer that the node's file names: reached, trusted, signed in, allowed, well.

use std::time::Duration;

use ::wazuh::Error;
use ::wazuh::api::Api;
use ::wazuh::indexer::Indexer;
use jiff::Timestamp;

use super::finding::{Check, Finding};
use crate::config::Config;
use crate::manager::Doors;

const MANAGER: Check = Check::new("Wazuh manager", "wazuh-manager");
const RIGHTS: Check = Check::new("Wazuh manager", "wazuh-rights");
const DAEMONS: Check = Check::new("Wazuh manager", "wazuh-daemons");
const CERTIFICATE: Check = Check::new("Wazuh manager", "wazuh-certificate");
const INDEXER: Check = Check::new("Wazuh indexer", "wazuh-indexer");

/// Longest wait for all of it.
const LONGEST: Duration = Duration::from_secs(60);
/// A certificate that ends within so many days deserves a look.
const SOON: i64 = 14;

/// Everything about the Wazuh of this node; nothing if it has none.
pub(super) async fn look(config: &Config, now: Timestamp) -> Vec<Finding> {
    let (api, indexer) = (config.wazuh.api.is_some(), config.wazuh.indexer.is_some());
    if !api && !indexer {
        return Vec::new();
    }
    let doors = Doors::new(&config.wazuh);
    let late = |check: &Check| vec![check.unknown(format!("no end within {} s", LONGEST.as_secs()), MEND_ROUTE)];
    let manager = async {
        match doors.api() {
            _ if !api => Vec::new(),
            Ok(api) => tokio::time::timeout(LONGEST, manager(&api, now)).await.unwrap_or_else(|_| late(&MANAGER)),
            Err(why) => vec![MANAGER.wrong(why, "correct [wazuh.api] in /etc/socme/node.toml")],
        }
    };
    let indexer = async {
        match doors.indexer() {
            _ if !indexer => Vec::new(),
            Ok(door) => tokio::time::timeout(LONGEST, index(&door)).await.unwrap_or_else(|_| late(&INDEXER)),
            Err(why) => vec![INDEXER.wrong(why, "correct [wazuh.indexer] in /etc/socme/node.toml")],
        }
    };
    let (mut findings, more) = tokio::join!(manager, indexer);
    findings.extend(more);
    findings
}

async fn manager(api: &Api, now: Timestamp) -> Vec<Finding> {
    let version = match api.version().await {
        Ok(version) => version,
        Err(error) => return vec![MANAGER.wrong(error.to_string(), mend(&error, "api"))],
    };
    let mut findings = vec![MANAGER.fine(format!("Wazuh {version} answers at {}", api.address()))];
    let (mut lacks, mut daemons) = (Vec::new(), None);
    for (what, outcome) in [
        ("hosts", sees_hosts(api).await),
        ("the state of its daemons", api.daemons().await.map(|found| daemons = Some(found))),
    ] {
        match outcome {
            Ok(()) => {}
            Err(error @ Error::NoPermission { .. }) => lacks.push(format!("{what}: {error}")),
            Err(error) => findings.push(MANAGER.warning(format!("{what}: {error}"), mend(&error, "api"))),
        }
    }
    findings.push(if lacks.is_empty() {
        RIGHTS.fine("its user may read hosts and health")
    } else {
        RIGHTS.wrong(lacks.join("; "), "give its user the role of «Connecting a Wazuh» in the manual")
    });
    if let Some(daemons) = daemons {
        let status = wire::status::WazuhStatus { daemons, ..Default::default() };
        findings.push(match crate::manager::stopped(&status) {
            stopped if stopped.is_empty() => DAEMONS.fine("its daemons run"),
            stopped => DAEMONS.wrong(
                format!("{} does not run", stopped.join(", ")),
                "on the manager: sudo systemctl status wazuh-manager; sudo tail /var/ossec/logs/ossec.log",
            ),
        });
    }
    if let Some(end) = api.certificate().and_then(|certificate| certificate.not_after) {
        let days = end.duration_since(now).as_hours() / 24;
        findings.push(match days {
            ..0 => CERTIFICATE.warning(format!("its certificate ended {end:.0}"), MEND_CERTIFICATE),
            0..SOON => CERTIFICATE.warning(format!("its certificate ends {end:.0}"), MEND_CERTIFICATE),
            _ => CERTIFICATE.fine(format!("its certificate is valid until {end:.0}")),
        });
    }
    findings
}

/// Who may read no agent is given an empty list, and no refusal.
async fn sees_hosts(api: &Api) -> Result<(), Error> {
    match api.agents().count().await? {
        0 => Err(api.sees_no_agent()),
        _ => Ok(()),
    }
}

async fn index(indexer: &Indexer) -> Vec<Finding> {
    match indexer.info().await {
        Ok(info) => vec![INDEXER.fine(format!("«{}» answers at {}", info.cluster, indexer.address()))],
        Err(error) => vec![INDEXER.wrong(error.to_string(), mend(&error, "indexer"))],
    }
}

const MEND_ROUTE: &str = "is there a route, and does it listen there?";
const MEND_CERTIFICATE: &str = "make a new one on the manager, then pin that";

/// What to do, by what went wrong.
fn mend(error: &Error, table: &str) -> String {
    match error {
        Error::Unreachable { .. } => MEND_ROUTE.to_owned(),
        Error::Certificate { presented, .. } => {
            format!(
                "if that is the right server: pin = \"{}\" in [wazuh.{table}] of /etc/socme/node.toml, then sudo systemctl restart socme-node",
                presented.fingerprint
            )
        }
        Error::WrongPassword { .. } => format!(
            "write the right password into the password_file of [wazuh.{table}]; a running node takes it at its next look"
        ),
        Error::Blocked { .. } => "correct the password, and wait five minutes".to_owned(),
        Error::NoPermission { .. } => "give its user the role of «Connecting a Wazuh» in the manual".to_owned(),
        Error::Version { .. } => "SOCme speaks with Wazuh 4.3 to 4.14".to_owned(),
        Error::NotReady { .. } => "on the manager: sudo systemctl status wazuh-manager".to_owned(),
        _ => "sudo journalctl -u socme-node says more".to_owned(),
    }
}
