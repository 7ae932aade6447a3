//! Times as people say them.

use jiff::{SignedDuration, Timestamp};

/// A time, or how long ago: `2026-05-01T10:00:00Z`, `90m`, `2h`, `7d`.
pub(crate) fn past(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let wrong = || format!("«{text}» is neither a time (2026-05-01T10:00:00Z) nor an age (90m, 2h, 7d)");
    let seconds = age(text).ok_or_else(wrong)?;
    Timestamp::now().checked_sub(SignedDuration::from_secs(seconds)).map_err(|_| wrong())
}

/// An age as Wazuh takes it too.
pub(crate) fn wazuh_age(text: &str) -> Result<String, String> {
    age(text).map(|_| text.to_owned()).ok_or_else(|| format!("«{text}» is no age: say 90s, 10m, 2h or 7d"))
}

/// In seconds.
fn age(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    Some(i64::from(number) * seconds)
}
