//! A second factor: the code of an authenticator beside the passphrase, or a recovery code.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use store::{Actor, Proof, Secret, Step, User, UserId};
use utoipa::ToSchema;

use super::extract::{Body, Place};
use super::me::Me;
use super::person::{From, Person};
use super::session::{SignedIn, new_session, signed_in};
use crate::authenticator::{Shared as Authenticator, recovery_codes};
use crate::problem::{Problem, ProblemBody};
use crate::state::{Core, Shared};

/// How long somebody may look for their phone.
pub(super) const LOOKING: SignedDuration = SignedDuration::from_mins(5);
/// How long somebody may take to set an authenticator up.
const SETTING_UP: SignedDuration = SignedDuration::from_mins(30);

/// What is owed after the passphrase.
#[derive(Serialize, ToSchema)]
pub(super) struct SecondFactor {
    /// To be given with the code, within 5 minutes.
    pub(super) ticket: String,
}

/// The code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondFactorCode)]
pub(super) struct Code {
    /// From the answer to the passphrase.
    ticket: String,
    /// Six digits of the authenticator, or a recovery code.
    code: String,
}

/// An authenticator to be set up: shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewAuthenticator {
    /// To be given with the first code, within 30 minutes.
    ticket: String,
    /// The secret, to be typed (base32).
    secret: String,
    /// The same as an address, `otpauth://…`.
    url: String,
    /// The same as a picture to scan (SVG).
    picture: String,
}

/// Recovery codes: shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    /// Each works once, instead of the authenticator.
    codes: Vec<String>,
}

/// Signs in with the second factor, after the passphrase.
#[utoipa::path(post, path = "/session/second", tag = "session", operation_id = "second_factor", request_body = Code, responses(
    (status = 200, body = Me),
    (status = 400, body = ProblemBody, description = "The ticket is dead: begin again with the passphrase"),
    (status = 401, body = ProblemBody, description = "The code is wrong, or was used already"),
    (status = 429, body = ProblemBody, description = "Too many attempts"),
))]
pub(super) async fn second(
    State(core): State<Shared>,
    from: From,
    Body(Code { ticket, code }): Body<Code>,
) -> Result<SignedIn, Problem> {
    let ticket = Secret::presented(&ticket);
    let remembered = core.store.try_step(Step::SecondFactor, &ticket).await?;
    let user = core.store.user(remembered.user.unwrap_or(UserId(0))).await?;
    demand_code(&core, &user, &code, &from).await?;
    core.store.end_step(Step::SecondFactor, &ticket).await?;
    let begun = core.store.begin_session(user.id, new_session(&core, from, Proof::PassphraseAndCode)).await?;
    signed_in(&core, begun)
}

/// Begins to set up an authenticator. Nothing changes before its first code is given.
#[utoipa::path(post, path = "/me/authenticator/begin", tag = "me", operation_id = "begin_authenticator", responses((status = 200, body = NewAuthenticator)))]
pub(super) async fn begin(State(core): State<Shared>, person: Person) -> Result<Json<NewAuthenticator>, Problem> {
    let shared = Authenticator::draw()?;
    let (url, picture) = shared.picture(&person.user.name)?;
    let sealed = core.sealer.seal(&seal_name(person.user.id), shared.bytes())?;
    let ticket = core.store.begin_step(Step::Authenticator, Some(person.user.id), sealed, SETTING_UP).await?;
    let (ticket, secret) = (ticket.reveal().to_owned(), shared.base32());
    Ok(Json(NewAuthenticator { ticket, secret, url, picture }))
}

/// Sets up the authenticator that has given this code: from now on it is asked for. Gives new recovery codes.
#[utoipa::path(post, path = "/me/authenticator", tag = "me", operation_id = "set_authenticator", request_body = Code, responses(
    (status = 200, body = RecoveryCodes),
    (status = 400, body = ProblemBody, description = "The ticket is dead, or the code does not fit"),
))]
pub(super) async fn set(
    State(core): State<Shared>,
    person: Person,
    Body(Code { ticket, code }): Body<Code>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let ticket = Secret::presented(&ticket);
    let remembered = core.store.try_step(Step::Authenticator, &ticket).await?;
    let user = person.user.id;
    if remembered.user != Some(user) {
        return Err(Problem::invalid("ticket", "This took too long: begin again."));
    }
    let shared = Authenticator::of(&core.sealer.open(&seal_name(user), &remembered.state)?)?;
    let step = shared.step(&code.replace(char::is_whitespace, ""), seconds(&core))?;
    let step = step.ok_or_else(|| {
        Problem::invalid("code", "This code does not fit. Take the newest; if it goes on, look at the phone's clock.")
    })?;
    let codes = recovery_codes()?;
    core.store.set_authenticator(person.actor, user, remembered.state, step, codes.clone()).await?;
    core.store.end_step(Step::Authenticator, &ticket).await?;
    Ok(Json(told(&codes)))
}

/// Gives other recovery codes; the earlier ones are dead.
#[utoipa::path(post, path = "/me/recovery-codes", tag = "me", operation_id = "renew_recovery_codes", responses(
    (status = 200, body = RecoveryCodes),
    (status = 409, body = ProblemBody, description = "There is no authenticator"),
))]
pub(super) async fn renew(State(core): State<Shared>, person: Person) -> Result<Json<RecoveryCodes>, Problem> {
    if !person.user.has_authenticator {
        return Err(Problem::refused("You have no authenticator: there is nothing to recover."));
    }
    let codes = recovery_codes()?;
    core.store.set_recovery_codes(person.actor, person.user.id, codes.clone()).await?;
    Ok(Json(told(&codes)))
}

/// Takes the asker's authenticator away; the passphrase suffices from now on.
#[utoipa::path(delete, path = "/me/authenticator", tag = "me", operation_id = "remove_authenticator", responses((status = 204)))]
pub(super) async fn remove(State(core): State<Shared>, person: Person) -> Result<StatusCode, Problem> {
    core.store.remove_authenticator(person.actor, person.user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes passkeys and authenticator from a user who has lost their devices, and signs them out everywhere.
#[utoipa::path(delete, path = "/users/{id}/factors", tag = "users", operation_id = "reset_factors", params(("id" = i64, Path)), responses(
    (status = 204),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn reset(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<StatusCode, Problem> {
    core.store.reset_factors(person.actor, UserId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fails unless this is a code that the user may use now. Whoever comes here has shown the passphrase: attempts are counted
/// for the user, wherever they come from.
pub(super) async fn demand_code(core: &Core, user: &User, code: &str, from: &From) -> Result<(), Problem> {
    let anywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    core.codes.attempt(&user.name, anywhere, Instant::now()).map_err(Problem::throttled)?;
    let code = code.trim().to_lowercase();
    let address = Some(from.address.to_string());
    let fits = match core.store.authenticator(user.id).await? {
        None => false,
        Some(known) if code.chars().all(|c| c.is_ascii_digit() || c == ' ') => {
            let shared = Authenticator::of(&core.sealer.open(&seal_name(user.id), &known.sealed)?)?;
            match shared.step(&code.replace(' ', ""), seconds(core))? {
                Some(step) => core.store.use_code(user.id, step).await?,
                None => false,
            }
        }
        Some(_) => {
            let actor = Actor::person(user, address.clone());
            core.store.use_recovery_code(actor, user.id, &Secret::presented(&code)).await?
        }
    };
    if fits {
        core.codes.succeeded(&user.name, anywhere);
        return Ok(());
    }
    core.store.note(Actor::person(user, address), "session.refuse", user.name.clone(), "a wrong code".into()).await?;
    Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong-code", "This code is wrong, or was used already.")
        .field("code")
        .detail("Wait for the next one, or use a recovery code."))
}

fn told(codes: &[Secret]) -> RecoveryCodes {
    RecoveryCodes { codes: codes.iter().map(|code| code.reveal().to_owned()).collect() }
}

fn seal_name(user: UserId) -> String {
    store::Sealed::authenticator(&user.to_string())
}

fn seconds(core: &Core) -> u64 {
    u64::try_from(core.now().as_second()).unwrap_or(0)
}
