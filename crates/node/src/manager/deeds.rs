//! What the core can ask, done at the manager or the indexer. Each deed is about one agent: nothing here can reach all of them.

mod inventory;

use std::net::IpAddr;
use std::time::Duration;

use futures::TryStreamExt as _;
use serde_json::{Value, json};
use wazuh::Error;
use wazuh::api::{ActiveResponse, AgentId, Agents, Api, LogtestEvent, Ruleset, Upgrade, Verdict};
use wazuh::indexer::{Indexer, VulnerabilityFilter};
use wire::command::Deed;

use super::Doors;
use super::commands::Performed;

/// Most rows of an answer, and most bytes of all of them but the last.
const MOST: usize = 3_000;
const BYTES: usize = wire::limit::ANSWER - 64 * 1024;
/// How often it is asked how an upgrade goes, and how long between.
const UPGRADE_LOOKS: u64 = 20;
const UPGRADE_PAUSE: Duration = Duration::from_secs(15);
/// Longest file of rules that is sent, in bytes.
const FILE: usize = 512 * 1024;

/// Does one.
pub(super) async fn perform(doors: Doors, deed: Deed) -> Performed {
    let only_reads = deed.only_reads();
    let found = match deed {
        Deed::FindVulnerable { cve } => match doors.indexer() {
            Ok(indexer) => find(&indexer, &cve).await,
            Err(why) => return Performed::failed(why),
        },
        Deed::Inventory { agent, what } => return inventory::read(&doors, &agent, what).await,
        deed => match doors.api() {
            Ok(api) => act(&api, deed).await,
            Err(why) => return Performed::failed(why),
        },
    };
    found.unwrap_or_else(|error| match error {
        // It may have reached the manager.
        error if !only_reads && error.outcome_unknown() => {
            Performed::unknown(format!("{error}; it may have been done: look before you ask again"))
        }
        error => Performed::failed(error.to_string()),
    })
}

async fn act(api: &Api, deed: Deed) -> Result<Performed, Error> {
    Ok(match deed {
        Deed::RestartAgent { agent } => {
            let (id, agents) = one(&agent)?;
            api.restart_agents(&agents).await?.reached(&id)?;
            Performed::done(format!("the restart was sent to agent {agent}"))
        }
        Deed::AddToGroup { agent, group } => {
            let (id, _) = one(&agent)?;
            api.join_group(&id, &group, false).await?;
            Performed::done(format!("agent {agent} is in the group {group}"))
        }
        Deed::RemoveFromGroup { agent, group } => {
            let (id, agents) = one(&agent)?;
            api.remove_from_group(&group, &agents).await?.reached(&id)?;
            Performed::done(format!("agent {agent} is not in the group {group} any more"))
        }
        Deed::UpgradeAgent { agent } => upgrade(api, &agent).await?,
        Deed::ScanAgent { agent } => {
            let (id, agents) = one(&agent)?;
            api.scan_files(&agents).await?.reached(&id)?;
            match api.run_rootcheck(&agents).await.and_then(|sent| sent.reached(&id)) {
                Ok(()) => Performed::done(format!("the scans were sent to agent {agent}")),
                Err(error) => {
                    Performed::failed(format!("agent {agent} looks at its files, but not for rootkits: {error}"))
                }
            }
        }
        Deed::BlockAddress { agent, address, seconds } => block(api, &agent, &address, seconds).await?,
        Deed::Logtest { event, format, location } => {
            let verdict = api.logtest(&LogtestEvent::new(event, format, location)).await?;
            Performed::found("the manager has looked at it", told(&verdict))
        }
        Deed::ReadRules { file } => {
            let text = api.read_file(Ruleset::Rules, &file, None).await?;
            if text.len() > FILE {
                return Ok(Performed::failed(format!("{file} has {} bytes, {FILE} at most are sent", text.len())));
            }
            Performed::found(format!("{} bytes", text.len()), json!({ "file": file, "text": text }))
        }
        Deed::Inventory { .. } | Deed::FindVulnerable { .. } => Performed::failed("this is asked elsewhere"),
    })
}

/// One agent, by its number.
fn one(agent: &str) -> Result<(AgentId, Agents), Error> {
    let id: AgentId = agent.parse().map_err(|_| Error::Input(format!("{agent} is not the number of an agent")))?;
    Ok((id.clone(), Agents::these([id])?))
}

/// Sends the upgrade, and waits a while to hear how it ends.
async fn upgrade(api: &Api, agent: &str) -> Result<Performed, Error> {
    let (_, agents) = one(agent)?;
    api.upgrade_agents(&agents, &Upgrade::default()).await?.whole()?;
    for _ in 0..UPGRADE_LOOKS {
        tokio::time::sleep(UPGRADE_PAUSE).await;
        let results = match api.upgrade_results(&agents).await {
            Ok(results) => results.items,
            Err(error) if error.is_passing() => continue,
            Err(error) => {
                let sent = format!("the upgrade was sent to agent {agent}; how it goes cannot be asked ({error})");
                return Ok(Performed::unknown(format!("{sent}: its version will tell")));
            }
        };
        let Some(result) = results.into_iter().next() else { continue };
        match result.status.as_deref() {
            Some("Updated") => return Ok(Performed::done(format!("agent {agent} is upgraded"))),
            Some("Failed") => {
                let why = result.message.unwrap_or_default();
                return Ok(Performed::failed(format!("agent {agent} was not upgraded: {why}")));
            }
            _ => {}
        }
    }
    Ok(Performed::done(format!(
        "the upgrade was sent to agent {agent}; it had not ended after {} minutes: its version will tell",
        UPGRADE_PAUSE.as_secs() * UPGRADE_LOOKS / 60
    )))
}

/// By a response of the manager that ends by itself: `firewall-drop` with this timeout.
async fn block(api: &Api, agent: &str, address: &str, seconds: u32) -> Result<Performed, Error> {
    let (id, agents) = one(agent)?;
    let address: IpAddr =
        address.parse().map_err(|_| Error::Input("the address to block is not an IP address".to_owned()))?;
    let name = format!("firewall-drop{seconds}");
    let response = ActiveResponse::named(&name)?.about(address);
    match api.active_response(&agents, &response).await.and_then(|sent| sent.reached(&id)) {
        Ok(()) => {}
        // No such response in the manager's list.
        Err(Error::Refused { code: Some(1652), .. } | Error::NotFound { code: Some(1652), .. }) => {
            return Ok(Performed::failed(format!(
                "the manager has no active response «firewall-drop» with a timeout of {seconds} seconds: \
                 add one to its ossec.conf («Blocking an address» in the manual), or choose a time that it has"
            )));
        }
        Err(error) => return Err(error),
    }
    Ok(Performed::done(format!("agent {agent} was told to drop what comes from {address} for {seconds} seconds")))
}

/// What a logtest says, in the form that the pages show.
fn told(verdict: &Verdict) -> Value {
    let output = Value::Object(verdict.output.clone().unwrap_or_default());
    let rule = output.get("rule").map(|rule| {
        json!({ "id": rule.get("id"), "level": rule.get("level"), "description": rule.get("description"), "groups": rule.get("groups") })
    });
    json!({
        "alert": verdict.alert.unwrap_or(false),
        "rule": rule,
        "decoder": output.pointer("/decoder/name"),
        "messages": verdict.messages.clone().unwrap_or_default(),
        "output": output,
    })
}

/// The hosts that have a vulnerability.
async fn find(indexer: &Indexer, cve: &str) -> Result<Performed, Error> {
    let filter = VulnerabilityFilter { cve: Some(cve.to_owned()), ..VulnerabilityFilter::default() };
    let mut found = std::pin::pin!(indexer.vulnerabilities(&filter));
    let mut rows = Rows::default();
    while let Some(one) = found.try_next().await? {
        rows.add(|| {
            json!({
                "agent": one.agent_id,
                "name": one.agent_name,
                "package": one.package,
                "version": one.package_version,
                "severity": one.severity.as_deref().map(str::to_lowercase),
                "score": one.score,
                "detected": one.detected_at,
            })
        });
    }
    Ok(Performed::found(format!("{} found", rows.total), rows.told()))
}

/// Rows of an answer, up to a bound; all are counted.
#[derive(Default)]
struct Rows {
    items: Vec<Value>,
    bytes: usize,
    total: u64,
}

impl Rows {
    fn add(&mut self, row: impl FnOnce() -> Value) {
        self.total += 1;
        if self.items.len() >= MOST || self.bytes >= BYTES {
            return;
        }
        let row = row();
        self.bytes += row.to_string().len();
        self.items.push(row);
    }

    fn told(self) -> Value {
        json!({ "cut": (self.items.len() as u64) < self.total, "items": self.items, "total": self.total })
    }
}
