//! Why a command could not be done, and the exit code that says so.

use std::fmt::Write as _;
use std::io;

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;
use wire::shown;

use super::field::text;

/// What a command gives.
pub(super) type Result<T> = std::result::Result<T, Failure>;

/// Why it could not be done.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    said: String,
    mend: Option<String>,
    /// The query that is wrong, and where: UTF-16 code units.
    place: Option<(String, usize, usize)>,
}

/// What kind of failure: it decides on the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It could not be done.
    Failed,
    /// The core does not answer, or cannot for now: the same may work later.
    Later,
    /// What was asked cannot be meant.
    Usage,
    /// Not signed in, or not allowed.
    Refused,
    /// There is none such, or the asker may not see it.
    NotFound,
    /// The client's policy forbids it to the node.
    Forbidden,
    /// Its node did not begin it in time, or it was withdrawn.
    NotBegun,
    /// It may have been done, and nobody knows.
    Unknown,
    /// Whoever reads the output has seen enough.
    Unread,
}

impl Failure {
    /// Of this kind, in these words.
    pub(super) fn new(kind: Kind, said: impl Into<String>) -> Self {
        Self { kind, said: said.into(), mend: None, place: None }
    }

    /// It could not be done.
    pub(super) fn failed(said: impl Into<String>) -> Self {
        Self::new(Kind::Failed, said)
    }

    /// What was asked cannot be meant.
    pub(super) fn usage(said: impl Into<String>) -> Self {
        Self::new(Kind::Usage, said)
    }

    /// With what to do about it.
    pub(super) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// What the core answered, in its words.
    pub(super) fn of_problem(status: u16, problem: &Value) -> Self {
        let kind = match status {
            400 | 413 | 422 => Kind::Usage,
            401 | 403 => Kind::Refused,
            404 => Kind::NotFound,
            429 | 502..=504 => Kind::Later,
            _ => Kind::Failed,
        };
        let mut said = match text(problem, "title") {
            "" => format!("The core answers with status {status}."),
            title => title.to_owned(),
        };
        // A query's place is pointed at instead.
        if let Some(field) = problem["field"].as_str().filter(|field| *field != "q") {
            let _ = write!(said, " ({field})");
        }
        let mut failure = Self::new(kind, said);
        failure.mend = problem["detail"].as_str().map(str::to_owned);
        if status >= 500
            && let Some(id) = problem["id"].as_str()
        {
            let mend = failure.mend.unwrap_or_default();
            failure.mend = Some(format!("{mend} [{id}]").trim_start().to_owned());
        }
        if matches!(text(problem, "type"), "not-signed-in" | "dead-key") {
            failure.mend = Some("Sign in: socme login".into());
        }
        failure
    }

    /// If it is about a query, with the query.
    pub(super) fn about_query(mut self, query: &str, problem: &Value) -> Self {
        let place = |name: &str| problem[name].as_u64().and_then(|place| usize::try_from(place).ok());
        if let (Some("q"), Some(start), Some(end)) = (problem["field"].as_str(), place("start"), place("end")) {
            self.place = Some((query.to_owned(), start, end));
        }
        self
    }

    /// Its kind.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened, in one line.
    pub(super) fn said(&self) -> String {
        shown(&self.said)
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self.kind {
            // That the reader went away is the reader's business.
            Kind::Unread => 0,
            Kind::Failed | Kind::Later => 1,
            Kind::Usage => 2,
            Kind::Refused => 3,
            Kind::NotFound => 4,
            Kind::Forbidden => 5,
            Kind::NotBegun => 6,
            Kind::Unknown => 7,
        }
    }

    /// What a person is told, safe for a terminal; none if there is nothing to tell.
    pub(crate) fn told(&self) -> Option<String> {
        if self.kind == Kind::Unread {
            return None;
        }
        let mut told = format!("error: {}\n", shown(&self.said));
        if let Some((query, start, end)) = &self.place {
            let (before, marked) = (columns(query, 0, *start), columns(query, *start, *end).max(1));
            let _ = writeln!(told, "  {}\n  {}{}", shown(query), " ".repeat(before), "^".repeat(marked));
        }
        if let Some(mend) = &self.mend {
            let _ = writeln!(told, "{}", shown(mend));
        }
        Some(told)
    }
}

/// How many columns a part of a text takes on the terminal.
fn columns(text: &str, from: usize, to: usize) -> usize {
    let mut at = 0;
    let part: String = text
        .chars()
        .filter(|c| {
            let inside = (from..to).contains(&at);
            at += c.len_utf16();
            inside
        })
        .collect();
    shown(&part).width()
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::Unread, "nobody reads this"),
            _ => Self::failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_caret_stands_under_what_is_wrong() {
        let query = "東 \u{1b} sevrity:high";
        let problem = json!({"title": "There is no field «sevrity».", "detail": "Do you mean «severity»?", "field": "q", "start": 4, "end": 11});
        let failure = Failure::of_problem(400, &problem).about_query(query, &problem);
        assert_eq!(failure.code(), 2);
        assert_eq!(
            failure.told().unwrap(),
            "error: There is no field «sevrity».\n  東 \\u{1b} sevrity:high\n            ^^^^^^^\nDo you mean «severity»?\n"
        );
    }

    #[test]
    fn exit_codes_say_what_kind_it_was() {
        let code = |status| Failure::of_problem(status, &json!({})).code();
        assert_eq!([400, 401, 403, 404, 409, 503].map(code), [2, 3, 3, 4, 1, 1]);
    }
}
