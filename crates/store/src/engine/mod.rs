//! The two databases, and what is the same for both: [`sql::Sql`], through which all statements go, and [`writer`], through which all
//! changes go. They are told apart by `match`, where they differ, and nowhere else.

pub(crate) mod guard;
pub(crate) mod postgresql;
pub(crate) mod readers;
pub(crate) mod sql;
pub(crate) mod sqlite;
pub(crate) mod timings;
mod value;
pub(crate) mod writer;
