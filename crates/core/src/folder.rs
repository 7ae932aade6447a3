//! The data folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};

/// The data folder, held by this core alone until dropped.
pub(crate) struct Held(#[allow(dead_code, reason = "the lock lasts as long as the file is open")] File);

/// Makes the folder (0700) if it is not there, and holds it against a second core.
pub(crate) fn hold(path: &Path) -> anyhow::Result<Held> {
    if !path.exists() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| {
            format!("cannot make the data folder {}: choose another one with --data", path.display())
        })?;
    }
    check(path)?;
    let lock = path.join("core.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock);
    let file = file.with_context(|| format!("cannot write in the data folder {}", path.display()))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!(
            "another core is running with the data folder {}: stop it first, or choose another folder with --data",
            path.display()
        );
    }
    Ok(Held(file))
}

/// Refuses a folder in which others could exchange the files.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    let found = std::fs::metadata(path).with_context(|| format!("cannot read the data folder {}", path.display()))?;
    if !found.is_dir() {
        bail!("{} is not a folder: choose another one with --data", path.display());
    }
    let me = rustix::process::geteuid().as_raw();
    if found.uid() != me && me != 0 {
        bail!(
            "the data folder {} belongs to another user: run as that user, or choose another one with --data",
            path.display()
        );
    }
    if found.mode() & 0o022 != 0 {
        bail!("others can write in the data folder {}: chmod 700 {}", path.display(), path.display());
    }
    Ok(())
}
