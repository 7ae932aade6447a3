//! Who somebody is at a provider. What counts is (kind, issuer, subject), which a provider never gives to another person:
//! mail addresses and logins pass from one to the next, so they are shown and never compared.
//!
//! # Invariants
//! - An identity belongs to one user; no sign-in moves it to another.
//! - Nobody is left without a way in by unlinking, and the last administrator keeps their rights whatever a provider says.

use jiff::Timestamp;

use crate::access::{self, Access};
use crate::audit::{self, Actor, Note};
use crate::changes::Nudge;
use crate::clock::from_millis;
use crate::engine::sql::{Row, Sql, params};
use crate::engine::writer::Tx;
use crate::id::{ClientId, IdentityId, ProviderId, UserId};
use crate::providers::{self, Provider, ProviderKind};
use crate::sessions::{self, NewSession};
use crate::users::{self, NewUser, User};
use crate::{Error, Result, Secret, Session, Store, links};

/// Identities of one user.
const MOST: i64 = 50;

/// An identity that is linked to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// Its number.
    pub id: IdentityId,
    /// The kind of its provider.
    pub kind: ProviderKind,
    /// Who issued it.
    pub issuer: String,
    /// The provider of that issuer that lets people in now, and its name; none: it opens nothing.
    pub provider: Option<(ProviderId, String)>,
    /// What the person is called there: to be shown, nothing more.
    pub label: String,
    /// Since when it is linked.
    pub created: Timestamp,
    /// When it was last used.
    pub used: Option<Timestamp>,
}

/// What somebody has shown at a provider, checked by the core.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Where.
    pub provider: ProviderId,
    /// Who they are there; never empty.
    pub subject: String,
    /// What they are called there.
    pub label: String,
    /// What they may do by the groups that the provider names; none: it has no mapping.
    pub access: Option<Access>,
}

impl Store {
    /// Signs in whoever has this identity; none if nobody has, and the provider gives unknown people no account.
    ///
    /// # Errors
    /// The provider is switched off, or the user is disabled.
    pub async fn sign_in_by_identity(&self, shown: Shown, new: NewSession) -> Result<Option<(Secret, Session)>> {
        let secret = Secret::draw()?;
        let hash = secret.hash();
        let session = self
            .write("sign in by identity", move |tx| {
                let provider = providers::load_enabled(tx, shown.provider)?;
                let user = match whose(tx.sql, &provider, &shown.subject)? {
                    Some(user) => users::load(tx.sql, user)?,
                    None if provider.strangers => welcome(tx, &provider, &shown, &new)?,
                    None => return Ok(None),
                };
                enter(tx, &provider, &user, &shown, hash, &new).map(Some)
            })
            .await?;
        Ok(session.map(|session| (secret, session)))
    }

    /// Takes up an invitation with an identity, and signs the user in. Their other sessions end. The link dies.
    ///
    /// # Errors
    /// The link is dead, the provider is switched off, or the identity is another user's (then the link lives on).
    pub async fn accept_with_identity(
        &self,
        link: &Secret,
        shown: Shown,
        new: NewSession,
    ) -> Result<(Secret, Session)> {
        let (link, secret) = (link.hash(), Secret::draw()?);
        let hash = secret.hash();
        let session = self
            .write("accept with identity", move |tx| {
                let provider = providers::load_enabled(tx, shown.provider)?;
                let user = links::accept(tx, &link, new.address.clone())?;
                let actor = Actor::person(&user, new.address.clone());
                attach(tx, &actor, &provider, &user, &shown)?;
                enter(tx, &provider, &user, &shown, hash, &new)
            })
            .await?;
        Ok((secret, session))
    }

    /// Links an identity to a user who is signed in.
    ///
    /// # Errors
    /// The identity is another user's, or the provider is switched off.
    pub async fn link_identity(&self, actor: Actor, user: UserId, shown: Shown) -> Result<()> {
        self.write("link identity", move |tx| {
            let provider = providers::load_enabled(tx, shown.provider)?;
            let user = users::load(tx.sql, user)?;
            attach(tx, &actor, &provider, &user, &shown)
        })
        .await
    }

    /// Whose identity this is, if it is anybody's.
    ///
    /// # Errors
    /// There is no such provider, or it is switched off.
    pub async fn whose_identity(&self, shown: &Shown) -> Result<Option<UserId>> {
        let (provider, subject) = (shown.provider, shown.subject.clone());
        self.read("whose identity", move |sql| {
            let provider = providers::load(sql, provider)?;
            if !provider.enabled {
                return Err(Error::Refused("this provider is switched off".into()));
            }
            whose(sql, &provider, &subject)
        })
        .await
    }

    /// The identities of a user, the oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn identities(&self, user: UserId) -> Result<Vec<LinkedIdentity>> {
        self.read("identities", move |sql| {
            let mut found = sql.all(
                "SELECT id, kind, issuer, label, created, used FROM identity WHERE user_id = ?1 ORDER BY id",
                [user],
                read,
            )?;
            for identity in &mut found {
                identity.provider = sql.one(
                    "SELECT id, name FROM provider WHERE kind = ?1 AND issuer = ?2 AND enabled = 1 ORDER BY id LIMIT 1",
                    params![identity.kind as i64, identity.issuer],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?;
            }
            Ok(found)
        })
        .await
    }

    /// Unlinks an identity from a user.
    ///
    /// # Errors
    /// There is none such, or it is their last way in.
    pub async fn unlink_identity(&self, actor: Actor, user: UserId, id: IdentityId) -> Result<()> {
        self.write("unlink identity", move |tx| {
            let owner = users::load(tx.sql, user)?;
            let label = tx.sql.one(
                "DELETE FROM identity WHERE id = ?1 AND user_id = ?2 RETURNING label",
                params![id, user],
                |row| row.get::<_, String>(0),
            )?;
            let label = label.ok_or(Error::NotFound("identity"))?;
            users::keep_a_way_in(tx.sql, &owner)?;
            audit::note(tx, &actor, Note::new("identity.unlink", &owner.name).detail(&label))
        })
        .await
    }
}

fn whose(sql: Sql<'_>, provider: &Provider, subject: &str) -> Result<Option<UserId>> {
    sql.one(
        "SELECT user_id FROM identity WHERE kind = ?1 AND issuer = ?2 AND subject = ?3",
        params![provider.kind as i64, provider.issuer, subject],
        |row| row.get(0),
    )
}

/// Gives somebody an account whom the provider knows and the core does not.
fn welcome(tx: &mut Tx<'_>, provider: &Provider, shown: &Shown, new: &NewSession) -> Result<User> {
    let mut actor = Actor::named(says(provider));
    actor.address.clone_from(&new.address);
    let name = free_name(tx.sql, &shown.label)?;
    let user = users::create(tx, &actor, &NewUser { name, access: Access::none(), passphrase: None })?;
    attach(tx, &actor, provider, &user, shown)?;
    Ok(user)
}

/// A name like the label that no user has yet: whoever is called like somebody is not that somebody.
fn free_name(sql: Sql<'_>, label: &str) -> Result<String> {
    let label: String = label.chars().filter(|c| !c.is_control()).take(56).collect();
    let label = if label.trim().is_empty() { "Guest" } else { label.trim() };
    for count in 1..1_000 {
        let name = if count == 1 { label.to_owned() } else { format!("{label} {count}") };
        if sql.one("SELECT 1 FROM user WHERE folded = ?1", [users::fold(&name)], |_| Ok(()))?.is_none() {
            return Ok(name);
        }
    }
    Err(Error::Refused("too many people are called the same".into()))
}

fn attach(tx: &mut Tx<'_>, actor: &Actor, provider: &Provider, user: &User, shown: &Shown) -> Result<()> {
    match whose(tx.sql, provider, &shown.subject)? {
        Some(owner) if owner == user.id => return Ok(()),
        Some(_) => {
            let why = format!("this account at {} belongs to another user here", provider.name);
            return Err(Error::Refused(why));
        }
        None => {}
    }
    if tx.sql.number("SELECT count(*) FROM identity WHERE user_id = ?1", [user.id])? >= MOST {
        return Err(Error::Refused(format!("{MOST} accounts are linked already: unlink some first")));
    }
    if shown.subject.trim().is_empty() {
        return Err(Error::invalid("subject", "the provider does not say who this is"));
    }
    tx.sql.insert(
        "INSERT INTO identity (kind, issuer, subject, user_id, label, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![provider.kind as i64, provider.issuer, shown.subject, user.id, shown.label, tx.now],
    )?;
    let detail = format!("{} at {}", shown.label, provider.name);
    audit::note(tx, actor, Note::new("identity.link", &user.name).detail(&detail))
}

/// Begins the session of somebody who has shown who they are.
fn enter(
    tx: &mut Tx<'_>,
    provider: &Provider,
    user: &User,
    shown: &Shown,
    hash: [u8; 32],
    new: &NewSession,
) -> Result<Session> {
    if user.disabled {
        return Err(Error::Refused("this account is disabled: ask an administrator".into()));
    }
    tx.sql.run(
        "UPDATE identity SET used = ?4, label = ?5 WHERE kind = ?1 AND issuer = ?2 AND subject = ?3",
        params![provider.kind as i64, provider.issuer, shown.subject, tx.now, shown.label],
    )?;
    if let Some(access) = &shown.access {
        give(tx, provider, user, access.clone(), new)?;
    }
    sessions::begin(tx, user.id, hash, new)
}

/// Gives a user what the provider's groups say, but never takes the last administrator's rights.
fn give(tx: &mut Tx<'_>, provider: &Provider, user: &User, access: Access, new: &NewSession) -> Result<()> {
    let access = without_gone_clients(tx.sql, access)?;
    if access == user.access {
        return Ok(());
    }
    let mut actor = Actor::named(says(provider));
    actor.address.clone_from(&new.address);
    // Somebody who was invited and never came cannot help out.
    let last = user.access == Access::Admin && !users::admin_can_enter(tx.sql, Some(user.id))?;
    if last && access != Access::Admin {
        let detail = format!("stays an administrator, as the last one; their groups say: {}", access.words());
        return audit::note(tx, &actor, Note::new("user.keep", &user.name).detail(&detail));
    }
    access::store(tx.sql, user.id, &access)?;
    tx.effects.nudges.push(Nudge::User(user.id));
    let told = |access: &Access| serde_json::json!({ "access": access.words() });
    let note = Note::new("user.change", &user.name).detail("by their groups");
    audit::note(tx, &actor, note.changes(&told(&user.access), &told(&access)))
}

/// A mapping may name clients that were deleted since.
fn without_gone_clients(sql: Sql<'_>, access: Access) -> Result<Access> {
    let Access::Given { everywhere, mut clients } = access else { return Ok(access) };
    let mut gone: Vec<ClientId> = Vec::new();
    for client in clients.keys() {
        if sql.one("SELECT 1 FROM client WHERE id = ?1", [client], |_| Ok(()))?.is_none() {
            gone.push(*client);
        }
    }
    clients.retain(|client, _| !gone.contains(client));
    Ok(Access::Given { everywhere, clients })
}

fn says(provider: &Provider) -> String {
    format!("provider «{}»", provider.name)
}

fn read(row: &Row<'_>) -> Result<LinkedIdentity> {
    Ok(LinkedIdentity {
        id: row.get(0)?,
        kind: ProviderKind::from_code(row.get(1)?),
        issuer: row.get(2)?,
        label: row.get(3)?,
        created: from_millis(row.get(4)?),
        used: row.get::<_, Option<i64>>(5)?.map(from_millis),
        provider: None,
    })
}
