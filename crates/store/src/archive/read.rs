//! Reading a backup: looking whether it is whole, and restoring from it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use jiff::Timestamp;
use serde_json::Value as Json;

use super::tables::BY_NAME;
use super::write::{Owned, failed};
use super::{End, Header, LINE, STEP, Table, VERSION};
use crate::audit::{self, Actor, Note};
use crate::clock::from_millis;
use crate::engine::postgresql::partitions;
use crate::engine::sql::{Sql, Value, params};
use crate::engine::writer::Tx;
use crate::sealed::Sealed;
use crate::{Error, Options, Place, Result, Store, commands};

/// Tables whose rows open only with the master key; with --forget-secrets they are left out.
const SEALED: [&str; 4] = ["sealed", "authority", "authenticator", "recovery_code"];

/// What a whole backup holds.
#[derive(Clone, Debug)]
pub struct Contents {
    /// When it was made.
    pub made: Timestamp,
    /// The version of the program that made it.
    pub program: String,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
    /// What opens only with the master key.
    pub sealed: Vec<Sealed>,
    last: (i64, i64),
}

impl Contents {
    /// Reads a backup through to its end.
    ///
    /// # Errors
    /// It is no backup, comes from a newer version, or is not whole.
    pub fn of(file: impl Read) -> Result<Self> {
        let mut lines = Lines::open(file)?;
        let header = lines.header()?;
        let (mut rows, mut sealed, mut table) = (BTreeMap::<String, u64>::new(), Vec::new(), String::new());
        loop {
            match lines.next()? {
                Found::Table(next) => {
                    rows.insert(next.table.clone(), 0);
                    table = next.table;
                }
                Found::Row(row) => {
                    *rows.entry(table.clone()).or_default() += 1;
                    sealed.extend(sealed_in(&table, &row)?);
                }
                Found::End(end) if end.end == rows => {
                    let made = from_millis(header.made);
                    return Ok(Self { made, program: header.program, rows, sealed, last: header.last });
                }
                Found::End(_) => return Err(damaged("it does not hold as many rows as it says")),
            }
        }
    }
}

/// What of a row opens only with the master key: the names are those of the core's sealer.
fn sealed_in(table: &str, row: &[Json]) -> Result<Option<Sealed>> {
    let bytes = |at: usize| match row.get(at).map(Owned::of).transpose()? {
        Some(Owned::Blob(bytes)) => Ok(bytes),
        _ => Err(damaged("a sealed secret is missing")),
    };
    let word = |at: usize| row.get(at).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    Ok(match table {
        "sealed" => Some(Sealed { name: word(0).unwrap_or_default(), bytes: bytes(1)? }),
        "authority" => Some(Sealed { name: Sealed::AUTHORITY.into(), bytes: bytes(2)? }),
        "authenticator" => Some(Sealed { name: Sealed::authenticator(&word(0).unwrap_or_default()), bytes: bytes(1)? }),
        _ => None,
    })
}

impl Store {
    /// Restores a backup into an empty database. `whole` is what [`Contents::of`] has found in the same file. Without
    /// `secrets`, what opens only with the master key is left out.
    ///
    /// # Errors
    /// The database is not empty, or fails; then what was restored so far is no database to start with: remove it.
    pub async fn restore(
        place: impl Into<Place>,
        options: Options,
        file: impl Read + Send + 'static,
        whole: &Contents,
        secrets: bool,
        told: impl Fn(&str),
    ) -> Result<u64> {
        let store = Self::open(place, Options { background: false, ..options }).await?;
        let done = store.read_in(file, whole, secrets, told).await;
        store.close().await;
        done
    }

    async fn read_in(&self, file: impl Read, whole: &Contents, secrets: bool, told: impl Fn(&str)) -> Result<u64> {
        let last = whole.last;
        self.write("begin restoring", move |tx| begin(tx, last)).await?;
        let mut lines = Lines::open(file)?;
        lines.header()?;
        let (mut table, mut waiting, mut count) = (String::new(), Vec::new(), 0);
        loop {
            let line = lines.next()?;
            let more = matches!(line, Found::Row(_));
            if let Found::Row(row) = line {
                waiting.push(row);
            }
            if waiting.len() == STEP || (!more && !waiting.is_empty()) {
                count += waiting.len() as u64;
                let rows = std::mem::take(&mut waiting);
                if secrets || !SEALED.contains(&table.as_str()) {
                    let name = table.clone();
                    self.write("restore rows", move |tx| insert(tx, &name, &rows)).await?;
                }
            }
            match line_kind(more, &lines) {
                Kind::Row => {}
                Kind::Table(name) => {
                    told(&name);
                    table = name;
                }
                Kind::End => break,
            }
        }
        self.write("end restoring", move |tx| finish(tx, last)).await?;
        Ok(count)
    }
}

enum Kind {
    Row,
    Table(String),
    End,
}

fn line_kind<R: Read>(row: bool, lines: &Lines<R>) -> Kind {
    match (row, &lines.table) {
        (true, _) => Kind::Row,
        (false, Some(table)) => Kind::Table(table.clone()),
        (false, None) => Kind::End,
    }
}

/// Makes the database ready, if it is an empty one: from now on it cannot be opened until the end has come.
fn begin(tx: &mut Tx<'_>, last: (i64, i64)) -> Result<()> {
    let used = tx.sql.number(
        "SELECT (SELECT count(*) FROM user) + (SELECT count(*) FROM authority) + (SELECT count(*) FROM audit_head WHERE id > 0) \
         + (SELECT count(*) FROM client WHERE id <> 1 /* across clients: is it empty? */)",
        [],
    )?;
    if used > 0 {
        return Err(Error::Refused("this database is not empty: restore into a new one".into()));
    }
    tx.sql.run("INSERT INTO meta (name, value) VALUES ('restoring', ?1)", params![b"1".as_slice()])?;
    tx.sql.run("DELETE FROM meta WHERE name = 'key'", [])?;
    tx.sql.run("DELETE FROM tally /* across clients: the backup has them */", [])?;
    tx.sql.run("DELETE FROM client /* across clients: the backup has them */", [])?;
    tx.sql.run("DELETE FROM audit_head", [])?;
    if let Sql::Postgres(line) = tx.sql {
        tx.sql.one("SELECT setval('alert_number', ?1)", [last.0.max(1)], |_| Ok(()))?;
        partitions::cover(line, 0)?;
    }
    Ok(())
}

fn insert(tx: &mut Tx<'_>, table: &str, rows: &[Vec<Json>]) -> Result<()> {
    if table == "meta" {
        for row in rows {
            let (Some(Owned::Text(name)), Some(Owned::Blob(value))) =
                (row.first().map(Owned::of).transpose()?, row.get(1).map(Owned::of).transpose()?)
            else {
                return Err(damaged("the database's key is missing"));
            };
            tx.sql.run("INSERT INTO meta (name, value) VALUES (?1, ?2)", params![name, value])?;
        }
        return Ok(());
    }
    let Some(kept) = BY_NAME.get(table) else {
        return Err(damaged("it holds a table that this version does not know"));
    };
    let mut values = rows.iter().map(|row| row.iter().map(Owned::of).collect()).collect::<Result<Vec<Vec<Owned>>>>()?;
    for row in &mut values {
        row.resize_with(row.len().max(kept.columns.len()), || Owned::Null);
    }
    let text = kept.insert(tx.sql);
    macro_rules! by_width {
        ($($width:literal)+) => {
            match kept.columns.len() {
                $($width => insert_all::<$width>(tx.sql, text, &values),)+
                _ => Err(damaged("a table has too many columns")),
            }
        };
    }
    by_width!(2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24)
}

/// Whether a table of a backup is one that is known. Earlier versions had fewer columns, at the end.
fn begins(columns: &[&str], backup: &[String]) -> bool {
    backup.len() <= columns.len() && columns.iter().zip(backup).all(|(column, other)| column == other)
}

fn insert_all<const N: usize>(sql: Sql<'_>, text: &'static str, rows: &[Vec<Owned>]) -> Result<()> {
    let rows = rows
        .iter()
        .map(|row| {
            let values: Vec<Value<'_>> = row.iter().map(Owned::borrow).collect();
            <[Value<'_>; N]>::try_from(values).map_err(|_| damaged("a row has the wrong number of columns"))
        })
        .collect::<Result<Vec<_>>>()?;
    sql.run_many(text, &rows)
}

/// What follows from the rows, and what counts up from them.
fn finish(tx: &mut Tx<'_>, (number, stamp): (i64, i64)) -> Result<()> {
    match tx.sql {
        Sql::Sqlite(_) => {
            let save = "INSERT INTO meta (name, value) VALUES (?1, ?2)";
            tx.sql.run(save, params!["last number", number])?;
            tx.sql.run(save, params!["last stamp", stamp])?;
        }
        Sql::Postgres(line) => {
            tx.sql.run(
                "UPDATE tally SET stamp = ?1, last = coalesce((SELECT max(number) FROM alert WHERE alert.client = tally.client), 0) \
                 /* across clients: all of the backup */",
                [stamp],
            )?;
            for kept in super::tables::KEPT.iter().filter(|kept| kept.numbered) {
                let name = kept.name;
                line.batch(&format!(
                    "SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), greatest((SELECT max(id) FROM \"{name}\"), 1))"
                ))?;
            }
        }
    }
    tx.sql.run("DELETE FROM meta WHERE name = 'restoring'", [])?;
    commands::after_restore(tx)?;
    let head = tx.sql.number("SELECT count(*) FROM audit_head", [])?;
    if head == 0 {
        return Err(damaged("the audit log has no head"));
    }
    audit::note(tx, &Actor::named("the command line"), Note::new("database.restore", "database"))
}

/// Fails if a restore into this database was begun and not ended.
pub(crate) fn demand_whole(sql: Sql<'_>) -> Result<()> {
    let found = sql.one("SELECT 1 FROM meta WHERE name = 'restoring'", [], |_| Ok(()))?;
    match found {
        None => Ok(()),
        Some(()) => Err(Error::Damaged(
            "restoring a backup into this database was begun and not ended: remove it, and restore into a new one"
                .into(),
        )),
    }
}

/// A line of a backup.
enum Found {
    Table(Table),
    Row(Vec<Json>),
    End(End),
}

struct Lines<R: Read> {
    file: BufReader<zstd::Decoder<'static, BufReader<R>>>,
    hash: blake3::Hasher,
    line: Vec<u8>,
    /// The table whose line was read last; none after the end.
    table: Option<String>,
}

impl<R: Read> Lines<R> {
    fn open(file: R) -> Result<Self> {
        let file = zstd::Decoder::new(file).map_err(|_| damaged("it is no backup of SOCme"))?;
        let file = BufReader::with_capacity(1 << 20, file);
        Ok(Self { file, hash: blake3::Hasher::new(), line: Vec::new(), table: None })
    }

    fn header(&mut self) -> Result<Header> {
        let line = self.read().map_err(|error| match error {
            Error::Damaged(_) => damaged("it is no backup of SOCme"),
            other => other,
        })?;
        let header: Header = serde_json::from_slice(line).map_err(|_| damaged("it is no backup of SOCme"))?;
        if header.socme != "backup" || header.version > VERSION {
            return Err(damaged("it was made by a newer version: update SOCme"));
        }
        self.hash.update(&self.line);
        Ok(header)
    }

    fn next(&mut self) -> Result<Found> {
        let line = self.read()?;
        if line.first() == Some(&b'[') {
            let row = serde_json::from_slice(line).map_err(|_| damaged("a row cannot be read"))?;
            self.hash.update(&self.line);
            return Ok(Found::Row(row));
        }
        if let Ok(table) = serde_json::from_slice::<Table>(line) {
            let columns = BY_NAME.get(table.table.as_str()).map(|kept| kept.columns);
            if table.table != "meta" && columns.is_none_or(|columns| !begins(columns, &table.columns)) {
                return Err(damaged("it holds a table that this version does not know"));
            }
            self.hash.update(&self.line);
            self.table = Some(table.table.clone());
            return Ok(Found::Table(table));
        }
        let end: End = serde_json::from_slice(line).map_err(|_| damaged("a line cannot be read"))?;
        if end.blake3 != self.hash.finalize().to_hex().as_str() {
            return Err(damaged("it was changed after it was written"));
        }
        self.table = None;
        Ok(Found::End(end))
    }

    fn read(&mut self) -> Result<&[u8]> {
        self.line.clear();
        let read = self.file.by_ref().take(LINE).read_until(b'\n', &mut self.line);
        match read {
            Ok(_) if self.line.ends_with(b"\n") => Ok(&self.line),
            Ok(_) => Err(damaged("it ends too early: it was cut off")),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(damaged("it ends too early: it was cut off"))
            }
            Err(error) => match error.raw_os_error() {
                Some(_) => Err(failed(error)),
                None => Err(damaged("it is damaged")),
            },
        }
    }
}

fn damaged(why: &str) -> Error {
    Error::Damaged(format!("this backup cannot be used: {why}"))
}
