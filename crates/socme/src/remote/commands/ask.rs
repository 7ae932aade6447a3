//! Asking something of a node.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wire::command::Deed;

use super::wait;
use crate::remote::confirm::agree;
use crate::remote::core::Core;
use crate::remote::failure::{Failure, Result};
use crate::remote::field::{moment, number, text};
use crate::remote::out::{Out, clock};
use crate::remote::{hosts, names};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme commands ask restart-agent acme/web1 --wait
  socme commands ask block-address acme/web1 203.0.113.9 --seconds 600 --wait --yes
  socme commands ask inventory acme/web1 ports --wait --json | jq .answer.items
  socme commands ask logtest acme/office 'Nov 24 12:00:00 web sshd[99]: Failed password for root' --wait

What changes something at the client asks whether you mean it, and says what will happen. A HOST is named as `socme hosts
list` prints it, by its name, or CLIENT/NAME; a NODE by its name, its number, or CLIENT/NAME.

Exit codes with --wait: 0 done, 1 failed, 5 refused by the client's policy, 6 expired or withdrawn (nothing was done), 7
unknown (it may have been done).")]
pub(super) struct Ask {
    #[command(subcommand)]
    what: What,
    /// Wait for its end, and print what it found; without this it is only asked
    #[arg(long, global = true)]
    wait: bool,
    /// Do not ask whether you mean it
    #[arg(long, global = true)]
    yes: bool,
    /// For how long its node may begin it, in seconds: up to 7 days
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u32).range(1..=604_800))]
    within: u32,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Restart the Wazuh agent of a host
    RestartAgent { host: String },
    /// Upgrade the agent to its manager's version
    UpgradeAgent { host: String },
    /// Look at its files and for rootkits anew
    ScanAgent { host: String },
    /// Put the agent into a group, whose configuration it then gets
    AddToGroup { host: String, group: String },
    /// Take the agent out of a group
    RemoveFromGroup { host: String, group: String },
    /// Have a host drop what comes from an address, for a while
    BlockAddress {
        host: String,
        /// The IP address
        address: String,
        /// For how long: 60 to 86400; the manager must have a response of just this time
        #[arg(long, value_name = "N", default_value_t = 600)]
        seconds: u32,
    },
    /// Read what is known of a host
    Inventory {
        host: String,
        /// What of it
        #[arg(value_parser = PossibleValuesParser::new(PARTS))]
        what: String,
    },
    /// See what a manager's rules make of a line
    Logtest {
        node: String,
        /// The line
        line: String,
        /// How it is written: syslog, json, eventchannel
        #[arg(long, default_value = "syslog")]
        format: String,
        /// Where it would come from
        #[arg(long, value_name = "PLACE", default_value = "/var/log/syslog")]
        location: String,
    },
    /// Read one of a manager's files of rules
    ReadRules {
        node: String,
        /// Its name, such as local_rules.xml
        file: String,
    },
    /// Ask one node which of its hosts have a vulnerability; all nodes: `socme vulnerable`
    FindVulnerable {
        node: String,
        /// Its number, such as CVE-2026-12345
        cve: String,
    },
}

const PARTS: [&str; 7] = ["hardware", "ports", "packages", "users", "processes", "sca", "vulnerabilities"];

impl Ask {
    pub(super) async fn run(self, core: &Core, out: &Out) -> Result<()> {
        let (node, happens, deed) = self.what.found(core).await?;
        // Held against the bounds here, so that nobody agrees to what is then refused.
        let wrong = |why: String| Failure::usage(why).mend("See: socme commands ask --help");
        let read: Deed = serde_json::from_value(deed.clone()).map_err(|error| wrong(error.to_string()))?;
        read.check().map_err(|(field, why)| wrong(format!("{field}: {why}.")))?;
        if let Some(happens) = happens {
            agree(&happens, self.yes).await?;
        }
        let mut new = deed;
        new["within_seconds"] = json!(self.within);
        let asked = core.post(&format!("/nodes/{node}/commands"), &new).await?;
        if self.wait {
            return wait::told(core, out, asked).await;
        }
        if out.json {
            return out.json(&asked);
        }
        let id = number(&asked, "id");
        let until = clock(moment(&asked, "expires"));
        out.say(format!("Command {id} waits for its node, until {until}. See: socme commands wait {id}"))
    }
}

impl What {
    /// The node, what will happen if it changes something, and the deed as the API wants it.
    async fn found(self, core: &Core) -> Result<(i64, Option<String>, Value)> {
        // What happens is said with the host in front of it.
        let (host, happens, mut deed) = match self {
            Self::RestartAgent { host } => (
                host,
                "its Wazuh agent is restarted; for some seconds nothing of it is watched.".to_owned(),
                json!({ "deed": "restart_agent" }),
            ),
            Self::UpgradeAgent { host } => (
                host,
                "its Wazuh agent is replaced by its manager's version and restarted; for some minutes nothing of it is \
                 watched, and an upgrade that fails may leave it without an agent."
                    .to_owned(),
                json!({ "deed": "upgrade_agent" }),
            ),
            Self::ScanAgent { host } => (
                host,
                "all of its watched files are read, and it is searched for rootkits; its disk is busy meanwhile.".to_owned(),
                json!({ "deed": "scan_agent" }),
            ),
            Self::AddToGroup { host, group } => (
                host,
                format!("its agent gets the configuration of the group «{group}»."),
                json!({ "deed": "add_to_group", "group": group }),
            ),
            Self::RemoveFromGroup { host, group } => (
                host,
                format!("its agent loses the configuration of the group «{group}»."),
                json!({ "deed": "remove_from_group", "group": group }),
            ),
            Self::BlockAddress { host, address, seconds } => (
                host,
                format!(
                    "its firewall drops everything that comes from {address} for {seconds} seconds, also what is wanted; \
                     it cannot be ended earlier from here."
                ),
                json!({ "deed": "block_address", "address": address, "seconds": seconds }),
            ),
            Self::Inventory { host, what } => (host, String::new(), json!({ "deed": "inventory", "what": what })),
            Self::Logtest { node, line, format, location } => {
                let deed = json!({ "deed": "logtest", "event": line, "format": format, "location": location });
                return of_node(core, &node, deed).await;
            }
            Self::ReadRules { node, file } => {
                return of_node(core, &node, json!({ "deed": "read_rules", "file": file })).await;
            }
            Self::FindVulnerable { node, cve } => {
                return of_node(core, &node, json!({ "deed": "find_vulnerable", "cve": cve })).await;
            }
        };
        let host = hosts::find(core, &host).await?;
        let called = format!("{} ({} of {})", text(&host, "name"), hosts::reference(&host), text(&host, "client_name"));
        deed["agent"] = host["agent"].clone();
        let happens = (!happens.is_empty()).then(|| format!("{called}: {happens}"));
        Ok((number(&host, "node"), happens, deed))
    }
}

async fn of_node(core: &Core, node: &str, deed: Value) -> Result<(i64, Option<String>, Value)> {
    Ok((number(&names::node(core, node).await?, "id"), None, deed))
}
