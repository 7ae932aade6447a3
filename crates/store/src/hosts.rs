//! Hosts: the agents of the Wazuh managers that nodes know. Nodes tell only what has changed ([`wire::host`]); what stands here is
//! the sum of it.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use wire::host::{HostState, Hosts};
use wire::limit;

use crate::changes::{self, Kind};
use crate::clock::from_millis;
use crate::engine::sql::{Row, Sql, params, row};
use crate::engine::writer::Tx;
use crate::id::{ClientId, NodeId};
use crate::text::like;
use crate::{Error, Result, Scope, Store, clients};

/// Most hosts of one answer.
const PAGE: usize = 200;

/// Most kinds of each sort that counts tell: as many as one can choose from.
pub(crate) const KINDS: usize = 500;
/// Most rows from which they are made.
const COUNTED: usize = 2_000;

/// A host, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its client.
    pub client: ClientId,
    /// Its client's name.
    pub client_name: String,
    /// The node that knows it.
    pub node: NodeId,
    /// That node's name.
    pub node_name: String,
    /// Since when it is in this state, as far as the core knows.
    pub since: Timestamp,
    /// What its node says of it.
    pub told: wire::host::Host,
}

/// Where a host stands in the list: by client, name, node, agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPlace {
    /// Its client.
    pub client: ClientId,
    /// Its name in lower case.
    pub folded: String,
    /// Its node.
    pub node: NodeId,
    /// Its agent's id.
    pub agent: String,
}

/// Which hosts.
#[derive(Clone, Debug, Default)]
pub struct HostAsk {
    /// Of this client.
    pub client: Option<ClientId>,
    /// Known by this node.
    pub node: Option<NodeId>,
    /// In this state.
    pub state: Option<HostState>,
    /// With this in their name or address, whatever its case.
    pub text: String,
    /// In this group.
    pub group: String,
    /// With this operating system, in one word.
    pub platform: String,
    /// With this version of the agent.
    pub version: String,
    /// True: only those whose version is below their manager's.
    pub behind: bool,
    /// Behind this place.
    pub after: Option<HostPlace>,
    /// At most so many, 1 to 200.
    pub limit: usize,
}

/// Some hosts, by client and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPage {
    /// Them.
    pub hosts: Vec<Host>,
    /// Where to go on; none: that was all.
    pub next: Option<HostPlace>,
}

/// How many hosts of each kind there are, whatever is asked for beside the client and the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostCounts {
    /// All.
    pub all: u64,
    /// Whose version is below their manager's.
    pub behind: u64,
    /// By state.
    pub states: BTreeMap<HostState, u64>,
    /// By operating system, in one word; unknown ones are `""`.
    pub platforms: BTreeMap<String, u64>,
    /// By the agent's version; unknown ones are `""`.
    pub versions: BTreeMap<String, u64>,
    /// By group.
    pub groups: BTreeMap<String, u64>,
    /// True: there are more kinds than are told; these are the most frequent ones.
    pub cut: bool,
}

impl Store {
    /// Hosts in scope, by client and name.
    ///
    /// # Errors
    /// The limit is out of range, or the database fails.
    pub async fn hosts(&self, scope: &Scope, ask: HostAsk) -> Result<HostPage> {
        if !(1..=PAGE).contains(&ask.limit) {
            return Err(Error::invalid("limit", format!("give 1 to {PAGE}")));
        }
        let scope = scope.clone();
        self.read("hosts", move |sql| list(sql, &narrow(&scope, ask.client), &ask)).await
    }

    /// How many hosts there are in scope, by what they can be filtered by.
    ///
    /// # Errors
    /// The database fails.
    pub async fn host_counts(
        &self,
        scope: &Scope,
        client: Option<ClientId>,
        node: Option<NodeId>,
    ) -> Result<HostCounts> {
        let scope = scope.clone();
        self.read("host counts", move |sql| counts(sql, &narrow(&scope, client), node)).await
    }

    /// A host.
    ///
    /// # Errors
    /// There is none such in scope.
    pub async fn host(&self, scope: &Scope, node: NodeId, agent: String) -> Result<Host> {
        let scope = scope.clone();
        self.read("host", move |sql| {
            let client = crate::nodes::client_of(sql, node).map_err(|_| Error::NotFound("host"))?;
            scope.demand(client, "host")?;
            let found = sql.one(
                "SELECT host.client, client.name, host.node, node.name, since, body FROM host \
                 JOIN client ON client.id = host.client JOIN node ON node.client = host.client AND node.id = host.node \
                 WHERE host.client = ?1 AND host.node = ?2 AND agent = ?3",
                params![client, node, agent],
                read,
            )?;
            found.ok_or(Error::NotFound("host"))
        })
        .await
    }
}

/// Takes in what a node tells; says how many of its hosts were left out, for a node has at most [`limit::HOSTS`]. `there`: how many it
/// has, once that was counted.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    client: ClientId,
    node: NodeId,
    told: &Hosts,
    there: &mut Option<usize>,
) -> Result<usize> {
    let mut gone: Vec<&str> = told.gone.iter().map(String::as_str).collect();
    let known: Vec<String> = if told.only.is_some() {
        let text = "SELECT agent FROM host WHERE client = ?1 AND node = ?2";
        tx.sql.all(text, params![client, node], |row| row.get(0))?
    } else {
        Vec::new()
    };
    if let Some(only) = &told.only {
        let only: HashSet<&str> = only.iter().map(String::as_str).collect();
        gone.extend(known.iter().map(String::as_str).filter(|agent| !only.contains(agent)));
    }
    gone.sort_unstable();
    gone.dedup();
    if !gone.is_empty()
        && let Some(all) = there
    {
        let found = of_these(tx.sql, client, node, gone.iter().copied())?;
        *all = all.saturating_sub(found.iter().filter(|there| **there).count());
    }
    let gone: Vec<_> = gone.into_iter().map(|agent| row![client, node, agent]).collect();
    tx.sql.run_many("DELETE FROM host WHERE client = ?1 AND node = ?2 AND agent = ?3", &gone)?;
    let (fitting, left_out) = fitting(tx.sql, client, node, &told.changed, there)?;
    let made = fitting.iter().map(|host| {
        let groups = host.groups.iter().fold(String::from("|"), |all, group| all + group + "|");
        Ok((host.name.to_lowercase(), groups, serde_json::to_string(host)?))
    });
    let made: Vec<(String, String, String)> = made.collect::<Result<_>>()?;
    let rows: Vec<_> = fitting
        .iter()
        .zip(&made)
        .map(|(host, (folded, groups, body))| {
            row![
                client,
                node,
                host.agent.as_str(),
                folded.as_str(),
                host.address.as_deref().unwrap_or_default(),
                code(host.state),
                host.version.as_deref().unwrap_or_default(),
                host.behind,
                host.platform.as_deref().unwrap_or_default(),
                groups.as_str(),
                tx.now,
                body.as_str(),
            ]
        })
        .collect();
    tx.sql.run_many(
        "INSERT INTO host (client, node, agent, folded, address, state, version, behind, platform, groups, since, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (client, node, agent) DO UPDATE SET \
         folded = excluded.folded, address = excluded.address, \
         since = CASE WHEN host.state = excluded.state THEN host.since ELSE excluded.since END, state = excluded.state, \
         version = excluded.version, behind = excluded.behind, platform = excluded.platform, groups = excluded.groups, \
         body = excluded.body",
        &rows,
    )?;
    changes::note(tx, client, Kind::Hosts(node))?;
    Ok(left_out)
}

/// Those hosts that the node has already, and new ones for which there is room; and how many are left out.
fn fitting<'a>(
    sql: Sql<'_>,
    client: ClientId,
    node: NodeId,
    told: &'a [wire::host::Host],
    there: &mut Option<usize>,
) -> Result<(Vec<&'a wire::host::Host>, usize)> {
    if told.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let known = of_these(sql, client, node, told.iter().map(|host| host.agent.as_str()))?;
    let mut all = match *there {
        Some(all) => all,
        None => {
            let text = "SELECT count(*) FROM host WHERE client = ?1 AND node = ?2";
            sql.one(text, params![client, node], |row| row.get::<_, i64>(0))?.unwrap_or(0) as usize
        }
    };
    let (mut new, mut fitting) = (HashSet::new(), Vec::new());
    for (host, known) in told.iter().zip(known) {
        if !known && !new.contains(host.agent.as_str()) {
            if all >= limit::HOSTS {
                continue;
            }
            new.insert(host.agent.as_str());
            all += 1;
        }
        fitting.push(host);
    }
    *there = Some(all);
    let left_out = told.len() - fitting.len();
    Ok((fitting, left_out))
}

/// Whether a node has each of these.
fn of_these<'a>(
    sql: Sql<'_>,
    client: ClientId,
    node: NodeId,
    agents: impl Iterator<Item = &'a str>,
) -> Result<Vec<bool>> {
    let keys: Vec<_> = agents.map(|agent| row![client, node, agent]).collect();
    let text = "SELECT 1 FROM host WHERE client = ?1 AND node = ?2 AND agent = ?3";
    let found = sql.all_many(text, &keys, |row| row.get::<_, i64>(0))?;
    Ok(found.into_iter().map(|rows| !rows.is_empty()).collect())
}

fn narrow(scope: &Scope, client: Option<ClientId>) -> Scope {
    client.map_or_else(|| scope.clone(), |client| scope.narrowed([client]))
}

/// A page of hosts in scope.
pub(crate) fn list(sql: Sql<'_>, scope: &Scope, ask: &HostAsk) -> Result<HostPage> {
    let ids = clients::ids_json(sql, scope)?;
    let within = |text: &str| format!("%{}%", like(&text.to_lowercase()));
    let group = if ask.group.is_empty() { "%".to_owned() } else { format!("%|{}|%", like(&ask.group)) };
    let start = HostPlace { client: ClientId(0), folded: String::new(), node: NodeId(0), agent: String::new() };
    let after = ask.after.as_ref().unwrap_or(&start);
    let mut hosts = sql.all(
        "SELECT host.client, client.name, host.node, node.name, since, body FROM host \
         JOIN client ON client.id = host.client JOIN node ON node.client = host.client AND node.id = host.node \
         WHERE host.client IN (SELECT value FROM json_each(?1)) AND deleting = 0 \
         AND (?2 = 0 OR host.node = ?2) AND (?3 < 0 OR host.state = ?3) AND host.behind >= ?4 \
         AND (host.folded LIKE ?5 ESCAPE '~' OR host.address LIKE ?5 ESCAPE '~') AND host.groups LIKE ?6 ESCAPE '~' \
         AND (?7 = '' OR host.platform = ?7) AND (?8 = '' OR host.version = ?8) \
         AND (host.client, host.folded, host.node, host.agent) > (?9, ?10, ?11, ?12) \
         ORDER BY host.client, host.folded, host.node, host.agent LIMIT ?13",
        params![
            ids,
            ask.node.map_or(0, |node| node.0),
            ask.state.map_or(-1, code),
            ask.behind,
            within(&ask.text),
            group,
            ask.platform,
            ask.version,
            after.client,
            after.folded,
            after.node,
            after.agent,
            ask.limit as i64 + 1
        ],
        read,
    )?;
    let more = hosts.len() > ask.limit;
    hosts.truncate(ask.limit);
    let next = hosts.last().filter(|_| more).map(|host| HostPlace {
        client: host.client,
        folded: host.told.name.to_lowercase(),
        node: host.node,
        agent: host.told.agent.clone(),
    });
    Ok(HostPage { hosts, next })
}

fn counts(sql: Sql<'_>, scope: &Scope, node: Option<NodeId>) -> Result<HostCounts> {
    let ids = clients::ids_json(sql, scope)?;
    let node = node.map_or(0, |node| node.0);
    let mut counts = HostCounts::default();
    // The most frequent come first, and there is an end: the kinds are what nodes say.
    let mut rows = sql.all(
        "SELECT host.state, host.version, host.platform, host.groups, host.behind, count(*) FROM host \
         JOIN node ON node.client = host.client AND node.id = host.node \
         WHERE host.client IN (SELECT value FROM json_each(?1)) AND deleting = 0 AND (?2 = 0 OR host.node = ?2) \
         GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC LIMIT ?3",
        params![ids, node, COUNTED as i64 + 1],
        |row| {
            let texts: (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((row.get::<_, i64>(0)?, texts, row.get::<_, i64>(4)?, row.get::<_, i64>(5)? as u64))
        },
    )?;
    counts.cut = rows.len() > COUNTED;
    rows.truncate(COUNTED);
    for (state, (version, platform, groups), behind, count) in rows {
        counts.all += count;
        counts.behind += if behind > 0 { count } else { 0 };
        *counts.states.entry(from_code(state)).or_default() += count;
        *counts.versions.entry(version).or_default() += count;
        *counts.platforms.entry(platform).or_default() += count;
        for group in groups.split('|').filter(|group| !group.is_empty()) {
            *counts.groups.entry(group.to_owned()).or_default() += count;
        }
    }
    if counts.cut {
        // How many there are is told in full all the same.
        (counts.all, counts.behind, counts.states) = (0, 0, BTreeMap::new());
        let states = sql.all(
            "SELECT host.state, host.behind, count(*) FROM host JOIN node ON node.client = host.client AND node.id = host.node \
             WHERE host.client IN (SELECT value FROM json_each(?1)) AND deleting = 0 AND (?2 = 0 OR host.node = ?2) \
             GROUP BY 1, 2",
            params![ids, node],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)? as u64)),
        )?;
        for (state, behind, count) in states {
            counts.all += count;
            counts.behind += if behind > 0 { count } else { 0 };
            *counts.states.entry(from_code(state)).or_default() += count;
        }
    }
    for kinds in [&mut counts.versions, &mut counts.platforms, &mut counts.groups] {
        counts.cut |= keep_frequent(kinds);
    }
    Ok(counts)
}

/// Keeps the most frequent kinds; true if there were more.
fn keep_frequent(kinds: &mut BTreeMap<String, u64>) -> bool {
    if kinds.len() <= KINDS {
        return false;
    }
    let mut all: Vec<(String, u64)> = std::mem::take(kinds).into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all.truncate(KINDS);
    kinds.extend(all);
    true
}

fn read(row: &Row<'_>) -> Result<Host> {
    Ok(Host {
        client: row.get(0)?,
        client_name: row.get(1)?,
        node: row.get(2)?,
        node_name: row.get(3)?,
        since: from_millis(row.get(4)?),
        told: serde_json::from_str(&row.get::<_, String>(5)?)?,
    })
}

fn code(state: HostState) -> i64 {
    match state {
        HostState::Active => 0,
        HostState::Disconnected => 1,
        HostState::Pending => 2,
        HostState::NeverConnected => 3,
    }
}

fn from_code(code: i64) -> HostState {
    match code {
        0 => HostState::Active,
        1 => HostState::Disconnected,
        2 => HostState::Pending,
        _ => HostState::NeverConnected,
    }
}
