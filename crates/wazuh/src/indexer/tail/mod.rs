//! Follows the alerts of an indexer: none is skipped, none comes twice.
//!
//! An alert is found in the indexer some seconds after its time, and hours or days after it when Filebeat or the indexer was
//! down; nothing in it says when it arrived. So a cursor alone would lose what comes late. [`Tail`] therefore
//! - keeps a high-water time, and looks back from it: at each poll a little, once a minute over the whole overlap;
//! - compares, every ten minutes, how many documents each hour of the last three days holds with how many were read, and
//!   reads again the hours in which that differs; after an absence, those of the three days before it;
//! - leaves out what was seen, by [`Key`], with the help of a set that the caller keeps.
//!
//! # Invariants
//! 1. The cursor moves only by [`Tail::stored`]. Whoever stores the alerts, their keys and the cursor of a [`Batch`] in one
//!    transaction, and opens a new tail at the stored cursor after a crash, gets each alert exactly once.
//! 2. The high-water time is that of an alert up to which, in order, everything was given that the indexer then showed. It
//!    is never later than now, so a manager with a wrong clock hides nobody else's alerts.
//! 3. An hour's count never claims more than was read of it: it is the number of new alerts, or what a reading of the
//!    whole hour found. A late alert thus always makes the indexer's count differ.
//! 4. Keys may be forgotten before [`Batch::forget_before`], and not earlier. Nothing of these hours is read again, also if the
//!    clock is set.
//! 5. Where the keys are lost ([`Cursor::without_keys`]), what the polls looked back to comes again: it was counted before, and is
//!    not counted again. So no hour is read again but one in which an alert came late meanwhile.
//! 6. A page of which a shard is missing is an error, after which the next call begins again at the cursor.
//!
//! # What it cannot see
//! - Soon, an alert that is later than [`Settings::overlap`]: the hour of its time is compared once it has ended.
//! - An alert that arrives later than [`Settings::sweep`] after its time.
//! - That one document was deleted and another was added in the same hour between two sweeps. Alerts are deleted by the
//!   day, with their index.
//! - What the indexer refused. For everything, read `alerts.json` on the manager.
//!
//! # Use
//! ```no_run
//! # use wazuh::indexer::{Indexer, tail::{Batch, Cursor, Settings, Tail}};
//! # use wazuh::alerts::Key;
//! # struct Store;
//! # impl Store {
//! #     fn cursor(&self) -> Option<Cursor> { None }
//! #     fn seen(&self, keys: &[Key]) -> std::io::Result<Vec<bool>> { Ok(vec![false; keys.len()]) }
//! #     fn keep(&self, batch: &Batch) -> std::io::Result<()> { Ok(()) }
//! # }
//! # async fn story(indexer: Indexer, store: Store) -> Result<(), Box<dyn std::error::Error>> {
//! let cursor = store.cursor().unwrap_or_else(|| Cursor::from(jiff::Timestamp::now()));
//! let mut tail = Tail::new(indexer, Settings::default(), cursor);
//! loop {
//!     while let Some(page) = tail.next(jiff::Timestamp::now()).await? {
//!         let batch = page.sift(|keys| store.seen(keys))?;
//!         // In one transaction: batch.alerts with their keys, batch.cursor, and the keys that may go.
//!         store.keep(&batch)?;
//!         tail.stored(batch.cursor);
//!     }
//!     tokio::time::sleep(std::time::Duration::from_secs(5)).await;
//! }
//! # }
//! ```
//! A [`Page`] can be sent to another thread, sifted and stored there, and only its cursor sent back.

mod cursor;
mod page;
mod settings;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

pub use cursor::Cursor;
pub use page::{Batch, Body, New, Page};
pub use settings::Settings;

use self::cursor::HOUR;
use self::page::Effect;
use super::search::every;
use super::{Indexer, Order, Pages, Search};
use crate::Error;
#[cfg(doc)]
use crate::alerts::Key;

/// How often the hours before an absence are tried to be compared before polls go on without.
const TRIES: u8 = 5;

/// Follows the alerts of an indexer.
#[derive(Debug)]
pub struct Tail {
    indexer: Indexer,
    settings: Settings,
    cursor: Cursor,
    turn: Turn,
    job: Option<Job>,
    /// True if the hours are to be compared before it is time.
    sweep_soon: bool,
    /// How often comparing them before the poll was tried, after an absence.
    tries: u8,
    /// True while a page is out that was not reported as stored.
    out: bool,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Poll,
    Sweep,
    Rest,
}

/// What is being done.
#[derive(Debug)]
enum Job {
    Poll {
        pages: Pages,
        whole: bool,
        began: i64,
    },
    /// `then`: what is next.
    Sweep {
        hours: VecDeque<i64>,
        current: Option<Hour>,
        began: i64,
        then: Turn,
    },
}

#[derive(Debug)]
struct Hour {
    hour: i64,
    pages: Pages,
    read: u64,
}

impl Tail {
    /// Goes on at a cursor; for the first time at [`Cursor::from`] a time.
    #[must_use]
    pub fn new(indexer: Indexer, settings: Settings, mut cursor: Cursor) -> Self {
        // What happened since the cursor was stored is not known: look back at once, and compare the hours.
        cursor.looked_back = 0;
        Self { indexer, settings, cursor, turn: Turn::Poll, job: None, sweep_soon: true, tries: 0, out: false }
    }

    /// The place up to which everything is stored.
    #[must_use]
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The next page; none once there is nothing more for now: then wait some seconds, and ask again. Pages come with what
    /// was seen already; [`Page::sift`] leaves that out. A page that is not [`stored`](Self::stored) comes again.
    ///
    /// # Errors
    /// The indexer cannot be asked, or gave only a part. Nothing is skipped: ask again, after a while if
    /// [`Error::is_passing`].
    pub async fn next(&mut self, now: Timestamp) -> Result<Option<Page>, Error> {
        if std::mem::take(&mut self.out) {
            (self.job, self.turn) = (None, Turn::Poll);
        }
        let next = self.advance(now.as_millisecond()).await;
        if next.is_err() {
            (self.job, self.turn) = (None, Turn::Poll);
        }
        self.out = matches!(next, Ok(Some(_)));
        next
    }

    /// What came of the page that was given last is stored, together with this cursor of its batch.
    pub fn stored(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        self.out = false;
    }

    /// Compares the hours at the next turn, and not only when it is time: the manager, Filebeat or the indexer was down.
    pub fn sweep_soon(&mut self) {
        self.sweep_soon = true;
    }

    async fn advance(&mut self, now: i64) -> Result<Option<Page>, Error> {
        loop {
            if self.job.is_none() && !self.begin(now).await? {
                return Ok(None);
            }
            match &mut self.job {
                Some(Job::Poll { pages, whole, began }) => {
                    if let Some(page) = pages.next().await? {
                        let effect = Effect::Polled { now: *began };
                        return Page::new(&self.indexer, &self.settings, &self.cursor, page, effect).map(Some);
                    }
                    if *whole {
                        // What comes late from now on is not counted yet.
                        (self.cursor.looked_back, self.cursor.counted) = (*began, None);
                    }
                    (self.job, self.turn) = (None, Turn::Sweep);
                }
                Some(Job::Sweep { hours, current: None, began, then }) => match hours.pop_front() {
                    Some(hour) => {
                        let range = json!({ "gte": self.cursor.earliest().max(hour * HOUR), "lt": (hour + 1) * HOUR });
                        let pages = self.pages(range, true);
                        if let Some(Job::Sweep { current, .. }) = &mut self.job {
                            *current = Some(Hour { hour, pages, read: 0 });
                        }
                    }
                    None => {
                        (self.cursor.swept, self.sweep_soon) = (*began, *then == Turn::Poll);
                        (self.turn, self.tries) = (*then, 0);
                        self.job = None;
                    }
                },
                Some(Job::Sweep { current, began, .. }) => {
                    let Some(hour) = current else { continue };
                    let (number, now) = (hour.hour, *began);
                    let Some(page) = hour.pages.next().await? else {
                        *current = None;
                        continue;
                    };
                    hour.read += (page.hits.len() + page.oversized.len()) as u64;
                    let read = page.last.then_some(hour.read);
                    let effect = Effect::Swept { hour: number, read, now };
                    return Page::new(&self.indexer, &self.settings, &self.cursor, page, effect).map(Some);
                }
                None => {}
            }
        }
    }

    /// Begins what is next. False if that is to rest.
    async fn begin(&mut self, now: i64) -> Result<bool, Error> {
        match self.turn {
            Turn::Poll => {
                // After a long absence what came late is looked for first, as far back as it may be: once the poll has read what
                // came since, keys and counts of back then are not needed any more.
                if self.tries < TRIES && self.cursor.swept > 0 && now.saturating_sub(self.cursor.swept) > HOUR {
                    self.tries += 1;
                    let hours = self.changed(now, self.cursor.high).await?;
                    self.job = Some(Job::Sweep { hours, current: None, began: now, then: Turn::Poll });
                    return Ok(true);
                }
                let whole = due(self.cursor.looked_back, self.settings.look_back_every, now);
                let back = millis(if whole { self.settings.overlap } else { self.settings.brief });
                let high = self.cursor.high.min(now);
                let range = json!({
                    "gte": self.cursor.earliest().max(high.saturating_sub(back)),
                    "lte": now.saturating_add(millis(self.settings.ahead)),
                });
                // A short look needs no view in which nothing moves: what moves is found at the next.
                let long = now.saturating_sub(high) > millis(self.settings.overlap);
                self.job = Some(Job::Poll { pages: self.pages(range, long), whole, began: now });
            }
            Turn::Sweep => {
                if !self.sweep_soon && !due(self.cursor.swept, self.settings.sweep_every, now) {
                    self.turn = Turn::Rest;
                    return Ok(true);
                }
                let hours = self.changed(now, i64::MAX).await?;
                self.job = Some(Job::Sweep { hours, current: None, began: now, then: Turn::Rest });
            }
            Turn::Rest => {
                self.turn = Turn::Poll;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The hours that begin up to `last` and whose documents are not as many as were read, but for those that the polls still look
    /// back to.
    async fn changed(&self, now: i64, last: i64) -> Result<VecDeque<i64>, Error> {
        let first = self.cursor.compared_from(&self.settings, now);
        let range = json!({ "gte": self.cursor.since.max(first * HOUR) });
        let (indices, query) = (&self.settings.indices, self.query(range));
        let buckets = self.indexer.histogram(indices, &query, "timestamp", Duration::from_secs(3600)).await?;
        // By the clock, not by the high-water time: that stands still while nothing new comes, and what is late comes all the same.
        let old = now - millis(self.settings.overlap);
        let future = now + millis(self.settings.ahead);
        let counted = |bucket: &super::Bucket| {
            let hour = bucket.start.div_euclid(HOUR);
            let polled = bucket.start + HOUR > old && bucket.start <= future;
            (!polled && bucket.start <= last && self.cursor.hours.get(&hour) != Some(&bucket.documents)).then_some(hour)
        };
        Ok(buckets.iter().filter_map(counted).collect())
    }

    fn query(&self, mut range: serde_json::Value) -> serde_json::Value {
        if let Some(range) = range.as_object_mut() {
            range.insert("format".into(), json!("epoch_millis"));
        }
        every(vec![json!({ "range": { "timestamp": range } }), self.settings.filter.query()])
    }

    fn pages(&self, range: serde_json::Value, point: bool) -> Pages {
        let order = vec![Order::date("timestamp"), Order::keyword("id")];
        let mut search = Search::new(self.settings.indices.clone(), self.query(range), order);
        (search.page, search.limit, search.point) =
            (self.settings.page, self.settings.limit, point && self.settings.point);
        self.indexer.search(search)
    }
}

/// True if it is time again, also if the clock was set back meanwhile.
fn due(last: i64, every: Duration, now: i64) -> bool {
    last > now || now - last >= millis(every)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
