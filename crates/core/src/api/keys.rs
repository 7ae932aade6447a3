//! Keys for programs: one's own, and for an administrator everybody's.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ApiKey, ApiKeyId, ClientId, NewApiKey, Reach};
use utoipa::ToSchema;

use super::extract::{Body, Place};
use super::me::Role;
use super::person::{Pass, Person};
use crate::problem::{Problem, ProblemBody};
use crate::state::{Core, Shared};

/// Longest life of a key that has an end, in days.
const LONGEST: u16 = 3_660;

/// A key; its secret was shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(super) struct Key {
    /// Number.
    id: i64,
    /// Whose: its user's number.
    user: i64,
    /// Its user's name.
    user_name: String,
    /// What it is for.
    name: String,
    /// The most that it allows, whatever its user may do.
    role: Role,
    /// At which clients; null: all that its user was given.
    clients: Option<Vec<i64>>,
    /// Since when.
    created: Timestamp,
    /// When it ends; null: when it is deleted.
    expires: Option<Timestamp>,
    /// When it was last used, within a minute.
    used: Option<Timestamp>,
    /// From where.
    used_from: Option<String>,
}

impl From<ApiKey> for Key {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.0,
            user: key.user.0,
            user_name: key.user_name,
            name: key.name,
            role: key.role.into(),
            clients: match key.clients {
                Reach::All => None,
                Reach::Only(clients) => Some(clients.into_iter().map(|client| client.0).collect()),
            },
            created: key.created,
            expires: key.ends,
            used: key.used,
            used_from: key.used_from,
        }
    }
}

/// Keys.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeys)]
pub(super) struct Keys {
    /// The latest first.
    keys: Vec<Key>,
}

/// A key to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApiKey)]
pub(super) struct New {
    /// What it is for, 1 to 64 characters.
    name: String,
    /// The most that it allows: `viewer`, `analyst` or `admin`.
    role: Role,
    /// At which clients; without it all that its user was given.
    clients: Option<Vec<i64>>,
    /// In how many days it ends, 1 to 3,660; null or without it: when it is deleted.
    valid_days: Option<u16>,
}

/// A new key: the only time that its secret is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub(super) struct Created {
    /// The key.
    key: Key,
    /// What to send as `Authorization: Bearer …`.
    secret: String,
}

/// The asker's keys.
#[utoipa::path(get, path = "/me/keys", tag = "me", operation_id = "keys", responses((status = 200, body = Keys)))]
pub(super) async fn own(State(core): State<Shared>, person: Person) -> Result<Json<Keys>, Problem> {
    let keys = core.store.api_keys(Some(person.user.id)).await?;
    Ok(Json(Keys { keys: keys.into_iter().map(Into::into).collect() }))
}

/// Makes a key for the asker.
#[utoipa::path(post, path = "/me/keys", tag = "me", operation_id = "create_key", request_body = New, responses(
    (status = 201, body = Created),
    (status = 400, body = ProblemBody, description = "It would allow more than the asker may do"),
))]
pub(super) async fn create(
    State(core): State<Shared>,
    person: Person,
    Body(new): Body<New>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    if new.valid_days.is_some_and(|days| !(1..=LONGEST).contains(&days)) {
        return Err(Problem::invalid("valid_days", "It can be 1 to 3,660 days."));
    }
    let new = NewApiKey {
        name: new.name,
        role: new.role.into(),
        clients: new.clients.map_or(Reach::All, |ids| Reach::Only(ids.into_iter().map(ClientId).collect())),
        valid: new.valid_days.map(|days| SignedDuration::from_hours(24 * i64::from(days))),
    };
    let (secret, key) = core.store.create_api_key(person.actor, person.user.id, new).await?;
    Ok((StatusCode::CREATED, Json(Created { key: key.into(), secret: secret.reveal().to_owned() })))
}

/// Deletes one of the asker's keys.
#[utoipa::path(delete, path = "/me/keys/{id}", tag = "me", operation_id = "delete_key", params(("id" = i64, Path)), responses(
    (status = 204),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn delete_own(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<StatusCode, Problem> {
    core.store.delete_api_key(person.actor, Some(person.user.id), ApiKeyId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The key that asks.
#[utoipa::path(get, path = "/me/key", tag = "me", operation_id = "key", responses((status = 200, body = Key)))]
pub(super) async fn this(State(core): State<Shared>, person: Person) -> Result<Json<Key>, Problem> {
    Ok(Json(presented(&core, &person).await?.into()))
}

/// Deletes the key that asks: how a program signs out.
#[utoipa::path(delete, path = "/me/key", tag = "me", operation_id = "delete_this_key", responses((status = 204)))]
pub(super) async fn delete_this(State(core): State<Shared>, person: Person) -> Result<StatusCode, Problem> {
    let key = presented(&core, &person).await?;
    core.store.delete_api_key(person.actor, Some(key.user), key.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn presented(core: &Core, person: &Person) -> Result<ApiKey, Problem> {
    let Pass::Key(secret) = &person.pass else { return Err(Problem::not_found("key")) };
    // It may have died since the table let it in.
    let holder = core.store.key_holder(secret, None).await?;
    holder.map(|holder| holder.key).ok_or_else(Problem::not_signed_in)
}

/// Everybody's keys.
#[utoipa::path(get, path = "/keys", tag = "keys", responses((status = 200, body = Keys)))]
pub(super) async fn list(State(core): State<Shared>, _: Person) -> Result<Json<Keys>, Problem> {
    let keys = core.store.api_keys(None).await?;
    Ok(Json(Keys { keys: keys.into_iter().map(Into::into).collect() }))
}

/// Deletes anybody's key.
#[utoipa::path(delete, path = "/keys/{id}", tag = "keys", params(("id" = i64, Path)), responses(
    (status = 204),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn delete(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<StatusCode, Problem> {
    core.store.delete_api_key(person.actor, None, ApiKeyId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
