//! Conditions for the parameter `q`, built so that no value can become a part of the condition.
//!
//! Wazuh's grammar has no escape: a value that holds `;`, `,` or a bracket can be read as another condition, and quotes
//! become «any letter». Such values are refused here, and never changed.

use std::fmt;

use crate::error::{Error, shown};

/// A condition on the fields of a list (parameter `q` of the Wazuh server API).
///
/// ```
/// # use wazuh::api::Query;
/// let query = Query::equals("status", "active")?.and(Query::is_not("id", "000")?);
/// assert_eq!(query.to_string(), "status=active;id!=000");
/// # Ok::<(), wazuh::Error>(())
/// ```
///
/// Wazuh compares without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query(Tree);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tree {
    Clause(String),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

impl Query {
    /// The field has this value.
    ///
    /// # Errors
    /// The grammar cannot express the field or the value; so for all of these.
    pub fn equals(field: &str, value: &str) -> Result<Self, Error> {
        Self::clause(field, "=", value)
    }

    /// The field has another value.
    ///
    /// # Errors
    /// See [`Self::equals`].
    pub fn is_not(field: &str, value: &str) -> Result<Self, Error> {
        Self::clause(field, "!=", value)
    }

    /// The field is less. For an agent's `lastKeepAlive` and `dateAdd` a value such as `1d` is an *age*: less than a day
    /// ago.
    ///
    /// # Errors
    /// See [`Self::equals`].
    pub fn less(field: &str, value: &str) -> Result<Self, Error> {
        Self::clause(field, "<", value)
    }

    /// The field is more; see [`Self::less`].
    ///
    /// # Errors
    /// See [`Self::equals`].
    pub fn more(field: &str, value: &str) -> Result<Self, Error> {
        Self::clause(field, ">", value)
    }

    /// The field contains this text.
    ///
    /// # Errors
    /// See [`Self::equals`].
    pub fn contains(field: &str, value: &str) -> Result<Self, Error> {
        Self::clause(field, "~", value)
    }

    /// The field is empty.
    ///
    /// # Errors
    /// See [`Self::equals`].
    pub fn is_null(field: &str) -> Result<Self, Error> {
        Ok(Self(Tree::Clause(format!("{}=null", checked_field(field)?))))
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut parts = match self.0 {
            Tree::And(parts) => parts,
            one => vec![one],
        };
        match other.0 {
            Tree::And(more) => parts.extend(more),
            one => parts.push(one),
        }
        Self(Tree::And(parts))
    }

    /// One of them holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut parts = match self.0 {
            Tree::Or(parts) => parts,
            one => vec![one],
        };
        match other.0 {
            Tree::Or(more) => parts.extend(more),
            one => parts.push(one),
        }
        Self(Tree::Or(parts))
    }

    /// True if it can be said without parentheses, which lists from files (rules, decoders, logs) do not know.
    pub(super) fn is_flat(&self) -> bool {
        let flat = |part: &Tree| matches!(part, Tree::Clause(_));
        match &self.0 {
            Tree::Clause(_) => true,
            Tree::And(parts) => parts.iter().all(flat),
            Tree::Or(parts) => parts.iter().all(|part| match part {
                Tree::And(inner) => inner.iter().all(flat),
                part => flat(part),
            }),
        }
    }

    /// True if it needs parentheses within parentheses.
    pub(super) fn is_nested(&self) -> bool {
        fn deep(tree: &Tree, within: bool) -> bool {
            match tree {
                Tree::Clause(_) => false,
                Tree::And(parts) => parts.iter().any(|part| match part {
                    Tree::Or(_) => within || deep(part, true),
                    part => deep(part, within),
                }),
                Tree::Or(parts) => parts.iter().any(|part| deep(part, within)),
            }
        }
        deep(&self.0, false)
    }

    fn clause(field: &str, operator: &str, value: &str) -> Result<Self, Error> {
        let field = checked_field(field)?;
        let fine = |letter: char| letter.is_alphanumeric() || " _-.:/\\@?$".contains(letter);
        if value.trim() != value || value.is_empty() || !value.chars().all(fine) || value.eq_ignore_ascii_case("null") {
            return Err(Error::Input(format!("Wazuh's queries cannot express the value «{}»", shown(value))));
        }
        Ok(Self(Tree::Clause(format!("{field}{operator}{value}"))))
    }
}

fn checked_field(field: &str) -> Result<&str, Error> {
    let fine = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
    if field.is_empty() || !field.chars().all(fine) {
        return Err(Error::Input(format!("«{}» is not the name of a field", shown(field))));
    }
    Ok(field)
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(&self.0, f)
    }
}

fn write(tree: &Tree, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (parts, separator) = match tree {
        Tree::Clause(clause) => return f.write_str(clause),
        Tree::And(parts) => (parts, ";"),
        Tree::Or(parts) => (parts, ","),
    };
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        // "And" binds tighter, so only an "or" in an "and" needs them.
        if matches!((tree, part), (Tree::And(_), Tree::Or(_))) {
            f.write_str("(")?;
            write(part, f)?;
            f.write_str(")")?;
        } else {
            write(part, f)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_become_a_condition() {
        for value in [
            "a;id=000", "a,b", "(a", "a)", "[a", "'a", "\"", "null", "NULL", "", " a", "a=b", "a<b", "a!b", "a%",
            "a~b", "a\nb", "a{", "a&b", "a|b", "a*b",
        ] {
            assert!(Query::equals("name", value).is_err(), "{value}");
        }
        for field in ["", "na me", "name=x;id", "é"] {
            assert!(Query::equals(field, "x").is_err(), "{field}");
        }
        for value in ["web-1", "Wazuh v4.14.7", "C:\\Windows", "2026-05-01T10:00:00Z", "été"] {
            assert!(Query::equals("name", value).is_ok(), "{value}");
        }
    }

    #[test]
    fn parentheses_stand_where_they_are_needed_and_only_there() {
        let a = || Query::equals("a", "1").unwrap();
        let b = || Query::contains("b", "2").unwrap();
        let c = || Query::is_null("c").unwrap();
        assert_eq!(a().and(b()).or(c()).to_string(), "a=1;b~2,c=null");
        assert_eq!(a().or(b()).and(c()).to_string(), "(a=1,b~2);c=null");
        assert!(a().and(b()).or(c()).is_flat() && !a().or(b()).and(c()).is_flat());
        let nested = a().or(b()).and(c()).or(a()).and(b());
        assert_eq!(nested.to_string(), "((a=1,b~2);c=null,a=1);b~2");
        assert!(nested.is_nested() && !a().or(b()).and(c()).or(a()).is_nested());
    }
}
