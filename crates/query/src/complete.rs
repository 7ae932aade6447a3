//! What can be written at a place in a query.

use crate::{
    Field, offset,
    scan::{self, Quote, RawTerm},
};

/// What can be written somewhere, and what it would replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// First byte of what a suggestion replaces.
    pub start: usize,
    /// The byte after it.
    pub end: usize,
    /// What can be written there.
    pub what: Expected,
}

/// What can be written somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// One of these fields, followed by a colon.
    Fields(Vec<Field>),
    /// A value of this field. Where the field's values are fixed they are [`Field::words`]; the others are in the data.
    /// Write it as [`crate::quote`] gives it.
    Values {
        /// The field.
        field: Field,
        /// What is written of it already; it may be empty.
        prefix: String,
        /// The term's other values.
        others: Vec<String>,
    },
    /// Anything: there is nothing to suggest.
    Nothing,
}

/// What can be written at byte `at` of `text`. Works on any text, however unfinished.
#[must_use]
pub fn complete(text: &str, at: usize) -> Completion {
    let at = offset::floor(text, at);
    match scan::terms(text).find(|t| t.span.start <= at && at <= t.span.end) {
        Some(term) => within(text, &term, at),
        None => Completion { start: at, end: at, what: Expected::Fields(Field::ALL.to_vec()) },
    }
}

fn within(text: &str, term: &RawTerm, at: usize) -> Completion {
    let lead = term.span.start + usize::from(term.negated);
    let nothing = Completion { start: at, end: at, what: Expected::Nothing };
    if at < lead {
        return nothing;
    }
    let Some(head) = &term.head else {
        let written = &text[lead..at];
        let quoted = term.values.iter().any(|v| v.quote != Quote::None);
        if quoted || !written.chars().all(|c| c.is_ascii_alphabetic() || c == '_') {
            return nothing;
        }
        return match beginning_with(written) {
            fields if fields.is_empty() => nothing,
            fields => Completion { start: lead, end: term.span.end, what: Expected::Fields(fields) },
        };
    };
    if at < head.end {
        let fields = beginning_with(&text[lead..at.min(head.name.end)]);
        return Completion { start: lead, end: head.end, what: Expected::Fields(fields) };
    }
    let Some((field, value)) = head.field.zip(term.values.iter().find(|v| v.span.start <= at && at <= v.span.end))
    else {
        return nothing;
    };
    let prefix = text[value.span.start..at].trim_start_matches('"').to_owned();
    let others =
        term.values.iter().filter(|v| v.span != value.span && !v.text.is_empty()).map(|v| v.text.clone()).collect();
    Completion { start: value.span.start, end: value.span.end, what: Expected::Values { field, prefix, others } }
}

fn beginning_with(written: &str) -> Vec<Field> {
    let written = written.to_ascii_lowercase();
    Field::ALL.iter().copied().filter(|f| f.word().starts_with(&written)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Completes at the `|` and says what was found, in short.
    fn at_bar(text: &str) -> String {
        let at = text.find('|').unwrap();
        let text = text.replace('|', "");
        let found = complete(&text, at);
        let replaced = &text[found.start..found.end];
        match found.what {
            Expected::Fields(fields) if fields.len() == Field::ALL.len() => format!("[{replaced}] any field"),
            Expected::Fields(fields) => {
                format!("[{replaced}] {}", fields.iter().map(|f| f.word()).collect::<Vec<_>>().join(" "))
            }
            Expected::Values { field, prefix, others } => format!("[{replaced}] {field} {prefix:?} {others:?}"),
            Expected::Nothing => "nothing".into(),
        }
    }

    #[test]
    fn what_fits_is_suggested() {
        for (text, expected) in [
            ("|", "[] any field"),
            ("severity:high |", "[] any field"),
            ("severity:high | x", "[] any field"),
            ("s|", "[s] severity source state"),
            ("-sta|", "[sta] state"),
            ("-|", "[] any field"),
            ("|-", "nothing"),
            ("xyz|", "nothing"),
            ("10.0|", "nothing"),
            ("sev|:high", "[sev:] "),
            ("severity:|", r#"[] severity "" []"#),
            ("severity>=h|", r#"[h] severity "h" []"#),
            ("client:acme,|", r#"[] client "" ["acme"]"#),
            ("client:ac|me,b", r#"[acme] client "ac" ["b"]"#),
            ("client:\"two wo|", r#"["two wo] client "two wo" []"#),
            ("nofield:x|", "nothing"),
            ("\"sev|\"", "nothing"),
        ] {
            let found = at_bar(text);
            if text == "sev|:high" {
                // `sev` is no field, but what is being written may become one.
                assert!(found.contains("severity"), "{found}");
            } else {
                assert_eq!(found, expected, "{text}");
            }
        }
    }
}
