//! Invitations: how somebody who was given an account chooses how they sign in.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{Proof, Secret};
use utoipa::ToSchema;

use super::extract::Body;
use super::me::Me;
use super::passphrases::chosen;
use super::person::From;
use super::session::{SignedIn, new_session, signed_in};
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// An invitation's token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InvitationToken)]
pub(super) struct Token {
    /// What follows `#` in the link.
    token: String,
}

/// Who is invited.
#[derive(Serialize, ToSchema)]
pub(super) struct Invited {
    /// The name to sign in with.
    name: String,
}

/// How an invitation is taken up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InvitationAnswer)]
pub(super) struct Answer {
    /// What follows `#` in the link.
    token: String,
    /// The passphrase to sign in with from now on, 12 characters at least.
    passphrase: String,
}

/// Says whom a link invites.
#[utoipa::path(post, path = "/session/invitation/whom", tag = "session", request_body = Token, responses(
    (status = 200, body = Invited),
    (status = 400, body = ProblemBody, description = "The link is unknown, used or expired"),
))]
pub(super) async fn whom(
    State(core): State<Shared>,
    Body(Token { token }): Body<Token>,
) -> Result<Json<Invited>, Problem> {
    let user = core.store.invited(&Secret::presented(&token)).await?;
    Ok(Json(Invited { name: user.name }))
}

/// Takes up an invitation: sets the passphrase, ends the user's other sessions, and signs in. The link dies with it.
#[utoipa::path(post, path = "/session/invitation", tag = "session", request_body = Answer, responses(
    (status = 200, body = Me),
    (status = 400, body = ProblemBody, description = "The link is dead, or the passphrase cannot be taken"),
))]
pub(super) async fn accept(
    State(core): State<Shared>,
    from: From,
    Body(Answer { token, passphrase }): Body<Answer>,
) -> Result<SignedIn, Problem> {
    // Looked up first: only who has a link may have the core hash passphrases.
    let link = Secret::presented(&token);
    let user = core.store.invited(&link).await?;
    let hash = chosen(&core, passphrase, &user.name, "passphrase").await?;
    let begun = core.store.accept(&link, hash, new_session(&core, from, Proof::Link)).await?;
    signed_in(&core, begun)
}
