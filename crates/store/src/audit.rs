//! Who changed what: written in the same transaction as the change.

use crate::engine::sql::{Row, params};
use jiff::Timestamp;

use crate::clock::from_millis;
use crate::engine::writer::Tx;
use crate::id::{ClientId, UserId};
use crate::{Reach, Result, Scope, Store};

/// Entries that are looked at together: of those who may see little, many are passed over.
const STEP: i64 = 500;

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user, if it is one.
    pub user: Option<UserId>,
    /// Their name; for others what they are, such as `the command line`.
    pub name: String,
    /// The address that they came from.
    pub address: Option<String>,
}

impl Actor {
    /// A signed-in person.
    #[must_use]
    pub fn person(user: &crate::User, address: Option<String>) -> Self {
        Self { user: Some(user.id), name: user.name.clone(), address }
    }

    /// Not a person: the core's own work, the command line on the core's machine, a node.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { user: None, name: name.into(), address: None }
    }
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number; higher is later.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// The user, if it was one.
    pub user: Option<UserId>,
    /// Their name at that time.
    pub who: String,
    /// The address that they came from.
    pub address: Option<String>,
    /// What was done, as `thing.verb`: `client.create`, `alert.close`, `session.begin`…
    pub action: String,
    /// The client that it touched, if it touched one.
    pub client: Option<ClientId>,
    /// To what: a name, or an id.
    pub subject: String,
    /// The rest, in a few words; may be empty.
    pub detail: String,
}

/// Writes one line.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &'static str,
    client: Option<ClientId>,
    subject: &str,
    detail: &str,
) -> Result<()> {
    tx.sql.run(
        "INSERT INTO audit (at, user, who, address, action, client, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![tx.now, actor.user, actor.name, actor.address, action, client, subject, detail],
    )?;
    Ok(())
}

impl Store {
    /// Notes something that changes nothing in the database, such as a refused sign-in.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note(&self, actor: Actor, action: &'static str, subject: String, detail: String) -> Result<()> {
        self.write("audit note", move |tx| note(tx, &actor, action, None, &subject, &detail)).await
    }

    /// The audit log, latest first, from before the entry `before` on: at most `limit` entries. Entries that touch no
    /// client are shown only to those who see all clients.
    ///
    /// # Errors
    /// The database fails.
    pub async fn audit(&self, scope: &Scope, before: Option<i64>, limit: usize) -> Result<Vec<AuditEntry>> {
        let scope = scope.clone();
        self.read("audit", move |sql| {
            let (mut entries, mut before) = (Vec::new(), before.unwrap_or(i64::MAX));
            loop {
                let page = sql.all(
                    "SELECT id, at, user, who, address, action, client, subject, detail FROM audit WHERE id < ?1 \
                     ORDER BY id DESC LIMIT ?2",
                    [before, STEP],
                    read,
                )?;
                let more = page.len() as i64 == STEP;
                before = page.last().map_or(before, |entry| entry.id);
                let visible = |entry: &AuditEntry| match entry.client {
                    Some(client) => scope.allows(client),
                    None => *scope.reach() == Reach::All,
                };
                entries.extend(page.into_iter().filter(visible).take(limit - entries.len()));
                if !more || entries.len() == limit {
                    return Ok(entries);
                }
            }
        })
        .await
    }
}

fn read(row: &Row<'_>) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.get(0)?,
        at: from_millis(row.get(1)?),
        user: row.get(2)?,
        who: row.get(3)?,
        address: row.get(4)?,
        action: row.get(5)?,
        client: row.get(6)?,
        subject: row.get(7)?,
        detail: row.get(8)?,
    })
}
