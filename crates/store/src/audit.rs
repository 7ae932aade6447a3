//! Who changed what: written in the same transaction as the change, and never changed after.
//!
//! # The chain
//! Each entry has a *digest* of its salted content, and a *link*: the hash of the link before it, its number and its digest.
//! So whoever changes, inserts or takes out an entry breaks every link after it, and [`Store::verify_audit`] says where.
//! The content of a client that is erased goes with its salt; the digest stays, which tells nothing without the salt, and
//! the chain holds. A chain cannot show that its tail was cut: for that its head is kept elsewhere ([`Store::audit_head`]).
//!
//! Entries are numbered 1, 2, 3… without gaps: the row `audit_head` is taken by whoever appends, and held until commit.

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::from_millis;
use crate::engine::sql::{Row, Sql, params};
use crate::engine::writer::Tx;
use crate::id::{ClientId, UserId};
use crate::{Error, Reach, Result, Role, Scope, Store, secret};

/// Entries that are read at once while the chain is checked.
const STEP: i64 = 1_000;

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

    /// A program that uses a person's key.
    #[must_use]
    pub fn key(holder: &crate::KeyHolder, address: Option<String>) -> Self {
        let name = format!("{} (key «{}»)", holder.user.name, holder.key.name);
        Self { user: Some(holder.user.id), name, address }
    }

    /// Not a person: the core's own work, the command line on the core's machine, a node.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { user: None, name: name.into(), address: None }
    }
}

/// One entry of the audit log.
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
    /// What it was before, where that is worth telling.
    pub before: Option<Value>,
    /// What it was after.
    pub after: Option<Value>,
    /// Its content was erased together with its client.
    pub erased: bool,
    /// Its place in the chain, 64 hexadecimal digits.
    pub link: String,
}

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct AuditAsk {
    /// From before this entry on.
    pub before: Option<i64>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// By this user.
    pub user: Option<UserId>,
    /// Touching this client.
    pub client: Option<ClientId>,
    /// Done so: a whole action such as `client.create`, or all of a thing, such as `client`.
    pub action: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// Where the chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of the last entry; 0 if there is none.
    pub id: i64,
    /// Its link, 64 hexadecimal digits.
    pub link: String,
}

/// What came out when the chain was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Every link holds.
    Whole {
        /// So many entries.
        entries: u64,
        /// Of these, so many whose content was erased.
        erased: u64,
        /// Where it ends.
        head: AuditHead,
    },
    /// Something was changed, inserted or taken out.
    Broken {
        /// The first entry that is not as it was written.
        entry: i64,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// What is written.
pub(crate) struct Note<'a> {
    action: &'static str,
    client: Option<ClientId>,
    subject: &'a str,
    detail: &'a str,
    before: Option<String>,
    after: Option<String>,
}

impl<'a> Note<'a> {
    pub(crate) fn new(action: &'static str, subject: &'a str) -> Self {
        Self { action, client: None, subject, detail: "", before: None, after: None }
    }

    /// It touches this client.
    pub(crate) fn at(mut self, client: ClientId) -> Self {
        self.client = Some(client);
        self
    }

    pub(crate) fn detail(mut self, detail: &'a str) -> Self {
        self.detail = detail;
        self
    }

    /// What is no more.
    pub(crate) fn from(mut self, before: &Value) -> Self {
        self.before = Some(before.to_string());
        self
    }

    /// What is new.
    pub(crate) fn to(mut self, after: &Value) -> Self {
        self.after = Some(after.to_string());
        self
    }

    /// What has changed: the fields of an object that are the same are left out.
    pub(crate) fn changes(mut self, before: &Value, after: &Value) -> Self {
        let differs = |one: &Value, other: &Value| match (one, other) {
            (Value::Object(one), Value::Object(other)) => Value::Object(
                one.iter()
                    .filter(|(key, value)| other.get(*key) != Some(*value))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
            ),
            _ => one.clone(),
        };
        self.before = Some(differs(before, after).to_string());
        self.after = Some(differs(after, before).to_string());
        self
    }
}

/// The content of an entry, as it is digested.
#[derive(Clone)]
struct Content {
    at: i64,
    user: Option<UserId>,
    who: String,
    address: Option<String>,
    action: String,
    client: Option<ClientId>,
    subject: String,
    detail: String,
    before: Option<String>,
    after: Option<String>,
}

impl Content {
    fn digest(&self, salt: &[u8]) -> [u8; 32] {
        let Self { at, user, who, address, action, client, subject, detail, before, after } = self;
        let text = serde_json::json!([at, user, who, address, action, client, subject, detail, before, after]);
        let mut hash = blake3::Hasher::new_derive_key("SOCme 2026 audit entry");
        hash.update(salt).update(text.to_string().as_bytes());
        *hash.finalize().as_bytes()
    }
}

fn link(before: &[u8], id: i64, digest: &[u8]) -> [u8; 32] {
    let mut hash = blake3::Hasher::new_derive_key("SOCme 2026 audit chain");
    hash.update(before).update(&id.to_le_bytes()).update(digest);
    *hash.finalize().as_bytes()
}

/// Appends an entry.
pub(crate) fn note(tx: &mut Tx<'_>, actor: &Actor, note: Note<'_>) -> Result<()> {
    // What is digested is what is stored: not every database can hold this one character.
    let plain = |text: &str| text.replace('\0', "\u{fffd}");
    let content = Content {
        at: tx.now,
        user: actor.user,
        who: plain(&actor.name),
        address: actor.address.as_deref().map(plain),
        action: note.action.into(),
        client: note.client,
        subject: plain(note.subject),
        detail: plain(note.detail),
        before: note.before,
        after: note.after,
    };
    let salt: [u8; 16] = secret::random()?;
    let digest = content.digest(&salt);
    let head = tx.sql.one("UPDATE audit_head SET id = id + 1 WHERE one = 1 RETURNING id, link", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let (id, before) = head.ok_or_else(|| Error::Damaged("the audit log has no head".into()))?;
    let link = link(&before, id, &digest);
    tx.sql.run("UPDATE audit_head SET link = ?1 WHERE one = 1", [link.as_slice()])?;
    let Content { at, user, who, address, action, client, subject, detail, before, after } = content;
    tx.sql.run(
        "INSERT INTO audit (id, at, user_id, who, address, action, client, subject, detail, before, after, salt, digest, link) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            id, at, user, who, address, action, client, subject, detail, before, after, salt.as_slice(),
            digest.as_slice(), link.as_slice()
        ],
    )?;
    Ok(())
}

/// Erases what the entries say that touched a client; that there were such entries stays, and the chain holds.
pub(crate) fn erase(tx: &mut Tx<'_>, client: ClientId) -> Result<usize> {
    tx.sql.run(
        "UPDATE audit SET user_id = NULL, who = '', address = NULL, subject = '', detail = '', before = NULL, after = NULL, \
         salt = NULL WHERE client = ?1",
        [client],
    )
}

impl Store {
    /// Notes something that changes nothing in the database, such as a refused sign-in.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note(&self, actor: Actor, action: &'static str, subject: String, detail: String) -> Result<()> {
        self.write("audit note", move |tx| note(tx, &actor, Note::new(action, &subject).detail(&detail))).await
    }

    /// The same of something that touched a client.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note_at(&self, actor: Actor, client: ClientId, action: &'static str, subject: String) -> Result<()> {
        self.write("audit note", move |tx| note(tx, &actor, Note::new(action, &subject).at(client))).await
    }

    /// The audit log, latest first: at most `limit` entries. Only for who sees everything.
    ///
    /// # Errors
    /// The scope is not everything.
    pub async fn audit(&self, scope: &Scope, ask: AuditAsk) -> Result<Vec<AuditEntry>> {
        if *scope.reach() != Reach::All {
            return Err(Error::Forbidden(Role::Admin));
        }
        self.read("audit", move |sql| {
            let before = match ask.to {
                Some(to) => ask.before.unwrap_or(i64::MAX).min(first_at(sql, to)?),
                None => ask.before.unwrap_or(i64::MAX),
            };
            let from = ask.from.map_or(Ok(0), |from| first_at(sql, from))?;
            let (first, last) = match ask.action.as_deref() {
                // `client` is all from `client.` on, to what follows the dot in ASCII.
                Some(thing) if !thing.contains('.') => (Some(format!("{thing}.")), Some(format!("{thing}/"))),
                Some(action) => (Some(action.to_owned()), Some(format!("{action}\u{1}"))),
                None => (None, None),
            };
            let rest = params![before, from, ask.user, ask.client, first, last, ask.limit as i64];
            // One index each: by what is asked most narrowly.
            if ask.client.is_some() {
                sql.all(
                    "SELECT id, at, user_id, who, address, action, client, subject, detail, before, after, salt IS NULL, link \
                     FROM audit WHERE client = ?4 AND id < ?1 AND id >= ?2 AND (?3 IS NULL OR user_id = ?3) \
                     AND (?5 IS NULL OR (action >= ?5 AND action < ?6)) ORDER BY id DESC LIMIT ?7",
                    rest,
                    read,
                )
            } else if ask.user.is_some() {
                sql.all(
                    "SELECT id, at, user_id, who, address, action, client, subject, detail, before, after, salt IS NULL, link \
                     FROM audit WHERE user_id = ?3 AND id < ?1 AND id >= ?2 AND (?4 IS NULL OR client = ?4) \
                     AND (?5 IS NULL OR (action >= ?5 AND action < ?6)) ORDER BY id DESC LIMIT ?7",
                    rest,
                    read,
                )
            } else {
                sql.all(
                    "SELECT id, at, user_id, who, address, action, client, subject, detail, before, after, salt IS NULL, link \
                     FROM audit WHERE id < ?1 AND id >= ?2 AND (?3 IS NULL OR user_id = ?3) AND (?4 IS NULL OR client = ?4) \
                     AND (?5 IS NULL OR (action >= ?5 AND action < ?6)) ORDER BY id DESC LIMIT ?7",
                    rest,
                    read,
                )
            }
        })
        .await
    }

    /// Where the chain ends: to be kept in a place that whoever writes to the database cannot reach.
    ///
    /// # Errors
    /// The database fails.
    pub async fn audit_head(&self) -> Result<AuditHead> {
        self.read("audit head", |sql| {
            let head = sql.one("SELECT id, link FROM audit_head WHERE one = 1", [], |row| {
                Ok(AuditHead { id: row.get(0)?, link: hex(&row.get::<_, Vec<u8>>(1)?) })
            })?;
            head.ok_or_else(|| Error::Damaged("the audit log has no head".into()))
        })
        .await
    }

    /// Checks the whole chain; with a head that was kept elsewhere, also that nothing was cut off since.
    ///
    /// # Errors
    /// The database fails.
    pub async fn verify_audit(&self, kept: Option<AuditHead>) -> Result<Verified> {
        // First the head, then the entries: what is appended meanwhile is only more than must be there.
        let head = self.audit_head().await?;
        let (mut last, mut at, mut erased) = (vec![0_u8; 32], 0_i64, 0_u64);
        loop {
            let from = at;
            let rows = self.read("verify audit", move |sql| {
                sql.all(
                    "SELECT id, at, user_id, who, address, action, client, subject, detail, before, after, salt, digest, link \
                     FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2",
                    [from, STEP],
                    read_chained,
                )
            });
            let rows = rows.await?;
            if rows.is_empty() {
                break;
            }
            for (id, content, salt, digest, found) in rows {
                let broken = |why| Ok(Verified::Broken { entry: id, why });
                if id != at + 1 {
                    return Ok(Verified::Broken { entry: at + 1, why: "it is missing" });
                }
                match salt {
                    Some(salt) if content.digest(&salt)[..] != digest[..] => return broken("its content was changed"),
                    Some(_) => {}
                    None => erased += 1,
                }
                if link(&last, id, &digest)[..] != found[..] {
                    return broken("its link does not follow from the one before");
                }
                if kept.as_ref().is_some_and(|kept| kept.id == id && kept.link != hex(&found)) {
                    return broken("its link is not the one that was kept");
                }
                if head.id == id && head.link != hex(&found) {
                    return broken("its link is not the one that the log ended with");
                }
                (last, at) = (found, id);
            }
        }
        if head.id > at || kept.as_ref().is_some_and(|kept| kept.id > at) {
            return Ok(Verified::Broken { entry: at + 1, why: "it is missing, with all that followed" });
        }
        Ok(Verified::Whole { entries: at as u64, erased, head: AuditHead { id: at, link: hex(&last) } })
    }
}

/// Entries that are handed to a collector at once.
const HANDED: i64 = 500;

impl Store {
    /// The entries that no log collector was handed yet, earliest first, a few hundred at most.
    ///
    /// # Errors
    /// The scope is not everything.
    pub async fn audit_to_send(&self, scope: &Scope) -> Result<Vec<AuditEntry>> {
        if *scope.reach() != Reach::All {
            return Err(Error::Forbidden(Role::Admin));
        }
        self.read("audit to send", |sql| {
            sql.all(
                "SELECT id, at, user_id, who, address, action, client, subject, detail, before, after, salt IS NULL, link \
                 FROM audit WHERE id > (SELECT sent FROM audit_head WHERE one = 1) ORDER BY id LIMIT ?1",
                [HANDED],
                read,
            )
        })
        .await
    }

    /// Notes that a log collector has all entries up to this one.
    ///
    /// # Errors
    /// The database fails.
    pub async fn audit_sent(&self, id: i64) -> Result<()> {
        self.write("audit sent", move |tx| {
            tx.sql.run("UPDATE audit_head SET sent = ?1 WHERE one = 1 AND sent < ?1", [id]).map(drop)
        })
        .await
    }
}

/// The entries that touched a client, after this one, earliest first.
pub(crate) fn of_client(sql: Sql<'_>, client: ClientId, after: i64, limit: i64) -> Result<Vec<AuditEntry>> {
    sql.all(
        "SELECT id, at, user_id, who, address, action, client, subject, detail, before, after, salt IS NULL, link \
         FROM audit WHERE client = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        params![client, after, limit],
        read,
    )
}

/// The number of the first entry at this moment or later.
fn first_at(sql: Sql<'_>, at: Timestamp) -> Result<i64> {
    let found =
        sql.one("SELECT id FROM audit WHERE at >= ?1 ORDER BY at, id LIMIT 1", [at.as_millisecond()], |row| {
            row.get::<_, i64>(0)
        })?;
    Ok(found.unwrap_or(i64::MAX))
}

fn read(row: &Row<'_>) -> Result<AuditEntry> {
    let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
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
        before: json(row.get(9)?),
        after: json(row.get(10)?),
        erased: row.get(11)?,
        link: hex(&row.get::<_, Vec<u8>>(12)?),
    })
}

type Chained = (i64, Content, Option<Vec<u8>>, Vec<u8>, Vec<u8>);

fn read_chained(row: &Row<'_>) -> Result<Chained> {
    let content = Content {
        at: row.get(1)?,
        user: row.get(2)?,
        who: row.get(3)?,
        address: row.get(4)?,
        action: row.get(5)?,
        client: row.get(6)?,
        subject: row.get(7)?,
        detail: row.get(8)?,
        before: row.get(9)?,
        after: row.get(10)?,
    };
    Ok((row.get(0)?, content, row.get(11)?, row.get(12)?, row.get(13)?))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
