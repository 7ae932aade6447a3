//! `socme core rotate-key`: another master key.
//!
//! Killed at any moment it is run again and goes on: the new key is on the disk before anything is sealed with it, all secrets
//! change in one transaction, and the files change their names after.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use store::{Actor, Sealed, Store};

use super::open;
use crate::config::Config;
use crate::folder;
use crate::seal::{KEY_VARIABLE, Sealer, make_key, master_key, master_key_path};

/// Take another master key.
#[derive(Debug, Args)]
#[command(
    after_help = "The key until now is kept beside the new one, as «….old»: backups made before need it. Keep it apart, or destroy it
together with them. With several cores on one database: stop all of them first, and give each the new key."
)]
pub(super) struct RotateKey {
    /// Where the new key is written, if the one until now is not in a file that may be replaced
    #[arg(long, value_name = "FILE")]
    new: Option<PathBuf>,
}

impl RotateKey {
    #[allow(clippy::print_stdout)]
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        let _held = folder::hold(&config.data)?;
        let path = master_key_path(config.master_key.as_deref(), &config.data);
        let fixed = std::env::var_os(KEY_VARIABLE).is_some()
            || std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|folder| path.starts_with(folder));
        if fixed && self.new.is_none() {
            bail!("the master key is not in a file that may be replaced: say with --new where the new one goes");
        }
        let new = self.new.clone().unwrap_or_else(|| with(&path, ".new"));
        let old = with(&path, ".old");
        if self.new.is_none() && old.exists() && !new.exists() {
            bail!(
                "{} is there from the last time, and backups made before it need it: put it elsewhere first",
                old.display()
            );
        }
        let store = open(config).await?;
        let done = rotate(&store, &path, &new).await;
        store.close().await;
        let count = done?;
        if self.new.is_some() {
            println!(
                "{count} secrets are sealed with the key in {} now: hand it to the core before you start it.",
                new.display()
            );
            return Ok(());
        }
        // Killed between the two, the first is done already.
        if path.exists() {
            std::fs::rename(&path, &old)?;
        }
        std::fs::rename(&new, &path)?;
        std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        println!("{count} secrets are sealed with the new key in {}.", path.display());
        println!("The key until now is in {}: backups made before need it.", old.display());
        Ok(())
    }
}

/// Seals everything with the key in `new`; says how many secrets there are.
async fn rotate(store: &Store, path: &Path, new: &Path) -> anyhow::Result<usize> {
    let sealed = store.all_sealed().await?;
    let after = if new.exists() { crate::seal::read_key(new)? } else { make_key(new)? };
    let after = Sealer::new(&after)?;
    let opens = |sealer: &Sealer, secret: &Sealed| sealer.open(&secret.name, &secret.bytes).ok();
    // Killed after the secrets had changed.
    if !sealed.is_empty() && sealed.iter().all(|secret| opens(&after, secret).is_some()) {
        return Ok(sealed.len());
    }
    let before = Sealer::new(&master_key(path, false)?)?;
    let mut changes = Vec::new();
    for secret in sealed {
        let plain = opens(&before, &secret);
        let plain = plain.with_context(|| format!("«{}» does not open with the key until now", secret.name))?;
        changes.push((secret.bytes, after.seal(&secret.name, &plain)?));
    }
    let count = changes.len();
    store.reseal(Actor::named("the command line"), changes).await?;
    Ok(count)
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}
