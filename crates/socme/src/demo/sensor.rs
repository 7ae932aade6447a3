//! The demo's Suricata, one per client.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::child::{Child, command};
use super::core::tail;
use super::folder::Folder;
use super::network::{INTERFACE, Network, within};
use super::traffic::scene::Scene;

/// A running Suricata.
#[derive(Debug)]
pub(crate) struct Sensor {
    /// Its process.
    pub child: Child,
    home: PathBuf,
}

const PATIENCE: Duration = Duration::from_secs(60);

/// The version that is installed.
///
/// # Errors
/// There is none, or it is older than 7.
pub(crate) async fn version() -> Result<String> {
    const MEND: &str = "Install what the demo needs with `make setup`.";
    let output = Command::new("suricata").arg("-V").output().await;
    let output = output.with_context(|| format!("Suricata is not installed. {MEND}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default();
    let major: u32 = version.split('.').next().and_then(|m| m.parse().ok()).unwrap_or(0);
    if major < 7 {
        bail!("Suricata {version} is too old: the rules need version 7. {MEND}");
    }
    Ok(version.to_owned())
}

impl Sensor {
    /// Starts one on a network. It is not ready yet: see [`Sensor::ready`].
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(folder: &Folder, scene: &Scene, network: &Network) -> Result<Self> {
        let home = folder.sub(&format!("{}/suricata", scene.slug))?;
        // The log of an earlier demo would say «started» at once.
        let _ = std::fs::remove_file(home.join("suricata.log"));
        let suricata = Path::new("suricata");
        let mut start = match network.pids() {
            Some((inner, _)) => within(inner, suricata),
            None => command(suricata),
        };
        start.arg("-c").arg(folder.suricata()).arg("-S").arg(folder.rules()).arg("-l").arg(&home);
        start.args(["--set", &format!("vars.address-groups.HOME_NET={}", scene.home_net())]);
        match network {
            Network::Namespaces { .. } => {
                start.arg(format!("--af-packet={INTERFACE}"));
            }
            Network::Captures { folder, .. } => {
                start.arg("-r").arg(folder).args(["--pcap-file-continuous", "--pcap-file-delete"]);
                // Look every second, and take a file that is a second old.
                start.args(["--set", "pcap-file.delay=1", "--set", "pcap-file.poll-interval=1"]);
            }
        }
        let child = Child::start(format!("Suricata of {}", scene.name), &mut start, &home.join("output.log"))?;
        Ok(Self { child, home })
    }

    /// Waits until it sees packets.
    ///
    /// # Errors
    /// What it said, if it does not.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        let (log, output) = (self.home.join("suricata.log"), self.home.join("output.log"));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            if said.contains("Engine started") || said.contains("Starting directory run") {
                return Ok(());
            }
            if let Some(status) = self.child.ended() {
                bail!("{} ended ({status}):\n{}\n{}", self.child.name, tail(&log), tail(&output));
            }
            if Instant::now() > deadline {
                bail!("{} does not start:\n{}", self.child.name, tail(&log));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its EVE file.
    pub(crate) fn eve(&self) -> PathBuf {
        self.home.join("eve.json")
    }
}
