//! The demo's own traffic: real conversations between real addresses, by real sockets where the machine permits
//! network namespaces, else as a capture file. Each scenario names the shipped rules that must see it.

mod capture;
mod catalogue;
mod command;
mod message;
mod play;
mod scenario;
pub(crate) mod scene;
mod serve;
mod service;

pub(crate) use catalogue::SCENARIOS;
pub(crate) use command::{Request, Traffic, capture_file};
pub(crate) use scenario::Scenario;
