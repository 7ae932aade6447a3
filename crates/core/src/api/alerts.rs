//! Alerts: lists, and one with everything that is known of it.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{AlertId, Ask, ClientId, Deed, HistoryEntry};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use wire::alert::{Cut, Entity, Fold};
use wire::{Alert, Severity, Source};

use super::asking::Asking;
use super::extract::{Parameters, Place};
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// Rows of a page, unless somebody says otherwise.
const PAGE: usize = 50;

/// An alert in a list. What it says was written by others: text to be shown, never markup.
#[derive(Serialize, ToSchema)]
pub(super) struct AlertRow {
    /// Its id, in order of arrival; unique together with its client.
    id: Uuid,
    /// Its client.
    client: i64,
    /// Its client's name.
    client_name: String,
    /// The node that sent it; null for the core's own alarms.
    node: Option<i64>,
    /// That node's name.
    node_name: Option<String>,
    /// Where it comes from.
    module: Source,
    /// Its rule, by its identifier within its source.
    rule_id: String,
    /// Its rule's name.
    rule_name: String,
    /// How bad it is.
    severity: Severity,
    /// Whether a person has dealt with it.
    state: AlertState,
    /// When it happened first, by the source's clock.
    time: Timestamp,
    /// When it reached the core.
    arrived: Timestamp,
    /// When it happened last, by the source's clock.
    last: Timestamp,
    /// How many events it stands for.
    count: u64,
    /// Seconds from the event to its arrival.
    late_seconds: f64,
    /// Whether its time is not believable.
    time_flag: Option<TimeFlag>,
    /// Source address.
    source_ip: Option<String>,
    /// Source port.
    source_port: Option<u16>,
    /// Destination address.
    destination_ip: Option<String>,
    /// Destination port.
    destination_port: Option<u16>,
    /// The host that it is about.
    host: Option<String>,
    /// The account that it is about.
    user: Option<String>,
    /// The name that was asked for.
    domain: Option<String>,
    /// One sentence about it.
    message: Option<String>,
    /// By what it was folded.
    fold: Fold,
    /// Whether its raw event is here.
    has_raw: bool,
    /// By which ways it came, if not only by its source's own: each event of it is counted once.
    witnesses: Vec<Source>,
}

/// Whether a person has dealt with an alert.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AlertState {
    /// Nobody has.
    Open,
    /// Somebody has seen it.
    Acknowledged,
    /// It is done with.
    Closed,
}

impl From<store::State> for AlertState {
    fn from(state: store::State) -> Self {
        match state {
            store::State::Open => Self::Open,
            store::State::Acknowledged => Self::Acknowledged,
            store::State::Closed => Self::Closed,
        }
    }
}

/// That an event's own time is not believable.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum TimeFlag {
    /// More than 5 minutes ahead of its arrival.
    Future,
    /// More than 400 days behind its arrival.
    Past,
}

impl From<store::AlertRow> for AlertRow {
    fn from(row: store::AlertRow) -> Self {
        Self {
            id: row.id.0,
            client: row.client.0,
            client_name: row.client_name,
            node: row.node.map(|node| node.0),
            node_name: row.node_name,
            module: row.module,
            rule_id: row.rule_id,
            rule_name: row.rule_name,
            severity: row.severity,
            state: row.state.into(),
            time: row.time,
            arrived: row.arrived,
            last: row.last,
            count: row.count,
            late_seconds: row.late_seconds,
            time_flag: row.time_flag.map(|flag| match flag {
                store::TimeFlag::Future => TimeFlag::Future,
                store::TimeFlag::Past => TimeFlag::Past,
            }),
            source_ip: row.source_ip,
            source_port: row.source_port,
            destination_ip: row.destination_ip,
            destination_port: row.destination_port,
            host: row.host,
            user: row.user,
            domain: row.domain,
            message: row.message,
            fold: row.fold,
            has_raw: row.has_raw,
            witnesses: row.witnesses,
        }
    }
}

/// A page of alerts.
#[derive(Serialize, ToSchema)]
pub(super) struct Alerts {
    /// Newest first, by arrival.
    alerts: Vec<AlertRow>,
    /// `cursor` of the next page; null if there is none.
    next: Option<Uuid>,
    /// How far back the search came before it took too long; the next page goes on from there. Null if it did not.
    searched_to: Option<Timestamp>,
    /// What to give as `after` to get only what is newer than this page.
    new_cursor: Uuid,
}

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The query; without it all.
    q: Option<String>,
    /// IANA name of the zone that moments in the query are in; without it the person's own, else UTC.
    zone: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Only alerts that arrived after this one.
    after: Option<String>,
    /// At most so many, 1 to 200; without it 50.
    limit: Option<usize>,
}

/// Which alerts to count.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Counted {
    /// The query; without it all.
    q: Option<String>,
    /// IANA name of the zone that moments in the query are in.
    zone: Option<String>,
    /// Only alerts that arrived after this one.
    after: Option<String>,
}

/// How many alerts.
#[derive(Serialize, ToSchema)]
pub(super) struct Count {
    /// So many.
    count: usize,
    /// True if there are more.
    capped: bool,
}

/// An alert with everything that is known of it.
#[derive(Serialize, ToSchema)]
pub(super) struct AlertDetail {
    /// As in a list.
    #[serde(flatten)]
    row: AlertRow,
    /// Normalised; the raw event is beside it.
    alert: Alert,
    /// The event as the source wrote it; null where the client's policy keeps it at home.
    raw: Option<Raw>,
    /// The addresses, names, accounts and hashes that it is about.
    entities: Vec<Entity>,
    /// What was done to it, earliest first.
    history: Vec<HistoryLine>,
}

impl From<store::AlertDetail> for AlertDetail {
    fn from(found: store::AlertDetail) -> Self {
        let mut alert = found.alert;
        let (text, cut) = (std::mem::take(&mut alert.raw), std::mem::take(&mut alert.cut));
        let entities = alert.entities();
        let raw = (!text.is_empty()).then_some(Raw { text, cut });
        let history = found.history.into_iter().map(Into::into).collect();
        Self { row: found.row.into(), alert, raw, entities, history }
    }
}

/// An event as the source wrote it.
#[derive(Serialize, ToSchema)]
struct Raw {
    /// The text.
    text: String,
    /// What was cut from it.
    cut: Vec<Cut>,
}

/// What was done to an alert.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
struct HistoryLine {
    /// When.
    at: Timestamp,
    /// Who.
    who: String,
    /// What.
    action: HistoryAction,
    /// In their words.
    comment: Option<String>,
}

/// Something done to an alert.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HistoryAction {
    /// It reached the core.
    Arrived,
    /// Somebody has seen it.
    Acknowledged,
    /// It is done with.
    Closed,
    /// It is open again.
    Reopened,
    /// Somebody said something.
    Commented,
}

impl From<HistoryEntry> for HistoryLine {
    fn from(entry: HistoryEntry) -> Self {
        let action = match entry.action {
            Deed::Arrived => HistoryAction::Arrived,
            Deed::Acknowledged => HistoryAction::Acknowledged,
            Deed::Closed => HistoryAction::Closed,
            Deed::Reopened => HistoryAction::Reopened,
            Deed::Commented => HistoryAction::Commented,
        };
        Self { at: entry.at, who: entry.who, action, comment: entry.comment }
    }
}

/// Alerts, newest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(Which), responses(
    (status = 200, body = Alerts),
    (status = 400, body = ProblemBody, description = "The query is wrong: `start` and `end` say where"),
))]
pub(super) async fn list(
    State(core): State<Shared>,
    person: Person,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Alerts>, Problem> {
    let asking = Asking::read(&core, &person, which.q.as_deref(), which.zone.as_deref())?;
    let (before, after) = (alert_id("cursor", which.cursor)?, alert_id("after", which.after)?);
    let limit = which.limit.unwrap_or(PAGE).clamp(1, store::PAGE);
    let ask = Ask { query: asking.query, zone: asking.zone, now: asking.now, before, after, limit };
    let page = core.store.alerts(&person.scope, ask).await?;
    Ok(Json(Alerts {
        alerts: page.alerts.into_iter().map(Into::into).collect(),
        next: page.next.map(|id| id.0),
        searched_to: page.searched_to,
        new_cursor: page.newest.0,
    }))
}

/// How many alerts there are, up to a thousand.
#[utoipa::path(get, path = "/alerts/count", tag = "alerts", params(Counted), responses(
    (status = 200, body = Count),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn count(
    State(core): State<Shared>,
    person: Person,
    Parameters(which): Parameters<Counted>,
) -> Result<Json<Count>, Problem> {
    let asking = Asking::read(&core, &person, which.q.as_deref(), which.zone.as_deref())?;
    let after = alert_id("after", which.after)?;
    let ask = Ask { query: asking.query, zone: asking.zone, now: asking.now, before: None, after, limit: store::PAGE };
    let (count, capped) = core.store.count_alerts(&person.scope, ask).await?;
    Ok(Json(Count { count, capped }))
}

/// An alert with everything that is known of it.
#[utoipa::path(get, path = "/alerts/{client}/{id}", tag = "alerts", params(("client" = i64, Path), ("id" = Uuid, Path)), responses(
    (status = 200, body = AlertDetail),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn get(
    State(core): State<Shared>,
    person: Person,
    Place((client, id)): Place<(i64, Uuid)>,
) -> Result<Json<AlertDetail>, Problem> {
    let found = core.store.alert(&person.scope, ClientId(client), AlertId(id)).await?;
    Ok(Json(found.into()))
}

/// An alert's id in a parameter.
fn alert_id(field: &'static str, text: Option<String>) -> Result<Option<AlertId>, Problem> {
    let read = |text: String| {
        text.parse().map_err(|_| Problem::invalid(field, "This is no alert's id: begin at the first page."))
    };
    text.filter(|text| !text.is_empty()).map(read).transpose()
}
