//! SQLite: one writer, a few readers.
//!
//! # Invariants
//! - Only the writer's thread changes the database. Jobs reach it through a bounded channel; it takes what waits, runs
//!   each in a SAVEPOINT of its own, and answers after one COMMIT for all (`synchronous=FULL`: on the disk).
//! - Whatever the writer remembers between jobs (dictionaries, counters) is forgotten when a transaction is undone.
//! - Readers cannot write (`query_only`), and each reads one snapshot.
//! - All SQL goes through [`crate::engine::sql::Sql`], which takes only texts fixed at compile time and has them checked by [`crate::engine::guard`].

mod failure;
pub(crate) mod readers;
pub(crate) mod writer;

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::engine::sql::Sql;
use crate::{Error, Result};

/// The migrations, in order: the database's `user_version` is how many it has had.
const MIGRATIONS: [&str; 2] = [
    include_str!("../../../migrations/sqlite/0001_begin.sql"),
    include_str!("../../../migrations/sqlite/0002_tickets.sql"),
];

pub(crate) use failure::is_taken;

/// How much of the machine a connection may take.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    /// Page cache, in KiB.
    pub(crate) cache_kib: u32,
    /// Bytes of the file that are mapped into memory.
    pub(crate) mmap: i64,
    /// Prepared statements kept.
    pub(crate) statements: usize,
}

/// Opens the file for writing, making it (0600) if it is not there.
pub(crate) fn open_writer(path: &Path, share: Share) -> Result<Connection> {
    if !path.exists() {
        create_private(path)?;
    }
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // Both only count before the first table is made.
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // The writer's loop checkpoints, so that no commit pays for it by surprise.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    limit(&connection, share)?;
    Ok(connection)
}

/// Opens the file for reading only.
pub(crate) fn open_reader(path: &Path, share: Share) -> Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    limit(&connection, share)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn limit(connection: &Connection, share: Share) -> Result<()> {
    connection.pragma_update(None, "cache_size", -i64::from(share.cache_kib))?;
    connection.pragma_update(None, "mmap_size", share.mmap)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(share.statements);
    Ok(())
}

#[cfg(unix)]
fn create_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Error::Full(format!("cannot make the database file {}: {error}", path.display())))?;
    Ok(())
}

#[cfg(not(unix))]
fn create_private(_: &Path) -> Result<()> {
    Ok(())
}

/// Runs `work` in a transaction of its own: what has to be there before the writer starts.
pub(crate) fn within<T>(connection: &mut Connection, work: impl FnOnce(Sql<'_>) -> Result<T>) -> Result<T> {
    let transaction = connection.transaction()?;
    let done = work(Sql::Sqlite(&transaction))?;
    transaction.commit()?;
    Ok(done)
}

/// Brings the tables up to date, all or nothing.
pub(crate) fn migrate(connection: &mut Connection) -> Result<()> {
    let have: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let have = have as usize;
    if have > MIGRATIONS.len() {
        return Err(Error::Damaged(format!(
            "the database was made by a newer version (schema {have}, this version knows {}): update SOCme",
            MIGRATIONS.len()
        )));
    }
    for (number, sql) in MIGRATIONS.iter().enumerate().skip(have) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number as u32 + 1)?;
        transaction.commit()?;
        tracing::info!(schema = number + 1, "database brought up to date");
    }
    Ok(())
}

/// Bytes of the database that are in use: its pages less the free ones.
pub(crate) fn used_bytes(connection: &Connection) -> Result<u64> {
    let pragma = |name: &str| -> Result<i64> { Ok(connection.pragma_query_value(None, name, |row| row.get(0))?) };
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(u64::try_from(pages * pragma("page_size")?).unwrap_or(0))
}

/// Gives some free pages back to the file system, if it may.
pub(crate) fn give_back(connection: &Connection, pages: i64) {
    connection.pragma_update(None, "incremental_vacuum", pages).ok();
}

/// Every table but the engine's own, with its columns.
#[cfg(test)]
pub(crate) fn columns() -> std::collections::BTreeMap<String, Vec<String>> {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection).unwrap();
    let sql = "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'word%'";
    let mut statement = connection.prepare(sql).unwrap();
    let mut found = std::collections::BTreeMap::<String, Vec<String>>::new();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    for (table, column) in rows.map(std::result::Result::unwrap) {
        found.entry(table).or_default().push(column);
    }
    found
}
