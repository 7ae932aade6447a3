//! What people do to alerts.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{AlertId, ClientId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::alerts::AlertState;
use super::extract::Body;
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// An alert.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertRef)]
struct Which {
    /// Its client.
    client: i64,
    /// Its id.
    id: Uuid,
}

/// What to do.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    /// I have seen it.
    Acknowledge,
    /// It is done with.
    Close,
    /// It is open again.
    Reopen,
    /// Only say something.
    Comment,
}

/// What to do, to which alerts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertActions)]
pub(super) struct Actions {
    /// 1 to 500 of them.
    alerts: Vec<Which>,
    /// What to do.
    action: Action,
    /// In your words; needed for `comment`.
    comment: Option<String>,
}

/// What became of an alert.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertChanged)]
struct Changed {
    /// Its client.
    client: i64,
    /// Its id.
    id: Uuid,
    /// Its state now.
    state: AlertState,
}

/// What became of the alerts.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertActionsDone)]
pub(super) struct Done {
    /// What was changed.
    changed: Vec<Changed>,
    /// What was so already.
    unchanged: Vec<Changed>,
}

/// Does something to some alerts: to all those of a client, or to none of them. Doing it twice changes nothing.
#[utoipa::path(post, path = "/alerts/actions", tag = "alerts", request_body = Actions, responses(
    (status = 200, body = Done),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody, description = "One of them does not exist"),
))]
pub(super) async fn act(
    State(core): State<Shared>,
    person: Person,
    Body(actions): Body<Actions>,
) -> Result<Json<Done>, Problem> {
    let action = match actions.action {
        Action::Acknowledge => store::Action::Acknowledge,
        Action::Close => store::Action::Close,
        Action::Reopen => store::Action::Reopen,
        Action::Comment => store::Action::Comment,
    };
    let alerts = actions.alerts.into_iter().map(|alert| (ClientId(alert.client), AlertId(alert.id))).collect();
    let done = core.store.act(person.actor, &person.scope, alerts, action, actions.comment).await?;
    let (changed, unchanged): (Vec<_>, Vec<_>) = done.into_iter().partition(|done| done.changed);
    let told = |done: Vec<store::Done>| {
        done.into_iter()
            .map(|done| Changed { client: done.client.0, id: done.id.0, state: done.state.into() })
            .collect()
    };
    Ok(Json(Done { changed: told(changed), unchanged: told(unchanged) }))
}
