//! SOCme's sensor: reads its sources, makes alerts of them, keeps them in a spool and sends them to the core.
//!
//! An event travels [`source`] → [`normalise`] → [`fold`] → [`spool`] → [`uplink`]. One thread does the first four
//! ([`pipeline`]), so that one transaction holds what was read and how far; the way to the core runs beside it and only
//! ever reads the spool.

pub mod alarm;
pub mod cli;
pub mod config;
pub mod detected;
pub mod doctor;
pub mod enrol;
pub mod fold;
pub mod health;
pub mod identity;
pub mod line;
mod manager;
pub mod normalise;
pub mod owner;
pub mod pipeline;
pub mod policy;
pub mod run;
pub mod source;
pub mod spool;
pub mod status;
pub mod uplink;
