//! Everything of one client, piece by piece, from one snapshot: what a client is owed who leaves, or asks what is known of it.

use jiff::Timestamp;
use wire::{Severity, Source};

use crate::alerts::{self, AlertDetail, State, severity_from_code};
use crate::audit::{self, AuditEntry};
use crate::bodies::module_from_code;
use crate::clients::{self, Client};
use crate::clock::from_millis;
use crate::commands::{self, Command};
use crate::engine::sql::{Sql, params};
use crate::engine::writer::Shared;
use crate::hosts::{self, Host, HostAsk};
use crate::id::{ClientId, CommandId, NodeId};
use crate::nodes::{self, Node};
use crate::oldest::oldest;
use crate::{Result, Scope, Store};

/// Pieces that are read at once: alerts come with their raw events, so that some are large.
const STEP: i64 = 100;
/// Commands that are read at once: an answer may have a MiB.
const COMMANDS: i64 = 4;
const HOUR: i64 = 3_600_000;

/// A piece of a client's data. They come in this order, alerts and entries in that of their arrival.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// What is known of it.
    Client(Box<Client>),
    /// Its nodes, with their last reports.
    Node(Box<Node>),
    /// A host that one of its nodes tells of.
    Host(Box<Host>),
    /// What a node was asked, with what it found.
    Command(Box<Command>),
    /// An alert with everything that is known of it.
    Alert(Box<AlertDetail>),
    /// How many alerts there were in an hour: kept longer than the alerts.
    Count(HourCount),
    /// What was done, of the audit log.
    Audit(Box<AuditEntry>),
}

/// How many alerts of a kind arrived within an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourCount {
    /// Its beginning.
    pub hour: Timestamp,
    /// The node that sent them; none for the core's own alarms.
    pub node: Option<NodeId>,
    /// Where they come from.
    pub module: Source,
    /// Their rule's id.
    pub rule_id: String,
    /// Their rule's name.
    pub rule_name: String,
    /// How bad they are.
    pub severity: Severity,
    /// Whether a person has dealt with them.
    pub state: State,
    /// How many.
    pub alerts: i64,
    /// For how many events they stand.
    pub occurrences: i64,
}

impl Store {
    /// Hands everything of a client to `take`, from one snapshot, while the core works on; none once that was all. Ends with the
    /// first error of `take`, which runs and is dropped on a thread that may wait.
    ///
    /// # Errors
    /// There is none such in scope, or `take` says so.
    pub async fn export_client(
        &self,
        scope: &Scope,
        id: ClientId,
        take: impl FnMut(Option<Piece>) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        scope.demand(id, "client")?;
        let shared = self.0.shared.clone();
        let (scope, now) = (scope.narrowed([id]), self.0.clock.millis());
        self.0.readers.snapshot(move |sql| export(sql, &shared, &scope, id, now, take)).await
    }
}

fn export(
    sql: Sql<'_>,
    shared: &Shared,
    scope: &Scope,
    id: ClientId,
    now: i64,
    mut take: impl FnMut(Option<Piece>) -> Result<()>,
) -> Result<()> {
    take(Some(Piece::Client(Box::new(clients::load(sql, id)?))))?;
    for node in nodes::list(sql, scope)? {
        take(Some(Piece::Node(Box::new(node))))?;
    }
    let mut ask = HostAsk { client: Some(id), limit: STEP as usize, ..HostAsk::default() };
    loop {
        let page = hosts::list(sql, scope, &ask)?;
        for host in page.hosts {
            take(Some(Piece::Host(Box::new(host))))?;
        }
        ask.after = page.next;
        if ask.after.is_none() {
            break;
        }
    }
    let mut from = CommandId(0);
    loop {
        let found = commands::oldest(sql, id, from, COMMANDS, now)?;
        let Some(last) = found.last() else { break };
        from = last.id;
        for command in found {
            take(Some(Piece::Command(Box::new(command))))?;
        }
    }
    let mut above = 0;
    loop {
        let numbers = oldest(sql, &[(id, above, i64::MAX)], STEP)?.concat();
        let Some(last) = numbers.last() else { break };
        above = *last;
        for alert in alerts::details(sql, shared, id, &numbers)? {
            take(Some(Piece::Alert(Box::new(alert))))?;
        }
    }
    counts(sql, id, &mut take)?;
    let mut from = 0;
    loop {
        let entries = audit::of_client(sql, id, from, STEP)?;
        let Some(last) = entries.last() else { break };
        from = last.id;
        for entry in entries {
            take(Some(Piece::Audit(Box::new(entry))))?;
        }
    }
    take(None)
}

/// The counts, hour by hour: an hour of one client is never large.
fn counts(sql: Sql<'_>, id: ClientId, take: &mut impl FnMut(Option<Piece>) -> Result<()>) -> Result<()> {
    let mut after = i64::MIN;
    loop {
        let text = "SELECT hour FROM rollup WHERE client = ?1 AND hour > ?2 ORDER BY hour LIMIT 1";
        let Some(hour) = sql.one(text, params![id, after], |row| row.get::<_, i64>(0))? else { return Ok(()) };
        after = hour;
        let found = sql.all(
            "SELECT rollup.node, module, rule.rule, rule.name, severity, state, rollup.alerts, occurrences FROM rollup JOIN rule \
             ON rule.id = rollup.rule AND rule.client = rollup.client WHERE rollup.client = ?1 AND hour = ?2 \
             AND rollup.alerts > 0 ORDER BY rollup.node, rollup.rule, severity, state",
            params![id, hour],
            |row| {
                Ok(HourCount {
                    hour: from_millis(hour * HOUR),
                    node: Some(row.get(0)?).filter(|node: &NodeId| node.0 > 0),
                    module: module_from_code(row.get(1)?),
                    rule_id: row.get(2)?,
                    rule_name: row.get(3)?,
                    severity: severity_from_code(row.get(4)?),
                    state: State::from_code(row.get(5)?),
                    alerts: row.get(6)?,
                    occurrences: row.get(7)?,
                })
            },
        )?;
        for count in found {
            take(Some(Piece::Count(count)))?;
        }
    }
}
