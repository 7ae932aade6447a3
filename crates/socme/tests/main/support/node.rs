//! A node: process, data folder, file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::core::copy_folder;
use super::{Process, socme, wait_for};

/// A node that runs, can be killed and started again.
pub struct Node {
    pub data: PathBuf,
    pub config: PathBuf,
    process: Option<Process>,
}

impl Node {
    /// Writes the node's file in `folder`; `sources` are its `[[source]]` tables and more.
    pub fn new(folder: &Path, sources: &str) -> Self {
        std::fs::create_dir_all(folder).expect("create folder");
        let data = folder.join("data");
        let config = folder.join("node.toml");
        let policy = folder.join("policy.toml");
        std::fs::write(&config, format!("data = {data:?}\npolicy = {policy:?}\n{sources}")).expect("write node.toml");
        Self { data, config, process: None }
    }

    /// The client's policy file.
    pub fn policy(&self, text: &str) {
        std::fs::write(self.config.with_file_name("policy.toml"), text).expect("write policy.toml");
    }

    pub fn enrol(&self, token: &str) {
        let mut command = socme();
        command.args(["node", "enrol", token, "--config"]).arg(&self.config);
        let output = command.output().expect("run enrol");
        assert!(output.status.success(), "enrol: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn launch(&mut self) {
        let mut command = socme();
        command.args(["node", "run", "--config"]).arg(&self.config);
        self.process = Some(Process::start("node", command));
    }

    /// Waits until where reading begins is in the spool: what was rotated before that is not the node's to read.
    pub fn wait_begun(&self, sources: usize) {
        wait_for("the node to know where it begins", Duration::from_secs(60), || {
            let status = self.status()?;
            // What is told of a source is told after its cursor was written.
            let begun = status["sources"].as_object()?.values().filter(|source| source["state"] != "missing").count();
            (begun >= sources).then_some(())
        });
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the node runs")
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// SIGTERM; the node must end by itself.
    pub fn stop(&mut self) -> Option<i32> {
        self.process.take().and_then(|mut process| process.stop(Duration::from_secs(10)))
    }

    /// `socme node status --json`.
    pub fn status(&self) -> Option<Value> {
        let output = socme().args(["node", "status", "--json", "--config"]).arg(&self.config).output().ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Copies the data of a node that does not run.
    pub fn copy_data(&self, to: &Path) {
        copy_folder(&self.data, to);
    }

    /// Rolls the disk back to a copy.
    pub fn roll_back(&self, from: &Path) {
        std::fs::remove_dir_all(&self.data).expect("remove");
        copy_folder(from, &self.data);
    }
}
