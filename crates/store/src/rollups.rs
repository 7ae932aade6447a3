//! Rollups: how many alerts and occurrences per hour of arrival, by everything a chart or a facet asks for. They are changed
//! in the same transaction as the alerts, and outlive them.

use std::collections::BTreeMap;

use crate::engine::sql::{Sql, row};
use wire::{Severity, Source};

use crate::Result;
use crate::alerts::State;
use crate::id::{ClientId, NodeId};

/// What is counted apart from all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    /// Hours since 1970.
    pub(crate) hour: i64,
    pub(crate) node: Option<NodeId>,
    pub(crate) rule: i64,
    pub(crate) module: Source,
    pub(crate) severity: Severity,
    pub(crate) state: State,
    pub(crate) hidden: bool,
}

/// Changes to cells of one client.
#[derive(Default)]
pub(crate) struct Deltas(BTreeMap<Cell, (i64, i64)>);

impl Deltas {
    pub(crate) fn add(&mut self, cell: Cell, alerts: i64, occurrences: i64) {
        let delta = self.0.entry(cell).or_default();
        delta.0 += alerts;
        delta.1 += occurrences;
    }
}

/// Writes the changes, in the order of the keys.
pub(crate) fn apply(sql: Sql<'_>, client: ClientId, deltas: Deltas) -> Result<()> {
    let mut hours: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    let mut days: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    let mut rows = Vec::with_capacity(deltas.0.len());
    for (cell, (alerts, occurrences)) in deltas.0 {
        let node = cell.node.map_or(0, |node| node.0);
        let tail = (cell.severity as i64, cell.state as i64, cell.hidden);
        rows.push(row![client, cell.hour, node, cell.rule, tail.0, tail.1, tail.2, alerts, occurrences]);
        let hour = hours.entry((cell.hour, node, cell.module as i64, tail)).or_default();
        *hour = (hour.0 + alerts, hour.1 + occurrences);
        let day = days.entry((cell.hour.div_euclid(24), node, cell.rule, tail)).or_default();
        *day = (day.0 + alerts, day.1 + occurrences);
    }
    sql.run_many(
        "INSERT INTO rollup (client, hour, node, rule, severity, state, hidden, alerts, occurrences) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (client, hour, node, rule, severity, state, hidden) DO \
         UPDATE SET alerts = rollup.alerts + excluded.alerts, occurrences = rollup.occurrences + excluded.occurrences",
        &rows,
    )?;
    let rows: Vec<_> = hours
        .into_iter()
        .map(|((hour, node, module, tail), (alerts, occurrences))| {
            row![client, hour, node, module, tail.0, tail.1, tail.2, alerts, occurrences]
        })
        .collect();
    sql.run_many(
        "INSERT INTO rollup_hour (client, hour, node, module, severity, state, hidden, alerts, occurrences) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (client, hour, node, module, severity, state, hidden) DO \
         UPDATE SET alerts = rollup_hour.alerts + excluded.alerts, \
         occurrences = rollup_hour.occurrences + excluded.occurrences",
        &rows,
    )?;
    let rows: Vec<_> = days
        .into_iter()
        .map(|((day, node, rule, tail), (alerts, occurrences))| {
            row![client, day, node, rule, tail.0, tail.1, tail.2, alerts, occurrences]
        })
        .collect();
    sql.run_many(
        "INSERT INTO rollup_day (client, day, node, rule, severity, state, hidden, alerts, occurrences) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (client, day, node, rule, severity, state, hidden) DO \
         UPDATE SET alerts = rollup_day.alerts + excluded.alerts, \
         occurrences = rollup_day.occurrences + excluded.occurrences",
        &rows,
    )
}
