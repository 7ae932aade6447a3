//! What the writer remembers from job to job, so that it need not ask the database each time. It is all forgotten when a
//! transaction is undone.

use std::collections::HashMap;

use wire::{Alert, Source};

use crate::Result;
use crate::engine::sql::{Sql, params};
use crate::id::ClientId;
use crate::rules;

/// Rules remembered; then all are forgotten. A node that invents rules fills the table of its own alerts, not memory.
const RULES: usize = 50_000;

/// All of it.
#[derive(Default)]
pub(crate) struct Memory {
    last: Option<(i64, i64)>,
    rules: HashMap<(ClientId, Source, String, String), i64>,
}

impl Memory {
    /// Number and stamp of the last alert that ever was.
    pub(crate) fn last(&mut self, sql: Sql<'_>) -> Result<(i64, i64)> {
        if let Some(last) = self.last {
            return Ok(last);
        }
        let last = high_water(sql)?;
        self.last = Some(last);
        Ok(last)
    }

    pub(crate) fn set_last(&mut self, number: i64, stamp: i64) {
        self.last = Some((number, stamp));
    }

    /// Writes it down: numbers are never given twice, not even if the last alerts are deleted.
    pub(crate) fn save_high_water(&self, sql: Sql<'_>) -> Result<()> {
        if let Some((number, stamp)) = self.last {
            let save = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            sql.run(save, params!["last number", number])?;
            sql.run(save, params!["last stamp", stamp])?;
        }
        Ok(())
    }

    /// The rule's number; a new one if it was never seen.
    pub(crate) fn rule(&mut self, sql: Sql<'_>, client: ClientId, alert: &Alert) -> Result<i64> {
        let key = (client, alert.module, alert.rule.id.clone(), alert.rule.name.clone());
        if let Some(number) = self.rules.get(&key) {
            return Ok(*number);
        }
        let number = rules::number(sql, client, alert.module, &key.2, &key.3)?;
        if self.rules.len() >= RULES {
            self.rules.clear();
        }
        self.rules.insert(key, number);
        Ok(number)
    }
}

/// Number and stamp of the last alert that ever was.
pub(crate) fn high_water(sql: Sql<'_>) -> Result<(i64, i64)> {
    let get = |name: &str| sql.number("SELECT value FROM meta WHERE name = ?1", [name]);
    Ok((get("last number")?, get("last stamp")?))
}
