//! Nodes: what people know about them, and what they report about themselves.

use std::collections::BTreeMap;

use crate::engine::sql::{Row, Sql, params};
use jiff::Timestamp;
use wire::status::Status;

use crate::audit::{self, Actor, Note};
use crate::changes::{self, Kind};
use crate::clock::from_millis;
use crate::id::{ClientId, NodeId};
use crate::{Error, Result, Scope, Store, clients, holds, jobs};

/// A sensor machine at a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its number.
    pub id: NodeId,
    /// Whose.
    pub client: ClientId,
    /// Its client's name.
    pub client_name: String,
    /// Its name; unique within the client.
    pub name: String,
    /// The machine's own name, when it enrolled.
    pub hostname: String,
    /// Where it stands.
    pub site: String,
    /// Whom to ask there.
    pub contact: String,
    /// The switch's port that mirrors the traffic.
    pub mirror_port: String,
    /// Whatever is worth knowing.
    pub notes: String,
    /// When it enrolled.
    pub enrolled: Timestamp,
    /// Its records are not taken for now.
    pub disabled: bool,
    /// Since when it is expected to report: when it enrolled, or was enabled again.
    pub expected: Timestamp,
    /// Since when it may not speak any more.
    pub revoked: Option<Timestamp>,
    /// End of its latest certificate.
    pub certificate_end: Option<Timestamp>,
    /// Where it stands between talking and silence.
    pub standing: Standing,
    /// Its version.
    pub version: Option<String>,
    /// Its clock less the core's, in seconds.
    pub skew_seconds: Option<f64>,
    /// Its last report.
    pub status: Option<Status>,
    /// The last record that the core has of it, within its epoch; 0 if none.
    pub position_number: u64,
    /// Alerts that the core has of it now.
    pub alerts: u64,
    /// Records that were refused because they broke a bound, since it enrolled.
    pub refused: u64,
    /// What it has lost, latest first, at most 100.
    pub lost: Vec<LostRecords>,
}

/// What the core makes of a node's reports, and of their absence. The core decides; the store remembers, so that each alarm is
/// raised once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its last report; none if it never reported.
    pub last_heard: Option<Timestamp>,
    /// How many steps of silence were alarmed: 0 for none.
    pub silence_step: u8,
    /// Whether it sees what it should.
    pub blind: Blind,
    /// Why not.
    pub blind_why: Option<String>,
}

/// Whether a node sees what it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blind {
    /// It does.
    #[default]
    No,
    /// In part: packets are dropped, a source fails.
    Partly,
    /// It sees nothing.
    Blind,
}

impl Blind {
    fn from_code(code: i64) -> Self {
        match code {
            0 => Self::No,
            1 => Self::Partly,
            _ => Self::Blind,
        }
    }
}

/// Records that a node had numbered and can no longer send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRecords {
    /// When the core heard of it.
    pub at: Timestamp,
    /// First lost number.
    pub from: u64,
    /// Last lost number.
    pub to: u64,
    /// Why, in the node's words.
    pub why: String,
}

/// What to change about a node; none: leave as it is.
#[derive(Clone, Debug, Default)]
pub struct NodeChange {
    /// Its name, 1 to 100 characters.
    pub name: Option<String>,
    /// Where it stands.
    pub site: Option<String>,
    /// Whom to ask there.
    pub contact: Option<String>,
    /// The switch's port that mirrors the traffic.
    pub mirror_port: Option<String>,
    /// Whatever is worth knowing.
    pub notes: Option<String>,
    /// Whether its records are not taken for now.
    pub disabled: Option<bool>,
}

/// What goes with a node that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequences {
    /// So many alerts.
    pub alerts: u64,
    /// Arrival of the first.
    pub first: Option<Timestamp>,
    /// Arrival of the last.
    pub last: Option<Timestamp>,
}

/// Losses kept per node.
const LOST_KEPT: i64 = 100;

impl Store {
    /// The nodes in scope, by client and name; of one client only, if one is named.
    ///
    /// # Errors
    /// The database fails.
    pub async fn nodes(&self, scope: &Scope, client: Option<ClientId>) -> Result<Vec<Node>> {
        let scope = match client {
            Some(client) => scope.narrowed([client]),
            None => scope.clone(),
        };
        self.read("nodes", move |sql| list(sql, &scope)).await
    }

    /// A node.
    ///
    /// # Errors
    /// There is none such in scope.
    pub async fn node(&self, scope: &Scope, id: NodeId) -> Result<Node> {
        let scope = scope.clone();
        self.read("node", move |sql| load(sql, &scope, id)).await
    }

    /// Changes what people know about a node, or whether its records are taken.
    ///
    /// # Errors
    /// There is none such in scope, or its new name cannot be taken.
    pub async fn change_node(&self, actor: Actor, scope: &Scope, id: NodeId, change: NodeChange) -> Result<Node> {
        let scope = scope.clone();
        self.write("change node", move |tx| {
            let before = claimed(tx.sql, &scope, id)?;
            let name = change.name.as_deref().unwrap_or(&before.name).trim();
            if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
                return Err(Error::invalid("name", "a name has 1 to 100 characters"));
            }
            let disabled = change.disabled.unwrap_or(before.disabled);
            let [site, contact, mirror_port, notes] = [
                ("site", change.site, &before.site),
                ("contact", change.contact, &before.contact),
                ("mirror_port", change.mirror_port, &before.mirror_port),
                ("notes", change.notes, &before.notes),
            ]
            .map(|(field, new, old)| {
                let text = new.unwrap_or_else(|| old.clone());
                clients::check_long(field, &text).map(|()| text)
            });
            let changed = tx.sql.run_unless_taken(
                "UPDATE node SET name = ?3, site = ?4, contact = ?5, mirror_port = ?6, notes = ?7, disabled = ?8, \
                 expected = CASE WHEN disabled > ?8 THEN ?9 ELSE expected END WHERE id = ?1 AND client = ?2",
                params![id, before.client, name, site?, contact?, mirror_port?, notes?, disabled, tx.now],
            )?;
            if changed.is_none() {
                return Err(Error::invalid("name", "another node of this client has this name"));
            }
            let mut said = Vec::new();
            if name != before.name {
                said.push(format!("was «{}»", before.name));
            }
            if disabled != before.disabled {
                said.push(if disabled { "disabled" } else { "enabled" }.into());
            }
            changes::note(tx, before.client, Kind::Nodes(Some(id)))?;
            audit::note(tx, &actor, Note::new("node.change", name).at(before.client).detail(&said.join(", ")))?;
            load(tx.sql, &scope, id)
        })
        .await
    }

    /// From now on the node may not speak: for good, until it enrols again.
    ///
    /// # Errors
    /// There is none such in scope.
    pub async fn revoke_node(&self, actor: Actor, scope: &Scope, id: NodeId) -> Result<Node> {
        let scope = scope.clone();
        self.write("revoke node", move |tx| {
            let node = claimed(tx.sql, &scope, id)?;
            if node.revoked.is_none() {
                let sql = "UPDATE node SET revoked = ?3 WHERE id = ?1 AND client = ?2";
                tx.sql.run(sql, params![id, node.client, tx.now])?;
                changes::note(tx, node.client, Kind::Nodes(Some(id)))?;
                audit::note(tx, &actor, Note::new("node.revoke", &node.name).at(node.client))?;
            }
            load(tx.sql, &scope, id)
        })
        .await
    }

    /// What would go with a node.
    ///
    /// # Errors
    /// There is none such in scope.
    pub async fn consequences(&self, scope: &Scope, id: NodeId) -> Result<Consequences> {
        let scope = scope.clone();
        self.read("consequences", move |sql| {
            let node = load(sql, &scope, id)?;
            let at = |stamp: Option<i64>| stamp.map(|stamp| from_millis(crate::id::stamp_millis(stamp)));
            let first = sql.one(
                "SELECT stamp FROM alert WHERE client = ?1 AND node = ?2 ORDER BY number LIMIT 1",
                params![node.client, id],
                |row| row.get(0),
            )?;
            let last = sql.one(
                "SELECT stamp FROM alert WHERE client = ?1 AND node = ?2 ORDER BY number DESC LIMIT 1",
                params![node.client, id],
                |row| row.get(0),
            )?;
            Ok(Consequences { alerts: node.alerts, first: at(first), last: at(last) })
        })
        .await
    }

    /// Deletes a node with its alerts. It is gone from every list at once and may not speak any more; its alerts are cleared
    /// away in the background, also across restarts.
    ///
    /// # Errors
    /// There is none such in scope.
    pub async fn delete_node(&self, actor: Actor, scope: &Scope, id: NodeId) -> Result<()> {
        let scope = scope.clone();
        self.write("delete node", move |tx| {
            let node = claimed(tx.sql, &scope, id)?;
            holds::refuse_if_held(tx.sql, node.client)?;
            // Its name and its key are free again.
            tx.sql.run(
                "UPDATE node SET deleting = 1, revoked = ?3, name = 'deleted ' || id, key = ?4 \
                 WHERE id = ?1 AND client = ?2",
                params![id, node.client, tx.now, crate::secret::random::<32>()?],
            )?;
            jobs::add(tx, jobs::Kind::ClearNode, node.client, id.0)?;
            changes::note(tx, node.client, Kind::Nodes(None))?;
            let detail = format!("with {} alerts", node.alerts);
            audit::note(tx, &actor, Note::new("node.delete", &node.name).at(node.client).detail(&detail))
        })
        .await
    }
}

/// Notes what a node has lost.
pub(crate) fn insert_lost(
    sql: Sql<'_>,
    client: ClientId,
    node: NodeId,
    now: i64,
    lost: &wire::link::Lost,
) -> Result<()> {
    sql.run(
        "INSERT INTO lost (node, at, epoch, first, last, client, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT DO NOTHING",
        params![node, now, lost.epoch as i64, lost.from as i64, lost.to as i64, client, lost.why],
    )?;
    sql.run(
        "DELETE FROM lost WHERE node = ?1 AND client = ?2 AND at < \
         (SELECT at FROM lost WHERE node = ?1 AND client = ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3)",
        params![node, client, LOST_KEPT - 1],
    )?;
    Ok(())
}

/// Whose node it is; a node that is being deleted is nobody's.
pub(crate) fn client_of(sql: Sql<'_>, id: NodeId) -> Result<ClientId> {
    sql.one("SELECT client FROM node WHERE id = ?1 AND deleting = 0 /* across clients: whose is it? */", [id], |row| {
        row.get(0)
    })?
    .ok_or(Error::NotFound("node"))
}

/// A node whose client is claimed: nobody changes it until the end of the transaction.
fn claimed(sql: Sql<'_>, scope: &Scope, id: NodeId) -> Result<Node> {
    let client = client_of(sql, id)?;
    scope.demand(client, "node")?;
    sql.claim(client)?;
    load(sql, scope, id)
}

/// The nodes of some clients: client, node, name. Those that are being deleted as well: their alerts are still there.
pub(crate) fn names(sql: Sql<'_>, clients: &[ClientId]) -> Result<Vec<(ClientId, NodeId, String)>> {
    let wanted = serde_json::to_string(clients)?;
    let text =
        "SELECT client, id, name FROM node WHERE client IN (SELECT value FROM json_each(?1)) ORDER BY client, id";
    sql.all(text, [wanted], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// The nodes in scope, by client and name.
pub(crate) fn list(sql: Sql<'_>, scope: &Scope) -> Result<Vec<Node>> {
    let ids = clients::ids_json(sql, scope)?;
    let mut nodes = sql.all(
        "SELECT node.id, node.client, client.name, node.name, hostname, site, contact, mirror_port, node.notes, \
         enrolled, disabled, revoked, (SELECT max(ends) FROM certificate \
         WHERE certificate.client = node.client AND certificate.node = node.id), heard, \
         silence, blind, blind_why, version, skew, status, number, alerts, refused, expected FROM node \
         JOIN client ON client.id = node.client JOIN node_link ON node_link.client = node.client AND node_link.node = node.id \
         JOIN node_report ON node_report.client = node.client AND node_report.node = node.id \
         WHERE node.client IN (SELECT value FROM json_each(?1)) AND deleting = 0 ORDER BY client.folded, node.name",
        [&ids],
        read,
    )?;
    let mut lost: BTreeMap<NodeId, Vec<LostRecords>> = BTreeMap::new();
    let rows = sql.all(
        "SELECT node, at, first, last, why FROM lost WHERE client IN (SELECT value FROM json_each(?1)) \
         ORDER BY node, at DESC",
        [&ids],
        |row| Ok((row.get(0)?, read_lost(row, 1)?)),
    )?;
    for (node, records) in rows {
        lost.entry(node).or_default().push(records);
    }
    for node in &mut nodes {
        node.lost = lost.remove(&node.id).unwrap_or_default();
    }
    Ok(nodes)
}

fn load(sql: Sql<'_>, scope: &Scope, id: NodeId) -> Result<Node> {
    let client = client_of(sql, id)?;
    scope.demand(client, "node")?;
    let node = sql.one(
        "SELECT node.id, node.client, client.name, node.name, hostname, site, contact, mirror_port, node.notes, \
         enrolled, disabled, revoked, (SELECT max(ends) FROM certificate \
                 WHERE certificate.client = node.client AND certificate.node = node.id), heard, \
         silence, blind, blind_why, version, skew, status, number, alerts, refused, expected FROM node \
         JOIN client ON client.id = node.client JOIN node_link ON node_link.client = node.client AND node_link.node = node.id \
         JOIN node_report ON node_report.client = node.client AND node_report.node = node.id WHERE node.id = ?1 AND node.client = ?2",
        params![id, client],
        read,
    )?;
    let mut node = node.ok_or(Error::NotFound("node"))?;
    node.lost = sql.all(
        "SELECT at, first, last, why FROM lost WHERE node = ?1 AND client = ?2 ORDER BY at DESC LIMIT ?3",
        params![id, client, LOST_KEPT],
        |row| read_lost(row, 0),
    )?;
    Ok(node)
}

fn read(row: &Row<'_>) -> Result<Node> {
    let status: Option<String> = row.get(19)?;
    Ok(Node {
        id: row.get(0)?,
        client: row.get(1)?,
        client_name: row.get(2)?,
        name: row.get(3)?,
        hostname: row.get(4)?,
        site: row.get(5)?,
        contact: row.get(6)?,
        mirror_port: row.get(7)?,
        notes: row.get(8)?,
        enrolled: from_millis(row.get(9)?),
        disabled: row.get(10)?,
        revoked: row.get::<_, Option<i64>>(11)?.map(from_millis),
        certificate_end: row.get::<_, Option<i64>>(12)?.map(from_millis),
        standing: read_standing(row, 13)?,
        version: row.get(17)?,
        skew_seconds: row.get(18)?,
        // A report of an older version may lack what this one wants: then there is none until the next.
        status: status.and_then(|text| serde_json::from_str(&text).ok()),
        position_number: row.get::<_, Option<i64>>(20)?.unwrap_or(0) as u64,
        alerts: row.get::<_, i64>(21)?.max(0) as u64,
        refused: row.get::<_, i64>(22)?.max(0) as u64,
        expected: from_millis(row.get(23)?),
        lost: Vec::new(),
    })
}

pub(crate) fn read_standing(row: &Row<'_>, at: usize) -> Result<Standing> {
    Ok(Standing {
        last_heard: row.get::<_, Option<i64>>(at)?.map(from_millis),
        silence_step: row.get::<_, i64>(at + 1)?.clamp(0, 255) as u8,
        blind: Blind::from_code(row.get(at + 2)?),
        blind_why: row.get(at + 3)?,
    })
}

fn read_lost(row: &Row<'_>, at: usize) -> Result<LostRecords> {
    Ok(LostRecords {
        at: from_millis(row.get(at)?),
        from: row.get::<_, i64>(at + 1)? as u64,
        to: row.get::<_, i64>(at + 2)? as u64,
        why: row.get(at + 3)?,
    })
}
