//! Who asks: the session that the cookie opens, and whether the role suffices.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use store::{Actor, Role, Scope, Secret, Session};

use crate::config::Config;
use crate::listener::ClientAddress;
use crate::problem::Problem;
use crate::state::Shared;

/// A signed-in person.
pub(super) struct Person {
    /// Their session.
    pub(super) session: Session,
    /// What they may see.
    pub(super) scope: Scope,
    /// For the audit log.
    pub(super) actor: Actor,
    /// What opens the session again, for streams that outlive the request.
    pub(super) secret: Secret,
}

impl FromRequestParts<Shared> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Shared) -> Result<Self, Problem> {
        let secret = cookie(&parts.headers, &core.config).ok_or_else(Problem::not_signed_in)?;
        let session = core.store.session(&secret).await?.ok_or_else(Problem::not_signed_in)?;
        let actor = Actor::person(&session.user, Some(address(parts).to_string()));
        Ok(Self { scope: Scope::of_user(&session.user), actor, session, secret })
    }
}

impl Person {
    fn at_least(self, role: Role) -> Result<Self, Problem> {
        if self.session.user.role >= role { Ok(self) } else { Err(Problem::forbidden(role.word())) }
    }
}

/// A person who handles alerts, or more.
pub(super) struct Analyst(pub(super) Person);

impl FromRequestParts<Shared> for Analyst {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Shared) -> Result<Self, Problem> {
        Person::from_request_parts(parts, core).await?.at_least(Role::Analyst).map(Self)
    }
}

/// A person who manages clients, nodes and users.
pub(super) struct Admin(pub(super) Person);

impl FromRequestParts<Shared> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Shared) -> Result<Self, Problem> {
        Person::from_request_parts(parts, core).await?.at_least(Role::Admin).map(Self)
    }
}

/// Where a request comes from.
pub(super) fn address(parts: &Parts) -> std::net::IpAddr {
    parts.extensions.get::<ClientAddress>().map_or([0, 0, 0, 0].into(), |address| address.0)
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
        Ok(Self { address: address(parts), agent })
    }
}

fn cookie_name(config: &Config) -> &'static str {
    // The browser itself refuses a cookie of this name that did not come over TLS, for this host, for all paths.
    if config.secure_cookies() { "__Host-socme_session" } else { "socme_session" }
}

fn cookie(headers: &HeaderMap, config: &Config) -> Option<Secret> {
    let name = cookie_name(config);
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| Secret::presented(value))
}

/// The header that gives the browser its session; without a secret, takes it away.
pub(super) fn set_cookie(config: &Config, secret: Option<&Secret>) -> Result<HeaderValue, Problem> {
    let value = secret.map_or("", Secret::reveal);
    let age = secret.map_or(0, |_| config.people_session_longest.as_secs());
    let secure = if config.secure_cookies() { "; Secure" } else { "" };
    let name = cookie_name(config);
    let mut header =
        HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}"))
            .map_err(Problem::internal)?;
    header.set_sensitive(true);
    Ok(header)
}
