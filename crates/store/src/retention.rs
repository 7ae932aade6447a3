//! Old alerts go, in small steps, or with their part of the tables; rollups stay for 25 months.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use crate::alerts::State;
use crate::bodies::Unpacker;
use crate::changes::{self, Kind};
use crate::clock::from_millis;
use crate::engine::postgresql::line::Line;
use crate::engine::postgresql::partitions;
use crate::engine::sql::{Lock, Sql, params, row};
use crate::engine::sqlite;
use crate::engine::writer::Tx;
use crate::facts::about;
use crate::id::{ClientId, NodeId, stamp_at, stamp_millis};
use crate::oldest::oldest;
use crate::{Result, Scope, Store, holds, jobs, list, postings, rules, search};

/// Alerts that go at once.
const STEP: i64 = 500;
/// How long rollups are kept, in hours.
const ROLLUPS: i64 = 25 * 31 * 24;
/// Pages given back to the file system at once.
const PAGES: i64 = 2_000;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Alerts that arrived longer ago go, unless their client is kept for another time ([`Store::keep_client`]).
    pub age: SignedDuration,
    /// The oldest alerts go while the database is larger, in bytes, but for those under legal hold.
    pub bytes: u64,
}

impl Store {
    /// Takes one small step towards what is to be kept. True if there is more to do.
    ///
    /// # Errors
    /// The database fails.
    pub async fn retain(&self, scope: &Scope, keep: Keep) -> Result<bool> {
        debug_assert_eq!(*scope.reach(), crate::Reach::All);
        let bytes = self.used_bytes().await?;
        self.write("retain", move |tx| retain(tx, keep.age, bytes > keep.bytes)).await
    }

    /// Bytes of the database that are in use: what has been deleted is free for what comes.
    ///
    /// # Errors
    /// The database fails.
    pub async fn used_bytes(&self) -> Result<u64> {
        self.read("used bytes", |sql| match sql {
            Sql::Sqlite(connection) => sqlite::used_bytes(connection),
            Sql::Postgres(_) => partitions::used_bytes(sql),
        })
        .await
    }
}

/// How far the alerts of a client go that is under no hold.
struct Bound {
    client: ClientId,
    /// Those below this number do.
    end: i64,
    /// It keeps them as long as the core keeps alerts, so that they may wait for their part of the tables.
    patient: bool,
}

/// The bounds of all clients; one under legal hold has none.
fn bounds(tx: &Tx<'_>, age: SignedDuration) -> Result<Vec<Bound>> {
    let clients = tx.sql.all(
        "SELECT id, keep_days FROM client WHERE held IS NULL ORDER BY id /* across clients: how long each is kept */",
        [],
        |row| Ok((row.get::<_, ClientId>(0)?, row.get::<_, Option<i64>>(1)?)),
    )?;
    let since = |days: Option<i64>| {
        let age = days.map_or(age, |days| SignedDuration::from_hours(days * 24));
        from_millis(tx.now).checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH).as_millisecond()
    };
    let ends: Vec<i64> = match tx.sql {
        Sql::Sqlite(_) => {
            let mut known = HashMap::new();
            let mut end = |since: i64| -> Result<i64> {
                Ok(match known.get(&since) {
                    Some(end) => *end,
                    None => *known.entry(since).or_insert(list::first_at(tx.sql, since)?),
                })
            };
            clients.iter().map(|(_, days)| end(since(*days))).collect::<Result<_>>()?
        }
        Sql::Postgres(_) => {
            let keys: Vec<_> = clients.iter().map(|(client, days)| row![*client, stamp_at(since(*days))]).collect();
            tx.sql.all_many("SELECT first_at(?1, ?2)", &keys, |row| row.get(0))?.into_iter().flatten().collect()
        }
    };
    let bound = |((client, days), end): ((ClientId, Option<i64>), i64)| Bound { client, end, patient: days.is_none() };
    Ok(clients.into_iter().zip(ends).map(bound).collect())
}

/// The next alerts of all clients that go; with PostgreSQL, those of one client: a transaction touches one.
fn retain(tx: &mut Tx<'_>, age: SignedDuration, too_large: bool) -> Result<bool> {
    if let Sql::Postgres(line) = tx.sql {
        if !tx.sql.alone_at_once(Lock::Retention)? {
            return Ok(false);
        }
        if drop_part(tx, line, age)? {
            return Ok(true);
        }
    }
    let bounds = bounds(tx, age)?;
    let patience = matches!(tx.sql, Sql::Postgres(_)) && !too_large && waits_for_its_part(tx, age, &bounds)?;
    let mut wanted: Vec<_> = bounds
        .iter()
        .filter(|bound| !(patience && bound.patient))
        .map(|bound| (bound.client, i64::MIN, bound.end))
        .collect();
    let mut first = oldest(tx.sql, &wanted, 1)?;
    if too_large && first.iter().all(Vec::is_empty) {
        wanted = bounds.iter().map(|bound| (bound.client, i64::MIN, i64::MAX)).collect();
        first = oldest(tx.sql, &wanted, 1)?;
        let end = first.iter().flatten().min().map_or(0, |first| first + STEP);
        wanted.iter_mut().for_each(|wanted| wanted.2 = end);
    }
    let with_some =
        wanted.into_iter().zip(first).filter(|((_, _, end), first)| first.first().is_some_and(|at| at < end));
    let with_some: Vec<_> = with_some.map(|(wanted, _)| wanted).collect();
    let mut room = STEP;
    for (client, above, below) in &with_some {
        tx.sql.claim(*client)?;
        // Held since it was looked at.
        if holds::is_held(tx.sql, *client)? {
            continue;
        }
        let numbers = oldest(tx.sql, &[(*client, *above, *below)], room)?.concat();
        forget(tx, *client, &numbers)?;
        room -= numbers.len() as i64;
        if room <= 0 || matches!(tx.sql, Sql::Postgres(_)) {
            break;
        }
    }
    if with_some.is_empty() {
        // Rollups are few, and nobody waits for those that are old.
        for bound in &bounds {
            forget_rollups(tx, bound.client)?;
        }
    }
    if let Sql::Sqlite(connection) = tx.sql {
        sqlite::give_back(connection, PAGES);
    }
    Ok(!with_some.is_empty())
}

/// True if the oldest part of the tables is complete, goes as a whole one day, and holds so short a time that its alerts go with it,
/// rather than one by one: they stay a twelfth longer than they would have to, and cost nothing.
fn waits_for_its_part(tx: &Tx<'_>, age: SignedDuration, bounds: &[Bound]) -> Result<bool> {
    let [first, .., _] = partitions::parts(tx.sql)?[..] else { return Ok(false) };
    // A client that keeps its alerts longer keeps the part as well.
    let patient: Vec<ClientId> = bounds.iter().filter(|bound| bound.patient).map(|bound| bound.client).collect();
    let own = tx.sql.all(
        "SELECT client FROM tally WHERE EXISTS (SELECT 1 FROM alert WHERE alert.client = tally.client AND alert.number < ?1)",
        [(first + 1) * partitions::PART],
        |row| row.get::<_, ClientId>(0),
    )?;
    if own.iter().any(|client| !patient.contains(client)) {
        return Ok(false);
    }
    // The earliest arrival of all clients from a number on.
    let text = "SELECT (SELECT stamp FROM alert WHERE alert.client = tally.client AND alert.number >= ?1 \
                ORDER BY alert.number LIMIT 1) AS first FROM tally ORDER BY 1 LIMIT 1";
    let from = |number: i64| -> Result<Option<i64>> {
        let stamp = tx.sql.one(text, [number], |row| row.get::<_, Option<i64>>(0))?.flatten();
        Ok(stamp.map(stamp_millis))
    };
    let (Some(begin), Some(end)) = (from(0)?, from((first + 1) * partitions::PART)?) else { return Ok(false) };
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    Ok((end - begin).saturating_mul(12) <= age)
}

/// True if some client is to keep alerts below this number.
fn keeps_some(tx: &Tx<'_>, age: SignedDuration, below: i64) -> Result<bool> {
    let ends: HashMap<ClientId, i64> = bounds(tx, age)?.into_iter().map(|bound| (bound.client, bound.end)).collect();
    // One under hold keeps all. What a client that is no more has left counts for nothing.
    let clients = clients(tx.sql)?;
    let keys: Vec<_> =
        clients.iter().map(|client| row![*client, ends.get(client).copied().unwrap_or(0), below]).collect();
    let text = "SELECT 1 FROM alert WHERE client = ?1 AND number >= ?2 AND number < ?3 LIMIT 1";
    Ok(tx.sql.all_many(text, &keys, |row| row.get::<_, i64>(0))?.iter().any(|kept| !kept.is_empty()))
}

/// Drops the oldest part of the tables if nothing in it is to be kept and new alerts go elsewhere.
fn drop_part(tx: &mut Tx<'_>, line: &Line, age: SignedDuration) -> Result<bool> {
    let parts = partitions::parts(tx.sql)?;
    let [first, .., _] = parts[..] else { return Ok(false) };
    let end = (first + 1) * partitions::PART;
    let latest = tx.sql.number("SELECT last_value FROM alert_number", [])?;
    // A transaction that took its numbers in this part may still be under way; not after a whole further part.
    if latest < end + partitions::PART || keeps_some(tx, age, end)? {
        return Ok(false);
    }
    // All clients' counters at once, in the order of their numbers: whoever claims one holds no other.
    tx.sql.all(
        "SELECT client FROM tally ORDER BY client FOR UPDATE /* across clients: all lose some */",
        [],
        |_| Ok(()),
    )?;
    // Somebody may have put a client under hold meanwhile; from here on nobody can.
    if keeps_some(tx, age, end)? {
        return Ok(false);
    }
    for text in [
        "UPDATE tally SET alerts = max(0, tally.alerts - gone.alerts), open = max(0, tally.open - gone.open) FROM (SELECT client, count(*) AS \
         alerts, count(*) FILTER (WHERE state = 0) AS open FROM alert WHERE number < ?1 GROUP BY client) AS gone \
         WHERE tally.client = gone.client",
        "UPDATE rule SET alerts = max(0, rule.alerts - gone.alerts) FROM (SELECT client, rule, count(*) AS alerts FROM alert \
         WHERE number < ?1 GROUP BY client, rule) AS gone WHERE rule.client = gone.client AND rule.id = gone.rule",
        "UPDATE node_link SET alerts = max(0, node_link.alerts - gone.alerts) FROM (SELECT client, node, count(*) AS alerts \
         FROM alert WHERE number < ?1 GROUP BY client, node) AS gone \
         WHERE node_link.client = gone.client AND node_link.node = gone.node",
        "DELETE FROM sample WHERE alert < ?1 /* across clients: the part that goes */",
        "DELETE FROM history WHERE alert < ?1 /* across clients: the part that goes */",
        "DELETE FROM open_fold WHERE alert < ?1 /* across clients: the part that goes */",
    ] {
        tx.sql.run(text, [end])?;
    }
    partitions::drop(line, first)?;
    tracing::info!(part = first, "the oldest alerts are gone, with their part of the tables");
    Ok(true)
}

/// Makes the parts of the tables that will be needed next.
pub(crate) fn make_room(tx: &mut Tx<'_>) -> Result<()> {
    match tx.sql {
        Sql::Sqlite(_) => Ok(()),
        Sql::Postgres(line) => {
            if tx.sql.alone_at_once(Lock::Tables)? {
                partitions::prepare(line)?;
            }
            Ok(())
        }
    }
}

fn clients(sql: Sql<'_>) -> Result<Vec<ClientId>> {
    sql.all("SELECT client FROM tally /* across clients: rollups of all */", [], |row| row.get(0))
}

fn forget_rollups(tx: &Tx<'_>, client: ClientId) -> Result<()> {
    let hour = tx.now.div_euclid(3_600_000) - ROLLUPS;
    let day = hour.div_euclid(24);
    tx.sql.run("DELETE FROM rollup WHERE client = ?1 AND hour < ?2", params![client, hour])?;
    tx.sql.run("DELETE FROM rollup_hour WHERE client = ?1 AND hour < ?2", params![client, hour])?;
    tx.sql.run("DELETE FROM rollup_day WHERE client = ?1 AND day < ?2", params![client, day])?;
    Ok(())
}

/// Deletes alerts of a client with all that belongs to them. Rollups stay.
pub(crate) fn forget(tx: &mut Tx<'_>, client: ClientId, numbers: &[i64]) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    let shared = tx.shared.clone();
    let snapshot = shared.dictionaries.snapshot();
    let mut unpacker = Unpacker::new(&shared.dictionaries, &snapshot);
    let keyed: Vec<(i64, ClientId)> = numbers.iter().map(|number| (*number, client)).collect();
    let mut pairs = Vec::new();
    for (number, alert) in numbers.iter().zip(unpacker.load_many(tx.sql, &keyed)?) {
        let alert = alert.iter().flat_map(about);
        pairs.extend(alert.map(|(kind, value)| (shared.cipher.entity(client, kind, &value), *number)));
    }
    postings::forget(tx.sql, client, &pairs)?;
    search::forget(tx, client, numbers)?;
    let keys: Vec<_> = numbers.iter().map(|number| row![*number, client]).collect();
    let text = "SELECT state, rule, node FROM alert WHERE number = ?1 AND client = ?2";
    let gone = tx.sql.all_many(text, &keys, |row| {
        Ok((State::from_code(row.get(0)?), row.get::<_, i64>(1)?, row.get::<_, Option<NodeId>>(2)?))
    })?;
    for text in [
        "DELETE FROM body WHERE alert = ?1 AND client = ?2",
        "DELETE FROM sample WHERE alert = ?1 AND client = ?2",
        "DELETE FROM history WHERE alert = ?1 AND client = ?2",
        "DELETE FROM open_fold WHERE alert = ?1 AND client = ?2",
        "DELETE FROM alert WHERE number = ?1 AND client = ?2",
    ] {
        tx.sql.run_many(text, &keys)?;
    }
    let (mut alerts, mut open) = (0_i64, 0_i64);
    let (mut rules, mut nodes) = (HashMap::<i64, i64>::new(), BTreeMap::<NodeId, i64>::new());
    for (state, rule, node) in gone.into_iter().flatten() {
        alerts += 1;
        open += i64::from(state == State::Open);
        *rules.entry(rule).or_default() -= 1;
        if let Some(node) = node {
            *nodes.entry(node).or_default() += 1;
        }
    }
    if alerts == 0 {
        return Ok(());
    }
    rules::add(tx.sql, client, rules)?;
    let rows: Vec<_> = nodes.into_iter().map(|(node, alerts)| row![node, client, alerts]).collect();
    tx.sql.run_many("UPDATE node_link SET alerts = max(0, alerts - ?3) WHERE node = ?1 AND client = ?2", &rows)?;
    let sql = "UPDATE tally SET alerts = max(0, alerts - ?2), open = max(0, open - ?3) WHERE client = ?1";
    tx.sql.run(sql, params![client, alerts, open])?;
    // A client that is being cleared away has no numbers any more.
    if tx.sql.one("SELECT 1 FROM tally WHERE client = ?1", [client], |_| Ok(()))?.is_some() {
        changes::note(tx, client, Kind::Alerts { new: 0, counted: 0, changed: alerts as u64 })?;
    }
    Ok(())
}

/// Clears away a little of what a deleted node or client left. True if there is more to do.
pub(crate) fn clear_away(tx: &mut Tx<'_>) -> Result<bool> {
    let sql = match tx.sql {
        Sql::Sqlite(_) => {
            "SELECT id, kind, client, subject FROM job WHERE client NOT IN (SELECT id FROM client WHERE held IS NOT NULL) \
             ORDER BY id LIMIT 1 /* across clients: the work to do, but for what is held */"
        }
        // What another replica does is held by it until it has committed.
        Sql::Postgres(_) => {
            "SELECT id, kind, client, subject FROM job WHERE client NOT IN (SELECT id FROM client WHERE held IS NOT NULL) \
             ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED /* across clients: the work, but for what is held */"
        }
    };
    let job = tx.sql.one(sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, ClientId>(2)?, row.get::<_, i64>(3)?))
    })?;
    let Some((id, kind, client, subject)) = job else { return Ok(false) };
    tx.sql.claim(client)?;
    // Held since it was looked for: the next look passes it over.
    if holds::is_held(tx.sql, client)? {
        return Ok(true);
    }
    let rows = if kind == jobs::Kind::ClearNode.word() {
        tx.sql.all(
            "SELECT number FROM alert WHERE client = ?1 AND node = ?2 ORDER BY number LIMIT ?3",
            params![client, subject, STEP],
            |row| row.get::<_, i64>(0),
        )?
    } else {
        tx.sql.all("SELECT number FROM alert WHERE client = ?1 LIMIT ?2", params![client, STEP], |row| {
            row.get::<_, i64>(0)
        })?
    };
    let left = rows.len() as i64 == STEP;
    forget(tx, client, &rows)?;
    if !left {
        if kind == jobs::Kind::ClearNode.word() {
            for table in [
                "DELETE FROM rollup WHERE client = ?1 AND node = ?2",
                "DELETE FROM rollup_hour WHERE client = ?1 AND node = ?2",
                "DELETE FROM rollup_day WHERE client = ?1 AND node = ?2",
                "DELETE FROM open_fold WHERE client = ?1 AND node = ?2",
                "DELETE FROM node WHERE client = ?1 AND id = ?2 AND deleting = 1",
            ] {
                tx.sql.run(table, params![client, subject])?;
            }
        } else {
            for table in [
                "DELETE FROM rollup WHERE client = ?1",
                "DELETE FROM rollup_hour WHERE client = ?1",
                "DELETE FROM rollup_day WHERE client = ?1",
                "DELETE FROM rule WHERE client = ?1",
                "DELETE FROM change WHERE client = ?1",
            ] {
                tx.sql.run(table, [client])?;
            }
        }
        tx.sql.run("DELETE FROM job WHERE id = ?1 AND client = ?2", params![id, client])?;
    }
    Ok(true)
}
