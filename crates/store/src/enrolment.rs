//! How a machine becomes a node: a one-time token, a key of its own, certificates.

use crate::engine::sql::{Lock, Sql, params};
use jiff::{SignedDuration, Timestamp};

use crate::audit::{self, Actor, Note};
use crate::changes::{self, Kind};
use crate::clock::from_millis;
use crate::engine::writer::Tx;
use crate::id::{ClientId, NodeId, TokenId};
use crate::{Error, Result, Scope, Secret, Store, clients};

/// SHA-256 of something: of a key's public part (SubjectPublicKeyInfo), or of a certificate (DER).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An enrolment token; its secret was shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its number.
    pub id: TokenId,
    /// The client that the node will belong to.
    pub client: ClientId,
    /// Since when.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it expires.
    pub expires: Timestamp,
    /// When it was used.
    pub used: Option<Timestamp>,
}

/// A machine that presents a token.
#[derive(Clone, Debug)]
pub struct NewNode {
    /// Its own name; becomes the node's first name.
    pub hostname: String,
    /// Its version.
    pub version: String,
    /// Its key.
    pub key: Fingerprint,
}

/// A certificate that was issued to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Of the certificate.
    pub fingerprint: Fingerprint,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// When it begins.
    pub starts: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
}

/// Who a node is and whether it may speak: all that the listener for nodes needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Its client.
    pub client: ClientId,
    /// Its client's name.
    pub client_name: String,
    /// Its key.
    pub key: Fingerprint,
    /// Its records are not taken for now.
    pub disabled: bool,
    /// It may not speak any more.
    pub revoked: bool,
}

/// A node that has enrolled.
#[derive(Clone, Debug)]
pub struct Enrolment<T> {
    /// Who it is.
    pub identity: Identity,
    /// What `sign` returned beside the certificate.
    pub signed: T,
}

const DEAD: &str = "this token is unknown, used or expired: make a new one with «Add a node»";

impl Store {
    /// Makes a token with which one machine can enrol as a node of this client.
    ///
    /// # Errors
    /// There is no such client in scope, or `valid` is not within 1 hour and 168 hours.
    pub async fn create_token(
        &self,
        actor: Actor,
        scope: &Scope,
        client: ClientId,
        valid: SignedDuration,
    ) -> Result<(Secret, TokenRow)> {
        scope.demand(client, "client")?;
        if !(SignedDuration::from_hours(1)..=SignedDuration::from_hours(168)).contains(&valid) {
            return Err(Error::invalid("valid_hours", "a token is valid for 1 to 168 hours"));
        }
        let secret = Secret::draw()?;
        let hash = secret.hash();
        let row = self
            .write("create token", move |tx| {
                tx.sql.claim(client)?;
                clients::demand(tx.sql, client)?;
                let ends = tx.now + valid.as_millis() as i64;
                let id = tx.sql.insert(
                    "INSERT INTO token (client, hash, created, created_by, ends) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![client, hash.as_slice(), tx.now, actor.name, ends],
                )?;
                audit::note(tx, &actor, Note::new("token.create", &id.to_string()).at(client))?;
                changes::note(tx, client, Kind::Client)?;
                Ok(TokenRow {
                    id: TokenId(id),
                    client,
                    created: from_millis(tx.now),
                    created_by: actor.name,
                    expires: from_millis(ends),
                    used: None,
                })
            })
            .await?;
        Ok((secret, row))
    }

    /// The tokens of a client, latest first.
    ///
    /// # Errors
    /// There is no such client in scope.
    pub async fn tokens(&self, scope: &Scope, client: ClientId) -> Result<Vec<TokenRow>> {
        scope.demand(client, "client")?;
        self.read("tokens", move |sql| {
            clients::demand(sql, client)?;
            sql.all(
                "SELECT id, created, created_by, ends, used FROM token WHERE client = ?1 ORDER BY id DESC LIMIT 200",
                [client],
                |row| {
                    Ok(TokenRow {
                        id: row.get(0)?,
                        client,
                        created: from_millis(row.get(1)?),
                        created_by: row.get(2)?,
                        expires: from_millis(row.get(3)?),
                        used: row.get::<_, Option<i64>>(4)?.map(from_millis),
                    })
                },
            )
        })
        .await
    }

    /// Makes a token useless.
    ///
    /// # Errors
    /// There is none such in scope.
    pub async fn delete_token(&self, actor: Actor, scope: &Scope, client: ClientId, id: TokenId) -> Result<()> {
        scope.demand(client, "token")?;
        self.write("delete token", move |tx| {
            tx.sql.claim(client)?;
            if tx.sql.run("DELETE FROM token WHERE id = ?1 AND client = ?2", params![id, client])? == 0 {
                return Err(Error::NotFound("token"));
            }
            changes::note(tx, client, Kind::Client)?;
            audit::note(tx, &actor, Note::new("token.delete", &id.to_string()).at(client))
        })
        .await
    }

    /// Uses a token: makes the node, has its first certificate signed and notes it, all or nothing. The same key may present
    /// the same token again while it is valid (its answer was lost): it gets another certificate, not another node.
    ///
    /// `sign` must be quick, and gets the node's identity.
    ///
    /// # Errors
    /// `Invalid` with field `token` if the token is dead; whatever `sign` returns.
    pub async fn enrol<T: Send + 'static>(
        &self,
        token: &Secret,
        new: NewNode,
        sign: impl FnOnce(&Identity) -> Result<(Certificate, T)> + Send + 'static,
    ) -> Result<Enrolment<T>> {
        let hash = token.hash();
        self.write("enrol", move |tx| {
            // One at a time: neither a token nor a key may serve two.
            tx.sql.alone(Lock::Enrolment)?;
            let found = tx.sql.one(
                "SELECT id, client, used, node FROM token WHERE hash = ?1 AND ends >= ?2 /* across clients: it says which */",
                params![hash.as_slice(), tx.now],
                |row| {
                    let token: (TokenId, ClientId) = (row.get(0)?, row.get(1)?);
                    Ok((token, row.get::<_, Option<i64>>(2)?, row.get::<_, Option<NodeId>>(3)?))
                },
            )?;
            let ((token, client), used, node) = found.ok_or_else(|| Error::invalid("token", DEAD))?;
            tx.sql.claim(client)?;
            let known = identity_by_key(tx.sql, new.key)?;
            let identity = match (used, known) {
                (None, None) => make_node(tx, client, token, &new)?,
                (Some(_), Some(known)) if Some(known.node) == node && !known.revoked => known,
                (None, Some(_)) => {
                    return Err(Error::invalid("csr", "another node has this key: make a new key and enrol again"));
                }
                _ => return Err(Error::invalid("token", DEAD)),
            };
            let (certificate, signed) = sign(&identity)?;
            insert_certificate(tx, &identity, &certificate)?;
            Ok(Enrolment { identity, signed })
        })
        .await
    }

    /// Has a further certificate signed for a node's key and notes it, all or nothing.
    ///
    /// # Errors
    /// There is no such node, or it is revoked; whatever `sign` returns.
    pub async fn renew<T: Send + 'static>(
        &self,
        node: NodeId,
        sign: impl FnOnce(&Identity) -> Result<(Certificate, T)> + Send + 'static,
    ) -> Result<Enrolment<T>> {
        self.write("renew", move |tx| {
            let identity = identity(tx.sql, node)?.filter(|identity| !identity.revoked);
            let identity = identity.ok_or(Error::NotFound("node"))?;
            tx.sql.claim(identity.client)?;
            let (certificate, signed) = sign(&identity)?;
            insert_certificate(tx, &identity, &certificate)?;
            Ok(Enrolment { identity, signed })
        })
        .await
    }

    /// Who has this key. A node that is being deleted has none any more.
    ///
    /// # Errors
    /// The database fails.
    pub async fn identity_by_key(&self, key: Fingerprint) -> Result<Option<Identity>> {
        self.read("identity by key", move |sql| identity_by_key(sql, key)).await
    }

    /// Who this node is. A node that is being deleted is none any more.
    ///
    /// # Errors
    /// The database fails.
    pub async fn identity(&self, node: NodeId) -> Result<Option<Identity>> {
        self.read("identity", move |sql| identity(sql, node)).await
    }
}

fn make_node(tx: &mut Tx<'_>, client: ClientId, token: TokenId, new: &NewNode) -> Result<Identity> {
    let stem: String = new.hostname.chars().filter(|c| !c.is_control()).take(100).collect();
    let stem = if stem.trim().is_empty() { "node" } else { stem.trim() };
    let mut name = stem.to_owned();
    let mut number = 1;
    while tx.sql.one("SELECT 1 FROM node WHERE client = ?1 AND name = ?2", params![client, name], |_| Ok(()))?.is_some()
    {
        number += 1;
        name = format!("{stem}-{number}");
    }
    let node = NodeId(tx.sql.insert(
        "INSERT INTO node (client, name, hostname, key, enrolled, expected) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        params![client, name, stem, new.key.0.as_slice(), tx.now],
    )?);
    tx.sql.run("INSERT INTO node_link (node, client) VALUES (?1, ?2)", params![node, client])?;
    let version: String = new.version.chars().take(64).collect();
    tx.sql
        .run("INSERT INTO node_report (node, client, version) VALUES (?1, ?2, ?3)", params![node, client, version])?;
    let sql = "UPDATE token SET used = ?2, node = ?3 WHERE id = ?1 AND client = ?4";
    tx.sql.run(sql, params![token, tx.now, node, client])?;
    changes::note(tx, client, Kind::Nodes(Some(node)))?;
    let actor = Actor::named("enrolment token");
    let how = format!("with token {token}");
    audit::note(tx, &actor, Note::new("node.enrol", &name).at(client).detail(&how))?;
    identity(tx.sql, node)?.ok_or(Error::NotFound("node"))
}

fn insert_certificate(tx: &mut Tx<'_>, identity: &Identity, certificate: &Certificate) -> Result<()> {
    tx.sql.run(
        "INSERT INTO certificate (fingerprint, client, node, serial, starts, ends) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            certificate.fingerprint.0.as_slice(),
            identity.client,
            identity.node,
            certificate.serial,
            certificate.starts.as_millisecond(),
            certificate.ends.as_millisecond()
        ],
    )?;
    // Kept long enough to say «expired», not for ever.
    let long_ago = tx.now - 100 * 86_400_000;
    let sql = "DELETE FROM certificate WHERE client = ?1 AND node = ?2 AND ends < ?3";
    tx.sql.run(sql, params![identity.client, identity.node, long_ago])?;
    changes::note(tx, identity.client, Kind::Nodes(Some(identity.node)))
}

fn identity_by_key(sql: Sql<'_>, key: Fingerprint) -> Result<Option<Identity>> {
    let node = sql.one(
        "SELECT id FROM node WHERE key = ?1 /* across clients: the key says who it is */",
        [key.0.as_slice()],
        |row| row.get(0),
    )?;
    node.map_or(Ok(None), |node| identity(sql, node))
}

pub(crate) fn identity(sql: Sql<'_>, node: NodeId) -> Result<Option<Identity>> {
    sql.one(
        "SELECT node.name, client.id, client.name, key, disabled, revoked IS NOT NULL FROM node \
         JOIN client ON client.id = node.client WHERE node.id = ?1 AND deleting = 0 /* across clients: who is it? */",
        [node],
        |row| {
            Ok(Identity {
                node,
                name: row.get(0)?,
                client: row.get(1)?,
                client_name: row.get(2)?,
                key: Fingerprint(row.get(3)?),
                disabled: row.get(4)?,
                revoked: row.get(5)?,
            })
        },
    )
}
