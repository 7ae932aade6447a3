//! Writes a prepared batch.

use std::collections::{BTreeSet, HashMap};

use crate::engine::sql::{params, row};
use wire::alert::Rule;
use wire::link::{Refused, Taken};
use wire::{Alert, Severity};

use super::prepare::{Prepared, PreparedAlert, PreparedRecord};
use super::{Ingested, count, link, raise};
use crate::alerts::State;
use crate::changes::{self, Kind};
use crate::clock::from_millis;
use crate::engine::writer::Tx;
use crate::id::{ClientId, NodeId, stamp_millis};
use crate::rollups::{Cell, Deltas};
use crate::{Result, alerts, commands, hosts, nodes, postings, rollups, rules};

/// An alarm about refused records is raised at most so often, in milliseconds.
const REFUSED_ALARM: i64 = 3_600_000;

/// What a transaction gathers before it writes it, sorted, at its end.
pub(crate) struct Writing {
    pub(crate) client: ClientId,
    pub(crate) node: Option<NodeId>,
    postings: Vec<(i64, i64)>,
    pub(crate) deltas: Deltas,
    rules: HashMap<i64, i64>,
    new: u64,
    first: i64,
}

impl Writing {
    pub(crate) fn new(client: ClientId, node: Option<NodeId>) -> Self {
        Self {
            client,
            node,
            postings: Vec::new(),
            deltas: Deltas::default(),
            rules: HashMap::new(),
            new: 0,
            first: i64::MAX,
        }
    }

    /// Writes what was gathered; says how many alerts are new, which the node's own counter does not know yet.
    pub(crate) fn finish(self, tx: &mut Tx<'_>) -> Result<u64> {
        postings::insert(tx.sql, self.client, self.postings)?;
        rollups::apply(tx.sql, self.client, self.deltas)?;
        rules::add(tx.sql, self.client, self.rules)?;
        if self.new > 0 {
            tx.memory.save(tx.sql, self.client, self.new as i64)?;
            tx.effects.work = true;
        }
        Ok(self.new)
    }
}

/// Takes a batch if it follows where the core stands.
pub(crate) fn take(tx: &mut Tx<'_>, client: ClientId, node: NodeId, batch: &Prepared) -> Result<Ingested> {
    tx.sql.claim(client)?;
    // The client is looked up again: the node may have been deleted since.
    if nodes::client_of(tx.sql, node)? != client {
        return Err(crate::Error::NotFound("node"));
    }
    let standing = link(tx.sql, client, node)?;
    if standing.position != batch.after {
        return Ok(Ingested::Conflict(standing.conflict()?));
    }
    if batch.after.is_some_and(|after| after.epoch != batch.to.epoch) {
        // The node has forgotten its open windows: no count will come for them.
        tx.sql.run("DELETE FROM open_fold WHERE node = ?1 AND client = ?2", params![node, client])?;
    }
    let mut writing = Writing::new(client, Some(node));
    take_alerts(tx, &mut writing, node, batch)?;
    // A count comes after its alert, so all alerts may come before all counts.
    let mut counts = Vec::new();
    let mut refused: Vec<Refused> = Vec::new();
    let mut lost = Vec::new();
    let mut there = None;
    for (index, record) in batch.records.iter().enumerate() {
        match record {
            PreparedRecord::Alert(_) => {}
            PreparedRecord::Count(count) => counts.push((index, count)),
            PreparedRecord::Lost(records) => {
                nodes::insert_lost(tx.sql, client, node, tx.now, records)?;
                lost.push(records);
            }
            PreparedRecord::Hosts(found) => {
                let left_out = hosts::take(tx, client, node, found, &mut there)?;
                if left_out > 0 {
                    let most = wire::limit::HOSTS;
                    let why = format!("hosts: {left_out} were left out, for at most {most} of a node are kept");
                    refused.push(batch.refusal(index, why));
                }
            }
            PreparedRecord::Outcome(end) => commands::end(tx, client, node, &end.outcome, end.answer.as_deref())?,
            PreparedRecord::Refused(why) => refused.push(batch.refusal(index, why.clone())),
        }
    }
    let mut counted = BTreeSet::new();
    for (index, result) in count::apply(tx, &mut writing, node, batch.to.epoch, &counts)? {
        match result {
            Ok(alert) => drop(counted.insert(alert)),
            Err(why) => refused.push(batch.refusal(index, why)),
        }
    }
    refused.sort_by_key(|refused| refused.number);
    counted.retain(|alert| *alert < writing.first);
    let new = writing.finish(tx)?;
    save_link(tx, client, node, batch, (refused.len(), new))?;
    if !lost.is_empty() {
        raise(tx, client, Some(node), lost_alarm(tx.now, &lost))?;
        changes::note(tx, client, Kind::Nodes(Some(node)))?;
    }
    if !refused.is_empty() && tx.now - standing.refused_alarm >= REFUSED_ALARM {
        raise(tx, client, Some(node), refused_alarm(tx.now, &refused))?;
        let sql = "UPDATE node_link SET refused_alarm = ?3 WHERE node = ?1 AND client = ?2";
        tx.sql.run(sql, params![node, client, tx.now])?;
    }
    if new > 0 || !counted.is_empty() {
        changes::note(tx, client, Kind::Alerts { new, counted: counted.len() as u64, changed: 0 })?;
    }
    Ok(Ingested::Taken(Taken { position: batch.to, refused }))
}

/// The batch's alerts, and those of them whose window is still open.
fn take_alerts(tx: &mut Tx<'_>, writing: &mut Writing, node: NodeId, batch: &Prepared) -> Result<()> {
    let (mut alerts, mut indexes): (Vec<&PreparedAlert>, Vec<usize>) = (Vec::new(), Vec::new());
    for (index, record) in batch.records.iter().enumerate() {
        if let PreparedRecord::Alert(alert) = record {
            alerts.push(alert);
            indexes.push(index);
        }
    }
    let taken = insert_alerts(tx, writing, &alerts)?;
    let open: Vec<_> = alerts
        .iter()
        .zip(indexes)
        .zip(taken)
        .filter(|((alert, _), _)| !alert.alert.closed)
        .map(|((_, index), (number, _))| {
            row![node, batch.to.epoch as i64, batch.number(index) as i64, writing.client, number]
        })
        .collect();
    tx.sql.run_many("INSERT INTO open_fold (node, epoch, record, client, alert) VALUES (?1, ?2, ?3, ?4, ?5)", &open)
}

/// Inserts alerts; says their numbers and stamps.
pub(crate) fn insert_alerts(
    tx: &mut Tx<'_>,
    writing: &mut Writing,
    alerts: &[&PreparedAlert],
) -> Result<Vec<(i64, i64)>> {
    if alerts.is_empty() {
        return Ok(Vec::new());
    }
    let client = writing.client;
    let taken = tx.memory.take(tx.sql, client, alerts.len(), tx.now)?;
    let rules = tx.memory.rules(tx.sql, client, alerts.iter().map(|prepared| &prepared.alert))?;
    let mut rows = Vec::with_capacity(alerts.len());
    let mut bodies = Vec::with_capacity(alerts.len());
    for ((prepared, (number, stamp)), rule) in alerts.iter().zip(&taken).zip(rules) {
        let PreparedAlert { alert, has_raw, body, entities } = prepared;
        let (number, stamp) = (*number, *stamp);
        let span = alert.last.as_microsecond().saturating_sub(alert.time.as_microsecond()).max(0);
        let (source, destination) = (alert.source.as_ref(), alert.destination.as_ref());
        rows.push(row![
            number,
            client,
            writing.node,
            rule,
            alert.severity as i64,
            alert.fold as i64,
            *has_raw,
            alerts::witness(&alert.witnesses),
            stamp,
            alert.time.as_microsecond(),
            span,
            alert.count as i64,
            source.and_then(|end| end.ip.as_deref()),
            source.and_then(|end| end.port),
            destination.and_then(|end| end.ip.as_deref()),
            destination.and_then(|end| end.port),
            alert.host.as_ref().and_then(|host| host.name.as_deref().or(host.ip.as_deref())),
            alert.user.as_ref().map(|user| user.name.as_str()),
            alert.domains.first().map(String::as_str).or(destination.and_then(|end| end.domain.as_deref())),
            alert.message.as_deref(),
        ]);
        bodies.push(row![number, client, body.dictionary, body.data.as_slice()]);
        writing.postings.extend(entities.iter().map(|entity| (*entity, number)));
        let cell = Cell {
            hour: stamp_millis(stamp).div_euclid(3_600_000),
            node: writing.node,
            rule,
            module: alert.module,
            severity: alert.severity,
            state: State::Open,
            hidden: false,
        };
        writing.deltas.add(cell, 1, alert.count as i64);
        *writing.rules.entry(rule).or_default() += 1;
        writing.new += 1;
        writing.first = writing.first.min(number);
    }
    tx.sql.run_many(
        "INSERT INTO alert (number, client, node, rule, severity, state, hidden, fold, has_raw, witness, stamp, time, span, count, \
         source_ip, source_port, destination_ip, destination_port, host, user, domain, message) \
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
        &rows,
    )?;
    tx.sql.run_many("INSERT INTO body (alert, client, dictionary, data) VALUES (?1, ?2, ?3, ?4)", &bodies)?;
    Ok(taken)
}

fn save_link(
    tx: &mut Tx<'_>,
    client: ClientId,
    node: NodeId,
    batch: &Prepared,
    (refused, new): (usize, u64),
) -> Result<()> {
    tx.sql.run(
        "UPDATE node_link SET epoch = ?3, number = ?4, tag = ?5, cursors = ?6, refused = refused + ?7, alerts = alerts + ?8 \
         WHERE node = ?1 AND client = ?2",
        params![
            node,
            client,
            batch.to.epoch as i64,
            batch.to.number as i64,
            batch.to.tag as i64,
            serde_json::to_string(&batch.cursors)?,
            refused as i64,
            new as i64
        ],
    )?;
    Ok(())
}

fn lost_alarm(now: i64, lost: &[&wire::link::Lost]) -> Alert {
    let records: u64 = lost.iter().map(|lost| (lost.to - lost.from).saturating_add(1)).fold(0, u64::saturating_add);
    let why = lost.first().map_or("", |lost| lost.why.as_str());
    alarm(
        now,
        Severity::High,
        "node-lost",
        "A node has lost records",
        format!("{records} records that the node had numbered can no longer be sent: {why}"),
    )
}

fn refused_alarm(now: i64, refused: &[Refused]) -> Alert {
    let first = refused.first().map_or("", |refused| refused.why.as_str());
    alarm(
        now,
        Severity::Medium,
        "node-refused",
        "A node sends records that are refused",
        format!("{} records of one batch were refused; the first because {first}", refused.len()),
    )
}

/// An alarm of the store's own.
fn alarm(now: i64, severity: Severity, rule: &str, name: &str, mut message: String) -> Alert {
    if message.len() > 1000 {
        message = message.chars().take(250).collect();
    }
    let mut alert = Alert::bare(from_millis(now));
    alert.rule = Rule { id: rule.into(), name: name.into(), ..Rule::default() };
    alert.severity = severity;
    alert.message = Some(message);
    alert
}
