//! Counts, without reading the documents.

use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

use super::Indexer;
use super::answer::Found;
use super::pages::search_url;
use crate::Error;

/// Documents in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Where it begins, in milliseconds since 1970.
    pub start: i64,
    /// How many.
    pub documents: u64,
}

/// How many documents have each value of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// The values that most documents have, and how many.
    pub terms: Vec<(String, u64)>,
    /// How many documents have another value.
    pub others: u64,
}

#[derive(Deserialize)]
struct Buckets {
    #[serde(default)]
    sum_other_doc_count: u64,
    buckets: Vec<Counted>,
}

#[derive(Deserialize)]
struct Counted {
    key: Value,
    doc_count: u64,
}

impl Indexer {
    /// How many documents fit a query. 0 where there is no index, and where the user may not read it and the indexer is
    /// configured to say nothing of that.
    ///
    /// OpenSearch, `POST /{indices}/_search` with `track_total_hits` (`indices:data/read/search`).
    ///
    /// # Errors
    /// The indexer cannot be asked, or counted a part only.
    pub async fn count(&self, indices: &str, query: &Value) -> Result<u64, Error> {
        let body = json!({ "size": 0, "track_total_hits": true, "query": query });
        self.search_once(indices, &body, |found| found.hits.total.as_ref().map(|total| total.value)).await
    }

    /// How many documents there are in each span of a date field, without the spans that have none. Spans begin at
    /// multiples of `every` (1 ms at least) since 1970, UTC.
    ///
    /// OpenSearch, `POST /{indices}/_search` with a `date_histogram` (`indices:data/read/search`).
    ///
    /// # Errors
    /// The indexer cannot be asked, or counted a part only.
    pub async fn histogram(
        &self,
        indices: &str,
        query: &Value,
        field: &str,
        every: Duration,
    ) -> Result<Vec<Bucket>, Error> {
        let interval = format!("{}ms", every.as_millis().max(1));
        let histogram = json!({ "field": field, "fixed_interval": interval, "min_doc_count": 1 });
        let buckets = self.aggregate(indices, query, json!({ "date_histogram": histogram })).await?;
        let start = |counted: &Counted| Some(Bucket { start: counted.key.as_i64()?, documents: counted.doc_count });
        Ok(buckets.map(|buckets| buckets.buckets.iter().filter_map(start).collect()).unwrap_or_default())
    }

    /// How many documents have each value of a keyword field; the `most` values that are most frequent.
    ///
    /// OpenSearch, `POST /{indices}/_search` with `terms` (`indices:data/read/search`).
    ///
    /// # Errors
    /// The indexer cannot be asked, or counted a part only.
    pub async fn terms(&self, indices: &str, query: &Value, field: &str, most: usize) -> Result<Terms, Error> {
        let terms = json!({ "terms": { "field": field, "size": most.max(1) } });
        let Some(buckets) = self.aggregate(indices, query, terms).await? else { return Ok(Terms::default()) };
        let term = |counted: Counted| match counted.key {
            Value::String(text) => (text, counted.doc_count),
            other => (other.to_string(), counted.doc_count),
        };
        Ok(Terms { terms: buckets.buckets.into_iter().map(term).collect(), others: buckets.sum_other_doc_count })
    }

    /// None where there is no index at all: then there is no aggregation either.
    async fn aggregate(&self, indices: &str, query: &Value, what: Value) -> Result<Option<Buckets>, Error> {
        let body = json!({ "size": 0, "track_total_hits": false, "query": query, "aggs": { "a": what } });
        self.search_once(indices, &body, |found| match found.aggregations.get("a") {
            None => (found.shards.total == 0).then_some(None),
            Some(buckets) => Buckets::deserialize(buckets).ok().map(Some),
        })
        .await
    }

    /// Asks, and takes something from an answer that is whole.
    async fn search_once<T>(
        &self,
        indices: &str,
        body: &Value,
        take: impl FnOnce(&Found<'_>) -> Option<T>,
    ) -> Result<T, Error> {
        let answer = self.ask(reqwest::Method::POST, search_url(self, indices), Some(body), 16 << 20).await?;
        let found: Found<'_> = self.read(&answer)?;
        match found.doubt() {
            Some(doubt) => Err(self.partial(doubt)),
            None => take(&found).ok_or_else(|| self.unexpected("an answer without the count that was asked for")),
        }
    }
}
