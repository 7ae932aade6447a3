//! The table of contents: every path of the API, and what surrounds it.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{actions, alerts, audit, charts, clients, health, live, me, nodes, query, session, setup, tokens, version};
use crate::listener::client_address;
use crate::problem::{Listener, Problem, answer};
use crate::state::Shared;
use crate::web;

/// Largest body of a request, in bytes.
const BODY: usize = 256 * 1024;
/// How long a body may pause.
const BODY_PAUSE: Duration = Duration::from_secs(20);

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "SOCme core", description = "The API that the pages use. Times are RFC 3339, UTC. Unsafe methods need the header `X-Socme: 1`."),
    components(schemas(crate::problem::ProblemBody<'static>))
)]
struct Document;

/// Every path of the API.
fn api() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Document::openapi()).nest(
        "/api/v1",
        OpenApiRouter::new()
            .routes(routes!(setup::needed, setup::set_up))
            .routes(routes!(session::sign_in, session::sign_out))
            .routes(routes!(session::sign_in_by_link))
            .routes(routes!(me::me, me::change))
            .routes(routes!(clients::list, clients::create))
            .routes(routes!(clients::get, clients::change, clients::delete))
            .routes(routes!(tokens::list, tokens::create))
            .routes(routes!(tokens::delete))
            .routes(routes!(nodes::list))
            .routes(routes!(nodes::get, nodes::change, nodes::delete))
            .routes(routes!(nodes::revoke))
            .routes(routes!(nodes::consequences))
            .routes(routes!(alerts::list))
            .routes(routes!(alerts::count))
            .routes(routes!(charts::histogram))
            .routes(routes!(charts::facets))
            .routes(routes!(actions::act))
            .routes(routes!(alerts::get))
            .routes(routes!(query::parse))
            .routes(routes!(query::complete))
            .routes(routes!(live::live))
            .routes(routes!(health::health))
            .routes(routes!(audit::list))
            .routes(routes!(version::version)),
    )
}

/// The API's description (OpenAPI 3.1).
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = api().into_openapi();
    for path in document.paths.paths.values_mut() {
        let methods = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
        methods.into_iter().flatten().for_each(name);
    }
    document
}

/// Handlers are called the same in each file (`list`, `get`…), but an operation's id must be unique in the document.
fn name(operation: &mut Operation) {
    if let (Some(id), Some(tag)) = (&operation.operation_id, operation.tags.iter().flatten().next()) {
        operation.operation_id = Some(format!("{tag}_{id}"));
    }
}

/// All that people reach: the API, the pages, and whether the core is well.
pub(crate) fn router(core: Shared) -> Router {
    let proxies = core.config.trusted_proxies.clone();
    let (api, _) = api().split_for_parts();
    let unknown = || async { Problem::not_found("path").detail("See the API's description.") };
    api.route("/api", axum::routing::any(unknown))
        .route("/api/{*path}", axum::routing::any(unknown))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(health::ready))
        .fallback(web::page)
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This path has no such method.")
        })
        .layer(from_fn(from_elsewhere))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(from_fn_with_state((core.clone(), Listener::People), answer))
        .layer(from_fn(move |request: Request, next: Next| client_address(proxies.clone(), request, next)))
        .layer(from_fn_with_state(core.clone(), headers))
        .layer(CompressionLayer::new())
        .with_state(core)
}

/// Refuses changes that another site had a browser send: a foreign page can send a form, but not this header.
async fn from_elsewhere(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let ours = request.headers().get("x-socme").is_some_and(|value| value == "1");
    let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let foreign = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if !safe && (!ours || foreign) {
        return Problem::new(StatusCode::FORBIDDEN, "cross-site", "This request does not come from SOCme's own pages.")
            .detail("Programs send the header «X-Socme: 1».")
            .into_response();
    }
    next.run(request).await
}

/// What a browser may do with what it gets.
async fn headers(State(core): State<Shared>, request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    if api {
        set(header::CACHE_CONTROL, "no-store");
    }
    if core.config.secure_cookies() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_operations_have_the_same_id() {
        let document = serde_json::to_value(super::document()).unwrap();
        let mut seen = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert!(seen.insert(id.clone()), "{method} {path}: {id} is taken");
            }
        }
        assert!(seen.len() > 20, "{seen:?}");
    }
}
