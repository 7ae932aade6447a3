//! What is known of a host, as its manager or the indexer has it: rows that the pages show, up to a bound.

use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value, json};
use wazuh::Error;
use wazuh::api::{AgentId, Api, Listing};
use wazuh::indexer::{Indexer, VulnerabilityFilter};
use wire::command::Inventory;

use super::{Rows, one};
use crate::manager::Doors;
use crate::manager::commands::Performed;

/// Failed checks of a policy that are told.
const CHECKS: usize = 200;
/// Longest description that is told, in bytes.
const TITLE: usize = 300;

/// Reads one part.
pub(super) async fn read(doors: &Doors, agent: &str, what: Inventory) -> Performed {
    let outcome = match what {
        Inventory::Vulnerabilities => match doors.indexer() {
            Ok(indexer) => vulnerabilities(&indexer, agent).await,
            Err(why) => return Performed::failed(why),
        },
        what => match doors.api() {
            Ok(api) => part(&api, agent, what).await,
            Err(why) => return Performed::failed(why),
        },
    };
    outcome.unwrap_or_else(|error| Performed::failed(error.to_string()))
}

async fn part(api: &Api, agent: &str, what: Inventory) -> Result<Performed, Error> {
    let (id, _) = one(agent)?;
    match what {
        Inventory::Hardware => hardware(api, &id).await,
        Inventory::Ports => {
            rows(api.ports(&id), |port| {
                let (local, remote) = (port.local.unwrap_or_default(), port.remote.unwrap_or_default());
                json!({
                    "protocol": port.protocol, "address": local.ip, "port": local.port, "remote_address": remote.ip,
                    "remote_port": remote.port, "state": port.state, "process": port.process, "pid": port.pid,
                })
            })
            .await
        }
        Inventory::Packages => {
            rows(api.packages(&id), |package| {
                json!({
                    "name": package.name, "version": package.version, "vendor": package.vendor,
                    "architecture": package.architecture, "format": package.format,
                })
            })
            .await
        }
        Inventory::Users => rows(api.users(&id), |user| account(&user)).await,
        Inventory::Processes => {
            rows(api.processes(&id), |process| {
                let command = process.argvs.filter(|arguments| !arguments.is_empty());
                let command = match (process.cmd, command) {
                    (Some(program), Some(arguments)) => Some(format!("{program} {arguments}")),
                    (program, arguments) => program.or(arguments),
                };
                json!({
                    "pid": process.pid, "name": process.name, "command": command, "user": process.euser,
                    "state": process.state, "started": process.start_time,
                })
            })
            .await
        }
        Inventory::Sca => sca(api, &id).await,
        Inventory::Vulnerabilities => Ok(Performed::failed("this is asked of the indexer")),
    }
}

async fn hardware(api: &Api, id: &AgentId) -> Result<Performed, Error> {
    let (machine, system) = (api.hardware(id).await?, api.os(id).await?);
    let (cpu, ram) = (machine.cpu.unwrap_or_default(), machine.ram.unwrap_or_default());
    let os = system.os.unwrap_or_default();
    let name = [os.name, os.version].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let answer = json!({
        "system": name, "cpu": cpu.name, "cores": cpu.cores, "memory_bytes": ram.total.map(|kb| kb.saturating_mul(1024)),
        "board_serial": machine.board_serial,
    });
    Ok(Performed::found("read", answer))
}

async fn sca(api: &Api, id: &AgentId) -> Result<Performed, Error> {
    let mut found = Rows::default();
    for policy in api.policies(id).all().await? {
        let mut failed = Vec::new();
        if let Some(name) = &policy.policy_id {
            let mut checks = std::pin::pin!(api.checks(id, name)?.with("result", "failed").stream());
            while failed.len() < CHECKS
                && let Some(check) = checks.try_next().await?
            {
                failed.push(json!({
                    "id": check.id, "title": check.title.as_deref().map(short),
                    "remediation": check.remediation.as_deref().map(short),
                }));
            }
        }
        found.add(|| {
            json!({
                "policy": policy.name, "id": policy.policy_id, "pass": policy.pass, "fail": policy.fail,
                "invalid": policy.invalid, "total": policy.total_checks, "score": policy.score, "at": policy.end_scan,
                "failed": failed,
            })
        });
    }
    Ok(Performed::found(format!("{} policies", found.total), found.told()))
}

async fn vulnerabilities(indexer: &Indexer, agent: &str) -> Result<Performed, Error> {
    let filter = VulnerabilityFilter { agent: Some(agent.to_owned()), ..VulnerabilityFilter::default() };
    let counts = indexer.severities(&filter).await?;
    let mut found = std::pin::pin!(indexer.vulnerabilities(&filter));
    let mut rows = Rows::default();
    while let Some(one) = found.try_next().await? {
        rows.add(|| {
            json!({
                "cve": one.id, "severity": one.severity.as_deref().map(str::to_lowercase), "score": one.score,
                "package": one.package, "version": one.package_version, "detected": one.detected_at,
                "reference": one.reference, "title": one.description.as_deref().map(short),
            })
        });
    }
    let said = format!("{} found", rows.total);
    let mut answer = rows.told();
    answer["counts"] = json!({
        "critical": counts.critical, "high": counts.high, "medium": counts.medium, "low": counts.low, "other": counts.unrated,
    });
    Ok(Performed::found(said, answer))
}

/// Reads a list, one row after the other.
async fn rows<T>(list: Listing<T>, row: impl Fn(T) -> Value) -> Result<Performed, Error>
where
    T: serde::de::DeserializeOwned + Send + Sync + 'static,
{
    let mut found = Rows::default();
    let mut stream = list.stream().boxed();
    while let Some(one) = stream.try_next().await? {
        found.add(|| row(one));
    }
    Ok(Performed::found(format!("{} found", found.total), found.told()))
}

/// An account as Wazuh 4.14 tells of it: nested, and another in each of its versions.
fn account(fields: &Map<String, Value>) -> Value {
    let whole = Value::Object(fields.clone());
    let at = |paths: &[&str]| paths.iter().find_map(|path| whole.pointer(path)).cloned().unwrap_or_default();
    json!({
        "name": at(&["/user/name", "/user_name", "/name"]),
        "id": at(&["/user/id", "/user/uid", "/user_id"]),
        "groups": at(&["/user/groups", "/user_groups"]),
        "shell": at(&["/user/shell", "/user_shell"]),
        "home": at(&["/user/home", "/user_home"]),
        "last_login": at(&["/login/last", "/user/last_login", "/user_last_login"]),
    })
}

fn short(text: &str) -> &str {
    crate::normalise::cut(text, TITLE)
}
