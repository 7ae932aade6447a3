//! `socme node enrol`: from a one-time token to an identity.

use std::path::Path;

use anyhow::{Result, bail};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use wire::link::{Enrol, Enrolled};
use wire::token::Token;

use crate::config::Config;
use crate::identity::{About, Identity, new_key, request};
use crate::line::{Line, Refusal, Trouble, sha256};
use crate::spool::Spool;

/// Enrols this machine. `address` overrides the token's.
///
/// # Errors
/// Says what is wrong and what to do: used token, other core, no route, wrong clock.
pub async fn enrol(config: &Config, token: &str, address: Option<&str>, force: bool) -> Result<Identity> {
    let token = Token::decode(token)?;
    if let Some(old) = Identity::read(&config.data)?
        && !force
    {
        bail!(
            "this machine is enrolled already, as node «{}» of client «{}». To enrol it again, add --force",
            old.about.name.escape_debug(),
            old.about.client.escape_debug()
        );
    }
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
            Ok(enrolled) => return keep(config, &token, enrolled, &key),
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

fn keep(config: &Config, token: &Token, enrolled: Enrolled, key: &rcgen::KeyPair) -> Result<Identity> {
    let trusted = CertificateDer::pem_slice_iter(enrolled.ca.as_bytes())
        .filter_map(Result::ok)
        .any(|der| sha256(&der) == token.ca_sha256);
    if !trusted {
        bail!("the core answered with another authority than the token's: nothing was kept. Ask for a new token");
    }
    make_data(&config.data)?;
    let addresses = if enrolled.addresses.is_empty() { token.addresses.clone() } else { enrolled.addresses };
    let about = About { node: enrolled.node, name: enrolled.name, client: enrolled.client, addresses };
    Spool::create(&config.data, config.spool.limit.0)?;
    Identity::create(&config.data, about, enrolled.certificate, key, enrolled.ca)
}

fn make_data(data: &Path) -> Result<()> {
    use anyhow::Context;
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(data)
        .with_context(|| format!("{} cannot be made: run this as root or as the node's user", data.display()))
}

/// The machine's own name.
#[must_use]
pub fn hostname() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "node".to_owned() } else { name }
}
