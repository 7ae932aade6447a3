//! Passkeys (WebAuthn): public keys of people's devices. What they say is checked by the core; here they are kept.

use jiff::Timestamp;

use crate::audit::{self, Actor, Note};
use crate::clock::from_millis;
use crate::engine::sql::params;
use crate::id::{PasskeyId, UserId};
use crate::{Error, Result, Store, users};

/// Passkeys of one user.
const MOST: i64 = 20;

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its number.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// Public key, counter and flags, as the core's library writes them (JSON).
    pub data: String,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used.
    pub used: Option<Timestamp>,
}

impl Store {
    /// The passkeys of a user, the oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn passkeys(&self, user: UserId) -> Result<Vec<Passkey>> {
        self.read("passkeys", move |sql| {
            sql.all("SELECT id, name, data, created, used FROM passkey WHERE user_id = ?1 ORDER BY id", [user], |row| {
                Ok(Passkey {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    data: row.get(2)?,
                    created: from_millis(row.get(3)?),
                    used: row.get::<_, Option<i64>>(4)?.map(from_millis),
                })
            })
        })
        .await
    }

    /// Adds a passkey; `credential` is its id at the device.
    ///
    /// # Errors
    /// Its name cannot be taken, it is known already, or there are too many.
    pub async fn add_passkey(
        &self,
        actor: Actor,
        user: UserId,
        name: &str,
        credential: Vec<u8>,
        data: String,
    ) -> Result<()> {
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(Error::invalid("name", "a name has 1 to 64 characters"));
        }
        self.write("add passkey", move |tx| {
            let user = users::load(tx.sql, user)?;
            if tx.sql.number("SELECT count(*) FROM passkey WHERE user_id = ?1", [user.id])? >= MOST {
                return Err(Error::Refused(format!("there are {MOST} passkeys already: delete some first")));
            }
            let added = tx.sql.insert_unless_taken(
                "INSERT INTO passkey (user_id, credential, name, data, created) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![user.id, credential, name, data, tx.now],
            )?;
            added.ok_or_else(|| Error::Refused("this passkey is known already".into()))?;
            audit::note(tx, &actor, Note::new("user.passkey", &user.name).detail(&format!("added «{name}»")))
        })
        .await
    }

    /// Notes that a passkey was used, and what its device says of it now.
    ///
    /// # Errors
    /// It is gone.
    pub async fn use_passkey(&self, user: UserId, id: PasskeyId, data: String) -> Result<()> {
        self.write("use passkey", move |tx| {
            let sql = "UPDATE passkey SET used = ?3, data = ?4 WHERE id = ?1 AND user_id = ?2";
            match tx.sql.run(sql, params![id, user, tx.now, data])? {
                0 => Err(Error::NotFound("passkey")),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Deletes a passkey of this user.
    ///
    /// # Errors
    /// There is none such, or it is their last way to sign in.
    pub async fn delete_passkey(&self, actor: Actor, user: UserId, id: PasskeyId) -> Result<()> {
        self.write("delete passkey", move |tx| {
            let sql = "DELETE FROM passkey WHERE id = ?1 AND user_id = ?2 RETURNING name";
            let name = tx.sql.one(sql, params![id, user], |row| row.get::<_, String>(0))?;
            let name = name.ok_or(Error::NotFound("passkey"))?;
            let user = users::load(tx.sql, user)?;
            users::keep_a_way_in(tx.sql, &user)?;
            audit::note(tx, &actor, Note::new("user.passkey", &user.name).detail(&format!("deleted «{name}»")))
        })
        .await
    }

    /// Takes all passkeys and the authenticator from a user who has lost their devices.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn reset_factors(&self, actor: Actor, user: UserId) -> Result<()> {
        self.write("reset factors", move |tx| {
            let user = users::load(tx.sql, user)?;
            tx.sql.run("DELETE FROM passkey WHERE user_id = ?1", [user.id])?;
            tx.sql.run("DELETE FROM recovery_code WHERE user_id = ?1", [user.id])?;
            tx.sql.run("DELETE FROM authenticator WHERE user_id = ?1", [user.id])?;
            users::end_sessions(tx, user.id, None)?;
            audit::note(tx, &actor, Note::new("user.reset", &user.name).detail("passkeys and authenticator removed"))
        })
        .await
    }
}
