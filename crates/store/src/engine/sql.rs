//! The one road to the database: texts that are fixed at compile time, with parameters `?1`, `?2`… Nothing outside `engine`
//! knows which database it is.
#![expect(clippy::needless_pass_by_value, reason = "parameters are made where they are passed")]

use std::ops::ControlFlow;

use rusqlite::{CachedStatement, Connection, types};

use crate::engine::failure::is_taken;
use crate::engine::guard;
pub(crate) use crate::engine::value::{FromValue, Params, ToValue, Value, params};
use crate::{Error, Result};

/// A connection, within a transaction.
#[derive(Clone, Copy)]
pub(crate) struct Sql<'c>(&'c Connection);

/// One row of an answer.
pub(crate) struct Row<'r>(&'r rusqlite::Row<'r>);

impl Row<'_> {
    /// The value of a column, from 0 on.
    pub(crate) fn get<I: Column, T: FromValue>(&self, at: I) -> Result<T> {
        T::from_value(self.value(at)?)
    }

    /// The same without a copy.
    pub(crate) fn value(&self, at: impl Column) -> Result<Value<'_>> {
        Ok(match self.0.get_ref(at.place())? {
            types::ValueRef::Null => Value::Null,
            types::ValueRef::Integer(number) => Value::Integer(number),
            types::ValueRef::Real(number) => Value::Real(number),
            types::ValueRef::Text(text) => {
                Value::Text(std::str::from_utf8(text).map_err(|_| Error::Damaged("a text is not UTF-8".into()))?)
            }
            types::ValueRef::Blob(bytes) => Value::Blob(bytes),
        })
    }

    /// The bytes in a column without a copy.
    pub(crate) fn blob(&self, at: impl Column) -> Result<&[u8]> {
        match self.value(at)? {
            Value::Blob(bytes) => Ok(bytes),
            _ => Err(Error::Damaged("a column holds no bytes where bytes are expected".into())),
        }
    }
}

/// Where a value is in its row.
pub(crate) trait Column {
    fn place(self) -> usize;
}

impl Column for usize {
    fn place(self) -> usize {
        self
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<types::ToSqlOutput<'_>> {
        Ok(types::ToSqlOutput::Borrowed(match *self {
            Self::Null => types::ValueRef::Null,
            Self::Integer(number) => types::ValueRef::Integer(number),
            Self::Real(number) => types::ValueRef::Real(number),
            Self::Text(text) => types::ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => types::ValueRef::Blob(bytes),
        }))
    }
}

impl<'c> Sql<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self(connection)
    }

    /// The statement, from the connection's cache if it is there, with its parameters.
    fn bound(self, sql: &'static str, params: &impl Params) -> Result<CachedStatement<'c>> {
        guard::check(self.0, sql);
        let mut statement = self.0.prepare_cached(sql)?;
        if statement.parameter_count() != params.count() {
            let wanted = statement.parameter_count();
            return Err(Error::Damaged(format!("{} parameters for a statement that takes {wanted}", params.count())));
        }
        for at in 0..params.count() {
            statement.raw_bind_parameter(at + 1, params.value(at))?;
        }
        Ok(statement)
    }

    /// Runs `sql`; says how many rows it changed.
    pub(crate) fn run(self, sql: &'static str, params: impl Params) -> Result<usize> {
        Ok(self.bound(sql, &params)?.raw_execute()?)
    }

    /// As [`Self::run`]; none if a UNIQUE or other constraint forbids it.
    pub(crate) fn run_unless_taken(self, sql: &'static str, params: impl Params) -> Result<Option<usize>> {
        match self.bound(sql, &params)?.raw_execute() {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if is_taken(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Runs an INSERT into a table that has an `id`; says the new row's.
    pub(crate) fn insert(self, sql: &'static str, params: impl Params) -> Result<i64> {
        self.run(sql, params)?;
        Ok(self.0.last_insert_rowid())
    }

    /// As [`Self::insert`]; none if a UNIQUE or other constraint forbids it.
    pub(crate) fn insert_unless_taken(self, sql: &'static str, params: impl Params) -> Result<Option<i64>> {
        Ok(self.run_unless_taken(sql, params)?.map(|_| self.0.last_insert_rowid()))
    }

    /// The first row, if there is one.
    pub(crate) fn one<T>(
        self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.bound(sql, &params)?;
        let mut rows = statement.raw_query();
        rows.next()?.map(|row| read(&Row(row))).transpose()
    }

    /// All rows.
    pub(crate) fn all<T>(
        self,
        sql: &'static str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.walk(sql, params, |row| {
            all.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// Row after row, until the visitor has enough.
    pub(crate) fn walk(
        self,
        sql: &'static str,
        params: impl Params,
        mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut statement = self.bound(sql, &params)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            if visit(&Row(row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The first column of the first row as a number; 0 if there is none.
    pub(crate) fn number(self, sql: &'static str, params: impl Params) -> Result<i64> {
        Ok(self.one(sql, params, |row| row.get::<_, Option<i64>>(0))?.flatten().unwrap_or(0))
    }

    /// Bytes of the database that are in use: its pages less the free ones.
    pub(crate) fn used_bytes(self) -> Result<u64> {
        let pragma = |name: &str| -> Result<i64> { Ok(self.0.pragma_query_value(None, name, |row| row.get(0))?) };
        let pages = pragma("page_count")? - pragma("freelist_count")?;
        Ok(u64::try_from(pages * pragma("page_size")?).unwrap_or(0))
    }

    /// Gives some free pages back to the file system, if it may.
    pub(crate) fn give_back(self, pages: i64) {
        self.0.pragma_update(None, "incremental_vacuum", pages).ok();
    }
}
