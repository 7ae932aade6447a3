//! Free text: an index of words that follows the alerts from a durable position, seconds behind. What it has not taken in
//! yet is found all the same, by looking at it ([`crate::list`]).
//!
//! Each entry holds the client as a word of its own, so that a search for few clients never walks through another client's
//! entries, and one for most of them passes over those of the others.

use crate::bodies::Unpacker;
use crate::engine::sql::{Lock, Sql, params, row};
use crate::engine::writer::Tx;
use crate::facts::words;
use crate::id::ClientId;
use crate::{Result, Store};

/// Alerts that are taken in at once.
const STEP: i64 = 500;
/// With PostgreSQL: so many of the latest alerts of those that are asked for are looked through first.
const LATEST: i64 = 16_384;

/// The client, as a word that no text contains: words never begin with a joiner.
fn client_word(client: ClientId) -> String {
    format!("_c{client}")
}

/// What is sought in the index.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// As SQLite's index takes it; the clients are within.
    Match(String),
    /// Clients, and the hashes of words that an alert of theirs has all of, as PostgreSQL writes lists. Whether they stand next to
    /// one another is looked at afterwards.
    Hashes { clients: String, words: String },
}

/// What finds these words next to one another: at one client each, or, where none is named, at all of these clients at once.
pub(crate) fn wanted(sql: Sql<'_>, clients: &[ClientId], words: &[String]) -> Result<Vec<(Option<ClientId>, Wanted)>> {
    match sql {
        Sql::Sqlite(_) => {
            if let Some(wanted) = match_of_most(sql, clients, words)? {
                return Ok(vec![(None, wanted)]);
            }
            let of = |client: ClientId| Wanted::Match(format!("\"{}\" AND {}", client_word(client), quoted(words)));
            Ok(clients.iter().map(|client| (Some(*client), of(*client))).collect())
        }
        Sql::Postgres(_) => {
            let list = |items: &mut dyn Iterator<Item = String>| format!("{{{}}}", items.collect::<Vec<_>>().join(","));
            let clients = list(&mut clients.iter().map(ToString::to_string));
            let words = list(&mut words.iter().map(|word| hash(word).to_string()));
            Ok(vec![(None, Wanted::Hashes { clients, words })])
        }
    }
}

fn quoted(words: &[String]) -> String {
    format!("\"{}\"", words.join(" ").replace('"', "\"\""))
}

/// Stands for a word in PostgreSQL's index. Words that hash alike find one another's alerts, which are then looked at and left out.
fn hash(word: &str) -> i32 {
    let hash = blake3::hash(word.as_bytes());
    let bytes = hash.as_bytes();
    i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// What finds these words at all of these clients at once, if they are most of all there are, so that excluding the others
/// is cheaper than seeking at each; and if the others have no more alerts, so that nobody's flood holds a search up for long.
fn match_of_most(sql: Sql<'_>, clients: &[ClientId], words: &[String]) -> Result<Option<Wanted>> {
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
    Ok(Some(Wanted::Match(wanted)))
}

/// Among how many of the latest numbers these clients have about [`LATEST`] alerts. `clients` as PostgreSQL writes lists.
fn latest(sql: Sql<'_>, clients: &str) -> Result<i64> {
    let counted = sql.one(
        "SELECT CAST(sum(alerts) AS bigint), CAST(sum(CASE WHEN client = ANY (CAST(?1 AS bigint[])) THEN alerts ELSE 0 END) AS bigint) \
         FROM tally /* across clients: the share that these have of all */",
        [clients],
        |row| Ok((row.get::<_, Option<i64>>(0)?.unwrap_or(0), row.get::<_, Option<i64>>(1)?.unwrap_or(0))),
    )?;
    let (all, ours) = counted.unwrap_or_default();
    Ok(LATEST.saturating_mul((all / ours.max(1)).clamp(1, 256)))
}

/// Looks at every alert between two numbers: for a few, that is less than what the index has of a frequent word, which it gives
/// whole. That the words are more than a column keeps the server from using the index.
const AMONG_LATEST: &str = "SELECT alert, client FROM alert_word WHERE client = ANY (CAST(?1 AS bigint[])) \
     AND words || CAST('{}' AS int[]) @> CAST(?2 AS int[]) AND alert < ?3 AND alert > ?4 ORDER BY alert DESC LIMIT ?5";
/// Asks the index.
const AMONG_ALL: &str = "SELECT alert, client FROM alert_word WHERE client = ANY (CAST(?1 AS bigint[])) \
     AND words @> CAST(?2 AS int[]) AND alert < ?3 AND alert > ?4 ORDER BY alert DESC LIMIT ?5";

/// The numbers below one and above another that are found, latest first; with whose they are, where the index tells.
pub(crate) fn below(
    sql: Sql<'_>,
    wanted: &Wanted,
    below: i64,
    above: i64,
    limit: i64,
) -> Result<Vec<(i64, Option<ClientId>)>> {
    match wanted {
        Wanted::Match(wanted) => sql.all(
            "SELECT rowid FROM word WHERE word MATCH ?1 AND rowid < ?2 AND rowid > ?3 ORDER BY rowid DESC LIMIT ?4",
            params![wanted, below, above, limit],
            |row| Ok((row.get(0)?, None)),
        ),
        Wanted::Hashes { clients, words } => {
            // The index gives what it finds in no order. So a frequent word is sought among the latest alerts first; only one that is
            // rare there is sought among more, and one that is not there among all: it is hopefully rare there as well.
            let latest = latest(sql, clients)?;
            let (mut found, mut width) = (Vec::new(), latest);
            let mut top = below.min(crate::memory::high_water(sql)?.0 + 1);
            while (found.len() as i64) < limit && top - 1 > above {
                let bottom = top.saturating_sub(width).max(above);
                let text = if width == latest { AMONG_LATEST } else { AMONG_ALL };
                found.extend(sql.all(
                    text,
                    params![clients, words, top, bottom, limit - found.len() as i64],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?);
                top = bottom + 1;
                width = if found.is_empty() { i64::MAX } else { width.saturating_mul(8) };
            }
            Ok(found)
        }
    }
}

/// The clients of these that the index is behind with, and the last alert of each that it has taken in.
pub(crate) fn behind(sql: Sql<'_>, clients: &[ClientId]) -> Result<Vec<(ClientId, i64)>> {
    match sql {
        Sql::Sqlite(_) => {
            let position = position(sql)?;
            let behind = crate::memory::high_water(sql)?.0 > position;
            Ok(clients.iter().filter(|_| behind).map(|client| (*client, position)).collect())
        }
        // A position for each client: numbers of one client become visible in their order, those of all do not.
        Sql::Postgres(_) => {
            let rows = sql.all(BEHIND, [], |row| Ok((row.get::<_, ClientId>(0)?, row.get(1)?)))?;
            Ok(rows.into_iter().filter(|(client, _)| clients.contains(client)).collect())
        }
    }
}

/// The clients that PostgreSQL's index is behind with, and the last alert of each that it has taken in.
const BEHIND: &str = "SELECT tally.client, coalesce(text_position.number, 0) FROM tally LEFT JOIN text_position \
                      ON text_position.client = tally.client WHERE tally.last > coalesce(text_position.number, 0) \
                      ORDER BY coalesce(text_position.number, 0) /* across clients: the index is fed */";

/// How many alerts the index is behind.
pub(crate) fn behind_by(sql: Sql<'_>) -> Result<i64> {
    match sql {
        Sql::Sqlite(_) => Ok(crate::memory::high_water(sql)?.0 - position(sql)?),
        Sql::Postgres(_) => {
            let keys: Vec<_> =
                sql.all(BEHIND, [], |row| Ok(row![row.get::<_, ClientId>(0)?, row.get::<_, i64>(1)?]))?;
            // It need not be exact when it is many.
            let text = "SELECT number FROM alert WHERE client = ?1 AND number > ?2 LIMIT 1000";
            let counts = sql.all_many(text, &keys, |_| Ok(()))?;
            Ok(counts.iter().map(|rows| rows.len() as i64).sum())
        }
    }
}

/// The last alert that SQLite's index has taken in.
fn position(sql: Sql<'_>) -> Result<i64> {
    sql.number("SELECT value FROM meta WHERE name = 'text position'", [])
}

/// Takes in the next alerts; true if there are more.
pub(crate) fn take_in(tx: &mut Tx<'_>) -> Result<bool> {
    match tx.sql {
        Sql::Sqlite(_) => take_in_all(tx),
        Sql::Postgres(_) => take_in_one(tx),
    }
}

/// The next alerts of all clients.
fn take_in_all(tx: &mut Tx<'_>) -> Result<bool> {
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

/// The next alerts of one client, by whichever replica comes first.
fn take_in_one(tx: &mut Tx<'_>) -> Result<bool> {
    if !tx.sql.alone_at_once(Lock::Text)? {
        return Ok(false);
    }
    let next = tx.sql.one(BEHIND, [], |row| Ok((row.get::<_, ClientId>(0)?, row.get::<_, i64>(1)?)))?;
    let Some((client, from)) = next else { return Ok(false) };
    // Read before the alerts: what is committed in between waits for the next step.
    let last = tx.sql.number("SELECT last FROM tally WHERE client = ?1", [client])?;
    let text = "SELECT number FROM alert WHERE client = ?1 AND number > ?2 AND number <= ?3 ORDER BY number LIMIT ?4";
    let numbers = tx.sql.all(text, params![client, from, last, STEP], |row| Ok((row.get::<_, i64>(0)?, client)))?;
    let to = if (numbers.len() as i64) < STEP { last } else { numbers.last().map_or(last, |(number, _)| *number) };
    let shared = tx.shared.clone();
    let snapshot = shared.dictionaries.snapshot();
    let mut unpacker = Unpacker::new(&shared.dictionaries, &snapshot);
    let alerts = unpacker.load_many(tx.sql, &numbers)?;
    let hashed: Vec<(i64, String)> = numbers
        .iter()
        .zip(&alerts)
        .filter_map(|((number, _), alert)| Some((*number, hashes(alert.as_ref()?))))
        .collect();
    let rows: Vec<_> = hashed.iter().map(|(number, words)| row![client, *number, words.as_str()]).collect();
    let text =
        "INSERT INTO alert_word (client, alert, words) VALUES (?1, ?2, CAST(?3 AS int[])) ON CONFLICT DO NOTHING";
    tx.sql.run_many(text, &rows)?;
    tx.sql.run(
        "INSERT INTO text_position (client, number) VALUES (?1, ?2) \
         ON CONFLICT (client) DO UPDATE SET number = excluded.number",
        params![client, to],
    )?;
    Ok(true)
}

/// The hashes of an alert's words, each once, as PostgreSQL writes lists.
fn hashes(alert: &wire::Alert) -> String {
    let hashes: std::collections::BTreeSet<i32> = words(alert).iter().map(|word| hash(word)).collect();
    format!("{{{}}}", hashes.into_iter().map(|hash| hash.to_string()).collect::<Vec<_>>().join(","))
}

/// Forgets alerts that are deleted.
pub(crate) fn forget(tx: &Tx<'_>, client: ClientId, numbers: &[i64]) -> Result<()> {
    let rows: Vec<_> = numbers.iter().map(|number| row![client, *number]).collect();
    match tx.sql {
        // The client is within the entry.
        Sql::Sqlite(_) => {
            numbers.iter().try_for_each(|number| tx.sql.run("DELETE FROM word WHERE rowid = ?1", [*number]).map(drop))
        }
        Sql::Postgres(_) => tx.sql.run_many("DELETE FROM alert_word WHERE client = ?1 AND alert = ?2", &rows),
    }
}

impl Store {
    /// How many alerts the text index is behind.
    ///
    /// # Errors
    /// The database fails.
    pub async fn text_behind(&self) -> Result<u64> {
        self.read("text behind", |sql| Ok(u64::try_from(behind_by(sql)?).unwrap_or(0))).await
    }
}
