//! Commands: what people ask of nodes.
//!
//! # Invariants
//! - A command that a node was allowed to begin is never told again: [`Store::begin_command`] says yes to one asker, once.
//! - Whether it has expired is asked of the core's clock, in the transaction that begins it.
//! - A node sees and ends only its own commands. It knows them by their tickets, never by their numbers: after a restore, or at
//!   another core, a number comes again, and would be taken for what was done before.
//! - What changes something at a client is in the audit log twice: who asked for it, and how it ended.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use wire::command::{Deed, End, Inventory, Outcome};

use crate::audit::{self, Actor, Note};
use crate::changes::{self, Kind};
use crate::clock::from_millis;
use crate::engine::sql::{Row, Sql, params};
use crate::engine::writer::Tx;
use crate::id::{ClientId, CommandId, NodeId};
use crate::{Error, Result, Scope, Store, clients, nodes};

/// How long a node has to begin a command, at most.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Commands that may wait for one node.
const WAITING: i64 = 200;
/// For so long a node may ask again whether it may begin, because the answer was lost, in milliseconds.
const AGAIN: i64 = 60_000;
/// Without a word for so long after it was begun, nobody knows how a command ended, in milliseconds.
const DEADLINE: i64 = 3_600_000;
/// Commands are kept for so long after they have ended, in milliseconds.
const KEPT: i64 = 90 * 86_400_000;
/// Most commands of one answer.
const PAGE: usize = 200;
/// Largest answer once it is unpacked, in bytes.
const LARGEST: usize = 2 * wire::limit::ANSWER;

/// A command, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Its number.
    pub id: CommandId,
    /// Its client.
    pub client: ClientId,
    /// Its node.
    pub node: NodeId,
    /// What to do.
    pub deed: Deed,
    /// Who asked for it.
    pub who: String,
    /// When.
    pub created: Timestamp,
    /// Until when the node may begin it.
    pub expires: Timestamp,
    /// How it stands.
    pub state: CommandState,
    /// When the node began it.
    pub begun: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// How it ended, in the node's words.
    pub said: String,
    /// What was found; not in lists.
    pub answer: Option<Value>,
}

/// How a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandState {
    /// It waits for its node.
    Queued,
    /// The node is at it.
    Taken,
    /// It was done.
    Done,
    /// It was not done, or not whole.
    Failed,
    /// The client's policy forbids it.
    Refused,
    /// The node did not ask for it in time.
    Expired,
    /// The node crashed, or has not said: it may have been done.
    Unknown,
    /// It was withdrawn before the node had it.
    Withdrawn,
}

/// A command to be.
#[derive(Clone, Debug)]
pub struct NewCommand {
    /// For this node.
    pub node: NodeId,
    /// What to do.
    pub deed: Deed,
    /// For how long the node may begin it, up to a week.
    pub within: SignedDuration,
}

/// Which commands, latest first.
#[derive(Clone, Debug, Default)]
pub struct CommandAsk {
    /// Of this client.
    pub client: Option<ClientId>,
    /// To this node.
    pub node: Option<NodeId>,
    /// About this agent of it.
    pub agent: Option<String>,
    /// Of this kind, `restart_agent`.
    pub deed: Option<String>,
    /// About this: what of an inventory, the number of a vulnerability.
    pub subject: Option<String>,
    /// From before this one on.
    pub before: Option<CommandId>,
    /// At most so many, 1 to 200.
    pub limit: usize,
}

impl Store {
    /// Asks something of a node.
    ///
    /// # Errors
    /// There is no such node in scope, the deed breaks a bound, or too many commands wait for the node.
    pub async fn command(&self, actor: Actor, scope: &Scope, new: NewCommand) -> Result<Command> {
        new.deed.check().map_err(|(field, why)| Error::invalid(field, why))?;
        if new.within <= SignedDuration::ZERO || new.within > LONGEST {
            return Err(Error::invalid("within_seconds", "give 1 second to 7 days"));
        }
        let scope = scope.clone();
        self.write("command", move |tx| {
            let client = nodes::client_of(tx.sql, new.node)?;
            scope.demand(client, "node")?;
            tx.sql.claim(client)?;
            let node = tx.sql.one(
                "SELECT name, disabled, revoked FROM node WHERE client = ?1 AND id = ?2",
                params![client, new.node],
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)? || row.get::<_, Option<i64>>(2)?.is_some())),
            )?;
            let (node, disabled) = node.ok_or(Error::NotFound("node"))?;
            if disabled {
                return Err(Error::Refused("this node is disabled or revoked: it asks for no commands".into()));
            }
            let text = "SELECT count(*) FROM command WHERE client = ?1 AND node = ?2 AND state = 0";
            if tx.sql.number(text, params![client, new.node])? >= WAITING {
                return Err(Error::Refused(format!("{WAITING} commands wait for this node already")));
            }
            let id = tx.sql.insert(
                "INSERT INTO command (client, node, deed, agent, subject, body, user_id, who, created, expires, state, ticket) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11)",
                params![
                    client,
                    new.node,
                    new.deed.word(),
                    new.deed.agent().unwrap_or_default(),
                    subject(&new.deed),
                    serde_json::to_string(&new.deed)?,
                    actor.user,
                    actor.name,
                    tx.now,
                    tx.now.saturating_add(i64::try_from(new.within.as_millis()).unwrap_or(i64::MAX)),
                    ticket()?
                ],
            )?;
            let command = load(tx.sql, client, CommandId(id), tx.now)?;
            let (after, detail) = (told(&new.deed), format!("number {id}, to begin until {}", command.expires));
            audit::note(tx, &actor, Note::new("command.create", &node).at(client).to(&after).detail(&detail))?;
            changes::note(tx, client, Kind::Commands(new.node))?;
            Ok(command)
        })
        .await
    }

    /// Takes back a command that its node has not begun.
    ///
    /// # Errors
    /// There is none such in scope, or it is too late.
    pub async fn withdraw_command(&self, actor: Actor, scope: &Scope, id: CommandId) -> Result<Command> {
        let scope = scope.clone();
        self.write("withdraw command", move |tx| {
            let client = client_of(tx.sql, id)?;
            scope.demand(client, "command")?;
            tx.sql.claim(client)?;
            let text = "UPDATE command SET state = 7, finished = ?3 WHERE client = ?1 AND id = ?2 AND state = 0";
            if tx.sql.run(text, params![client, id, tx.now])? == 0 {
                return Err(Error::Refused("its node has begun it already, or it has ended".into()));
            }
            let command = load(tx.sql, client, id, tx.now)?;
            let (after, detail) = (told(&command.deed), format!("number {id}"));
            let note = Note::new("command.withdraw", command.deed.word()).at(client).to(&after).detail(&detail);
            audit::note(tx, &actor, note)?;
            changes::note(tx, client, Kind::Commands(command.node))?;
            Ok(command)
        })
        .await
    }

    /// Commands in scope, latest first, without what they found.
    ///
    /// # Errors
    /// The limit is out of range, or the database fails.
    pub async fn commands(&self, scope: &Scope, ask: CommandAsk) -> Result<Vec<Command>> {
        if !(1..=PAGE).contains(&ask.limit) {
            return Err(Error::invalid("limit", format!("give 1 to {PAGE}")));
        }
        let (scope, clock) = (scope.clone(), self.0.clock.clone());
        self.read("commands", move |sql| list(sql, &scope, &ask, clock.millis())).await
    }

    /// A command with what it found.
    ///
    /// # Errors
    /// There is none such in scope.
    pub async fn command_by_id(&self, scope: &Scope, id: CommandId) -> Result<Command> {
        let (scope, clock) = (scope.clone(), self.0.clock.clone());
        self.read("command", move |sql| {
            let client = client_of(sql, id)?;
            scope.demand(client, "command")?;
            load(sql, client, id, clock.millis())
        })
        .await
    }

    /// The latest answer to each question about a host, with its age: an inventory's parts.
    ///
    /// # Errors
    /// The node is not in scope.
    pub async fn host_answers(&self, scope: &Scope, node: NodeId, agent: String) -> Result<Vec<Command>> {
        let (scope, clock) = (scope.clone(), self.0.clock.clone());
        self.read("host answers", move |sql| {
            let client = nodes::client_of(sql, node)?;
            scope.demand(client, "node")?;
            let ids = sql.all(
                "SELECT max(id) FROM command WHERE client = ?1 AND node = ?2 AND agent = ?3 AND deed = 'inventory' \
                 AND state = 2 GROUP BY subject",
                params![client, node, agent],
                |row| row.get::<_, CommandId>(0),
            )?;
            ids.into_iter().map(|id| load(sql, client, id, clock.millis())).collect()
        })
        .await
    }

    /// What waits for a node, oldest first.
    ///
    /// # Errors
    /// There is no such node.
    pub async fn waiting_commands(&self, node: NodeId) -> Result<Vec<wire::command::Command>> {
        let clock = self.0.clock.clone();
        self.read("waiting commands", move |sql| {
            let client = nodes::client_of(sql, node)?;
            let rows = sql.all(
                "SELECT ticket, id, body FROM command WHERE client = ?1 AND node = ?2 AND state = 0 AND expires > ?3 \
                 ORDER BY id LIMIT ?4",
                params![client, node, clock.millis(), WAITING],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)),
            )?;
            rows.into_iter()
                .map(|(id, number, body)| Ok(wire::command::Command { id, number, deed: serde_json::from_str(&body)? }))
                .collect()
        })
        .await
    }

    /// Whether a node may begin a command now. Who asks again with the same token, because the answer was lost, is told the same
    /// for a minute.
    ///
    /// # Errors
    /// There is no such node.
    pub async fn begin_command(&self, node: NodeId, ticket: i64, token: u64) -> Result<bool> {
        let token = i64::from_ne_bytes(token.to_ne_bytes());
        self.write("begin command", move |tx| {
            let client = nodes::client_of(tx.sql, node)?;
            tx.sql.claim(client)?;
            let begun = tx.sql.run(
                "UPDATE command SET state = 1, token = ?4, begun = ?5 \
                 WHERE client = ?1 AND node = ?2 AND ticket = ?3 AND state = 0 AND expires > ?5",
                params![client, node, ticket, token, tx.now],
            )?;
            if begun > 0 {
                changes::note(tx, client, Kind::Commands(node))?;
                return Ok(true);
            }
            let text = "SELECT 1 FROM command WHERE client = ?1 AND node = ?2 AND ticket = ?3 AND state = 1 AND token = ?4 \
                        AND begun > ?5";
            Ok(tx.sql.one(text, params![client, node, ticket, token, tx.now - AGAIN], |_| Ok(()))?.is_some())
        })
        .await
    }

    /// Ends what nobody began in time, and what was begun and never heard of again; lets go of what ended long ago. Says how many
    /// commands it ended.
    ///
    /// # Errors
    /// The database fails.
    pub async fn tidy_commands(&self) -> Result<u64> {
        let late = self
            .read("late commands", {
                let clock = self.0.clock.clone();
                move |sql| {
                    let now = clock.millis();
                    sql.all(
                        "SELECT client, node, id FROM command WHERE state = 0 AND expires <= ?1 \
                         OR state = 1 AND begun <= ?2 ORDER BY client LIMIT 1000 /* across clients: upkeep */",
                        params![now, now - DEADLINE],
                        |row| Ok((row.get::<_, ClientId>(0)?, row.get::<_, NodeId>(1)?, row.get::<_, CommandId>(2)?)),
                    )
                }
            })
            .await?;
        let count = late.len() as u64;
        for (client, node, id) in late {
            self.write("end late command", move |tx| {
                tx.sql.claim(client)?;
                let ended = tx.sql.run(
                    "UPDATE command SET state = CASE WHEN state = 0 THEN 5 ELSE 6 END, finished = ?3 \
                     WHERE client = ?1 AND id = ?2 AND (state = 0 AND expires <= ?3 OR state = 1 AND begun <= ?4)",
                    params![client, id, tx.now, tx.now - DEADLINE],
                )?;
                if ended > 0 {
                    note_end(tx, client, id, false)?;
                    changes::note(tx, client, Kind::Commands(node))?;
                }
                Ok(())
            })
            .await?;
        }
        self.write("let go of commands", move |tx| {
            tx.sql.run(
                "DELETE FROM command WHERE state > 1 AND expires < ?1 AND finished < ?1 \
                 AND client NOT IN (SELECT id FROM client WHERE held IS NOT NULL) /* across clients: upkeep */",
                [tx.now - KEPT],
            )
        })
        .await?;
        Ok(count)
    }
}

/// 1 to 2^53 - 1, so that it survives any JSON reader.
fn ticket() -> Result<i64> {
    Ok(i64::from_le_bytes(crate::secret::random()?) >> 11 & ((1 << 53) - 1) | 1)
}

/// Whoever restores a backup does not know what became of commands since it was made: what waited then may have been done, or
/// withdrawn. A node that has done it says so, if it was in the last days.
pub(crate) fn after_restore(tx: &mut Tx<'_>) -> Result<()> {
    let said = "the core was restored from a backup that was made while this waited: it may have been done since, look before you ask again";
    tx.sql.run(
        "UPDATE command SET state = 6, finished = ?1, said = ?2 WHERE state = 0 /* across clients: all of the backup */",
        params![tx.now, said],
    )?;
    Ok(())
}

/// Takes in how a command ended. One that is not known was asked by a core that was restored since: nobody waits for it.
pub(crate) fn end(
    tx: &mut Tx<'_>,
    client: ClientId,
    node: NodeId,
    outcome: &Outcome,
    answer: Option<&[u8]>,
) -> Result<()> {
    let state = match outcome.end {
        End::Done => CommandState::Done,
        End::Failed => CommandState::Failed,
        End::Refused => CommandState::Refused,
        End::Unknown => CommandState::Unknown,
    };
    let found = tx.sql.one(
        "SELECT id, agent, deed, subject FROM command WHERE client = ?1 AND node = ?2 AND ticket = ?3",
        params![client, node, outcome.id],
        |row| {
            Ok((
                row.get::<_, CommandId>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
            ))
        },
    )?;
    let Some((id, agent, deed, subject)) = found else { return Ok(()) };
    let token = i64::from_ne_bytes(outcome.token.to_ne_bytes());
    // What is told of one that has ended already is what was told before, or later news of one given up for unknown. Of what
    // another machine with the same identity has begun, only that one can tell.
    let ended = tx.sql.run(
        "UPDATE command SET state = ?4, finished = ?5, said = ?6, answer = ?7 \
         WHERE client = ?1 AND id = ?2 AND state IN (0, 1, 6) AND (token IS NULL OR token = ?3)",
        params![client, id, token, state as i64, tx.now, outcome.said, answer],
    )?;
    if ended > 0 && state == CommandState::Done && !subject.is_empty() {
        // Only the latest answer to a question is kept, unless the client's data are held.
        tx.sql.run(
            "UPDATE command SET answer = NULL WHERE client = ?1 AND node = ?2 AND agent = ?3 AND deed = ?4 AND subject = ?5 \
             AND id < ?6 AND answer IS NOT NULL AND NOT EXISTS (SELECT 1 FROM client WHERE id = ?1 AND held IS NOT NULL)",
            params![client, node, agent, deed, subject, id],
        )?;
    }
    if ended > 0 {
        note_end(tx, client, id, true)?;
    }
    changes::note(tx, client, Kind::Commands(node))
}

/// Writes down how a command ended, unless it has only read: in its node's words, or in the core's for want of any.
fn note_end(tx: &mut Tx<'_>, client: ClientId, id: CommandId, node_says: bool) -> Result<()> {
    let Command { node, deed, who, state, said, .. } = load(tx.sql, client, id, tx.now)?;
    if deed.only_reads() {
        return Ok(());
    }
    let text = "SELECT name FROM node WHERE client = ?1 AND id = ?2";
    let node = tx.sql.one(text, params![client, node], |row| row.get::<_, String>(0))?.unwrap_or_default();
    let actor = Actor::named(if node_says { format!("node {node}") } else { "the core".to_owned() });
    let (after, said) = (told(&deed), if said.is_empty() { said } else { format!(": {said}") });
    let detail = format!("number {id}, asked by {who}, {}{said}", state.word());
    audit::note(tx, &actor, Note::new("command.end", &node).at(client).to(&after).detail(&detail))
}

/// Compresses an answer.
pub(crate) fn pack(answer: &str) -> Result<Vec<u8>> {
    zstd::bulk::compress(answer.as_bytes(), 3).map_err(|error| Error::Damaged(error.to_string()))
}

fn unpack(data: &[u8]) -> Result<Value> {
    let text = zstd::bulk::decompress(data, LARGEST).map_err(|error| Error::Damaged(error.to_string()))?;
    Ok(serde_json::from_slice(&text)?)
}

/// What the audit log says of a deed: all of it, but no more of a line than shows which.
fn told(deed: &Deed) -> Value {
    let mut told = serde_json::to_value(deed).unwrap_or_default();
    if let Some(Value::String(event)) = told.get_mut("event")
        && event.len() > 500
    {
        *event = event.chars().take(200).chain(['…']).collect();
    }
    told
}

/// What it is about, beside an agent.
fn subject(deed: &Deed) -> String {
    match deed {
        Deed::Inventory { what, .. } => word(*what).to_owned(),
        Deed::FindVulnerable { cve } => cve.clone(),
        Deed::ReadRules { file } => file.clone(),
        _ => String::new(),
    }
}

/// An inventory's part on the wire.
fn word(what: Inventory) -> &'static str {
    match what {
        Inventory::Hardware => "hardware",
        Inventory::Ports => "ports",
        Inventory::Packages => "packages",
        Inventory::Users => "users",
        Inventory::Processes => "processes",
        Inventory::Sca => "sca",
        Inventory::Vulnerabilities => "vulnerabilities",
    }
}

fn client_of(sql: Sql<'_>, id: CommandId) -> Result<ClientId> {
    let text = "SELECT client FROM command WHERE id = ?1 /* across clients: whose is it? */";
    sql.one(text, [id], |row| row.get(0))?.ok_or(Error::NotFound("command"))
}

fn list(sql: Sql<'_>, scope: &Scope, ask: &CommandAsk, now: i64) -> Result<Vec<Command>> {
    let scope = ask.client.map_or_else(|| scope.clone(), |client| scope.narrowed([client]));
    let before = ask.before.map_or(i64::MAX, |before| before.0);
    let limit = ask.limit as i64;
    let (deed, subject) = (ask.deed.as_deref().unwrap_or_default(), ask.subject.as_deref().unwrap_or_default());
    // Of one node: by its index. Of several clients: by each client's own.
    if let Some(node) = ask.node {
        let client = nodes::client_of(sql, node)?;
        scope.demand(client, "node")?;
        return sql.all(
            "SELECT id, client, node, body, who, created, expires, state, begun, finished, said, NULL FROM command \
             WHERE client = ?1 AND node = ?2 AND id < ?3 AND (?4 = '' OR agent = ?4) AND (?5 = '' OR deed = ?5) \
             AND (?6 = '' OR subject = ?6) ORDER BY id DESC LIMIT ?7",
            params![client, node, before, ask.agent.as_deref().unwrap_or_default(), deed, subject, limit],
            |row| read(row, now),
        );
    }
    let ids = clients::ids_json(sql, &scope)?;
    sql.all(
        "SELECT id, client, node, body, who, created, expires, state, begun, finished, said, NULL FROM command \
         WHERE client IN (SELECT value FROM json_each(?1)) AND id < ?2 AND (?3 = '' OR deed = ?3) \
         AND (?4 = '' OR subject = ?4) ORDER BY id DESC LIMIT ?5",
        params![ids, before, deed, subject, limit],
        |row| read(row, now),
    )
}

/// A client's commands with what they found, oldest first, behind one.
pub(crate) fn oldest(sql: Sql<'_>, client: ClientId, after: CommandId, limit: i64, now: i64) -> Result<Vec<Command>> {
    sql.all(
        "SELECT id, client, node, body, who, created, expires, state, begun, finished, said, answer FROM command \
         WHERE client = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        params![client, after, limit],
        |row| read(row, now),
    )
}

fn load(sql: Sql<'_>, client: ClientId, id: CommandId, now: i64) -> Result<Command> {
    sql.one(
        "SELECT id, client, node, body, who, created, expires, state, begun, finished, said, answer FROM command \
         WHERE client = ?1 AND id = ?2",
        params![client, id],
        |row| read(row, now),
    )?
    .ok_or(Error::NotFound("command"))
}

fn read(row: &Row<'_>, now: i64) -> Result<Command> {
    let (expires, answer): (i64, Option<Vec<u8>>) = (row.get(6)?, row.get(11)?);
    let state = match CommandState::from_code(row.get(7)?) {
        CommandState::Queued if expires <= now => CommandState::Expired,
        state => state,
    };
    Ok(Command {
        id: row.get(0)?,
        client: row.get(1)?,
        node: row.get(2)?,
        deed: serde_json::from_str(&row.get::<_, String>(3)?)?,
        who: row.get(4)?,
        created: from_millis(row.get(5)?),
        expires: from_millis(expires),
        state,
        begun: row.get::<_, Option<i64>>(8)?.map(from_millis),
        finished: row.get::<_, Option<i64>>(9)?.map(from_millis),
        said: row.get(10)?,
        answer: answer.map(|data| unpack(&data)).transpose()?,
    })
}

impl CommandState {
    /// As the audit log calls it.
    fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Taken => "taken",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused by the client's policy",
            Self::Expired => "expired",
            Self::Unknown => "outcome unknown",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn from_code(code: i64) -> Self {
        match code {
            0 => Self::Queued,
            1 => Self::Taken,
            2 => Self::Done,
            3 => Self::Failed,
            4 => Self::Refused,
            5 => Self::Expired,
            6 => Self::Unknown,
            _ => Self::Withdrawn,
        }
    }
}
