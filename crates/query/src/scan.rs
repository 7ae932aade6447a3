//! Cuts a text into raw terms, without judging them: the parser turns what is wrong with them into errors, completion
//! makes do with what is there.

use crate::{Field, net, tree::Span};

/// A term as written.
#[derive(Debug)]
pub(crate) struct RawTerm {
    pub(crate) span: Span,
    pub(crate) negated: bool,
    /// `field:`, if it begins like that.
    pub(crate) head: Option<Head>,
    /// What follows the head, cut at commas; for free text exactly one.
    pub(crate) values: Vec<RawValue>,
}

#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) name: Span,
    /// `None` if there is no such field.
    pub(crate) field: Option<Field>,
    pub(crate) op: Op,
    /// The end of the operator.
    pub(crate) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Is,
    Less,
    LessOrIs,
    More,
    MoreOrIs,
}

impl Op {
    /// Longer ones first.
    const ALL: [(&'static str, Self); 6] = [
        (">=", Self::MoreOrIs),
        ("<=", Self::LessOrIs),
        (">", Self::More),
        ("<", Self::Less),
        (":", Self::Is),
        ("=", Self::Is),
    ];

    pub(crate) fn text(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("", |(text, _)| text)
    }
}

#[derive(Debug)]
pub(crate) struct RawValue {
    /// With its quotation marks.
    pub(crate) span: Span,
    /// Without them, escapes resolved.
    pub(crate) text: String,
    pub(crate) quote: Quote,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    None,
    Closed,
    /// Never closed.
    Open,
    /// Closed, and something follows immediately: up to the end of the span.
    Glued,
}

/// All terms of a text.
pub(crate) fn terms(text: &str) -> impl Iterator<Item = RawTerm> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].find(|c: char| !c.is_whitespace())?;
        let term = term(text, at);
        at = term.span.end;
        Some(term)
    })
}

/// The term that begins at `start`, which is no blank. Its span is never empty.
fn term(text: &str, start: usize) -> RawTerm {
    let negated = text[start..].starts_with(['-', '!']);
    let lead = start + usize::from(negated);
    let head = head(text, lead);
    let mut values = Vec::new();
    let mut at = head.as_ref().map_or(lead, |h| h.end);
    loop {
        let value = value(text, at, head.is_some());
        at = value.span.end;
        values.push(value);
        if head.is_none() || !text[at..].starts_with(',') {
            break;
        }
        at += 1;
    }
    RawTerm { span: Span { start, end: at }, negated, head, values }
}

fn head(text: &str, start: usize) -> Option<Head> {
    let rest = &text[start..];
    let length = rest.find(|c: char| !(c.is_ascii_alphabetic() || c == '_')).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(length);
    let (sign, op) = Op::ALL.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
    let field = Field::from_word(name);
    if name.is_empty() || (field.is_none() && (sign != ":" || is_text(&text[start..], &rest[1..]))) {
        return None;
    }
    let name = Span { start, end: start + length };
    Some(Head { name, field, op, end: name.end + sign.len() })
}

/// Things with a colon that are no fields: `http://…`, `C:\…`, `aa:bb:cc:dd:ee:ff`.
fn is_text(word: &str, after_colon: &str) -> bool {
    after_colon.starts_with("//")
        || after_colon.starts_with('\\')
        || net::is_colon_address(word.split(char::is_whitespace).next().unwrap_or(word))
}

fn value(text: &str, start: usize, commas_end_it: bool) -> RawValue {
    let ends = |c: char| c.is_whitespace() || (commas_end_it && c == ',');
    let bare_end = |from: usize| text[from..].find(ends).map_or(text.len(), |i| from + i);
    if !text[start..].starts_with('"') {
        let end = bare_end(start);
        return RawValue { span: Span { start, end }, text: text[start..end].to_owned(), quote: Quote::None };
    }
    let mut unquoted = String::new();
    let mut chars = text[start + 1..].char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => {
                let closed = start + 1 + i + 1;
                let end = bare_end(closed);
                let quote = if end == closed { Quote::Closed } else { Quote::Glued };
                return RawValue { span: Span { start, end }, text: unquoted, quote };
            }
            '\\' => match chars.next_if(|(_, c)| matches!(c, '"' | '\\')) {
                Some((_, escaped)) => unquoted.push(escaped),
                None => unquoted.push('\\'),
            },
            _ => unquoted.push(c),
        }
    }
    RawValue { span: Span { start, end: text.len() }, text: unquoted, quote: Quote::Open }
}
