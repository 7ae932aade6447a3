//! What is left of alerts when a manager died within a line.

use serde::de::IgnoredAny;

/// How a manager begins each alert (`to_json.c`). Within a text the quotes would be escaped.
const BEGIN: &str = "{\"timestamp\":\"";
/// How many places of a line are looked at: a damaged line must not cost more than it is worth.
const PLACES: usize = 64;

/// The alerts that are whole in a line that is none. A manager that is killed leaves a torn line without an end, and the next
/// one appends to it: so the first alert after its restart stands behind what was torn, and is whole.
///
/// What is given is JSON, and ends where the line ends or where another alert begins. A part of a torn alert does so only if it
/// was torn right behind that part; such a part has no rule, so it is no alert.
#[must_use]
pub fn whole_pieces(line: &str) -> Vec<&str> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    for _ in 0..PLACES {
        let Some(at) = line[from..].find(BEGIN).map(|at| from + at) else { break };
        let mut values = serde_json::Deserializer::from_str(&line[at..]).into_iter::<IgnoredAny>();
        let end = matches!(values.next(), Some(Ok(_))).then(|| at + values.byte_offset());
        match end.filter(|end| line[*end..].trim_end().is_empty() || line[*end..].starts_with(BEGIN)) {
            Some(end) => {
                pieces.push(&line[at..end]);
                from = end;
            }
            None => from = at + BEGIN.len(),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str =
        r#"{"timestamp":"2026-05-01T12:00:00.123+0200","rule":{"id":"1"},"data":{"timestamp":"x","a":{"b":"}{"}}}"#;
    const TWO: &str =
        r#"{"timestamp":"2026-05-01T12:00:01.000+0200","rule":{"id":"2"},"full_log":"says {\"timestamp\":\"no\"}"}"#;

    #[test]
    fn an_alert_is_found_behind_one_that_was_torn_anywhere() {
        for cut in 0..ONE.len() {
            let line = format!("{}{TWO}", &ONE[..cut]);
            let pieces = whole_pieces(&line);
            let alerts: Vec<_> = pieces.into_iter().filter(|piece| piece.contains("\"rule\"")).collect();
            assert_eq!(alerts, [TWO], "torn at {cut}");
        }
        assert_eq!(whole_pieces(&format!("{ONE}{TWO}")), [ONE, TWO], "only the end of the line was lost");
        assert_eq!(whole_pieces(&format!("{ONE}{}{TWO}", &TWO[..40])), [ONE, TWO], "two deaths");
    }

    #[test]
    fn a_part_of_a_torn_alert_is_none() {
        for cut in 0..ONE.len() {
            let torn = &ONE[..cut];
            // Where it is torn right behind a part, that part ends with the line.
            let nested = whole_pieces(torn);
            assert!(nested.iter().all(|piece| torn.ends_with(piece) && !piece.contains("rule")), "{cut}: {nested:?}");
        }
        assert_eq!(whole_pieces(&BEGIN.repeat(100_000)), Vec::<&str>::new());
    }
}
