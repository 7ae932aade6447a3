//! Child processes that end with the demo, however it ends.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::process::{Child as Process, Command};

/// What a child gets to end by itself.
const GRACE: Duration = Duration::from_secs(6);

/// A process that the demo started.
#[derive(Debug)]
pub(crate) struct Child {
    /// What it is called in messages.
    pub name: String,
    process: Process,
    pid: u32,
}

/// A command that ends when the demo ends, even by SIGKILL: `setpriv` asks the kernel for that, and then becomes the
/// program itself. Its input is closed, its environment that of the demo.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program).stdin(Stdio::null()).kill_on_drop(true);
    // Ctrl-C reaches the whole group of a terminal; the demo stops its children itself, in order.
    command.process_group(0);
    command
}

impl Child {
    /// Starts it; what it says goes to `log`.
    ///
    /// Call this from the main task only: the kernel ties a child to the *thread* that started it.
    ///
    /// # Errors
    /// The program is missing, or the log cannot be written.
    pub(crate) fn start(name: impl Into<String>, command: &mut Command, log: &Path) -> Result<Self> {
        let name = name.into();
        let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdout(out.try_clone()?).stderr(out);
        Self::spawn(name, command)
    }

    /// Starts it with the streams that the command has.
    ///
    /// # Errors
    /// The program is missing.
    pub(crate) fn spawn(name: impl Into<String>, command: &mut Command) -> Result<Self> {
        let name = name.into();
        let process = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let pid = process.id().with_context(|| format!("{name} ended at once"))?;
        Ok(Self { name, process, pid })
    }

    /// Its process id. It stays that of the program: everything on the way to it replaces itself.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The process itself, for its streams.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// Asks it to end, and ends it if it does not.
    pub(crate) async fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw) {
            // It may have ended this very moment.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(GRACE, self.process.wait()).await.is_err() {
            let _ = self.process.kill().await;
        }
    }
}
