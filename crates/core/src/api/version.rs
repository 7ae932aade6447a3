//! What runs here.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::person::Person;

/// The core's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Versions.
#[derive(Serialize, ToSchema)]
pub(super) struct Version {
    /// The core's.
    version: &'static str,
    /// That of what it speaks with nodes.
    wire: u32,
}

/// Says which version this is.
#[utoipa::path(get, path = "/version", tag = "health", responses((status = 200, body = Version)))]
pub(super) async fn version(_: Person) -> Json<Version> {
    Json(Version { version: VERSION, wire: wire::VERSION })
}
