//! Clients: the organisations that are watched.

use jiff::Timestamp;

use crate::audit::{self, Actor, Note};
use crate::changes::{self, Kind};
use crate::clock::from_millis;
use crate::engine::sql::{Row, Sql, params};
use crate::id::ClientId;
use crate::{Error, Hold, Reach, Result, Scope, Store, holds, jobs, text};

/// An organisation that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its number.
    pub id: ClientId,
    /// Its name; unique whatever the case.
    pub name: String,
    /// Its name in queries and addresses: lower-case ASCII letters, digits and `-`. Never changes.
    pub slug: String,
    /// Whatever is worth knowing.
    pub notes: String,
    /// IANA name of its time zone.
    pub time_zone: Option<String>,
    /// Whom to reach there, and how.
    pub contacts: String,
    /// It is the built-in client «SOC», that the core's own alarms belong to.
    pub builtin: bool,
    /// How many nodes it has.
    pub nodes: u64,
    /// How many of its alerts are open.
    pub open_alerts: u64,
    /// Since when.
    pub created: Timestamp,
    /// How many days its alerts are kept; none: as long as the core keeps alerts.
    pub keep_days: Option<u32>,
    /// Nothing of it may be deleted.
    pub hold: Option<Hold>,
}

/// A client to be.
#[derive(Clone, Debug, Default)]
pub struct NewClient {
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// Whatever is worth knowing, at most 10,000 characters.
    pub notes: String,
    /// IANA name of its time zone.
    pub time_zone: Option<String>,
    /// Whom to reach there, and how, at most 10,000 characters.
    pub contacts: String,
}

/// What to change about a client; none: leave as it is.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// Its name.
    pub name: Option<String>,
    /// Whatever is worth knowing.
    pub notes: Option<String>,
    /// IANA name of its time zone; inner none: unknown.
    pub time_zone: Option<Option<String>>,
    /// Whom to reach there, and how.
    pub contacts: Option<String>,
}

impl Store {
    /// The clients in scope, by name.
    ///
    /// # Errors
    /// The database fails.
    pub async fn clients(&self, scope: &Scope) -> Result<Vec<Client>> {
        let scope = scope.clone();
        self.read("clients", move |sql| {
            let ids = ids_json(sql, &scope)?;
            sql.all(
                "SELECT client.id, client.name, slug, client.notes, time_zone, contacts, builtin, created, \
                 keep_days, held, held_why, (SELECT count(*) FROM node WHERE node.client = client.id AND deleting = 0), \
                 (SELECT open FROM tally WHERE tally.client = client.id) \
                 FROM client WHERE client.id IN (SELECT value FROM json_each(?1)) ORDER BY folded",
                [ids],
                read,
            )
        })
        .await
    }

    /// A client.
    ///
    /// # Errors
    /// There is none such in scope.
    pub async fn client(&self, scope: &Scope, id: ClientId) -> Result<Client> {
        scope.demand(id, "client")?;
        self.read("client", move |sql| load(sql, id)).await
    }

    /// Makes a client.
    ///
    /// # Errors
    /// Its name cannot be taken, or is taken.
    pub async fn create_client(&self, actor: Actor, new: NewClient) -> Result<Client> {
        self.write("create client", move |tx| {
            let name = check_name(&new.name)?;
            check_long("notes", &new.notes)?;
            check_long("contacts", &new.contacts)?;
            let slug = free_slug(tx.sql, name)?;
            let inserted = tx.sql.insert_unless_taken(
                "INSERT INTO client (name, folded, slug, notes, time_zone, contacts, created) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![name, name.to_lowercase(), slug, new.notes, new.time_zone, new.contacts, tx.now],
            )?;
            let id = ClientId(inserted.ok_or_else(|| Error::invalid("name", "another client has this name"))?);
            tx.sql.run("INSERT INTO tally (client) VALUES (?1)", [id])?;
            changes::note(tx, id, Kind::Client)?;
            audit::note(tx, &actor, Note::new("client.create", name).at(id))?;
            load(tx.sql, id)
        })
        .await
    }

    /// Changes a client.
    ///
    /// # Errors
    /// There is none such in scope, or its new name cannot be taken.
    pub async fn change_client(
        &self,
        actor: Actor,
        scope: &Scope,
        id: ClientId,
        change: ClientChange,
    ) -> Result<Client> {
        scope.demand(id, "client")?;
        self.write("change client", move |tx| {
            tx.sql.claim(id)?;
            let before = load(tx.sql, id)?;
            let name = change.name.unwrap_or_else(|| before.name.clone());
            let name = check_name(&name)?;
            let notes = change.notes.unwrap_or_else(|| before.notes.clone());
            let contacts = change.contacts.unwrap_or_else(|| before.contacts.clone());
            check_long("notes", &notes)?;
            check_long("contacts", &contacts)?;
            let time_zone = change.time_zone.unwrap_or_else(|| before.time_zone.clone());
            let changed = tx.sql.run_unless_taken(
                "UPDATE client SET name = ?2, folded = ?3, notes = ?4, time_zone = ?5, contacts = ?6 WHERE id = ?1",
                params![id, name, name.to_lowercase(), notes, time_zone, contacts],
            )?;
            if changed.is_none() {
                return Err(Error::invalid("name", "another client has this name"));
            }
            let after = load(tx.sql, id)?;
            changes::note(tx, id, Kind::Client)?;
            let note = Note::new("client.change", &after.name).at(id).changes(&told(&before), &told(&after));
            audit::note(tx, &actor, note)?;
            Ok(after)
        })
        .await
    }

    /// Deletes a client without nodes, with all that is left of it. What it had is cleared away in the background.
    ///
    /// # Errors
    /// There is none such in scope, it is built in, or it has nodes.
    pub async fn delete_client(&self, actor: Actor, scope: &Scope, id: ClientId) -> Result<()> {
        scope.demand(id, "client")?;
        self.write("delete client", move |tx| {
            tx.sql.claim(id)?;
            let client = load(tx.sql, id)?;
            if client.builtin {
                return Err(Error::Refused("the built-in client cannot be deleted".into()));
            }
            holds::refuse_if_held(tx.sql, id)?;
            let nodes = tx.sql.number("SELECT count(*) FROM node WHERE client = ?1", [id])?;
            if client.nodes > 0 {
                return Err(Error::Refused(format!("it still has {} nodes: delete them first", client.nodes)));
            }
            if nodes > 0 {
                return Err(Error::Refused("its nodes are still being deleted: try again in a few minutes".into()));
            }
            audit::erase(tx, id)?;
            audit::note(tx, &actor, Note::new("client.delete", &client.name).at(id))?;
            jobs::add(tx, jobs::Kind::ClearClient, id, id.0)?;
            tx.sql.run("DELETE FROM client WHERE id = ?1", [id])?;
            tx.effects.gone.push(id);
            Ok(())
        })
        .await
    }
}

/// The client «SOC».
pub(crate) fn insert_builtin(sql: Sql<'_>, now: i64) -> Result<()> {
    sql.run(
        "INSERT INTO client (id, name, folded, slug, builtin, created) VALUES (?1, 'SOC', 'soc', 'soc', 1, ?2)",
        params![ClientId::SOC, now],
    )?;
    sql.run("INSERT INTO tally (client) VALUES (?1)", [ClientId::SOC])?;
    Ok(())
}

/// The clients in scope that exist.
pub(crate) fn ids(sql: Sql<'_>, scope: &Scope) -> Result<Vec<ClientId>> {
    match scope.reach() {
        Reach::All => {
            sql.all("SELECT id FROM client ORDER BY id /* across clients: the scope is all */", [], |row| row.get(0))
        }
        Reach::Only(clients) => {
            let wanted = serde_json::to_string(clients)?;
            let text = "SELECT id FROM client WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id";
            sql.all(text, [wanted], |row| row.get(0))
        }
    }
}

/// The same as a JSON list, for `IN (SELECT value FROM json_each(?))`.
pub(crate) fn ids_json(sql: Sql<'_>, scope: &Scope) -> Result<String> {
    Ok(serde_json::to_string(&ids(sql, scope)?)?)
}

pub(crate) fn load(sql: Sql<'_>, id: ClientId) -> Result<Client> {
    sql.one(
        "SELECT client.id, client.name, slug, client.notes, time_zone, contacts, builtin, created, \
         keep_days, held, held_why, (SELECT count(*) FROM node WHERE node.client = client.id AND deleting = 0), \
         (SELECT open FROM tally WHERE tally.client = client.id) FROM client WHERE client.id = ?1",
        [id],
        read,
    )?
    .ok_or(Error::NotFound("client"))
}

fn read(row: &Row<'_>) -> Result<Client> {
    Ok(Client {
        id: row.get(0)?,
        name: row.get(1)?,
        slug: row.get(2)?,
        notes: row.get(3)?,
        time_zone: row.get(4)?,
        contacts: row.get(5)?,
        builtin: row.get(6)?,
        created: from_millis(row.get(7)?),
        keep_days: row.get::<_, Option<i64>>(8)?.and_then(|days| days.try_into().ok()),
        hold: match (row.get::<_, Option<i64>>(9)?, row.get::<_, Option<String>>(10)?) {
            (Some(since), why) => Some(Hold { since: from_millis(since), why: why.unwrap_or_default() }),
            (None, _) => None,
        },
        nodes: row.get::<_, i64>(11)?.max(0) as u64,
        open_alerts: row.get::<_, Option<i64>>(12)?.unwrap_or(0).max(0) as u64,
    })
}

/// What the audit log says of a client.
fn told(client: &Client) -> serde_json::Value {
    let Client { name, notes, time_zone, contacts, .. } = client;
    serde_json::json!({ "name": name, "notes": notes, "time_zone": time_zone, "contacts": contacts })
}

fn check_name(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "a name has 1 to 100 characters"));
    }
    Ok(name)
}

pub(crate) fn check_long(field: &'static str, text: &str) -> Result<()> {
    if text.chars().count() > 10_000 {
        return Err(Error::invalid(field, "at most 10,000 characters fit here"));
    }
    Ok(())
}

/// A slug that no client has.
fn free_slug(sql: Sql<'_>, name: &str) -> Result<String> {
    let mut stem = String::new();
    for c in text::fold(name).chars() {
        if c.is_ascii_alphanumeric() {
            stem.push(c);
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    stem.truncate(40);
    let stem = stem.trim_end_matches('-');
    let stem = if stem.is_empty() { "client" } else { stem };
    let mut slug = stem.to_owned();
    let mut number = 1;
    while sql
        .one("SELECT 1 FROM client WHERE slug = ?1 /* across clients: slugs are unique */", [&slug], |_| Ok(()))?
        .is_some()
    {
        number += 1;
        slug = format!("{stem}-{number}");
    }
    Ok(slug)
}

/// Fails unless there is such a client.
pub(crate) fn demand(sql: Sql<'_>, id: ClientId) -> Result<()> {
    sql.one("SELECT 1 FROM client WHERE id = ?1", [id], |_| Ok(()))?.ok_or(Error::NotFound("client"))
}
