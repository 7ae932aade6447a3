//! Changes to a query that leave the rest of it as somebody wrote it.

use crate::{Condition, Error, Query, Span, Term, parse};

/// Adds a term. If it is there already nothing changes; if its opposite is there, that is replaced.
///
/// # Errors
/// `text` is no query, or would be too large.
pub fn add(text: &str, negated: bool, condition: &Condition) -> Result<String, Error> {
    let query = parse(text)?;
    let term = Term { negated, condition: condition.clone(), span: Span::default() };
    let edited = match query.terms.iter().find(|t| t.condition == term.condition) {
        Some(same) if same.negated == negated => text.to_owned(),
        Some(opposite) => replace(text, opposite.span, &term.to_string()),
        None => format!("{} {term}", text.trim_end()).trim_start().to_owned(),
    };
    parse(&edited)?;
    Ok(edited)
}

/// Removes the term with this index; without such a term nothing changes.
///
/// # Errors
/// `text` is no query.
pub fn remove(text: &str, index: usize) -> Result<String, Error> {
    let query = parse(text)?;
    Ok(term(&query, index).map_or_else(
        || text.to_owned(),
        |term| {
            let (before, after) = (text[..term.span.start].trim_end(), text[term.span.end..].trim_start());
            format!("{before} {after}").trim().to_owned()
        },
    ))
}

/// Turns the term with this index into its opposite; without such a term nothing changes.
///
/// # Errors
/// `text` is no query, or would be too large.
pub fn negate(text: &str, index: usize) -> Result<String, Error> {
    let query = parse(text)?;
    let Some(term) = term(&query, index) else { return Ok(text.to_owned()) };
    let Span { start, end } = term.span;
    let edited = if term.negated {
        // Printed anew, because what follows the sign may begin with one itself.
        replace(text, term.span, &term.condition.to_string())
    } else {
        replace(text, term.span, &format!("-{}", &text[start..end]))
    };
    parse(&edited)?;
    Ok(edited)
}

fn term(query: &Query, index: usize) -> Option<&Term> {
    query.terms.get(index)
}

fn replace(text: &str, span: Span, with: &str) -> String {
    format!("{}{with}{}", &text[..span.start], &text[span.end..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Severity;

    #[test]
    fn terms_are_added_removed_and_turned() {
        let low = Condition::Severity(vec![Severity::Low]);
        assert_eq!(add("", false, &low).unwrap(), "severity:low");
        assert_eq!(add("SQLmap ", true, &low).unwrap(), "SQLmap -severity:low");
        assert_eq!(add("SQLmap -severity=LOW x", true, &low).unwrap(), "SQLmap -severity=LOW x");
        assert_eq!(add("SQLmap -severity=LOW x", false, &low).unwrap(), "SQLmap severity:low x");
        assert_eq!(remove("a  severity:low  B", 1).unwrap(), "a B");
        assert_eq!(remove("a", 0).unwrap(), "");
        assert_eq!(remove("a", 7).unwrap(), "a");
        assert_eq!(negate("a B", 1).unwrap(), "a -B");
        assert_eq!(negate("a -\"B c\" d", 1).unwrap(), "a \"b c\" d");
        assert_eq!(negate("--a", 0).unwrap(), "a");
        assert!(add("a \"b", false, &low).is_err());
    }
}
