//! From the command to the end of the demo.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use super::client::Client;
use super::core::Core;
use super::folder::Folder;
use super::network::obstacle;
use super::ports::Ports;
use super::progress::Progress;
use super::running::Running;
use super::schedule::Schedule;
use super::sensor;
use super::traffic::scene::SCENES;
use super::wazuh::Fleet;

/// Shows SOCme on this machine alone: a core, three clients with a node and a Suricata each, and traffic that they see
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  socme demo\n  socme demo --keep              go on with what the last demo stored\n  \
                        socme demo --seconds 60 --json  for scripts"
)]
pub(crate) struct Demo {
    /// Where everything is written
    #[arg(long, default_value = ".demo", value_name = "FOLDER")]
    dir: PathBuf,
    /// Go on with what the last demo stored, instead of beginning anew
    #[arg(long)]
    keep: bool,
    /// Stop after that many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// For machines: print one line of JSON when everything runs
    #[arg(long)]
    json: bool,
    /// Use capture files instead of network namespaces
    #[arg(long)]
    no_netns: bool,
    /// Play nothing by itself, only what `socme demo-traffic one` asks for; there are no hosts then
    #[arg(long)]
    quiet: bool,
}

/// What ends the demo.
enum End {
    Asked,
    Over,
}

/// The name of the demo's administrator.
const ADMIN: &str = "demo";

impl Demo {
    /// Runs the demo until it is told to stop.
    ///
    /// # Errors
    /// What is missing or went wrong, with the mend. Everything has been stopped.
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let mut signals = Signals::new()?;
        let mut stage = Stage::default();
        let end = tokio::select! {
            end = signals.any() => end,
            end = self.show(&mut stage) => end,
        };
        eprintln!("\nStopping…");
        stage.stop().await;
        end?;
        Ok(ExitCode::SUCCESS)
    }

    async fn show(&self, stage: &mut Stage) -> Result<End> {
        let mut progress = Progress::begin();
        let suricata = sensor::version().await?;
        let folder = Folder::open(&self.dir, self.keep)?;
        let obstacle = if self.no_netns { Some("you asked for capture files".into()) } else { obstacle().await };

        progress.step("core");
        let ports = Ports::choose().context("no port is free")?;
        let core = stage.core.insert(Core::start(&folder, ports).await?);
        let passphrase = passphrase()?;
        let first = core.api.get("setup").await?["needed"] == true;
        if first {
            let token = core.setup_token().await?;
            core.api.set_up(&token, ADMIN, &passphrase).await?;
        } else {
            let link = core.sign_in_link().await?;
            core.api.follow_link(link.rsplit('#').next().unwrap_or_default()).await?;
        }
        // A host comes and goes by itself.
        let fleet = if self.quiet { None } else { Fleet::program() };
        for scene in &SCENES {
            progress.step(&format!("{}: network, Suricata, node", scene.name));
            let client = Client::start(&folder, &core.api, scene, obstacle.is_none(), fleet.as_deref()).await?;
            stage.clients.push(client);
        }
        progress.step("nodes report to the core");
        online(core, stage.clients.len()).await?;
        progress.done();

        let running = Running {
            pid: std::process::id(),
            url: core.api.url().to_owned(),
            sign_in: core.sign_in_link().await?,
            core: core.child.pid(),
            dir: folder.path().to_owned(),
            clients: stage.clients.iter().map(Client::running).collect(),
            hosts: fleet.is_some(),
        };
        running.write()?;
        stage.folder = Some(folder);
        if self.json {
            println!("{}", serde_json::to_string(&running)?);
        } else {
            self.explain(&running, &suricata, obstacle.as_deref(), first.then_some(&passphrase), progress.seconds());
        }
        self.perform(stage).await
    }

    /// Plays until the time is up.
    async fn perform(&self, stage: &mut Stage) -> Result<End> {
        let begin = Instant::now();
        let end = self.seconds.map(|s| begin + Duration::from_secs(s));
        // Each client begins with something else, one of them with something bad.
        let openings: [&[&str]; 3] =
            [&["sqlmap", "ssh-brute-force"], &["cross-site-scripting", "dns-tunnel"], &["log4shell", "web-shell"]];
        let mut schedules: Vec<_> = openings.iter().map(|o| Schedule::begin(begin, fastrand::u64(..), o)).collect();
        let mut clock = tokio::time::interval(Duration::from_millis(100));
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            let now = Instant::now();
            if end.is_some_and(|end| now >= end) {
                return Ok(End::Over);
            }
            stage.alive()?;
            for (client, schedule) in stage.clients.iter_mut().zip(&mut schedules) {
                if self.quiet {
                    client.watch()?;
                } else {
                    client.tick(now, schedule).await?;
                }
            }
        }
    }

    fn explain(
        &self,
        running: &Running,
        suricata: &str,
        obstacle: Option<&str>,
        passphrase: Option<&String>,
        seconds: f64,
    ) {
        println!("\nThe demo runs (started in {seconds:.1} s).\n");
        println!("  Open    {}", running.sign_in);
        println!("          This link signs you in once. The page is {}", running.url);
        if let Some(passphrase) = passphrase {
            println!("          Later: name {ADMIN}, passphrase {passphrase}");
        }
        println!("\nWhat you see");
        println!("  {:<14}three clients, one node each: {}", "", SCENES.map(|s| s.name).join(", "));
        match obstacle {
            None => println!(
                "  {:<14}Suricata {suricata} watches real packets between network namespaces; the traffic is made by this demo.",
                "real"
            ),
            Some(why) => println!(
                "  {:<14}Suricata {suricata} reads capture files that this demo writes: network namespaces are not used here ({why}).",
                "real"
            ),
        }
        println!("  {:<14}Wazuh's alerts: no manager runs here, this demo writes its alerts.json.", "generated");
        if running.hosts {
            let hosts: u32 = SCENES.iter().map(|scene| u32::from(scene.hosts)).sum();
            println!(
                "  {:<14}{hosts} hosts with their inventory and vulnerabilities (try CVE-2026-12345): an imitation of Wazuh answers\n\
                 {:16}for them, and does what is asked of it unless a client's policy forbids it, as that of {} does.",
                "imitated",
                "",
                SCENES.iter().find(|scene| !scene.lets_act).map_or("none", |scene| scene.name)
            );
        } else {
            println!("  {:<14}hosts: without --quiet, `make demo` has an imitation of Wazuh for them.", "left out");
        }
        println!("\nPlay with it");
        let socme = program();
        println!("  {socme} demo-traffic list                      what can happen");
        println!("  {socme} demo-traffic one --scenario web-shell  make it happen now");
        if let Some(client) = running.clients.first() {
            let config = client.config.display();
            println!("  {socme} node status --config {config}");
            println!("  {socme} node tail --config {config}");
            println!("  {socme} node doctor --config {config}");
        }
        println!("\nEverything is in {}. Stop with Ctrl-C.", running.dir.display());
    }
}

/// This program, as one types it here.
fn program() -> String {
    let Ok(path) = std::env::current_exe() else { return "socme".into() };
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(&path).display().to_string()
}

/// Everything that runs.
#[derive(Default)]
struct Stage {
    core: Option<Core>,
    clients: Vec<Client>,
    folder: Option<Folder>,
}

impl Stage {
    fn alive(&mut self) -> Result<()> {
        match &mut self.core {
            Some(core) => core.alive(),
            None => Ok(()),
        }
    }

    /// Stops everything, the core last, so that nodes can still hand over what they have.
    async fn stop(&mut self) {
        futures::future::join_all(self.clients.iter_mut().map(Client::stop)).await;
        if let Some(core) = &mut self.core {
            core.child.stop().await;
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_file(Running::path(folder.path()));
        }
    }
}

/// Waits until the core says that so many nodes are online.
async fn online(core: &mut Core, many: usize) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let nodes = core.api.get("nodes").await?;
        let states: Vec<_> = nodes["nodes"].as_array().into_iter().flatten().map(|n| n["state"].to_string()).collect();
        if states.iter().filter(|s| s.contains("online")).count() >= many {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the nodes do not report to the core: {}", states.join(", "));
        }
        core.alive()?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Twenty letters and digits without those that look alike: about 100 bits.
fn passphrase() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0; 20];
    getrandom::fill(&mut random).context("no randomness")?;
    Ok(random.iter().map(|b| char::from(LETTERS[usize::from(b % 32)])).collect())
}

/// What asks the demo to end.
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal, tokio::signal::unix::Signal);

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?))
    }

    async fn any(&mut self) -> Result<End> {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
            _ = self.2.recv() => {}
        }
        Ok(End::Asked)
    }
}
