//! `socme demo`
pub(crate) mod child;
pub(crate) mod network;
pub(crate) mod running;
pub(crate) mod traffic;
pub(crate) mod wazuh;
