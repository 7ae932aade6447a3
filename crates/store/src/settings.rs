//! Settings that are kept in the database: small JSON texts by name.

use crate::engine::sql::params;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::audit::{self, Actor, Note};
use crate::{Result, Store};

impl Store {
    /// A setting, if it was ever set.
    ///
    /// # Errors
    /// What is stored has another shape.
    pub async fn setting<T: DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>> {
        let text: Option<String> = self
            .read("setting", move |sql| sql.one("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0)))
            .await?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Sets a setting. Its value goes into the audit log: nothing secret belongs here, see [`Store::seal`].
    ///
    /// # Errors
    /// The database fails.
    pub async fn set_setting<T: Serialize>(&self, actor: Actor, name: &'static str, value: &T) -> Result<()> {
        let text = serde_json::to_string(value)?;
        self.write("set setting", move |tx| {
            tx.sql.run(
                "INSERT INTO setting (name, value, changed) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed",
                params![name, text, tx.now],
            )?;
            audit::note(tx, &actor, Note::new("setting.change", name).detail(&text))
        })
        .await
    }
}
