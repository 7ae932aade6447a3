//! A point in time: a view in which nothing moves.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::Indexer;
use super::answer::Point as Opened;
use crate::Error;

/// An open point in time. It is deleted when it is dropped.
#[derive(Debug)]
pub(super) struct Point {
    indexer: Indexer,
    /// The newest id that the indexer gave.
    pub(super) id: String,
}

impl Point {
    /// Opens one. None where there is none to be had: an indexer before OpenSearch 2.4 (400, 404, 405), a user who may
    /// search and not open one (403), no index for the pattern (400, which is a bug of OpenSearch), too many of them (429).
    /// If the reason is another, the search itself meets it too.
    ///
    /// # Errors
    /// No answer, or the password is wrong.
    pub(super) async fn open(indexer: &Indexer, indices: &str, keep: Duration) -> Result<Option<Self>, Error> {
        let keep = keep_alive(keep);
        let query = [
            ("keep_alive", keep.as_str()),
            ("allow_partial_pit_creation", "false"),
            ("ignore_unavailable", "true"),
            ("allow_no_indices", "true"),
        ];
        let url = indexer.url(&[indices, "_search", "point_in_time"], &query);
        match indexer.post::<Opened>(url, None).await {
            Ok(opened) => {
                let whole = opened.shards.doubt().is_none();
                let point = Self { indexer: indexer.clone(), id: opened.pit_id };
                // One that lacks shards goes again.
                Ok(whole.then_some(point))
            }
            Err(error @ (Error::Unreachable { .. } | Error::Certificate { .. } | Error::Identity { .. })) => Err(error),
            Err(error @ Error::WrongPassword { .. }) => Err(error),
            Err(error) => {
                tracing::debug!(%error, "no point in time: reading without");
                Ok(None)
            }
        }
    }
}

impl Point {
    /// Deletes it.
    pub(super) async fn close(mut self) {
        delete(&self.indexer, &self.id).await;
        // Only now: had this been cancelled, dropping it would delete it.
        self.id.clear();
    }
}

impl Drop for Point {
    fn drop(&mut self) {
        let (indexer, id) = (self.indexer.clone(), std::mem::take(&mut self.id));
        if id.is_empty() {
            return;
        }
        // Without a runtime there is nothing to send it with: the indexer then lets go of it when its time is over.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { delete(&indexer, &id).await });
        }
    }
}

async fn delete(indexer: &Indexer, id: &str) {
    let url = indexer.url(&["_search", "point_in_time"], &[]);
    let body = json!({ "pit_id": [id] });
    if let Err(error) = indexer.ask(Method::DELETE, url, Some(&body), 1 << 20).await {
        tracing::debug!(%error, "a point in time could not be deleted: it ends by itself");
    }
}

/// A time as the indexer reads it.
pub(super) fn keep_alive(keep: Duration) -> String {
    format!("{}ms", keep.as_millis().max(1))
}
