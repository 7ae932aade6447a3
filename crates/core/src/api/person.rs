//! Who asks: a browser with the cookie of a session, or a program with a key.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use store::{Access, Actor, Role, Scope, Secret, Session, User};

use super::access::{Rule, Shows, Who};
use crate::config::Config;
use crate::listener::ClientAddress;
use crate::problem::Problem;
use crate::state::{Core, Shared};

/// For so long after somebody has shown who they are, they may do what is dangerous.
pub(super) const LATELY: SignedDuration = SignedDuration::from_mins(15);

/// How long a visit at a provider may take.
pub(super) const VISIT: SignedDuration = SignedDuration::from_mins(15);

/// Somebody who was let in by the table (`access.rs`).
#[derive(Clone)]
pub(super) struct Person {
    /// Who.
    pub(super) user: User,
    /// What they may do, by what they came in with.
    pub(super) access: Access,
    /// Where they may do what they ask for.
    pub(super) scope: Scope,
    /// For the audit log.
    pub(super) actor: Actor,
    /// By what they came in.
    pub(super) pass: Pass,
}

/// What opens the door.
#[derive(Clone)]
pub(super) enum Pass {
    /// A browser's session, and the secret that opens it again, for streams that outlive the request.
    Session(Box<Session>, Secret),
    /// A program's key.
    Key(Secret),
}

/// What came with a request.
pub(super) struct Presented {
    key: Result<Option<Secret>, Problem>,
    cookie: Option<Secret>,
    address: String,
}

impl Presented {
    pub(super) fn read(core: &Core, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let address = address(extensions).to_string();
        Self { key: bearer(headers), cookie: cookie(headers, cookie_name(&core.config)), address }
    }
}

impl Person {
    /// Lets somebody in if this line of the table allows it.
    pub(super) async fn of(core: &Core, presented: Presented, rule: &Rule) -> Result<Self, Problem> {
        let Presented { key, cookie, address } = presented;
        let person = match key? {
            Some(secret) => {
                let holder = core.store.key_holder(&secret, Some(&address)).await?.ok_or_else(dead_key)?;
                let actor = Actor::key(&holder, Some(address));
                let scope = Scope::of(&holder.access, Role::Viewer);
                Self { user: holder.user, access: holder.access, scope, actor, pass: Pass::Key(secret) }
            }
            None => {
                let secret = cookie.ok_or_else(Problem::not_signed_in)?;
                let session = core.store.session(&secret, Some(&address)).await?;
                let session = session.ok_or_else(Problem::not_signed_in)?;
                let (user, actor) = (session.user.clone(), Actor::person(&session.user, Some(address)));
                let (access, scope) = (user.access.clone(), Scope::of(&user.access, Role::Viewer));
                Self { user, access, scope, actor, pass: Pass::Session(Box::new(session), secret) }
            }
        };
        person.held_against(core, rule)
    }

    fn held_against(mut self, core: &Core, rule: &Rule) -> Result<Self, Problem> {
        if let Who::Role(role) = rule.who {
            if self.access.role() < role {
                return Err(Problem::forbidden(role.word()));
            }
            self.scope = Scope::of(&self.access, role);
        }
        match (&self.pass, rule.shows) {
            (Pass::Key(_), Shows::Session | Shows::SessionLately) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "session-only",
                "This is for a person at a browser, not for a key.",
            )),
            (Pass::Session(..), Shows::Key) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "key-only",
                "This is for a program with a key, not for a person at a browser.",
            )),
            (_, Shows::Lately | Shows::SessionLately) => {
                self.demand_proof(core)?;
                Ok(self)
            }
            _ => Ok(self),
        }
    }

    /// Fails if it is long ago that they have shown who they are; a key shows it each time.
    pub(super) fn demand_proof(&self, core: &Core) -> Result<(), Problem> {
        match &self.pass {
            Pass::Session(session, _) if core.now().duration_since(session.proved) > LATELY => {
                Err(Problem::new(StatusCode::FORBIDDEN, "prove", "Show again who you are.")
                    .detail("What you are about to do is dangerous."))
            }
            _ => Ok(()),
        }
    }

    /// Their session, if they came with one.
    pub(super) fn session(&self) -> Result<&Session, Problem> {
        match &self.pass {
            Pass::Session(session, _) => Ok(session),
            Pass::Key(_) => Err(Problem::not_signed_in()),
        }
    }
}

/// The session of the browser that asks, where the table lets anybody ask.
pub(super) async fn session_of(core: &Core, headers: &HeaderMap) -> Result<Session, Problem> {
    let secret = cookie(headers, cookie_name(&core.config)).ok_or_else(Problem::not_signed_in)?;
    core.store.session(&secret, None).await?.ok_or_else(Problem::not_signed_in)
}

impl Pass {
    /// What it opens now; none: nothing any more.
    pub(super) async fn again(&self, core: &Core) -> store::Result<Option<Access>> {
        Ok(match self {
            Self::Session(_, secret) => core.store.session(secret, None).await?.map(|session| session.user.access),
            Self::Key(secret) => core.store.key_holder(secret, None).await?.map(|holder| holder.access),
        })
    }
}

impl FromRequestParts<Shared> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::not_signed_in)
    }
}

fn dead_key() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "dead-key", "This key is unknown, expired or deleted.")
        .detail("Make a new one on your own page.")
}

/// The key that a program presents.
fn bearer(headers: &HeaderMap) -> Result<Option<Secret>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let secret = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")).map(Secret::presented);
    secret.filter(Secret::is_key).map(Some).ok_or_else(|| dead_key().detail("Write «Authorization: Bearer socme_…»."))
}

/// Where a request comes from.
fn address(extensions: &Extensions) -> std::net::IpAddr {
    extensions.get::<ClientAddress>().map_or([0, 0, 0, 0].into(), |address| address.0)
}

/// Where a request comes from, and with which browser.
pub(super) struct From {
    /// The address.
    pub(super) address: std::net::IpAddr,
    /// The browser, as it names itself, cut.
    pub(super) agent: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let agent = agent.map(|agent| agent.chars().filter(|c| !c.is_control()).take(200).collect());
        Ok(Self { address: address(&parts.extensions), agent })
    }
}

fn cookie_name(config: &Config) -> &'static str {
    // The browser itself refuses a cookie of this name that did not come over TLS, for this host, for all paths.
    if config.secure_cookies() { "__Host-socme_session" } else { "socme_session" }
}

/// As [`cookie_name`], for the secret of a visit at a provider.
fn visit_name(config: &Config) -> &'static str {
    if config.secure_cookies() { "__Host-socme_visit" } else { "socme_visit" }
}

/// What a browser holds of a visit at a provider: it is bound to this browser by it.
pub(super) fn visit_cookie(headers: &HeaderMap, config: &Config) -> Option<Secret> {
    cookie(headers, visit_name(config))
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .filter(|(_, value)| !value.is_empty())
        .map(|(_, value)| Secret::presented(value))
}

/// The header that gives the browser its session; without a secret, takes it away.
pub(super) fn set_cookie(config: &Config, secret: Option<&Secret>) -> Result<HeaderValue, Problem> {
    write_cookie(config, cookie_name(config), secret, config.people_session_longest.as_secs())
}

/// The header that binds a visit at a provider to a browser; without a secret, ends that.
pub(super) fn set_visit_cookie(config: &Config, secret: Option<&Secret>) -> Result<HeaderValue, Problem> {
    write_cookie(config, visit_name(config), secret, VISIT.as_secs().unsigned_abs())
}

fn write_cookie(config: &Config, name: &str, secret: Option<&Secret>, age: u64) -> Result<HeaderValue, Problem> {
    let value = secret.map_or("", Secret::reveal);
    let age = secret.map_or(0, |_| age);
    let secure = if config.secure_cookies() { "; Secure" } else { "" };
    let mut header =
        HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}"))
            .map_err(Problem::internal)?;
    header.set_sensitive(true);
    Ok(header)
}
