//! The suite, on SQLite.
#![allow(clippy::duplicate_mod)]

#[path = "../backups.rs"]
mod backups;
#[path = "../lists.rs"]
mod lists;
#[path = "../nodes.rs"]
mod nodes;
#[path = "../story.rs"]
mod story;

use story::Story;

use super::*;

const KIND: Kind = Kind::Sqlite;
