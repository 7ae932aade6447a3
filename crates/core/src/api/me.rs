//! The person who asks.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ClientId, Duty, Preferences, User, UserChange};
use utoipa::ToSchema;

use super::extract::{Body, given};
use super::person::{LATELY, Pass, Person};
use crate::problem::{Problem, ProblemBody};
use crate::state::{Core, Shared};

/// The person who asks.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// Number.
    id: i64,
    /// Name.
    name: String,
    /// The most that they may do anywhere; each may do what those before may.
    role: Role,
    /// What they may do, and where.
    access: Access,
    /// How the pages speak; null: as the browser says.
    language: Option<String>,
    /// How the pages look; null: as the browser says.
    theme: Option<String>,
    /// IANA name of the time zone that times are shown in; null: as the browser says.
    time_zone: Option<String>,
    /// They have a passphrase.
    has_passphrase: bool,
    /// They have an authenticator, whose code is asked for beside the passphrase.
    has_authenticator: bool,
    /// Recovery codes that are left.
    recovery_codes: u64,
    /// Passkeys that they have.
    passkeys: u64,
    /// Until when this session may do what is dangerous; null: they must show first who they are.
    proved_until: Option<Timestamp>,
}

/// What a person may do.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// Was given nothing yet.
    Guest,
    /// Reads the clients that they were given.
    Viewer,
    /// Works on the alerts of the clients that they were given.
    Analyst,
    /// Manages clients, nodes and users.
    Admin,
}

impl From<store::Role> for Role {
    fn from(role: store::Role) -> Self {
        match role {
            store::Role::Guest => Self::Guest,
            store::Role::Viewer => Self::Viewer,
            store::Role::Analyst => Self::Analyst,
            store::Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for store::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Guest => Self::Guest,
            Role::Viewer => Self::Viewer,
            Role::Analyst => Self::Analyst,
            Role::Admin => Self::Admin,
        }
    }
}

/// What somebody may do, and where.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Access {
    /// Everything, everywhere; then the rest is empty.
    #[serde(default)]
    #[schema(required)]
    admin: bool,
    /// As what they were given all clients, those to come as well: `viewer`, `analyst`, or null.
    #[serde(default)]
    #[schema(required)]
    everywhere: Option<Role>,
    /// The clients that they were given.
    #[serde(default)]
    #[schema(required)]
    clients: Vec<Given>,
}

/// A client that somebody was given.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccessToClient)]
struct Given {
    /// The client.
    client: i64,
    /// As what: `viewer` or `analyst`.
    role: Role,
}

impl From<&store::Access> for Access {
    fn from(access: &store::Access) -> Self {
        match access {
            store::Access::Admin => Self { admin: true, everywhere: None, clients: Vec::new() },
            store::Access::Given { everywhere, clients } => Self {
                admin: false,
                everywhere: everywhere.map(|duty| duty.role().into()),
                clients: clients
                    .iter()
                    .map(|(client, duty)| Given { client: client.0, role: duty.role().into() })
                    .collect(),
            },
        }
    }
}

impl Access {
    /// What somebody is to be given.
    pub(super) fn read(self) -> Result<store::Access, Problem> {
        let wrong = |why: &'static str| Problem::invalid("access", why);
        if self.admin {
            if self.everywhere.is_some() || !self.clients.is_empty() {
                return Err(wrong("An administrator has everything: give no clients beside it."));
            }
            return Ok(store::Access::Admin);
        }
        let duty = |role: Role| match role {
            Role::Viewer => Ok(Duty::Viewer),
            Role::Analyst => Ok(Duty::Analyst),
            Role::Guest | Role::Admin => Err(wrong("Clients are given as viewer or as analyst.")),
        };
        let everywhere = self.everywhere.map(duty).transpose()?;
        let mut clients = BTreeMap::new();
        for Given { client, role } in self.clients {
            if clients.insert(ClientId(client), duty(role)?).is_some() {
                return Err(wrong("A client is given twice."));
            }
        }
        Ok(store::Access::Given { everywhere, clients })
    }
}

/// What to change; what is not there stays, null sets back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MeChange)]
pub(super) struct Change {
    /// The name to sign in with, 1 to 64 characters.
    name: Option<String>,
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

impl Me {
    /// Whoever asks.
    pub(super) fn of(core: &Core, person: &Person) -> Self {
        let session = match &person.pass {
            Pass::Session(session, _) => Some(&**session),
            Pass::Key(_) => None,
        };
        Self::new(core, &person.user, &person.access, session)
    }

    pub(super) fn new(core: &Core, user: &User, access: &store::Access, session: Option<&store::Session>) -> Self {
        let Preferences { language, theme, time_zone } = user.preferences.clone();
        let until = session.map(|session| session.proved + LATELY);
        Self {
            id: user.id.0,
            name: user.name.clone(),
            role: access.role().into(),
            access: access.into(),
            language,
            theme,
            time_zone,
            has_passphrase: user.has_passphrase,
            has_authenticator: user.has_authenticator,
            recovery_codes: user.recovery_codes,
            passkeys: user.passkeys,
            proved_until: until.filter(|until| *until > core.now()),
        }
    }
}

/// Says who asks.
#[utoipa::path(get, path = "/me", tag = "me", responses(
    (status = 200, body = Me),
    (status = 401, body = ProblemBody, description = "Nobody is signed in"),
))]
pub(super) async fn me(State(core): State<Shared>, person: Person) -> Json<Me> {
    Json(Me::of(&core, &person))
}

/// Changes what the person who asks is called, and how they like the pages.
#[utoipa::path(patch, path = "/me", tag = "me", request_body = Change, responses(
    (status = 200, body = Me),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn change(
    State(core): State<Shared>,
    mut person: Person,
    Body(change): Body<Change>,
) -> Result<Json<Me>, Problem> {
    let now = person.user.preferences.clone();
    let preferences = Preferences {
        language: one_of("language", change.language, now.language.clone(), &["en", "fr"])?,
        theme: one_of("theme", change.theme, now.theme.clone(), &["light", "dark"])?,
        time_zone: match change.time_zone {
            Some(zone) => known_zone("time_zone", zone)?,
            None => now.time_zone.clone(),
        },
    };
    if let Some(name) = change.name {
        let change = UserChange { name: Some(name), ..UserChange::default() };
        person.user = core.store.change_user(person.actor.clone(), person.user.id, change).await?;
    }
    if preferences != now {
        person.user = core.store.set_preferences(person.user.id, preferences).await?;
    }
    Ok(Json(Me::of(&core, &person)))
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
