//! The store's suite, told as stories against its public functions only, so that every database can be held against it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod on_postgres;
mod on_sqlite;
