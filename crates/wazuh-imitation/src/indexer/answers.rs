//! Answers that tell of failure.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use serde_json::{Value, json};

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; text is sent as text, all else as JSON.
    pub body: Value,
}

impl Reply {
    /// JSON with a status of 200.
    #[must_use]
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// Text.
    #[must_use]
    pub fn text(status: u16, text: &str) -> Self {
        Self { status, body: json!(text) }
    }

    /// 401 as the security plugin gives it: no JSON.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::text(401, "Unauthorized")
    }

    /// 403 for want of a permission.
    #[must_use]
    pub fn forbidden(action: &str) -> Self {
        let reason =
            format!("no permissions for [{action}] and User [name=reader, backend_roles=[], requestedTenant=null]");
        Self::error(403, "security_exception", &reason)
    }

    /// 404 for an index.
    #[must_use]
    pub fn no_index(index: &str) -> Self {
        Self::error(404, "index_not_found_exception", &format!("no such index [{index}]"))
    }

    /// 404 for a point in time that is gone.
    #[must_use]
    pub fn no_context() -> Self {
        Self::all_shards(404, "search_context_missing_exception", "No search context found for id [12]")
    }

    /// 429 of a full queue.
    #[must_use]
    pub fn rejected() -> Self {
        Self::error(429, "rejected_execution_exception", "rejected execution of search: queue capacity is 1000")
    }

    /// 429 of a full heap.
    #[must_use]
    pub fn circuit_broken() -> Self {
        Self::error(429, "circuit_breaking_exception", "[parent] Data too large")
    }

    /// 503 while shards are not there.
    #[must_use]
    pub fn unavailable() -> Self {
        Self {
            status: 503,
            body: json!({
                "error": { "root_cause": [], "type": "search_phase_execution_exception", "reason": "all shards failed",
                    "phase": "query", "grouped": true, "failed_shards": [] },
                "status": 503,
            }),
        }
    }

    /// 503 while the security plugin starts: no JSON.
    #[must_use]
    pub fn not_initialized() -> Self {
        Self::text(503, "OpenSearch Security not initialized.")
    }

    /// An error whose cause is itself.
    #[must_use]
    pub fn error(status: u16, kind: &str, reason: &str) -> Self {
        let cause = json!({ "type": kind, "reason": reason });
        let body = json!({
            "error": { "root_cause": [cause], "type": kind, "reason": reason },
            "status": status,
        });
        Self { status, body }
    }

    /// An error of each shard.
    pub(super) fn all_shards(status: u16, kind: &str, reason: &str) -> Self {
        let cause = json!({ "type": kind, "reason": reason });
        let body = json!({
            "error": {
                "root_cause": [&cause], "type": "search_phase_execution_exception", "reason": "all shards failed",
                "phase": "query", "grouped": true,
                "failed_shards": [{ "shard": 0, "index": "i", "node": "n", "reason": &cause }], "caused_by": cause,
            },
            "status": status,
        });
        Self { status, body }
    }

    pub(super) fn window(most: usize, was: usize) -> Self {
        let reason = format!(
            "Result window is too large, from + size must be less than or equal to: [{most}] but was [{was}]. See the \
             scroll api for a more efficient way to request large data sets."
        );
        Self::all_shards(400, "illegal_argument_exception", &reason)
    }

    /// What the request itself lacks.
    pub(super) fn invalid(reason: &str) -> Self {
        Self::error(400, "action_request_validation_exception", &format!("Validation Failed: 1: {reason};"))
    }

    pub(super) fn bad(reason: &str) -> Self {
        Self::error(400, "illegal_argument_exception", reason)
    }

    pub(super) fn parsing(reason: &str) -> Self {
        Self::error(400, "parsing_exception", reason)
    }

    pub(super) fn response(&self) -> Response<Body> {
        let (kind, body) = match &self.body {
            Value::String(text) => ("text/plain; charset=UTF-8", text.clone()),
            json => ("application/json; charset=UTF-8", json.to_string()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        if self.status == 401 {
            let basic = header::HeaderValue::from_static("Basic realm=\"OpenSearch Security\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}
