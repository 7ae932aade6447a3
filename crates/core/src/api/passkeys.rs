//! Passkeys: adding them on one's own page, and signing in with one.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{PasskeyId, Proof, Secret, Step, User};
use utoipa::ToSchema;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
};

use super::extract::{Body, Place};
use super::factors::LOOKING;
use super::me::Me;
use super::person::{From, Person};
use super::session::{SignedIn, new_session, signed_in};
use crate::problem::{Problem, ProblemBody};
use crate::state::{Core, Shared};

/// Under what beginnings are counted.
const WAY: &str = "passkey";

/// What a browser needs to make or to show a passkey.
#[derive(Serialize, ToSchema)]
pub(super) struct PasskeyOptions {
    /// To be given with the browser's answer, within 5 minutes.
    ticket: String,
    /// For `navigator.credentials`: `{publicKey: …}` in WebAuthn's JSON form.
    #[schema(value_type = Object)]
    options: serde_json::Value,
}

/// A passkey to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPasskey {
    /// From the options.
    ticket: String,
    /// What its owner calls it, 1 to 64 characters.
    name: String,
    /// What the browser has made, in WebAuthn's JSON form.
    #[schema(value_type = Object)]
    credential: serde_json::Value,
}

/// A passkey that is shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShownPasskey {
    /// From the options.
    pub(super) ticket: String,
    /// What the browser shows, in WebAuthn's JSON form.
    #[schema(value_type = Object)]
    pub(super) credential: serde_json::Value,
}

/// A passkey.
#[derive(Serialize, ToSchema)]
#[schema(as = Passkey)]
struct Row {
    /// Number.
    id: i64,
    /// What its owner calls it.
    name: String,
    /// Since when.
    created: Timestamp,
    /// When it was last used.
    used: Option<Timestamp>,
}

/// Passkeys.
#[derive(Serialize, ToSchema)]
#[schema(as = Passkeys)]
pub(super) struct Rows {
    /// The oldest first.
    passkeys: Vec<Row>,
    /// False where the pages are reached by a bare address, or without TLS: then browsers make none.
    offered: bool,
}

/// The asker's passkeys.
#[utoipa::path(get, path = "/me/passkeys", tag = "me", operation_id = "passkeys", responses((status = 200, body = Rows)))]
pub(super) async fn list(State(core): State<Shared>, person: Person) -> Result<Json<Rows>, Problem> {
    let passkeys = core.store.passkeys(person.user.id).await?.into_iter().map(|passkey| Row {
        id: passkey.id.0,
        name: passkey.name,
        created: passkey.created,
        used: passkey.used,
    });
    Ok(Json(Rows { passkeys: passkeys.collect(), offered: core.passkeys.offered() }))
}

/// Begins to add a passkey.
#[utoipa::path(post, path = "/me/passkeys/begin", tag = "me", operation_id = "begin_passkey", responses(
    (status = 200, body = PasskeyOptions),
    (status = 409, body = ProblemBody, description = "There are none here: the pages need a name and TLS"),
))]
pub(super) async fn begin(State(core): State<Shared>, person: Person) -> Result<Json<PasskeyOptions>, Problem> {
    demand_offer(&core)?;
    let known: Vec<Passkey> = core.store.passkeys(person.user.id).await?.iter().filter_map(read).collect();
    let (options, state) = core.passkeys.begin(&person.user, &known)?;
    let state = serde_json::to_vec(&state).map_err(Problem::internal)?;
    let ticket = core.store.begin_step(Step::PasskeyNew, Some(person.user.id), state, LOOKING).await?;
    Ok(Json(PasskeyOptions { ticket: ticket.reveal().to_owned(), options: told(&options)? }))
}

/// Adds the passkey that the browser has made.
#[utoipa::path(post, path = "/me/passkeys", tag = "me", operation_id = "add_passkey", request_body = NewPasskey, responses(
    (status = 204),
    (status = 400, body = ProblemBody, description = "The ticket is dead, or the passkey is not as it should be"),
))]
pub(super) async fn add(
    State(core): State<Shared>,
    person: Person,
    Body(NewPasskey { ticket, name, credential }): Body<NewPasskey>,
) -> Result<StatusCode, Problem> {
    demand_offer(&core)?;
    let remembered = core.store.end_step(Step::PasskeyNew, &Secret::presented(&ticket)).await?;
    if remembered.user != Some(person.user.id) {
        return Err(Problem::invalid("ticket", "This took too long: begin again."));
    }
    let state: PasskeyRegistration = serde_json::from_slice(&remembered.state).map_err(Problem::internal)?;
    let made: RegisterPublicKeyCredential = serde_json::from_value(credential).map_err(odd)?;
    let passkey = core.passkeys.finish(&made, &state)?.map_err(odd)?;
    let data = serde_json::to_string(&passkey).map_err(Problem::internal)?;
    let id: Vec<u8> = passkey.cred_id().as_slice().to_vec();
    core.store.add_passkey(person.actor, person.user.id, &name, id, data).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes one of the asker's passkeys.
#[utoipa::path(delete, path = "/me/passkeys/{id}", tag = "me", operation_id = "delete_passkey", params(("id" = i64, Path)), responses(
    (status = 204),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "It is the last way to sign in"),
))]
pub(super) async fn delete(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<StatusCode, Problem> {
    core.store.delete_passkey(person.actor, person.user.id, PasskeyId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins to sign in with a passkey, or to show again who one is.
#[utoipa::path(post, path = "/session/passkey/begin", tag = "session", operation_id = "begin_passkey", responses(
    (status = 200, body = PasskeyOptions),
    (status = 409, body = ProblemBody, description = "There are none here: the pages need a name and TLS"),
    (status = 429, body = ProblemBody, description = "Too many beginnings without an end"),
))]
pub(super) async fn ask(State(core): State<Shared>, from: From) -> Result<Json<PasskeyOptions>, Problem> {
    demand_offer(&core)?;
    // Each beginning is written down: whoever only begins is slowed down, and nobody else.
    core.visits.attempt(WAY, from.address, Instant::now()).map_err(Problem::throttled)?;
    let (options, state) = core.passkeys.ask()?;
    let state = serde_json::to_vec(&state).map_err(Problem::internal)?;
    let ticket = core.store.begin_step(Step::Passkey, None, state, LOOKING).await?;
    Ok(Json(PasskeyOptions { ticket: ticket.reveal().to_owned(), options: told(&options)? }))
}

/// Signs in with a passkey: no name, no passphrase.
#[utoipa::path(post, path = "/session/passkey", tag = "session", operation_id = "sign_in_by_passkey", request_body = ShownPasskey, responses(
    (status = 200, body = Me),
    (status = 400, body = ProblemBody, description = "The ticket is dead"),
    (status = 401, body = ProblemBody, description = "The passkey is unknown here"),
))]
pub(super) async fn sign_in(
    State(core): State<Shared>,
    from: From,
    Body(shown): Body<ShownPasskey>,
) -> Result<SignedIn, Problem> {
    let user = recognise(&core, shown, &from).await?;
    let begun = core.store.begin_session(user.id, new_session(&core, from, Proof::Passkey)).await?;
    signed_in(&core, begun)
}

/// Whose passkey this is; whoever shows one has not only begun.
pub(super) async fn recognise(core: &Core, shown: ShownPasskey, from: &From) -> Result<User, Problem> {
    let user = whose(core, shown).await?;
    core.visits.succeeded(WAY, from.address);
    Ok(user)
}

async fn whose(core: &Core, shown: ShownPasskey) -> Result<User, Problem> {
    demand_offer(core)?;
    let remembered = core.store.end_step(Step::Passkey, &Secret::presented(&shown.ticket)).await?;
    let state: DiscoverableAuthentication = serde_json::from_slice(&remembered.state).map_err(Problem::internal)?;
    let credential: PublicKeyCredential = serde_json::from_value(shown.credential).map_err(odd)?;
    let unknown = || {
        Problem::new(StatusCode::UNAUTHORIZED, "wrong-passkey", "This passkey is unknown here.")
            .detail("Sign in another way, and add it on your own page.")
    };
    let id = core.passkeys.whose(&credential)?.ok_or_else(unknown)?;
    let user = core.store.user(id).await.map_err(|_| unknown())?;
    let rows = core.store.passkeys(user.id).await?;
    let mut known = rows.iter().filter_map(|row| Some((row.id, read(row)?)));
    let found = known.find(|(_, passkey)| passkey.cred_id().as_slice() == credential.raw_id.as_slice());
    let (id, mut passkey) = found.ok_or_else(unknown)?;
    let result = core.passkeys.check(&credential, state, &passkey)?;
    let result = result.map_err(|error| unknown().cause(error))?;
    if user.disabled {
        return Err(unknown());
    }
    passkey.update_credential(&result);
    let data = serde_json::to_string(&passkey).map_err(Problem::internal)?;
    core.store.use_passkey(user.id, id, data).await?;
    Ok(user)
}

fn read(row: &store::Passkey) -> Option<Passkey> {
    serde_json::from_str(&row.data).ok()
}

fn demand_offer(core: &Core) -> Result<(), Problem> {
    if core.passkeys.offered() {
        return Ok(());
    }
    Err(Problem::refused("Passkeys need pages that are reached by a name, with TLS: see public_url in the settings."))
}

fn told<T: Serialize>(options: &T) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(options).map_err(Problem::internal)
}

fn odd(cause: impl std::fmt::Display) -> Problem {
    Problem::invalid("credential", "This passkey cannot be taken: try again, or another device.").cause(cause)
}
