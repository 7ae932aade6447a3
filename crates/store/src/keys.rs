//! Keys for programs. One acts as its user, and may do less: at most its role, and only at its clients. What its user may
//! no longer do it may not do either.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::access::{self, Access, Role};
use crate::audit::{self, Actor, Note};
use crate::clock::from_millis;
use crate::engine::sql::{Row, Sql, params};
use crate::engine::writer::Tx;
use crate::id::{ApiKeyId, ClientId, UserId};
use crate::users::{self, User};
use crate::{Error, Reach, Result, Secret, Store};

/// How long until a key's use is written down again, in milliseconds.
const TOUCH: i64 = 60_000;
/// Keys of one user.
const MOST: i64 = 100;

/// A key; its secret was shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its number.
    pub id: ApiKeyId,
    /// Whose.
    pub user: UserId,
    /// Their name.
    pub user_name: String,
    /// What it is for.
    pub name: String,
    /// The most that it allows.
    pub role: Role,
    /// At which clients.
    pub clients: Reach,
    /// Since when.
    pub created: Timestamp,
    /// When it ends.
    pub ends: Option<Timestamp>,
    /// When it was last used, within a minute.
    pub used: Option<Timestamp>,
    /// From where.
    pub used_from: Option<String>,
}

/// A key to be.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// What it is for, 1 to 64 characters.
    pub name: String,
    /// The most that it allows.
    pub role: Role,
    /// At which clients.
    pub clients: Reach,
    /// How long it lives; none: until it is deleted.
    pub valid: Option<SignedDuration>,
}

/// Who uses a key.
#[derive(Clone, Debug)]
pub struct KeyHolder {
    /// The key.
    pub key: ApiKey,
    /// Its user.
    pub user: User,
    /// What both may do.
    pub access: Access,
}

impl Store {
    /// Makes a key for a user.
    ///
    /// # Errors
    /// The name cannot be taken, there are too many keys, or it would allow more than its user may do.
    pub async fn create_api_key(&self, actor: Actor, user: UserId, new: NewApiKey) -> Result<(Secret, ApiKey)> {
        let secret = Secret::draw_key()?;
        let hash = secret.hash();
        let key = self.write("create key", move |tx| create(tx, &actor, user, &new, hash)).await?;
        Ok((secret, key))
    }

    /// The keys of a user, or of all of them; the latest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn api_keys(&self, user: Option<UserId>) -> Result<Vec<ApiKey>> {
        self.read("keys", move |sql| {
            let ids = match user {
                Some(user) => sql.all("SELECT id FROM api_key WHERE user_id = ?1 ORDER BY id DESC", [user], id_of)?,
                None => sql.all("SELECT id FROM api_key ORDER BY id DESC", [], id_of)?,
            };
            ids.into_iter().map(|id| load(sql, id)).collect()
        })
        .await
    }

    /// Deletes a key: of this user, or of anybody.
    ///
    /// # Errors
    /// There is none such.
    pub async fn delete_api_key(&self, actor: Actor, user: Option<UserId>, id: ApiKeyId) -> Result<()> {
        self.write("delete key", move |tx| {
            let key = load(tx.sql, id)?;
            if user.is_some_and(|user| user != key.user) {
                return Err(Error::NotFound("key"));
            }
            tx.sql.run("DELETE FROM api_key WHERE id = ?1", [id])?;
            audit::note(tx, &actor, Note::new("key.delete", &key.name).from(&told(&key)))
        })
        .await
    }

    /// Who uses a key, if there is such a one; notes that it was used, and from where.
    ///
    /// # Errors
    /// The database fails.
    pub async fn key_holder(&self, secret: &Secret, from: Option<&str>) -> Result<Option<KeyHolder>> {
        let (hash, now) = (secret.hash(), self.clock().millis());
        let found = self
            .read("key holder", move |sql| {
                let id = sql.one("SELECT id FROM api_key WHERE hash = ?1", [hash.as_slice()], id_of)?;
                let Some(key) = id.map(|id| load(sql, id)).transpose()? else { return Ok(None) };
                let user = users::load(sql, key.user)?;
                if user.disabled || key.ends.is_some_and(|ends| ends.as_millisecond() <= now) {
                    return Ok(None);
                }
                let access = user.access.narrowed(key.role, &key.clients);
                Ok(Some(KeyHolder { key, user, access }))
            })
            .await?;
        let Some(holder) = found else { return Ok(None) };
        let fresh = holder.key.used.is_some_and(|used| now - used.as_millisecond() < TOUCH);
        if !fresh {
            let (id, from) = (holder.key.id, from.map(str::to_owned));
            self.write("touch key", move |tx| {
                let sql = "UPDATE api_key SET used = ?2, used_from = coalesce(?3, used_from) WHERE id = ?1";
                tx.sql.run(sql, params![id, tx.now, from]).map(drop)
            })
            .await?;
        }
        Ok(Some(holder))
    }
}

fn create(tx: &mut Tx<'_>, actor: &Actor, user: UserId, new: &NewApiKey, hash: [u8; 32]) -> Result<ApiKey> {
    let user = users::load(tx.sql, user)?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "a name has 1 to 64 characters"));
    }
    if new.role > user.role() || new.role == Role::Guest {
        let why = format!("a key allows at most what its user may do: {}", user.role().word());
        return Err(Error::invalid("role", why));
    }
    if new.role == Role::Admin && new.clients != Reach::All {
        return Err(Error::invalid("clients", "an administrator's key is for all clients"));
    }
    if tx.sql.number("SELECT count(*) FROM api_key WHERE user_id = ?1", [user.id])? >= MOST {
        return Err(Error::Refused(format!("there are {MOST} keys already: delete some first")));
    }
    let ends = new.valid.map(|valid| tx.now + valid.as_millis() as i64);
    let id = tx.sql.insert(
        "INSERT INTO api_key (hash, user_id, name, role, every_client, created, ends) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![hash.as_slice(), user.id, name, new.role as i64, new.clients == Reach::All, tx.now, ends],
    )?;
    if let Reach::Only(clients) = &new.clients {
        let sees = user.access.reach(Role::Viewer);
        if let Some(client) = clients.iter().find(|client| !sees.holds(**client)) {
            return Err(Error::invalid("clients", format!("there is no client {client}")));
        }
        access::known(tx.sql, clients)?;
        for client in clients {
            tx.sql.run("INSERT INTO api_key_client (api_key, client) VALUES (?1, ?2)", params![id, client])?;
        }
    }
    let key = load(tx.sql, ApiKeyId(id))?;
    audit::note(tx, actor, Note::new("key.create", name).to(&told(&key)))?;
    Ok(key)
}

fn id_of(row: &Row<'_>) -> Result<ApiKeyId> {
    row.get(0)
}

fn told(key: &ApiKey) -> serde_json::Value {
    json!({ "user": key.user_name, "role": key.role, "clients": key.clients, "ends": key.ends })
}

fn load(sql: Sql<'_>, id: ApiKeyId) -> Result<ApiKey> {
    let found = sql.one(
        "SELECT user_id, user.name, api_key.name, role, every_client, api_key.created, ends, used, used_from \
         FROM api_key JOIN user ON user.id = user_id WHERE api_key.id = ?1",
        [id],
        |row| {
            let time = |at: Option<i64>| at.map(from_millis);
            let key = ApiKey {
                id,
                user: row.get(0)?,
                user_name: row.get(1)?,
                name: row.get(2)?,
                role: Role::from_code(row.get(3)?),
                clients: Reach::All,
                created: from_millis(row.get(5)?),
                ends: time(row.get(6)?),
                used: time(row.get(7)?),
                used_from: row.get(8)?,
            };
            Ok((key, row.get::<_, bool>(4)?))
        },
    )?;
    let (mut key, every) = found.ok_or(Error::NotFound("key"))?;
    if !every {
        let clients = sql.all(
            "SELECT client FROM api_key_client WHERE api_key = ?1 /* across clients: this is what a scope is made of */",
            [id],
            |row| row.get::<_, ClientId>(0),
        )?;
        key.clients = Reach::Only(clients.into_iter().collect::<BTreeSet<_>>());
    }
    Ok(key)
}
