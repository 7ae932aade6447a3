//! What happens, as it happens (server-sent events).
//!
//! # Invariants
//! - A stream knows the last number of each client; what it tells comes from the database by these numbers. So nothing is
//!   skipped, however late it was committed, and a browser that comes back with `Last-Event-ID` goes on where it was.
//! - Nothing is gathered for a reader who does not read: the next event is made when the last one has left.
//! - Whether the session still holds, and what it may see, is asked again every few seconds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, stream};
use serde_json::json;
use store::{Access, ClientId, NodeId, Nudge, Scope, UserId, What};
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio::time::Instant;

use super::person::{Pass, Person};
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// How often the session is looked at.
const RECHECK: Duration = Duration::from_secs(5);
/// Changes that come closer together are told together.
const GATHER: Duration = Duration::from_millis(150);
/// Reports of nodes, which change nothing but themselves, are told together.
const GATHER_REPORTS: Duration = Duration::from_secs(1);
/// How often something is said, so that both sides know that the other is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Numbers of changes, by client.
type Numbers = BTreeMap<ClientId, i64>;

/// Tells what happens to what the asker may see.
///
/// Events: `hello` {now, clients: {id: number}} first; `alerts` {client, new, counted, changed}; `nodes` {client, node}; `hosts` and `commands` the same;
/// `clients` {}; `session` {ended: true}, then it ends; `rights` {}: what the asker may see has changed, then it ends; `reset` {}: what was missed cannot be told, load everything anew.
#[utoipa::path(get, path = "/live", tag = "live", params(("Last-Event-ID" = Option<String>, Header, description = "Where to go on")), responses(
    (status = 200, content_type = "text/event-stream", body = String),
    (status = 503, body = ProblemBody, description = "Too many streams are open"),
))]
pub(super) async fn live(
    State(core): State<Shared>,
    person: Person,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let room = core.live_room.clone().try_acquire_owned();
    let room = room.map_err(|_| Problem::later("Too many pages are open at this moment."))?;
    let resumed = headers.get("last-event-id").map(|value| value.to_str().ok().and_then(read_numbers));
    let live = Live::begin(core, person, resumed, room);
    let events = stream::unfold(live, |mut live| async move {
        let event = live.next().await?;
        Some((Ok(event), live))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// One browser's stream.
struct Live {
    core: Shared,
    user: UserId,
    pass: Pass,
    access: Access,
    scope: Scope,
    known: Numbers,
    nudges: broadcast::Receiver<Nudge>,
    moved: broadcast::Receiver<(ClientId, NodeId)>,
    waiting: VecDeque<Event>,
    reports: BTreeSet<(ClientId, NodeId)>,
    /// When to ask what has changed; none: nothing has.
    ask: Option<Instant>,
    /// When to tell of reports; none: there are none.
    tell: Option<Instant>,
    asked: Instant,
    recheck: Instant,
    ended: bool,
    _room: OwnedSemaphorePermit,
    _open: Open,
}

/// Counts open streams.
struct Open(Shared);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.metrics.live_streams.dec();
    }
}

impl Live {
    /// `resumed`: the last event's id, if the browser sent one; inner none if it cannot be read.
    fn begin(core: Shared, person: Person, resumed: Option<Option<Numbers>>, room: OwnedSemaphorePermit) -> Self {
        // Listen first, look then: what happens between is heard.
        let (nudges, moved) = (core.store.watch(), core.moved.subscribe());
        core.metrics.live_streams.inc();
        let latest = core.store.numbers(&person.scope);
        let lost = matches!(resumed, Some(None));
        let known = resumed.flatten().unwrap_or(latest);
        let now = Instant::now();
        let mut live = Self {
            user: person.user.id,
            pass: person.pass,
            access: person.access,
            scope: person.scope,
            known,
            nudges,
            moved,
            waiting: VecDeque::new(),
            reports: BTreeSet::new(),
            ask: Some(now),
            tell: None,
            asked: now,
            recheck: now + RECHECK,
            ended: false,
            _room: room,
            _open: Open(core.clone()),
            core,
        };
        let hello = json!({ "now": live.core.now(), "clients": live.known });
        let event = live.event("hello", &hello).id(write_numbers(&live.known)).retry(Duration::from_secs(2));
        live.waiting.push_back(event);
        if lost {
            live.say("reset", &json!({}));
        }
        live
    }

    /// The next event; none when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            let due = [self.ask, self.tell, Some(self.recheck)].into_iter().flatten().min().unwrap_or(self.recheck);
            tokio::select! {
                () = self.core.stop.cancelled() => return None,
                nudge = self.nudges.recv() => self.hear(&nudge),
                moved = self.moved.recv() => if let Ok((client, node)) = moved { self.report(client, node) },
                () = tokio::time::sleep_until(due) => self.work().await,
            }
        }
    }

    fn hear(&mut self, nudge: &Result<Nudge, broadcast::error::RecvError>) {
        match nudge {
            Ok(Nudge::Changes) | Err(broadcast::error::RecvError::Lagged(_)) => {
                self.ask.get_or_insert((self.asked + GATHER).max(Instant::now()));
            }
            Ok(Nudge::Report(client, node)) => self.report(*client, *node),
            Ok(Nudge::SessionEnded(session)) => {
                if matches!(&self.pass, Pass::Session(own, _) if own.id == *session) {
                    self.end();
                }
            }
            Ok(Nudge::User(user)) => {
                if *user == self.user {
                    self.recheck = Instant::now();
                }
            }
            Err(broadcast::error::RecvError::Closed) => self.ended = true,
        }
    }

    fn report(&mut self, client: ClientId, node: NodeId) {
        if self.scope.allows(client) {
            self.reports.insert((client, node));
            self.tell.get_or_insert(Instant::now() + GATHER_REPORTS);
        }
    }

    async fn work(&mut self) {
        let now = Instant::now();
        if self.recheck <= now {
            self.recheck = now + RECHECK;
            match self.pass.again(&self.core).await {
                // Whatever this stream has told belongs to other rights: the browser asks anew, and gets what it may see now.
                Ok(Some(access)) if access != self.access => {
                    self.say("rights", &json!({}));
                    self.ended = true;
                    return;
                }
                // Changes that another process made (the command line) come without a nudge.
                Ok(Some(_)) => drop(self.ask.get_or_insert(now)),
                Ok(None) => return self.end(),
                Err(error) => tracing::warn!(error = %error, "a session cannot be looked at"),
            }
        }
        if self.ask.is_some_and(|at| at <= now) {
            self.ask = None;
            self.asked = now;
            self.tell_changes().await;
        }
        if self.tell.is_some_and(|at| at <= now) {
            self.tell = None;
            for (client, node) in std::mem::take(&mut self.reports) {
                self.say("nodes", &json!({ "client": client, "node": node }));
            }
        }
    }

    async fn tell_changes(&mut self) {
        let changes = match self.core.store.changes_since(&self.scope, &self.known).await {
            Ok(changes) => changes,
            Err(error) => {
                self.ask = Some(Instant::now() + Duration::from_secs(1));
                return tracing::warn!(error = %error, "changes cannot be read; trying again");
            }
        };
        let last = changes.len().saturating_sub(1);
        for (place, change) in changes.into_iter().enumerate() {
            let client = change.client;
            match change.what {
                What::Gone => self.known.remove(&client),
                _ => self.known.insert(client, change.number),
            };
            let event = match change.what {
                What::Alerts { new, counted, changed } => self
                    .event("alerts", &json!({ "client": client, "new": new, "counted": counted, "changed": changed })),
                What::Nodes(node) => {
                    self.reports.retain(|(_, known)| Some(*known) != node);
                    self.event("nodes", &json!({ "client": client, "node": node }))
                }
                What::Hosts(node) => self.event("hosts", &json!({ "client": client, "node": node })),
                What::Commands(node) => self.event("commands", &json!({ "client": client, "node": node })),
                What::Client | What::Gone => self.event("clients", &json!({})),
                What::Reset => self.event("reset", &json!({})),
            };
            // Only the last one moves the browser's place: if it goes away in between, it is told all of them again.
            let event = if place == last { event.id(write_numbers(&self.known)) } else { event };
            self.waiting.push_back(event);
        }
    }

    fn end(&mut self) {
        self.say("session", &json!({ "ended": true }));
        self.ended = true;
    }

    fn say(&mut self, name: &str, data: &serde_json::Value) {
        let event = self.event(name, data);
        self.waiting.push_back(event);
    }

    fn event(&self, name: &str, data: &serde_json::Value) -> Event {
        Event::default().event(name).data(data.to_string())
    }
}

/// `1:42,7:3`
fn write_numbers(numbers: &Numbers) -> String {
    let pairs: Vec<String> = numbers.iter().map(|(client, number)| format!("{client}:{number}")).collect();
    pairs.join(",")
}

fn read_numbers(text: &str) -> Option<Numbers> {
    let pairs = text.split(',').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (client, number) = pair.split_once(':')?;
            Some((ClientId(client.parse().ok()?), number.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back() {
        let numbers: Numbers = [(ClientId(7), 3), (ClientId(1), 42)].into();
        assert_eq!(write_numbers(&numbers), "1:42,7:3");
        assert_eq!(read_numbers("1:42,7:3"), Some(numbers));
        assert_eq!(read_numbers(""), Some(Numbers::new()));
        assert_eq!(read_numbers("1:x"), None);
        assert_eq!(read_numbers("nonsense"), None);
    }
}
