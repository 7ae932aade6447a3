//! The core's certificate authorities. More than one while one is being replaced by the next.

use crate::engine::sql::{Lock, params};
use jiff::Timestamp;

use crate::audit::{self, Actor, Note};
use crate::clock::from_millis;
use crate::{Error, Result, Store};

/// An authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuthorityId(pub i64);

/// A certificate authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Its number.
    pub id: AuthorityId,
    /// Its certificate, PEM.
    pub certificate: String,
    /// Its private key, enciphered by the core.
    pub sealed_key: Vec<u8>,
    /// Since when.
    pub created: Timestamp,
    /// End of its certificate.
    pub ends: Timestamp,
    /// What it is used for.
    pub state: AuthorityState,
}

/// What an authority is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityState {
    /// Nodes are told to trust it; it signs nothing yet.
    Announced,
    /// It signs.
    Signing,
    /// Nodes still trust it; it signs nothing any more.
    Retired,
    /// Nobody trusts it any more.
    Gone,
}

/// An authority to be.
#[derive(Clone, Debug)]
pub struct NewAuthority {
    /// Its certificate, PEM.
    pub certificate: String,
    /// Its private key, enciphered by the core.
    pub sealed_key: Vec<u8>,
    /// End of its certificate.
    pub ends: Timestamp,
    /// What it is used for at first.
    pub state: AuthorityState,
}

impl AuthorityState {
    fn from_code(code: i64) -> Self {
        match code {
            0 => Self::Announced,
            1 => Self::Signing,
            2 => Self::Retired,
            _ => Self::Gone,
        }
    }
}

impl Store {
    /// All authorities, oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn authorities(&self) -> Result<Vec<Authority>> {
        self.read("authorities", |sql| {
            sql.all("SELECT id, certificate, sealed_key, created, ends, state FROM authority ORDER BY id", [], |row| {
                Ok(Authority {
                    id: AuthorityId(row.get(0)?),
                    certificate: row.get(1)?,
                    sealed_key: row.get(2)?,
                    created: from_millis(row.get(3)?),
                    ends: from_millis(row.get(4)?),
                    state: AuthorityState::from_code(row.get(5)?),
                })
            })
        })
        .await
    }

    /// Adds an authority.
    ///
    /// # Errors
    /// It is to sign or to be announced, and another one does or is already: perhaps because another core was quicker.
    pub async fn add_authority(&self, actor: Actor, new: NewAuthority) -> Result<AuthorityId> {
        self.write("add authority", move |tx| {
            tx.sql.alone(Lock::Authorities)?;
            if matches!(new.state, AuthorityState::Announced | AuthorityState::Signing) {
                let text = "SELECT 1 FROM authority WHERE state = ?1 LIMIT 1";
                if tx.sql.one(text, [new.state as i64], |_| Ok(()))?.is_some() {
                    return Err(Error::Refused("there is such an authority already".into()));
                }
            }
            let id = tx.sql.insert(
                "INSERT INTO authority (certificate, sealed_key, created, ends, state) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![new.certificate, new.sealed_key, tx.now, new.ends.as_millisecond(), new.state as i64],
            )?;
            let detail = format!("ends {}", new.ends);
            audit::note(tx, &actor, Note::new("authority.create", &id.to_string()).detail(&detail))?;
            Ok(AuthorityId(id))
        })
        .await
    }

    /// Changes what an authority is used for. One that signs retires the one that signed before.
    ///
    /// # Errors
    /// There is none such.
    pub async fn set_authority_state(&self, actor: Actor, id: AuthorityId, state: AuthorityState) -> Result<()> {
        self.write("set authority state", move |tx| {
            tx.sql.alone(Lock::Authorities)?;
            if tx.sql.run("UPDATE authority SET state = ?2 WHERE id = ?1", params![id.0, state as i64])? == 0 {
                return Err(Error::NotFound("authority"));
            }
            if state == AuthorityState::Signing {
                tx.sql.run(
                    "UPDATE authority SET state = ?2 WHERE state = ?3 AND id <> ?1",
                    params![id.0, AuthorityState::Retired as i64, AuthorityState::Signing as i64],
                )?;
            }
            let state = format!("{state:?}").to_lowercase();
            audit::note(tx, &actor, Note::new("authority.change", &id.0.to_string()).detail(&state))
        })
        .await
    }
}
