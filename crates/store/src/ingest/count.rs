//! An alert's count has grown.

use crate::engine::sql::params;
use wire::link::Count;

use super::batch::Writing;
use crate::alerts::{State, severity_from_code};
use crate::bodies::{Packer, module_from_code};
use crate::engine::writer::Tx;
use crate::id::{ClientId, NodeId, stamp_millis};
use crate::rollups::Cell;
use crate::{Result, rules};

struct Row {
    rule: i64,
    severity: i64,
    state: i64,
    hidden: bool,
    stamp: i64,
    time: i64,
    span: i64,
    count: i64,
}

/// Applies a count; says which alert it was, or why it is refused.
pub(crate) fn apply(
    tx: &mut Tx<'_>,
    writing: &mut Writing,
    node: NodeId,
    epoch: u64,
    count: &Count,
) -> Result<std::result::Result<i64, String>> {
    let client = writing.client;
    let key = params![node, epoch as i64, count.alert as i64, client];
    let found = tx.sql.one(
        "SELECT alert FROM open_fold WHERE node = ?1 AND epoch = ?2 AND record = ?3 AND client = ?4",
        key,
        |row| row.get(0),
    )?;
    let Some(alert) = found else {
        return Ok(Err(format!("count.alert: record {} brought no alert that is still open", count.alert)));
    };
    let Some(row) = load(tx, client, alert)? else {
        return Ok(Err(format!("count.alert: the alert of record {} has been deleted", count.alert)));
    };
    let total = count.count as i64;
    if total < row.count {
        return Ok(Err(format!("count: is {total}, but was {} before", row.count)));
    }
    let time = row.time.min(count.first.as_microsecond());
    let last = (row.time.saturating_add(row.span)).max(count.last.as_microsecond());
    tx.sql.run(
        "UPDATE alert SET count = ?3, time = ?4, span = ?5 WHERE number = ?1 AND client = ?2",
        params![alert, client, total, time, last.saturating_sub(time)],
    )?;
    if total > row.count {
        let cell = Cell {
            hour: stamp_millis(row.stamp).div_euclid(3_600_000),
            node: Some(node),
            rule: row.rule,
            module: module_from_code(rules::module(tx.sql, client, row.rule)?),
            severity: severity_from_code(row.severity),
            state: State::from_code(row.state),
            hidden: row.hidden,
        };
        writing.deltas.add(cell, 0, total - row.count);
    }
    keep_samples(tx, client, alert, count)?;
    if count.closed {
        tx.sql.run("DELETE FROM open_fold WHERE node = ?1 AND epoch = ?2 AND record = ?3 AND client = ?4", key)?;
    }
    Ok(Ok(alert))
}

fn load(tx: &Tx<'_>, client: ClientId, alert: i64) -> Result<Option<Row>> {
    tx.sql.one(
        "SELECT rule, severity, state, hidden, stamp, time, span, count FROM alert WHERE number = ?1 AND client = ?2",
        params![alert, client],
        |row| {
            Ok(Row {
                rule: row.get(0)?,
                severity: row.get(1)?,
                state: row.get(2)?,
                hidden: row.get(3)?,
                stamp: row.get(4)?,
                time: row.get(5)?,
                span: row.get(6)?,
                count: row.get(7)?,
            })
        },
    )
}

/// Keeps samples up to the bound; what is beyond it was never promised.
fn keep_samples(tx: &mut Tx<'_>, client: ClientId, alert: i64, count: &Count) -> Result<()> {
    if count.samples.is_empty() {
        return Ok(());
    }
    let have = tx.sql.number("SELECT count(*) FROM sample WHERE alert = ?1 AND client = ?2", params![alert, client])?;
    let shared = tx.shared.clone();
    let snapshot = shared.dictionaries.snapshot();
    let mut packer = Packer::new(&shared.dictionaries, &snapshot);
    let room = (wire::limit::SAMPLES as i64 - have).max(0) as usize;
    for (position, sample) in count.samples.iter().take(room).enumerate() {
        let packed = packer.compress(wire::Source::Suricata, &serde_json::to_vec(sample)?)?;
        tx.sql.run(
            "INSERT INTO sample (alert, position, client, dictionary, data) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![alert, have + position as i64, client, packed.dictionary, packed.data],
        )?;
    }
    Ok(())
}
