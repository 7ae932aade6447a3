//! The demo's core: `socme core` with its folder and ports.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::api::Api;
use super::child::{Child, command};
use super::folder::Folder;
use super::ports::Ports;

/// A running core.
#[derive(Debug)]
pub(crate) struct Core {
    /// Its process.
    pub child: Child,
    /// The way to its API.
    pub api: Api,
    config: PathBuf,
    log: PathBuf,
}

/// What starting may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Core {
    /// Starts it, and waits until it serves.
    ///
    /// # Errors
    /// What it said, if it does not.
    pub(crate) async fn start(folder: &Folder, ports: Ports) -> Result<Self> {
        let home = folder.sub("core")?;
        let (config, log) = (home.join("core.toml"), home.join("core.log"));
        let data = home.join("data");
        let url = format!("http://localhost:{}", ports.people);
        // Nodes report every other second, so that the page follows what one does to them.
        let text = format!(
            "data = {data:?}\nnode_addresses = [\"127.0.0.1:{nodes}\"]\n\n[people]\nlisten = \"127.0.0.1:{people}\"\n\n\
             [nodes]\nlisten = \"127.0.0.1:{nodes}\"\nheartbeat = \"2s\"\nlate_after = \"8s\"\noffline_after = \"20s\"\n\n\
             [metrics]\nlisten = \"127.0.0.1:{metrics}\"\n",
            nodes = ports.nodes,
            people = ports.people,
            metrics = ports.metrics,
        );
        std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let program = std::env::current_exe()?;
        let mut start = command(program);
        start.args(["core", "--config"]).arg(&config);
        let child = Child::start("the core", &mut start, &log)?;
        let mut core = Self { child, api: Api::new(url)?, config, log };
        core.ready(ports.metrics).await?;
        Ok(core)
    }

    async fn ready(&mut self, metrics: u16) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.api.answers(&format!("http://127.0.0.1:{metrics}/readyz")).await {
            self.alive()?;
            if Instant::now() > deadline {
                bail!("the core is not ready after {} s:\n{}", PATIENCE.as_secs(), tail(&self.log));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Says if it ended by itself.
    ///
    /// # Errors
    /// What it said last.
    pub(crate) fn alive(&mut self) -> Result<()> {
        match self.child.ended() {
            Some(status) => bail!("the core ended ({status}):\n{}", tail(&self.log)),
            None => Ok(()),
        }
    }

    /// The token of the link with which the first administrator sets up the core, as the core prints it once it serves.
    ///
    /// # Errors
    /// It printed none.
    pub(crate) async fn setup_token(&mut self) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = std::fs::read_to_string(&self.log)?;
            // The last line may be half written.
            let whole = said.rfind('\n').map_or("", |end| &said[..end]);
            if let Some(token) = token_after(whole, "/setup#") {
                return Ok(token);
            }
            self.alive()?;
            if Instant::now() > deadline {
                bail!("the core printed no setup link:\n{}", tail(&self.log));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A link that signs in once, made by `socme core sign-in-link`.
    ///
    /// # Errors
    /// What it said, if it makes none.
    pub(crate) async fn sign_in_link(&self) -> Result<String> {
        let program = std::env::current_exe()?;
        let output =
            Command::new(program).args(["core", "sign-in-link", "--config"]).arg(&self.config).output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        match token_after(&said, "/sign-in#") {
            Some(token) => Ok(format!("{}/sign-in#{token}", self.api.url())),
            None => bail!("no sign-in link was made: {}", String::from_utf8_lossy(&output.stderr).trim()),
        }
    }
}

/// The word after a marker, which must be part of a link.
fn token_after(text: &str, marker: &str) -> Option<String> {
    let (_, rest) = text.split_once(marker)?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.~".contains(c))).unwrap_or(rest.len());
    (end > 0).then(|| rest[..end].to_owned())
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last =
        lines[lines.len().saturating_sub(12)..].iter().map(|l| format!("    {l}")).collect::<Vec<_>>().join("\n");
    format!("{last}\n    (all of it: {})", log.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_what_the_core_says() {
        let said = "INFO first start\n  Set up this core: http://127.0.0.1:7440/setup#ab-C_9 (valid for a day)\n";
        assert_eq!(token_after(said, "/setup#").as_deref(), Some("ab-C_9"));
        assert_eq!(token_after(said, "/sign-in#"), None);
    }
}
