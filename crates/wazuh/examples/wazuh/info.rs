//! `wazuh info`

use clap::Args;
use serde_json::{Value, json};

use crate::failure::Result;
use crate::out::{Out, tell};
use crate::reach::Manager;

#[derive(Args)]
pub(crate) struct Info {
    #[command(flatten)]
    manager: Manager,
}

impl Info {
    pub(crate) async fn run(self, out: Out) -> Result<()> {
        let api = self.manager.client()?;
        let version = api.version().await?;
        let info = api.info().await?;
        let certificate = api.certificate();
        // Each needs a permission of its own: what may be read is shown, and the first refusal decides on the exit code.
        let daemons = api.daemons().await;
        let states = api.agent_states().await;
        let cluster = api.cluster_status().await;
        if out.json {
            let mut all = json!({
                "address": api.address(), "version": version, "hostname": info.hostname, "certificate": certificate,
            });
            for (name, part) in [
                ("daemons", daemons.as_ref().ok().map(|daemons| json!(daemons))),
                ("agents", states.as_ref().ok().map(|states| json!(states))),
                ("cluster", cluster.as_ref().ok().map(|cluster| json!(cluster))),
            ] {
                all[name] = part.unwrap_or(Value::Null);
            }
            out.json(&all)?;
        } else {
            out.line(format_args!("manager      {} ({})", info.hostname.unwrap_or_default(), api.address()))?;
            out.line(format_args!("version      {version}"))?;
            if let Some(certificate) = certificate {
                let end = certificate.not_after.map(|end| format!(", ends {end}")).unwrap_or_default();
                out.line(format_args!("certificate  {}{end}", certificate.fingerprint))?;
            }
            if let Ok(cluster) = &cluster {
                let is_one = cluster.enabled.unwrap_or_default();
                out.line(format_args!("cluster      {}", if is_one { "yes" } else { "no" }))?;
            }
            if let Ok(states) = &states
                && let Some(counts) = &states.connection
            {
                let count = |number: Option<u64>| number.unwrap_or_default();
                out.line(format_args!(
                    "agents       {} active, {} disconnected, {} never connected, {} pending",
                    count(counts.active),
                    count(counts.disconnected),
                    count(counts.never_connected),
                    count(counts.pending)
                ))?;
            }
            for (name, state) in daemons.iter().flatten() {
                out.line(format_args!("daemon       {name}: {state}"))?;
            }
        }
        let refused: Vec<_> = [daemons.err(), states.err(), cluster.err()].into_iter().flatten().collect();
        refused.iter().skip(1).for_each(tell);
        match refused.into_iter().next() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}
