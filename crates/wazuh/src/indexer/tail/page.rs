//! What was read at once, and what of it is new.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::cursor::{Cursor, HOUR};
use super::{super::Indexer, super::pages, Settings};
use crate::Error;
use crate::alerts::Key;

/// What was read at once.
#[derive(Debug)]
pub struct Page {
    keys: Vec<Key>,
    found: Vec<New>,
    cursor: Cursor,
    effect: Effect,
    settings: Box<Settings>,
}

/// What a page does to the cursor.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    /// Everything up to its end was read.
    Polled { now: i64 },
    /// A part of an hour was read; all of it, if it is said how much that was.
    Swept { hour: i64, read: Option<u64>, now: i64 },
}

/// What is new in a page. It is to be stored in one transaction: the alerts with their keys, and the cursor.
#[derive(Debug)]
#[non_exhaustive]
pub struct Batch {
    /// What is new, in the order of its times, but for what came late.
    pub alerts: Vec<New>,
    /// How many documents were seen before.
    pub seen: usize,
    /// The cursor to store with it, and to give to [`super::Tail::stored`].
    pub cursor: Cursor,
    /// Keys of hours before this are not needed any more.
    pub forget_before: i64,
}

/// A new alert.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct New {
    /// What tells it from all others.
    pub key: Key,
    /// Its time.
    pub timestamp: Timestamp,
    /// What it says.
    pub body: Body,
}

/// What an alert says.
#[derive(Clone, Debug)]
pub enum Body {
    /// The document, character by character as the indexer holds it.
    Alert(Box<RawValue>),
    /// It cannot be read: it is larger than the limit, or its index keeps no documents.
    Unread {
        /// Its index.
        index: String,
        /// Its `_id` there.
        id: String,
    },
}

impl New {
    /// The document; none if it cannot be read.
    #[must_use]
    pub fn document(&self) -> Option<&str> {
        match &self.body {
            Body::Alert(raw) => Some(raw.get()),
            Body::Unread { .. } => None,
        }
    }
}

impl Page {
    pub(super) fn new(
        indexer: &Indexer,
        settings: &Settings,
        cursor: &Cursor,
        page: pages::Page,
        effect: Effect,
    ) -> Result<Self, Error> {
        let time = |sort: &[serde_json::Value]| {
            let millis = sort.first().and_then(serde_json::Value::as_i64);
            let time = millis.and_then(|millis| Timestamp::from_millisecond(millis).ok());
            time.ok_or_else(|| indexer.unexpected("an alert whose time is none"))
        };
        let mut found = Vec::with_capacity(page.hits.len());
        for hit in page.hits {
            let timestamp = time(&hit.sort)?;
            let raw = hit.source.get();
            found.push(if raw.starts_with('{') {
                New { key: Key::at(timestamp, raw.as_bytes()), timestamp, body: Body::Alert(hit.source) }
            } else {
                unread(timestamp, hit.index, hit.id)
            });
        }
        for hit in page.oversized {
            found.push(unread(time(&hit.sort)?, hit.index, hit.id));
        }
        let keys = found.iter().map(|new| new.key).collect();
        Ok(Self { keys, found, cursor: cursor.clone(), effect, settings: Box::new(settings.clone()) })
    }

    /// The keys of all that is in it.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Leaves out what was seen. `seen` is asked once, with the keys of the page, and says of each whether an alert with that
    /// key is stored; it must see everything that was stored up to now.
    ///
    /// # Errors
    /// Those of `seen`.
    pub fn sift<E>(self, seen: impl FnOnce(&[Key]) -> Result<Vec<bool>, E>) -> Result<Batch, E> {
        let seen = seen(&self.keys)?;
        let Self { mut cursor, found, effect, settings, .. } = self;
        let all = found.len();
        let end = found.iter().map(|new| new.timestamp.as_millisecond()).max();
        let mut here = HashSet::with_capacity(all);
        let mut alerts = Vec::with_capacity(all);
        for (at, new) in found.into_iter().enumerate() {
            // The same alert may be there under two `_id`s.
            if here.insert(new.key) && !seen.get(at).copied().unwrap_or(false) {
                alerts.push(new);
            }
        }
        let again = |new: &&New| cursor.counted.is_some_and(|until| new.timestamp.as_millisecond() <= until);
        for new in alerts.iter().filter(|new| !again(new)) {
            *cursor.hours.entry(new.timestamp.as_millisecond().div_euclid(HOUR)).or_default() += 1;
        }
        let (now, sweeping) = match effect {
            Effect::Polled { now } => {
                cursor.high = cursor.high.max(end.map_or(i64::MIN, |end| end.min(now)));
                (now, false)
            }
            Effect::Swept { hour, read, now } => {
                if let Some(read) = read {
                    cursor.hours.insert(hour, read);
                }
                (now, true)
            }
        };
        let forget_before = cursor.prune(&settings, now, sweeping);
        Ok(Batch { seen: all - alerts.len(), alerts, cursor, forget_before })
    }
}

impl Batch {
    /// True if there is nothing to store but the cursor; that may then wait for the next batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }
}

fn unread(timestamp: Timestamp, index: String, id: String) -> New {
    let key = Key::new(timestamp, "", "", "", format!("{index}/{id}").as_bytes());
    New { key, timestamp, body: Body::Unread { index, id } }
}
