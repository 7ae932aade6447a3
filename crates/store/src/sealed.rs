//! Secrets that the core must hold, enciphered by it with a key that is not in the database: here they are bytes.

use crate::audit::{self, Actor, Note};
use crate::engine::sql::params;
use crate::engine::writer::Tx;
use crate::{Error, Result, Store};

/// Something that opens only with the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The name under which it was sealed.
    pub name: String,
    /// As it stands in the database.
    pub bytes: Vec<u8>,
}

impl Sealed {
    /// The name under which the authorities' private keys are sealed.
    pub const AUTHORITY: &str = "certificate authority";

    /// The name under which a user's authenticator is sealed.
    #[must_use]
    pub fn authenticator(user: &str) -> String {
        format!("authenticator/{user}")
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({})", self.name)
    }
}

impl Store {
    /// Everything that opens only with the master key, wherever it stands.
    ///
    /// # Errors
    /// The database fails.
    pub async fn all_sealed(&self) -> Result<Vec<Sealed>> {
        self.read("all sealed", |sql| {
            let mut all = sql.all("SELECT name, value FROM sealed ORDER BY name", [], |row| {
                Ok(Sealed { name: row.get(0)?, bytes: row.get(1)? })
            })?;
            all.extend(sql.all("SELECT sealed_key FROM authority ORDER BY id", [], |row| {
                Ok(Sealed { name: Sealed::AUTHORITY.into(), bytes: row.get(0)? })
            })?);
            all.extend(sql.all("SELECT user_id, sealed FROM authenticator ORDER BY user_id", [], |row| {
                let user: i64 = row.get(0)?;
                Ok(Sealed { name: Sealed::authenticator(&user.to_string()), bytes: row.get(1)? })
            })?);
            Ok(all)
        })
        .await
    }

    /// Puts others in the place of sealed secrets, all or none: each as it stands, and what it becomes.
    ///
    /// # Errors
    /// One of them is no longer as it was: somebody has changed it since.
    pub async fn reseal(&self, actor: Actor, changes: Vec<(Vec<u8>, Vec<u8>)>) -> Result<()> {
        self.write("reseal", move |tx| {
            for (old, new) in &changes {
                let both = params![new, old];
                let changed = tx.sql.run("UPDATE sealed SET value = ?1 WHERE value = ?2", both)?
                    + tx.sql.run("UPDATE authority SET sealed_key = ?1 WHERE sealed_key = ?2", both)?
                    + tx.sql.run("UPDATE authenticator SET sealed = ?1 WHERE sealed = ?2", both)?;
                if changed != 1 {
                    return Err(Error::Refused("a secret was changed meanwhile: stop the core, and try again".into()));
                }
            }
            audit::note(tx, &actor, Note::new("key.rotate", "master key"))
        })
        .await
    }

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
