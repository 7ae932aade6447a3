//! Where a tail stands.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Settings, millis};

/// Milliseconds in an hour.
pub(super) const HOUR: i64 = 3_600_000;
/// How long after [`Settings::sweep`] keys and counts are kept at most where the hours cannot be compared: a week.
const UNSWEPT: i64 = 7 * 24 * HOUR;
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
    /// Keys of hours before this one may be forgotten: nothing of these is read again, whatever the clock says.
    #[serde(default)]
    pub(super) forgot: i64,
    /// Keys are lost: what a poll gives up to this time was counted before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) counted: Option<i64>,
}

impl From<Timestamp> for Cursor {
    /// Begins at a time: alerts of before, by their own time, are not given.
    fn from(since: Timestamp) -> Self {
        let since = since.as_millisecond();
        Self {
            since,
            high: since,
            looked_back: 0,
            swept: since.max(0),
            hours: BTreeMap::new(),
            forgot: 0,
            counted: None,
        }
    }
}

impl Cursor {
    /// The high-water time: up to it everything was read that was there then.
    #[must_use]
    pub fn high(&self) -> Timestamp {
        Timestamp::from_millisecond(self.high).unwrap_or(Timestamp::MIN)
    }

    /// The same place, where the keys of what was seen are lost or were never there. Alerts of the last
    /// [`Settings::overlap`] before the high-water time are given again, and those of an hour in which one came late.
    #[must_use]
    pub fn without_keys(mut self) -> Self {
        self.counted = self.counted.max(Some(self.high));
        self
    }

    /// The first hour that is compared. What came since the last comparison may be as old as that one allowed.
    pub(super) fn compared_from(&self, settings: &Settings, now: i64) -> i64 {
        // 0: everything is read for the first time.
        let last = if self.swept > 0 { self.swept.min(now) } else { now };
        last.saturating_sub(millis(settings.sweep)).div_euclid(HOUR).max(self.forgot)
    }

    /// The earliest time from which anything may be read.
    pub(super) fn earliest(&self) -> i64 {
        self.since.max(self.forgot.saturating_mul(HOUR))
    }

    /// Forgets the counts of hours that are not compared any more. Gives the first hour of which keys are still needed.
    /// `sweeping`: the hours are being compared, so none of them is too old.
    pub(super) fn prune(&mut self, settings: &Settings, now: i64, sweeping: bool) -> i64 {
        let mut first = self.compared_from(settings, now);
        if !sweeping {
            first = first.max(now.saturating_sub(millis(settings.sweep)).saturating_sub(UNSWEPT).div_euclid(HOUR));
        }
        let polled = self.high.min(now).saturating_sub(millis(settings.overlap)).div_euclid(HOUR);
        self.forgot = self.forgot.max(first.min(polled));
        self.hours = self.hours.split_off(&self.forgot);
        // What is not counted is read again at each comparison, which repeats nothing.
        let ahead = self.hours.range(now.div_euclid(HOUR) + 1..).count();
        for _ in AHEAD..ahead {
            self.hours.pop_last();
        }
        self.forgot
    }
}
