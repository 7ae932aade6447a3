//! One-time links: the first administrator sets up with one, and one made on the core's own machine signs a user in.

use crate::engine::sql::{Lock, params};
use jiff::SignedDuration;

use crate::audit::{self, Actor};
use crate::engine::writer::Tx;
use crate::id::UserId;
use crate::sessions::{self, NewSession};
use crate::users::{self, NewUser, Role};
use crate::{Error, Result, Secret, Session, Store};

const DEAD: &str = "this link is unknown, used or expired: make a new one on the core's machine";

impl Store {
    /// Makes the link with which the first administrator sets up; earlier such links are dead.
    ///
    /// # Errors
    /// There is an administrator already.
    pub async fn setup_link(&self, actor: Actor, valid: SignedDuration) -> Result<Secret> {
        let secret = Secret::draw()?;
        let hash = secret.hash();
        self.write("setup link", move |tx| {
            tx.sql.alone(Lock::Users)?;
            if users::has_admin(tx.sql, None)? {
                return Err(Error::Refused("there is an administrator already".into()));
            }
            tx.sql.run("DELETE FROM link WHERE user IS NULL", [])?;
            insert(tx, hash, None, valid)?;
            audit::note(tx, &actor, "link.create", None, "setup", "")
        })
        .await?;
        Ok(secret)
    }

    /// Makes a link that signs this user in, once.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn sign_in_link(&self, actor: Actor, user: UserId, valid: SignedDuration) -> Result<Secret> {
        let secret = Secret::draw()?;
        let hash = secret.hash();
        self.write("sign-in link", move |tx| {
            let user = users::load(tx.sql, user)?;
            insert(tx, hash, Some(user.id), valid)?;
            audit::note(tx, &actor, "link.create", None, &user.name, "")
        })
        .await?;
        Ok(secret)
    }

    /// Uses the setup link: makes the first administrator and signs them in. The link dies with it.
    ///
    /// # Errors
    /// The link is dead, or the name cannot be taken (then the link lives on).
    pub async fn set_up(&self, link: &Secret, new: NewUser, session: NewSession) -> Result<(Secret, Session)> {
        let (link, secret) = (link.hash(), Secret::draw()?);
        let hash = secret.hash();
        let session = self
            .write("set up", move |tx| {
                tx.sql.alone(Lock::Users)?;
                if take(tx, &link)?.is_some() || users::has_admin(tx.sql, None)? {
                    return Err(Error::invalid("token", DEAD));
                }
                let user = users::insert(tx, &NewUser { role: Role::Admin, reach: crate::Reach::All, ..new })?;
                let actor = Actor::person(&user, session.address.clone());
                audit::note(tx, &actor, "user.create", None, &user.name, "the first administrator")?;
                sessions::begin(tx, user.id, hash, &session, "with the setup link")
            })
            .await?;
        Ok((secret, session))
    }

    /// Uses a sign-in link. The link dies with it.
    ///
    /// # Errors
    /// The link is dead, or its user is disabled.
    pub async fn sign_in_by_link(&self, link: &Secret, session: NewSession) -> Result<(Secret, Session)> {
        let (link, secret) = (link.hash(), Secret::draw()?);
        let hash = secret.hash();
        let session = self
            .write("sign in by link", move |tx| {
                let user = take(tx, &link)?.ok_or_else(|| Error::invalid("token", DEAD))?;
                sessions::begin(tx, user, hash, &session, "with a link")
            })
            .await?;
        Ok((secret, session))
    }
}

fn insert(tx: &mut Tx<'_>, hash: [u8; 32], user: Option<UserId>, valid: SignedDuration) -> Result<()> {
    tx.sql.run("DELETE FROM link WHERE ends < ?1", [tx.now])?;
    tx.sql.run(
        "INSERT INTO link (hash, user, created, ends) VALUES (?1, ?2, ?3, ?4)",
        params![hash.as_slice(), user, tx.now, tx.now + valid.as_millis() as i64],
    )?;
    Ok(())
}

/// Uses a link up; says whose it was, none for the setup link.
fn take(tx: &mut Tx<'_>, hash: &[u8]) -> Result<Option<UserId>> {
    let sql = "DELETE FROM link WHERE hash = ?1 AND ends >= ?2 RETURNING user";
    tx.sql.one(sql, params![hash, tx.now], |row| row.get(0))?.ok_or_else(|| Error::invalid("token", DEAD))
}
