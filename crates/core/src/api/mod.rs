//! The HTTP API for people: one file per resource. Only here is HTTP known.

mod actions;
mod alerts;
mod asking;
mod audit;
mod charts;
mod clients;
mod extract;
pub(crate) mod health;
mod live;
mod me;
mod nodes;
mod person;
mod query;
mod router;
mod session;
mod setup;
mod tokens;
pub(crate) mod version;

pub(crate) use router::{document, router};
