//! Who changed what.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Parameters;
use super::person::Analyst;
use crate::problem::Problem;
use crate::state::Shared;

/// Entries per page.
const PAGE: usize = 100;

/// A line of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct Entry {
    /// Number; higher is later.
    id: i64,
    /// When.
    at: Timestamp,
    /// Who, by their name at that time.
    who: String,
    /// The address that they came from.
    address: Option<String>,
    /// What was done, as `thing.verb`.
    action: String,
    /// The client that it touched.
    client: Option<i64>,
    /// To what.
    subject: String,
    /// The rest, in a few words.
    detail: String,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct Audit {
    /// Latest first.
    entries: Vec<Entry>,
    /// What to ask for the page after this.
    next: Option<i64>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// `next` of the page before.
    cursor: Option<i64>,
}

/// The audit log.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Which), responses((status = 200, body = Audit)))]
pub(super) async fn list(
    State(core): State<Shared>,
    Analyst(person): Analyst,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Audit>, Problem> {
    let found = core.store.audit(&person.scope, which.cursor, PAGE).await?;
    let next = if found.len() == PAGE { found.last().map(|entry| entry.id) } else { None };
    let entries = found.into_iter().map(|entry| Entry {
        id: entry.id,
        at: entry.at,
        who: entry.who,
        address: entry.address,
        action: entry.action,
        client: entry.client.map(|client| client.0),
        subject: entry.subject,
        detail: entry.detail,
    });
    Ok(Json(Audit { entries: entries.collect(), next }))
}
