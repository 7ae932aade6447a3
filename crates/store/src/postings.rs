//! Which alerts are about an entity: (part, client, entity, alert). A part is a range of a million alert numbers, so that writing
//! touches only the pages of the latest part, however large the whole grows, and what is old goes by ranges.

use crate::engine::sql::{Sql, params, row};

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
    match sql {
        Sql::Sqlite(_) => {
            let rows: Vec<_> =
                pairs.iter().map(|(entity, number)| row![part(*number), client, *entity, *number]).collect();
            let text =
                "INSERT INTO posting (part, client, entity, alert) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
            sql.run_many(text, &rows)
        }
        // The table itself is in parts.
        Sql::Postgres(_) => {
            let rows: Vec<_> = pairs.iter().map(|(entity, number)| row![client, *entity, *number]).collect();
            let text = "INSERT INTO posting (client, entity, alert) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            sql.run_many(text, &rows)
        }
    }
}

/// The numbers of entities' alerts, latest first, for each (client, entity, below, above, how many).
pub(crate) fn below(sql: Sql<'_>, wanted: &[(ClientId, i64, i64, i64, i64)]) -> Result<Vec<Vec<i64>>> {
    match sql {
        Sql::Sqlite(_) => wanted.iter().map(|wanted| below_by_parts(sql, *wanted)).collect(),
        Sql::Postgres(_) => {
            let keys: Vec<_> = wanted
                .iter()
                .map(|(client, entity, below, above, limit)| row![*client, *entity, *below, *above, *limit])
                .collect();
            let text = "SELECT alert FROM posting WHERE client = ?1 AND entity = ?2 AND alert < ?3 AND alert > ?4 \
                        ORDER BY alert DESC LIMIT ?5";
            sql.all_many(text, &keys, |row| row.get(0))
        }
    }
}

fn below_by_parts(
    sql: Sql<'_>,
    (client, entity, below, above, limit): (ClientId, i64, i64, i64, i64),
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

/// Forgets pairs of entity and alert.
pub(crate) fn forget(sql: Sql<'_>, client: ClientId, pairs: &[(i64, i64)]) -> Result<()> {
    match sql {
        Sql::Sqlite(_) => {
            let rows: Vec<_> =
                pairs.iter().map(|(entity, number)| row![part(*number), client, *entity, *number]).collect();
            let text = "DELETE FROM posting WHERE part = ?1 AND client = ?2 AND entity = ?3 AND alert = ?4";
            sql.run_many(text, &rows)
        }
        Sql::Postgres(_) => {
            let rows: Vec<_> = pairs.iter().map(|(entity, number)| row![client, *entity, *number]).collect();
            sql.run_many("DELETE FROM posting WHERE client = ?1 AND entity = ?2 AND alert = ?3", &rows)
        }
    }
}
