//! Sources that are asked page by page: a Wazuh indexer. Somebody else asks ([`crate::manager`]); here a page becomes alerts, and
//! what was seen is remembered in the same transaction.
//!
//! # Invariants
//! - An alert's key is written with the alert. So a page that comes again after a crash gives only what is missing of it.
//! - The cursor is written with the last alert of its page, and whoever asks hears of it only then.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::oneshot;
use wazuh::indexer::tail::{Body, Cursor, New, Page};
use wire::alert::{Severity, Source};
use wire::status::{SourceState, SourceStatus};

use super::desk::{Desk, Tally};
use super::{Pending, lock};
use crate::alarm::alarm;
use crate::config::{Kind, SourceConfig, Start};
use crate::normalise::suricata::Sieve;
use crate::source::{Meaning, Place, mark_bad};
use crate::spool::{Error, Spool};

/// A page for a source, and who waits until it is on the disk.
pub(super) struct Handed {
    pub(super) page: Page,
    /// The spool's epoch that it belongs to.
    pub(super) epoch: u64,
    pub(super) done: oneshot::Sender<Cursor>,
}

/// A page that is being taken in.
struct Hand {
    alerts: VecDeque<New>,
    cursor: Cursor,
    forget_before: i64,
    done: oneshot::Sender<Cursor>,
}

/// A source that is asked page by page.
pub(super) struct Polled {
    pub(super) name: String,
    pub(super) status: SourceStatus,
    /// Where asking stands.
    pub(super) cursor: Option<Value>,
    /// Where it begins if nothing was read yet: at the first alert that is there, or now.
    start: Start,
    answered: bool,
    hand: Option<Hand>,
}

impl Polled {
    pub(super) fn new(config: &SourceConfig, url: &str) -> Self {
        let status = SourceStatus { path: url.to_owned(), ..SourceStatus::missing(Kind::WazuhIndexer.module()) };
        Self { name: config.name.clone(), status, cursor: None, start: config.start, answered: false, hand: None }
    }

    /// Begins anew where the spool says; as configured, if that is nowhere in an indexer.
    pub(super) fn open(&mut self, cursor: Option<&Value>, now: Timestamp) -> Place {
        let (place, cursor) = Place::of(cursor);
        let first = if self.start == Start::Beginning { Timestamp::UNIX_EPOCH } else { now };
        self.cursor = serde_json::to_value(cursor.unwrap_or_else(|| Cursor::from(first))).ok();
        self.hand = None;
        place
    }

    /// Brings the status up to date.
    pub(super) fn look(&mut self, trouble: Option<String>) {
        self.status.state = match (&trouble, &self.hand, self.answered) {
            (Some(_), ..) => SourceState::Failed,
            (None, Some(_), _) => SourceState::Behind,
            (None, None, true) => SourceState::Live,
            (None, None, false) => SourceState::Missing,
        };
        self.status.error = trouble;
    }

    /// Looks what of a page is new.
    pub(super) fn hand(&mut self, handed: Handed, spool: &std::sync::Mutex<Spool>) -> Result<(), Error> {
        let Handed { page, done, .. } = handed;
        let batch = page.sift(|keys| lock(spool).seen(&self.name, keys.iter().map(|key| (key.bytes(), key.hour()))))?;
        let (alerts, cursor, forget_before) = (batch.alerts.into(), batch.cursor, batch.forget_before);
        self.hand = Some(Hand { alerts, cursor, forget_before, done });
        Ok(())
    }

    /// Takes in what fits of the page in hand. False if there is none.
    pub(super) fn take(&mut self, desk: &mut Desk<'_>) -> bool {
        let Some(hand) = &mut self.hand else { return false };
        self.answered = true;
        let (sieve, mut tally) = (Sieve::default(), Tally::default());
        let meaning = Meaning::new(Kind::Wazuh, &sieve);
        while !desk.full()
            && let Some(new) = hand.alerts.pop_front()
        {
            self.status.events += 1;
            self.status.last_event = self.status.last_event.max(Some(new.timestamp));
            desk.pending.seen.push((self.name.clone(), new.key.bytes(), new.key.hour()));
            match &new.body {
                Body::Alert(raw) => desk.take(&self.name, Source::Wazuh, &meaning, raw.get().as_bytes(), &mut tally),
                Body::Unread { index, id } => desk.push(unread(index, id, desk.now)),
            }
        }
        self.status.alerts += tally.alerts;
        if let Some((line, why)) = &tally.bad {
            mark_bad(&mut self.status, tally.lines, line, why);
        }
        self.status.state = SourceState::Behind;
        desk.pending.read = true;
        if hand.alerts.is_empty()
            && let Some(hand) = self.hand.take()
        {
            self.cursor = serde_json::to_value(&hand.cursor).ok();
            finish(desk.pending, &self.name, hand);
        }
        true
    }
}

/// Whoever asks hears of the cursor once it is written.
fn finish(pending: &mut Pending, name: &str, hand: Hand) {
    pending.forget.push((name.to_owned(), hand.forget_before));
    pending.pages.push((hand.cursor, hand.done));
}

fn unread(index: &str, id: &str, now: Timestamp) -> wire::Alert {
    let text =
        format!("an alert in {index} ({id}) is too long to be read, or its index keeps no documents: look at it there");
    let mut alert = alarm("wazuh-unread", "An alert in the indexer cannot be read", Severity::Medium, text, now);
    crate::normalise::fit(&mut alert);
    alert
}
