//! Files that hold secrets: nobody else on the machine may read them.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Refuses a key that others on the machine can read. systemd guards its credentials by their folder.
pub(crate) fn check_private(path: &Path) -> anyhow::Result<()> {
    let mode = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.mode();
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|folder| path.starts_with(folder));
    if mode & 0o077 != 0 && !credential {
        bail!("{} can be read by others on this machine: chmod 600 {}", path.display(), path.display());
    }
    Ok(())
}
