//! An imitated Wazuh manager and indexer as a program, for stories in a browser: says where they listen, and runs until its input ends.

use std::io::Read as _;

use jiff::Timestamp;
use wazuh_imitation::api::{Clock, Imitation, Options};
use wazuh_imitation::indexer::Indexer;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let manager = Imitation::start(Options { clock: Some(Clock::running()), ..Options::default() }).await?;
    // A story goes on after the restart, which a real manager sends to no agent that is silent.
    manager.state().restart_revives = true;
    let indexer = Indexer::new();
    let address = indexer.listen().await?;
    for (agent, name, cve, severity, score) in [
        ("001", "web1", "CVE-2026-12345", "Critical", 9.8),
        ("001", "web1", "CVE-2026-20001", "Medium", 5.3),
        ("002", "dc1", "CVE-2026-12345", "Critical", 9.8),
    ] {
        let found = serde_json::json!({
            "agent": { "id": agent, "name": name },
            "package": { "name": "openssl", "version": "3.0.2", "architecture": "amd64" },
            "vulnerability": {
                "id": cve, "severity": severity, "score": { "base": score, "version": "3.1" },
                "description": "A flaw.", "detected_at": Timestamp::now().to_string(),
            },
        });
        indexer.add("wazuh-states-vulnerabilities-mgr", &found.to_string());
    }
    println!(
        "{}",
        serde_json::json!({
            "url": manager.url, "fingerprint": manager.fingerprint, "control": manager.control,
            "indexer": format!("http://{address}"),
        })
    );
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
