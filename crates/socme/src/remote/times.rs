//! Moments as people write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Reads a moment: `24h`, `7d`, `2026-11-01`, `2026-11-01T08:30`, or RFC 3339.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    read(text, Timestamp::now(), &TimeZone::system())
}

fn read(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let wrong = || "write for instance 24h, 7d, 2026-11-01 or 2026-11-01T08:30".to_owned();
    if let Some(unit) = text.chars().last().filter(char::is_ascii_lowercase)
        && let Ok(many) = text[..text.len() - 1].parse::<u32>()
    {
        let hours = match unit {
            'm' => return now.checked_sub(SignedDuration::from_mins(many.into())).map_err(|_| wrong()),
            'h' => i64::from(many),
            'd' => i64::from(many) * 24,
            'w' => i64::from(many) * 24 * 7,
            _ => return Err(wrong()),
        };
        return now.checked_sub(SignedDuration::from_hours(hours)).map_err(|_| wrong());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let local = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)));
    local.and_then(|local| local.to_zoned_datetime(zone.clone())).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}

/// How long ago a moment is, in its largest unit: `40 s`, `5 min`, `3 h`, `12 d`. Empty without one.
pub(super) fn age(at: Option<Timestamp>) -> String {
    at.map(|at| span(Timestamp::now().duration_since(at))).unwrap_or_default()
}

fn span(span: SignedDuration) -> String {
    // Another machine's clock may be a little ahead of this one's.
    match span.as_secs().max(0) {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let read = |text| read(text, now, &zone).map(|at| at.to_string()).ok();
        assert_eq!(read("90m").as_deref(), Some("2026-11-24T10:30:00Z"));
        assert_eq!(read("1d").as_deref(), Some("2026-11-23T12:00:00Z"));
        assert_eq!(read("2026-11-01").as_deref(), Some("2026-10-31T23:00:00Z"));
        assert_eq!(read("2026-11-01T08:30").as_deref(), Some("2026-11-01T07:30:00Z"));
        assert_eq!(read("2026-11-01T08:30:00Z").as_deref(), Some("2026-11-01T08:30:00Z"));
        for wrong in ["", "yesterday", "5y", "99999999999999999999d"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_age_has_one_unit() {
        let ages = [-5, 59, 60, 3_599, 3_600, 172_799, 172_800].map(|seconds| span(SignedDuration::from_secs(seconds)));
        assert_eq!(ages, ["0 s", "59 s", "1 min", "59 min", "1 h", "47 h", "2 d"]);
    }
}
