//! What stands for Wazuh in the demo, which has no manager and says so: alerts as one writes them, and an imitation of its API
//! and its indexer with hosts.

mod event;
mod fleet;
mod manager;

pub(crate) use event::{EVENTS, Event, Stage};
pub(crate) use fleet::Fleet;
pub(crate) use manager::Manager;
