//! What the indexer answers.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A document, as it was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hit {
    /// Its index.
    pub index: String,
    /// Its `_id`. The indexer makes it up for alerts: the same alert may be there under two.
    pub id: String,
    /// The document, character by character as it was indexed.
    pub source: Box<RawValue>,
    /// The values that it was sorted by: times are milliseconds since 1970, what is absent is null.
    pub sort: Vec<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Info {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) cluster_name: String,
    #[serde(default)]
    pub(super) cluster_uuid: String,
    pub(super) version: Version,
}

#[derive(Debug, Deserialize)]
pub(super) struct Version {
    pub(super) distribution: Option<String>,
    pub(super) number: String,
}

/// An answer to a search. What says whether it is whole must be there.
#[derive(Deserialize)]
pub(super) struct Found<'a> {
    pub(super) timed_out: bool,
    #[serde(rename = "_shards")]
    pub(super) shards: Shards,
    #[serde(default)]
    pub(super) terminated_early: bool,
    pub(super) pit_id: Option<String>,
    #[serde(borrow)]
    pub(super) hits: Hits<'a>,
    #[serde(default)]
    pub(super) aggregations: Value,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Shards {
    pub(super) total: u64,
    pub(super) successful: u64,
    pub(super) failed: u64,
    #[serde(default)]
    failures: Vec<ShardFailure>,
}

#[derive(Debug, Deserialize)]
struct ShardFailure {
    #[serde(default)]
    reason: Cause,
}

#[derive(Deserialize)]
pub(super) struct Hits<'a> {
    pub(super) total: Option<Total>,
    #[serde(borrow)]
    pub(super) hits: Vec<RawHit<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Total {
    pub(super) value: u64,
}

#[derive(Deserialize)]
pub(super) struct RawHit<'a> {
    #[serde(rename = "_index")]
    pub(super) index: String,
    #[serde(rename = "_id")]
    pub(super) id: String,
    #[serde(rename = "_source", borrow)]
    pub(super) source: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) sort: Vec<Value>,
}

impl Found<'_> {
    /// Why it is not whole, if it is not.
    pub(super) fn doubt(&self) -> Option<String> {
        if self.timed_out {
            return Some("the search timed out on a shard".into());
        }
        if self.terminated_early {
            return Some("the search was ended early".into());
        }
        self.shards.doubt()
    }
}

impl Shards {
    pub(super) fn doubt(&self) -> Option<String> {
        let answered = self.successful;
        if self.failed == 0 && answered >= self.total {
            return None;
        }
        let why = self.failures.first().map(|failure| format!(" ({})", failure.reason.sentence()));
        let why = crate::error::shown(&why.unwrap_or_default());
        Some(format!("{answered} of {} shards answered {why}", self.total).trim_end().to_owned())
    }

    /// True if shards failed because the point in time is gone there.
    pub(super) fn lost_point(&self) -> bool {
        self.failures.iter().any(|failure| failure.reason.lost_point())
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Point {
    pub(super) pit_id: String,
    #[serde(rename = "_shards", default)]
    pub(super) shards: Shards,
}

/// `{"error":{…},"status":404}`.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    error: Cause,
}

#[derive(Debug, Default, Deserialize)]
struct Cause {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    root_cause: Vec<Cause>,
    #[serde(default)]
    failed_shards: Vec<ShardFailure>,
    #[serde(default)]
    caused_by: Option<Box<Cause>>,
}

impl Failure {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The innermost reason: the outer one is often no more than «all shards failed».
    pub(super) fn sentence(&self) -> String {
        self.error.sentence()
    }

    /// The permission that is missing: `no permissions for [indices:data/read/search] and User […]`.
    pub(super) fn action(&self) -> Option<&str> {
        let reason = self.error.reason.as_deref()?;
        reason.split_once("no permissions for [")?.1.split_once(']').map(|(action, _)| action)
    }
}

impl Cause {
    fn sentence(&self) -> String {
        let root = self.root_cause.first();
        let shard = self.failed_shards.first().map(|failure| &failure.reason);
        if let Some(inner) = root.or(shard).or(self.caused_by.as_deref()) {
            return inner.sentence();
        }
        [self.kind.as_deref(), self.reason.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ")
    }

    fn lost_point(&self) -> bool {
        self.kind.as_deref() == Some("search_context_missing_exception")
            || self.root_cause.iter().any(Self::lost_point)
            || self.caused_by.as_deref().is_some_and(Self::lost_point)
    }
}
