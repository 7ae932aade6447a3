//! Writes what a Wazuh manager writes: the demo has no manager, and says so.

mod event;
mod manager;

pub(crate) use event::{EVENTS, Event, Stage};
pub(crate) use manager::Manager;
