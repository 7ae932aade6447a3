//! Who changed what.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use futures::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{AuditAsk, ClientId, UserId};
use utoipa::{IntoParams, ToSchema};

use super::download::download;
use super::extract::Parameters;
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// Entries per page.
const PAGE: usize = 100;
/// Entries that an export reads at once.
const CHUNK: usize = 1_000;

/// An entry of the audit log. What it says was written by people and machines: text to be shown, never markup.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct Entry {
    /// Number; higher is later.
    id: i64,
    /// When.
    at: Timestamp,
    /// The user's number, if it was one.
    user: Option<i64>,
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
    /// What it was before, where that is worth telling.
    #[schema(value_type = Option<Object>)]
    before: Option<serde_json::Value>,
    /// What it was after.
    #[schema(value_type = Option<Object>)]
    after: Option<serde_json::Value>,
    /// Its content was erased together with its client.
    erased: bool,
    /// Its place in the chain: 64 hexadecimal digits.
    link: String,
}

impl From<store::AuditEntry> for Entry {
    fn from(entry: store::AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            user: entry.user.map(|user| user.0),
            who: entry.who,
            address: entry.address,
            action: entry.action,
            client: entry.client.map(|client| client.0),
            subject: entry.subject,
            detail: entry.detail,
            before: entry.before,
            after: entry.after,
            erased: entry.erased,
            link: entry.link,
        }
    }
}

/// An entry as `/audit/export` gives it.
pub(crate) fn line(entry: store::AuditEntry) -> serde_json::Value {
    serde_json::to_value(Entry::from(entry)).unwrap_or_default()
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct Audit {
    /// Latest first.
    entries: Vec<Entry>,
    /// What to ask for the page after this.
    next: Option<i64>,
}

/// Where the chain of the audit log ends.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditHead {
    /// The number of the last entry.
    id: i64,
    /// Its place in the chain: 64 hexadecimal digits.
    link: String,
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// `next` of the page before.
    cursor: Option<i64>,
    /// At this moment or later.
    from: Option<Timestamp>,
    /// Before this moment.
    to: Option<Timestamp>,
    /// By this user.
    user: Option<i64>,
    /// Touching this client.
    client: Option<i64>,
    /// Done so: an action such as `client.create`, or all of a thing, such as `client`.
    action: Option<String>,
}

impl Which {
    fn ask(&self, limit: usize) -> AuditAsk {
        AuditAsk {
            before: self.cursor,
            from: self.from,
            to: self.to,
            user: self.user.map(UserId),
            client: self.client.map(ClientId),
            action: self.action.clone().filter(|action| !action.is_empty()),
            limit,
        }
    }
}

/// The audit log, latest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Which), responses((status = 200, body = Audit)))]
pub(super) async fn list(
    State(core): State<Shared>,
    person: Person,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Audit>, Problem> {
    let found = core.store.audit(&person.scope, which.ask(PAGE)).await?;
    let next = if found.len() == PAGE { found.last().map(|entry| entry.id) } else { None };
    Ok(Json(Audit { entries: found.into_iter().map(Into::into).collect(), next }))
}

/// The audit log as a file, latest first: an entry of `/audit` per line (JSON Lines).
#[utoipa::path(get, path = "/audit/export", tag = "audit", params(Which), responses(
    (status = 200, content_type = "application/x-ndjson", body = String),
    (status = 403, body = ProblemBody),
))]
pub(super) async fn export(
    State(core): State<Shared>,
    person: Person,
    Parameters(which): Parameters<Which>,
) -> Result<Response, Problem> {
    core.store.note(person.actor.clone(), "audit.export", "audit log".into(), String::new()).await?;
    let (scope, asked) = (person.scope.clone(), core.clone());
    // Asked for piece by piece, as the browser takes them: nothing is gathered here.
    let lines = stream::try_unfold(Some(which.ask(CHUNK)), move |ask| {
        let (core, scope) = (core.clone(), scope.clone());
        async move {
            let Some(mut ask) = ask else { return Ok::<_, store::Error>(None) };
            let found = core.store.audit(&scope, ask.clone()).await?;
            let Some(last) = found.last().map(|entry| entry.id) else { return Ok(None) };
            ask.before = Some(last);
            let next = (found.len() == CHUNK).then_some(ask);
            let mut text = Vec::new();
            for entry in found {
                serde_json::to_writer(&mut text, &Entry::from(entry)).map_err(store::Error::from)?;
                text.push(b'\n');
            }
            Ok(Some((Bytes::from(text), next)))
        }
    });
    download(asked, person, "application/x-ndjson", "socme-audit.jsonl", lines)
}

/// Where the chain ends: to be kept where whoever writes to the database cannot reach it. `socme core verify-audit` checks it.
#[utoipa::path(get, path = "/audit/head", tag = "audit", responses((status = 200, body = AuditHead)))]
pub(super) async fn head(State(core): State<Shared>, _: Person) -> Result<Json<AuditHead>, Problem> {
    let head = core.store.audit_head().await?;
    Ok(Json(AuditHead { id: head.id, link: head.link }))
}
