//! An imitation of a Wazuh manager's API and of a Wazuh indexer, made strictly from the published contract, because a
//! Wazuh manager cannot be installed from package registries. It is for tests and for the demo, and proves nothing
//! about a real Wazuh beyond what the contract says.

pub mod api;
pub mod indexer;
