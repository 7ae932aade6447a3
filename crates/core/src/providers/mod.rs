//! Providers of identities: sends people to one, and judges what they bring back.
//!
//! # Invariants
//! - A visit is bound to one provider, and to one browser: by a secret in a cookie, beside the state in the address.
//! - Each provider sends people back to an address of its own, and says who it is if it can (RFC 9207): what one gave is
//!   never taken to another.
//! - A code is exchanged with PKCE; an ID token counts only with the visit's nonce, for this client, from this issuer,
//!   signed with an asymmetric key of its.
//! - A person is (kind, issuer, subject). No mail address and no login is ever compared with anything here.

mod found;
mod github;
mod oidc;
mod visit;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openidconnect::{AuthorizationCode, PkceCodeVerifier, url::Url};
use store::{Provider, ProviderKind, Shown};

pub(crate) use self::found::Found;
pub(crate) use self::visit::{Purpose, Visit};
use crate::outgoing::{Failure, Outgoing};
use crate::seal::Hidden;

/// For so long a provider's description and keys are believed.
const FRESH: Duration = Duration::from_secs(3600);
/// An unknown key has them asked for again, but not more often than this.
const AGAIN: Duration = Duration::from_secs(60);
/// Descriptions at most.
const DESCRIPTIONS: usize = 100;

/// Why somebody does not get in by a provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The provider cannot be asked, or answers what cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// They were sent back without what was asked for.
    #[error("the provider answered «{0}»")]
    Declined(String),
    /// What they brought does not hold.
    #[error("{0}")]
    Untrue(String),
    /// They are who they are, and not among those who are let in.
    #[error("{0}")]
    Outside(&'static str),
}

impl Refusal {
    /// What administrators are told: in part a provider's own words, so without what is hidden in them, and cut.
    pub(crate) fn words(&self) -> String {
        self.to_string().chars().filter(|c| !c.is_control()).take(300).collect()
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Unusable(failure.to_string())
    }
}

/// What a browser brings back.
#[derive(Clone, Debug)]
pub(crate) struct Brought {
    /// To be exchanged for the proof.
    pub(crate) code: Option<Hidden>,
    /// Who sends it back, if the provider says so.
    pub(crate) iss: Option<String>,
    /// Why there is no code.
    pub(crate) error: Option<String>,
}

/// Speaks with providers.
pub(crate) struct Providers {
    outgoing: Outgoing,
    described: Mutex<HashMap<String, Described>>,
}

struct Described {
    metadata: Arc<oidc::Metadata>,
    at: Instant,
}

impl Providers {
    pub(crate) fn new(private: bool, authorities: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self { outgoing: Outgoing::new(private, authorities)?, described: Mutex::default() })
    }

    /// Where to send a browser for this visit.
    pub(crate) async fn destination(&self, provider: &Provider, visit: &Visit, back: &str) -> Result<Url, Refusal> {
        let url = match provider.kind {
            ProviderKind::Oidc => {
                let metadata = self.describe(&provider.issuer, FRESH).await?;
                oidc::destination(provider, &metadata, visit, back)?
            }
            ProviderKind::GitHub => github::destination(provider, visit, back)?,
        };
        // A description may name anything, `javascript:` too; a browser follows it.
        self.outgoing.check(&url)?;
        Ok(url)
    }

    /// Fails if this is no address that a provider could be asked at.
    pub(crate) fn check(&self, address: &str) -> Result<Url, Failure> {
        let url = Url::parse(address).map_err(|_| Failure::Scheme)?;
        self.outgoing.check(&url)?;
        Ok(url)
    }

    /// Who somebody is, from what they brought back from a visit.
    pub(crate) async fn recognise(
        &self,
        provider: &Provider,
        secret: Option<Hidden>,
        visit: &Visit,
        back: &str,
        brought: Brought,
    ) -> Result<Found, Refusal> {
        let exchange = |code: Hidden| Exchange {
            code: AuthorizationCode::new(code.reveal().to_owned()),
            verifier: PkceCodeVerifier::new(visit.verifier.reveal().to_owned()),
            secret,
            back: back.to_owned(),
        };
        match provider.kind {
            ProviderKind::Oidc => {
                let metadata = self.describe(&provider.issuer, FRESH).await?;
                oidc::check_sender(provider, &metadata, brought.iss.as_deref())?;
                let exchange = exchange(code(brought)?);
                let tokens = oidc::exchange(&self.outgoing, provider, &metadata, exchange).await?;
                match oidc::read(&self.outgoing, provider, &metadata, visit, &tokens).await {
                    Err(oidc::Unread::UnknownKey(_)) => {
                        let metadata = self.describe(&provider.issuer, AGAIN).await?;
                        oidc::read(&self.outgoing, provider, &metadata, visit, &tokens).await
                    }
                    read => read,
                }
                .map_err(Refusal::from)
            }
            ProviderKind::GitHub => github::recognise(&self.outgoing, provider, exchange(code(brought)?)).await,
        }
    }

    /// Whether a provider can be used, or what is wrong with it in words.
    pub(crate) async fn test(&self, provider: &Provider) -> Result<(), Refusal> {
        match provider.kind {
            ProviderKind::Oidc => {
                let metadata = self.describe(&provider.issuer, Duration::ZERO).await?;
                oidc::usable(&metadata)
            }
            ProviderKind::GitHub => github::test(&self.outgoing, provider).await,
        }
    }

    /// A provider's description and keys, asked for again if they are older than this.
    async fn describe(&self, issuer: &str, oldest: Duration) -> Result<Arc<oidc::Metadata>, Refusal> {
        let known = {
            let described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
            let known = described.get(issuer).filter(|known| known.at.elapsed() < oldest);
            known.map(|known| known.metadata.clone())
        };
        if let Some(metadata) = known {
            return Ok(metadata);
        }
        let metadata = Arc::new(oidc::discover(&self.outgoing, issuer).await?);
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        described.retain(|_, known| known.at.elapsed() < FRESH);
        if described.len() < DESCRIPTIONS {
            described.insert(issuer.to_owned(), Described { metadata: metadata.clone(), at: Instant::now() });
        }
        Ok(metadata)
    }
}

#[cfg(test)]
impl Providers {
    /// Makes what is known older by so much.
    pub(crate) fn age(&self, by: Duration) {
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        described.values_mut().for_each(|known| known.at -= by);
    }
}

/// What a code is exchanged with.
struct Exchange {
    code: AuthorizationCode,
    verifier: PkceCodeVerifier,
    secret: Option<Hidden>,
    back: String,
}

fn code(brought: Brought) -> Result<Hidden, Refusal> {
    if let Some(error) = brought.error {
        let word: String = error.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
        return Err(Refusal::Declined(word));
    }
    brought.code.ok_or_else(|| Refusal::Untrue("the provider sent no code back".into()))
}

/// What the store is told of somebody who is let in.
pub(crate) fn judge(provider: &Provider, found: &Found) -> Result<Shown, Refusal> {
    found.let_in(provider)?;
    let access = found.access(provider);
    Ok(Shown { provider: provider.id, subject: found.subject.clone(), label: found.label.clone(), access })
}
