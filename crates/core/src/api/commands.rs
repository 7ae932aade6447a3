//! Commands: what people ask of nodes, and what became of it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ClientId, CommandAsk, CommandId, NewCommand, NodeId};
use utoipa::{IntoParams, ToSchema};
use wire::command::{Deed, Permission};

use super::extract::{Body, Parameters, Place};
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// For how long a node may begin a command, unless said otherwise: 10 minutes, in seconds.
const WITHIN: u32 = 600;

/// A command, and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Command {
    /// Number.
    id: i64,
    /// Its client.
    client: i64,
    /// Its node.
    node: i64,
    /// What to do.
    #[serde(flatten)]
    deed: Deed,
    /// True if it changes nothing at the client.
    only_reads: bool,
    /// Who asked for it.
    who: String,
    /// When.
    created: Timestamp,
    /// Until when the node may begin it, by the core's clock.
    expires: Timestamp,
    /// How it stands.
    state: CommandState,
    /// When the node began it.
    begun: Option<Timestamp>,
    /// When it ended.
    finished: Option<Timestamp>,
    /// How it ended, in the node's words: text to be shown, never markup.
    said: String,
    /// What was found, for what asks something; null in lists, and once there is a later answer.
    answer: Option<serde_json::Value>,
}

/// How a command stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CommandState {
    /// It waits for its node.
    Queued,
    /// The node is at it.
    Taken,
    /// It was done.
    Done,
    /// It was not done, or not whole: see `said`.
    Failed,
    /// The client's policy forbids it.
    Refused,
    /// The node did not ask for it in time.
    Expired,
    /// The node crashed over it, or has not said for an hour: it may have been done.
    Unknown,
    /// It was withdrawn before the node had it.
    Withdrawn,
}

impl From<store::Command> for Command {
    fn from(command: store::Command) -> Self {
        Self {
            id: command.id.0,
            client: command.client.0,
            node: command.node.0,
            only_reads: command.deed.only_reads(),
            deed: command.deed,
            who: command.who,
            created: command.created,
            expires: command.expires,
            state: match command.state {
                store::CommandState::Queued => CommandState::Queued,
                store::CommandState::Taken => CommandState::Taken,
                store::CommandState::Done => CommandState::Done,
                store::CommandState::Failed => CommandState::Failed,
                store::CommandState::Refused => CommandState::Refused,
                store::CommandState::Expired => CommandState::Expired,
                store::CommandState::Unknown => CommandState::Unknown,
                store::CommandState::Withdrawn => CommandState::Withdrawn,
            },
            begun: command.begun,
            finished: command.finished,
            said: command.said,
            answer: command.answer,
        }
    }
}

/// Commands.
#[derive(Serialize, ToSchema)]
pub(super) struct Commands {
    /// Latest first.
    commands: Vec<Command>,
}

/// A command to be.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewCommand)]
pub(super) struct New {
    /// What to do.
    #[serde(flatten)]
    deed: Deed,
    /// For how long the node may begin it: 1 second to 7 days; 600 unless given.
    within_seconds: Option<u32>,
}

/// Which commands.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Of this client.
    client: Option<i64>,
    /// To this node.
    node: Option<i64>,
    /// About this agent of the node.
    agent: Option<String>,
    /// Of this kind, `restart_agent`.
    deed: Option<String>,
    /// About this: a part of an inventory, the number of a vulnerability, a file of rules.
    subject: Option<String>,
    /// The number of the last one of the page before.
    cursor: Option<i64>,
    /// 1 to 200; 50 unless given.
    limit: Option<usize>,
}

/// A vulnerability to look for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// `CVE-2026-12345`.
    cve: String,
    /// At this client only.
    client: Option<i64>,
}

/// A question put to many nodes.
#[derive(Serialize, ToSchema)]
pub(super) struct Asked {
    /// One command for each node that can be asked.
    commands: Vec<Command>,
    /// The nodes that cannot.
    not_asked: Vec<NotAsked>,
}

/// A node that cannot be asked.
#[derive(Serialize, ToSchema)]
struct NotAsked {
    /// It.
    node: i64,
    /// Its name.
    node_name: String,
    /// Its client's name.
    client_name: String,
    /// Why not.
    why: Obstacle,
}

/// Why a node cannot be asked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Obstacle {
    /// It knows no Wazuh indexer.
    NoIndexer,
    /// Its client's policy forbids it.
    Policy,
    /// It is disabled or revoked.
    Disabled,
    /// Too many commands wait for it already.
    Busy,
}

/// Asks something of a node. It waits until the node is there, for `within_seconds`; the node begins it once, or never.
#[utoipa::path(post, path = "/nodes/{id}/commands", tag = "commands", params(("id" = i64, Path)), request_body = New, responses(
    (status = 201, body = Command),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "Too many commands wait for the node"),
))]
pub(super) async fn create(
    State(core): State<Shared>,
    person: Person,
    Place(node): Place<i64>,
    Body(new): Body<New>,
) -> Result<(StatusCode, Json<Command>), Problem> {
    let within = SignedDuration::from_secs(new.within_seconds.unwrap_or(WITHIN).into());
    let new = NewCommand { node: NodeId(node), deed: new.deed, within };
    let command = core.store.command(person.actor, &person.scope, new).await?;
    Ok((StatusCode::CREATED, Json(command.into())))
}

/// Commands, latest first.
#[utoipa::path(get, path = "/commands", tag = "commands", params(Wanted), responses(
    (status = 200, body = Commands),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody, description = "There is no such node"),
))]
pub(super) async fn list(
    State(core): State<Shared>,
    person: Person,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Commands>, Problem> {
    let ask = CommandAsk {
        client: wanted.client.map(ClientId),
        node: wanted.node.map(NodeId),
        agent: wanted.agent,
        deed: wanted.deed,
        subject: wanted.subject,
        before: wanted.cursor.map(CommandId),
        limit: wanted.limit.unwrap_or(50),
    };
    let commands = core.store.commands(&person.scope, ask).await?;
    Ok(Json(Commands { commands: commands.into_iter().map(Command::from).collect() }))
}

/// A command with what it found.
#[utoipa::path(get, path = "/commands/{id}", tag = "commands", params(("id" = i64, Path)), responses(
    (status = 200, body = Command),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn get(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Json<Command>, Problem> {
    Ok(Json(core.store.command_by_id(&person.scope, CommandId(id)).await?.into()))
}

/// Takes back a command that its node has not begun.
#[utoipa::path(delete, path = "/commands/{id}", tag = "commands", params(("id" = i64, Path)), responses(
    (status = 200, body = Command),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "Its node has begun it, or it has ended"),
))]
pub(super) async fn withdraw(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Json<Command>, Problem> {
    Ok(Json(core.store.withdraw_command(person.actor, &person.scope, CommandId(id)).await?.into()))
}

/// Asks every node that can be asked which of its hosts have a vulnerability.
#[utoipa::path(post, path = "/searches/vulnerable", tag = "commands", request_body = Search, responses(
    (status = 201, body = Asked),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn search(
    State(core): State<Shared>,
    person: Person,
    Body(search): Body<Search>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let deed = Deed::FindVulnerable { cve: search.cve };
    deed.check().map_err(|(field, why)| Problem::from(store::Error::Invalid { field, why: why.into() }))?;
    let within = SignedDuration::from_secs(WITHIN.into());
    let mut asked = Asked { commands: Vec::new(), not_asked: Vec::new() };
    for node in core.store.nodes(&person.scope, search.client.map(ClientId)).await? {
        let why = match obstacle(&node) {
            Some(why) => why,
            None => {
                let new = NewCommand { node: node.id, deed: deed.clone(), within };
                match core.store.command(person.actor.clone(), &person.scope, new).await {
                    Ok(command) => {
                        asked.commands.push(command.into());
                        continue;
                    }
                    Err(store::Error::Refused(_)) => Obstacle::Busy,
                    // It was deleted meanwhile.
                    Err(store::Error::NotFound(_)) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let (node_name, client_name) = (node.name, node.client_name);
        asked.not_asked.push(NotAsked { node: node.id.0, node_name, client_name, why });
    }
    Ok((StatusCode::CREATED, Json(asked)))
}

/// Why a node cannot be asked about vulnerabilities, if it cannot.
fn obstacle(node: &store::Node) -> Option<Obstacle> {
    if node.disabled || node.revoked.is_some() {
        return Some(Obstacle::Disabled);
    }
    let status = node.status.as_ref();
    if status.and_then(|status| status.wazuh.as_ref()?.indexer.as_ref()).is_none() {
        return Some(Obstacle::NoIndexer);
    }
    let allowed = status.is_some_and(|status| status.allowed.contains(&Permission::Inventory));
    (!allowed).then_some(Obstacle::Policy)
}
