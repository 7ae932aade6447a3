//! What a writer remembers from job to job, so that it need not ask the database each time. It is all forgotten when a
//! transaction is undone.
//!
//! With PostgreSQL other replicas write as well: then only what never changes once it is made is remembered, which is the numbers
//! of rules (a client's number is never given again).

use std::collections::HashMap;

use wire::{Alert, Source};

use crate::engine::sql::{Sql, params};
use crate::id::{ClientId, next_stamp};
use crate::{Error, Result, rules};

/// Rules remembered; then all are forgotten. A node that invents rules fills the table of its own alerts, not memory.
const RULES: usize = 50_000;

/// All of it.
#[derive(Default)]
pub(crate) struct Memory {
    last: Option<(i64, i64)>,
    rules: HashMap<(ClientId, Source, String, String), i64>,
}

impl Memory {
    /// Numbers and stamps for a client's next alerts; they only rise, and are never given twice, not even if the last
    /// alerts are deleted. With PostgreSQL the client is claimed by it.
    pub(crate) fn take(&mut self, sql: Sql<'_>, client: ClientId, count: usize, now: i64) -> Result<Vec<(i64, i64)>> {
        let (numbers, mut stamp): (Vec<i64>, i64) = match sql {
            Sql::Sqlite(_) => {
                let (last, stamp) = match self.last {
                    Some(last) => last,
                    None => high_water(sql)?,
                };
                ((last + 1..=last + count as i64).collect(), stamp)
            }
            Sql::Postgres(_) => {
                let text = "SELECT stamp FROM tally WHERE client = ?1 FOR UPDATE";
                let stamp = sql.one(text, [client], |row| row.get(0))?.ok_or(Error::NotFound("client"))?;
                (sql.all("SELECT take_numbers(?1)", [count as i64], |row| row.get(0))?, stamp)
            }
        };
        let taken: Vec<(i64, i64)> = numbers
            .into_iter()
            .map(|number| {
                stamp = next_stamp(stamp, now);
                (number, stamp)
            })
            .collect();
        if let Some(last) = taken.last() {
            self.last = Some(*last);
        }
        Ok(taken)
    }

    /// Counts a client's new alerts, and writes down how far numbers were taken.
    pub(crate) fn save(&self, sql: Sql<'_>, client: ClientId, new: i64) -> Result<()> {
        let Some((number, stamp)) = self.last else { return Ok(()) };
        match sql {
            Sql::Sqlite(_) => {
                let count = "UPDATE tally SET alerts = alerts + ?2, open = open + ?2 WHERE client = ?1";
                sql.run(count, params![client, new])?;
                let save = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                sql.run(save, params!["last number", number])?;
                sql.run(save, params!["last stamp", stamp])?;
            }
            Sql::Postgres(_) => {
                let save =
                    "UPDATE tally SET alerts = alerts + ?2, open = open + ?2, last = ?3, stamp = ?4 WHERE client = ?1";
                sql.run(save, params![client, new, number, stamp])?;
            }
        }
        Ok(())
    }

    /// The numbers of the rules of some alerts of a client, in their order; new ones for those that were never seen.
    pub(crate) fn rules<'a>(
        &mut self,
        sql: Sql<'_>,
        client: ClientId,
        alerts: impl Iterator<Item = &'a Alert> + Clone,
    ) -> Result<Vec<i64>> {
        let key = |alert: &'a Alert| (alert.module, alert.rule.id.as_str(), alert.rule.name.as_str());
        let mut known: HashMap<(Source, &str, &str), Option<i64>> = HashMap::new();
        for (module, rule, name) in alerts.clone().map(key) {
            known
                .entry((module, rule, name))
                .or_insert_with(|| self.rules.get(&(client, module, rule.to_owned(), name.to_owned())).copied());
        }
        let unknown: Vec<_> = known.iter().filter(|(_, number)| number.is_none()).map(|(key, _)| *key).collect();
        if !unknown.is_empty() {
            if self.rules.len() + unknown.len() >= RULES {
                self.rules.clear();
            }
            for ((module, rule, name), number) in unknown.iter().zip(rules::numbers(sql, client, &unknown)?) {
                known.insert((*module, rule, name), Some(number));
                self.rules.insert((client, *module, (*rule).to_owned(), (*name).to_owned()), number);
            }
        }
        alerts.map(|alert| known.get(&key(alert)).copied().flatten().ok_or(Error::NotFound("rule"))).collect()
    }
}

/// Number and stamp of the last alert that ever was.
pub(crate) fn high_water(sql: Sql<'_>) -> Result<(i64, i64)> {
    match sql {
        Sql::Sqlite(_) => {
            let get = |name: &str| sql.number("SELECT value FROM meta WHERE name = ?1", [name]);
            Ok((get("last number")?, get("last stamp")?))
        }
        Sql::Postgres(_) => {
            let text =
                "SELECT last, stamp FROM tally ORDER BY last DESC LIMIT 1 /* across clients: the last alert of all */";
            Ok(sql.one(text, [], |row| Ok((row.get(0)?, row.get(1)?)))?.unwrap_or((0, 0)))
        }
    }
}
