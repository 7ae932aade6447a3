//! Which alerts are about an entity: (part, client, entity, alert). A part is a range of a million alert numbers, so that writing
//! touches only the pages of the latest part, however large the whole grows, and what is old goes by ranges.

use crate::engine::sql::{Sql, params};

use crate::Result;
use crate::id::ClientId;

const PART_BITS: u32 = 20;

/// The part that an alert's number lies in.
pub(crate) fn part(number: i64) -> i64 {
    number >> PART_BITS
}

/// Inserts pairs of entity and alert.
pub(crate) fn insert(sql: Sql<'_>, client: ClientId, mut pairs: Vec<(i64, i64)>) -> Result<()> {
    // In the tree's order: neighbours share a page.
    pairs.sort_unstable_by_key(|(entity, number)| (part(*number), *entity, *number));
    for (entity, number) in pairs {
        sql.run(
            "INSERT OR IGNORE INTO posting (part, client, entity, alert) VALUES (?1, ?2, ?3, ?4)",
            params![part(number), client, entity, number],
        )?;
    }
    Ok(())
}

/// The numbers of an entity's alerts below one and above another, latest first.
pub(crate) fn below(
    sql: Sql<'_>,
    client: ClientId,
    entity: i64,
    below: i64,
    above: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    let Some(last) = last_part(sql)? else { return Ok(found) };
    let mut at = last.min(part(below - 1));
    while at >= part(above) && (found.len() as i64) < limit {
        let left = limit - found.len() as i64;
        found.extend(sql.all(
            "SELECT alert FROM posting WHERE part = ?1 AND client = ?2 AND entity = ?3 AND alert < ?4 AND alert > ?5 \
             ORDER BY alert DESC LIMIT ?6",
            params![at, client, entity, below, above, left],
            |row| row.get::<_, i64>(0),
        )?);
        at -= 1;
    }
    Ok(found)
}

fn last_part(sql: Sql<'_>) -> Result<Option<i64>> {
    sql.one(
        "SELECT part FROM posting ORDER BY part DESC LIMIT 1 /* across clients: the last part */ /* in order: one row */",
        [],
        |row| row.get(0),
    )
}

/// Forgets an alert's entities.
pub(crate) fn forget(sql: Sql<'_>, client: ClientId, number: i64, entities: &[i64]) -> Result<()> {
    for entity in entities {
        sql.run(
            "DELETE FROM posting WHERE part = ?1 AND client = ?2 AND entity = ?3 AND alert = ?4",
            params![part(number), client, entity, number],
        )?;
    }
    Ok(())
}
