//! People: who they are, what they may do and see.

use jiff::Timestamp;
use serde_json::json;

use crate::access::{self, Access, Role};
use crate::audit::{self, Actor, Note};
use crate::changes::Nudge;
use crate::clock::from_millis;
use crate::engine::sql::{Lock, Sql, params};
use crate::engine::writer::Tx;
use crate::id::{SessionId, UserId};
use crate::{Error, Result, Store};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// The name that they sign in with; unique whatever the case.
    pub name: String,
    /// What they may do, and where.
    pub access: Access,
    /// They may not sign in.
    pub disabled: bool,
    /// How they like the pages.
    pub preferences: Preferences,
    /// Since when.
    pub created: Timestamp,
    /// When they last signed in.
    pub seen: Option<Timestamp>,
    /// They have a passphrase.
    pub has_passphrase: bool,
    /// They have an authenticator, whose code is asked for beside the passphrase.
    pub has_authenticator: bool,
    /// Recovery codes that are left.
    pub recovery_codes: u64,
    /// Passkeys that they have.
    pub passkeys: u64,
    /// Until when the invitation holds that they have not taken up.
    pub invited: Option<Timestamp>,
}

impl User {
    /// The most that they may do anywhere.
    #[must_use]
    pub fn role(&self) -> Role {
        self.access.role()
    }
}

/// How a person likes the pages; none: as the browser says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `en` or `fr`.
    pub language: Option<String>,
    /// `light` or `dark`.
    pub theme: Option<String>,
    /// IANA name of a time zone.
    pub time_zone: Option<String>,
}

/// A person to be.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The name, 1 to 64 characters.
    pub name: String,
    /// What they may do, and where.
    pub access: Access,
    /// Argon2id hash of the passphrase, in PHC form; none: they cannot sign in with one.
    pub passphrase: Option<String>,
}

/// What to change about a person; none: leave as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The name, 1 to 64 characters.
    pub name: Option<String>,
    /// What they may do, and where.
    pub access: Option<Access>,
    /// Whether they may not sign in.
    pub disabled: Option<bool>,
}

impl Store {
    /// True if there is no administrator yet.
    ///
    /// # Errors
    /// The database fails.
    pub async fn needs_setup(&self) -> Result<bool> {
        self.read("needs setup", |sql| Ok(!has_admin(sql, None)?)).await
    }

    /// Makes a user.
    ///
    /// # Errors
    /// The name cannot be taken, or is taken; a client is named that there is not.
    pub async fn create_user(&self, actor: Actor, new: NewUser) -> Result<User> {
        self.write("create user", move |tx| create(tx, &actor, &new)).await
    }

    /// All users, by name.
    ///
    /// # Errors
    /// The database fails.
    pub async fn users(&self) -> Result<Vec<User>> {
        self.read("users", |sql| {
            let ids = sql.all("SELECT id FROM user ORDER BY folded", [], |row| row.get(0))?;
            ids.into_iter().map(|id| load(sql, id)).collect()
        })
        .await
    }

    /// A user.
    ///
    /// # Errors
    /// There is none such.
    pub async fn user(&self, id: UserId) -> Result<User> {
        self.read("user", move |sql| load(sql, id)).await
    }

    /// The user of this name, whatever the case, with the hash of their passphrase. A disabled one is found as well.
    ///
    /// # Errors
    /// The database fails.
    pub async fn user_to_sign_in(&self, name: &str) -> Result<Option<(User, Option<String>)>> {
        let folded = fold(name);
        self.read("user to sign in", move |sql| {
            let found = sql.one("SELECT id, passphrase FROM user WHERE folded = ?1", [folded], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            found.map(|(id, passphrase)| Ok((load(sql, id)?, passphrase))).transpose()
        })
        .await
    }

    /// The hash of a user's passphrase, if they have one.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn passphrase(&self, id: UserId) -> Result<Option<String>> {
        self.read("passphrase", move |sql| {
            let found = sql.one("SELECT passphrase FROM user WHERE id = ?1", [id], |row| row.get(0))?;
            found.ok_or(Error::NotFound("user"))
        })
        .await
    }

    /// Changes how a user likes the pages.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn set_preferences(&self, id: UserId, preferences: Preferences) -> Result<User> {
        self.write("set preferences", move |tx| {
            let Preferences { language, theme, time_zone } = preferences;
            tx.sql.run(
                "UPDATE user SET language = ?2, theme = ?3, time_zone = ?4 WHERE id = ?1",
                params![id, language, theme, time_zone],
            )?;
            load(tx.sql, id)
        })
        .await
    }

    /// Changes who a user is and what they may do. Who is disabled loses all sessions; whose rights change is looked at
    /// again wherever they are signed in.
    ///
    /// # Errors
    /// There is no such user, the name cannot be taken, or they are the last administrator who can sign in.
    pub async fn change_user(&self, actor: Actor, id: UserId, change: UserChange) -> Result<User> {
        self.write("change user", move |tx| {
            tx.sql.alone(Lock::Users)?;
            let before = load(tx.sql, id)?;
            if let Some(name) = &change.name {
                let name = check_name(name)?;
                let sql = "UPDATE user SET name = ?2, folded = ?3 WHERE id = ?1";
                let renamed = tx.sql.run_unless_taken(sql, params![id, name, fold(name)])?;
                renamed.ok_or_else(taken)?;
            }
            if let Some(access) = &change.access {
                access::store(tx.sql, id, access)?;
            }
            if let Some(disabled) = change.disabled {
                tx.sql.run("UPDATE user SET disabled = ?2 WHERE id = ?1", params![id, disabled])?;
            }
            let after = load(tx.sql, id)?;
            if after.disabled || after.access != Access::Admin {
                keep_an_admin(tx.sql, &before)?;
            }
            if after == before {
                return Ok(after);
            }
            if after.disabled {
                end_sessions(tx, id, None)?;
            }
            tx.effects.nudges.push(Nudge::User(id));
            audit::note(tx, &actor, Note::new("user.change", &after.name).changes(&told(&before), &told(&after)))?;
            Ok(after)
        })
        .await
    }

    /// Gives a user another passphrase, or takes it away; ends their sessions but one.
    ///
    /// # Errors
    /// There is no such user, or it is taken away and was their last way to sign in.
    pub async fn set_passphrase(
        &self,
        actor: Actor,
        id: UserId,
        passphrase: Option<String>,
        but: Option<SessionId>,
    ) -> Result<User> {
        self.write("set passphrase", move |tx| {
            let user = load(tx.sql, id)?;
            set_passphrase(tx, &actor, &user, passphrase.as_deref())?;
            let user = load(tx.sql, id)?;
            keep_a_way_in(tx.sql, &user)?;
            end_sessions(tx, id, but)?;
            Ok(user)
        })
        .await
    }

    /// Deletes a user with their sessions and keys. What they did stays in the audit log and in the alerts' histories.
    ///
    /// # Errors
    /// There is no such user, or they are the last administrator who can sign in.
    pub async fn delete_user(&self, actor: Actor, id: UserId) -> Result<()> {
        self.write("delete user", move |tx| {
            let user = load(tx.sql, id)?;
            keep_an_admin(tx.sql, &user)?;
            end_sessions(tx, id, None)?;
            tx.sql.run("DELETE FROM user WHERE id = ?1", [id])?;
            tx.effects.nudges.push(Nudge::User(id));
            audit::note(tx, &actor, Note::new("user.delete", &user.name).from(&told(&user)))
        })
        .await
    }
}

/// Makes a user, and writes it into the audit log.
pub(crate) fn create(tx: &mut Tx<'_>, actor: &Actor, new: &NewUser) -> Result<User> {
    let user = insert(tx, new)?;
    audit::note(tx, actor, Note::new("user.create", &user.name).to(&told(&user)))?;
    Ok(user)
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &NewUser) -> Result<User> {
    let name = check_name(&new.name)?;
    let inserted = tx.sql.insert_unless_taken(
        "INSERT INTO user (name, folded, admin, passphrase, created) VALUES (?1, ?2, 0, ?3, ?4)",
        params![name, fold(name), new.passphrase, tx.now],
    )?;
    let id = UserId(inserted.ok_or_else(taken)?);
    access::store(tx.sql, id, &new.access)?;
    load(tx.sql, id)
}

/// What the audit log says of a user.
fn told(user: &User) -> serde_json::Value {
    json!({ "name": user.name, "access": user.access.words(), "disabled": user.disabled })
}

fn check_name(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "a name has 1 to 64 characters"));
    }
    Ok(name)
}

fn taken() -> Error {
    Error::invalid("name", "another user has this name")
}

/// True if there is an administrator who may sign in, other than `but`.
pub(crate) fn has_admin(sql: Sql<'_>, but: Option<UserId>) -> Result<bool> {
    let found = sql.one(
        "SELECT 1 FROM user WHERE admin = 1 AND disabled = 0 AND id <> ?1 LIMIT 1",
        [but.map_or(0, |but| but.0)],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// True if a user has a passphrase, a passkey, or an identity at a provider that lets people in.
fn can_enter(sql: Sql<'_>, user: UserId) -> Result<bool> {
    let found = sql.one(
        "SELECT 1 FROM user WHERE id = ?1 AND (passphrase IS NOT NULL \
         OR EXISTS (SELECT 1 FROM passkey WHERE passkey.user_id = user.id) \
         OR EXISTS (SELECT 1 FROM identity JOIN provider ON provider.kind = identity.kind \
         AND provider.issuer = identity.issuer WHERE identity.user_id = user.id AND provider.enabled = 1))",
        [user],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// True if an administrator other than `but` could sign in now: one who was only invited cannot.
pub(crate) fn admin_can_enter(sql: Sql<'_>, but: Option<UserId>) -> Result<bool> {
    let admins = sql.all("SELECT id FROM user WHERE admin = 1 AND disabled = 0 ORDER BY id", [], |row| row.get(0))?;
    for admin in admins {
        if Some(admin) != but && can_enter(sql, admin)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Fails if a user has no way left to show who they are.
pub(crate) fn keep_a_way_in(sql: Sql<'_>, user: &User) -> Result<()> {
    if can_enter(sql, user.id)? {
        return Ok(());
    }
    Err(Error::Refused("this is the last way to sign in: set up another one first".into()))
}

/// Fails if this is the only administrator who may sign in.
fn keep_an_admin(sql: Sql<'_>, user: &User) -> Result<()> {
    if user.access == Access::Admin && !user.disabled && !has_admin(sql, Some(user.id))? {
        return Err(Error::Refused("this is the last administrator: make another one first".into()));
    }
    Ok(())
}

pub(crate) fn load(sql: Sql<'_>, id: UserId) -> Result<User> {
    let found = sql.one(
        "SELECT name, admin, everywhere, disabled, language, theme, time_zone, created, seen, passphrase IS NOT NULL, \
         (SELECT max(ends) FROM link WHERE user_id = user.id AND kind = 2), \
         EXISTS (SELECT 1 FROM authenticator WHERE user_id = user.id), \
         (SELECT count(*) FROM recovery_code WHERE user_id = user.id), \
         (SELECT count(*) FROM passkey WHERE user_id = user.id) FROM user WHERE id = ?1",
        [id],
        |row| {
            let user = User {
                id,
                name: row.get(0)?,
                access: Access::none(),
                disabled: row.get(3)?,
                preferences: Preferences { language: row.get(4)?, theme: row.get(5)?, time_zone: row.get(6)? },
                created: from_millis(row.get(7)?),
                seen: row.get::<_, Option<i64>>(8)?.map(from_millis),
                has_passphrase: row.get(9)?,
                invited: row.get::<_, Option<i64>>(10)?.map(from_millis),
                has_authenticator: row.get(11)?,
                recovery_codes: row.get::<_, i64>(12)?.max(0) as u64,
                passkeys: row.get::<_, i64>(13)?.max(0) as u64,
            };
            Ok((user, row.get::<_, bool>(1)?, row.get::<_, Option<i64>>(2)?))
        },
    )?;
    let (mut user, admin, everywhere) = found.ok_or(Error::NotFound("user"))?;
    user.access = access::load(sql, id, admin, everywhere)?;
    Ok(user)
}

/// Stores another passphrase (its hash), or none.
pub(crate) fn set_passphrase(tx: &mut Tx<'_>, actor: &Actor, user: &User, passphrase: Option<&str>) -> Result<()> {
    tx.sql.run("UPDATE user SET passphrase = ?2 WHERE id = ?1", params![user.id, passphrase])?;
    let what = if passphrase.is_some() { "a new passphrase" } else { "no passphrase any more" };
    audit::note(tx, actor, Note::new("user.passphrase", &user.name).detail(what))
}

/// Ends all sessions of a user but one.
pub(crate) fn end_sessions(tx: &mut Tx<'_>, user: UserId, but: Option<SessionId>) -> Result<usize> {
    let ended = tx.sql.all(
        "DELETE FROM session WHERE user_id = ?1 AND id <> ?2 RETURNING id",
        params![user, but.map_or(0, |but| but.0)],
        |row| row.get::<_, SessionId>(0),
    )?;
    let count = ended.len();
    tx.effects.nudges.extend(ended.into_iter().map(Nudge::SessionEnded));
    Ok(count)
}

pub(crate) fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}
