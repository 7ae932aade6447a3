//! One's own accounts at providers: the other ways in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use store::IdentityId;
use utoipa::ToSchema;

use super::extract::Place;
use super::person::Person;
use super::providers::Kind;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// An account at a provider that is linked to the asker.
#[derive(Serialize, ToSchema)]
struct Identity {
    /// Number.
    id: i64,
    /// How one speaks with its provider.
    kind: Kind,
    /// Who issued it.
    issuer: String,
    /// The provider that lets one in with it; null: it opens nothing now.
    provider: Option<i64>,
    /// The provider's name.
    provider_name: Option<String>,
    /// What one is called there: text to be shown, never markup.
    label: String,
    /// Since when it is linked.
    created: Timestamp,
    /// When one last signed in with it.
    used: Option<Timestamp>,
}

/// Accounts at providers.
#[derive(Serialize, ToSchema)]
pub(super) struct Identities {
    /// The oldest first.
    identities: Vec<Identity>,
}

impl From<store::LinkedIdentity> for Identity {
    fn from(identity: store::LinkedIdentity) -> Self {
        let (provider, provider_name) = identity.provider.map(|(id, name)| (id.0, name)).unzip();
        Self {
            id: identity.id.0,
            kind: identity.kind.into(),
            issuer: identity.issuer,
            provider,
            provider_name,
            label: identity.label,
            created: identity.created,
            used: identity.used,
        }
    }
}

/// The asker's accounts at providers.
#[utoipa::path(get, path = "/me/identities", tag = "me", operation_id = "identities", responses(
    (status = 200, body = Identities),
))]
pub(super) async fn list(State(core): State<Shared>, person: Person) -> Result<Json<Identities>, Problem> {
    let found = core.store.identities(person.user.id).await?;
    Ok(Json(Identities { identities: found.into_iter().map(Identity::from).collect() }))
}

/// Unlinks one of the asker's accounts at providers; not the last way in.
#[utoipa::path(delete, path = "/me/identities/{id}", tag = "me", operation_id = "unlink", params(("id" = i64, Path)), responses(
    (status = 204),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "It is the last way in"),
))]
pub(super) async fn unlink(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<StatusCode, Problem> {
    core.store.unlink_identity(person.actor, person.user.id, IdentityId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
