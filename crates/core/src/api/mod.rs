//! The HTTP API for people: one file per resource. Only here is HTTP known.

pub(crate) mod access;
mod actions;
mod alerts;
mod asking;
mod audit;
mod charts;
mod clients;
mod commands;
mod download;
mod export;
mod extract;
mod factors;
pub(crate) mod health;
mod holds;
mod hosts;
mod identities;
mod invitations;
mod keys;
mod live;
mod me;
mod nodes;
mod passkeys;
mod passphrases;
mod person;
mod providers;
mod query;
mod router;
mod session;
mod sessions;
mod setup;
mod tokens;
mod users;
pub(crate) mod version;
mod visits;

pub(crate) use audit::line as audit_line;
pub(crate) use router::{document, router};
