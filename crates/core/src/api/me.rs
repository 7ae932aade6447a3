//! The person who asks.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{Preferences, User};
use utoipa::ToSchema;

use super::extract::{Body, given};
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// The person who asks.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// Number.
    id: i64,
    /// Name.
    name: String,
    /// What they may do; each may do what those before may.
    role: Role,
    /// How the pages speak; null: as the browser says.
    language: Option<String>,
    /// How the pages look; null: as the browser says.
    theme: Option<String>,
    /// IANA name of the time zone that times are shown in; null: as the browser says.
    time_zone: Option<String>,
}

/// What a person may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// Looks at what they are shown.
    Guest,
    /// A client's own person.
    Viewer,
    /// Handles alerts.
    Analyst,
    /// Manages clients, nodes and users.
    Admin,
}

/// What to change; what is not there stays, null sets back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MeChange)]
pub(super) struct Change {
    /// `en` or `fr`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    language: Option<Option<String>>,
    /// `light` or `dark`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    theme: Option<Option<String>>,
    /// IANA name of a time zone, such as `Europe/Paris`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    time_zone: Option<Option<String>>,
}

impl From<User> for Me {
    fn from(user: User) -> Self {
        let Preferences { language, theme, time_zone } = user.preferences;
        let role = match user.role {
            store::Role::Guest => Role::Guest,
            store::Role::Viewer => Role::Viewer,
            store::Role::Analyst => Role::Analyst,
            store::Role::Admin => Role::Admin,
        };
        Self { id: user.id.0, name: user.name, role, language, theme, time_zone }
    }
}

/// Says who asks.
#[utoipa::path(get, path = "/me", tag = "session", responses(
    (status = 200, body = Me),
    (status = 401, body = ProblemBody, description = "Nobody is signed in"),
))]
pub(super) async fn me(person: Person) -> Json<Me> {
    Json(person.session.user.into())
}

/// Changes how the person who asks likes the pages.
#[utoipa::path(patch, path = "/me", tag = "session", request_body = Change, responses(
    (status = 200, body = Me),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn change(
    State(core): State<Shared>,
    person: Person,
    Body(change): Body<Change>,
) -> Result<Json<Me>, Problem> {
    let now = person.session.user.preferences;
    let preferences = Preferences {
        language: one_of("language", change.language, now.language, &["en", "fr"])?,
        theme: one_of("theme", change.theme, now.theme, &["light", "dark"])?,
        time_zone: match change.time_zone {
            Some(zone) => known_zone("time_zone", zone)?,
            None => now.time_zone,
        },
    };
    Ok(Json(core.store.set_preferences(person.session.user.id, preferences).await?.into()))
}

fn one_of(
    field: &'static str,
    new: Option<Option<String>>,
    now: Option<String>,
    known: &[&str],
) -> Result<Option<String>, Problem> {
    match new {
        None => Ok(now),
        Some(Some(word)) if !known.contains(&word.as_str()) => {
            Err(Problem::invalid(field, format!("It can be {}.", known.join(" or "))))
        }
        Some(word) => Ok(word),
    }
}

/// The name of a time zone that exists; none for an empty one.
pub(super) fn known_zone(field: &'static str, zone: Option<String>) -> Result<Option<String>, Problem> {
    let zone = zone.filter(|zone| !zone.trim().is_empty());
    match zone.as_deref().map(jiff::tz::TimeZone::get) {
        None | Some(Ok(_)) => Ok(zone),
        Some(Err(_)) => Err(Problem::invalid(field, "There is no such time zone. Write for instance Europe/Paris.")),
    }
}
