//! What a node is asked to do: one long answer, which tells each command once. Nothing opens a connection to a node.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, stream};
use store::{ClientId, NodeId, Nudge, Scope};
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::command::{Begin, Begun};

use super::caller::Caller;
use super::read;
use crate::problem::Problem;
use crate::state::Shared;

/// After so long the node asks anew, and is looked at anew: it may have been disabled.
const LONGEST: Duration = Duration::from_secs(300);
/// Least time between two questions to the database.
const GATHER: Duration = Duration::from_millis(200);
/// How often it is asked though nothing was heard.
const AGAIN: Duration = Duration::from_secs(30);
/// How often something is said, so that both sides know that the other is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Tells a node its commands, as server-sent events of [`wire::command::Command`].
pub(super) async fn commands(
    State(core): State<Shared>,
    Caller(identity): Caller,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (node, client) = (identity.node, identity.client);
    let end = core.links.listen(node);
    let scope = Scope::of_client(client, "a node's commands");
    let nudges = core.store.watch();
    let now = Instant::now();
    let telling = Telling {
        core,
        node,
        client,
        scope,
        nudges,
        end,
        told: BTreeSet::new(),
        known: None,
        next: now,
        until: now + LONGEST,
        waiting: Vec::new(),
    };
    let events = stream::unfold(telling, |mut telling| async move {
        let command = telling.next().await?;
        let event = Event::default().data(serde_json::to_string(&command).unwrap_or_default());
        Some((Ok(event), telling))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

/// Says whether a node may begin a command.
pub(super) async fn begin(
    State(core): State<Shared>,
    Caller(identity): Caller,
    body: Body,
) -> Result<Json<Begun>, Problem> {
    let asked: Begin = read::json(body).await?;
    let go = core.store.begin_command(identity.node, asked.id, asked.token).await?;
    Ok(Json(Begun { go }))
}

/// One node's stream.
struct Telling {
    core: Shared,
    node: NodeId,
    client: ClientId,
    scope: Scope,
    nudges: broadcast::Receiver<Nudge>,
    /// Set when the node opens another one.
    end: CancellationToken,
    told: BTreeSet<i64>,
    /// The client's number when the database was last asked.
    known: Option<i64>,
    next: Instant,
    until: Instant,
    waiting: Vec<wire::command::Command>,
}

impl Telling {
    /// The next command; none when the stream ends.
    async fn next(&mut self) -> Option<wire::command::Command> {
        loop {
            if let Some(command) = self.waiting.pop() {
                return Some(command);
            }
            tokio::select! {
                () = self.core.stop.cancelled() => return None,
                () = self.end.cancelled() => return None,
                () = tokio::time::sleep_until(self.until) => return None,
                () = tokio::time::sleep_until(self.next) => self.ask().await,
                nudge = self.nudges.recv() => match nudge {
                    Ok(Nudge::Changes) | Err(broadcast::error::RecvError::Lagged(_)) => self.hear(),
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        }
    }

    /// Something was committed; only what is the client's matters.
    fn hear(&mut self) {
        if self.core.store.numbers(&self.scope).get(&self.client).copied() != self.known {
            self.next = self.next.min(Instant::now() + GATHER);
        }
    }

    async fn ask(&mut self) {
        self.next = Instant::now() + AGAIN;
        self.known = self.core.store.numbers(&self.scope).get(&self.client).copied();
        match self.core.store.waiting_commands(self.node).await {
            Ok(found) => {
                self.waiting = found.into_iter().filter(|command| self.told.insert(command.id)).rev().collect();
            }
            Err(store::Error::NotFound(_)) => self.until = Instant::now(),
            Err(error) => {
                tracing::warn!(node = self.node.0, %error, "commands cannot be read; trying again");
                self.next = Instant::now() + Duration::from_secs(1);
            }
        }
    }
}
