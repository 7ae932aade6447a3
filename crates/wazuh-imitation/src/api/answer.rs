//! What is answered, in the manager's envelopes.

use axum::body::Body;
use axum::http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

/// An answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Canned {
    /// Only to requests whose path begins so; to every one if it is empty.
    #[serde(default)]
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON, or a text.
    pub body: Value,
    /// The content type, where it is not the usual one.
    #[serde(default)]
    pub kind: Option<String>,
}

impl Canned {
    /// An answer with this status and body.
    #[must_use]
    pub fn new(path: &str, status: u16, body: Value) -> Self {
        Self { path: path.to_owned(), status, body, kind: None }
    }

    #[allow(clippy::needless_pass_by_value, reason = "it is made for this")]
    pub(super) fn ok(data: Value) -> Self {
        Self::new("", 200, json!({ "data": data, "error": 0 }))
    }

    pub(super) fn text(kind: &str, text: &str) -> Self {
        Self { path: String::new(), status: 200, body: text.into(), kind: Some(kind.into()) }
    }

    pub(super) fn message(text: &str) -> Self {
        Self::new("", 200, json!({ "message": text, "error": 0 }))
    }

    /// A refusal: the code stands under `error`, at the top.
    pub(super) fn problem(status: u16, title: &str, detail: &str, code: Option<u32>) -> Self {
        let mut body = json!({ "title": title, "detail": detail });
        if let Some(code) = code {
            body["error"] = code.into();
        }
        Self::new("", status, body)
    }

    #[allow(clippy::needless_pass_by_value, reason = "it is made for this")]
    /// A list whose page is `items`, of `total`, with what failed: code, sentence, number.
    pub(super) fn list(items: Vec<Value>, total: usize, failed: &[(u32, &str, String)], said: &str) -> Self {
        let mut codes: Vec<(u32, &str)> = failed.iter().map(|(code, text, _)| (*code, *text)).collect();
        codes.sort_unstable();
        codes.dedup();
        let grouped: Vec<Value> = codes
            .iter()
            .map(|(code, text)| {
                let ids: Vec<_> = failed.iter().filter(|(other, ..)| other == code).map(|(.., id)| id).collect();
                json!({ "error": { "code": code, "message": text, "remediation": "See the documentation" }, "id": ids })
            })
            .collect();
        let error = match (items.is_empty(), failed.is_empty()) {
            (_, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
        };
        let data = json!({
            "affected_items": items, "total_affected_items": total, "total_failed_items": failed.len(),
            "failed_items": grouped,
        });
        Self::new("", 200, json!({ "data": data, "message": said, "error": error }))
    }

    pub(super) fn response(self) -> Response<Body> {
        let usual = if self.status < 400 { "application/json" } else { "application/problem+json; charset=utf-8" };
        let kind = self.kind.as_deref().unwrap_or(usual).to_owned();
        let body = match (&self.body, self.kind) {
            (Value::String(text), Some(_)) => text.clone(),
            (body, _) => body.to_string(),
        };
        let response = Response::builder().status(self.status).header("content-type", kind);
        response.body(Body::from(body)).unwrap_or_default()
    }
}
