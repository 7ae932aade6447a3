//! Brings the tables up to date.
//!
//! # How a migration stays safe while the old version runs
//! Replicas are updated one after the other, so for a while two versions use the same tables. A migration therefore only *expands*: it adds
//! tables, columns that are empty or have a default, indexes, functions. It never renames, retypes or drops what the version before it
//! reads or writes, and never forbids what it writes. What is no longer used is taken away by a migration of the *next* version
//! («contract»), when nothing uses it any more. An index on a large table is built by its partitions, one at a time.
//!
//! A replica that *starts* on tables newer than it knows refuses to; one that runs already goes on, as the rule above allows. So one
//! updates, and never goes back.
//!
//! Only one replica migrates at a time (a lock that ends with the transaction); each migration is one transaction, and gives up rather than
//! make everybody wait behind it (`lock_timeout`).

use super::line::{Line, Purpose};
use super::place::Place;
use crate::engine::sql::{Lock, Sql};
use crate::{Error, Result};

/// The migrations, in order.
const MIGRATIONS: [&str; 2] = [
    include_str!("../../../migrations/postgres/0001_begin.sql"),
    include_str!("../../../migrations/postgres/0002_tickets.sql"),
];

/// Oldest PostgreSQL that has all we use.
const OLDEST: i64 = 150_000;

/// Brings the tables up to date; each step all or nothing.
pub(crate) fn migrate(place: &Place) -> Result<()> {
    let line = Line::new(place, Purpose::Writing);
    version(Sql::Postgres(&line))?;
    line.commit()?;
    while step(&line)? {}
    Ok(())
}

/// Looks at a database without changing it; says in a few words what it is.
pub(crate) fn look(place: &Place) -> Result<String> {
    let line = Line::new(place, Purpose::Reading);
    let sql = Sql::Postgres(&line);
    let version = version(sql)?;
    let made = sql
        .number("SELECT count(*) FROM pg_tables WHERE tablename = 'migration' AND schemaname = current_schema()", [])?;
    let tables = match made {
        0 => "empty; its tables are made at the first start".into(),
        _ => {
            let have = sql.number("SELECT max(version) FROM migration", [])?;
            check(have)?;
            format!("schema {have}")
        }
    };
    line.commit()?;
    Ok(format!("PostgreSQL {version}, {tables}"))
}

/// The server's version, if it is recent enough.
fn version(sql: Sql<'_>) -> Result<i64> {
    let version = sql.number("SELECT CAST(current_setting('server_version_num') AS bigint)", [])?;
    if version < OLDEST {
        return Err(Error::Damaged(format!("PostgreSQL {} is too old: SOCme needs 15 or later", version / 10_000)));
    }
    Ok(version / 10_000)
}

/// Refuses tables that were made by a later version.
fn check(have: i64) -> Result<()> {
    let known = MIGRATIONS.len() as i64;
    if have > known {
        return Err(Error::Damaged(format!(
            "the database was made by a newer version (schema {have}, this version knows {known}): update SOCme"
        )));
    }
    Ok(())
}

/// One migration; true if there may be more.
fn step(line: &Line) -> Result<bool> {
    let done = attempt(line);
    match done {
        Ok(_) => line.commit()?,
        Err(_) => line.undo(),
    }
    done
}

fn attempt(line: &Line) -> Result<bool> {
    let sql = Sql::Postgres(line);
    sql.alone(Lock::Tables)?;
    line.batch(
        "CREATE TABLE IF NOT EXISTS migration (version bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
    )?;
    let have = sql.number("SELECT max(version) FROM migration", [])?;
    check(have)?;
    let Some(text) = usize::try_from(have).ok().and_then(|have| MIGRATIONS.get(have)) else { return Ok(false) };
    line.batch("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '1h'")?;
    line.batch(text)?;
    sql.run("INSERT INTO migration (version) VALUES (?1)", [have + 1])?;
    tracing::info!(schema = have + 1, "database brought up to date");
    Ok(true)
}
