//! PostgreSQL: several replicas of a core on one database.
//!
//! # Invariants
//! - **A transaction touches one client, and locks its `tally` first** ([`crate::engine::sql::Sql::claim`]). So changes of one client come one
//!   after the other, whoever makes them: numbers rise in the order in which they become visible, what was read stays true until it
//!   is written, and nobody waits in a circle. What belongs to no client is changed under a lock with a name
//!   ([`crate::engine::sql::Lock`]).
//! - **Nothing is remembered that another replica may change.** What a writer keeps (rules' numbers) never changes once it is made.
//! - **Any pooler may stand in between** ([`line`]).
//! - **The client leads every key** of a tenant's table: see `migrations/postgres`, and the test in [`crate::engine::guard`].
//! - **Losing a notification loses nothing** ([`hearing`]): what counts are the numbers, and they are asked for every second.

mod failure;
pub(crate) mod hearing;
pub(crate) mod line;
pub(crate) mod migrate;
pub(crate) mod partitions;
pub(crate) mod place;
pub(crate) mod readers;
mod translate;
pub(crate) mod writers;
