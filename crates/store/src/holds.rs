//! How long a client's alerts are kept, and the legal hold: while one is on, nothing of the client may be deleted, by nobody.

use jiff::Timestamp;

use crate::audit::{self, Actor, Note};
use crate::changes::{self, Kind};
use crate::clients::{Client, load};
use crate::engine::sql::{Sql, params};
use crate::id::ClientId;
use crate::{Error, Result, Scope, Store};

/// Most days that alerts can be kept for: a hundred years, so that every moment stays one that can be counted with.
const MOST_DAYS: u32 = 36_500;
/// Longest reason, in characters.
const LONGEST: usize = 1_000;

/// Nothing of a client may be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// Why, in the words of who said so.
    pub why: String,
}

impl Store {
    /// Keeps a client's alerts for so many days from their arrival, 1 to 36,500; none: as long as the core keeps alerts.
    ///
    /// # Errors
    /// There is none such in scope, or the days are out of range.
    pub async fn keep_client(&self, actor: Actor, scope: &Scope, id: ClientId, days: Option<u32>) -> Result<Client> {
        scope.demand(id, "client")?;
        if days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
            return Err(Error::invalid("keep_days", "alerts are kept for 1 to 36,500 days"));
        }
        self.write("keep client", move |tx| {
            tx.sql.claim(id)?;
            let before = load(tx.sql, id)?;
            tx.sql.run("UPDATE client SET keep_days = ?2 WHERE id = ?1", params![id, days.map(i64::from)])?;
            changes::note(tx, id, Kind::Client)?;
            let told = |days: Option<u32>| serde_json::json!({ "keep_days": days });
            let note = Note::new("client.keep", &before.name).at(id).from(&told(before.keep_days)).to(&told(days));
            audit::note(tx, &actor, note)?;
            load(tx.sql, id)
        })
        .await
    }

    /// Puts a client under legal hold, or says anew why it is. `why` has 1 to 1,000 characters.
    ///
    /// # Errors
    /// There is none such in scope, or no reason is given.
    pub async fn hold_client(&self, actor: Actor, scope: &Scope, id: ClientId, why: String) -> Result<Client> {
        scope.demand(id, "client")?;
        let why = why.trim().to_owned();
        if why.is_empty() || why.chars().count() > LONGEST {
            return Err(Error::invalid("why", "say why, in 1 to 1,000 characters"));
        }
        self.write("hold client", move |tx| {
            tx.sql.claim(id)?;
            let before = load(tx.sql, id)?;
            let text = "UPDATE client SET held = coalesce(held, ?2), held_why = ?3 WHERE id = ?1";
            tx.sql.run(text, params![id, tx.now, why])?;
            changes::note(tx, id, Kind::Client)?;
            let after = load(tx.sql, id)?;
            let note = Note::new("client.hold", &before.name).at(id);
            audit::note(tx, &actor, note.from(&told(&before)).to(&told(&after)))?;
            Ok(after)
        })
        .await
    }

    /// Lifts a legal hold: what is older than it is kept for goes from now on.
    ///
    /// # Errors
    /// There is none such in scope, or it is under no hold.
    pub async fn release_client(&self, actor: Actor, scope: &Scope, id: ClientId) -> Result<Client> {
        scope.demand(id, "client")?;
        self.write("release client", move |tx| {
            tx.sql.claim(id)?;
            let before = load(tx.sql, id)?;
            if before.hold.is_none() {
                return Err(Error::Refused("it is under no legal hold".into()));
            }
            tx.sql.run("UPDATE client SET held = NULL, held_why = NULL WHERE id = ?1", [id])?;
            changes::note(tx, id, Kind::Client)?;
            let after = load(tx.sql, id)?;
            let note = Note::new("client.release", &before.name).at(id);
            audit::note(tx, &actor, note.from(&told(&before)).to(&told(&after)))?;
            tx.effects.work = true;
            Ok(after)
        })
        .await
    }
}

/// What the audit log says of a hold.
fn told(client: &Client) -> serde_json::Value {
    match &client.hold {
        Some(hold) => serde_json::json!({ "held_since": hold.since, "why": hold.why }),
        None => serde_json::json!({ "held_since": null }),
    }
}

/// Whether a client is under legal hold. One that is no more is under none.
pub(crate) fn is_held(sql: Sql<'_>, id: ClientId) -> Result<bool> {
    let held = sql.one("SELECT 1 FROM client WHERE id = ?1 AND held IS NOT NULL", [id], |_| Ok(()))?;
    Ok(held.is_some())
}

/// Fails if a client is under legal hold.
pub(crate) fn refuse_if_held(sql: Sql<'_>, id: ClientId) -> Result<()> {
    if is_held(sql, id)? {
        let why = "the client is under legal hold: nothing of it can be deleted until the hold is lifted";
        return Err(Error::Refused(why.into()));
    }
    Ok(())
}
