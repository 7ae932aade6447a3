//! SOCme's core: API, ingest, live stream, certificates.
//!
//! [`cli`] reads the command line, [`config`] the settings, [`run`] holds the whole life of a core. People come in through
//! `api`, nodes through `nodes_api`; what the core does by itself is in `jobs`.

pub mod check;
pub mod cli;
pub mod config;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod log;
pub mod run;

mod api;
mod authenticator;
mod breached;
mod condition;
mod folder;
mod jobs;
mod links;
mod listener;
mod metrics;
mod nodes_api;
mod notify;
mod outgoing;
mod passkey;
mod passphrase;
mod pki;
mod private;
mod problem;
mod providers;
mod seal;
mod sight;
mod silence;
mod state;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod throttle;
mod web;
