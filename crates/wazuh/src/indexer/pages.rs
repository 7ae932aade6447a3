//! Reads all that a search finds, page by page.

use futures::Stream;
use reqwest::{Method, Url};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::answer::{Found, Hit};
use super::point::{Point, keep_alive};
use super::{Indexer, Search};
use crate::Error;

/// The indexer gives no more at once.
const MOST: usize = 10_000;
/// A page that is too large is asked for in half its size, down to this; then its documents are fetched one by one.
const LEAST: usize = 16;

/// The pages of a search, in its order.
///
/// After an error, [`Pages::next`] goes on where it stood: nothing is skipped. It may be cancelled.
#[derive(Debug)]
pub struct Pages {
    indexer: Indexer,
    search: Search,
    view: View,
    /// The sort values of the last document that was given.
    after: Option<Vec<Value>>,
    /// How many documents are asked for now.
    size: usize,
    /// How many must be asked for at least, for those that are equal to fit.
    least: usize,
    done: bool,
}

/// What is being looked at.
#[derive(Debug)]
enum View {
    /// Nothing was asked yet.
    New,
    /// A point in time, and how often it was lost.
    Frozen(Point, u8),
    /// A point in time is to be opened again.
    Lost(u8),
    /// The indices as they are at each page.
    Moving,
}

/// One page.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Page {
    /// The documents.
    pub hits: Vec<Hit>,
    /// Documents that are larger than the limit by themselves; their source is `null`.
    pub oversized: Vec<Hit>,
    /// True if nothing comes after it.
    pub last: bool,
    /// The sort values up to which everything was given.
    pub(super) end: Option<Vec<Value>>,
}

impl Pages {
    pub(super) fn new(indexer: Indexer, mut search: Search) -> Self {
        search.page = search.page.clamp(1, MOST);
        let view = if search.point { View::New } else { View::Moving };
        let size = search.page;
        Self { indexer, search, view, after: None, size, least: LEAST.min(size), done: false }
    }

    /// The next page; none once all is read. A page may be empty, and not the last.
    ///
    /// # Errors
    /// The indexer cannot be asked, or gave only a part of the page. Call it again to go on.
    pub async fn next(&mut self) -> Result<Option<Page>, Error> {
        loop {
            if self.done {
                return Ok(None);
            }
            self.open().await?;
            let asked = match self.ask(self.size).await {
                Err(Refusal::Other(Error::TooLarge { .. })) if self.size > self.least => {
                    self.size = (self.size / 2).max(self.least);
                    continue;
                }
                Err(Refusal::Other(Error::TooLarge { .. })) => self.ask_singly().await,
                Ok(page) => self.cut(page),
                Err(refusal) => Err(refusal),
            };
            match asked {
                Ok(Some(page)) => return self.turn(page).await.map(Some),
                Ok(None) => {}
                Err(Refusal::Point(error)) => self.lose(&error),
                Err(Refusal::Other(error)) => return Err(error),
            }
        }
    }

    /// As a stream of documents that ends with the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Hit, Error>> + Send {
        use futures::{StreamExt as _, TryStreamExt as _};
        let pages = futures::stream::try_unfold(self, |mut pages| async move {
            Ok::<_, Error>(pages.next().await?.map(|page| (page, pages)))
        });
        pages.map_ok(|page| futures::stream::iter(page.hits).map(Ok)).try_flatten()
    }

    async fn open(&mut self) -> Result<(), Error> {
        let losses = match self.view {
            View::New => 0,
            View::Lost(losses) => losses,
            View::Frozen(..) | View::Moving => return Ok(()),
        };
        self.view = match Point::open(&self.indexer, &self.search.indices, self.search.keep).await? {
            Some(point) => View::Frozen(point, losses),
            None => View::Moving,
        };
        Ok(())
    }

    /// It expired, its index was deleted, or the user may open and not use it. The second time, reading goes on without.
    fn lose(&mut self, error: &Error) {
        let losses = match &self.view {
            View::Frozen(_, losses) => losses + 1,
            _ => u8::MAX,
        };
        tracing::debug!(%error, losses, "the point in time is lost");
        self.view = if losses < 2 { View::Lost(losses) } else { View::Moving };
    }

    async fn ask(&mut self, size: usize) -> Result<Page, Refusal> {
        let body = self.body(size, &self.search.query);
        self.send(body, size).await
    }

    /// A page whose documents are fetched one by one, up to the limit.
    async fn ask_singly(&mut self) -> Result<Option<Page>, Refusal> {
        let mut body = self.body(self.size, &self.search.query);
        body.insert("_source".into(), json!(false));
        let heads = self.send(body, self.size).await?;
        let Some(heads) = self.cut(heads)? else { return Ok(None) };
        let (mut page, mut bytes) = (Page { last: heads.last, ..Page::default() }, 0);
        for head in heads.hits {
            // Not between documents that are equal: what is left to the next page comes again from its first on.
            if bytes >= self.search.limit && page.end.as_ref().is_some_and(|end| *end != head.sort) {
                page.last = false;
                break;
            }
            let query = json!({ "ids": { "values": [&head.id] } });
            let mut body = self.body(LEAST, &query);
            body.remove("search_after");
            page.end = Some(head.sort.clone());
            match self.send(body, LEAST).await {
                Ok(found) => {
                    // None if it was deleted meanwhile.
                    let hit = found.hits.into_iter().find(|hit| hit.index == head.index);
                    bytes += hit.as_ref().map_or(0, |hit| hit.source.get().len());
                    page.hits.extend(hit);
                }
                Err(Refusal::Other(Error::TooLarge { .. })) => page.oversized.push(head),
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(Some(page))
    }

    fn body(&self, size: usize, query: &Value) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("size".into(), json!(size));
        body.insert("track_total_hits".into(), json!(false));
        body.insert("query".into(), query.clone());
        body.insert("sort".into(), self.search.sort());
        if let Some(after) = &self.after {
            body.insert("search_after".into(), json!(after));
        }
        body
    }

    async fn send(&mut self, mut body: Map<String, Value>, size: usize) -> Result<Page, Refusal> {
        let url = match &self.view {
            View::Frozen(point, _) => {
                let keep = keep_alive(self.search.keep);
                body.insert("pit".into(), json!({ "id": point.id, "keep_alive": keep }));
                self.indexer.url(&["_search"], &[("allow_partial_search_results", "false")])
            }
            _ => search_url(&self.indexer, &self.search.indices),
        };
        let frozen = matches!(self.view, View::Frozen(..));
        let asked = self.indexer.ask(Method::POST, url, Some(&Value::Object(body)), self.search.limit).await;
        let answer = match asked {
            // 400: what it made of the id; 403: it may be opened and not used; 404: it expired, or an index was deleted.
            Err(error @ (Error::NotFound { .. } | Error::NoPermission { .. } | Error::Refused { .. })) if frozen => {
                return Err(Refusal::Point(error));
            }
            other => other.map_err(Refusal::Other)?,
        };
        let found: Found<'_> = self.indexer.read(&answer).map_err(Refusal::Other)?;
        if let Some(doubt) = found.doubt() {
            let error = self.indexer.partial(doubt);
            return Err(if frozen && found.shards.lost_point() {
                Refusal::Point(error)
            } else {
                Refusal::Other(error)
            });
        }
        let hits: Result<Vec<Hit>, Error> = found
            .hits
            .hits
            .into_iter()
            .map(|hit| {
                if hit.sort.len() != self.search.order.len() {
                    return Err(self.indexer.unexpected("a document without the values that it was sorted by"));
                }
                let source = hit.source.map_or_else(|| RawValue::NULL.to_owned(), ToOwned::to_owned);
                Ok(Hit { index: hit.index, id: hit.id, source, sort: hit.sort })
            })
            .collect();
        let hits = hits.map_err(Refusal::Other)?;
        if let (View::Frozen(point, _), Some(id)) = (&mut self.view, found.pit_id) {
            point.id = id;
        }
        let end = hits.last().map(|hit| hit.sort.clone());
        Ok(Page { last: hits.len() < size, hits, oversized: Vec::new(), end })
    }

    /// Leaves the documents that are equal to a full page's last one to the next page: others that are equal may not have
    /// fit. None if that would be all: then it is to be asked again, for more.
    fn cut(&mut self, mut page: Page) -> Result<Option<Page>, Refusal> {
        if page.last {
            return Ok(Some(page));
        }
        let keep = page.hits.iter().rposition(|hit| Some(&hit.sort) != page.end.as_ref()).map_or(0, |at| at + 1);
        if keep == 0 {
            if self.size == MOST {
                let detail = format!("{MOST} documents or more are equal in what they are sorted by");
                return Err(Refusal::Other(self.indexer.unexpected(&detail)));
            }
            self.size = (self.size * 4).min(MOST);
            self.least = self.size;
            return Ok(None);
        }
        page.hits.truncate(keep);
        page.end = page.hits.last().map(|hit| hit.sort.clone());
        Ok(Some(page))
    }

    /// Goes on behind a page.
    async fn turn(&mut self, page: Page) -> Result<Page, Error> {
        self.after = page.end.clone().or(self.after.take());
        self.least = LEAST.min(self.search.page);
        // Slowly, or every other page would be too large.
        self.size = (self.size + self.size / 8 + 1).min(self.search.page);
        if page.last {
            self.done = true;
            if let View::Frozen(point, _) = std::mem::replace(&mut self.view, View::Moving) {
                point.close().await;
            }
        }
        Ok(page)
    }
}

/// Why a page did not come.
enum Refusal {
    /// The point in time cannot be used (any more).
    Point(Error),
    Other(Error),
}

/// The address to search indices at. What is not there is passed over; what failed is an error.
pub(super) fn search_url(indexer: &Indexer, indices: &str) -> Url {
    let query =
        [("ignore_unavailable", "true"), ("allow_no_indices", "true"), ("allow_partial_search_results", "false")];
    indexer.url(&[indices, "_search"], &query)
}
