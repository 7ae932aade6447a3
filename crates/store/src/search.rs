//! Free text: an index of words that follows the alerts from a durable position, seconds behind. What it has not taken in
//! yet is found all the same, by looking at it ([`crate::list`]).
//!
//! Each entry holds the client as a word of its own, so that a search never walks through another client's entries.

use crate::bodies::Unpacker;
use crate::engine::sql::Sql;
use crate::engine::writer::Tx;
use crate::facts::words;
use crate::id::ClientId;
use crate::{Result, Store};

/// Alerts that are taken in at once.
const STEP: i64 = 500;

/// The client, as a word that no text contains: words never begin with a joiner.
fn client_word(client: ClientId) -> String {
    format!("_c{client}")
}

/// What finds these words next to one another at this client.
pub(crate) fn match_of(client: ClientId, words: &[String]) -> String {
    let quote = |text: &str| text.replace('"', "\"\"");
    format!("\"{}\" AND \"{}\"", client_word(client), quote(&words.join(" ")))
}

/// The numbers below one and above another that a match finds, latest first. The match names the client.
pub(crate) fn below(sql: Sql<'_>, wanted: &str, below: i64, above: i64, limit: i64) -> Result<Vec<i64>> {
    sql.all(
        "SELECT rowid FROM word WHERE word MATCH ?1 AND rowid < ?2 AND rowid > ?3 ORDER BY rowid DESC LIMIT ?4",
        rusqlite::params![wanted, below, above, limit],
        |row| row.get(0),
    )
}

/// How many alerts the index is behind.
pub(crate) fn behind(sql: Sql<'_>) -> Result<i64> {
    Ok(crate::memory::high_water(sql)?.0 - position(sql)?)
}

/// The last alert that the index has taken in.
pub(crate) fn position(sql: Sql<'_>) -> Result<i64> {
    sql.number("SELECT value FROM meta WHERE name = 'text position'", [])
}

/// Takes in the next alerts; true if there are more.
pub(crate) fn take_in(tx: &mut Tx<'_>) -> Result<bool> {
    let (from, last) = (position(tx.sql)?, crate::memory::high_water(tx.sql)?.0);
    if from >= last {
        return Ok(false);
    }
    let to = last.min(from + STEP);
    let rows = tx.sql.all(
        "SELECT number, client FROM alert WHERE number > ?1 AND number <= ?2 ORDER BY number /* across clients: the index is fed */",
        [from, to],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, ClientId>(1)?)),
    )?;
    let shared = tx.shared.clone();
    let snapshot = shared.dictionaries.snapshot();
    let mut unpacker = Unpacker::new(&shared.dictionaries, &snapshot);
    for (number, client) in rows {
        if let Some(alert) = unpacker.load(tx.sql, client, number)? {
            let text = format!("{} {}", client_word(client), words(&alert).join(" "));
            tx.sql.run("INSERT OR REPLACE INTO word (rowid, text) VALUES (?1, ?2)", (number, text))?;
        }
    }
    tx.sql.run(
        "INSERT INTO meta (name, value) VALUES ('text position', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [to],
    )?;
    Ok(to < last)
}

/// Forgets alerts that are deleted.
pub(crate) fn forget(tx: &Tx<'_>, number: i64) -> Result<()> {
    tx.sql.run("DELETE FROM word WHERE rowid = ?1", [number])?;
    Ok(())
}

impl Store {
    /// How many alerts the text index is behind.
    ///
    /// # Errors
    /// The database fails.
    pub async fn text_behind(&self) -> Result<u64> {
        self.read("text behind", |sql| Ok(u64::try_from(behind(sql)?).unwrap_or(0))).await
    }
}
