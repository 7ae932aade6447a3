//! A client's network: two network namespaces with a cable between them, or, where the machine does not permit these, a
//! folder of capture files.
//!
//! A namespace has no name: it exists as long as the process that serves its side, and that process ends with the demo.
//! So nothing is ever left behind.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use super::child::{Child, command};
use super::traffic::scene::{Scene, Side};
use super::traffic::{Request, capture_file};

/// The interface on both sides.
pub(crate) const INTERFACE: &str = "eth0";

/// A client's network.
#[derive(Debug)]
pub(crate) enum Network {
    /// Real packets between two namespaces.
    Namespaces {
        /// Serves the client's own machines. The sensor stands in its namespace.
        inner: Box<Host>,
        /// Serves everything else.
        outer: Box<Host>,
    },
    /// Packets in files.
    Captures {
        /// The folder that Suricata watches.
        folder: PathBuf,
        /// How many were written.
        written: u64,
    },
}

/// The process that serves one side.
#[derive(Debug)]
pub(crate) struct Host {
    child: Child,
    orders: ChildStdin,
    answers: Option<Lines<BufReader<ChildStdout>>>,
}

/// Says why network namespaces cannot be used here, if so.
pub(crate) async fn obstacle() -> Option<String> {
    let probe = Command::new("unshare")
        .args(["--net", "--", "ip", "link", "add", INTERFACE, "type", "veth", "peer", "name", "eth1"])
        .stdin(Stdio::null())
        .output()
        .await;
    match probe {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

impl Network {
    /// Makes two namespaces and the cable between them.
    ///
    /// # Errors
    /// The kernel's own words.
    pub(crate) async fn namespaces(scene: &'static Scene) -> Result<Self> {
        let mut inner = Host::start(scene, Side::Inner)?;
        let mut outer = Host::start(scene, Side::Outer)?;
        // They have unshared their network when they say the first word; until then /proc shows the machine's own.
        inner.left_home().await?;
        outer.left_home().await?;
        let (a, b) = (inner.child.pid().to_string(), outer.child.pid().to_string());
        ip(Command::new("ip")
            .args(["link", "add", INTERFACE, "netns", &a, "type", "veth", "peer", "name", INTERFACE, "netns", &b]))
        .await?;
        for (host, side) in [(&a, Side::Inner), (&b, Side::Outer)] {
            address(host, &scene.ranges(side)).await?;
        }
        inner.serve().await?;
        outer.serve().await?;
        inner.listen();
        outer.listen();
        Ok(Self::Namespaces { inner: Box::new(inner), outer: Box::new(outer) })
    }

    /// Makes a folder for capture files.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn captures(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self::Captures { folder, written: 0 })
    }

    /// The processes that hold the namespaces: inner and outer.
    pub(crate) fn pids(&self) -> Option<(u32, u32)> {
        match self {
            Self::Namespaces { inner, outer } => Some((inner.child.pid(), outer.child.pid())),
            Self::Captures { .. } => None,
        }
    }

    /// Plays a scenario.
    ///
    /// # Errors
    /// The network is gone.
    pub(crate) async fn play(&mut self, scene: &Scene, request: &Request) -> Result<()> {
        let conversations = request.conversations(scene);
        match self {
            Self::Captures { folder, written } => {
                *written += 1;
                capture_file(&folder.join(format!("{written:08}.pcap")), &conversations)
            }
            Self::Namespaces { inner, outer } => {
                let Some(first) = conversations.first() else { return Ok(()) };
                match scene.side(first.from) {
                    Side::Inner => inner.order(&request.line()).await,
                    Side::Outer => outer.order(&request.line()).await,
                }
            }
        }
    }

    /// Says if a process of it ended by itself.
    ///
    /// # Errors
    /// Which.
    pub(crate) fn alive(&mut self) -> Result<()> {
        if let Self::Namespaces { inner, outer } = self {
            for host in [inner, outer] {
                if let Some(status) = host.child.ended() {
                    bail!("{} ended ({status})", host.child.name);
                }
            }
        }
        Ok(())
    }

    /// Ends its processes, and with them the namespaces.
    pub(crate) async fn stop(&mut self) {
        if let Self::Namespaces { inner, outer } = self {
            tokio::join!(inner.child.stop(), outer.child.stop());
        }
    }
}

impl Host {
    fn start(scene: &Scene, side: Side) -> Result<Self> {
        let program = std::env::current_exe().context("where is this program?")?;
        let mut command = command("unshare");
        command.args(["--net", "--"]).arg(program).args([
            "demo-traffic",
            "side",
            "--client",
            scene.slug,
            "--side",
            side.word(),
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = Child::spawn(format!("the {} side of {}", side.word(), scene.name), &mut command)?;
        let streams = child.process();
        let orders = streams.stdin.take().context("no standard input")?;
        let answers = BufReader::new(streams.stdout.take().context("no standard output")?).lines();
        Ok(Self { child, orders, answers: Some(answers) })
    }

    async fn left_home(&mut self) -> Result<()> {
        self.answer().await.map(|_| ())
    }

    async fn serve(&mut self) -> Result<()> {
        self.order("serve").await?;
        self.answer().await.map(|_| ())
    }

    async fn order(&mut self, line: &str) -> Result<()> {
        let name = &self.child.name;
        self.orders.write_all(format!("{line}\n").as_bytes()).await.with_context(|| format!("{name} is gone"))
    }

    async fn answer(&mut self) -> Result<String> {
        let name = &self.child.name;
        let answers = self.answers.as_mut().with_context(|| format!("{name} was let go"))?;
        let line = tokio::time::timeout(Duration::from_secs(20), answers.next_line()).await;
        match line.with_context(|| format!("{name} does not answer"))?? {
            Some(line) => Ok(line),
            None => bail!("{name} ended"),
        }
    }

    /// Reads all further answers, and logs those that tell of a problem.
    fn listen(&mut self) {
        let Some(mut answers) = self.answers.take() else { return };
        let name = self.child.name.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = answers.next_line().await {
                let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(problem) = value["problems"][0].as_str().or_else(|| value["error"].as_str()) {
                    tracing::warn!("{name}: {problem}");
                }
            }
        });
    }
}

/// A command that runs in the network namespace of a process.
pub(crate) fn within(pid: u32, program: &Path) -> Command {
    let mut command = command("nsenter");
    command.arg(format!("--net=/proc/{pid}/ns/net")).arg("--").arg(program);
    command
}

/// Gives a side all addresses of its ranges, and sends everything else down the cable.
async fn address(host: &str, ranges: &[String]) -> Result<()> {
    let mut script = format!("link set lo up\nlink set {INTERFACE} up\n");
    for range in ranges {
        script.push_str(&format!("route add local {range} dev lo\n"));
    }
    // The kernel wants one address on the interface to ask for neighbours with.
    if let Some((net, _)) = ranges[0].rsplit_once('.') {
        script.push_str(&format!("addr add {net}.1/32 dev {INTERFACE}\n"));
    }
    script.push_str(&format!("route add default dev {INTERFACE} scope link\n"));
    let mut command = Command::new("nsenter");
    command.args([&format!("--net=/proc/{host}/ns/net"), "--", "ip", "-batch", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn().context("cannot start nsenter")?;
    if let Some(mut input) = process.stdin.take() {
        input.write_all(script.as_bytes()).await?;
    }
    let output = process.wait_with_output().await?;
    if !output.status.success() {
        bail!("cannot set up the demo's addresses: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

async fn ip(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().await.context("cannot start ip")?;
    if !output.status.success() {
        bail!("cannot lay the demo's cable: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
