//! A client's alerts in the order of their arrival, oldest first: to let them go, and to hand them out whole.

use wire::Severity;

use crate::Result;
use crate::alerts::State;
use crate::engine::sql::{Sql, row};
use crate::id::ClientId;

/// A client, and the numbers above and below which its alerts are looked for.
pub(crate) type Span = (ClientId, i64, i64);

/// The oldest alerts in each span: at most so many of each, lowest first.
pub(crate) fn oldest(sql: Sql<'_>, spans: &[Span], limit: i64) -> Result<Vec<Vec<i64>>> {
    if let Sql::Postgres(_) = sql {
        let keys: Vec<_> = spans.iter().map(|(client, above, below)| row![*client, *above, *below, limit]).collect();
        let text =
            "SELECT number FROM alert WHERE client = ?1 AND number > ?2 AND number < ?3 ORDER BY number LIMIT ?4";
        return sql.all_many(text, &keys, |row| row.get(0));
    }
    // Here an index gives a client's alerts in order only together with their state and severity.
    let kinds = || State::ALL.into_iter().flat_map(|state| Severity::ALL.map(|severity| (state, severity)));
    let keys = spans.iter().flat_map(|(client, above, below)| {
        kinds().map(move |(state, severity)| row![*client, state as i64, severity as i64, *above, *below, limit])
    });
    let text = "SELECT number FROM alert WHERE client = ?1 AND state = ?2 AND severity = ?3 AND number > ?4 AND number < ?5 \
                ORDER BY number LIMIT ?6";
    let found = sql.all_many(text, &keys.collect::<Vec<_>>(), |row| row.get::<_, i64>(0))?;
    let merge = |kinds: &[Vec<i64>]| {
        let mut numbers: Vec<i64> = kinds.iter().flatten().copied().collect();
        numbers.sort_unstable();
        numbers.truncate(usize::try_from(limit).unwrap_or(0));
        numbers
    };
    Ok(found.chunks(kinds().count()).map(merge).collect())
}
