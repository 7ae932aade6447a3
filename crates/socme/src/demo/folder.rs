//! The demo's folder: `.demo`, only this user's.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::running::Running;

/// The rules that the project ships.
const RULES: &str = include_str!("../../../../suricata/socme.rules");
/// Suricata's configuration in the demo.
const SURICATA: &str = include_str!("../../../../suricata/suricata.yaml");

/// The demo's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes it; what an earlier demo left there goes, unless it is to be kept.
    ///
    /// # Errors
    /// A demo runs there, or it cannot be written.
    pub(crate) fn open(path: &Path, keep: bool) -> Result<Self> {
        if let Ok(running) = Running::read(path) {
            bail!(
                "a demo runs here already (process {}): {}\nStop it first, or give this one another folder with --dir.",
                running.pid,
                running.url
            );
        }
        let known = path.join(MARK).exists();
        if path.exists() && !known && fs::read_dir(path)?.next().is_some() {
            bail!("{} is not a demo's folder: it holds something else. Give another one with --dir.", path.display());
        }
        if known && !keep {
            fs::remove_dir_all(path).with_context(|| format!("cannot empty {}", path.display()))?;
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        let folder = Self(fs::canonicalize(path)?);
        fs::write(folder.0.join(MARK), "What `socme demo` writes. It may be deleted when no demo runs.\n")?;
        let _ = fs::remove_file(Running::path(&folder.0));
        fs::write(folder.rules(), RULES)?;
        fs::write(folder.suricata(), SURICATA)?;
        Ok(folder)
    }

    /// Itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The rules.
    pub(crate) fn rules(&self) -> PathBuf {
        self.0.join("socme.rules")
    }

    /// Suricata's configuration.
    pub(crate) fn suricata(&self) -> PathBuf {
        self.0.join("suricata.yaml")
    }

    /// A folder in it, made if it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn sub(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }
}

/// By this file a demo's folder is told from others: nothing else is ever emptied.
const MARK: &str = "README.txt";
