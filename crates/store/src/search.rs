//! Free text: an index of words that follows the alerts from a durable position, seconds behind. What it has not taken in
//! yet is found all the same, by looking at it ([`crate::list`]).
//!
//! Each entry holds the client as a word of its own, so that a search for few clients never walks through another client's
//! entries, and one for most of them passes over those of the others.

use crate::bodies::Unpacker;
use crate::engine::sql::{Sql, params};
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
    format!("\"{}\" AND {}", client_word(client), quoted(words))
}

fn quoted(words: &[String]) -> String {
    format!("\"{}\"", words.join(" ").replace('"', "\"\""))
}

/// What finds these words at all of these clients at once, if they are most of all there are, so that excluding the others
/// is cheaper than seeking at each; and if the others have no more alerts, so that nobody's flood holds a search up for long.
pub(crate) fn match_of_most(sql: Sql<'_>, clients: &[ClientId], words: &[String]) -> Result<Option<String>> {
    let all =
        sql.all("SELECT client, alerts FROM tally /* across clients: how many alerts each has */", [], |row| {
            Ok((row.get::<_, ClientId>(0)?, row.get::<_, i64>(1)?))
        })?;
    let (ours, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(client, _)| clients.contains(client));
    let alerts = |of: &[(ClientId, i64)]| of.iter().map(|(_, alerts)| alerts).sum::<i64>();
    if others.len() >= ours.len() || alerts(&others) > alerts(&ours) {
        return Ok(None);
    }
    let mut wanted = quoted(words);
    for (client, _) in others {
        wanted += &format!(" NOT \"{}\"", client_word(client));
    }
    Ok(Some(wanted))
}

/// The numbers below one and above another that a match finds, latest first. The match names the clients.
pub(crate) fn below(sql: Sql<'_>, wanted: &str, below: i64, above: i64, limit: i64) -> Result<Vec<i64>> {
    sql.all(
        "SELECT rowid FROM word WHERE word MATCH ?1 AND rowid < ?2 AND rowid > ?3 ORDER BY rowid DESC LIMIT ?4",
        params![wanted, below, above, limit],
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
            tx.sql.run("INSERT OR REPLACE INTO word (rowid, text) VALUES (?1, ?2)", params![number, text])?;
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
