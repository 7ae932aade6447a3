//! The Wazuh manager beside this node: its hosts, its health, and what the core asks of it.

pub(crate) mod commands;
pub(crate) mod hosts;
mod journal;
