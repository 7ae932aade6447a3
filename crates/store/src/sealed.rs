//! Secrets that the core must hold, enciphered by it with a key that is not in the database: here they are bytes.

use crate::engine::sql::params;

use crate::audit::{self, Actor, Note};
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
        self.write("seal", move |tx| {
            tx.sql.run(
                "INSERT INTO sealed (name, value, changed) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed",
                params![name, enciphered, tx.now],
            )?;
            audit::note(tx, &actor, Note::new("secret.change", &name))
        })
        .await
    }
}
