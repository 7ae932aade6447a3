//! Hosts: what Wazuh agents watch, as the clients' nodes tell.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ClientId, HostAsk, HostPlace, NodeId};
use utoipa::{IntoParams, ToSchema};
use wire::host::HostState;

use super::commands::Command;
use super::extract::{Parameters, Place};
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// A host, and where it is.
#[derive(Serialize, ToSchema)]
#[schema(as = WatchedHost)]
pub(super) struct Host {
    /// Its client.
    client: i64,
    /// Its client's name.
    client_name: String,
    /// The node that knows it.
    node: i64,
    /// That node's name.
    node_name: String,
    /// Since when it is in this state, as far as the core knows.
    since: Timestamp,
    /// What its node says of it: text to be shown, never markup.
    #[serde(flatten)]
    told: wire::host::Host,
}

impl From<store::Host> for Host {
    fn from(host: store::Host) -> Self {
        Self {
            client: host.client.0,
            client_name: host.client_name,
            node: host.node.0,
            node_name: host.node_name,
            since: host.since,
            told: host.told,
        }
    }
}

/// Some hosts.
#[derive(Serialize, ToSchema)]
pub(super) struct Hosts {
    /// By client and name.
    hosts: Vec<Host>,
    /// Give this as `cursor` to go on; null: that was all.
    next: Option<String>,
}

/// A host, and the latest answers about it.
#[derive(Serialize, ToSchema)]
#[schema(as = HostDetail)]
pub(super) struct Detail {
    /// It.
    host: Host,
    /// When its node last asked the manager; null: never since it started.
    looked: Option<Timestamp>,
    /// The latest answer of each part of its inventory, with its age: `finished`.
    answers: Vec<Command>,
}

/// How many hosts there are of a kind.
#[derive(Serialize, ToSchema)]
#[schema(as = HostCount)]
struct Count {
    /// The kind.
    value: String,
    /// How many.
    hosts: u64,
}

/// How many hosts of each kind there are.
#[derive(Serialize, ToSchema)]
#[schema(as = HostCounts)]
pub(super) struct Counts {
    /// All.
    all: u64,
    /// Whose agent is older than their manager.
    behind: u64,
    /// By state.
    states: Vec<Count>,
    /// By operating system, in one word; unknown ones are empty.
    platforms: Vec<Count>,
    /// By the agent's version; unknown ones are empty.
    versions: Vec<Count>,
    /// By group.
    groups: Vec<Count>,
    /// True: there are more kinds than are told; these are the most frequent ones.
    cut: bool,
}

/// Which hosts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Of this client.
    client: Option<i64>,
    /// Known by this node.
    node: Option<i64>,
    /// In this state.
    state: Option<HostState>,
    /// With this in their name or address.
    #[serde(default)]
    text: String,
    /// In this group.
    #[serde(default)]
    group: String,
    /// With this operating system, in one word.
    #[serde(default)]
    platform: String,
    /// With this version of the agent.
    #[serde(default)]
    version: String,
    /// True: only those whose agent is older than their manager.
    #[serde(default)]
    behind: bool,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200; 100 unless given.
    limit: Option<usize>,
}

/// Whose hosts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// Of this client.
    client: Option<i64>,
    /// Known by this node.
    node: Option<i64>,
}

/// Hosts, by client and name.
#[utoipa::path(get, path = "/hosts", tag = "hosts", params(Wanted), responses(
    (status = 200, body = Hosts),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn list(
    State(core): State<Shared>,
    person: Person,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Hosts>, Problem> {
    let after = wanted.cursor.as_deref().map(read_cursor).transpose()?;
    let ask = HostAsk {
        client: wanted.client.map(ClientId),
        node: wanted.node.map(NodeId),
        state: wanted.state,
        text: wanted.text,
        group: wanted.group,
        platform: wanted.platform,
        version: wanted.version,
        behind: wanted.behind,
        after,
        limit: wanted.limit.unwrap_or(100),
    };
    let page = core.store.hosts(&person.scope, ask).await?;
    let next = page.next.as_ref().map(write_cursor);
    Ok(Json(Hosts { hosts: page.hosts.into_iter().map(Host::from).collect(), next }))
}

/// How many hosts there are, by what they can be filtered by.
#[utoipa::path(get, path = "/hosts/counts", tag = "hosts", params(Whose), responses((status = 200, body = Counts)))]
pub(super) async fn counts(
    State(core): State<Shared>,
    person: Person,
    Parameters(whose): Parameters<Whose>,
) -> Result<Json<Counts>, Problem> {
    let (client, node) = (whose.client.map(ClientId), whose.node.map(NodeId));
    let counts = core.store.host_counts(&person.scope, client, node).await?;
    let words = counts.states.into_iter().map(|(state, hosts)| (state.word().to_owned(), hosts)).collect();
    Ok(Json(Counts {
        all: counts.all,
        behind: counts.behind,
        states: each(words),
        platforms: each(counts.platforms),
        versions: each(counts.versions),
        groups: each(counts.groups),
        cut: counts.cut,
    }))
}

/// A host, and what is known of it.
#[utoipa::path(get, path = "/nodes/{id}/hosts/{agent}", tag = "hosts",
    params(("id" = i64, Path), ("agent" = String, Path, description = "The agent's id, `001`")), responses(
    (status = 200, body = Detail),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn get(
    State(core): State<Shared>,
    person: Person,
    Place((node, agent)): Place<(i64, String)>,
) -> Result<Json<Detail>, Problem> {
    let node = NodeId(node);
    let host = core.store.host(&person.scope, node, agent.clone()).await?;
    let looked = core.store.node(&person.scope, node).await?.status.and_then(|status| status.wazuh?.looked);
    let answers = core.store.host_answers(&person.scope, node, agent).await?;
    Ok(Json(Detail { host: host.into(), looked, answers: answers.into_iter().map(Command::from).collect() }))
}

fn each(counts: BTreeMap<String, u64>) -> Vec<Count> {
    counts.into_iter().map(|(value, hosts)| Count { value, hosts }).collect()
}

fn write_cursor(place: &HostPlace) -> String {
    let parts = (place.client.0, &place.folded, place.node.0, &place.agent);
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap_or_default())
}

fn read_cursor(text: &str) -> Result<HostPlace, Problem> {
    let parts = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|json| serde_json::from_slice(&json).ok());
    let (client, folded, node, agent) = parts.ok_or_else(|| {
        Problem::from(store::Error::Invalid { field: "cursor", why: "give «next» of an answer".into() })
    })?;
    Ok(HostPlace { client: ClientId(client), folded, node: NodeId(node), agent })
}
