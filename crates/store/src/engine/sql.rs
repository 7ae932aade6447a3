//! The one road to the database: texts that are fixed at compile time, with parameters `?1`, `?2`… Nothing outside `engine`
//! knows which database it is.
#![expect(clippy::needless_pass_by_value, reason = "parameters are made where they are passed")]

use std::ops::ControlFlow;

use rusqlite::{CachedStatement, Connection, types};

use crate::engine::guard;
use crate::engine::postgresql::line::Line;
use crate::engine::sqlite::is_taken;
pub(crate) use crate::engine::value::{FromValue, Params, ToValue, Value, params, row};
use crate::id::ClientId;
use crate::{Error, Result};

/// A connection, within a transaction. What differs between the two is told apart where it is used.
#[derive(Clone, Copy)]
pub(crate) enum Sql<'c> {
    Sqlite(&'c Connection),
    Postgres(&'c Line),
}

/// What belongs to no client and is read, then changed: under one of these locks, so that nobody else does so in between.
#[derive(Clone, Copy)]
pub(crate) enum Lock {
    /// Who may sign in, and the last administrator.
    Users = 1,
    /// Tokens and keys of nodes.
    Enrolment = 2,
    /// The core's certificate authorities.
    Authorities = 3,
    /// The database's tables.
    Tables = 4,
    /// The text index.
    Text = 5,
    /// What is deleted because it is old.
    Retention = 6,
}

/// One row of an answer.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    /// The first columns may be the engine's own.
    Postgres(&'r postgres::Row, usize),
}

impl Row<'_> {
    /// The value of a column, from 0 on.
    pub(crate) fn get<I: Column, T: FromValue>(&self, at: I) -> Result<T> {
        T::from_value(self.value(at)?)
    }

    /// The same without a copy.
    pub(crate) fn value(&self, at: impl Column) -> Result<Value<'_>> {
        match self {
            Self::Sqlite(row) => Ok(match row.get_ref(at.place())? {
                types::ValueRef::Null => Value::Null,
                types::ValueRef::Integer(number) => Value::Integer(number),
                types::ValueRef::Real(number) => Value::Real(number),
                types::ValueRef::Text(text) => {
                    Value::Text(std::str::from_utf8(text).map_err(|_| Error::Damaged("a text is not UTF-8".into()))?)
                }
                types::ValueRef::Blob(bytes) => Value::Blob(bytes),
            }),
            Self::Postgres(row, skip) => Ok(row.try_get(at.place() + skip)?),
        }
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

/// The statement, from the connection's cache if it is there, with its parameters.
fn bound<'c>(connection: &'c Connection, sql: &'static str, params: &impl Params) -> Result<CachedStatement<'c>> {
    let mut statement = connection.prepare_cached(sql)?;
    if statement.parameter_count() != params.count() {
        let wanted = statement.parameter_count();
        return Err(Error::Damaged(format!("{} parameters for a statement that takes {wanted}", params.count())));
    }
    for at in 0..params.count() {
        statement.raw_bind_parameter(at + 1, params.value(at))?;
    }
    Ok(statement)
}

impl Sql<'_> {
    /// Runs `sql`; says how many rows it changed.
    pub(crate) fn run(self, sql: &'static str, params: impl Params) -> Result<usize> {
        guard::check(self, sql);
        match self {
            Self::Sqlite(connection) => Ok(bound(connection, sql, &params)?.raw_execute()?),
            Self::Postgres(line) => line.run(sql, &params),
        }
    }

    /// As [`Self::run`]; none if a UNIQUE or other constraint forbids it.
    pub(crate) fn run_unless_taken(self, sql: &'static str, params: impl Params) -> Result<Option<usize>> {
        guard::check(self, sql);
        match self {
            Self::Sqlite(connection) => match bound(connection, sql, &params)?.raw_execute() {
                Ok(rows) => Ok(Some(rows)),
                Err(error) if is_taken(&error) => Ok(None),
                Err(error) => Err(error.into()),
            },
            Self::Postgres(line) => line.run_unless_taken(sql, &params),
        }
    }

    /// Runs `sql`, which inserts, updates or deletes, once for each row of parameters; no two of them may touch the same row of
    /// the table.
    pub(crate) fn run_many<const N: usize>(self, sql: &'static str, rows: &[[Value<'_>; N]]) -> Result<()> {
        guard::check(self, sql);
        match self {
            Self::Sqlite(connection) => {
                let Some(first) = rows.first() else { return Ok(()) };
                let mut statement = bound(connection, sql, &first)?;
                statement.raw_execute()?;
                for row in &rows[1..] {
                    for (at, value) in row.iter().enumerate() {
                        statement.raw_bind_parameter(at + 1, value)?;
                    }
                    statement.raw_execute()?;
                }
                Ok(())
            }
            Self::Postgres(line) => line.run_many(sql, rows),
        }
    }

    /// Runs an INSERT into a table that has an `id`; says the new row's.
    pub(crate) fn insert(self, sql: &'static str, params: impl Params) -> Result<i64> {
        guard::check(self, sql);
        match self {
            Self::Sqlite(connection) => {
                bound(connection, sql, &params)?.raw_execute()?;
                Ok(connection.last_insert_rowid())
            }
            Self::Postgres(line) => {
                let rows = line.rows(&format!("{sql} RETURNING id"), &params)?;
                let row = rows.first().ok_or_else(|| Error::Damaged(format!("nothing was inserted by: {sql}")))?;
                Row::Postgres(row, 0).get(0)
            }
        }
    }

    /// As [`Self::insert`]; none if a UNIQUE constraint forbids it.
    pub(crate) fn insert_unless_taken(self, sql: &'static str, params: impl Params) -> Result<Option<i64>> {
        guard::check(self, sql);
        match self {
            Self::Sqlite(connection) => Ok(self.run_unless_taken(sql, params)?.map(|_| connection.last_insert_rowid())),
            Self::Postgres(line) => {
                let rows = line.rows(&format!("{sql} ON CONFLICT DO NOTHING RETURNING id"), &params)?;
                rows.first().map(|row| Row::Postgres(row, 0).get(0)).transpose()
            }
        }
    }

    /// The first row, if there is one.
    pub(crate) fn one<T>(
        self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        guard::check(self, sql);
        match self {
            Self::Sqlite(connection) => {
                let mut statement = bound(connection, sql, &params)?;
                let mut rows = statement.raw_query();
                rows.next()?.map(|row| read(&Row::Sqlite(row))).transpose()
            }
            Self::Postgres(line) => {
                line.rows(sql, &params)?.first().map(|row| read(&Row::Postgres(row, 0))).transpose()
            }
        }
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

    /// All rows for each of many rows of parameters, in their order.
    pub(crate) fn all_many<T, const N: usize>(
        self,
        sql: &'static str,
        keys: &[[Value<'_>; N]],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<Vec<T>>> {
        guard::check(self, sql);
        match self {
            Self::Sqlite(_) => keys.iter().map(|key| self.all(sql, key, &mut read)).collect(),
            Self::Postgres(line) => {
                let mut all: Vec<Vec<T>> = keys.iter().map(|_| Vec::new()).collect();
                for row in line.rows_many(sql, keys)? {
                    let at: i64 = Row::Postgres(&row, 0).get(0)?;
                    if let Some(of_key) = usize::try_from(at - 1).ok().and_then(|at| all.get_mut(at)) {
                        of_key.push(read(&Row::Postgres(&row, 1))?);
                    }
                }
                Ok(all)
            }
        }
    }

    /// Row after row, until the visitor has enough.
    pub(crate) fn walk(
        self,
        sql: &'static str,
        params: impl Params,
        mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        guard::check(self, sql);
        match self {
            Self::Sqlite(connection) => {
                let mut statement = bound(connection, sql, &params)?;
                let mut rows = statement.raw_query();
                while let Some(row) = rows.next()? {
                    if visit(&Row::Sqlite(row))?.is_break() {
                        break;
                    }
                }
            }
            Self::Postgres(line) => {
                for row in line.rows(sql, &params)? {
                    if visit(&Row::Postgres(&row, 0))?.is_break() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The first column of the first row as a number; 0 if there is none.
    pub(crate) fn number(self, sql: &'static str, params: impl Params) -> Result<i64> {
        Ok(self.one(sql, params, |row| row.get::<_, Option<i64>>(0))?.flatten().unwrap_or(0))
    }

    /// Whoever changes something of a client claims it first, and has it to themselves until the end of the transaction.
    pub(crate) fn claim(self, client: ClientId) -> Result<()> {
        match self {
            // There is one writer.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => {
                self.one("SELECT 1 FROM tally WHERE client = ?1 FOR UPDATE", [client], |_| Ok(())).map(drop)
            }
        }
    }

    /// Waits until nobody else holds this lock, and holds it until the end of the transaction.
    pub(crate) fn alone(self, lock: Lock) -> Result<()> {
        match self {
            // There is one writer.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => {
                self.one("SELECT pg_advisory_xact_lock(?1)", [LOCKS + lock as i64], |_| Ok(())).map(drop)
            }
        }
    }

    /// The same without waiting: false if somebody else holds it, who then does what there is to do.
    pub(crate) fn alone_at_once(self, lock: Lock) -> Result<bool> {
        match self {
            Self::Sqlite(_) => Ok(true),
            Self::Postgres(_) => {
                let taken =
                    self.one("SELECT pg_try_advisory_xact_lock(?1)", [LOCKS + lock as i64], |row| row.get(0))?;
                Ok(taken.unwrap_or(false))
            }
        }
    }
}

/// Where the numbers of our locks begin, away from those of anybody else on the same database.
const LOCKS: i64 = 0x50c3_0000_0000;
