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
//!
//! # Beginning
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use wazuh::api::{Api, Settings};
//! use wazuh::{Error, Secret, Server, Trust};
//!
//! let ca = Trust::Ca { file: "/etc/wazuh/root-ca.pem".into(), name: None };
//! let server = Server::new("https://wazuh.example:55000", ca);
//! let password = std::fs::read_to_string("/etc/wazuh/password")?;
//! let api = Api::new(Settings::new(server, "reader", Secret::new(password.trim_end())))?;
//! match api.version().await {
//!     Ok(version) => println!("Wazuh {version} at {}", api.address()),
//!     // Its sentence holds the fingerprint to pin, if that is what the reader wants.
//!     Err(error @ Error::Certificate { .. }) => eprintln!("{error}"),
//!     Err(error) if error.is_passing() => eprintln!("try again: {error}"),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What may grow
//! What this crate returns: such structures are `#[non_exhaustive]`, and every record of the API keeps in `more` what this
//! version does not know. What is handed to it and has a `Default` or a `new` ([`indexer::Search`],
//! [`indexer::AlertFilter`], [`indexer::VulnerabilityFilter`], [`indexer::tail::Settings`]) may get fields in a minor
//! version too: begin with that, and change what is to differ.

#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc, clippy::must_use_candidate)]

pub mod alerts;
pub mod api;
mod certificate;
mod connection;
mod error;
pub mod indexer;
mod secret;
mod trust;

// In the interface, so that their versions agree.
pub use jiff;
pub use serde_json;

pub use certificate::{Certificate, Doubt, Fingerprint, NotAFingerprint};
pub use connection::Server;
pub use error::{Error, Kind, Route};
pub use secret::Secret;
pub use trust::{Identity, Trust};

/// The example in it compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
