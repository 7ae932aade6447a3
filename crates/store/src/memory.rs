//! What the writer remembers from job to job, so that it need not ask the database each time. It is all forgotten when a
//! transaction is undone.

/// All of it.
#[derive(Default)]
pub(crate) struct Memory {}
