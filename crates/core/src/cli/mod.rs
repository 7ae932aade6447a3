//! `socme core …`

mod backup;
mod rotation;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use store::{Actor, AuditHead, Authority, AuthorityState, Options, Place, Role, Store, User, Verified};

use crate::config::{Config, Flags, example};
use crate::pki::{announce, signs_from};
use crate::seal::{Sealer, master_key, master_key_path};
use crate::{api, check, log, run};

/// How long a sign-in link lives.
const SIGN_IN_LINK: SignedDuration = SignedDuration::from_mins(5);

/// Run the core: the pages, their API, and the way in for nodes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socme core                                start, with everything as it is by itself
  socme core --people-listen 127.0.0.1:8080 start, pages on another port
  socme core check                          what is wrong with the settings, with file, line and mend
  socme core sign-in-link                   a link that signs the administrator in, once
  socme core backup /mnt/safe/socme.backup  everything in one file, while the core runs
  socme core example > core.toml            a settings file with every key
  socme core --help                         all settings as flags")]
pub struct CoreCommand {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start (what happens without a word as well)
    Run,
    /// Say what is wrong with the settings, the folder, the ports and the certificates
    Check {
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Print a link that signs a user in, once, within five minutes; for who has access to the data folder
    SignInLink {
        /// The user [default: the first administrator]
        #[arg(long)]
        user: Option<String>,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Show the certificate authorities, or let another one follow
    ///
    /// Nodes are told of a new authority for 91 days before it signs, so that none is cut off. One that ends within a year is
    /// followed by another without being asked.
    Authority {
        /// Announce another authority now
        #[arg(long)]
        renew: bool,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Let an administrator in again who has lost every way: print a link that works once, within a day
    ///
    /// The user is made if there is none of that name, enabled, and an administrator from now on. With the link they choose how
    /// they sign in.
    RecoverAdmin {
        /// The user
        #[arg(long, default_value = "admin")]
        user: String,
        /// Take their passkeys and authenticator away: they are lost
        #[arg(long)]
        reset_factors: bool,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Write everything into one file, while the core runs, and look whether it can be read
    #[command(visible_alias = "export")]
    Backup(backup::Backup),
    /// Read a backup into an empty database, of either kind; the core must not run
    #[command(visible_alias = "import")]
    Restore(backup::Restore),
    /// Encipher all secrets with another master key; the core must not run
    RotateKey(rotation::RotateKey),
    /// Check the chain of the audit log from its beginning
    ///
    /// Exit codes: 0 it holds, 1 it could not be looked at, 3 somebody has changed it.
    VerifyAudit {
        /// A head that was kept elsewhere, as `audit-head` prints it: shows that nothing was cut off since
        #[arg(long, value_name = "NUMBER:LINK")]
        head: Option<String>,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Print where the chain of the audit log ends, NUMBER:LINK: keep it where nobody who writes to the database can reach it
    AuditHead,
    /// Print the description of the API (OpenAPI)
    Openapi,
    /// Print a settings file with every key, its default and what it is for
    Example,
}

impl CoreCommand {
    /// Does it. Exit codes: 0 done, 1 it could not be done, 2 the settings are wrong.
    ///
    /// # Errors
    /// Says what is in the way, with the mend.
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Some(Action::Openapi) => println!("{}", document()?),
            Some(Action::Example) => print!("{}", example()),
            Some(Action::Check { json }) => {
                let report = check::check(&self.flags.layers());
                if json {
                    println!("{}", serde_json::json!({ "fine": report.fine, "wrong": report.wrong }));
                } else {
                    report.fine.iter().for_each(|line| println!("fine   {line}"));
                    report.wrong.iter().for_each(|line| println!("WRONG  {line}"));
                }
                return Ok(if report.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) });
            }
            Some(Action::SignInLink { ref user, json }) => {
                let Some(config) = self.config() else { return Ok(ExitCode::from(2)) };
                let link = sign_in_link(&config, user.as_deref()).await?;
                if json {
                    println!("{}", serde_json::json!({ "url": link }));
                } else {
                    println!("{link}");
                }
            }
            Some(Action::Authority { renew, json }) => {
                let Some(config) = self.config() else { return Ok(ExitCode::from(2)) };
                let known = authorities(&config, renew).await?;
                if json {
                    println!("{}", serde_json::Value::from(known.iter().map(as_json).collect::<Vec<_>>()));
                } else {
                    known.iter().for_each(|authority| println!("{}", in_words(authority)));
                }
            }
            Some(Action::RecoverAdmin { ref user, reset_factors, json }) => {
                let Some(config) = self.config() else { return Ok(ExitCode::from(2)) };
                let link = recover_admin(&config, user, reset_factors).await?;
                if json {
                    println!("{}", serde_json::json!({ "url": link }));
                } else {
                    println!("{link}");
                }
            }
            Some(Action::Backup(ref backup)) => {
                let Some(config) = self.config() else { return Ok(ExitCode::from(2)) };
                backup.run(&config).await?;
            }
            Some(Action::Restore(ref restore)) => {
                let Some(config) = self.config() else { return Ok(ExitCode::from(2)) };
                restore.run(&config).await?;
            }
            Some(Action::RotateKey(ref rotate)) => {
                let Some(config) = self.config() else { return Ok(ExitCode::from(2)) };
                rotate.run(&config).await?;
            }
            Some(Action::VerifyAudit { ref head, json }) => {
                let Some(config) = self.config() else { return Ok(ExitCode::from(2)) };
                return verify_audit(&config, head.as_deref(), json).await;
            }
            Some(Action::AuditHead) => {
                let Some(config) = self.config() else { return Ok(ExitCode::from(2)) };
                let store = open(&config).await?;
                let head = store.audit_head().await;
                store.close().await;
                let AuditHead { id, link } = head?;
                println!("{id}:{link}");
            }
            Some(Action::Run) | None => {
                let Some(config) = self.config() else { return Ok(ExitCode::from(2)) };
                log::begin(&config);
                run::run(config).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The settings; what is wrong with them is told.
    #[allow(clippy::print_stderr)]
    fn config(&self) -> Option<Config> {
        match Config::load(&self.flags.layers()) {
            Ok(config) => Some(config),
            Err(faults) => {
                faults.iter().for_each(|fault| eprintln!("{fault}"));
                None
            }
        }
    }
}

/// The API's description, as JSON.
pub(crate) fn document() -> anyhow::Result<String> {
    Ok(api::document().to_pretty_json()?)
}

/// The authorities; with another one announced first, if `renew` says so.
async fn authorities(config: &Config, renew: bool) -> anyhow::Result<Vec<Authority>> {
    let store = open(config).await?;
    let known = async {
        if renew {
            let known = store.authorities().await?;
            if let Some(next) = known.iter().find(|authority| authority.state == AuthorityState::Announced) {
                bail!("another authority is announced already: it signs from {:.0} on", signs_from(next));
            }
            let key = master_key_path(config.master_key.as_deref(), &config.data);
            let sealer = Sealer::new(&master_key(&key, false)?)?;
            announce(&store, &sealer, Actor::named("the command line")).await?;
        }
        Ok(store.authorities().await?)
    }
    .await;
    store.close().await;
    known
}

fn in_words(authority: &Authority) -> String {
    let what = match authority.state {
        AuthorityState::Announced => format!("announced, signs from {:.0} on", signs_from(authority)),
        AuthorityState::Signing => "signs".into(),
        AuthorityState::Retired => "retired, still trusted".into(),
        AuthorityState::Gone => "gone, trusted no more".into(),
    };
    format!("{:>3}  since {:.0}  ends {:.0}  {what}", authority.id.0, authority.created, authority.ends)
}

fn as_json(authority: &Authority) -> serde_json::Value {
    let state = match authority.state {
        AuthorityState::Announced => "announced",
        AuthorityState::Signing => "signing",
        AuthorityState::Retired => "retired",
        AuthorityState::Gone => "gone",
    };
    let signs_from = (authority.state == AuthorityState::Announced).then(|| signs_from(authority));
    serde_json::json!({ "id": authority.id.0, "state": state, "created": authority.created, "ends": authority.ends,
        "signs_from": signs_from })
}

/// The database of a core that may be running.
async fn open(config: &Config) -> anyhow::Result<Store> {
    if let Place::File(path) = run::place(config)?
        && !path.exists()
    {
        bail!(
            "there is no database in {}: start the core first, or say with --data where it is",
            config.data.display()
        );
    }
    run::open(config, Options { readers: 1, writers: 1, background: false, ..Options::default() }).await
}

/// Makes the user an administrator who can come in; says the link.
async fn recover_admin(config: &Config, name: &str, reset: bool) -> anyhow::Result<String> {
    let store = open(config).await?;
    let done = async {
        let actor = Actor::named("the command line");
        let (user, secret) = store.recover_admin(actor.clone(), name, SignedDuration::from_hours(24)).await?;
        if reset {
            store.reset_factors(actor, user.id).await?;
        }
        Ok(format!("{}/invitation#{}", config.people_url(config.people_listen), secret.reveal()))
    }
    .await;
    store.close().await;
    done
}

#[allow(clippy::print_stdout)]
async fn verify_audit(config: &Config, head: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let kept = head.map(|text| {
        let (id, link) = text.trim().split_once(':').context("--head: write NUMBER:LINK, as audit-head prints it")?;
        let id = id.parse().context("--head: what stands before the colon is no number")?;
        anyhow::Ok(AuditHead { id, link: link.to_lowercase() })
    });
    let kept = kept.transpose()?;
    let store = open(config).await?;
    let found = store.verify_audit(kept).await;
    store.close().await;
    match found? {
        Verified::Whole { entries, erased, head } => {
            if json {
                println!(
                    "{}",
                    serde_json::json!({ "whole": true, "entries": entries, "erased": erased, "head": format!("{}:{}", head.id, head.link) })
                );
            } else {
                println!("The audit log is whole: {entries} entries, {erased} of them erased with their client.");
                println!("It ends at {}:{}", head.id, head.link);
            }
            Ok(ExitCode::SUCCESS)
        }
        Verified::Broken { entry, why } => {
            if json {
                println!("{}", serde_json::json!({ "whole": false, "entry": entry, "why": why }));
            } else {
                println!("THE AUDIT LOG WAS CHANGED: entry {entry}: {why}. What follows it cannot be trusted either.");
            }
            Ok(ExitCode::from(3))
        }
    }
}

/// Makes a link that signs this user in; while there is no administrator yet, one to set up with.
async fn sign_in_link(config: &Config, name: Option<&str>) -> anyhow::Result<String> {
    let store = open(config).await?;
    let link = make_link(&store, config, name).await;
    store.close().await;
    link
}

async fn make_link(store: &Store, config: &Config, name: Option<&str>) -> anyhow::Result<String> {
    let url = config.people_url(config.people_listen);
    let actor = Actor::named("the command line");
    if store.needs_setup().await? {
        let secret = store.setup_link(actor, SignedDuration::from_hours(24)).await?;
        return Ok(format!("{url}/setup#{}", secret.reveal()));
    }
    let users = store.users().await?;
    let wanted = |user: &&User| match name {
        Some(name) => user.name.to_lowercase() == name.trim().to_lowercase(),
        None => user.role() == Role::Admin && !user.disabled,
    };
    let user = users.iter().find(wanted);
    let user = user.with_context(|| format!("there is no user «{}»", name.unwrap_or_default()))?;
    if user.disabled {
        bail!("the user «{}» is disabled", user.name);
    }
    let secret = store.sign_in_link(actor, user.id, SIGN_IN_LINK).await?;
    Ok(format!("{url}/sign-in#{}", secret.reveal()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_description_of_the_api_is_not_stale() {
        crate::testing::is_fresh("web/openapi.json", &(super::document().unwrap() + "\n"));
    }
}
