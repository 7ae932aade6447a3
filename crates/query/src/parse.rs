//! From text to tree.

use crate::{
    Condition, Error, Field, LENGTH, Moment, Net, Query, Severity, Source, Span, State, TERMS, Term, VALUES,
    error::{Problem, unknown_value},
    scan::{self, Head, Op, Quote, RawTerm, RawValue},
    text,
};

/// Reads a query. A pure function of the text: it asks no clock, and never panics.
///
/// # Errors
/// The first thing that is wrong, where it is, and the mend.
pub fn parse(text: &str) -> Result<Query, Error> {
    let whole = Span { start: 0, end: text.len() };
    if text.len() > LENGTH {
        return Err(Error { problem: Problem::TooLong, span: whole });
    }
    let mut query = Query::default();
    for raw in scan::terms(text) {
        if query.terms.len() == TERMS {
            return Err(Error {
                problem: Problem::TooManyTerms,
                span: Span { start: raw.span.start, end: text.len() },
            });
        }
        query.terms.push(term(text, &raw)?);
    }
    // Lower-casing can lengthen a text, and what is printed must be readable again.
    if query.to_string().len() > LENGTH {
        return Err(Error { problem: Problem::TooLong, span: whole });
    }
    Ok(query)
}

fn term(text: &str, raw: &RawTerm) -> Result<Term, Error> {
    for value in &raw.values {
        let problem = match value.quote {
            Quote::Open => Problem::OpenQuote,
            Quote::Glued => Problem::AfterQuote,
            Quote::None | Quote::Closed => continue,
        };
        return Err(Error { problem, span: value.span });
    }
    if raw.values.len() > VALUES {
        return Err(Error { problem: Problem::TooManyValues, span: raw.span });
    }
    let condition = match (&raw.head, raw.values.as_slice()) {
        (Some(head), values) => with_head(text, raw.span, head, values)?,
        (None, [value]) => free_text(raw, value)?,
        (None, _) => return Err(Error { problem: Problem::NoWord(String::new()), span: raw.span }),
    };
    Ok(Term { negated: raw.negated, condition, span: raw.span })
}

fn free_text(raw: &RawTerm, value: &RawValue) -> Result<Condition, Error> {
    let fail = |problem| Err(Error { problem, span: raw.span });
    if value.quote == Quote::None {
        if value.text.is_empty() {
            return fail(Problem::LoneMinus);
        }
        if let Some(word) = ["AND", "OR", "NOT"].into_iter().find(|w| *w == value.text) {
            return fail(Problem::Operator(word));
        }
    }
    let words = text::tokens(&value.text);
    match words.len() {
        0 => fail(Problem::NoWord(value.text.clone())),
        1..=VALUES => Ok(Condition::Text(words)),
        _ => fail(Problem::TooManyValues),
    }
}

fn with_head(text: &str, span: Span, head: &Head, values: &[RawValue]) -> Result<Condition, Error> {
    let Some(field) = head.field else {
        let name = &text[head.name.start..head.name.end];
        return Err(Error { problem: Problem::UnknownField(name.to_owned(), Field::nearest(name)), span: head.name });
    };
    if let Some(empty) = values.iter().find(|v| v.text.trim().is_empty()) {
        let span = if empty.span.start == empty.span.end { span } else { empty.span };
        return Err(Error { problem: Problem::NoValue(field), span });
    }
    if head.op != Op::Is && field != Field::Severity {
        return Err(Error { problem: Problem::NotComparable(field), span });
    }
    let lower = |v: &str| Ok(v.to_lowercase());
    let kept = |v: &str| Ok(v.to_owned());
    let moment = |v: &str| Moment::read(v).ok_or_else(|| Problem::NotMoment(field, v.to_owned()));
    Ok(match field {
        Field::Severity if head.op != Op::Is => Condition::Severity(compared(span, head.op, values)?),
        Field::Severity => Condition::Severity(sorted(each(values, |v| {
            Severity::from_word(v).ok_or_else(|| unknown_value(field, v))
        })?)),
        Field::Source => {
            Condition::Source(sorted(each(values, |v| Source::from_word(v).ok_or_else(|| unknown_value(field, v)))?))
        }
        Field::State => {
            Condition::State(sorted(each(values, |v| State::from_word(v).ok_or_else(|| unknown_value(field, v)))?))
        }
        Field::Client => Condition::Client(each(values, kept)?),
        Field::Node => Condition::Node(each(values, kept)?),
        Field::Rule => Condition::Rule(each(values, kept)?),
        Field::Ip => Condition::Ip(each(values, |v| v.parse::<Net>().map_err(|_| Problem::NotAddress(v.to_owned())))?),
        Field::Host => Condition::Host(each(values, lower)?),
        Field::User => Condition::User(each(values, lower)?),
        Field::Hash => Condition::Hash(each(values, hash)?),
        Field::Domain => Condition::Domain(each(values, |v| domain(v).ok_or(Problem::NoValue(field)))?),
        Field::After => Condition::After(only(span, field, &each(values, moment)?)?),
        Field::Before => Condition::Before(only(span, field, &each(values, moment)?)?),
    })
}

/// Reads each value; each result once, in the order written.
fn each<T: PartialEq>(values: &[RawValue], read: impl Fn(&str) -> Result<T, Problem>) -> Result<Vec<T>, Error> {
    let mut found = Vec::with_capacity(values.len());
    for value in values {
        let one = read(value.text.trim()).map_err(|problem| Error { problem, span: value.span })?;
        if !found.contains(&one) {
            found.push(one);
        }
    }
    Ok(found)
}

fn sorted<T: Ord>(mut set: Vec<T>) -> Vec<T> {
    set.sort();
    set
}

fn only<T: Copy>(span: Span, field: Field, values: &[T]) -> Result<T, Error> {
    match values {
        [one] => Ok(*one),
        _ => Err(Error { problem: Problem::OnlyOne(field), span }),
    }
}

fn compared(span: Span, op: Op, values: &[RawValue]) -> Result<Vec<Severity>, Error> {
    let limits = each(values, |v| Severity::from_word(v).ok_or_else(|| unknown_value(Field::Severity, v)))?;
    let limit = only(span, Field::Severity, &limits)?;
    let fits = |s: &Severity| match op {
        Op::Is => *s == limit,
        Op::Less => *s < limit,
        Op::LessOrIs => *s <= limit,
        Op::More => *s > limit,
        Op::MoreOrIs => *s >= limit,
    };
    let set: Vec<_> = Severity::ALL.iter().copied().filter(fits).collect();
    if set.is_empty() {
        return Err(Error { problem: Problem::Nothing(format!("severity{}{limit}", op.text())), span });
    }
    Ok(set)
}

fn hash(value: &str) -> Result<String, Problem> {
    if matches!(value.len(), 32 | 40 | 64) && value.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(value.to_ascii_lowercase())
    } else {
        Err(Problem::NotHash(value.to_owned()))
    }
}

fn domain(value: &str) -> Option<String> {
    let name = value.trim_end_matches('.');
    (!name.is_empty()).then(|| name.to_lowercase())
}

#[cfg(test)]
mod tests;
