//! What PostgreSQL says, in the words that callers act on.

use postgres::error::SqlState;

use crate::Error;

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            // The connection's own trouble; anything else would be a mistake in this program.
            let lost = error.is_closed()
                || std::error::Error::source(&error).is_some_and(|source| source.is::<std::io::Error>());
            let why = with_causes(&error);
            return if lost || why.starts_with("error connecting") { Error::Away(why) } else { Error::Damaged(why) };
        };
        let code = said.code();
        match &code.code()[..2] {
            // It is going down, coming up, or does not let us in.
            "08" | "28" | "57" if *code != SqlState::QUERY_CANCELED => Error::Away(said.message().to_owned()),
            "3D" => Error::Away(said.message().to_owned()),
            // No connection left; a pooler that has no server says 08.
            "53" if *code == SqlState::DISK_FULL => Error::Full(said.message().to_owned()),
            "53" | "40" => Error::Busy,
            "55" if *code == SqlState::LOCK_NOT_AVAILABLE => Error::Busy,
            "58" => Error::Full(said.message().to_owned()),
            _ if *code == SqlState::QUERY_CANCELED => Error::Deadline,
            _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
                Error::Away("it is read-only: this is a standby, not the server to write to".into())
            }
            _ => Error::Damaged(format!("{} ({})", said.message(), code.code())),
        }
    }
}

/// The message of an error with those of its causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        cause = error.source();
    }
    said
}

/// The same error, with the statement that it came from where nobody foresaw it.
pub(super) fn of(error: Error, sql: &str) -> Error {
    match error {
        Error::Damaged(why) => {
            let begin: String = sql.chars().take(200).collect();
            Error::Damaged(format!("{why} in: {begin}"))
        }
        error => error,
    }
}

/// True if it is a breach of a constraint.
pub(super) fn is_taken(error: &postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("23"))
}
