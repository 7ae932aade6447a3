//! Where a tail stands.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Settings, millis};

/// Milliseconds in an hour.
pub(super) const HOUR: i64 = 3_600_000;
/// How many hours ahead of now are counted at most: only alerts of wrong clocks are there.
const AHEAD: usize = 100;

/// Where a tail stands: less than 10 KiB of JSON. It belongs into the transaction that stores the alerts before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Nothing of before is given.
    pub(super) since: i64,
    /// The high-water time.
    pub(super) high: i64,
    /// When a poll last looked back over the whole overlap.
    #[serde(default)]
    pub(super) looked_back: i64,
    /// When the hours were last compared.
    #[serde(default)]
    pub(super) swept: i64,
    /// How many documents were read of an hour, counted from 1970.
    #[serde(default)]
    pub(super) hours: BTreeMap<i64, u64>,
}

impl From<Timestamp> for Cursor {
    /// Begins at a time: alerts of before, by their own time, are not given.
    fn from(since: Timestamp) -> Self {
        let since = since.as_millisecond();
        Self { since, high: since, looked_back: 0, swept: 0, hours: BTreeMap::new() }
    }
}

impl Cursor {
    /// The high-water time: up to it everything was read that was there then.
    #[must_use]
    pub fn high(&self) -> Timestamp {
        Timestamp::from_millisecond(self.high).unwrap_or(Timestamp::MIN)
    }

    /// The first hour of which keys are still needed.
    pub(super) fn first_hour(&self, settings: &Settings, now: i64) -> i64 {
        let swept = now.saturating_sub(millis(settings.sweep));
        let polled = self.high.min(now).saturating_sub(millis(settings.overlap));
        swept.min(polled).div_euclid(HOUR)
    }

    /// Forgets the counts of hours that are not compared any more.
    pub(super) fn prune(&mut self, settings: &Settings, now: i64) {
        let first = self.first_hour(settings, now);
        self.hours = self.hours.split_off(&first);
        // What is not counted is read again at each comparison, which repeats nothing.
        let ahead = self.hours.range(now.div_euclid(HOUR) + 1..).count();
        for _ in AHEAD..ahead {
            self.hours.pop_last();
        }
    }
}
