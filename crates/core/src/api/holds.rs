//! How long a client's alerts are kept, and the legal hold.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ClientId, Role};
use utoipa::ToSchema;

use super::clients::Client;
use super::extract::{Body, Place};
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// Nothing of a client may be deleted, by nobody.
#[derive(Serialize, ToSchema)]
pub(super) struct Hold {
    /// Since when.
    since: Timestamp,
    /// Why; null to who is no administrator.
    why: Option<String>,
}

impl Hold {
    pub(super) fn of(hold: store::Hold, person: &Person) -> Self {
        Self { since: hold.since, why: (person.access.role() >= Role::Admin).then_some(hold.why) }
    }
}

/// How long alerts are kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Keeping {
    /// Days from their arrival, 1 to 36,500; null: as long as the core keeps alerts (`retention.max_age`).
    keep_days: Option<u32>,
}

/// A legal hold to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewHold)]
pub(super) struct New {
    /// 1 to 1,000 characters.
    why: String,
}

/// Says how long a client's alerts are kept. Older ones go within minutes.
#[utoipa::path(put, path = "/clients/{id}/retention", tag = "clients", params(("id" = i64, Path)), request_body = Keeping, responses(
    (status = 200, body = Client),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn keep(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(keeping): Body<Keeping>,
) -> Result<Json<Client>, Problem> {
    let id = ClientId(id);
    let client = core.store.keep_client(person.actor.clone(), &person.scope, id, keeping.keep_days).await?;
    Ok(Json(Client::new(&core, &person, client)))
}

/// Puts a client under legal hold, or says anew why it is: nothing of it is deleted, neither by age nor by hand.
#[utoipa::path(put, path = "/clients/{id}/hold", tag = "clients", params(("id" = i64, Path)), request_body = New, responses(
    (status = 200, body = Client),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn hold(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(new): Body<New>,
) -> Result<Json<Client>, Problem> {
    let client = core.store.hold_client(person.actor.clone(), &person.scope, ClientId(id), new.why).await?;
    Ok(Json(Client::new(&core, &person, client)))
}

/// Lifts a legal hold: what is older than it is kept for goes within minutes.
#[utoipa::path(delete, path = "/clients/{id}/hold", tag = "clients", params(("id" = i64, Path)), responses(
    (status = 200, body = Client),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "It is under no hold"),
))]
pub(super) async fn release(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Json<Client>, Problem> {
    let client = core.store.release_client(person.actor.clone(), &person.scope, ClientId(id)).await?;
    Ok(Json(Client::new(&core, &person, client)))
}
