//! One client of the demo: its network, its Suricata, its node, and what Wazuh says there.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use jiff::ZonedDateTime;
use serde_json::json;
use tokio::process::Command;

use super::api::Api;
use super::child::{Child, command};
use super::core::tail;
use super::folder::Folder;
use super::network::Network;
use super::running::RunningClient;
use super::schedule::Schedule;
use super::sensor::Sensor;
use super::traffic::Request;
use super::traffic::scene::Scene;
use super::wazuh::{Fleet, Manager, Stage};

/// A client of the running demo.
pub(crate) struct Client {
    scene: &'static Scene,
    network: Network,
    sensor: Sensor,
    node: Child,
    fleet: Option<Fleet>,
    manager: Manager,
    dice: fastrand::Rng,
    config: PathBuf,
    flushed: Instant,
}

impl Client {
    /// Builds its network and starts Suricata on it, and the imitation of a Wazuh (`fleet`, if there is one), enrols the node
    /// and starts it.
    ///
    /// # Errors
    /// Says which part failed and why.
    pub(crate) async fn start(
        folder: &Folder,
        api: &Api,
        scene: &'static Scene,
        namespaces: bool,
        fleet: Option<&Path>,
    ) -> Result<Self> {
        let network = if namespaces {
            Network::namespaces(scene).await?
        } else {
            Network::captures(folder.sub(&format!("{}/captures", scene.slug))?)?
        };
        let mut sensor = Sensor::start(folder, scene, &network)?;
        let manager = Manager::open(&folder.sub(&format!("{}/wazuh", scene.slug))?, &ZonedDateTime::now())
            .context("cannot write Wazuh's alerts")?;
        let fleet = match fleet {
            Some(program) => Some(Fleet::start(program, scene).await?),
            None => None,
        };
        let config = configure(folder, scene, &sensor.eve(), &manager.live(), fleet.as_ref())?;
        enrol(api, scene, &config).await?;
        sensor.ready().await?;
        let home = folder.sub(&format!("{}/node", scene.slug))?;
        let mut start = command(std::env::current_exe()?);
        start.args(["node", "run", "--config"]).arg(&config);
        let node = Child::start(format!("the node of {}", scene.name), &mut start, &home.join("node.log"))?;
        let dice = fastrand::Rng::new();
        Ok(Self { scene, network, sensor, node, fleet, manager, dice, config, flushed: Instant::now() })
    }

    /// What others may know of it.
    pub(crate) fn running(&self) -> RunningClient {
        let captures = match &self.network {
            Network::Namespaces { .. } => None,
            Network::Captures { folder, .. } => Some(folder.clone()),
        };
        RunningClient {
            name: self.scene.name.into(),
            slug: self.scene.slug.into(),
            node: self.node.pid(),
            suricata: self.sensor.child.pid(),
            namespaces: self.network.pids(),
            captures,
            eve: self.sensor.eve(),
            wazuh: self.manager.live(),
            config: self.config.clone(),
        }
    }

    /// Does what is due.
    ///
    /// # Errors
    /// A process ended by itself, or a file cannot be written.
    pub(crate) async fn tick(&mut self, now: Instant, schedule: &mut Schedule) -> Result<()> {
        self.watch()?;
        while let Some(scenario) = schedule.scenario(now) {
            let request = Request { scenario, mark: String::new(), seed: self.dice.u64(..), from: None };
            self.network.play(self.scene, &request).await?;
        }
        let clock = ZonedDateTime::now();
        while let Some(event) = schedule.event(now) {
            for mut alert in event.alerts(&mut Stage { scene: self.scene, dice: &mut self.dice, now: &clock }) {
                alert["id"] = self.manager.next_id(&clock).into();
                self.manager.write(&alert);
            }
        }
        if now.duration_since(self.flushed).as_millis() >= 1_000 {
            self.flushed = now;
            self.manager.tick(&clock).context("cannot write Wazuh's alerts")?;
        }
        Ok(())
    }

    /// Says if a process of it ended by itself.
    ///
    /// # Errors
    /// Which, and what it said last.
    pub(crate) fn watch(&mut self) -> Result<()> {
        if let Some(status) = self.node.ended() {
            let log = self.config.with_file_name("node.log");
            bail!("{} ended ({status}):\n{}", self.node.name, tail(&log));
        }
        if let Some(status) = self.sensor.child.ended() {
            bail!(
                "{} ended ({status}):\n{}",
                self.sensor.child.name,
                tail(&self.sensor.eve().with_file_name("suricata.log"))
            );
        }
        if let Some(fleet) = &mut self.fleet
            && let Some(status) = fleet.child.ended()
        {
            bail!("{} ended ({status})", fleet.child.name);
        }
        self.network.alive()
    }

    /// Stops everything of it: first who talks, then who listens.
    pub(crate) async fn stop(&mut self) {
        self.network.stop().await;
        tokio::join!(self.sensor.child.stop(), self.node.stop());
        if let Some(fleet) = &mut self.fleet {
            fleet.child.stop().await;
        }
    }
}

fn configure(folder: &Folder, scene: &Scene, eve: &Path, wazuh: &Path, fleet: Option<&Fleet>) -> Result<PathBuf> {
    let home = folder.sub(&format!("{}/node", scene.slug))?;
    let config = home.join("node.toml");
    let mut text = format!(
        "data = {:?}\npolicy = {:?}\n\n[[source]]\nkind = \"suricata\"\npath = {eve:?}\nstart = \"beginning\"\n\n\
         [[source]]\nkind = \"wazuh\"\npath = {wazuh:?}\nstart = \"beginning\"\n",
        home.join("data"),
        home.join("policy.toml"),
    );
    if let Some(fleet) = fleet {
        text += &fleet.settings(scene, &home)?;
    }
    std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
    Ok(config)
}

/// Enrols the node as a person would: makes the client, presses «Add a node», pastes what is shown.
async fn enrol(api: &Api, scene: &Scene, config: &Path) -> Result<()> {
    let clients = api.get("clients").await?;
    let mut known = clients["clients"].as_array().into_iter().flatten();
    let client = match known.find(|c| c["name"] == scene.name) {
        Some(client) => client["id"].clone(),
        None => {
            let contacts = "demo@example.org";
            let new = json!({"name": scene.name, "time_zone": scene.time_zone, "contacts": contacts, "notes": "A client of the demo."});
            api.post("clients", &new).await?["id"].clone()
        }
    };
    let data = config.with_file_name("data");
    if data.exists() {
        return Ok(());
    }
    let token = api.post(&format!("clients/{client}/tokens"), &json!({})).await?;
    let token = token["token"].as_str().context("the core gave no token")?;
    let program = std::env::current_exe()?;
    let output = Command::new(program).args(["node", "enrol", token, "--config"]).arg(config).output().await?;
    if !output.status.success() {
        bail!("the node of {} could not be enrolled: {}", scene.name, String::from_utf8_lossy(&output.stderr).trim());
    }
    let nodes = api.get("nodes").await?;
    let node = nodes["nodes"].as_array().into_iter().flatten().find(|n| n["client"] == client).cloned();
    let node = node.with_context(|| format!("the core does not know the node of {}", scene.name))?;
    let about = json!({"name": format!("{}-1", scene.slug), "site": scene.site, "mirror_port": "sw1, port 24"});
    api.patch(&format!("nodes/{}", node["id"]), &about).await?;
    Ok(())
}
