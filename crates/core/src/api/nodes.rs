//! Nodes: sensor machines at clients.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Blind, ClientId, NodeChange, NodeId};
use utoipa::{IntoParams, ToSchema};
use wire::status::Status;

use super::clients::Confirm;
use super::extract::{Body, Parameters, Place};
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::silence::{Presence, presence};
use crate::state::{Core, Shared};

/// A sensor machine at a client.
#[derive(Serialize, ToSchema)]
pub(super) struct Node {
    /// Number.
    id: i64,
    /// Its client.
    client: i64,
    /// Its client's name.
    client_name: String,
    /// Name; unique within the client.
    name: String,
    /// The machine's own name, when it enrolled.
    hostname: String,
    /// Where it stands.
    site: String,
    /// Whom to ask there.
    contact: String,
    /// The switch's port that mirrors the traffic.
    mirror_port: String,
    /// Whatever is worth knowing.
    notes: String,
    /// How it is.
    state: Presence,
    /// Whether it sees what it should; null: it does.
    blind: Option<Blindness>,
    /// Why not.
    blind_why: Option<String>,
    /// Its last report.
    last_heard: Option<Timestamp>,
    /// When it enrolled.
    enrolled: Option<Timestamp>,
    /// Its version.
    version: Option<String>,
    /// End of its latest certificate.
    certificate_end: Option<Timestamp>,
    /// Its clock less the core's, in seconds.
    skew_seconds: Option<f64>,
    /// Its last report. What it says was written by the node: text to be shown, never markup.
    status: Option<Status>,
    /// Number of the last record that the core has of it.
    position_number: u64,
    /// Alerts that the core has of it.
    alerts: u64,
    /// Records that were refused because they broke a bound.
    refused: u64,
    /// What it has lost, latest first.
    lost: Vec<Lost>,
}

/// Whether a node sees what it should.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Blindness {
    /// Only in part.
    Partly,
    /// It sees nothing.
    Blind,
}

/// Records that a node had numbered and can no longer send.
#[derive(Serialize, ToSchema)]
struct Lost {
    /// First number.
    from: u64,
    /// Last number.
    to: u64,
    /// Why, in the node's words.
    why: String,
    /// When the core heard of it.
    at: Timestamp,
}

impl Node {
    pub(super) fn new(core: &Core, node: store::Node) -> Self {
        let state = presence(&node, core.now(), &core.config);
        let blind = match node.standing.blind {
            Blind::No => None,
            Blind::Partly => Some(Blindness::Partly),
            Blind::Blind => Some(Blindness::Blind),
        };
        let lost = node.lost.into_iter().map(|lost| Lost { from: lost.from, to: lost.to, why: lost.why, at: lost.at });
        Self {
            id: node.id.0,
            client: node.client.0,
            client_name: node.client_name,
            name: node.name,
            hostname: node.hostname,
            site: node.site,
            contact: node.contact,
            mirror_port: node.mirror_port,
            notes: node.notes,
            state,
            blind,
            blind_why: node.standing.blind_why,
            last_heard: node.standing.last_heard,
            enrolled: Some(node.enrolled),
            version: node.version,
            certificate_end: node.certificate_end,
            skew_seconds: node.skew_seconds,
            status: node.status,
            position_number: node.position_number,
            alerts: node.alerts,
            refused: node.refused,
            lost: lost.collect(),
        }
    }
}

/// Nodes.
#[derive(Serialize, ToSchema)]
pub(super) struct Nodes {
    /// By client and name.
    nodes: Vec<Node>,
}

/// Which nodes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of this client.
    client: Option<i64>,
}

/// What to change; what is not there stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NodeChange)]
pub(super) struct Change {
    /// 1 to 100 characters.
    name: Option<String>,
    /// Where it stands.
    site: Option<String>,
    /// Whom to ask there.
    contact: Option<String>,
    /// The switch's port that mirrors the traffic.
    mirror_port: Option<String>,
    /// Whatever is worth knowing.
    notes: Option<String>,
    /// True: its records are not taken for now. Takes effect at once.
    disabled: Option<bool>,
}

/// What would go with a node.
#[derive(Serialize, ToSchema)]
pub(super) struct Consequences {
    /// So many alerts.
    alerts: u64,
    /// Arrival of the first.
    first: Option<Timestamp>,
    /// Arrival of the last.
    last: Option<Timestamp>,
}

/// The nodes that the asker may see.
#[utoipa::path(get, path = "/nodes", tag = "nodes", params(Which), responses((status = 200, body = Nodes)))]
pub(super) async fn list(
    State(core): State<Shared>,
    person: Person,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Nodes>, Problem> {
    let nodes = core.store.nodes(&person.scope, which.client.map(ClientId)).await?;
    Ok(Json(Nodes { nodes: nodes.into_iter().map(|node| Node::new(&core, node)).collect() }))
}

/// A node.
#[utoipa::path(get, path = "/nodes/{id}", tag = "nodes", params(("id" = i64, Path)), responses(
    (status = 200, body = Node),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn get(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Json<Node>, Problem> {
    let node = core.store.node(&person.scope, NodeId(id)).await?;
    Ok(Json(Node::new(&core, node)))
}

/// Changes what people know about a node, or disables it.
#[utoipa::path(patch, path = "/nodes/{id}", tag = "nodes", params(("id" = i64, Path)), request_body = Change, responses(
    (status = 200, body = Node),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn change(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(change): Body<Change>,
) -> Result<Json<Node>, Problem> {
    let change = NodeChange {
        name: change.name,
        site: change.site,
        contact: change.contact,
        mirror_port: change.mirror_port,
        notes: change.notes,
        disabled: change.disabled,
    };
    let disabled = change.disabled == Some(true);
    let node = core.store.change_node(person.actor, &person.scope, NodeId(id), change).await?;
    if disabled {
        core.links.cut(node.id);
    }
    Ok(Json(Node::new(&core, node)))
}

/// From now on the node may not speak, until it enrols again. Open connections end at once.
#[utoipa::path(post, path = "/nodes/{id}/revoke", tag = "nodes", params(("id" = i64, Path)), responses(
    (status = 200, body = Node),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn revoke(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Json<Node>, Problem> {
    let node = core.store.revoke_node(person.actor, &person.scope, NodeId(id)).await?;
    core.links.cut(node.id);
    Ok(Json(Node::new(&core, node)))
}

/// What would go with a node.
#[utoipa::path(get, path = "/nodes/{id}/consequences", tag = "nodes", params(("id" = i64, Path)), responses(
    (status = 200, body = Consequences),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn consequences(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Json<Consequences>, Problem> {
    let found = core.store.consequences(&person.scope, NodeId(id)).await?;
    Ok(Json(Consequences { alerts: found.alerts, first: found.first, last: found.last }))
}

/// Deletes a node with its alerts.
#[utoipa::path(delete, path = "/nodes/{id}", tag = "nodes", params(("id" = i64, Path)), request_body = Confirm, responses(
    (status = 204),
    (status = 400, body = ProblemBody, description = "The name is not the node's"),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn delete(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(confirm): Body<Confirm>,
) -> Result<StatusCode, Problem> {
    let node = core.store.node(&person.scope, NodeId(id)).await?;
    confirm.check(&node.name)?;
    core.store.delete_node(person.actor, &person.scope, node.id).await?;
    core.links.cut(node.id);
    Ok(StatusCode::NO_CONTENT)
}
