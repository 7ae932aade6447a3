//! `socme demo`: a core, three clients with a node and a Suricata each, and traffic that they really see.
//!
//! Everything runs as the same programs that a real installation runs, as child processes. Two things are made up: who
//! talks on the networks ([`traffic`]), and what Wazuh says and does ([`wazuh`]). The demo tells so.
//!
//! # Nothing is left behind
//! Children end with the demo, however it ends ([`child`]); network namespaces end with the processes in them
//! ([`network`]). What stays is the folder.

mod api;
mod child;
mod client;
mod core;
mod folder;
mod network;
mod ports;
mod progress;
mod running;
mod schedule;
mod sensor;
mod show;
pub(crate) mod traffic;
mod wazuh;

pub(crate) use show::Demo;
