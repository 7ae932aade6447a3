//! Secrets that the core must hold, enciphered by it with a key that is not in the database: here they are bytes.

use crate::audit::{self, Actor, Note};
use crate::engine::sql::params;
use crate::engine::writer::Tx;
use crate::{Result, Store};

impl Store {
    /// A sealed secret, if it was ever stored.
    ///
    /// # Errors
    /// The database fails.
    pub async fn sealed(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let name = name.to_owned();
        self.read("sealed", move |sql| sql.one("SELECT value FROM sealed WHERE name = ?1", [name], |row| row.get(0)))
            .await
    }

    /// Stores a secret that is enciphered already; replaces an earlier one of the same name.
    ///
    /// # Errors
    /// The database fails.
    pub async fn seal(&self, actor: Actor, name: &str, enciphered: Vec<u8>) -> Result<()> {
        let name = name.to_owned();
        self.write("seal", move |tx| put(tx, &actor, &name, &enciphered)).await
    }
}

/// Stores a secret within the transaction of what it belongs to.
pub(crate) fn put(tx: &mut Tx<'_>, actor: &Actor, name: &str, enciphered: &[u8]) -> Result<()> {
    tx.sql.run(
        "INSERT INTO sealed (name, value, changed) VALUES (?1, ?2, ?3) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed",
        params![name, enciphered, tx.now],
    )?;
    audit::note(tx, actor, Note::new("secret.change", name))
}

/// Removes a secret, if there is one, together with what it belongs to.
pub(crate) fn remove(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<()> {
    if tx.sql.run("DELETE FROM sealed WHERE name = ?1", [name])? > 0 {
        audit::note(tx, actor, Note::new("secret.delete", name))?;
    }
    Ok(())
}
