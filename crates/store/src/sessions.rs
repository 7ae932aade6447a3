//! Signed-in browsers. A session ends when it was idle too long, when it is too old, or when somebody ends it.

use crate::engine::sql::{Sql, params};
use jiff::{SignedDuration, Timestamp};

use crate::audit::{self, Actor};
use crate::changes::Nudge;
use crate::clock::from_millis;
use crate::engine::writer::Tx;
use crate::id::{SessionId, UserId};
use crate::users::{self, User};
use crate::{Error, Result, Secret, Store};

/// How long until a session's use is written down again, in milliseconds: not at every click.
const TOUCH: i64 = 60_000;

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Whose.
    pub user: User,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used, within a minute.
    pub seen: Timestamp,
    /// When it ends at the latest.
    pub ends: Timestamp,
    /// The address that it began from.
    pub address: Option<String>,
    /// The browser, as it names itself.
    pub agent: Option<String>,
}

/// A session to be.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// It ends after so long without use.
    pub idle: SignedDuration,
    /// It ends after so long in any case.
    pub longest: SignedDuration,
    /// The address that it begins from.
    pub address: Option<String>,
    /// The browser, as it names itself.
    pub agent: Option<String>,
}

struct Row {
    id: SessionId,
    user: UserId,
    created: i64,
    seen: i64,
    idle: i64,
    ends: i64,
    address: Option<String>,
    agent: Option<String>,
}

impl Store {
    /// Begins a session for a user who has shown who they are; the secret goes into the browser's cookie.
    ///
    /// # Errors
    /// The user is disabled or there is none such.
    pub async fn begin_session(&self, user: UserId, new: NewSession) -> Result<(Secret, Session)> {
        let secret = Secret::draw()?;
        let hash = secret.hash();
        let session = self.write("begin session", move |tx| begin(tx, user, hash, &new, "with a passphrase")).await?;
        Ok((secret, session))
    }

    /// The session that this secret opens, if it does; notes that it was used.
    ///
    /// # Errors
    /// The database fails.
    pub async fn session(&self, secret: &Secret) -> Result<Option<Session>> {
        let (hash, now) = (secret.hash(), self.clock().millis());
        let found = self.read("session", move |sql| find(sql, &hash, now)).await?;
        let Some((session, seen)) = found else { return Ok(None) };
        if now - seen >= TOUCH {
            let id = session.id;
            self.write("touch session", move |tx| {
                tx.sql.run("UPDATE session SET seen = ?2 WHERE id = ?1", params![id, tx.now]).map(drop)
            })
            .await?;
        }
        Ok(Some(session))
    }

    /// Ends a session; nothing happens if there is none such.
    ///
    /// # Errors
    /// The database fails.
    pub async fn end_session(&self, actor: Actor, id: SessionId) -> Result<()> {
        self.write("end session", move |tx| {
            if tx.sql.run("DELETE FROM session WHERE id = ?1", [id])? > 0 {
                tx.effects.nudges.push(Nudge::SessionEnded(id));
                audit::note(tx, &actor, "session.end", None, &actor.name, "")?;
            }
            Ok(())
        })
        .await
    }
}

pub(crate) fn begin(tx: &mut Tx<'_>, user: UserId, hash: [u8; 32], new: &NewSession, how: &str) -> Result<Session> {
    let user = users::load(tx.sql, user)?;
    if user.disabled {
        return Err(Error::NotFound("user"));
    }
    // Swept here, so that they need no sweeper of their own.
    tx.sql.run("DELETE FROM session WHERE ends < ?1", [tx.now])?;
    let ends = tx.now + new.longest.as_millis() as i64;
    let idle = new.idle.as_millis() as i64;
    let id = tx.sql.insert(
        "INSERT INTO session (hash, user, created, seen, idle, ends, address, agent) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7)",
        params![hash.as_slice(), user.id, tx.now, idle, ends, new.address, new.agent],
    )?;
    let actor = Actor::person(&user, new.address.clone());
    audit::note(tx, &actor, "session.begin", None, &user.name, how)?;
    Ok(Session {
        id: SessionId(id),
        user,
        created: from_millis(tx.now),
        seen: from_millis(tx.now),
        ends: from_millis(ends),
        address: new.address.clone(),
        agent: new.agent.clone(),
    })
}

fn find(sql: Sql<'_>, hash: &[u8], now: i64) -> Result<Option<(Session, i64)>> {
    let row = sql.one(
        "SELECT id, user, created, seen, idle, ends, address, agent FROM session WHERE hash = ?1",
        [hash],
        |row| {
            Ok(Row {
                id: row.get(0)?,
                user: row.get(1)?,
                created: row.get(2)?,
                seen: row.get(3)?,
                idle: row.get(4)?,
                ends: row.get(5)?,
                address: row.get(6)?,
                agent: row.get(7)?,
            })
        },
    )?;
    let Some(row) = row.filter(|row| now < row.ends && now < row.seen + row.idle) else { return Ok(None) };
    let user = users::load(sql, row.user)?;
    if user.disabled {
        return Ok(None);
    }
    let session = Session {
        id: row.id,
        user,
        created: from_millis(row.created),
        seen: from_millis(row.seen),
        ends: from_millis(row.ends),
        address: row.address,
        agent: row.agent,
    };
    Ok(Some((session, row.seen)))
}
