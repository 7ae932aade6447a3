//! One-time links: the first administrator sets up with one, one made on the core's own machine signs a user in, and an
//! invitation lets a person choose how they sign in from now on.

use jiff::{SignedDuration, Timestamp};

use crate::access::Access;
use crate::audit::{self, Actor, Note};
use crate::clock::from_millis;
use crate::engine::sql::{Lock, params};
use crate::engine::writer::Tx;
use crate::id::UserId;
use crate::sessions::{self, NewSession};
use crate::users::{self, NewUser, User};
use crate::{Error, Result, Secret, Session, Store, UserChange};

const DEAD: &str = "this link is unknown, used or expired: ask for a new one";

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Makes the first administrator.
    SetUp = 0,
    /// Signs a user in.
    SignIn = 1,
    /// Lets a user choose how to sign in; `users::load` knows this number.
    Invitation = 2,
}

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
            tx.sql.run("DELETE FROM link WHERE kind = ?1", [Kind::SetUp as i64])?;
            insert(tx, hash, Kind::SetUp, None, valid)?;
            audit::note(tx, &actor, Note::new("link.create", "setup"))
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
            insert(tx, hash, Kind::SignIn, Some(user.id), valid)?;
            audit::note(tx, &actor, Note::new("link.create", &user.name).detail("signs in"))
        })
        .await?;
        Ok(secret)
    }

    /// Makes a user together with the link that invites them.
    ///
    /// # Errors
    /// The name cannot be taken, or is taken; a client is named that there is not.
    pub async fn invite(&self, actor: Actor, new: NewUser, valid: SignedDuration) -> Result<(User, Secret, Timestamp)> {
        let secret = Secret::draw()?;
        let hash = secret.hash();
        let (user, ends) = self
            .write("invite", move |tx| {
                let user = users::create(tx, &actor, &new)?;
                insert(tx, hash, Kind::Invitation, Some(user.id), valid)?;
                audit::note(tx, &actor, Note::new("link.create", &user.name).detail("invites"))?;
                Ok((user, from_millis(tx.now + valid.as_millis() as i64)))
            })
            .await?;
        Ok((user, secret, ends))
    }

    /// Makes another link for a user who never took up the first, or who has lost their way in. Earlier ones are dead.
    ///
    /// # Errors
    /// There is no such user, or they are disabled.
    pub async fn invite_again(&self, actor: Actor, user: UserId, valid: SignedDuration) -> Result<(Secret, Timestamp)> {
        let secret = Secret::draw()?;
        let hash = secret.hash();
        let ends = self
            .write("invite again", move |tx| {
                let user = users::load(tx.sql, user)?;
                if user.disabled {
                    return Err(Error::Refused("this user is disabled: enable them first".into()));
                }
                tx.sql.run("DELETE FROM link WHERE user_id = ?1", [user.id])?;
                insert(tx, hash, Kind::Invitation, Some(user.id), valid)?;
                audit::note(tx, &actor, Note::new("link.create", &user.name).detail("invites"))?;
                Ok(from_millis(tx.now + valid.as_millis() as i64))
            })
            .await?;
        Ok((secret, ends))
    }

    /// Whom a link invites; the link lives on.
    ///
    /// # Errors
    /// The link is dead.
    pub async fn invited(&self, link: &Secret) -> Result<User> {
        let (link, now) = (link.hash(), self.clock().millis());
        self.read("invited", move |sql| {
            let found = sql.one(
                "SELECT user_id FROM link WHERE hash = ?1 AND kind = ?2 AND ends >= ?3",
                params![link.as_slice(), Kind::Invitation as i64, now],
                |row| row.get::<_, UserId>(0),
            )?;
            let user = users::load(sql, found.ok_or_else(dead)?)?;
            if user.disabled { Err(dead()) } else { Ok(user) }
        })
        .await
    }

    /// Takes up an invitation with a passphrase (its hash), and signs the user in. Their other sessions end. The link dies.
    ///
    /// # Errors
    /// The link is dead, or its user is disabled.
    pub async fn accept(&self, link: &Secret, passphrase: String, new: NewSession) -> Result<(Secret, Session)> {
        let (link, secret) = (link.hash(), Secret::draw()?);
        let hash = secret.hash();
        let session = self
            .write("accept invitation", move |tx| {
                let user = accept(tx, &link, new.address.clone())?;
                users::set_passphrase(tx, &Actor::person(&user, new.address.clone()), &user, Some(&passphrase))?;
                sessions::begin(tx, user.id, hash, &new)
            })
            .await?;
        Ok((secret, session))
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
                if take(tx, &link, Kind::SetUp)?.is_some() || users::has_admin(tx.sql, None)? {
                    return Err(dead());
                }
                let mut actor = Actor::named(new.name.trim());
                actor.address.clone_from(&session.address);
                let user = users::create(tx, &actor, &NewUser { access: Access::Admin, ..new })?;
                sessions::begin(tx, user.id, hash, &session)
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
                let user = take(tx, &link, Kind::SignIn)?.ok_or_else(dead)?;
                sessions::begin(tx, user, hash, &session)
            })
            .await?;
        Ok((secret, session))
    }

    /// A way back in, for who has access to the machine: the user of this name is made, or enabled, is an administrator from
    /// now on, and is invited to choose how they sign in.
    ///
    /// # Errors
    /// The name cannot be taken.
    pub async fn recover_admin(&self, actor: Actor, name: &str, valid: SignedDuration) -> Result<(User, Secret)> {
        let known = self.user_to_sign_in(name).await?;
        let user = match known {
            Some((user, _)) => {
                let change = UserChange { access: Some(Access::Admin), disabled: Some(false), ..UserChange::default() };
                self.change_user(actor.clone(), user.id, change).await?
            }
            None => {
                let new = NewUser { name: name.to_owned(), access: Access::Admin, passphrase: None };
                self.create_user(actor.clone(), new).await?
            }
        };
        let (secret, _) = self.invite_again(actor, user.id, valid).await?;
        Ok((user, secret))
    }
}

/// Uses an invitation up; says whose it was. Whoever used the account before is signed out.
pub(crate) fn accept(tx: &mut Tx<'_>, hash: &[u8], address: Option<String>) -> Result<User> {
    let user = take(tx, hash, Kind::Invitation)?.ok_or_else(dead)?;
    let user = users::load(tx.sql, user)?;
    if user.disabled {
        return Err(dead());
    }
    users::end_sessions(tx, user.id, None)?;
    audit::note(tx, &Actor::person(&user, address), Note::new("link.accept", &user.name))?;
    Ok(user)
}

fn dead() -> Error {
    Error::invalid("token", DEAD)
}

fn insert(tx: &mut Tx<'_>, hash: [u8; 32], kind: Kind, user: Option<UserId>, valid: SignedDuration) -> Result<()> {
    tx.sql.run("DELETE FROM link WHERE ends < ?1", [tx.now])?;
    tx.sql.run(
        "INSERT INTO link (hash, kind, user_id, created, ends) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![hash.as_slice(), kind as i64, user, tx.now, tx.now + valid.as_millis() as i64],
    )?;
    Ok(())
}

/// Uses a link up; says whose it was, none for the setup link.
fn take(tx: &mut Tx<'_>, hash: &[u8], kind: Kind) -> Result<Option<UserId>> {
    let sql = "DELETE FROM link WHERE hash = ?1 AND kind = ?2 AND ends >= ?3 RETURNING user_id";
    tx.sql.one(sql, params![hash, kind as i64, tx.now], |row| row.get(0))?.ok_or_else(dead)
}
