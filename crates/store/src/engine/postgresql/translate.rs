//! One text for both databases, where a small mechanical translation is enough. What the rules below do not cover is said twice,
//! side by side, where it is used: `match sql { Sql::Sqlite(_) => …, Sql::Postgres(_) => … }`.
//!
//! | SQLite | PostgreSQL |
//! |---|---|
//! | `?1` | `$1` |
//! | `user` (a table, a column) | `"user"`: the bare word is a function there |
//! | `max(0, n)` | `greatest(0, n)` |
//! | `(SELECT value FROM json_each(?1))` | the same with PostgreSQL's function, as numbers |
//!
//! A statement that is run for many rows of parameters becomes one statement: the rows travel as one array per column and are
//! unfolded by the server as `many(c1, c2…)`.

/// How many statements' worth of parameters travel at once.
pub(super) struct Many<'t> {
    /// Of each column of parameters, whether it has any value at all: one without is written as NULL, for an array of nothing
    /// has no type.
    pub(super) present: &'t [bool],
}

/// The text for one row of parameters. Those that are NULL are written into it: the server cannot always tell what type they
/// would be; the others move up.
pub(super) fn one(sql: &str, present: &[bool]) -> String {
    rewrite(sql, &|number, text| {
        let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match at.filter(|at| present.get(*at) == Some(&true)) {
            Some(at) => {
                let place = present[..=at].iter().filter(|present| **present).count();
                text.push_str(&format!("${place}"));
            }
            None => text.push_str("NULL"),
        }
    })
}

impl Many<'_> {
    /// The text for an INSERT, UPDATE or DELETE.
    pub(super) fn change(&self, sql: &str) -> Option<String> {
        let many = self.unnest("many", false);
        if sql.starts_with("INSERT ") {
            let (head, tail) = sql.split_once(" VALUES (")?;
            let end = closing(tail)?;
            let (row, rest) = (&tail[..end], &tail[end + 1..]);
            return Some(format!("{} SELECT {} FROM {many}{}", self.inner(head), self.inner(row), self.inner(rest)));
        }
        let (head, tail) = sql.split_once(" WHERE ")?;
        let word = if sql.starts_with("UPDATE ") { "FROM" } else { "USING" };
        Some(format!("{} {word} {many} WHERE {}", self.inner(head), self.inner(tail)))
    }

    /// The text for a SELECT, whose rows come with the place of their parameters before them.
    pub(super) fn select(&self, sql: &str) -> String {
        let many = self.unnest("many", true);
        format!("SELECT many.at, found.* FROM {many} CROSS JOIN LATERAL ({}) AS found", self.inner(sql))
    }

    fn unnest(&self, name: &str, places: bool) -> String {
        let (mut arrays, mut columns) = (Vec::new(), Vec::new());
        for (at, _) in self.present.iter().enumerate().filter(|(_, present)| **present) {
            arrays.push(format!("${}", arrays.len() + 1));
            columns.push(format!("c{}", at + 1));
        }
        if places {
            columns.push("at".into());
        }
        let ordinality = if places { " WITH ORDINALITY" } else { "" };
        format!("unnest({}){ordinality} AS {name}({})", arrays.join(", "), columns.join(", "))
    }

    fn inner(&self, sql: &str) -> String {
        rewrite(sql, &|number, text| {
            let present = number.parse().ok().and_then(|number: usize| self.present.get(number.checked_sub(1)?));
            if present == Some(&true) {
                text.push_str("many.c");
                text.push_str(number);
            } else {
                text.push_str("NULL");
            }
        })
    }
}

/// Where the parenthesis that is open at the beginning closes.
fn closing(sql: &str) -> Option<usize> {
    let mut open = 1;
    for (at, byte) in sql.bytes().enumerate() {
        match byte {
            b'(' => open += 1,
            b')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

const JSON: (&str, &str) =
    ("(SELECT value FROM json_each(", "(SELECT CAST(value AS bigint) FROM json_array_elements_text(");

/// Rewrites what lies outside of quotes and comments.
fn rewrite(sql: &str, parameter: &dyn Fn(&str, &mut String)) -> String {
    let mut text = String::with_capacity(sql.len() + 32);
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => 1 + rest[1..].find(first).map_or(rest.len() - 1, |end| end + 1),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '?' => {
                let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
                parameter(&rest[1..=digits], &mut text);
                rest = &rest[1 + digits..];
                continue;
            }
            '(' if rest.starts_with(JSON.0) => {
                text.push_str(JSON.1);
                rest = &rest[JSON.0.len()..];
                // The one parameter, and the parenthesis that closes the function.
                let end = rest.find(')').unwrap_or(rest.len());
                text.push_str("CAST(");
                text.push_str(&rewrite(&rest[..end], parameter));
                text.push_str(" AS json)");
                rest = &rest[end..];
                continue;
            }
            c if c.is_alphabetic() => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                match &rest[..end] {
                    "user" => text.push_str("\"user\""),
                    "max" if rest[end..].starts_with("(0,") => text.push_str("greatest"),
                    word => text.push_str(word),
                }
                rest = &rest[end..];
                continue;
            }
            c => c.len_utf8(),
        };
        text.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_for_sqlite_becomes_one_for_postgresql() {
        assert_eq!(
            one(
                "SELECT user, 'user?1' FROM user WHERE a = ?1 AND ?2 IS NULL AND n = max(0, ?3) /* user ?1 */",
                &[true, false, true]
            ),
            "SELECT \"user\", 'user?1' FROM \"user\" WHERE a = $1 AND NULL IS NULL AND n = greatest(0, $2) /* user ?1 */"
        );
        assert_eq!(
            one("x IN (SELECT value FROM json_each(?2)) AND max(n) = 1", &[true, true]),
            "x IN (SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST($2 AS json))) AND max(n) = 1"
        );
    }

    #[test]
    fn many_rows_become_one_statement() {
        let many = Many { present: &[true, false, true] };
        assert_eq!(
            many.change("INSERT INTO t (a, b, c, d) VALUES (?1, ?2, 0, ?3) ON CONFLICT (a) DO NOTHING").unwrap(),
            "INSERT INTO t (a, b, c, d) SELECT many.c1, NULL, 0, many.c3 FROM unnest($1, $2) AS many(c1, c3) \
             ON CONFLICT (a) DO NOTHING"
        );
        assert_eq!(
            many.change("UPDATE t SET n = max(0, n - ?3) WHERE a = ?1").unwrap(),
            "UPDATE t SET n = greatest(0, n - many.c3) FROM unnest($1, $2) AS many(c1, c3) WHERE a = many.c1"
        );
        assert_eq!(
            many.change("DELETE FROM t WHERE a = ?1 AND c = ?3").unwrap(),
            "DELETE FROM t USING unnest($1, $2) AS many(c1, c3) WHERE a = many.c1 AND c = many.c3"
        );
        assert_eq!(
            many.select("SELECT b FROM t WHERE a = ?1 LIMIT ?3"),
            "SELECT many.at, found.* FROM unnest($1, $2) WITH ORDINALITY AS many(c1, c3, at) CROSS JOIN LATERAL \
             (SELECT b FROM t WHERE a = many.c1 LIMIT many.c3) AS found"
        );
    }
}
