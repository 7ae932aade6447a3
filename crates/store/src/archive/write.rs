//! Writing a backup.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde_json::{Value as Json, json};

use super::tables::{KEPT, Kept};
use super::{End, Header, STEP, Table, VERSION};
use crate::engine::sql::{Row, Sql, ToValue, Value};
use crate::{Error, Result, Store, memory};

/// How hard is compressed: quick, for the core works on beside it.
const LEVEL: i32 = 3;

impl Store {
    /// Writes everything to `out`, from one snapshot, while the core works on. `told` hears the name of each table as it begins.
    /// Says how many rows there are in all.
    ///
    /// # Errors
    /// The database fails, or `out` does.
    pub async fn back_up(
        &self,
        out: impl Write + Send + 'static,
        told: impl Fn(&'static str) + Send + 'static,
    ) -> Result<u64> {
        let now = self.clock().millis();
        self.0.readers.snapshot(move |sql| write(sql, out, now, told)).await
    }
}

fn write(sql: Sql<'_>, out: impl Write, now: i64, told: impl Fn(&'static str)) -> Result<u64> {
    let packed = zstd::Encoder::new(BufWriter::with_capacity(1 << 20, out), LEVEL).map_err(failed)?;
    let mut lines = Lines { out: packed, hash: blake3::Hasher::new() };
    let header = Header {
        socme: "backup".into(),
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").into(),
        made: now,
        last: memory::high_water(sql)?,
    };
    lines.line(&serde_json::to_value(header)?)?;
    let mut end = BTreeMap::new();
    let key: Option<Vec<u8>> = sql.one("SELECT value FROM meta WHERE name = 'key'", [], |row| row.get(0))?;
    let key = key.ok_or_else(|| Error::Damaged("the database has no key".into()))?;
    lines.table("meta", &["name", "value"])?;
    lines.line(&json!(["key", { "b": BASE64.encode(key) }]))?;
    end.insert("meta".to_owned(), 1);
    for kept in KEPT.iter() {
        told(kept.name);
        lines.table(kept.name, kept.columns)?;
        end.insert(kept.name.to_owned(), rows(sql, kept, &mut lines)?);
    }
    let rows = end.values().sum();
    let blake3 = lines.hash.finalize().to_hex().to_string();
    lines.line(&serde_json::to_value(End { end, blake3 })?)?;
    let mut file = lines.out.finish().map_err(failed)?;
    file.flush().map_err(failed)?;
    Ok(rows)
}

/// Writes the rows of a table, page by page; says how many.
fn rows(sql: Sql<'_>, kept: &Kept, lines: &mut Lines<impl Write>) -> Result<u64> {
    let (mut count, mut after): (u64, Option<Vec<Json>>) = (0, None);
    loop {
        let read =
            |row: &Row<'_>| (0..kept.columns.len()).map(|at| Ok(json_of(row.value(at)?))).collect::<Result<Vec<_>>>();
        let page = match &after {
            None => sql.all(kept.page(sql, false), [], read)?,
            Some(last) => {
                let mut key: Vec<Owned> = Vec::new();
                if let (Sql::Sqlite(_), "posting") = (sql, kept.name) {
                    let alert = Owned::of(&last[2])?;
                    key.push(Owned::Integer(crate::postings::part(alert.number())));
                }
                for at in kept.key(sql) {
                    key.push(Owned::of(&last[*at])?);
                }
                let values: Vec<Value<'_>> = key.iter().map(Owned::borrow).collect();
                let params: Vec<&dyn ToValue> = values.iter().map(|value| value as &dyn ToValue).collect();
                sql.all(kept.page(sql, true), params.as_slice(), read)?
            }
        };
        for row in &page {
            lines.row(row)?;
        }
        count += page.len() as u64;
        let full = page.len() == STEP;
        after = page.into_iter().next_back();
        if !full {
            return Ok(count);
        }
    }
}

struct Lines<W: Write> {
    out: zstd::Encoder<'static, BufWriter<W>>,
    hash: blake3::Hasher,
}

impl<W: Write> Lines<W> {
    fn table(&mut self, table: &str, columns: &[&str]) -> Result<()> {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.line(&serde_json::to_value(Table { table: table.to_owned(), columns })?)
    }

    fn line(&mut self, line: &Json) -> Result<()> {
        self.bytes(line.to_string().into_bytes())
    }

    fn row(&mut self, row: &[Json]) -> Result<()> {
        self.bytes(serde_json::to_vec(row)?)
    }

    fn bytes(&mut self, mut line: Vec<u8>) -> Result<()> {
        line.push(b'\n');
        self.hash.update(&line);
        self.out.write_all(&line).map_err(failed)
    }
}

fn json_of(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(number) => number.into(),
        Value::Real(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Blob(bytes) => json!({ "b": BASE64.encode(bytes) }),
    }
}

/// A value from a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Owned {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Owned {
    pub(super) fn of(json: &Json) -> Result<Self> {
        let odd = || {
            Error::Damaged(format!(
                "«{}» is no value of a backup",
                json.to_string().chars().take(80).collect::<String>()
            ))
        };
        Ok(match json {
            Json::Null => Self::Null,
            Json::String(text) => Self::Text(text.clone()),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Self::Integer(number),
                None => Self::Real(number.as_f64().ok_or_else(odd)?),
            },
            Json::Object(object) => {
                let text = object.get("b").and_then(Json::as_str).ok_or_else(odd)?;
                Self::Blob(BASE64.decode(text).map_err(|_| odd())?)
            }
            Json::Bool(_) | Json::Array(_) => return Err(odd()),
        })
    }

    pub(super) fn borrow(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(*number),
            Self::Real(number) => Value::Real(*number),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }

    fn number(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            _ => 0,
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn failed(error: io::Error) -> Error {
    Error::Full(format!("the backup: {error}"))
}
