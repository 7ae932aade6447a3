//! The suite, on SQLite.
#![allow(clippy::duplicate_mod)]

#[path = "../people.rs"]
mod people;
#[path = "../providers.rs"]
mod providers;
#[path = "../world.rs"]
mod world;

const KIND: store::testing::Kind = store::testing::Kind::Sqlite;
