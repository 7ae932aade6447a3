//! Enrolment tokens: what an administrator pastes on a new node.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ClientId, TokenId, TokenRow};
use utoipa::ToSchema;
use wire::token::Token;

use super::extract::{Body, Place};
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// A token; its secret was shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct Row {
    /// Number.
    id: i64,
    /// Since when.
    created: Timestamp,
    /// Who made it.
    created_by: String,
    /// When it expires.
    expires: Timestamp,
    /// When it was used.
    used: Option<Timestamp>,
}

impl From<TokenRow> for Row {
    fn from(row: TokenRow) -> Self {
        Self { id: row.id.0, created: row.created, created_by: row.created_by, expires: row.expires, used: row.used }
    }
}

/// Tokens.
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    /// Latest first, at most 200.
    tokens: Vec<Row>,
}

/// A token to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
pub(super) struct New {
    /// How many hours it is valid, 1 to 168; without it 24.
    valid_hours: Option<u16>,
}

/// A new token: the only time that its secret is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedToken)]
pub(super) struct Created {
    /// Number.
    id: i64,
    /// The token.
    token: String,
    /// When it expires.
    expires: Timestamp,
    /// What to run on the node.
    command: String,
}

/// The tokens of a client.
#[utoipa::path(get, path = "/clients/{id}/tokens", tag = "tokens", params(("id" = i64, Path)), responses(
    (status = 200, body = Tokens),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn list(
    State(core): State<Shared>,
    person: Person,
    Place(client): Place<i64>,
) -> Result<Json<Tokens>, Problem> {
    let tokens = core.store.tokens(&person.scope, ClientId(client)).await?;
    Ok(Json(Tokens { tokens: tokens.into_iter().map(Into::into).collect() }))
}

/// Makes a token with which one machine can enrol as a node of this client.
#[utoipa::path(post, path = "/clients/{id}/tokens", tag = "tokens", params(("id" = i64, Path)), request_body = New, responses(
    (status = 201, body = Created),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn create(
    State(core): State<Shared>,
    person: Person,
    Place(client): Place<i64>,
    Body(new): Body<New>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let valid = SignedDuration::from_hours(new.valid_hours.unwrap_or(24).into());
    let (secret, row) = core.store.create_token(person.actor, &person.scope, ClientId(client), valid).await?;
    let token = Token {
        addresses: core.node_addresses.clone(),
        ca_sha256: core.authorities().fingerprint(),
        secret: secret.reveal().to_owned(),
    };
    let token = token.encode();
    let command = format!("socme node enrol {token}");
    Ok((StatusCode::CREATED, Json(Created { id: row.id.0, token, expires: row.expires, command })))
}

/// Makes a token useless.
#[utoipa::path(delete, path = "/clients/{id}/tokens/{token_id}", tag = "tokens", params(("id" = i64, Path), ("token_id" = i64, Path)), responses(
    (status = 204),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn delete(
    State(core): State<Shared>,
    person: Person,
    Place((client, token)): Place<(i64, i64)>,
) -> Result<StatusCode, Problem> {
    core.store.delete_token(person.actor, &person.scope, ClientId(client), TokenId(token)).await?;
    Ok(StatusCode::NO_CONTENT)
}
