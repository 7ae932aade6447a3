//! The one road to SQLite: texts that are fixed at compile time, prepared once per connection.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Params};
pub(crate) use rusqlite::{Row, params};

use crate::Result;
use crate::engine::guard;

/// A connection, within a transaction.
#[derive(Clone, Copy)]
pub(crate) struct Sql<'c>(&'c Connection);

impl<'c> Sql<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self(connection)
    }

    /// Prepares `sql`, or takes it from the connection's cache.
    pub(crate) fn prepare(self, sql: &'static str) -> Result<CachedStatement<'c>> {
        guard::check(self.0, sql);
        Ok(self.0.prepare_cached(sql)?)
    }

    /// Runs `sql`; says how many rows it changed.
    pub(crate) fn run(self, sql: &'static str, params: impl Params) -> Result<usize> {
        Ok(self.prepare(sql)?.execute(params)?)
    }

    /// As [`Self::run`]; none if a UNIQUE or other constraint forbids it.
    pub(crate) fn run_unless_taken(self, sql: &'static str, params: impl Params) -> Result<Option<usize>> {
        match self.prepare(sql)?.execute(params) {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if crate::error::is_taken(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Runs an INSERT that ends in `RETURNING id`; says the new row's number.
    pub(crate) fn insert(self, sql: &'static str, params: impl Params) -> Result<i64> {
        Ok(self.prepare(sql)?.query_row(params, |row| row.get(0))?)
    }

    /// As [`Self::insert`]; none if a UNIQUE or other constraint forbids it.
    pub(crate) fn insert_unless_taken(self, sql: &'static str, params: impl Params) -> Result<Option<i64>> {
        match self.prepare(sql)?.query_row(params, |row| row.get(0)) {
            Ok(id) => Ok(Some(id)),
            Err(error) if crate::error::is_taken(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The first row, if there is one.
    pub(crate) fn one<T>(
        self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.prepare(sql)?.query_row(params, read).optional()?)
    }

    /// All rows.
    pub(crate) fn all<T>(
        self,
        sql: &'static str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map(params, read)?.collect::<rusqlite::Result<Vec<T>>>()?;
        Ok(rows)
    }

    /// The first column of the first row as a number; 0 if there is none.
    pub(crate) fn number(self, sql: &'static str, params: impl Params) -> Result<i64> {
        Ok(self.one(sql, params, |row| row.get::<_, Option<i64>>(0))?.flatten().unwrap_or(0))
    }

    pub(crate) fn connection(self) -> &'c Connection {
        self.0
    }
}
