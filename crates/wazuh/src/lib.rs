//! A client for Wazuh 4.3 to 4.14: its manager's API, its indexer, and the alerts that the manager writes to a file.
//!
//! - [`api`] speaks with the manager (port 55000): agents, groups, inventory, rules, active response, the daemons.
//! - [`indexer`] searches the indexer (port 9200): alerts, vulnerabilities, inventory.
//! - [`alerts`] follows `alerts.json` on the manager itself.
//!
//! Wazuh 5 is another product for this purpose, and is refused with a sentence that says so.
//!
//! Every function of the API names its endpoint and the permission that it needs; times are [`jiff::Timestamp`]s in UTC; an
//! [`Error`] is a sentence that ends with what to do. Facts are from Wazuh's code and specification, 4.3 to 4.14.

#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]

pub mod alerts;
pub mod api;
mod certificate;
mod connection;
mod error;
pub mod indexer;
mod secret;
mod trust;

pub use certificate::{Certificate, Doubt, Fingerprint, NotAFingerprint};
pub use connection::Server;
pub use error::{Error, Kind, Route};
pub use secret::Secret;
pub use trust::{Identity, Trust};

/// The example in it compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
