//! The typed tree of a query, and its canonical text.

use std::fmt;

use crate::{Field, Moment, Net, Severity, Source, State};

/// A part of a text, in bytes. Browsers count in UTF-16 code units: see [`crate::offset`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A query: all terms must match. Without terms it matches everything.
///
/// `Display` prints the canonical text: it parses to an equal tree, and equal trees print alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The terms, in the order written; at most [`crate::TERMS`].
    pub terms: Vec<Term>,
}

/// One condition, or its negation.
///
/// Terms are equal if they mean the same, wherever they stand in their texts: `span` is not compared.
#[derive(Clone, Debug)]
pub struct Term {
    /// True if what fulfils the condition must not match.
    pub negated: bool,
    /// The condition.
    pub condition: Condition,
    /// Where the term stands in the text it was read from.
    pub span: Span,
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.negated == other.negated && self.condition == other.condition
    }
}

impl Eq for Term {}

/// What a term asks. Lists are never empty, hold at most [`crate::VALUES`] values, each once, and are fulfilled by any
/// of them. Names are compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It has one of these severities (lowest first).
    Severity(Vec<Severity>),
    /// It belongs to one of these clients, given by slug or name.
    Client(Vec<String>),
    /// It comes from one of these sources.
    Source(Vec<Source>),
    /// It is in one of these states.
    State(Vec<State>),
    /// It comes from one of these nodes, given by name.
    Node(Vec<String>),
    /// It was made by one of these rules, given by identifier.
    Rule(Vec<String>),
    /// An address in one of these networks takes part.
    Ip(Vec<Net>),
    /// It is about one of these hosts (lower case).
    Host(Vec<String>),
    /// It is about one of these accounts (lower case).
    User(Vec<String>),
    /// It is about a file with one of these hashes (lower-case hexadecimal).
    Hash(Vec<String>),
    /// One of these domain names was asked for (lower case, without a final dot).
    Domain(Vec<String>),
    /// It arrived at this moment or later.
    After(Moment),
    /// It arrived earlier than this moment.
    Before(Moment),
    /// These words, as cut by [`crate::tokens`], occur next to one another in [`crate::index_words`] of its texts.
    Text(Vec<String>),
}

impl Condition {
    /// The field asked about; `None` for free text.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        Some(match self {
            Self::Severity(_) => Field::Severity,
            Self::Client(_) => Field::Client,
            Self::Source(_) => Field::Source,
            Self::State(_) => Field::State,
            Self::Node(_) => Field::Node,
            Self::Rule(_) => Field::Rule,
            Self::Ip(_) => Field::Ip,
            Self::Host(_) => Field::Host,
            Self::User(_) => Field::User,
            Self::Hash(_) => Field::Hash,
            Self::Domain(_) => Field::Domain,
            Self::After(_) => Field::After,
            Self::Before(_) => Field::Before,
            Self::Text(_) => return None,
        })
    }

    /// The values as text, in order; for free text its words.
    #[must_use]
    pub fn values(&self) -> Vec<String> {
        fn texts<T: ToString>(values: &[T]) -> Vec<String> {
            values.iter().map(ToString::to_string).collect()
        }
        match self {
            Self::Severity(v) => texts(v),
            Self::Source(v) => texts(v),
            Self::State(v) => texts(v),
            Self::Ip(v) => texts(v),
            Self::After(m) | Self::Before(m) => vec![m.to_string()],
            Self::Client(v)
            | Self::Node(v)
            | Self::Rule(v)
            | Self::Host(v)
            | Self::User(v)
            | Self::Hash(v)
            | Self::Domain(v)
            | Self::Text(v) => v.clone(),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("-")?;
        }
        self.condition.fmt(f)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(words) => match words.as_slice() {
                [word] if !word.contains(':') => f.write_str(word),
                _ => write!(f, "\"{}\"", words.join(" ")),
            },
            Self::Severity(set) if set.len() > 1 && set.last() == Severity::ALL.last() && is_run(set) => {
                write!(f, "severity>={}", set[0])
            }
            _ => {
                let values: Vec<_> = self.values().iter().map(|v| quote(v)).collect();
                write!(f, "{}:{}", self.field().map_or("", Field::word), values.join(","))
            }
        }
    }
}

/// True if no severity between the lowest and the highest is missing.
fn is_run(set: &[Severity]) -> bool {
    set.windows(2).all(|pair| pair[1] as usize == pair[0] as usize + 1)
}

/// A value as it must stand in a query: bare where possible, else in quotation marks.
#[must_use]
pub fn quote(value: &str) -> String {
    if !value.is_empty() && !value.starts_with('"') && !value.contains(|c: char| c == ',' || c.is_whitespace()) {
        return value.to_owned();
    }
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
