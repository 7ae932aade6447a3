//! Moments: absolute, or so long ago.

use std::fmt;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

/// The years that a moment may lie in.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2999;
/// The longest time ago: ten years, in seconds.
const LONGEST_AGO: i64 = 10 * 366 * 86_400;

/// A moment, as a query names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The start of a day, in the asker's time zone.
    Day(Date),
    /// A date and time of day, in the asker's time zone.
    Local(DateTime),
    /// A date and time with its offset from UTC.
    Instant(Timestamp),
    /// So many units before now.
    Ago(u32, Unit),
}

/// A unit of time. A day is always 24 hours here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// `m`
    Minutes,
    /// `h`
    Hours,
    /// `d`
    Days,
    /// `w`
    Weeks,
}

impl Unit {
    const ALL: [Self; 4] = [Self::Minutes, Self::Hours, Self::Days, Self::Weeks];

    fn letter(self) -> char {
        match self {
            Self::Minutes => 'm',
            Self::Hours => 'h',
            Self::Days => 'd',
            Self::Weeks => 'w',
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days => 86_400,
            Self::Weeks => 7 * 86_400,
        }
    }
}

impl Moment {
    /// Reads `2026-11-01`, `2026-11-01T08:30`, `2026-11-01T08:30:00+01:00` or `24h`; `None` if it is none of these, or
    /// outside the years 1970 to 2999, or more than ten years ago.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if let Some(ago) = read_ago(text) {
            return Some(ago);
        }
        // jiff reads more than we promise (week dates, annotations): only what is written with these is let through.
        if text.len() < 10 || !text.bytes().all(|b| b.is_ascii_digit() || b"-:.+TtZz ".contains(&b)) {
            return None;
        }
        let date: Date = text.get(..10)?.parse().ok()?;
        if !YEARS.contains(&date.year()) {
            return None;
        }
        if text.len() == 10 {
            return Some(Self::Day(date));
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return YEARS.contains(&instant.to_zoned_datetime(TimeZone::UTC).year()).then_some(Self::Instant(instant));
        }
        // A text with an offset that is not a timestamp is wrong, not local.
        let after_date = text.get(11..)?;
        if after_date.bytes().any(|b| b"+-Zz".contains(&b)) {
            return None;
        }
        text.parse().ok().map(Self::Local)
    }

    /// When that is, for somebody in `zone` at `now`. A time of day that a change of clocks skips or repeats is
    /// resolved as RFC 5545 says: skipped ones are moved on, of repeated ones the first counts.
    #[must_use]
    pub fn resolve(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        let local = |at: DateTime| at.to_zoned_datetime(zone.clone()).map_or(Timestamp::MIN, |z| z.timestamp());
        match self {
            Self::Day(date) => local(date.to_datetime(Time::midnight())),
            Self::Local(at) => local(at),
            Self::Instant(at) => at,
            Self::Ago(number, unit) => {
                now.checked_sub(SignedDuration::from_secs(i64::from(number) * unit.seconds())).unwrap_or(Timestamp::MIN)
            }
        }
    }
}

fn read_ago(text: &str) -> Option<Moment> {
    let unit = Unit::ALL.into_iter().find(|u| text.ends_with(u.letter()))?;
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u32 = digits.parse().ok()?;
    (i64::from(number) * unit.seconds() <= LONGEST_AGO).then_some(Moment::Ago(number, unit))
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(date) => write!(f, "{date}"),
            Self::Local(at) => write!(f, "{at}"),
            Self::Instant(at) => write!(f, "{at}"),
            Self::Ago(number, unit) => write!(f, "{number}{}", unit.letter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_resolved() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let paris = TimeZone::fixed(jiff::tz::offset(1));
        for (text, expected) in [
            ("24h", "2026-11-23T12:00:00Z"),
            ("90m", "2026-11-24T10:30:00Z"),
            ("7d", "2026-11-17T12:00:00Z"),
            ("2w", "2026-11-10T12:00:00Z"),
            ("0h", "2026-11-24T12:00:00Z"),
            ("2026-11-01", "2026-10-31T23:00:00Z"),
            ("2026-11-01T08:30", "2026-11-01T07:30:00Z"),
            ("2026-11-01 08:30:15", "2026-11-01T07:30:15Z"),
            ("2026-11-01T08:30Z", "2026-11-01T08:30:00Z"),
            ("2026-11-01T08:30:00+05:30", "2026-11-01T03:00:00Z"),
        ] {
            let moment = Moment::read(text).unwrap_or_else(|| panic!("{text} is not read"));
            assert_eq!(moment.resolve(now, &paris).to_string(), expected, "{text}");
            assert_eq!(Moment::read(&moment.to_string()), Some(moment), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "h",
            "-1h",
            "1y",
            "99999w",
            "99999999999h",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "9999-01-01",
            "1969-01-01",
            "2026-11-01T",
            "2026-11-01T25:00",
            "2026-11-01T08:30+",
            "yesterday",
            "2026-W48-2",
            "é4h",
            "2026-11-01[UTC]",
        ] {
            assert_eq!(Moment::read(text), None, "{text}");
        }
    }
}
