//! What is measured, for Prometheus and for the page about the core's own health.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabel as _, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::problem::Listener;

/// One label.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct By(pub(crate) &'static str, pub(crate) String);

impl EncodeLabelSet for By {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        (self.0, self.1.as_str()).encode(encoder.encode_label())
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    listener: &'static str,
    method: &'static str,
    path: String,
    status: u16,
}

/// All figures. Those that are counted are here all the time; those that are looked up are set when somebody asks.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Histogram, fn() -> Histogram>,
    /// Records of nodes that are on the disk.
    pub(crate) records: Counter,
    /// Alerts by severity, since the start.
    pub(crate) alerts: Family<By, Counter>,
    /// Batches that are on the disk.
    pub(crate) batches: Counter,
    /// Batches that did not follow where the core stands.
    pub(crate) conflicts: Counter,
    /// Records that broke a bound.
    pub(crate) refused_records: Counter,
    /// Batches that were told to come back later, by why.
    pub(crate) later: Family<By, Counter>,
    /// Sign-ins, by outcome.
    pub(crate) sign_ins: Family<By, Counter>,
    /// Live streams that are open.
    pub(crate) live_streams: Gauge,
    /// Nodes by state.
    pub(crate) nodes: Family<By, Gauge>,
    /// Connected nodes.
    pub(crate) connected: Gauge,
    /// Bytes of the database, by part.
    pub(crate) database: Family<By, Gauge>,
    /// Alerts in the database.
    pub(crate) stored: Gauge,
    /// What waits, by queue.
    pub(crate) queues: Family<By, Gauge>,
    recent: Recent,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("socme_core"),
            requests: Family::new_with_constructor(|| {
                Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0])
            }),
            records: Counter::default(),
            alerts: Family::default(),
            batches: Counter::default(),
            conflicts: Counter::default(),
            refused_records: Counter::default(),
            later: Family::default(),
            sign_ins: Family::default(),
            live_streams: Gauge::default(),
            nodes: Family::default(),
            connected: Gauge::default(),
            database: Family::default(),
            stored: Gauge::default(),
            queues: Family::default(),
            recent: Recent::default(),
        };
        let m = &mut metrics;
        let r = &mut m.registry;
        r.register_with_unit(
            "request_duration",
            "Requests, by listener, path and status",
            Unit::Seconds,
            m.requests.clone(),
        );
        r.register("records", "Records of nodes that were stored", m.records.clone());
        r.register("alerts", "Alerts of nodes that were stored, by severity", m.alerts.clone());
        r.register("batches", "Batches that were stored", m.batches.clone());
        r.register("batch_conflicts", "Batches that did not follow where the core stands", m.conflicts.clone());
        r.register("records_refused", "Records that broke a bound", m.refused_records.clone());
        r.register("batches_later", "Batches that were told to come back later, by reason", m.later.clone());
        r.register("sign_ins", "Sign-ins, by outcome", m.sign_ins.clone());
        r.register("live_streams", "Live streams that are open", m.live_streams.clone());
        r.register("nodes", "Nodes, by state", m.nodes.clone());
        r.register("nodes_connected", "Nodes that hold a connection", m.connected.clone());
        r.register_with_unit("database", "Size of the database, by part", Unit::Bytes, m.database.clone());
        r.register("alerts_stored", "Alerts in the database", m.stored.clone());
        r.register("queue", "What waits, by queue", m.queues.clone());
        metrics
    }

    /// A request was answered.
    pub(crate) fn answered(&self, listener: Listener, method: &Method, path: &str, status: StatusCode, took: Duration) {
        // Methods are a closed list here: nobody may make labels.
        let method = match *method {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::PUT => "PUT",
            _ => "other",
        };
        let request = Request { listener: listener.word(), method, path: path.to_owned(), status: status.as_u16() };
        self.requests.get_or_create(&request).observe(took.as_secs_f64());
    }

    /// A batch is on the disk.
    pub(crate) fn taken(&self, records: u64, refused: u64, severities: [u64; 4], now: Instant) {
        self.batches.inc();
        self.records.inc_by(records);
        self.refused_records.inc_by(refused);
        for (severity, count) in wire::Severity::ALL.into_iter().zip(severities) {
            self.alerts.get_or_create(&By("severity", severity.word().into())).inc_by(count);
        }
        self.recent.add(severities.iter().sum(), now);
    }

    /// Alerts stored per second, over the last minute.
    pub(crate) fn alerts_per_second(&self, now: Instant) -> f64 {
        self.recent.per_second(now)
    }

    /// The figures in OpenMetrics' text form.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Counts over the last minute, in slots of a second.
#[derive(Default)]
struct Recent {
    slots: Mutex<Vec<(u64, u64)>>,
    start: std::sync::OnceLock<Instant>,
}

const SLOTS: u64 = 60;

impl Recent {
    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(*self.start.get_or_init(|| now)).as_secs()
    }

    fn add(&self, count: u64, now: Instant) {
        let second = self.second(now);
        let mut slots = self.slots.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        slots.retain(|(slot, _)| slot + SLOTS > second);
        match slots.last_mut() {
            Some((slot, sum)) if *slot == second => *sum += count,
            _ => slots.push((second, count)),
        }
    }

    fn per_second(&self, now: Instant) -> f64 {
        let second = self.second(now);
        let slots = self.slots.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sum: u64 = slots.iter().filter(|(slot, _)| slot + SLOTS > second).map(|(_, sum)| sum).sum();
        sum as f64 / SLOTS.min(second + 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let (recent, start) = (Recent::default(), Instant::now());
        recent.add(10, start);
        assert_eq!(recent.per_second(start), 10.0);
        recent.add(50, start + Duration::from_secs(59));
        assert_eq!(recent.per_second(start + Duration::from_secs(59)), 1.0);
        assert_eq!(recent.per_second(start + Duration::from_secs(118)), 50.0 / 60.0);
        assert_eq!(recent.per_second(start + Duration::from_secs(119)), 0.0);
    }

    #[test]
    fn figures_are_text_that_prometheus_reads() {
        let metrics = Metrics::new();
        metrics.answered(Listener::People, &Method::GET, "/api/v1/me", StatusCode::OK, Duration::from_millis(3));
        metrics.taken(3, 1, [1, 0, 1, 0], Instant::now());
        let text = metrics.text();
        assert!(text.contains("socme_core_alerts_total{severity=\"high\"} 1"), "{text}");
        assert!(text.contains("socme_core_records_total 3"), "{text}");
        assert!(text.contains("socme_core_request_duration_seconds_bucket{le=\"0.005\",listener=\"people\",method=\"GET\",path=\"/api/v1/me\",status=\"200\"} 1"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
