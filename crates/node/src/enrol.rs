//! `socme node enrol`: from a one-time token to an identity.
//!
//! Root who enrols does it for the user as whom the service runs: what is made in the data folder belongs to that user.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::fs::Access;
use rustix::io::Errno;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use wire::link::{Enrol, Enrolled};
use wire::token::Token;

use crate::config::{Config, HOME};
use crate::identity::{About, Identity, new_key, request};
use crate::line::{Line, Refusal, Trouble, sha256};
use crate::owner::{Account, Accounts, SERVICE};
use crate::spool::Spool;

/// Enrols this machine. `address` overrides the token's.
///
/// # Errors
/// Says what is wrong and what to do: used token, other core, no route, wrong clock.
pub async fn enrol(config: &Config, token: &str, address: Option<&str>, force: bool) -> Result<Identity> {
    let token = Token::decode(token)?;
    let old = Identity::read(&config.data)?;
    if let Some(old) = &old
        && !force
    {
        bail!(
            "this machine is enrolled already, as node «{}» of client «{}». To enrol it again, add --force",
            old.about.name.escape_debug(),
            old.about.client.escape_debug()
        );
    }
    // A token works once: whatever would keep its answer from being kept must show before it is used.
    let owner = Owner::of(&config.data)?;
    owner.act(|| ready(&config.data))?;
    if old.is_some() {
        let free = owner.act(|| Ok(Spool::check_free(&config.data, config.spool.limit.0)?));
        free.context("stop the node first: sudo systemctl stop socme-node")?;
    }
    let same_core = old.is_some_and(|old| trusts(&old.ca, &token));
    let key = new_key()?;
    let ask = Enrol {
        wire: wire::VERSION,
        secret: token.secret.clone(),
        csr: request(&key)?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hostname: hostname(),
    };
    let addresses: Vec<&str> =
        address.map_or_else(|| token.addresses.iter().map(String::as_str).collect(), |a| vec![a]);
    let mut failures = Vec::new();
    for address in &addresses {
        match try_address(&token, address, &ask).await {
            Ok(enrolled) => return owner.act(|| keep(config, &token, enrolled, &key, same_core)),
            // The core itself said no: another address would say the same.
            Err(Refusal::Problem(problem, _)) if problem.status != 503 => {
                bail!("{} {}", problem.title, problem.detail.unwrap_or_default())
            }
            Err(other) => failures.push(format!("  {other}")),
        }
    }
    bail!("the core cannot be reached at any of its addresses:\n{}\nThe token stays valid.", failures.join("\n"))
}

async fn try_address(token: &Token, address: &str, ask: &Enrol) -> Result<Enrolled, Refusal> {
    let line = Line::pinned(&token.ca_sha256, address)
        .await
        .map_err(|error| Refusal::Unreached(Trouble::Other, format!("{address}: {error:#}")))?;
    line.ask(wire::path::ENROL, ask).await
}

fn trusts(ca: &str, token: &Token) -> bool {
    CertificateDer::pem_slice_iter(ca.as_bytes()).filter_map(Result::ok).any(|der| sha256(&der) == token.ca_sha256)
}

fn keep(config: &Config, token: &Token, enrolled: Enrolled, key: &rcgen::KeyPair, same_core: bool) -> Result<Identity> {
    if !trusts(&enrolled.ca, token) {
        bail!("the core answered with another authority than the token's: nothing was kept. Ask for a new token");
    }
    let addresses = if enrolled.addresses.is_empty() { token.addresses.clone() } else { enrolled.addresses };
    let about = About { node: enrolled.node, name: enrolled.name, client: enrolled.client, addresses };
    // Another core is sent what it lacks; the same one has it already, of the node before.
    if !same_core || !Spool::begin_again(&config.data, config.spool.limit.0)? {
        Spool::create(&config.data, config.spool.limit.0)?;
    }
    Identity::create(&config.data, about, enrolled.certificate, key, enrolled.ca)
}

/// Makes the folder of the identity, and sees that it can be written.
fn ready(data: &Path) -> Result<()> {
    let folder = data.join("identity");
    make_folder(&folder, 0o700)?;
    for path in [folder, data.join("spool.db")] {
        match rustix::fs::access(&path, Access::WRITE_OK) {
            Err(error) if error != Errno::NOENT => {
                bail!("{} cannot be written ({error}): run this as root or as the node's user", path.display())
            }
            _ => {}
        }
    }
    Ok(())
}

fn make_folder(folder: &Path, mode: u32) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(folder)
        .with_context(|| format!("{} cannot be made: run this as root or as the node's user", folder.display()))
}

/// With whose rights the node's files are made.
struct Owner(Option<Account>);

impl Owner {
    /// Whose the data folder is, which is made if it is missing. What root left in it at an earlier time is given to that
    /// user first.
    fn of(data: &Path) -> Result<Self> {
        let missing = !data.exists();
        make_folder(data, 0o750)?;
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let accounts = Accounts::read();
        let owner = if missing { future_owner(&accounts, data) } else { accounts.of_data(data) };
        let Some(owner) = owner.filter(|owner| !owner.is_me()) else { return Ok(Self(None)) };
        let give = || {
            if missing {
                std::os::unix::fs::chown(data, Some(owner.uid), Some(owner.gid))?;
            }
            owner.take_over(data)
        };
        give().with_context(|| format!("{} cannot be given to {}", data.display(), owner.name))?;
        Ok(Self(Some(owner)))
    }

    fn act<T: Send>(&self, what: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let Some(owner) = &self.0 else { return what() };
        owner.act(what).with_context(|| format!("this cannot be done as {}, whose the data folder is", owner.name))?
    }
}

/// The service's user, if there is one, and root has just made the package's folder, which it can reach. In any other
/// place, such as a demo's, the node is root's own.
fn future_owner(accounts: &Accounts, data: &Path) -> Option<Account> {
    let service = accounts.named(SERVICE).filter(|_| data == Path::new(HOME))?;
    let reached = service.act(|| rustix::fs::access(data, Access::EXISTS).is_ok());
    reached.unwrap_or(false).then_some(service)
}

/// The machine's own name.
#[must_use]
pub fn hostname() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "node".to_owned() } else { name }
}
