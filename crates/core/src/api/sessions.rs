//! One's own sessions: where one is signed in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use store::SessionId;
use utoipa::ToSchema;

use super::extract::Place;
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// A signed-in browser.
#[derive(Serialize, ToSchema)]
struct Session {
    /// Number.
    id: i64,
    /// It is the one that asks.
    current: bool,
    /// How they signed in: `link`, `passphrase`, `passphrase-and-code`, `passkey` or `provider`.
    how: &'static str,
    /// Since when.
    created: Timestamp,
    /// When it was last used, within a minute.
    seen: Timestamp,
    /// When it ends at the latest.
    ends: Timestamp,
    /// From where it was last used.
    address: Option<String>,
    /// The browser, as it names itself: text to be shown, never markup.
    agent: Option<String>,
}

/// Sessions.
#[derive(Serialize, ToSchema)]
pub(super) struct Sessions {
    /// The one used last first.
    sessions: Vec<Session>,
}

impl Sessions {
    pub(super) fn new(sessions: Vec<store::Session>, asking: Option<&store::Session>) -> Self {
        let told = |session: store::Session| Session {
            id: session.id.0,
            current: asking.is_some_and(|asking| asking.id == session.id),
            how: session.how.word(),
            created: session.created,
            seen: session.seen,
            ends: session.ends,
            address: session.address,
            agent: session.agent,
        };
        Self { sessions: sessions.into_iter().map(told).collect() }
    }
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionsEnded)]
pub(super) struct Ended {
    /// So many.
    pub(super) ended: usize,
}

/// Where the asker is signed in.
#[utoipa::path(get, path = "/me/sessions", tag = "me", operation_id = "sessions", responses((status = 200, body = Sessions)))]
pub(super) async fn list(State(core): State<Shared>, person: Person) -> Result<Json<Sessions>, Problem> {
    Ok(Json(Sessions::new(core.store.sessions(person.user.id).await?, person.session().ok())))
}

/// Signs the asker out everywhere else.
#[utoipa::path(delete, path = "/me/sessions", tag = "me", operation_id = "end_sessions", responses((status = 200, body = Ended)))]
pub(super) async fn end_others(State(core): State<Shared>, person: Person) -> Result<Json<Ended>, Problem> {
    let but = person.session()?.id;
    let ended = core.store.end_sessions(person.actor, person.user.id, Some(but)).await?;
    Ok(Json(Ended { ended }))
}

/// Ends one of the asker's sessions.
#[utoipa::path(delete, path = "/me/sessions/{id}", tag = "me", operation_id = "end_session", params(("id" = i64, Path)), responses(
    (status = 204),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn end(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<StatusCode, Problem> {
    match core.store.end_session(person.actor, person.user.id, SessionId(id)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("session")),
    }
}
