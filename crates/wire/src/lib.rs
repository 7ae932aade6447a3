//! What SOCme's core, nodes and screens say to each other: types, limits, version.
//!
//! A node and the core speak HTTP/2 with JSON bodies (batches are compressed with zstd) over mutual TLS 1.3. The
//! paths are in [`path`], what is said there in [`link`], what travels in [`alert`] and [`status`], how large anything
//! may be in [`limit`].
//!
//! # Invariants
//! - A node's records form one chain: each batch names the [`link::Position`] that it follows, and the core takes it only
//!   if that is exactly where it stands. Replayed, skipped, reordered and forked batches all fail this one comparison.
//! - A batch ends where a transaction of the node's spool ended, with the cursors of its sources at that moment. So the
//!   core always knows where reading can go on, even if the node's own disk is lost or rolled back.
//! - Counts in [`link::Record::Count`] are totals, never increments.

pub mod alert;
pub mod command;
pub mod host;
pub mod limit;
pub mod link;
pub mod shown;
pub mod status;
pub mod token;

pub use alert::{Alert, Severity, Source};
pub use shown::shown;

/// Version of this protocol. The core understands this one and every earlier one down to [`OLDEST`]; a node with a newer
/// one is told to update the core (RFC 9457 problem of type `wire-version`).
pub const VERSION: u32 = 1;

/// The oldest protocol version that the core still understands.
pub const OLDEST: u32 = 1;

/// The name that the core's certificate for nodes carries, whatever address it is reached at, so that the address may
/// change.
pub const SERVER_NAME: &str = "core.socme.internal";

/// Where each thing is said, on the core's listener for nodes.
pub mod path {
    /// `POST` [`crate::link::Enrol`] → [`crate::link::Enrolled`]; the only path open without a certificate.
    pub const ENROL: &str = "/node/v1/enrol";
    /// `POST` [`crate::link::Renew`] → [`crate::link::Renewed`]; open to expired certificates for 90 days.
    pub const RENEW: &str = "/node/v1/renew";
    /// `POST` [`crate::link::Hello`] → [`crate::link::Welcome`].
    pub const HELLO: &str = "/node/v1/hello";
    /// `POST` [`crate::link::Batch`] (zstd) → [`crate::link::Taken`], or 409 with [`crate::link::Conflict`].
    pub const BATCH: &str = "/node/v1/batch";
    /// `POST` [`crate::status::Status`] → [`crate::link::Heard`].
    pub const STATUS: &str = "/node/v1/status";
    /// `GET` → server-sent events, each a [`crate::command::Command`]; open as long as the node is.
    pub const COMMANDS: &str = "/node/v1/commands";
    /// `POST` [`crate::command::Begin`] → [`crate::command::Begun`].
    pub const BEGIN: &str = "/node/v1/begin";
}
