//! The large tables in parts: ranges of four million alert numbers. What is new touches only the latest part, and what is old goes
//! at once, with its part.

use crate::Result;
use crate::engine::postgresql::line::Line;
use crate::engine::sql::Sql;

/// Numbers in a part.
pub(crate) const PART: i64 = 1 << 22;
/// Parts that are ready before they are needed.
const AHEAD: i64 = 2;
/// The partitioned tables; the column that holds the alert's number.
const TABLES: [(&str, &str); 4] =
    [("alert", "number"), ("body", "alert"), ("posting", "alert"), ("alert_word", "alert")];

/// Makes the parts that will be needed next. They are made apart and then attached, which nobody waits for.
pub(crate) fn prepare(line: &Line) -> Result<()> {
    let latest = Sql::Postgres(line).number("SELECT last_value FROM alert_number", [])? / PART;
    cover(line, latest)
}

/// Makes the parts from this one on to those that will be needed next.
pub(crate) fn cover(line: &Line, first: i64) -> Result<()> {
    let sql = Sql::Postgres(line);
    let latest = sql.number("SELECT last_value FROM alert_number", [])? / PART;
    let there = parts(sql)?;
    for part in first..=latest + AHEAD {
        if there.contains(&part) {
            continue;
        }
        let (from, to) = (part * PART, (part + 1) * PART);
        for (table, _) in TABLES {
            let name = format!("{table}_{part:06}");
            line.batch(&format!(
                "SET LOCAL lock_timeout = '5s'; CREATE TABLE {name} (LIKE {table} INCLUDING ALL); \
                 ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})"
            ))?;
        }
        tracing::info!(part, "made room for the next alerts");
    }
    Ok(())
}

/// The parts that are there, lowest first.
pub(crate) fn parts(sql: Sql<'_>) -> Result<Vec<i64>> {
    sql.all(
        "SELECT CAST(right(relname, 6) AS bigint) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
         WHERE inhparent = CAST('alert' AS regclass) ORDER BY 1",
        [],
        |row| row.get(0),
    )
}

/// Drops a part with everything in it.
pub(crate) fn drop(line: &Line, part: i64) -> Result<()> {
    line.batch("SET LOCAL lock_timeout = '5s'")?;
    for (table, _) in TABLES {
        line.batch(&format!("DROP TABLE {table}_{part:06}"))?;
    }
    Ok(())
}

/// Bytes that the alerts take, as far as they have not been deleted.
pub(crate) fn used_bytes(sql: Sql<'_>) -> Result<u64> {
    let bytes = sql.number(
        "SELECT CAST(sum(pg_total_relation_size(inhrelid)) AS bigint) FROM pg_inherits WHERE inhparent IN \
         (CAST('alert' AS regclass), CAST('body' AS regclass), CAST('posting' AS regclass), CAST('alert_word' AS regclass))",
        [],
    )?;
    // What was deleted is free for the next alerts, though the files stay as they are.
    let first = parts(sql)?.first().copied().unwrap_or(0) * PART;
    let numbers = sql.number("SELECT last_value FROM alert_number", [])? - first;
    let alerts = sql.number("SELECT CAST(sum(alerts) AS bigint) FROM tally /* across clients: a sum */", [])?;
    let share = (alerts as f64 / numbers.max(1) as f64).clamp(0.0, 1.0);
    Ok((bytes as f64 * share) as u64)
}
