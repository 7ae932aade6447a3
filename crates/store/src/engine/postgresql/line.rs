//! One connection, as the synchronous code of a job or a query uses it.
//!
//! # Invariants
//! - Statements are unnamed and carry their types; nothing outlives a transaction (`SET LOCAL` only). So any pooler in
//!   transaction mode may stand in between.
//! - A transaction begins with its first statement. Until then a connection that turns out to be dead is replaced by a new one
//!   and nobody notices; from then on its loss is the loss of the transaction, and is said.
//! - A connection that failed in any way that is not the statement's fault is never used again.

use std::cell::{Cell, RefCell};

use postgres::types::{FromSql, IsNull, ToSql, Type};

use super::failure;
use super::place::Place;
use super::translate::{self, Many};
use crate::engine::value::{Params, Value};
use crate::{Error, Result};

/// What transactions are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// One snapshot; cannot write.
    Reading,
    /// One snapshot, for as long as it takes.
    Copying,
    /// Durable when it is committed, whatever the role's settings say.
    Writing,
}

impl Purpose {
    /// `jit`: compiling a statement that runs once takes longer than running it.
    fn begin(self) -> &'static str {
        match self {
            Self::Reading => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '15s'; SET LOCAL jit = off"
            }
            Self::Copying => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
                 SET LOCAL idle_in_transaction_session_timeout = 0"
            }
            Self::Writing => {
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '20s'; \
                 SET LOCAL synchronous_commit = on; SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL jit = off"
            }
        }
    }
}

/// A connection.
pub(crate) struct Line {
    place: Place,
    purpose: Purpose,
    client: RefCell<Option<postgres::Client>>,
    begun: Cell<bool>,
    /// A statement of this transaction has failed: the server will undo all of it.
    spoilt: Cell<bool>,
    failed: Cell<bool>,
}

impl Line {
    /// Connects with the first statement.
    pub(crate) fn new(place: &Place, purpose: Purpose) -> Self {
        Self {
            place: place.clone(),
            purpose,
            client: RefCell::new(None),
            begun: Cell::new(false),
            spoilt: Cell::new(false),
            failed: Cell::new(false),
        }
    }

    /// Commits what was begun, if anything was.
    pub(crate) fn commit(&self) -> Result<()> {
        if self.spoilt.get() {
            // The server would answer COMMIT by undoing, without a word.
            self.undo();
            return Err(Error::Damaged("a statement failed, and nothing of its transaction was stored".into()));
        }
        self.end("COMMIT")
    }

    /// Undoes what was begun.
    pub(crate) fn undo(&self) {
        if self.end("ROLLBACK").is_err() {
            self.failed.set(true);
        }
    }

    fn end(&self, how: &'static str) -> Result<()> {
        self.spoilt.set(false);
        if !self.begun.replace(false) {
            return Ok(());
        }
        self.with(|client| client.batch_execute(how))
    }

    /// Begins the transaction, on a new connection if the old one is dead.
    fn begin(&self) -> Result<()> {
        if self.begun.get() {
            return Ok(());
        }
        let fresh = self.connect()?;
        match self.with(|client| client.batch_execute(self.purpose.begin())) {
            Ok(()) => {}
            Err(Error::Away(_)) if !fresh => {
                self.connect()?;
                self.with(|client| client.batch_execute(self.purpose.begin()))?;
            }
            Err(error) => return Err(error),
        }
        self.begun.set(true);
        Ok(())
    }

    /// True if it had to be made anew.
    fn connect(&self) -> Result<bool> {
        let mut client = self.client.borrow_mut();
        if self.failed.get() || client.as_ref().is_none_or(postgres::Client::is_closed) {
            drop(client.take());
            *client = Some(self.place.connect()?);
            self.failed.set(false);
            return Ok(true);
        }
        Ok(false)
    }

    /// Up to which number no alert will appear any more. Only before anything else is asked: the snapshot must be later.
    pub(crate) fn settled(&self) -> Result<i64> {
        let rows = self.aside(|client| client.query_typed("SELECT settled()", &[]))?;
        rows.first().map_or(Ok(0), |row| Ok(row.try_get(0)?))
    }

    /// Runs something outside of any transaction.
    pub(crate) fn aside<T>(
        &self,
        work: impl Fn(&mut postgres::Client) -> std::result::Result<T, postgres::Error>,
    ) -> Result<T> {
        debug_assert!(!self.begun.get());
        let fresh = self.connect()?;
        match self.with(&work) {
            Err(Error::Away(_)) if !fresh => {
                self.connect()?;
                self.with(&work)
            }
            result => result,
        }
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut postgres::Client) -> std::result::Result<T, postgres::Error>,
    ) -> Result<T> {
        let mut client = self.client.borrow_mut();
        let Some(client) = client.as_mut() else { return Err(Error::Away("the connection is lost".into())) };
        work(client).map_err(|error| {
            let error = Error::from(error);
            self.spoilt.set(self.begun.get());
            if matches!(error, Error::Away(_)) {
                self.failed.set(true);
            }
            error
        })
    }

    /// The rows of a statement.
    pub(crate) fn rows(&self, sql: &str, params: &impl Params) -> Result<Vec<postgres::Row>> {
        self.begin()?;
        let values = Values::new(params);
        self.with(|client| client.query_typed(&values.text(sql), &values.typed()))
            .map_err(|error| failure::of(error, sql))
    }

    /// Runs statements without parameters.
    pub(crate) fn batch(&self, sql: &str) -> Result<()> {
        self.begin()?;
        self.with(|client| client.batch_execute(sql)).map_err(|error| failure::of(error, sql))
    }

    /// How many rows a statement changed.
    pub(crate) fn run(&self, sql: &str, params: &impl Params) -> Result<usize> {
        self.begin()?;
        let values = Values::new(params);
        let changed = self.with(|client| client.execute_typed(&values.text(sql), &values.typed()));
        changed.map(|rows| rows as usize).map_err(|error| failure::of(error, sql))
    }

    /// As [`Self::run`]; none if a constraint forbids it, and the transaction goes on.
    pub(crate) fn run_unless_taken(&self, sql: &str, params: &impl Params) -> Result<Option<usize>> {
        self.begin()?;
        self.with(|client| client.batch_execute("SAVEPOINT attempt"))?;
        let values = Values::new(params);
        let changed = self.with(|client| match client.execute_typed(&values.text(sql), &values.typed()) {
            Ok(rows) => Ok(Some(rows as usize)),
            Err(error) if failure::is_taken(&error) => Ok(None),
            Err(error) => Err(error),
        });
        let changed = changed.map_err(|error| failure::of(error, sql))?;
        let end = if changed.is_some() { "RELEASE attempt" } else { "ROLLBACK TO attempt; RELEASE attempt" };
        self.with(|client| client.batch_execute(end))?;
        Ok(changed)
    }

    /// Runs a statement for many rows of parameters at once.
    pub(crate) fn run_many<const N: usize>(&self, sql: &str, rows: &[[Value<'_>; N]]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.begin()?;
        let columns = Columns::new(rows);
        let text = Many { present: &columns.present }.change(sql);
        let text = text.ok_or_else(|| Error::Damaged(format!("this cannot be run for many rows at once: {sql}")))?;
        self.with(|client| client.execute_typed(&text, &columns.typed()))
            .map(drop)
            .map_err(|error| failure::of(error, sql))
    }

    /// The rows of a statement for many rows of parameters; each begins with the place of its parameters, from 1.
    pub(crate) fn rows_many<const N: usize>(&self, sql: &str, keys: &[[Value<'_>; N]]) -> Result<Vec<postgres::Row>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.begin()?;
        let columns = Columns::new(keys);
        let text = Many { present: &columns.present }.select(sql);
        self.with(|client| client.query_typed(&text, &columns.typed())).map_err(|error| failure::of(error, sql))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Saying goodbye waits for the server, which nobody who drops this need do.
        if let Some(client) = self.client.get_mut().take() {
            let _ = std::thread::Builder::new().name("store-goodbye".into()).spawn(move || drop(client));
        }
    }
}

/// One row of parameters.
struct Values<'v>(Vec<Value<'v>>);

impl<'v> Values<'v> {
    fn new(params: &'v impl Params) -> Self {
        Self((0..params.count()).map(|at| params.value(at)).collect())
    }

    fn text(&self, sql: &str) -> String {
        let present: Vec<bool> = self.0.iter().map(|value| *value != Value::Null).collect();
        translate::one(sql, &present)
    }

    fn typed(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        let present = self.0.iter().filter(|value| **value != Value::Null);
        present.map(|value| (value as &(dyn ToSql + Sync), kind(value))).collect()
    }
}

/// Many rows of parameters, column by column.
struct Columns<'v> {
    present: Vec<bool>,
    arrays: Vec<(Array<'v>, Type)>,
}

enum Array<'v> {
    Integers(Vec<Option<i64>>),
    Reals(Vec<Option<f64>>),
    Texts(Vec<Option<Text<'v>>>),
    Blobs(Vec<Option<&'v [u8]>>),
}

impl<'v> Columns<'v> {
    fn new<const N: usize>(rows: &[[Value<'v>; N]]) -> Self {
        let (mut present, mut arrays) = (Vec::with_capacity(N), Vec::with_capacity(N));
        for at in 0..N {
            let first = rows.iter().map(|row| row[at]).find(|value| *value != Value::Null);
            present.push(first.is_some());
            let values = rows.iter().map(|row| row[at]);
            arrays.extend(match first {
                None | Some(Value::Null) => None,
                Some(Value::Integer(_)) => {
                    let array = values.map(|v| if let Value::Integer(v) = v { Some(v) } else { None }).collect();
                    Some((Array::Integers(array), Type::INT8_ARRAY))
                }
                Some(Value::Real(_)) => {
                    let array = values.map(|v| if let Value::Real(v) = v { Some(v) } else { None }).collect();
                    Some((Array::Reals(array), Type::FLOAT8_ARRAY))
                }
                Some(Value::Text(_)) => {
                    let array = values.map(|v| if let Value::Text(v) = v { Some(Text(v)) } else { None }).collect();
                    Some((Array::Texts(array), Type::TEXT_ARRAY))
                }
                Some(Value::Blob(_)) => {
                    let array = values.map(|v| if let Value::Blob(v) = v { Some(v) } else { None }).collect();
                    Some((Array::Blobs(array), Type::BYTEA_ARRAY))
                }
            });
        }
        Self { present, arrays }
    }

    fn typed(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.arrays.iter().map(|(values, kind)| (values.as_parameter(), kind.clone())).collect()
    }
}

impl Array<'_> {
    /// Written out: each is a type of its own.
    fn as_parameter(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Integers(array) => array,
            Self::Reals(array) => array,
            Self::Texts(array) => array,
            Self::Blobs(array) => array,
        }
    }
}

/// The type that a parameter travels as.
fn kind(value: &Value<'_>) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Integer(_) => Type::INT8,
        Value::Real(_) => Type::FLOAT8,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
    }
}

type Odd = Box<dyn std::error::Error + Sync + Send>;

/// A text as PostgreSQL can hold it: the one character that it cannot, NUL, is replaced. Lists show it so; the alert itself
/// is stored as bytes and keeps it.
#[derive(Debug)]
struct Text<'v>(&'v str);

impl ToSql for Text<'_> {
    fn to_sql(&self, kind: &Type, out: &mut postgres::types::private::BytesMut) -> std::result::Result<IsNull, Odd> {
        if self.0.contains('\0') {
            return self.0.replace('\0', "\u{fffd}").to_sql(kind, out);
        }
        self.0.to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TEXT
    }

    postgres::types::to_sql_checked!();
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut postgres::types::private::BytesMut) -> std::result::Result<IsNull, Odd> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(kind, out),
            Self::Real(number) => number.to_sql(kind, out),
            Self::Text(text) => Text(text).to_sql(kind, out),
            Self::Blob(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> std::result::Result<Self, Odd> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Self::Integer(i16::from_sql(kind, raw)?.into()),
            Type::BOOL => Self::Integer(bool::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(kind, raw)?),
            Type::BYTEA => Self::Blob(raw),
            _ => Self::Text(<&str>::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Odd> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::INT2,
            Type::BOOL,
            Type::FLOAT8,
            Type::BYTEA,
            Type::TEXT,
            Type::UNKNOWN,
            Type::NAME,
        ]
        .contains(kind)
    }
}
