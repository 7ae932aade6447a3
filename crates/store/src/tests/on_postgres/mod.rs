//! The suite, on PostgreSQL.
#![allow(clippy::duplicate_mod)]

#[path = "../backups.rs"]
mod backups;
#[path = "../commands.rs"]
mod commands;
#[path = "../hosts.rs"]
mod hosts;
#[path = "../lists.rs"]
mod lists;
#[path = "../nodes.rs"]
mod nodes;
#[path = "../story.rs"]
pub(super) mod story;

use story::Story;

use super::*;

const KIND: Kind = Kind::Postgres;
