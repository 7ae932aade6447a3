//! The core's own health.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::person::Person;
use super::version::VERSION;
use crate::condition;
use crate::problem::Problem;
use crate::state::Shared;

/// Slowest queries shown.
const SLOW: usize = 15;

/// The core's own health.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// The core's version.
    version: &'static str,
    /// The core's clock.
    now: Timestamp,
    /// Seconds since it started.
    uptime_seconds: u64,
    /// The disk that the database is on.
    disk: Disk,
    /// The database.
    database: Database,
    /// What waits.
    queues: Queues,
    /// The queries that take longest, slowest (95th percentile) first.
    slow_queries: Vec<SlowQuery>,
    /// Certificates and their ends.
    certificates: Vec<CertificateEnd>,
    /// What comes in.
    ingest: Ingest,
    /// What is kept.
    retention: Retention,
    /// What somebody should look at.
    warnings: Vec<Warning>,
}

/// A disk.
#[derive(Clone, Copy, Serialize, ToSchema)]
struct Disk {
    /// Bytes free.
    free: u64,
    /// Bytes in all.
    total: u64,
}

/// The database.
#[derive(Serialize, ToSchema)]
struct Database {
    /// Bytes of its file.
    bytes: u64,
    /// Bytes of its write-ahead log.
    wal_bytes: u64,
    /// Alerts in it.
    alerts: u64,
    /// Bytes per alert, everything included; 0 without alerts.
    bytes_per_alert: f64,
}

/// What waits.
#[derive(Serialize, ToSchema)]
struct Queues {
    /// Batches that are being taken.
    ingest: u64,
    /// Jobs that wait for the database's writer.
    jobs: u64,
    /// Alerts that free text does not find yet.
    text_behind: u64,
}

/// How long one kind of query takes, since the start.
#[derive(Serialize, ToSchema)]
struct SlowQuery {
    /// Which.
    what: &'static str,
    /// How often it ran.
    count: u64,
    /// Half of them took at most so many milliseconds.
    p50_ms: f64,
    /// 95 of 100 took at most so many.
    p95_ms: f64,
    /// The longest.
    max_ms: f64,
    /// The latest.
    last_ms: f64,
}

/// A certificate and its end.
#[derive(Serialize, ToSchema)]
struct CertificateEnd {
    /// `authority`, `nodes` (the listener for nodes) or `people` (the listener for people).
    name: &'static str,
    /// Its end.
    end: Timestamp,
    /// Days left.
    days: f64,
}

/// What comes in.
#[derive(Serialize, ToSchema)]
struct Ingest {
    /// Alerts per second, over the last minute.
    alerts_per_second: f64,
    /// Batches since the start.
    batches: u64,
    /// Records that broke a bound, since the start.
    refused: u64,
}

/// What is kept.
#[derive(Serialize, ToSchema)]
struct Retention {
    /// Alerts are deleted after so many days; null: never.
    max_age_days: Option<f64>,
    /// The oldest alerts are deleted when the database is larger, in bytes; null: it may grow.
    max_bytes: Option<u64>,
    /// Arrival of the oldest alert.
    oldest_alert: Option<Timestamp>,
}

/// What somebody should look at.
#[derive(Serialize, ToSchema)]
struct Warning {
    /// A word for it, for translation.
    code: &'static str,
    /// What is wrong.
    what: String,
    /// What to do.
    mend: String,
}

/// The core's own health.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health)))]
pub(super) async fn health(State(core): State<Shared>, _: Person) -> Result<Json<Health>, Problem> {
    let (database, taken) = (core.store.health().await?, core.store.taken());
    let now = core.now();
    let (free, total) = condition::disk(&core);
    let end = |(name, end)| CertificateEnd { name, end, days: condition::days(end, now) };
    let certificates = condition::certificates(&core).into_iter().map(end).collect();
    let told =
        |warning: condition::Warning| Warning { code: warning.code, what: warning.what, mend: warning.mend.to_owned() };
    let warnings = condition::warnings(&core).into_iter().map(told).collect();
    let slow = database.timings.iter().take(SLOW).map(|timing| SlowQuery {
        what: timing.what,
        count: timing.count,
        p50_ms: timing.p50_ms,
        p95_ms: timing.p95_ms,
        max_ms: timing.max_ms,
        last_ms: timing.last_ms,
    });
    let config = &core.config;
    let days = |span: std::time::Duration| span.as_secs_f64() / 86_400.0;
    Ok(Json(Health {
        version: VERSION,
        now,
        uptime_seconds: core.started.elapsed().as_secs(),
        disk: Disk { free, total },
        slow_queries: slow.collect(),
        queues: Queues {
            ingest: core.links.busy() as u64,
            jobs: database.waiting as u64,
            text_behind: database.text_behind,
        },
        certificates,
        ingest: Ingest {
            alerts_per_second: core.metrics.alerts_per_second(Instant::now()),
            batches: taken.batches,
            refused: taken.refused,
        },
        retention: Retention {
            max_age_days: config.retention_max_age.get().map(days),
            max_bytes: config.retention_max_bytes.get(),
            oldest_alert: database.oldest,
        },
        database: Database {
            bytes: database.bytes,
            wal_bytes: database.wal_bytes,
            alerts: database.alerts,
            bytes_per_alert: if database.alerts == 0 { 0.0 } else { database.bytes as f64 / database.alerts as f64 },
        },
        warnings,
    }))
}

/// Whether the core can serve: its database answers.
pub(crate) async fn ready(State(core): State<Shared>) -> Result<&'static str, Problem> {
    core.store.needs_setup().await?;
    Ok("ready\n")
}
