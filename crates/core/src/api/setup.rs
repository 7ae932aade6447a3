//! The first administrator.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{Access, NewUser, Proof, Secret};
use utoipa::ToSchema;

use super::extract::Body;
use super::me::Me;
use super::passphrases::chosen;
use super::person::From;
use super::session::{SignedIn, new_session, signed_in};
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// Whether there is anything to set up.
#[derive(Serialize, ToSchema)]
pub(super) struct Needed {
    /// True if there is no administrator yet.
    needed: bool,
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetUp {
    /// What follows `#` in the link that the core printed when it started.
    token: String,
    /// The name to sign in with, 1 to 64 characters.
    name: String,
    /// The passphrase, 12 characters at least.
    passphrase: String,
}

/// Says whether there is no administrator yet.
#[utoipa::path(get, path = "/setup", tag = "session", responses((status = 200, body = Needed)))]
pub(super) async fn needed(State(core): State<Shared>) -> Result<Json<Needed>, Problem> {
    Ok(Json(Needed { needed: core.store.needs_setup().await? }))
}

/// Makes the first administrator, and signs them in.
#[utoipa::path(post, path = "/setup", tag = "session", request_body = SetUp, responses(
    (status = 200, body = Me),
    (status = 400, body = ProblemBody, description = "The link is dead, or the name or the passphrase cannot be taken"),
))]
pub(super) async fn set_up(
    State(core): State<Shared>,
    from: From,
    Body(SetUp { token, name, passphrase }): Body<SetUp>,
) -> Result<SignedIn, Problem> {
    // Without this, anybody could have the core hash passphrases after it was set up.
    if !core.store.needs_setup().await? {
        return Err(Problem::refused("There is an administrator already: sign in."));
    }
    let passphrase = Some(chosen(&core, passphrase, &name, "passphrase").await?);
    let new = NewUser { name, access: Access::Admin, passphrase };
    let begun = core.store.set_up(&Secret::presented(&token), new, new_session(&core, from, Proof::Link)).await?;
    signed_in(&core, begun)
}
