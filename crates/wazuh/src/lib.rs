//! A client for Wazuh 4.3 to 4.14: its manager's API, its indexer, and the alerts that the manager writes to a file.

pub mod alerts;
pub mod api;
mod error;
pub mod indexer;
mod secret;
mod trust;

pub use error::Error;
pub use secret::Secret;
pub use trust::{Fingerprint, Trust};
