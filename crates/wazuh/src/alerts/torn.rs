//! What is whole in a line that is torn.

use std::iter::from_fn;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// What every alert begins with. Within a text its quotes would be escaped.
const BEGIN: &str = "{\"timestamp\":\"";
/// How many beginnings are tried: a torn alert may hold objects that begin alike, and each costs a reading.
const MOST: usize = 64;

/// The whole alerts in a line that is no JSON: a manager that ended within a line appends the next alert to it when it is back, and
/// if it ended just before the line's end, both are whole. A piece counts only if it has a rule, and the line's end or another alert
/// follows it: so that an object within a torn alert is not taken for one.
///
/// ```
/// # use wazuh::alerts::whole_alerts;
/// let line = r#"{"timestamp":"2026-05-01T12:00:00.123+0200","ru{"timestamp":"2026-05-01T12:00:09.001+0200","rule":{"id":"5"}}"#;
/// let whole: Vec<&str> = whole_alerts(line).collect();
/// assert_eq!(whole, [r#"{"timestamp":"2026-05-01T12:00:09.001+0200","rule":{"id":"5"}}"#]);
/// ```
pub fn whole_alerts(line: &str) -> impl Iterator<Item = &str> {
    let (mut rest, mut tries) = (line, 0);
    from_fn(move || {
        while tries < MOST {
            tries += 1;
            rest = rest.get(rest.find(BEGIN)?..)?;
            if let Some((piece, behind)) =
                first(rest).filter(|(_, behind)| behind.is_empty() || behind.starts_with(BEGIN))
            {
                rest = behind;
                return Some(piece);
            }
            rest = rest.get(BEGIN.len()..)?;
        }
        None
    })
}

/// The alert that a text begins with, and what is behind it.
fn first(text: &str) -> Option<(&str, &str)> {
    #[derive(Deserialize)]
    struct Ruled {
        #[serde(rename = "rule")]
        _rule: IgnoredAny,
    }
    let mut alerts = serde_json::Deserializer::from_str(text).into_iter::<Ruled>();
    alerts.next()?.ok()?;
    text.split_at_checked(alerts.byte_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(n: u32) -> String {
        // Within it is an object that begins alike, and a log that holds such a beginning as text.
        format!(
            r#"{{"timestamp":"{n}","rule":{{"id":"5"}},"data":{{"timestamp":"x","a":"1"}},"full_log":"{{\"timestamp\":\"y\"}}","id":"{n}"}}"#
        )
    }

    #[test]
    fn wherever_a_line_is_torn_the_alert_behind_it_is_found_and_nothing_else() {
        let (torn, whole) = (alert(1), alert(2));
        for at in 0..torn.len() {
            let line = format!("{}{whole}", &torn[..at]);
            assert_eq!(whole_alerts(&line).collect::<Vec<_>>(), [&whole], "torn after {at} bytes");
        }
    }

    #[test]
    fn alerts_between_which_only_the_line_end_is_missing_are_all_found() {
        let line = format!("{}{}{}{}", alert(1), alert(2), &alert(3)[..40], alert(4));
        assert_eq!(whole_alerts(&line).collect::<Vec<_>>(), [alert(1), alert(2), alert(4)]);
        assert_eq!(whole_alerts(&alert(3)[..40]).count(), 0);
    }

    #[test]
    fn a_line_made_of_beginnings_costs_little() {
        let line = r#"{"timestamp":"","a":"#.repeat(200_000);
        assert_eq!(whole_alerts(&line).count(), 0);
    }
}
