//! What every question about alerts has in common: the query, and as whom it is read.

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use query::{Error, Query, offset};

use super::person::Person;
use crate::problem::Problem;
use crate::state::Core;

/// A query as somebody means it: moments in it are as seen in their zone, now.
pub(super) struct Asking {
    /// The query.
    pub(super) query: Query,
    /// Their zone.
    pub(super) zone: TimeZone,
    /// Now.
    pub(super) now: Timestamp,
}

impl Asking {
    /// Reads a query. The zone is the one that the request names, else the one that the person has set, else UTC.
    pub(super) fn read(core: &Core, person: &Person, text: Option<&str>, zone: Option<&str>) -> Result<Self, Problem> {
        let text = text.unwrap_or_default();
        let query = query::parse(text).map_err(|error| problem(text, &error))?;
        let zone = match zone.filter(|zone| !zone.is_empty()) {
            Some(zone) => TimeZone::get(zone).map_err(|_| {
                Problem::invalid("zone", "There is no such time zone. Write for instance Europe/Paris.")
            })?,
            None => {
                let set = person.user.preferences.time_zone.as_deref();
                set.and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC)
            }
        };
        Ok(Self { query, zone, now: core.now() })
    }
}

/// What is wrong with a query, where, and the mend.
fn problem(text: &str, error: &Error) -> Problem {
    let place = |byte| offset::to_utf16(text, byte);
    let mut problem = Problem::new(StatusCode::BAD_REQUEST, "query", error.message()).field("q").detail(error.mend());
    problem.place = Some(Box::new((place(error.span.start), place(error.span.end), error.problem.code())));
    problem
}
