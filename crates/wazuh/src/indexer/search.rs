//! What is searched.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

/// All alert indices; one a day, by the alerts' time in UTC.
pub const ALERTS: &str = "wazuh-alerts-*";
/// All vulnerability states (4.8 and later).
pub const VULNERABILITIES: &str = "wazuh-states-vulnerabilities-*";

/// A search that reads all that it finds.
#[derive(Clone, Debug)]
pub struct Search {
    /// Indices, a comma between them; `*` stands for anything. What is not there is passed over.
    pub indices: String,
    /// A query in the indexer's language.
    pub query: Value,
    /// By what the documents are ordered. The closer this comes to telling all of them apart, the less is read twice; more
    /// documents that are equal in all of it than a page can hold (10,000) are an error.
    pub order: Vec<Order>,
    /// Documents in a page, 1 to 10,000; 1000.
    pub page: usize,
    /// Bytes of an answer that are read; 8 MiB. A larger page is asked for in smaller pieces.
    pub limit: usize,
    /// False to read without a point in time though one can be had. One costs two requests and memory in the indexer, and
    /// gives a view in which nothing moves.
    pub point: bool,
    /// How long the indexer keeps a point in time after each page; 2 minutes.
    pub keep: Duration,
}

/// A field to order by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field: a date, a number or a keyword.
    pub field: String,
    /// How it is taken in an index that has none.
    pub kind: &'static str,
}

impl Order {
    /// A time.
    #[must_use]
    pub fn date(field: &str) -> Self {
        Self { field: field.to_owned(), kind: "date" }
    }

    /// A whole number.
    #[must_use]
    pub fn number(field: &str) -> Self {
        Self { field: field.to_owned(), kind: "long" }
    }

    /// A keyword.
    #[must_use]
    pub fn keyword(field: &str) -> Self {
        Self { field: field.to_owned(), kind: "keyword" }
    }
}

impl Search {
    /// With the usual limits.
    #[must_use]
    pub fn new(indices: impl Into<String>, query: Value, order: Vec<Order>) -> Self {
        Self {
            indices: indices.into(),
            query,
            order,
            page: 1000,
            limit: 8 << 20,
            point: true,
            keep: Duration::from_secs(120),
        }
    }

    /// Alerts, oldest first.
    #[must_use]
    pub fn alerts(filter: &AlertFilter) -> Self {
        Self::new(ALERTS, filter.query(), vec![Order::date("timestamp"), Order::keyword("id")])
    }

    pub(super) fn sort(&self) -> Value {
        let field = |order: &Order| json!({ &order.field: { "order": "asc", "unmapped_type": order.kind } });
        self.order.iter().map(field).collect()
    }
}

/// Which alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Up to this time, without it.
    pub until: Option<Timestamp>,
    /// Of this level or above.
    pub level: Option<u8>,
    /// Of this agent.
    pub agent: Option<String>,
    /// Of one of these rules.
    pub rules: Vec<String>,
}

impl AlertFilter {
    /// In the indexer's language. Values are data there, so nothing in them can change the query.
    #[must_use]
    pub fn query(&self) -> Value {
        let mut all = Vec::new();
        let mut time = serde_json::Map::new();
        if let Some(from) = self.from {
            time.insert("gte".into(), json!(from.as_millisecond()));
        }
        if let Some(until) = self.until {
            time.insert("lt".into(), json!(until.as_millisecond()));
        }
        if !time.is_empty() {
            // A number could otherwise be read as a year.
            time.insert("format".into(), json!("epoch_millis"));
            all.push(json!({ "range": { "timestamp": time } }));
        }
        if let Some(level) = self.level {
            all.push(json!({ "range": { "rule.level": { "gte": level } } }));
        }
        if let Some(agent) = &self.agent {
            all.push(json!({ "term": { "agent.id": agent } }));
        }
        if !self.rules.is_empty() {
            all.push(json!({ "terms": { "rule.id": self.rules } }));
        }
        every(all)
    }
}

/// What fits all of these.
#[allow(clippy::needless_pass_by_value, reason = "conditions are made where they are passed")]
pub(super) fn every(all: Vec<Value>) -> Value {
    if all.is_empty() { json!({ "match_all": {} }) } else { json!({ "bool": { "filter": all } }) }
}
