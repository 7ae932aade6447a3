//! Signed-in browsers. A session ends when it was idle too long, when it is too old, or when somebody ends it.

use jiff::{SignedDuration, Timestamp};

use crate::audit::{self, Actor, Note};
use crate::changes::Nudge;
use crate::clock::from_millis;
use crate::engine::sql::{Row, Sql, params};
use crate::engine::writer::Tx;
use crate::id::{SessionId, UserId};
use crate::users::{self, User};
use crate::{Error, Result, Secret, Store};

/// How long until a session's use is written down again, in milliseconds: not at every click.
const TOUCH: i64 = 60_000;

/// By what somebody showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A link made on the core's own machine, or the one that sets up.
    Link,
    /// A passphrase.
    Passphrase,
    /// A passphrase, and a code of an authenticator.
    PassphraseAndCode,
    /// A passkey.
    Passkey,
    /// A provider of identities.
    Provider,
}

impl Proof {
    const ALL: [Self; 5] = [Self::Link, Self::Passphrase, Self::PassphraseAndCode, Self::Passkey, Self::Provider];

    fn from_code(code: i64) -> Self {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied().unwrap_or(Self::Link)
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Passphrase => "passphrase",
            Self::PassphraseAndCode => "passphrase-and-code",
            Self::Passkey => "passkey",
            Self::Provider => "provider",
        }
    }
}

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Whose.
    pub user: User,
    /// How they signed in.
    pub how: Proof,
    /// Since when.
    pub created: Timestamp,
    /// When they last showed who they are.
    pub proved: Timestamp,
    /// When it was last used, within a minute.
    pub seen: Timestamp,
    /// When it ends at the latest, unless it is idle for too long before.
    pub ends: Timestamp,
    /// The address that it was last used from.
    pub address: Option<String>,
    /// The browser, as it names itself.
    pub agent: Option<String>,
}

impl Session {
    /// The same, had they shown at this moment who they are.
    #[must_use]
    pub fn at(&self, proved: Timestamp) -> Self {
        Self { proved, ..self.clone() }
    }
}

/// A session to be.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// How they signed in.
    pub how: Proof,
    /// It ends after so long without use.
    pub idle: SignedDuration,
    /// It ends after so long in any case.
    pub longest: SignedDuration,
    /// The address that it begins from.
    pub address: Option<String>,
    /// The browser, as it names itself.
    pub agent: Option<String>,
}

/// A session without its user: when it ends without use, too.
struct Bare {
    id: SessionId,
    user: UserId,
    how: Proof,
    created: i64,
    proved: i64,
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
        let session = self.write("begin session", move |tx| begin(tx, user, hash, &new)).await?;
        Ok((secret, session))
    }

    /// The session that this secret opens, if it does; notes that it was used, and from where.
    ///
    /// # Errors
    /// The database fails.
    pub async fn session(&self, secret: &Secret, from: Option<&str>) -> Result<Option<Session>> {
        let (hash, now) = (secret.hash(), self.clock().millis());
        let found = self.read("session", move |sql| find(sql, &hash, now)).await?;
        let Some(session) = found else { return Ok(None) };
        if now - session.seen.as_millisecond() >= TOUCH {
            let (id, from) = (session.id, from.map(str::to_owned));
            self.write("touch session", move |tx| {
                let sql = "UPDATE session SET seen = ?2, address = coalesce(?3, address) WHERE id = ?1";
                tx.sql.run(sql, params![id, tx.now, from]).map(drop)
            })
            .await?;
        }
        Ok(Some(session))
    }

    /// Notes that whoever uses this session has just shown again who they are.
    ///
    /// # Errors
    /// There is no such session.
    pub async fn prove_session(&self, actor: Actor, id: SessionId, by: Proof) -> Result<()> {
        self.write("prove session", move |tx| {
            if tx.sql.run("UPDATE session SET proved = ?2 WHERE id = ?1", params![id, tx.now])? == 0 {
                return Err(Error::NotFound("session"));
            }
            let name = actor.name.clone();
            audit::note(tx, &actor, Note::new("session.prove", &name).detail(by.word()))
        })
        .await
    }

    /// The sessions of a user, the one used last first.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>> {
        let now = self.clock().millis();
        self.read("sessions", move |sql| {
            let user = users::load(sql, user)?;
            let sql_text = "SELECT id, user_id, how, created, proved, seen, idle, ends, address, agent FROM session \
                 WHERE user_id = ?1 ORDER BY seen DESC";
            let rows = sql.all(sql_text, [user.id], read)?;
            Ok(rows.into_iter().filter(|row| row.lives(now)).map(|row| row.of(user.clone())).collect())
        })
        .await
    }

    /// Ends a session of this user; nothing happens if there is none such.
    ///
    /// # Errors
    /// The database fails.
    pub async fn end_session(&self, actor: Actor, user: UserId, id: SessionId) -> Result<bool> {
        self.write("end session", move |tx| {
            let ended = tx.sql.run("DELETE FROM session WHERE id = ?1 AND user_id = ?2", params![id, user])? > 0;
            if ended {
                let user = users::load(tx.sql, user)?;
                tx.effects.nudges.push(Nudge::SessionEnded(id));
                audit::note(tx, &actor, Note::new("session.end", &user.name))?;
            }
            Ok(ended)
        })
        .await
    }

    /// Ends all sessions of a user but one; says how many.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn end_sessions(&self, actor: Actor, user: UserId, but: Option<SessionId>) -> Result<usize> {
        self.write("end sessions", move |tx| {
            let user = users::load(tx.sql, user)?;
            let ended = users::end_sessions(tx, user.id, but)?;
            if ended > 0 {
                let detail = format!("{ended} sessions");
                audit::note(tx, &actor, Note::new("session.end", &user.name).detail(&detail))?;
            }
            Ok(ended)
        })
        .await
    }
}

pub(crate) fn begin(tx: &mut Tx<'_>, user: UserId, hash: [u8; 32], new: &NewSession) -> Result<Session> {
    let mut user = users::load(tx.sql, user)?;
    if user.disabled {
        return Err(Error::NotFound("user"));
    }
    // Swept here, so that they need no sweeper of their own.
    tx.sql.run("DELETE FROM session WHERE ends < ?1", [tx.now])?;
    tx.sql.run("UPDATE user SET seen = ?2 WHERE id = ?1", params![user.id, tx.now])?;
    let now = from_millis(tx.now);
    user.seen = Some(now);
    let ends = tx.now + new.longest.as_millis() as i64;
    let idle = new.idle.as_millis() as i64;
    let id = tx.sql.insert(
        "INSERT INTO session (hash, user_id, how, created, proved, seen, idle, ends, address, agent) \
         VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?5, ?6, ?7, ?8)",
        params![hash.as_slice(), user.id, new.how as i64, tx.now, idle, ends, new.address, new.agent],
    )?;
    let actor = Actor::person(&user, new.address.clone());
    audit::note(tx, &actor, Note::new("session.begin", &user.name).detail(new.how.word()))?;
    Ok(Session {
        id: SessionId(id),
        user,
        how: new.how,
        created: now,
        proved: now,
        seen: now,
        ends: from_millis(ends),
        address: new.address.clone(),
        agent: new.agent.clone(),
    })
}

fn find(sql: Sql<'_>, hash: &[u8], now: i64) -> Result<Option<Session>> {
    let row = sql.one(
        "SELECT id, user_id, how, created, proved, seen, idle, ends, address, agent FROM session WHERE hash = ?1",
        [hash],
        read,
    )?;
    let Some(row) = row.filter(|row| row.lives(now)) else { return Ok(None) };
    let user = users::load(sql, row.user)?;
    Ok((!user.disabled).then(|| row.of(user)))
}

fn read(row: &Row<'_>) -> Result<Bare> {
    Ok(Bare {
        id: row.get(0)?,
        user: row.get(1)?,
        how: Proof::from_code(row.get(2)?),
        created: row.get(3)?,
        proved: row.get(4)?,
        seen: row.get(5)?,
        idle: row.get(6)?,
        ends: row.get(7)?,
        address: row.get(8)?,
        agent: row.get(9)?,
    })
}

impl Bare {
    fn lives(&self, now: i64) -> bool {
        now < self.ends && now < self.seen + self.idle
    }

    fn of(self, user: User) -> Session {
        Session {
            id: self.id,
            user,
            how: self.how,
            created: from_millis(self.created),
            proved: from_millis(self.proved),
            seen: from_millis(self.seen),
            ends: from_millis(self.ends),
            address: self.address,
            agent: self.agent,
        }
    }
}
