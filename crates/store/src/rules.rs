//! Rules, as each client's nodes describe them.

use std::collections::HashMap;

use wire::Source;

use crate::engine::sql::{Sql, Value, row};
use crate::id::ClientId;
use crate::{Error, Result};

/// The numbers of some rules (source, id, name), in their order; new ones for those that were never seen. The client is claimed: so
/// none is made twice.
pub(crate) fn numbers(sql: Sql<'_>, client: ClientId, rules: &[(Source, &str, &str)]) -> Result<Vec<i64>> {
    let keys: Vec<_> = rules.iter().map(|(module, rule, name)| row![client, *module as i64, *rule, *name]).collect();
    let known = find(sql, &keys)?;
    let missing: Vec<usize> = (0..known.len()).filter(|at| known[*at].is_none()).collect();
    if missing.is_empty() {
        return Ok(known.into_iter().flatten().collect());
    }
    let folded: Vec<String> = missing.iter().map(|at| rules[*at].1.to_lowercase()).collect();
    let new: Vec<_> = missing
        .iter()
        .zip(&folded)
        .map(|(at, folded)| {
            let (module, rule, name) = rules[*at];
            row![client, module as i64, rule, folded.as_str(), name]
        })
        .collect();
    sql.run_many("INSERT INTO rule (client, module, rule, folded, name) VALUES (?1, ?2, ?3, ?4, ?5)", &new)?;
    find(sql, &keys)?
        .into_iter()
        .map(|number| number.ok_or_else(|| Error::Damaged("a rule that was just stored is missing".into())))
        .collect()
}

fn find(sql: Sql<'_>, keys: &[[Value<'_>; 4]]) -> Result<Vec<Option<i64>>> {
    let text = match sql {
        Sql::Sqlite(_) => "SELECT id FROM rule WHERE client = ?1 AND module = ?2 AND rule = ?3 AND name = ?4",
        Sql::Postgres(_) => {
            "SELECT id FROM rule WHERE client = ?1 AND md5(rule) = md5(?3) AND module = ?2 AND rule = ?3 AND name = ?4"
        }
    };
    let found = sql.all_many(text, keys, |row| row.get(0))?;
    Ok(found.into_iter().map(|rows| rows.into_iter().next()).collect())
}

/// The numbers of the rules whose id is one of these, in lower case, for each client.
pub(crate) fn of_words(sql: Sql<'_>, clients: &[ClientId], words: &[String]) -> Result<Vec<(ClientId, i64)>> {
    let keys: Vec<_> =
        clients.iter().flat_map(|client| words.iter().map(move |word| row![*client, word.as_str()])).collect();
    let text = match sql {
        Sql::Sqlite(_) => "SELECT client, id FROM rule WHERE client = ?1 AND folded = ?2",
        Sql::Postgres(_) => "SELECT client, id FROM rule WHERE client = ?1 AND md5(folded) = md5(?2) AND folded = ?2",
    };
    Ok(sql.all_many(text, &keys, |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().flatten().collect())
}

/// Counts alerts per rule: by this a search decides where to begin.
pub(crate) fn add(sql: Sql<'_>, client: ClientId, counts: HashMap<i64, i64>) -> Result<()> {
    let rows: Vec<_> = counts.into_iter().map(|(rule, count)| row![rule, client, count]).collect();
    sql.run_many("UPDATE rule SET alerts = max(0, alerts + ?3) WHERE id = ?1 AND client = ?2", &rows)
}
