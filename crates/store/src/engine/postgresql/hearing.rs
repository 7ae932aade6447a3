//! How replicas hear of one another's commits.
//!
//! What counts are the numbers in `tally`: each replica asks for them every second, so whatever is lost on the way is made up for, and a
//! database that is reached through a pooler only works as well. Faster than that are notifications, which only nudge.
//! They are sent *after* the commit, for many commits at once: PostgreSQL lets only one transaction commit at a time of those
//! that notify, and that must not hold up the alerts.
//!
//! Sessions that ended and nodes that reported travel in the notification alone. A session that ended is noticed by the streams
//! themselves when they next ask; a report is followed by the next one.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use postgres::types::{ToSql, Type};
use serde::{Deserialize, Serialize};

use super::line::{Line, Purpose};
use super::place::Place;
use crate::changes::{Effects, Live, Nudge};
use crate::engine::sql::Sql;
use crate::id::{ClientId, NodeId, SessionId, UserId};
use crate::{Error, Result};

/// The channel's name.
const CHANNEL: &str = "socme";
/// Commits of so long are told at once.
const TOGETHER: Duration = Duration::from_millis(20);
/// How often the numbers are asked for.
const POLL: Duration = Duration::from_secs(1);
/// How long a listener that lost its connection waits, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// Things of a kind in one notification: PostgreSQL takes a little less than 8,000 bytes.
const THINGS: usize = 60;

/// What one replica tells the others.
#[derive(Default, Serialize, Deserialize)]
struct Word {
    /// Who says so: one need not listen to oneself.
    by: u64,
    /// The latest numbers of clients.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    numbers: BTreeMap<i64, i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ended: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reports: Vec<(i64, i64)>,
    /// Users whose rights changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    users: Vec<i64>,
}

impl Word {
    fn add(&mut self, other: Self) {
        self.numbers.extend(other.numbers);
        self.gone.extend(other.gone);
        self.ended.extend(other.ended);
        self.reports.extend(other.reports);
        self.users.extend(other.users);
    }

    fn is_empty(&self) -> bool {
        let Self { by: _, numbers, gone, ended, reports, users } = self;
        numbers.is_empty() && gone.is_empty() && ended.is_empty() && reports.is_empty() && users.is_empty()
    }

    /// The same in as many notifications as it takes, which is nearly always one.
    fn pieces(self) -> Vec<Self> {
        let mut pieces = Vec::new();
        let (mut numbers, mut gone) = (self.numbers.into_iter().peekable(), self.gone.into_iter().peekable());
        let (mut ended, mut users) = (self.ended.into_iter().peekable(), self.users.into_iter().peekable());
        let mut reports = self.reports.into_iter().peekable();
        while numbers.peek().is_some()
            || gone.peek().is_some()
            || ended.peek().is_some()
            || users.peek().is_some()
            || reports.peek().is_some()
        {
            pieces.push(Self {
                by: self.by,
                numbers: numbers.by_ref().take(THINGS).collect(),
                gone: gone.by_ref().take(THINGS).collect(),
                ended: ended.by_ref().take(THINGS).collect(),
                users: users.by_ref().take(THINGS).collect(),
                reports: reports.by_ref().take(THINGS).collect(),
            });
        }
        pieces
    }

    fn effects(self) -> Effects {
        let ended = self.ended.into_iter().map(|id| Nudge::SessionEnded(SessionId(id)));
        let reports = self.reports.into_iter().map(|(client, node)| Nudge::Report(ClientId(client), NodeId(node)));
        let users = self.users.into_iter().map(|id| Nudge::User(UserId(id)));
        Effects {
            numbers: self.numbers.into_iter().map(|(client, number)| (ClientId(client), number)).collect(),
            nudges: ended.chain(reports).chain(users).collect(),
            gone: self.gone.into_iter().map(ClientId).collect(),
            work: false,
        }
    }
}

/// Tells the other replicas what was committed here.
#[derive(Clone)]
pub(crate) struct Mouth(Sender<Word>);

impl Mouth {
    pub(crate) fn say(&self, effects: &Effects) {
        let mut word = Word {
            numbers: effects.numbers.iter().map(|(client, number)| (client.0, *number)).collect(),
            gone: effects.gone.iter().map(|client| client.0).collect(),
            ..Word::default()
        };
        for nudge in &effects.nudges {
            match nudge {
                Nudge::Changes => {}
                Nudge::Report(client, node) => word.reports.push((client.0, node.0)),
                Nudge::SessionEnded(session) => word.ended.push(session.0),
                Nudge::User(user) => word.users.push(user.0),
            }
        }
        if !word.is_empty() {
            let _ = self.0.send(word);
        }
    }
}

/// Starts telling and hearing; both end when all [`Mouth`]s and the [`Live`] are gone.
pub(crate) fn start(
    place: &Place,
    direct: &Place,
    live: &Arc<Live>,
) -> Result<(Mouth, Vec<std::thread::JoinHandle<()>>)> {
    let by = u64::from_le_bytes(crate::secret::random()?);
    let (sender, words) = channel();
    let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
        let thread = std::thread::Builder::new().name(name.into()).spawn(work);
        thread.map_err(|error| Error::Damaged(format!("cannot start a thread: {error}")))
    };
    let line = Line::new(place, Purpose::Writing);
    let asking = Line::new(place, Purpose::Reading);
    let heard = Arc::downgrade(live);
    let telling = spawn("store-tell", Box::new(move || tell(&line, &asking, &words, by, &heard)))?;
    let (direct, heard) = (direct.clone(), Arc::downgrade(live));
    // It is not waited for at the end: it sits in a read that lasts until somebody says something.
    spawn("store-hear", Box::new(move || hear(&direct, by, &heard)))?;
    Ok((Mouth(sender), vec![telling]))
}

/// Tells what was committed, and asks for the numbers in between.
fn tell(line: &Line, asking: &Line, words: &Receiver<Word>, by: u64, live: &Weak<Live>) {
    let mut asked = Instant::now();
    loop {
        match words.recv_timeout(POLL.saturating_sub(asked.elapsed())) {
            Ok(mut word) => {
                std::thread::sleep(TOGETHER);
                while let Ok(more) = words.try_recv() {
                    word.add(more);
                }
                word.by = by;
                if let Err(error) = notify(line, word) {
                    tracing::debug!(%error, "the other replicas could not be told; they ask by themselves");
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if asked.elapsed() >= POLL {
            let Some(live) = live.upgrade() else { return };
            if let Err(error) = ask(asking, &live) {
                tracing::debug!(%error, "the database did not tell the latest numbers; it is asked again");
            }
            asked = Instant::now();
        }
    }
}

fn notify(line: &Line, word: Word) -> Result<()> {
    for piece in word.pieces() {
        let text = serde_json::to_string(&piece)?;
        let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&CHANNEL, Type::TEXT), (&text, Type::TEXT)];
        line.aside(|client| client.execute_typed("SELECT pg_notify($1, $2)", &parameters))?;
    }
    Ok(())
}

/// Asks for the numbers of all clients.
fn ask(line: &Line, live: &Live) -> Result<()> {
    let known = live.known();
    let numbers = Sql::Postgres(line).all(
        "SELECT client, number FROM tally /* across clients: the latest numbers */",
        [],
        |row| Ok((row.get::<_, ClientId>(0)?, row.get::<_, i64>(1)?)),
    );
    match numbers {
        Ok(numbers) => {
            line.commit()?;
            live.learn(&known, &numbers.into_iter().collect());
            Ok(())
        }
        Err(error) => {
            line.undo();
            Err(error)
        }
    }
}

/// Listens, on a connection of its own.
fn hear(place: &Place, by: u64, live: &Weak<Live>) {
    let mut wait = AGAIN.0;
    while live.strong_count() > 0 {
        match listen(place, by, live) {
            Ok(()) => return,
            Err((heard, error)) => {
                tracing::debug!(%error, "the connection that listens is lost; the numbers are asked for meanwhile");
                wait = if heard { AGAIN.0 } else { (wait * 2).min(AGAIN.1) };
                std::thread::sleep(wait);
            }
        }
    }
}

/// Ends well when nobody is interested any more. Else says whether it ever listened.
fn listen(place: &Place, by: u64, live: &Weak<Live>) -> std::result::Result<(), (bool, Error)> {
    use postgres::fallible_iterator::FallibleIterator as _;
    let mut client = place.connect().map_err(|error| (false, error))?;
    client.batch_execute(&format!("LISTEN {CHANNEL}")).map_err(|error| (false, error.into()))?;
    loop {
        let next = client.notifications().timeout_iter(POLL).next().map_err(|error| (true, error.into()))?;
        let Some(live) = live.upgrade() else { return Ok(()) };
        if client.is_closed() {
            return Err((true, Error::Away("the server closed the connection".into())));
        }
        let Some(word) = next.and_then(|notification| serde_json::from_str::<Word>(notification.payload()).ok()) else {
            continue;
        };
        if word.by != by {
            live.tell(word.effects());
        }
    }
}
