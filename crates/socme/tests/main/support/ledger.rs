//! What the sources wrote, and what the core has: the two must be equal.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Events by (source, rule id).
pub type Counts = BTreeMap<(String, String), u64>;

/// What a source wrote, counted as it is written.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Counts>>);

impl Ledger {
    pub fn note(&self, source: &str, rule: &str) {
        *self.0.lock().expect("ledger").entry((source.to_owned(), rule.to_owned())).or_default() += 1;
    }

    pub fn counts(&self) -> Counts {
        self.0.lock().expect("ledger").clone()
    }

    pub fn total(&self) -> u64 {
        self.0.lock().expect("ledger").values().sum()
    }
}

/// What the core has of all nodes, read from its database itself: the sum of counts by (source, rule), without the
/// core's and nodes' own alarms.
pub fn at_the_core(data: &Path) -> Counts {
    let path = data.join("socme.db");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(db) = rusqlite::Connection::open_with_flags(path, flags) else { return Counts::new() };
    let Ok(mut rows) = db.prepare(SUMS) else { return Counts::new() };
    let read = rows.query_map([], |row| {
        Ok(((row.get::<_, String>(0)?, row.get::<_, String>(1)?), u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0)))
    });
    read.map(|rows| rows.filter_map(Result::ok).collect()).unwrap_or_default()
}

const SUMS: &str = "SELECT iif(r.module = 0, 'suricata', 'wazuh'), r.rule, sum(a.count) FROM alert a
                    JOIN rule r ON r.id = a.rule WHERE r.module < 2 GROUP BY 1, 2";

/// What the node's and the core's own alarms say: gaps, losses, refusals.
pub fn alarms(data: &Path) -> Vec<String> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(db) = rusqlite::Connection::open_with_flags(data.join("socme.db"), flags) else { return Vec::new() };
    let sql =
        "SELECT r.rule || ': ' || coalesce(a.message, '') FROM alert a JOIN rule r ON r.id = a.rule WHERE r.module = 2";
    let Ok(mut rows) = db.prepare(sql) else { return Vec::new() };
    let read = rows.query_map([], |row| row.get(0));
    read.map(|rows| rows.filter_map(Result::ok).collect()).unwrap_or_default()
}

/// The first differences, in words.
pub fn differences(wrote: &Counts, has: &Counts) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = wrote.keys().chain(has.keys()).collect();
    keys.into_iter()
        .filter(|key| wrote.get(*key) != has.get(*key))
        .map(|key| {
            let (w, h) = (wrote.get(key).copied().unwrap_or(0), has.get(key).copied().unwrap_or(0));
            format!("{} {}: written {w}, at the core {h}", key.0, key.1)
        })
        .take(20)
        .collect()
}
