//! What a running demo tells others: `run.json` in its folder.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::network::within;
use super::traffic::scene::Scene;
use super::traffic::{Request, capture_file};

/// A running demo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The demo's own process.
    pub pid: u32,
    /// The address of the web application.
    pub url: String,
    /// The link that signs in once.
    pub sign_in: String,
    /// The core's process.
    pub core: u32,
    /// The folder of everything.
    pub dir: PathBuf,
    /// Its clients.
    pub clients: Vec<RunningClient>,
    /// True if it has an imitation of Wazuh with hosts.
    pub hosts: bool,
}

/// A client of a running demo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunningClient {
    /// Its name.
    pub name: String,
    /// Its short name.
    pub slug: String,
    /// The node's process.
    pub node: u32,
    /// Suricata's process.
    pub suricata: u32,
    /// The process that holds the namespace of its own machines, and the one that holds all others'.
    pub namespaces: Option<(u32, u32)>,
    /// Where capture files are put, without namespaces.
    pub captures: Option<PathBuf>,
    /// Suricata's EVE file.
    pub eve: PathBuf,
    /// Wazuh's alerts.
    pub wazuh: PathBuf,
    /// The node's configuration.
    pub config: PathBuf,
}

impl Running {
    /// Where it stands.
    pub(crate) fn path(dir: &Path) -> PathBuf {
        dir.join("run.json")
    }

    /// Reads that of the demo that runs in a folder.
    ///
    /// # Errors
    /// None runs there.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let path = Self::path(dir);
        let text = std::fs::read(&path).with_context(|| {
            format!("no demo runs here: there is no {}. Start one with `make demo`.", path.display())
        })?;
        let running: Self = serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
        if !running.alive() {
            bail!("the demo that ran here (process {}) is gone. Start one with `make demo`.", running.pid);
        }
        Ok(running)
    }

    /// True if its process is still there.
    pub(crate) fn alive(&self) -> bool {
        let name = std::fs::read_to_string(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        name.split('\0').any(|word| word == "demo")
    }

    /// Writes it, readable by this user only: the sign-in link is a key.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(&self) -> Result<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = Self::path(&self.dir);
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        Ok(())
    }

    /// Plays a scenario on the network of one of its clients, and gives back what was sent when, as JSON.
    ///
    /// # Errors
    /// The network is gone.
    pub(crate) async fn play(&self, scene: &'static Scene, request: &Request) -> Result<String> {
        let client = self.clients.iter().find(|c| c.slug == scene.slug).context("this demo has no such client")?;
        if let Some(folder) = &client.captures {
            let name = format!("one-{}-{}.pcap", std::process::id(), request.seed);
            capture_file(&folder.join(name), &request.conversations(scene))?;
            return Ok(request.line());
        }
        let (inner, outer) = client.namespaces.context("this demo has no network")?;
        let conversations = request.conversations(scene);
        let first = conversations.first().context("the scenario is empty")?;
        let holder = match scene.side(first.from) {
            super::traffic::scene::Side::Inner => inner,
            super::traffic::scene::Side::Outer => outer,
        };
        let program = std::env::current_exe()?;
        let output = within(holder, &program)
            .args(["demo-traffic", "here", "--client", scene.slug, "--request", &request.line()])
            .stderr(Stdio::inherit())
            .output()
            .await?;
        if !output.status.success() {
            bail!("the traffic could not be sent: {}", output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
