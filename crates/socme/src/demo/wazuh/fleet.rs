//! The imitation of a Wazuh manager and its indexer beside a node of the demo: a program of its own, for no installed SOCme
//! brings one.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::demo::child::{Child, command};
use crate::demo::traffic::scene::Scene;

/// What it has to say where it listens.
const PATIENCE: Duration = Duration::from_secs(20);
/// The passwords that the imitation takes.
const API: &str = "wazuh-wui\n";
const INDEXER: &str = "secret\n";
/// The client's policy: see docs/en/wazuh.md.
const ALL: &str = "# What may be asked of this node: all of it. Take away what you like, and ask for it.\n\
    allow = [\"inventory\", \"logtest\", \"rules\", \"restart\", \"group\", \"upgrade\", \"scan\", \"block\"]\n";
const READING: &str = "# What may be asked of this node: what only reads. All else is refused.\n\
    allow = [\"inventory\", \"logtest\", \"rules\"]\n";

/// A running imitation.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// Its process.
    pub child: Child,
    place: Place,
}

/// Where it listens, as it says.
#[derive(Debug, Deserialize)]
struct Place {
    url: String,
    fingerprint: String,
    indexer: String,
}

impl Fleet {
    /// The program that is built beside this one for the demo, if it is.
    pub(crate) fn program() -> Option<PathBuf> {
        let program = std::env::current_exe().ok()?.with_file_name("examples").join("fleet");
        program.is_file().then_some(program)
    }

    /// Starts one with so many hosts.
    ///
    /// # Errors
    /// It does not start, or says nothing.
    pub(crate) async fn start(program: &Path, scene: &Scene) -> Result<Self> {
        let [a, b, c, _] = scene.web().octets();
        let mut start = command(program);
        start.args([scene.slug, &scene.hosts.to_string(), &format!("{a}.{b}.{c}")]);
        start.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Child::spawn(format!("the imitated Wazuh of {}", scene.name), &mut start)?;
        let output = child.process().stdout.take().context("it has no output")?;
        let mut lines = BufReader::new(output).lines();
        let place = async {
            while let Some(line) = lines.next_line().await? {
                if let Ok(place) = serde_json::from_str(&line) {
                    return Ok(place);
                }
            }
            bail!("{} ended before it said where it listens", child.name)
        };
        let place = tokio::time::timeout(PATIENCE, place).await;
        let place = place.with_context(|| format!("the imitated Wazuh of {} does not start", scene.name))??;
        Ok(Self { child, place })
    }

    /// What the node's file says of it; the passwords and, unless there is one already, the policy are written beside it.
    ///
    /// # Errors
    /// They cannot be written.
    pub(crate) fn settings(&self, scene: &Scene, home: &Path) -> Result<String> {
        let write = |name: &str, text: &str| {
            let path = home.join(name);
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            Ok::<_, anyhow::Error>(path)
        };
        let (api, indexer) = (write("wazuh-api-password", API)?, write("wazuh-indexer-password", INDEXER)?);
        if !home.join("policy.toml").exists() {
            write("policy.toml", if scene.lets_act { ALL } else { READING })?;
        }
        Ok(format!(
            "\n# An imitation of a manager, not a real one.\n[wazuh]\nlook_seconds = 5\n\n[wazuh.api]\nurl = {:?}\n\
             user = \"wazuh\"\npassword_file = {api:?}\npin = {:?}\n\n[wazuh.indexer]\nurl = {:?}\nuser = \"reader\"\n\
             password_file = {indexer:?}\n",
            self.place.url, self.place.fingerprint, self.place.indexer
        ))
    }
}
