//! What stands above and beside a list of alerts.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asking::Asking;
use super::extract::Parameters;
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::Shared;

/// Which alerts, over how long.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Span {
    /// The query; without it all.
    q: Option<String>,
    /// IANA name of the zone that moments in the query are in.
    zone: Option<String>,
    /// The last so many hours, 1 to 17,520; without it 24.
    hours: Option<i64>,
}

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The query; without it all.
    q: Option<String>,
    /// IANA name of the zone that moments in the query are in.
    zone: Option<String>,
}

/// How many alerts arrived, in steps.
#[derive(Serialize, ToSchema)]
pub(super) struct Histogram {
    /// Begin of the first step.
    from: Timestamp,
    /// End of the last step.
    to: Timestamp,
    /// Length of a step.
    step_seconds: i64,
    /// The steps.
    buckets: Vec<Bucket>,
    /// False if a part of the query was left aside, because more than 10,000 alerts would have to be counted one by one: then there are at most so many.
    exact: bool,
    /// The terms of the query that were left aside, with `exact` false.
    ignored: Vec<String>,
}

/// How many alerts arrived in a step, by severity.
#[derive(Serialize, ToSchema)]
struct Bucket {
    /// Its begin.
    start: Timestamp,
    /// Low.
    low: u64,
    /// Medium.
    medium: u64,
    /// High.
    high: u64,
    /// Critical.
    critical: u64,
}

/// How many alerts of the last 30 days there are by each value of some fields.
#[derive(Serialize, ToSchema)]
pub(super) struct Facets {
    /// Worst first.
    severity: Vec<Facet>,
    /// By slug.
    client: Vec<Facet>,
    /// By source.
    source: Vec<Facet>,
    /// By state.
    state: Vec<Facet>,
    /// The most frequent ones.
    rule: Vec<Facet>,
    /// By name.
    node: Vec<Facet>,
}

/// A value of a field, and how many alerts have it.
#[derive(Serialize, ToSchema)]
struct Facet {
    /// As in a query.
    value: String,
    /// As people know it.
    name: String,
    /// How many.
    count: u64,
}

/// How many alerts arrived over time.
#[utoipa::path(get, path = "/alerts/histogram", tag = "alerts", params(Span), responses(
    (status = 200, body = Histogram),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn histogram(
    State(core): State<Shared>,
    person: Person,
    Parameters(span): Parameters<Span>,
) -> Result<Json<Histogram>, Problem> {
    let asking = Asking::read(&core, &person, span.q.as_deref(), span.zone.as_deref())?;
    let hours = span.hours.unwrap_or(24).clamp(1, 17_520);
    let found = core.store.histogram(&person.scope, asking.query, asking.zone, asking.now, hours).await?;
    let buckets = found.buckets.into_iter();
    Ok(Json(Histogram {
        from: found.from,
        to: found.to,
        step_seconds: found.step_seconds,
        buckets: buckets
            .map(|(start, [low, medium, high, critical])| Bucket { start, low, medium, high, critical })
            .collect(),
        exact: found.ignored.is_empty(),
        ignored: found.ignored,
    }))
}

/// How many alerts there are by each value of some fields.
#[utoipa::path(get, path = "/alerts/facets", tag = "alerts", params(Which), responses(
    (status = 200, body = Facets),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn facets(
    State(core): State<Shared>,
    person: Person,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Facets>, Problem> {
    let asking = Asking::read(&core, &person, which.q.as_deref(), which.zone.as_deref())?;
    let found = core.store.facets(&person.scope, asking.query, asking.zone, asking.now).await?;
    let told = |facets: Vec<store::Facet>| {
        facets.into_iter().map(|facet| Facet { value: facet.value, name: facet.name, count: facet.count }).collect()
    };
    Ok(Json(Facets {
        severity: told(found.severity),
        client: told(found.client),
        source: told(found.source),
        state: told(found.state),
        rule: told(found.rule),
        node: told(found.node),
    }))
}
