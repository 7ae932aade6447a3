//! The suite, on PostgreSQL.
#![allow(clippy::duplicate_mod)]

#[path = "../backups.rs"]
mod backups;
#[path = "../lists.rs"]
mod lists;
#[path = "../nodes.rs"]
mod nodes;
#[path = "../story.rs"]
pub(super) mod story;

use story::Story;

use super::*;

const KIND: Kind = Kind::Postgres;
