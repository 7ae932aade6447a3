//! What can go wrong, in the words that callers act on.

/// Result of every public function here.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the store says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or the asker may not see it: the two are never told apart.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The asker may see it, but only somebody with this role may do that.
    #[error("only somebody with the role {} may do this", .0.word())]
    Forbidden(crate::Role),
    /// A field of what was asked cannot be taken.
    #[error("{field}: {why}")]
    Invalid {
        /// The field, as in the API.
        field: &'static str,
        /// What is wrong with it, as a sentence that helps.
        why: String,
    },
    /// It is right in itself, but not as things are now (a name is taken, a client still has nodes).
    #[error("{0}")]
    Refused(String),
    /// A batch contradicts itself; nothing of it was stored.
    #[error("the batch is malformed: {0}")]
    Malformed(String),
    /// The disk is full or failing. Nothing was stored; the store recovers by itself when there is room again.
    #[error("the database's disk is full or failing: {0}")]
    Full(String),
    /// The database's server cannot be reached, or does not let us in. Whether a change that was under way is stored is not known:
    /// ask again. The store goes on by itself when the server is back.
    #[error("the database cannot be reached: {0}")]
    Away(String),
    /// Too much at once; ask again later.
    #[error("the store is busy")]
    Busy,
    /// It took too long and was ended.
    #[error("the query took too long and was ended")]
    Deadline,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The database is not what this version expects, or it failed in a way that nobody foresaw.
    #[error("the database failed: {0}")]
    Damaged(String),
}

impl Error {
    pub(crate) fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { field, why: why.into() }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(format!("stored JSON cannot be read or written: {error}"))
    }
}
