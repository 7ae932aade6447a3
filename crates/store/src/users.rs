//! People: who they are, what they may do and see.

use std::collections::BTreeSet;

use crate::engine::sql::{Lock, Row, Sql, params};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::{self, Actor};
use crate::changes::Nudge;
use crate::clock::from_millis;
use crate::engine::writer::Tx;
use crate::id::{ClientId, SessionId, UserId};
use crate::{Error, Reach, Result, Store};

/// What a person may do; each may do what those before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks at what they are shown.
    Guest,
    /// A client's own person: sees the client's alerts and nodes.
    Viewer,
    /// Handles alerts.
    Analyst,
    /// Manages clients, nodes and users.
    Admin,
}

impl Role {
    const ALL: [Self; 4] = [Self::Guest, Self::Viewer, Self::Analyst, Self::Admin];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        }
    }

    fn from_code(code: i64) -> Self {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied().unwrap_or(Self::Guest)
    }
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// The name that they sign in with; unique whatever the case.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Which clients they see.
    pub reach: Reach,
    /// They may not sign in.
    pub disabled: bool,
    /// How they like the pages.
    pub preferences: Preferences,
    /// Since when.
    pub created: Timestamp,
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
    /// What they may do.
    pub role: Role,
    /// Which clients they see.
    pub reach: Reach,
    /// Argon2id hash of the passphrase, in PHC form; none: they cannot sign in with one.
    pub passphrase: Option<String>,
}

/// What to change about a person; none: leave as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// What they may do.
    pub role: Option<Role>,
    /// Which clients they see.
    pub reach: Option<Reach>,
    /// Argon2id hash of a new passphrase, in PHC form.
    pub passphrase: Option<String>,
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
    /// The name cannot be taken, or is taken.
    pub async fn create_user(&self, actor: Actor, new: NewUser) -> Result<User> {
        self.write("create user", move |tx| {
            let user = insert(tx, &new)?;
            audit::note(tx, &actor, "user.create", None, &user.name, user.role.word())?;
            Ok(user)
        })
        .await
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

    /// Changes what a user may do, see, or sign in with. A new passphrase and being disabled end all their sessions.
    ///
    /// # Errors
    /// There is no such user, or they are the last administrator who can sign in.
    pub async fn change_user(&self, actor: Actor, id: UserId, change: UserChange) -> Result<User> {
        self.write("change user", move |tx| {
            tx.sql.alone(Lock::Users)?;
            let before = load(tx.sql, id)?;
            let mut said = Vec::new();
            if let Some(role) = change.role {
                tx.sql.run("UPDATE user SET role = ?2 WHERE id = ?1", params![id, role as i64])?;
                said.push(role.word().to_owned());
            }
            if let Some(reach) = &change.reach {
                set_reach(tx.sql, id, reach)?;
                said.push(reach_in_words(reach));
            }
            if let Some(passphrase) = &change.passphrase {
                tx.sql.run("UPDATE user SET passphrase = ?2 WHERE id = ?1", params![id, passphrase])?;
                said.push("new passphrase".into());
            }
            if let Some(disabled) = change.disabled {
                tx.sql.run("UPDATE user SET disabled = ?2 WHERE id = ?1", params![id, disabled])?;
                said.push(if disabled { "disabled" } else { "enabled" }.into());
            }
            let after = load(tx.sql, id)?;
            let was_admin = before.role == Role::Admin && !before.disabled;
            if was_admin && (after.role != Role::Admin || after.disabled) && !has_admin(tx.sql, Some(id))? {
                return Err(Error::Refused("this is the last administrator: make another one first".into()));
            }
            if change.passphrase.is_some() || change.disabled == Some(true) {
                end_sessions(tx, id)?;
            }
            audit::note(tx, &actor, "user.change", None, &after.name, &said.join(", "))?;
            Ok(after)
        })
        .await
    }
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &NewUser) -> Result<User> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "a name has 1 to 64 characters"));
    }
    let inserted = tx.sql.insert_unless_taken(
        "INSERT INTO user (name, folded, role, passphrase, every_client, created) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
        params![name, fold(name), new.role as i64, new.passphrase, tx.now],
    )?;
    let id = UserId(inserted.ok_or_else(|| Error::invalid("name", "another user has this name"))?);
    set_reach(tx.sql, id, &new.reach)?;
    load(tx.sql, id)
}

/// True if there is an administrator who may sign in, other than `but`.
pub(crate) fn has_admin(sql: Sql<'_>, but: Option<UserId>) -> Result<bool> {
    let found = sql.one(
        "SELECT 1 FROM user WHERE role = ?1 AND disabled = 0 AND id IS DISTINCT FROM ?2 LIMIT 1",
        params![Role::Admin as i64, but],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

pub(crate) fn load(sql: Sql<'_>, id: UserId) -> Result<User> {
    let read = |row: &Row<'_>| {
        let every: bool = row.get(2)?;
        let user = User {
            id,
            name: row.get(0)?,
            role: Role::from_code(row.get(1)?),
            reach: Reach::All,
            disabled: row.get(3)?,
            preferences: Preferences { language: row.get(4)?, theme: row.get(5)?, time_zone: row.get(6)? },
            created: from_millis(row.get(7)?),
        };
        Ok((user, every))
    };
    let found = sql.one(
        "SELECT name, role, every_client, disabled, language, theme, time_zone, created FROM user WHERE id = ?1",
        [id],
        read,
    )?;
    let (mut user, every) = found.ok_or(Error::NotFound("user"))?;
    if !every {
        let clients = sql.all(
            "SELECT client FROM user_client WHERE user = ?1 /* across clients: this is what a scope is made of */",
            [id],
            |row| row.get(0),
        )?;
        user.reach = Reach::Only(clients.into_iter().collect::<BTreeSet<ClientId>>());
    }
    Ok(user)
}

fn set_reach(sql: Sql<'_>, id: UserId, reach: &Reach) -> Result<()> {
    sql.run("UPDATE user SET every_client = ?2 WHERE id = ?1", params![id, *reach == Reach::All])?;
    sql.run("DELETE FROM user_client WHERE user = ?1 /* across clients: all that they saw */", [id])?;
    if let Reach::Only(clients) = reach {
        for client in clients {
            let known = sql.one("SELECT 1 FROM client WHERE id = ?1", [client], |_| Ok(()))?;
            known.ok_or(Error::NotFound("client"))?;
            sql.run("INSERT INTO user_client (user, client) VALUES (?1, ?2)", params![id, client])?;
        }
    }
    Ok(())
}

fn reach_in_words(reach: &Reach) -> String {
    match reach {
        Reach::All => "all clients".into(),
        Reach::Only(clients) => {
            let ids: Vec<String> = clients.iter().map(ToString::to_string).collect();
            format!("clients {}", ids.join(", "))
        }
    }
}

/// Ends all sessions of a user.
pub(crate) fn end_sessions(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    let ended = tx.sql.all("DELETE FROM session WHERE user = ?1 RETURNING id", [user], |row| row.get(0))?;
    tx.effects.nudges.extend(ended.into_iter().map(|id: i64| Nudge::SessionEnded(SessionId(id))));
    Ok(())
}

fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}
