//! The pages, embedded in the binary.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

/// Whatever is no path of the API: a file of the pages, else the page itself, which knows its own paths.
pub(crate) async fn page(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This path has no such method.")
            .into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    if let Some(file) = Files::get(path).filter(|_| path != "index.html") {
        return send(path, file, request.headers().get(header::IF_NONE_MATCH));
    }
    // A file that is not there is not there: only paths of pages, which have no extension, show the page.
    let last = path.rsplit('/').next().unwrap_or_default();
    if last.contains('.') {
        return Problem::not_found("file").into_response();
    }
    match Files::get("index.html") {
        Some(index) => send("index.html", index, request.headers().get(header::IF_NONE_MATCH)),
        None => {
            let text = "SOCme's core runs, but this build has no pages in it.\n«make build» builds both.\n";
            (StatusCode::NOT_FOUND, text).into_response()
        }
    }
}

fn send(path: &str, file: EmbeddedFile, known: Option<&HeaderValue>) -> Response {
    let hash: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    // Vite puts a hash into the names of all files below assets: what has such a name never changes.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, content_type(path, &file).to_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::ETAG, tag.clone()),
    ];
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data.into_owned()).into_response()
}

fn content_type<'a>(path: &str, file: &'a EmbeddedFile) -> &'a str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("webmanifest") => "application/manifest+json",
        _ => file.metadata.mimetype(),
    }
}
