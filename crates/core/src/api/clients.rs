//! Clients: the organisations that are watched.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ClientChange, ClientId, NewClient};
use utoipa::ToSchema;

use super::extract::{Body, Place, given};
use super::holds::Hold;
use super::me::known_zone;
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::{Core, Shared};

/// An organisation that is watched.
#[derive(Serialize, ToSchema)]
pub(super) struct Client {
    /// Number.
    id: i64,
    /// Name.
    name: String,
    /// Name in queries and addresses; never changes.
    slug: String,
    /// Whatever is worth knowing.
    notes: String,
    /// IANA name of its time zone.
    time_zone: Option<String>,
    /// Whom to reach there, and how.
    contacts: String,
    /// True for «SOC», that the core's own alarms belong to.
    builtin: bool,
    /// How many nodes it has.
    nodes: u64,
    /// How many of its alerts are open.
    open_alerts: u64,
    /// Since when.
    created: Timestamp,
    /// For how many days its alerts are kept; null: as long as the core keeps alerts.
    keep_days: Option<u32>,
    /// For how many days its alerts are kept in the end, begun days as whole ones; null: for ever.
    kept_days: Option<u64>,
    /// A legal hold: nothing of it may be deleted.
    hold: Option<Hold>,
}

impl Client {
    pub(super) fn new(core: &Core, person: &Person, client: store::Client) -> Self {
        let usual = core.config.retention_max_age.get().map(|age| age.as_secs().div_ceil(86_400));
        Self {
            id: client.id.0,
            name: client.name,
            slug: client.slug,
            notes: client.notes,
            time_zone: client.time_zone,
            contacts: client.contacts,
            builtin: client.builtin,
            nodes: client.nodes,
            open_alerts: client.open_alerts,
            created: client.created,
            keep_days: client.keep_days,
            kept_days: client.keep_days.map(u64::from).or(usual),
            hold: client.hold.map(|hold| Hold::of(hold, person)),
        }
    }
}

/// Clients.
#[derive(Serialize, ToSchema)]
pub(super) struct Clients {
    /// By name.
    clients: Vec<Client>,
}

/// A client to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewClient)]
pub(super) struct New {
    /// 1 to 100 characters.
    name: String,
    /// At most 10,000 characters.
    #[serde(default)]
    notes: String,
    /// IANA name of its time zone.
    time_zone: Option<String>,
    /// At most 10,000 characters.
    #[serde(default)]
    contacts: String,
}

/// What to change; what is not there stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientChange)]
pub(super) struct Change {
    /// 1 to 100 characters.
    name: Option<String>,
    /// At most 10,000 characters.
    notes: Option<String>,
    /// IANA name of its time zone; null: unknown.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    time_zone: Option<Option<String>>,
    /// At most 10,000 characters.
    contacts: Option<String>,
}

/// Says that somebody means it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    /// The name of what is deleted.
    pub(super) confirm: String,
}

impl Confirm {
    /// Refuses unless it is that name.
    pub(super) fn check(&self, name: &str) -> Result<(), Problem> {
        if self.confirm.trim() == name {
            return Ok(());
        }
        Err(Problem::invalid("confirm", "Type the name exactly, to show that you mean it."))
    }
}

/// The clients that the asker may see, by name.
#[utoipa::path(get, path = "/clients", tag = "clients", responses((status = 200, body = Clients)))]
pub(super) async fn list(State(core): State<Shared>, person: Person) -> Result<Json<Clients>, Problem> {
    let clients = core.store.clients(&person.scope).await?;
    Ok(Json(Clients { clients: clients.into_iter().map(|client| Client::new(&core, &person, client)).collect() }))
}

/// Makes a client.
#[utoipa::path(post, path = "/clients", tag = "clients", request_body = New, responses(
    (status = 201, body = Client),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn create(
    State(core): State<Shared>,
    person: Person,
    Body(new): Body<New>,
) -> Result<(StatusCode, Json<Client>), Problem> {
    let time_zone = known_zone("time_zone", new.time_zone)?;
    let new = NewClient { name: new.name, notes: new.notes, time_zone, contacts: new.contacts };
    let client = core.store.create_client(person.actor.clone(), new).await?;
    Ok((StatusCode::CREATED, Json(Client::new(&core, &person, client))))
}

/// A client.
#[utoipa::path(get, path = "/clients/{id}", tag = "clients", params(("id" = i64, Path)), responses(
    (status = 200, body = Client),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn get(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Json<Client>, Problem> {
    let client = core.store.client(&person.scope, ClientId(id)).await?;
    Ok(Json(Client::new(&core, &person, client)))
}

/// Changes a client.
#[utoipa::path(patch, path = "/clients/{id}", tag = "clients", params(("id" = i64, Path)), request_body = Change, responses(
    (status = 200, body = Client),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn change(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(change): Body<Change>,
) -> Result<Json<Client>, Problem> {
    let time_zone = change.time_zone.map(|zone| known_zone("time_zone", zone)).transpose()?;
    let change = ClientChange { name: change.name, notes: change.notes, time_zone, contacts: change.contacts };
    let client = core.store.change_client(person.actor.clone(), &person.scope, ClientId(id), change).await?;
    Ok(Json(Client::new(&core, &person, client)))
}

/// Deletes a client that has no nodes, with its alerts.
#[utoipa::path(delete, path = "/clients/{id}", tag = "clients", params(("id" = i64, Path)), request_body = Confirm, responses(
    (status = 204),
    (status = 400, body = ProblemBody, description = "The name is not the client's"),
    (status = 409, body = ProblemBody, description = "It still has nodes, is built in, or is under legal hold"),
))]
pub(super) async fn delete(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(confirm): Body<Confirm>,
) -> Result<StatusCode, Problem> {
    let client = core.store.client(&person.scope, ClientId(id)).await?;
    confirm.check(&client.name)?;
    core.store.delete_client(person.actor, &person.scope, client.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
