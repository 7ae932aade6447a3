//! `socme core backup` and `restore`: one file that either kind of database is written to and read from.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use store::{Contents, Error, Options, Place, Sealed, Store};

use super::open;
use crate::config::Config;
use crate::seal::{Sealer, master_key, master_key_path};
use crate::{folder, run};

/// Write a backup.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socme core backup /mnt/safe/socme-$(date +%F).backup
  socme core backup --verify /mnt/safe/socme-2026-11-25.backup    look at one that was written before

The file holds the clients' alerts: keep it as you keep the database. The master key is not in it: keep a copy of that elsewhere.")]
pub(super) struct Backup {
    /// The file; it must not exist
    file: PathBuf,
    /// Write nothing: say whether this file is a whole backup, and what is in it
    #[arg(long)]
    verify: bool,
    /// For machines
    #[arg(long)]
    json: bool,
}

/// Read a backup.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socme core restore /mnt/safe/socme-2026-11-25.backup
  socme core restore --forget-secrets old.backup                  the master key is lost

From SQLite to PostgreSQL: backup, then restore with database.url set. And back: the same without it.")]
pub(super) struct Restore {
    /// The file
    file: PathBuf,
    /// Restore without the secrets that only the lost master key opens; says what must be entered or enrolled anew
    #[arg(long)]
    forget_secrets: bool,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Backup {
    #[allow(clippy::print_stdout)]
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        if !self.verify {
            self.write(config).await?;
        }
        let whole = look(&self.file)?;
        let rows: u64 = whole.rows.values().sum();
        let bytes = std::fs::metadata(&self.file)?.len();
        if self.json {
            println!(
                "{}",
                serde_json::json!({ "file": self.file, "bytes": bytes, "made": whole.made, "program": whole.program, "rows": whole.rows })
            );
        } else {
            let count = |table: &str| whole.rows.get(table).copied().unwrap_or(0);
            println!(
                "{} is whole: {bytes} bytes, {rows} rows, made {:.0} by SOCme {}.",
                self.file.display(),
                whole.made,
                whole.program
            );
            println!(
                "  {} alerts, {} clients, {} nodes, {} users, {} entries of the audit log",
                count("alert"),
                count("client"),
                count("node"),
                count("user"),
                count("audit")
            );
        }
        Ok(())
    }

    /// Written beside, and given its name when it is complete.
    async fn write(&self, config: &Config) -> anyhow::Result<()> {
        if self.file.exists() {
            bail!("{} exists already: choose another name", self.file.display());
        }
        let mut beside = self.file.clone().into_os_string();
        beside.push(".part");
        let beside = PathBuf::from(beside);
        // What an earlier one left behind; never written through, should somebody have put a link there.
        let _ = std::fs::remove_file(&beside);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
        let file = file.with_context(|| format!("cannot write {}", beside.display()))?;
        let synced = file.try_clone()?;
        let store = open(config).await?;
        let done = store.back_up(file, progress("writing")).await;
        store.close().await;
        if let Err(error) = done {
            let _ = std::fs::remove_file(&beside);
            return Err(error.into());
        }
        synced.sync_all()?;
        std::fs::rename(&beside, &self.file)?;
        if let Some(folder) = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Restore {
    #[allow(clippy::print_stdout)]
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        let _held = folder::hold(&config.data)?;
        let whole = look(&self.file)?;
        let forgotten = self.secrets(config, &whole)?;
        let file = File::open(&self.file)?;
        let options = Options { readers: 1, writers: 1, background: false, ..Options::default() };
        let told = progress("restoring");
        let rows = match run::place(config)? {
            Place::File(path) => {
                if path.exists() {
                    bail!("there is a database in {} already: put that folder aside first", config.data.display());
                }
                let beside = path.with_extension("restoring");
                remove(&beside);
                let done = Store::restore(beside.clone(), options, file, &whole, forgotten.is_none(), told).await;
                match done {
                    Ok(rows) => std::fs::rename(&beside, &path).map(|()| rows)?,
                    Err(error) => {
                        remove(&beside);
                        return Err(error.into());
                    }
                }
            }
            place => {
                let done = Store::restore(place, options, file, &whole, forgotten.is_none(), told).await;
                match done {
                    // Refused before anything was written: what is in the database stays good.
                    Err(error @ Error::Refused(_)) => return Err(error.into()),
                    done => done.context(
                        "nothing can start with what is in the database now: drop it, and make an empty one",
                    )?,
                }
            }
        };
        if self.json {
            println!("{}", serde_json::json!({ "rows": rows, "forgotten": forgotten.unwrap_or_default() }));
            return Ok(());
        }
        println!("Restored {rows} rows, as they were {:.0}.", whole.made);
        if let Some(forgotten) = forgotten {
            println!("\nWhat only the lost master key opens was left out:");
            forgotten.iter().for_each(|line| println!("  - {line}"));
        }
        Ok(())
    }

    /// Fails unless the master key opens every secret. If they are to be forgotten, says what they were.
    fn secrets(&self, config: &Config, whole: &Contents) -> anyhow::Result<Option<Vec<String>>> {
        if self.forget_secrets {
            return Ok(Some(whole.sealed.iter().map(what_to_do).collect()));
        }
        if whole.sealed.is_empty() {
            return Ok(None);
        }
        let path = master_key_path(config.master_key.as_deref(), &config.data);
        let lost = "put the master key back that belongs to this backup; if it is lost, restore with --forget-secrets";
        let sealer = Sealer::new(&master_key(&path, false).context(lost)?)?;
        for secret in &whole.sealed {
            sealer.open(&secret.name, &secret.bytes).context(lost)?;
        }
        Ok(None)
    }
}

/// What somebody has to do whose secret was forgotten.
fn what_to_do(secret: &Sealed) -> String {
    if secret.name == Sealed::AUTHORITY {
        return "the certificate authority: a new one is made at the next start; enrol every node anew (--force)"
            .into();
    }
    match secret.name.split_once('/') {
        Some(("authenticator", user)) => format!("the authenticator of user {user}: they set up a new one"),
        Some(("provider", provider)) => format!("the secret of the provider {provider}: enter it again"),
        _ => format!("{}: enter it again", secret.name),
    }
}

fn look(file: &Path) -> anyhow::Result<Contents> {
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    Contents::of(BufReader::new(opened)).with_context(|| file.display().to_string())
}

fn remove(database: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut path = database.as_os_str().to_owned();
        path.push(end);
        let _ = std::fs::remove_file(PathBuf::from(path));
    }
}

/// Says on a terminal how far it has come.
fn progress(what: &'static str) -> impl Fn(&str) + Send + 'static {
    let shown = std::io::stderr().is_terminal();
    move |table: &str| {
        if shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K{what} {table}…");
            if table == "job" {
                let _ = write!(std::io::stderr(), "\r\x1b[K");
            }
        }
    }
}
