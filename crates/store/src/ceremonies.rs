//! What takes more than one request: a second factor after a passphrase, a passkey's challenge, a visit at a provider of
//! identities. What the core must remember in between stands here, so that any replica can take the next step; who holds
//! the secret may. Each ends soon, may be tried a few times, and is used once.

use jiff::SignedDuration;

use crate::engine::sql::params;
use crate::id::UserId;
use crate::{Error, Result, Secret, Store};

/// Tries after which one is dead.
const TRIES: i64 = 5;
/// So many are kept for somebody who is not known yet; the oldest go.
const MOST: i64 = 10_000;

/// What somebody is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// They have shown a passphrase and owe a code.
    SecondFactor,
    /// They are adding a passkey.
    PasskeyNew,
    /// They are showing a passkey.
    Passkey,
    /// They are at a provider of identities.
    Provider,
    /// They are setting up an authenticator.
    Authenticator,
}

/// What was remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Whose it is, if that is known.
    pub user: Option<UserId>,
    /// What was remembered: JSON, or sealed by the core.
    pub state: Vec<u8>,
}

impl Store {
    /// Remembers a step; the secret goes to who takes the next.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin_step(
        &self,
        step: Step,
        user: Option<UserId>,
        state: Vec<u8>,
        valid: SignedDuration,
    ) -> Result<Secret> {
        let secret = Secret::draw()?;
        let hash = secret.hash();
        self.write("begin step", move |tx| {
            tx.sql.run("DELETE FROM ceremony WHERE ends < ?1", [tx.now])?;
            // Whoever begins without end fills no disk, and pushes out strangers alone: never who has shown a passphrase.
            if user.is_none() && tx.sql.number("SELECT count(*) FROM ceremony WHERE user_id IS NULL", [])? >= MOST {
                let sql = "DELETE FROM ceremony WHERE hash IN \
                           (SELECT hash FROM ceremony WHERE user_id IS NULL ORDER BY ends LIMIT 100)";
                tx.sql.run(sql, [])?;
            }
            tx.sql.run(
                "INSERT INTO ceremony (hash, step, user_id, state, ends) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![hash.as_slice(), step as i64, user, state, tx.now + valid.as_millis() as i64],
            )?;
            Ok(())
        })
        .await?;
        Ok(secret)
    }

    /// What was remembered; counts as a try.
    ///
    /// # Errors
    /// There is none such, it has ended, or it was tried too often.
    pub async fn try_step(&self, step: Step, secret: &Secret) -> Result<Remembered> {
        let hash = secret.hash();
        self.write("try step", move |tx| {
            let found = tx.sql.one(
                "UPDATE ceremony SET tries = tries + 1 WHERE hash = ?1 AND step = ?2 AND ends >= ?3 AND tries < ?4 \
                 RETURNING user_id, state",
                params![hash.as_slice(), step as i64, tx.now, TRIES],
                |row| Ok(Remembered { user: row.get(0)?, state: row.get(1)? }),
            )?;
            found.ok_or_else(dead)
        })
        .await
    }

    /// What was remembered, once: it is forgotten with it.
    ///
    /// # Errors
    /// There is none such, or it has ended.
    pub async fn end_step(&self, step: Step, secret: &Secret) -> Result<Remembered> {
        let hash = secret.hash();
        self.write("end step", move |tx| {
            let found = tx.sql.one(
                "DELETE FROM ceremony WHERE hash = ?1 AND step = ?2 AND ends >= ?3 RETURNING user_id, state",
                params![hash.as_slice(), step as i64, tx.now],
                |row| Ok(Remembered { user: row.get(0)?, state: row.get(1)? }),
            )?;
            found.ok_or_else(dead)
        })
        .await
    }
}

fn dead() -> Error {
    Error::invalid("ticket", "this took too long, or was tried too often: begin again")
}
