//! Live: each change of a client's data takes the client's next number, in the same transaction. Who knows the last number
//! that they saw can be told exactly what they missed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use crate::engine::sql::{Sql, params};
use tokio::sync::broadcast;

use crate::engine::writer::Tx;
use crate::id::{ClientId, NodeId, SessionId, UserId};
use crate::{Result, Scope, Store};

/// Changes kept per client; who is further behind is told to begin anew.
const KEPT: i64 = 5_000;
/// Rows that one call reads per client before it sums up.
const ROWS: i64 = KEPT;
/// Nudges that a slow listener may fall behind.
const NUDGES: usize = 1_024;

/// What changed for a client since the number that the asker knew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The client.
    pub client: ClientId,
    /// Its latest number: what the asker knows from now on.
    pub number: i64,
    /// What happened, summed up.
    pub what: What,
}

/// What happened to a client's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Alerts came, grew, or were handled.
    Alerts {
        /// How many came.
        new: u64,
        /// How many grew.
        counted: u64,
        /// How many were acknowledged, closed, reopened, commented or deleted.
        changed: u64,
    },
    /// Nodes changed: this one, or several if none is named.
    Nodes(Option<NodeId>),
    /// Hosts of this node changed, or of several if none is named.
    Hosts(Option<NodeId>),
    /// Commands to this node changed, or to several if none is named.
    Commands(Option<NodeId>),
    /// The client itself was made or changed, or came into scope.
    Client,
    /// The client is no more: the asker forgets its number.
    Gone,
    /// Too long ago to tell, or another database: load everything anew.
    Reset,
}

/// That something was committed. A listener that lags behind is not told what it missed: it asks
/// [`Store::changes_since`] anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nudge {
    /// Numbers have moved: ask [`Store::changes_since`].
    Changes,
    /// A node has reported, and nothing worth a number has changed.
    Report(ClientId, NodeId),
    /// A session has ended.
    SessionEnded(SessionId),
    /// What a user may do has changed.
    User(UserId),
}

/// What the world hears after a commit.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) numbers: BTreeMap<ClientId, i64>,
    pub(crate) nudges: Vec<Nudge>,
    /// Clients that are no more.
    pub(crate) gone: Vec<ClientId>,
    /// There is work for the background.
    pub(crate) work: bool,
}

impl Effects {
    pub(crate) fn add(&mut self, other: Self) {
        self.numbers.extend(other.numbers);
        self.nudges.extend(other.nudges);
        self.gone.extend(other.gone);
        self.work |= other.work;
    }
}

/// The latest numbers, and who wants to hear of them.
pub(crate) struct Live {
    numbers: RwLock<HashMap<ClientId, i64>>,
    nudges: broadcast::Sender<Nudge>,
    work: tokio::sync::watch::Sender<u64>,
}

impl Live {
    pub(crate) fn load(sql: Sql<'_>) -> Result<Self> {
        let numbers = sql.all("SELECT client, number FROM tally /* across clients: at the start */", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(Self {
            numbers: RwLock::new(numbers.into_iter().collect()),
            nudges: broadcast::Sender::new(NUDGES),
            work: tokio::sync::watch::Sender::new(0),
        })
    }

    pub(crate) fn tell(&self, effects: Effects) {
        if !effects.numbers.is_empty() || !effects.gone.is_empty() {
            let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
            for (client, number) in effects.numbers {
                // Of two commits the later may be told first.
                let known = numbers.entry(client).or_default();
                *known = number.max(*known);
            }
            numbers.retain(|client, _| !effects.gone.contains(client));
            drop(numbers);
            let _ = self.nudges.send(Nudge::Changes);
        }
        for nudge in effects.nudges {
            let _ = self.nudges.send(nudge);
        }
        if effects.work {
            self.work.send_modify(|count| *count += 1);
        }
    }

    /// The latest numbers that are known here.
    pub(crate) fn known(&self) -> HashMap<ClientId, i64> {
        self.numbers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in the numbers that the database has, which were asked for when `known` was known: what was heard since then is newer.
    pub(crate) fn learn(&self, known: &HashMap<ClientId, i64>, latest: &HashMap<ClientId, i64>) {
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        let mut moved = false;
        for (client, number) in latest {
            let now = numbers.get(client).copied();
            if now == known.get(client).copied() || now.is_none_or(|now| now < *number) {
                moved |= now != Some(*number);
                numbers.insert(*client, *number);
            }
        }
        numbers.retain(|client, now| {
            let stays = latest.contains_key(client) || known.get(client) != Some(now);
            moved |= !stays;
            stays
        });
        drop(numbers);
        if moved {
            let _ = self.nudges.send(Nudge::Changes);
            // Whoever wrote it may have left work behind.
            self.work.send_modify(|count| *count += 1);
        }
    }

    /// Ticks when there is work for the background.
    pub(crate) fn work(&self) -> tokio::sync::watch::Receiver<u64> {
        self.work.subscribe()
    }

    fn numbers(&self, scope: &Scope) -> BTreeMap<ClientId, i64> {
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        numbers.iter().filter(|(client, _)| scope.allows(**client)).map(|(client, number)| (*client, *number)).collect()
    }
}

/// As it is stored.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Alerts { new: u64, counted: u64, changed: u64 },
    Nodes(Option<NodeId>),
    Client,
    Hosts(NodeId),
    Commands(NodeId),
}

/// Gives the client's next number to a change.
pub(crate) fn note(tx: &mut Tx<'_>, client: ClientId, kind: Kind) -> Result<()> {
    let number = tx.sql.number("UPDATE tally SET number = number + 1 WHERE client = ?1 RETURNING number", [client])?;
    let (code, node, new, counted, changed) = match kind {
        Kind::Alerts { new, counted, changed } => (0, None, new, counted, changed),
        Kind::Nodes(node) => (1, node, 0, 0, 0),
        Kind::Client => (2, None, 0, 0, 0),
        Kind::Hosts(node) => (3, Some(node), 0, 0, 0),
        Kind::Commands(node) => (4, Some(node), 0, 0, 0),
    };
    tx.sql.run(
        "INSERT INTO change (client, number, at, kind, node, new, counted, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![client, number, tx.now, code, node, new as i64, counted as i64, changed as i64],
    )?;
    if number % 64 == 0 {
        tx.sql.run("DELETE FROM change WHERE client = ?1 AND number <= ?2", params![client, number - KEPT])?;
    }
    tx.effects.numbers.insert(client, number);
    Ok(())
}

impl Store {
    /// The latest number of each client in scope.
    #[must_use]
    pub fn numbers(&self, scope: &Scope) -> BTreeMap<ClientId, i64> {
        self.live().numbers(scope)
    }

    /// Hears of every commit from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Nudge> {
        self.live().nudges.subscribe()
    }

    /// What changed since the numbers that the asker knows, summed up per client. A client that the asker does not name
    /// has come into being (or into scope) since: it is told as [`What::Client`].
    ///
    /// # Errors
    /// The database fails.
    pub async fn changes_since(&self, scope: &Scope, known: &BTreeMap<ClientId, i64>) -> Result<Vec<Change>> {
        let mut latest = self.live().numbers(scope);
        let doubtful = known.iter().filter(|(client, known)| {
            scope.allows(**client) && latest.get(*client).is_none_or(|latest| latest < *known)
        });
        let doubtful: Vec<ClientId> = doubtful.map(|(client, _)| *client).collect();
        if !doubtful.is_empty() {
            latest.extend(self.read("latest numbers", move |sql| latest_of(sql, &doubtful)).await?);
        }
        let mut changes = Vec::new();
        let mut ask = Vec::new();
        for (&client, &number) in &latest {
            match known.get(&client) {
                None => changes.push(Change { client, number, what: What::Client }),
                Some(known) if *known > number => changes.push(Change { client, number, what: What::Reset }),
                Some(known) if *known < number => ask.push((client, *known)),
                Some(_) => {}
            }
        }
        for (client, number) in
            known.iter().filter(|(client, _)| scope.allows(**client) && !latest.contains_key(client))
        {
            changes.push(Change { client: *client, number: *number, what: What::Gone });
        }
        if !ask.is_empty() {
            let read = self.read("changes since", move |sql| {
                let mut changes = Vec::new();
                for (client, known) in ask {
                    sum(sql, client, known, &mut changes)?;
                }
                Ok(changes)
            });
            changes.extend(read.await?);
        }
        Ok(changes)
    }
}

/// The numbers of clients of which the asker knows more than this core: they may have heard of it at another one, a moment ago.
fn latest_of(sql: Sql<'_>, clients: &[ClientId]) -> Result<BTreeMap<ClientId, i64>> {
    match sql {
        // Nobody else writes.
        Sql::Sqlite(_) => Ok(BTreeMap::new()),
        Sql::Postgres(_) => {
            let wanted = serde_json::to_string(clients)?;
            let text = "SELECT client, number FROM tally WHERE client IN (SELECT value FROM json_each(?1))";
            let rows = sql.all(text, [wanted], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.into_iter().collect())
        }
    }
}

fn sum(sql: Sql<'_>, client: ClientId, known: i64, changes: &mut Vec<Change>) -> Result<()> {
    let rows = sql.all(
        "SELECT number, kind, node, new, counted, changed FROM change WHERE client = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
        params![client, known, ROWS + 128],
        |row| {
            let counts: (i64, i64, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<NodeId>>(2)?, counts))
        },
    )?;
    let Some(last) = rows.last().map(|row| row.0) else { return Ok(()) };
    if rows[0].0 != known + 1 {
        changes.push(Change { client, number: last, what: What::Reset });
        return Ok(());
    }
    let mut alerts = (0, 0, 0);
    let [mut nodes, mut hosts, mut commands]: [Option<Option<NodeId>>; 3] = [None; 3];
    let several =
        |known: Option<Option<NodeId>>, node| Some(if known.is_none_or(|known| known == node) { node } else { None });
    let mut itself = false;
    for (_, kind, node, (new, counted, changed)) in rows {
        match kind {
            0 => alerts = (alerts.0 + new as u64, alerts.1 + counted as u64, alerts.2 + changed as u64),
            1 => nodes = several(nodes, node),
            3 => hosts = several(hosts, node),
            4 => commands = several(commands, node),
            _ => itself = true,
        }
    }
    if itself {
        changes.push(Change { client, number: last, what: What::Client });
    }
    if let Some(node) = nodes {
        changes.push(Change { client, number: last, what: What::Nodes(node) });
    }
    if let Some(node) = hosts {
        changes.push(Change { client, number: last, what: What::Hosts(node) });
    }
    if let Some(node) = commands {
        changes.push(Change { client, number: last, what: What::Commands(node) });
    }
    if alerts != (0, 0, 0) {
        let (new, counted, changed) = alerts;
        changes.push(Change { client, number: last, what: What::Alerts { new, counted, changed } });
    }
    Ok(())
}
