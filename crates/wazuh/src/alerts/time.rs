//! The manager's way to write a time.

use jiff::tz::Offset;
use jiff::{Timestamp, fmt::strtime};

/// Reads a time as the manager and the indexer write it: `2026-05-01T12:00:00.123+0200` (local time, an offset without a
/// colon, which RFC 3339 forbids), the same with a colon or `Z`, or milliseconds since 1970. None if it is neither, or has
/// no offset.
#[must_use]
pub fn timestamp(text: &str) -> Option<Timestamp> {
    moment(text).map(|(time, _)| time)
}

/// The time, and the offset in which it was written.
pub(crate) fn moment(text: &str) -> Option<(Timestamp, Offset)> {
    for format in ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f%z"] {
        if let Ok(parsed) = strtime::parse(format, text)
            && let (Ok(time), Some(offset)) = (parsed.to_timestamp(), parsed.offset())
        {
            return Some((time, offset));
        }
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some((time, Offset::UTC));
    }
    let millis = text.parse::<i64>().ok()?;
    Timestamp::from_millisecond(millis).ok().map(|time| (time, Offset::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_without_a_colon_is_read() {
        let expected: Timestamp = "2026-05-01T10:00:00.123Z".parse().unwrap();
        for text in [
            "2026-05-01T12:00:00.123+0200",
            "2026-05-01T12:00:00.123+02:00",
            "2026-05-01T10:00:00.123Z",
            "2026-05-01T04:30:00.123-0530",
            "1777629600123",
        ] {
            assert_eq!(timestamp(text), Some(expected), "{text}");
        }
        assert_eq!(moment("2026-05-01T12:00:00.123+0200").unwrap().1, jiff::tz::offset(2));
        assert_eq!(timestamp("2026-05-01T12:00:00"), None, "no zone, no instant");
        assert_eq!(timestamp("yesterday"), None);
    }
}
