//! What can be wrong with a query: where, what, and the mend.

use std::fmt;

use crate::{Field, LENGTH, TERMS, VALUES, tree::Span, vocabulary};

/// Why a text is not a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Error {
    /// What is wrong.
    pub problem: Problem,
    /// Where in the text.
    pub span: Span,
}

impl Error {
    /// What is wrong, as a sentence.
    #[must_use]
    pub fn message(&self) -> String {
        self.problem.to_string()
    }

    /// What to do about it, as a sentence.
    #[must_use]
    pub fn mend(&self) -> String {
        self.problem.mend()
    }
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Longer than [`LENGTH`], as written or in its canonical form.
    TooLong,
    /// More than [`TERMS`] terms.
    TooManyTerms,
    /// More than [`VALUES`] values or words in one term.
    TooManyValues,
    /// `name:` where there is no such field; with the field that was probably meant.
    UnknownField(String, Option<Field>),
    /// A value that this field cannot have; with the one that was probably meant.
    UnknownValue(Field, String, Option<&'static str>),
    /// A field without a value.
    NoValue(Field),
    /// A text that is neither an address nor a network.
    NotAddress(String),
    /// A text that is not a moment.
    NotMoment(Field, String),
    /// A text that is not a hash.
    NotHash(String),
    /// `<`, `<=`, `>` or `>=` on a field that has no order.
    NotComparable(Field),
    /// Several values where only one makes sense.
    OnlyOne(Field),
    /// A comparison that nothing can satisfy.
    Nothing(String),
    /// A quotation mark that is never closed.
    OpenQuote,
    /// Something follows a closing quotation mark immediately.
    AfterQuote,
    /// A minus or exclamation mark alone.
    LoneMinus,
    /// Free text without a letter or digit.
    NoWord(String),
    /// `AND`, `OR` or `NOT`.
    Operator(&'static str),
}

impl Problem {
    /// A word for it that stays the same, for programs and translations.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::TooManyTerms => "too-many-terms",
            Self::TooManyValues => "too-many-values",
            Self::UnknownField(..) => "unknown-field",
            Self::UnknownValue(..) => "unknown-value",
            Self::NoValue(_) => "no-value",
            Self::NotAddress(_) => "not-address",
            Self::NotMoment(..) => "not-moment",
            Self::NotHash(_) => "not-hash",
            Self::NotComparable(_) => "not-comparable",
            Self::OnlyOne(_) => "only-one",
            Self::Nothing(_) => "nothing",
            Self::OpenQuote => "open-quote",
            Self::AfterQuote => "after-quote",
            Self::LoneMinus => "lone-minus",
            Self::NoWord(_) => "no-word",
            Self::Operator(_) => "operator",
        }
    }

    fn mend(&self) -> String {
        match self {
            Self::TooLong => format!("Shorten it to {LENGTH} bytes."),
            Self::TooManyTerms => format!("Leave out terms until at most {TERMS} remain."),
            Self::TooManyValues => format!("Leave out values until at most {VALUES} remain in one term."),
            Self::UnknownField(_, Some(field)) => {
                format!("Did you mean «{field}:»? To search for it as text, put it in quotation marks.")
            }
            Self::UnknownField(_, None) => {
                let fields: Vec<_> = Field::ALL.iter().map(|f| f.word()).collect();
                format!("The fields are {}. To search for it as text, put it in quotation marks.", fields.join(", "))
            }
            Self::UnknownValue(field, _, Some(value)) => format!("Did you mean «{field}:{value}»?"),
            Self::UnknownValue(field, _, None) => format!("It can be {}.", field.words().join(", ")),
            Self::NoValue(field) => {
                format!("Write the value right after the colon, without a blank: {}.", example(*field))
            }
            Self::NotAddress(_) => {
                "Write an address such as 10.0.0.1 or 2001:db8::1, or a network such as 10.0.0.0/8.".into()
            }
            Self::NotMoment(field, _) => {
                format!(
                    "Write a date, a date with a time, or how long ago: {field}:2026-11-01, {field}:2026-11-01T08:30, {field}:24h, {field}:7d."
                )
            }
            Self::NotHash(_) => "Write the whole MD5 (32), SHA-1 (40) or SHA-256 (64 hexadecimal digits).".into(),
            Self::NotComparable(field) => format!("Only severity has an order. Write {}.", example(*field)),
            Self::OnlyOne(field) => format!("Keep one value: {}.", example(*field)),
            Self::Nothing(_) => "Write for instance severity>=high.".into(),
            Self::OpenQuote => "Add a closing quotation mark.".into(),
            Self::AfterQuote => {
                "Put a blank after the closing quotation mark, or a comma before the next value.".into()
            }
            Self::LoneMinus => "Write what to leave out right after it, without a blank: -severity:low.".into(),
            Self::NoWord(_) => "Search for a word with at least one letter or digit, or leave it out.".into(),
            Self::Operator("OR") => {
                "For any of several values write field:one,two. To search for the word, write it small.".into()
            }
            Self::Operator("NOT") => {
                "Put a minus before what to leave out: -severity:low. To search for the word, write it small.".into()
            }
            Self::Operator(_) => {
                "Leave it out: all terms must match anyway. To search for the word, write it small.".into()
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("The query is too long."),
            Self::TooManyTerms => f.write_str("The query has too many terms."),
            Self::TooManyValues => f.write_str("This term has too many values."),
            Self::UnknownField(name, _) => write!(f, "There is no field «{}».", short(name)),
            Self::UnknownValue(field, value, _) => write!(f, "«{}» is not a {field}.", short(value)),
            Self::NoValue(field) => write!(f, "«{field}» has no value."),
            Self::NotAddress(text) => write!(f, "«{}» is neither an address nor a network.", short(text)),
            Self::NotMoment(_, text) => write!(f, "«{}» is not a moment.", short(text)),
            Self::NotHash(text) => write!(f, "«{}» is not a hash.", short(text)),
            Self::NotComparable(field) => write!(f, "«{field}» cannot be compared."),
            Self::OnlyOne(field) => write!(f, "«{field}» takes one value here."),
            Self::Nothing(comparison) => write!(f, "Nothing has {comparison}."),
            Self::OpenQuote => f.write_str("A quotation mark is not closed."),
            Self::AfterQuote => f.write_str("Something follows the closing quotation mark."),
            Self::LoneMinus => f.write_str("Nothing follows the minus sign."),
            Self::NoWord(text) => write!(f, "«{}» has no word to search for.", short(text)),
            Self::Operator(word) => write!(f, "«{word}» is not part of the language."),
        }
    }
}

/// The problem with a value of a field whose values are fixed.
pub(crate) fn unknown_value(field: Field, value: &str) -> Problem {
    let near = vocabulary::nearest(value, field.words().iter().copied());
    Problem::UnknownValue(field, value.to_owned(), near.and_then(|n| field.words().iter().copied().find(|w| *w == n)))
}

fn example(field: Field) -> &'static str {
    match field {
        Field::Severity => "severity:high",
        Field::Client => "client:acme",
        Field::Source => "source:suricata",
        Field::State => "state:open",
        Field::Node => "node:office",
        Field::Rule => "rule:2024897",
        Field::Ip => "ip:10.0.0.1",
        Field::Host => "host:web1",
        Field::User => "user:alice",
        Field::Hash => "hash:d41d8cd98f00b204e9800998ecf8427e",
        Field::Domain => "domain:evil.example",
        Field::After => "after:24h",
        Field::Before => "before:2026-11-01",
    }
}

/// At most 40 characters of what somebody wrote, so that a message stays a sentence.
fn short(text: &str) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(40).collect();
    if chars.next().is_some() { head + "…" } else { head }
}
