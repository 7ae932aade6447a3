//! Two promises about SQL, kept by a check of each text when it is first prepared (in debug builds, so in every test):
//!
//! - **Tenants.** A statement on a table of tenants' data names the client. One that must not (the writer's own upkeep)
//!   says so in the text: `/* across clients: why */`.
//! - **Indexes.** No statement walks a large table from end to end. One that does so on purpose, a bounded piece at a time,
//!   says so: `/* in order: why */`.

#[cfg(any(test, debug_assertions))]
use rusqlite::Connection;

use crate::engine::sql::Sql;

/// Tables of tenants' data; each has a column `client`. `alert_word` and `text_position` are PostgreSQL's text index.
#[cfg(any(test, debug_assertions))]
const TENANTS: [&str; 25] = [
    "alert",
    "alert_word",
    "text_position",
    "body",
    "sample",
    "posting",
    "rule",
    "history",
    "rollup",
    "rollup_hour",
    "rollup_day",
    "open_fold",
    "change",
    "tally",
    "node",
    "node_link",
    "node_report",
    "lost",
    "certificate",
    "token",
    "job",
    "user_client",
    "api_key_client",
    "host",
    "command",
];

/// Tables that grow with the alerts, or with time.
#[cfg(any(test, debug_assertions))]
const LARGE: [&str; 15] = [
    "alert",
    "body",
    "sample",
    "posting",
    "rule",
    "history",
    "rollup",
    "rollup_hour",
    "rollup_day",
    "open_fold",
    "change",
    "audit",
    "session",
    "host",
    "command",
];

#[cfg(not(any(test, debug_assertions)))]
pub(crate) fn check(_: Sql<'_>, _: &'static str) {}

/// Panics if `sql` breaks a promise.
#[cfg(any(test, debug_assertions))]
pub(crate) fn check(database: Sql<'_>, sql: &'static str) {
    use std::collections::HashSet;
    use std::sync::Mutex;
    static SEEN: Mutex<Option<HashSet<(bool, &'static str)>>> = Mutex::new(None);
    {
        let mut seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !seen.get_or_insert_default().insert((matches!(database, Sql::Sqlite(_)), sql)) {
            return;
        }
    }
    let found = match database {
        Sql::Sqlite(connection) => breach(connection, sql),
        // Its plans depend on what is in the tables, so only the tenants are looked after; that no large table is walked shows in
        // the bench.
        Sql::Postgres(_) => nameless(sql),
    };
    assert!(found.is_none(), "{} in: {sql}", found.unwrap_or_default());
}

/// What `sql` breaks, if anything.
#[cfg(any(test, debug_assertions))]
pub(crate) fn breach(connection: &Connection, sql: &str) -> Option<String> {
    if let Some(found) = nameless(sql) {
        return Some(found);
    }
    let tables = tables(sql);
    let plan = explain(connection, sql);
    for step in plan.lines() {
        let mut step_words = step.split_whitespace();
        if step_words.next() == Some("SCAN")
            && step_words.next().is_some_and(|table| LARGE.contains(&table) && !counted_small(connection, table))
            && !sql.contains("/* in order: ")
        {
            return Some(format!("a large table is walked from end to end ({step})"));
        }
        if step.contains("USE TEMP B-TREE FOR ORDER BY") && tables.iter().any(|t| ["alert", "posting"].contains(t)) {
            return Some("alerts are sorted, not read in order".into());
        }
    }
    None
}

/// The tables that it names: a table's name follows one of a few words; `client.name` and the like are no tables.
#[cfg(any(test, debug_assertions))]
fn tables(sql: &str) -> Vec<&str> {
    let words = words(sql);
    let pairs = words.windows(2).filter(|pair| ["FROM", "JOIN", "INTO", "UPDATE"].contains(&pair[0]));
    pairs.map(|pair| pair[1]).collect()
}

#[cfg(any(test, debug_assertions))]
fn words(sql: &str) -> Vec<&str> {
    sql.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect()
}

/// The table of tenants' data whose client it does not name, if any.
#[cfg(any(test, debug_assertions))]
fn nameless(sql: &str) -> Option<String> {
    let (words, tables) = (words(sql), tables(sql));
    if let Some(table) = tables.iter().find(|table| TENANTS.contains(table)) {
        let bound = sql.contains("client =") || sql.contains("client IN (") || sql.contains("client IS ");
        let written = sql.starts_with("INSERT") && words.contains(&"client");
        if !bound && !written && !sql.contains("/* across clients: ") {
            return Some(format!("the table «{table}» holds tenants' data, and no client is named"));
        }
    }
    if tables.contains(&"client")
        && !sql.contains("id =")
        && !sql.contains("id IN (")
        && !sql.starts_with("INSERT")
        && !sql.contains("/* across clients: ")
    {
        return Some("clients are listed without saying which".into());
    }
    None
}

/// True if SQLite has counted this table (`ANALYZE`) while it had a few rows: it walks such a one rather than use an index.
#[cfg(any(test, debug_assertions))]
fn counted_small(connection: &Connection, table: &str) -> bool {
    let counted = "SELECT max(CAST(stat AS INTEGER)) < 1000 FROM sqlite_stat1 WHERE tbl = ?1";
    connection.query_row(counted, [table], |row| row.get::<_, Option<bool>>(0)).ok().flatten().unwrap_or(false)
}

/// SQLite's plan, one step per line.
#[cfg(any(test, debug_assertions))]
fn explain(connection: &Connection, sql: &str) -> String {
    let Ok(mut statement) = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")) else {
        return String::new();
    };
    let mut lines = String::new();
    // Every parameter unbound: a plan does not depend on them.
    let mut rows = statement.raw_query();
    while let Ok(Some(row)) = rows.next() {
        lines.push_str(&row.get::<_, String>(3).unwrap_or_default());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::engine::sqlite::migrate(&mut connection).unwrap();
        connection
    }

    #[test]
    fn sql_that_forgets_the_client_is_refused() {
        let db = database();
        assert!(breach(&db, "SELECT count FROM alert WHERE number = ?1").unwrap().contains("tenants"));
        assert!(breach(&db, "SELECT name FROM node").unwrap().contains("tenants"));
        assert!(breach(&db, "DELETE FROM history WHERE alert = ?1").unwrap().contains("tenants"));
        assert!(breach(&db, "SELECT name FROM client ORDER BY name").unwrap().contains("without saying which"));
        assert_eq!(breach(&db, "SELECT count FROM alert WHERE number = ?1 AND client = ?2"), None);
        assert_eq!(breach(&db, "SELECT client FROM node WHERE id = ?1 /* across clients: who is it? */"), None);
    }

    #[test]
    fn sql_that_walks_a_large_table_is_refused() {
        let db = database();
        let found = breach(&db, "SELECT number FROM alert WHERE client = ?1 AND message = ?2 AND +client = 3");
        assert_eq!(found, None, "the client's own index is no full walk");
        assert!(
            breach(&db, "SELECT number FROM alert WHERE message = 'x' /* across clients: t */")
                .unwrap()
                .contains("walked")
        );
        assert!(breach(&db, "SELECT number FROM alert WHERE client = ?1 ORDER BY message").unwrap().contains("sorted"));
    }

    #[test]
    fn a_table_that_was_counted_while_it_was_small_may_be_walked() {
        let db = database();
        let sql = "SELECT id FROM session WHERE agent = 'x'";
        assert!(breach(&db, sql).unwrap().contains("walked"));
        db.execute_batch("ANALYZE; INSERT INTO sqlite_stat1 VALUES ('session', 'session_user', '2 2')").unwrap();
        assert_eq!(breach(&db, sql), None);
        db.execute_batch("UPDATE sqlite_stat1 SET stat = '5000 2'").unwrap();
        assert!(breach(&db, sql).unwrap().contains("walked"));
    }

    #[test]
    fn every_table_of_tenants_has_the_client() {
        let db = database();
        let tables: Vec<String> = db
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for table in tables {
            let with_client: bool = db
                .prepare(&format!("SELECT 1 FROM pragma_table_info('{table}') WHERE name = 'client'"))
                .unwrap()
                .exists([])
                .unwrap();
            let tenants = TENANTS.contains(&table.as_str());
            // What an admin did is kept even if it touched one client; those two name it where there is one.
            let may = ["audit", "client"].contains(&table.as_str());
            assert!(
                tenants == with_client || may,
                "{table}: client column {with_client}, listed as tenants' {tenants}"
            );
        }
    }

    #[test]
    fn the_client_leads_every_key_of_a_tenants_table_in_postgresql() {
        let database = crate::testing::cluster().database();
        let mut client = database.connect();
        let rows = client
            .query(
                "SELECT relname, column_name FROM pg_class JOIN information_schema.columns ON table_name = relname \
                 WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace AND column_name = 'client'",
                &[],
            )
            .unwrap();
        let with_client: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        for table in &with_client {
            // A part of a table has the table's name and a number.
            let table = table.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
            assert!(TENANTS.contains(&table) || table == "audit", "{table} has clients and is not listed");
        }
        for table in TENANTS {
            let keys: Vec<String> = client
                .query(
                    "SELECT (SELECT attname::text FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0]) \
                     FROM pg_index WHERE indrelid = $1::text::regclass AND indisunique",
                    &[&table],
                )
                .unwrap()
                .iter()
                .map(|row| row.get::<_, Option<String>>(0).unwrap_or_default())
                .collect();
            // The one without is of SQLite's alone.
            assert!(!keys.is_empty(), "{table} has no key");
            assert!(keys.iter().all(|first| first == "client"), "{table}: {keys:?}");
        }
    }

    #[test]
    fn no_text_in_this_crate_forgets_the_client() {
        let mut count = 0;
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                let name = entry.file_name().unwrap().to_str().unwrap();
                if entry.is_dir() && name != "tests" {
                    folders.push(entry);
                } else if name.ends_with(".rs")
                    && !["guard.rs", "translate.rs", "testing.rs", "tests.rs"].contains(&name)
                {
                    for text in texts(&std::fs::read_to_string(&entry).unwrap()) {
                        count += 1;
                        assert_eq!(nameless(&text), None, "{}: {text}", entry.display());
                    }
                }
            }
        }
        assert!(count > 150, "only {count} statements were found");
    }

    /// The texts in a source file that are statements.
    fn texts(source: &str) -> Vec<String> {
        let mut found = Vec::new();
        for begin in ["\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE "] {
            for (at, _) in source.match_indices(begin) {
                let rest = &source[at + 1..];
                let end = rest
                    .match_indices('"')
                    .find(|(at, _)| !rest[..*at].ends_with('\\'))
                    .map_or(rest.len(), |(at, _)| at);
                let lines: Vec<&str> = rest[..end].split("\\\n").map(str::trim_start).collect();
                found.push(lines.join(""));
            }
        }
        found
    }
}
