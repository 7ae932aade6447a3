//! What SQLite says, in the words that callers act on.

use crate::Error;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::DiskFull | Code::SystemIoFailure | Code::CannotOpen | Code::ReadOnly) => {
                Self::Full(error.to_string())
            }
            Some(Code::OperationInterrupted) => Self::Deadline,
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy,
            _ => Self::Damaged(error.to_string()),
        }
    }
}

/// True if `error` is a breach of a UNIQUE or PRIMARY KEY constraint.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}
