//! Signing in and out, and showing again who one is.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use jiff::SignedDuration;
use serde::Deserialize;
use store::{Actor, NewSession, Proof, Secret, Step, User};
use utoipa::ToSchema;

use super::extract::Body;
use super::factors::{LOOKING, SecondFactor, demand_code};
use super::me::Me;
use super::passkeys::{self, ShownPasskey};
use super::person::{From, Person, set_cookie};
use crate::metrics::By;
use crate::problem::{Problem, ProblemBody};
use crate::state::{Core, Shared};

/// The answer to whoever has just signed in: who they are, and the cookie.
pub(super) type SignedIn = (AppendHeaders<[(header::HeaderName, HeaderValue); 1]>, Json<Me>);

/// Name and passphrase.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The user's name, in any case.
    name: String,
    /// Their passphrase.
    passphrase: String,
}

/// A one-time link's token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// What follows `#` in the link.
    token: String,
}

/// What shows again who somebody is: their passphrase, with a code if they have an authenticator; or a passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProof)]
pub(super) struct Again {
    /// Their passphrase.
    passphrase: Option<String>,
    /// Six digits of the authenticator, or a recovery code.
    code: Option<String>,
    /// A passkey.
    passkey: Option<ShownPasskey>,
}

/// Signs in.
///
/// An unknown name and a wrong passphrase are answered alike, after the same work.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn, responses(
    (status = 200, body = Me),
    (status = 202, body = SecondFactor, description = "The passphrase fits; a code is owed: give it to `/session/second`"),
    (status = 401, body = ProblemBody, description = "The name or the passphrase is wrong"),
    (status = 429, body = ProblemBody, description = "Too many attempts; `Retry-After` says when to come back"),
))]
pub(super) async fn sign_in(
    State(core): State<Shared>,
    from: From,
    Body(SignIn { name, passphrase }): Body<SignIn>,
) -> Result<Response, Problem> {
    let user = recognise(&core, &name, passphrase, &from).await?;
    if user.has_authenticator {
        let ticket = core.store.begin_step(Step::SecondFactor, Some(user.id), Vec::new(), LOOKING).await?;
        let owed = SecondFactor { ticket: ticket.reveal().to_owned() };
        return Ok((StatusCode::ACCEPTED, Json(owed)).into_response());
    }
    let begun = core.store.begin_session(user.id, new_session(&core, from, Proof::Passphrase)).await?;
    Ok(signed_in(&core, begun)?.into_response())
}

/// Signs in with a one-time link that was made on the core's own machine (`socme core sign-in-link`).
#[utoipa::path(post, path = "/session/link", tag = "session", request_body = Link, responses(
    (status = 200, body = Me),
    (status = 400, body = ProblemBody, description = "The link is unknown, used or expired"),
))]
pub(super) async fn sign_in_by_link(
    State(core): State<Shared>,
    from: From,
    Body(Link { token }): Body<Link>,
) -> Result<SignedIn, Problem> {
    let new = new_session(&core, from, Proof::Link);
    let begun = core.store.sign_in_by_link(&Secret::presented(&token), new).await?;
    signed_in(&core, begun)
}

/// Shows again who one is: for the next 15 minutes this session may do what is dangerous.
#[utoipa::path(post, path = "/session/proof", tag = "session", request_body = Again, responses(
    (status = 200, body = Me),
    (status = 401, body = ProblemBody, description = "The passphrase is wrong"),
    (status = 429, body = ProblemBody, description = "Too many attempts"),
))]
pub(super) async fn prove(
    State(core): State<Shared>,
    person: Person,
    from: From,
    Body(again): Body<Again>,
) -> Result<Json<Me>, Problem> {
    let by = match again {
        Again { passkey: Some(shown), .. } => {
            if passkeys::recognise(&core, shown, &from).await?.id != person.user.id {
                return Err(Problem::invalid("passkey", "This passkey is somebody else's."));
            }
            Proof::Passkey
        }
        Again { passphrase: Some(passphrase), code, .. } => {
            let user = recognise(&core, &person.user.name, passphrase, &from).await?;
            if user.has_authenticator {
                let missing = || Problem::invalid("code", "Give the code of your authenticator too.");
                demand_code(&core, &user, &code.ok_or_else(missing)?, &from).await?;
                Proof::PassphraseAndCode
            } else {
                Proof::Passphrase
            }
        }
        Again { .. } => return Err(Problem::invalid("passphrase", "Give your passphrase, or show a passkey.")),
    };
    core.store.prove_session(person.actor.clone(), person.session()?.id, by).await?;
    let proved = person.session()?.at(core.now());
    Ok(Json(Me::new(&core, &person.user, &person.access, Some(&proved))))
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)))]
pub(super) async fn sign_out(
    State(core): State<Shared>,
    person: Person,
) -> Result<(StatusCode, AppendHeaders<[(header::HeaderName, HeaderValue); 1]>), Problem> {
    let session = person.session()?.id;
    core.store.end_session(person.actor, person.user.id, session).await?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, set_cookie(&core.config, None)?)])))
}

/// Who has this name and this passphrase. Whoever guesses is slowed down, and noted.
pub(super) async fn recognise(core: &Core, name: &str, passphrase: String, from: &From) -> Result<User, Problem> {
    let outcome = |word: &str| core.metrics.sign_ins.get_or_create(&By("outcome", word.into())).inc();
    core.sign_ins.attempt(name, from.address, Instant::now()).map_err(|wait| {
        outcome("throttled");
        Problem::throttled(wait)
    })?;
    let found = core.store.user_to_sign_in(name).await?;
    let stored = found.as_ref().and_then(|(_, stored)| stored.clone());
    let fits = core.passphrases.fits(passphrase, stored).await;
    let fits = fits.map_err(|crowded| Problem::later("Too many people are signing in.").cause(crowded))?;
    match found {
        Some((user, _)) if fits && !user.disabled => {
            core.sign_ins.succeeded(name, from.address);
            outcome("in");
            Ok(user)
        }
        _ => {
            outcome("refused");
            let mut actor = Actor::named("somebody");
            actor.address = Some(from.address.to_string());
            let tried: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            core.store.note(actor, "session.refuse", tried, String::new()).await?;
            Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong-sign-in", "The name or the passphrase is wrong.")
                .detail("Check both. An administrator can give you a new passphrase."))
        }
    }
}

/// A session as the settings want it.
pub(super) fn new_session(core: &Core, from: From, how: Proof) -> NewSession {
    let span = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::from_hours(12));
    NewSession {
        how,
        idle: span(core.config.people_session_idle),
        longest: span(core.config.people_session_longest),
        address: Some(from.address.to_string()),
        agent: from.agent,
    }
}

/// Answers somebody who has just signed in.
pub(super) fn signed_in(core: &Core, (secret, session): (Secret, store::Session)) -> Result<SignedIn, Problem> {
    let cookie = set_cookie(&core.config, Some(&secret))?;
    let me = Me::new(core, &session.user, &session.user.access, Some(&session));
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(me)))
}
