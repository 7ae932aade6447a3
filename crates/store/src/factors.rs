//! A second factor beside the passphrase: an authenticator's codes, and recovery codes for the day it is lost.

use crate::audit::{self, Actor, Note};
use crate::engine::sql::params;
use crate::id::UserId;
use crate::{Result, Secret, Store, users};

/// What an authenticator needs to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// Its secret, sealed by the core.
    pub sealed: Vec<u8>,
}

impl Store {
    /// Gives a user an authenticator and recovery codes, instead of those that they had.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn set_authenticator(
        &self,
        actor: Actor,
        user: UserId,
        sealed: Vec<u8>,
        step: u64,
        recovery: Vec<Secret>,
    ) -> Result<()> {
        self.write("set authenticator", move |tx| {
            let user = users::load(tx.sql, user)?;
            tx.sql.run("DELETE FROM authenticator WHERE user_id = ?1", [user.id])?;
            tx.sql.run(
                "INSERT INTO authenticator (user_id, sealed, step, created) VALUES (?1, ?2, ?3, ?4)",
                params![user.id, sealed, step as i64, tx.now],
            )?;
            replace_recovery(tx, user.id, &recovery)?;
            audit::note(tx, &actor, Note::new("user.authenticator", &user.name).detail("set up"))
        })
        .await
    }

    /// Gives a user other recovery codes; those that they had are dead.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn set_recovery_codes(&self, actor: Actor, user: UserId, recovery: Vec<Secret>) -> Result<()> {
        self.write("set recovery codes", move |tx| {
            let user = users::load(tx.sql, user)?;
            replace_recovery(tx, user.id, &recovery)?;
            audit::note(tx, &actor, Note::new("user.recovery", &user.name).detail("new recovery codes"))
        })
        .await
    }

    /// A user's authenticator, if they have one.
    ///
    /// # Errors
    /// The database fails.
    pub async fn authenticator(&self, user: UserId) -> Result<Option<Authenticator>> {
        self.read("authenticator", move |sql| {
            sql.one("SELECT sealed FROM authenticator WHERE user_id = ?1", [user], |row| {
                Ok(Authenticator { sealed: row.get(0)? })
            })
        })
        .await
    }

    /// Uses the code of a step up: false if it, or a later one, was used already.
    ///
    /// # Errors
    /// The database fails.
    pub async fn use_code(&self, user: UserId, step: u64) -> Result<bool> {
        self.write("use code", move |tx| {
            let sql = "UPDATE authenticator SET step = ?2 WHERE user_id = ?1 AND step < ?2";
            Ok(tx.sql.run(sql, params![user, step as i64])? > 0)
        })
        .await
    }

    /// Uses a recovery code up: false if there is none such.
    ///
    /// # Errors
    /// The database fails.
    pub async fn use_recovery_code(&self, actor: Actor, user: UserId, code: &Secret) -> Result<bool> {
        let hash = code.hash();
        self.write("use recovery code", move |tx| {
            let sql = "DELETE FROM recovery_code WHERE user_id = ?1 AND hash = ?2";
            let used = tx.sql.run(sql, params![user, hash.as_slice()])? > 0;
            if used {
                let user = users::load(tx.sql, user)?;
                audit::note(tx, &actor, Note::new("user.recovery", &user.name).detail("a recovery code was used"))?;
            }
            Ok(used)
        })
        .await
    }

    /// Takes a user's authenticator away, with the recovery codes.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn remove_authenticator(&self, actor: Actor, user: UserId) -> Result<()> {
        self.write("remove authenticator", move |tx| {
            let user = users::load(tx.sql, user)?;
            tx.sql.run("DELETE FROM recovery_code WHERE user_id = ?1", [user.id])?;
            if tx.sql.run("DELETE FROM authenticator WHERE user_id = ?1", [user.id])? > 0 {
                audit::note(tx, &actor, Note::new("user.authenticator", &user.name).detail("removed"))?;
            }
            Ok(())
        })
        .await
    }
}

fn replace_recovery(tx: &mut crate::engine::writer::Tx<'_>, user: UserId, codes: &[Secret]) -> Result<()> {
    tx.sql.run("DELETE FROM recovery_code WHERE user_id = ?1", [user])?;
    for code in codes {
        let hash = code.hash();
        tx.sql.run("INSERT INTO recovery_code (user_id, hash) VALUES (?1, ?2)", params![user, hash.as_slice()])?;
    }
    Ok(())
}
