//! Rules, as each client's nodes describe them.

use std::collections::HashMap;

use crate::engine::sql::{Sql, params};
use wire::Source;

use crate::id::ClientId;
use crate::{Error, Result};

/// The number of a rule; a new one if it was never seen.
pub(crate) fn number(sql: Sql<'_>, client: ClientId, module: Source, rule: &str, name: &str) -> Result<i64> {
    let known = sql.one(
        "SELECT id FROM rule WHERE client = ?1 AND module = ?2 AND rule = ?3 AND name = ?4",
        params![client, module as i64, rule, name],
        |row| row.get(0),
    )?;
    match known {
        Some(number) => Ok(number),
        None => sql.insert(
            "INSERT INTO rule (client, module, rule, folded, name) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![client, module as i64, rule, rule.to_lowercase(), name],
        ),
    }
}

/// Where a rule comes from.
pub(crate) fn module(sql: Sql<'_>, client: ClientId, rule: i64) -> Result<i64> {
    sql.one("SELECT module FROM rule WHERE id = ?1 AND client = ?2", params![rule, client], |row| row.get(0))?
        .ok_or_else(|| Error::Damaged(format!("rule {rule} is missing")))
}

/// Counts alerts per rule: by this a search decides where to begin.
pub(crate) fn add(sql: Sql<'_>, client: ClientId, counts: HashMap<i64, i64>) -> Result<()> {
    for (rule, count) in counts {
        sql.run(
            "UPDATE rule SET alerts = max(0, alerts + ?3) WHERE id = ?1 AND client = ?2",
            params![rule, client, count],
        )?;
    }
    Ok(())
}
