//! The whole database in one file: a backup, and the way from SQLite to PostgreSQL and back.
//!
//! # The file
//! A zstd stream of lines of JSON. The first says what it is ([`Header`]); then, table by table, a line that names the table
//! and its columns, and an array per row (bytes as `{"b": base64}`); the last one counts the rows of each table and holds the
//! BLAKE3 hash of all lines before it. A file without that last line, or whose hash is another, is not restored from.
//!
//! # What is in it, and what is not
//! Everything but what would let somebody in who finds it: no sessions, no one-time links, nothing that somebody is in the
//! middle of. Secrets are in it as they stand in the database: hashed, or sealed with the master key, which is not in it. What
//! can be made again is not either: the index of words follows by itself.
//!
//! Written from one snapshot while the core works on. Read into an empty database only.

mod read;
mod tables;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use read::Contents;
pub(crate) use read::demand_whole;

/// The version of the file's form.
const VERSION: u32 = 1;
/// Rows that are read or written at once.
const STEP: usize = 2_000;
/// Longest line that is read, in bytes: an alert's body with its samples is far below.
const LINE: u64 = 64 << 20;

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    /// Always `backup`.
    socme: String,
    /// The version of the file's form.
    version: u32,
    /// The program that wrote it.
    program: String,
    /// When, in milliseconds since 1970 UTC.
    made: i64,
    /// The number and the stamp of the last alert that ever was.
    last: (i64, i64),
}

/// The line before a table's rows.
#[derive(Debug, Serialize, Deserialize)]
struct Table {
    table: String,
    columns: Vec<String>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    end: BTreeMap<String, u64>,
    blake3: String,
}
