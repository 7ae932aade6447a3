//! Alerts' counts have grown.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wire::link::Count;

use super::batch::Writing;
use crate::Result;
use crate::alerts::{State, severity_from_code, witness};
use crate::bodies::{Packer, module_from_code};
use crate::engine::sql::row;
use crate::engine::writer::Tx;
use crate::id::{ClientId, NodeId, stamp_millis};
use crate::rollups::Cell;

/// An alert as counts find and change it.
struct Counted {
    cell: Cell,
    time: i64,
    span: i64,
    count: i64,
    witness: i64,
    grown: bool,
}

/// What became of the record at an index: the alert that it was about, or why it is refused.
type Applied = (usize, std::result::Result<i64, String>);

/// Applies counts, in their order.
pub(crate) fn apply(
    tx: &mut Tx<'_>,
    writing: &mut Writing,
    node: NodeId,
    epoch: u64,
    counts: &[(usize, &Count)],
) -> Result<Vec<Applied>> {
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let client = writing.client;
    let mut open = open(tx, client, node, epoch, counts)?;
    let mut alerts = load(tx, client, node, open.values().copied().collect())?;
    let mut applied = Vec::with_capacity(counts.len());
    let (mut closed, mut samples) = (Vec::new(), Vec::new());
    for (index, count) in counts {
        let result = match open.get(&count.alert) {
            None => Err(format!("count.alert: record {} brought no alert that is still open", count.alert)),
            Some(alert) => match alerts.get_mut(alert) {
                None => Err(format!("count.alert: the alert of record {} has been deleted", count.alert)),
                Some(known) => grow(writing, known, count).map(|()| *alert),
            },
        };
        if let Ok(alert) = result {
            samples.push((alert, *count));
            if count.closed {
                open.remove(&count.alert);
                closed.push(row![node, epoch as i64, count.alert as i64, client]);
            }
        }
        applied.push((*index, result));
    }
    let grown: Vec<_> = alerts
        .iter()
        .filter(|(_, alert)| alert.grown)
        .map(|(number, alert)| row![*number, client, alert.count, alert.time, alert.span, alert.witness])
        .collect();
    tx.sql.run_many(
        "UPDATE alert SET count = ?3, time = ?4, span = ?5, witness = ?6 WHERE number = ?1 AND client = ?2",
        &grown,
    )?;
    tx.sql.run_many("DELETE FROM open_fold WHERE node = ?1 AND epoch = ?2 AND record = ?3 AND client = ?4", &closed)?;
    keep_samples(tx, client, &samples)?;
    Ok(applied)
}

/// Lets an alert grow to a count.
fn grow(writing: &mut Writing, alert: &mut Counted, count: &Count) -> std::result::Result<(), String> {
    let total = count.count as i64;
    if total < alert.count {
        return Err(format!("count: is {total}, but was {} before", alert.count));
    }
    let last = alert.time.saturating_add(alert.span).max(count.last.as_microsecond());
    alert.time = alert.time.min(count.first.as_microsecond());
    alert.span = last.saturating_sub(alert.time);
    if total > alert.count {
        writing.deltas.add(alert.cell, 0, total - alert.count);
    }
    alert.count = total;
    alert.witness |= witness(&count.witnesses);
    alert.grown = true;
    Ok(())
}

/// The alerts whose windows are open, by the numbers of the records that brought them.
fn open(
    tx: &Tx<'_>,
    client: ClientId,
    node: NodeId,
    epoch: u64,
    counts: &[(usize, &Count)],
) -> Result<HashMap<u64, i64>> {
    let records: BTreeSet<u64> = counts.iter().map(|(_, count)| count.alert).collect();
    let keys: Vec<_> = records.iter().map(|record| row![node, epoch as i64, *record as i64, client]).collect();
    let found = tx.sql.all_many(
        "SELECT alert FROM open_fold WHERE node = ?1 AND epoch = ?2 AND record = ?3 AND client = ?4",
        &keys,
        |row| row.get::<_, i64>(0),
    )?;
    let first = |alerts: Vec<i64>| alerts.into_iter().next();
    Ok(records.into_iter().zip(found).filter_map(|(record, alerts)| Some((record, first(alerts)?))).collect())
}

fn load(tx: &Tx<'_>, client: ClientId, node: NodeId, numbers: BTreeSet<i64>) -> Result<BTreeMap<i64, Counted>> {
    let keys: Vec<_> = numbers.into_iter().map(|number| row![number, client]).collect();
    let found = tx.sql.all_many(
        "SELECT alert.number, alert.rule, rule.module, severity, state, hidden, stamp, time, span, count, witness FROM alert \
         JOIN rule ON rule.id = alert.rule AND rule.client = alert.client WHERE alert.number = ?1 AND alert.client = ?2",
        &keys,
        |row| {
            let cell = Cell {
                hour: stamp_millis(row.get(6)?).div_euclid(3_600_000),
                node: Some(node),
                rule: row.get(1)?,
                module: module_from_code(row.get(2)?),
                severity: severity_from_code(row.get(3)?),
                state: State::from_code(row.get(4)?),
                hidden: row.get(5)?,
            };
            let alert = Counted { cell, time: row.get(7)?, span: row.get(8)?, count: row.get(9)?, witness: row.get(10)?, grown: false };
            Ok((row.get(0)?, alert))
        },
    )?;
    Ok(found.into_iter().flatten().collect())
}

/// Keeps samples up to the bound; what is beyond it was never promised.
fn keep_samples(tx: &mut Tx<'_>, client: ClientId, counts: &[(i64, &Count)]) -> Result<()> {
    let alerts: BTreeSet<i64> =
        counts.iter().filter(|(_, count)| !count.samples.is_empty()).map(|(alert, _)| *alert).collect();
    if alerts.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = alerts.iter().map(|alert| row![*alert, client]).collect();
    let have =
        tx.sql.all_many("SELECT count(*) FROM sample WHERE alert = ?1 AND client = ?2", &keys, |row| row.get(0))?;
    let mut have: HashMap<i64, i64> =
        alerts.into_iter().zip(have.into_iter().map(|rows| rows.first().copied().unwrap_or(0))).collect();
    let shared = tx.shared.clone();
    let snapshot = shared.dictionaries.snapshot();
    let mut packer = Packer::new(&shared.dictionaries, &snapshot);
    let mut packed = Vec::new();
    for (alert, count) in counts {
        let position = have.entry(*alert).or_default();
        for sample in &count.samples {
            if *position >= wire::limit::SAMPLES as i64 {
                break;
            }
            packed.push((*alert, *position, packer.compress(wire::Source::Suricata, &serde_json::to_vec(sample)?)?));
            *position += 1;
        }
    }
    let rows: Vec<_> = packed
        .iter()
        .map(|(alert, position, packed)| row![*alert, *position, client, packed.dictionary, packed.data.as_slice()])
        .collect();
    tx.sql.run_many("INSERT INTO sample (alert, position, client, dictionary, data) VALUES (?1, ?2, ?3, ?4, ?5)", &rows)
}
