//! The table of contents: every path of the API, and what surrounds it.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::compression::predicate::{NotForContentType, Predicate as _};
use tower_http::compression::{CompressionLayer, DefaultPredicate};
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{About, Shows, Who, enforce, rule};
use super::{
    actions, alerts, audit, charts, clients, commands, export, factors, health, holds, hosts, identities, invitations,
    keys, live, me, nodes, passkeys, passphrases, providers, query, session, sessions, setup, tokens, users, version,
    visits,
};
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
            .routes(routes!(session::prove))
            .routes(routes!(visits::doors))
            .routes(routes!(visits::begin))
            .routes(routes!(visits::end))
            .routes(routes!(visits::prove))
            .routes(routes!(visits::link))
            .routes(routes!(factors::second))
            .routes(routes!(passkeys::sign_in))
            .routes(routes!(passkeys::ask))
            .routes(routes!(invitations::accept))
            .routes(routes!(invitations::whom))
            .routes(routes!(me::me, me::change))
            .routes(routes!(passphrases::change, passphrases::remove))
            .routes(routes!(factors::set, factors::remove))
            .routes(routes!(factors::begin))
            .routes(routes!(factors::renew))
            .routes(routes!(passkeys::list, passkeys::add))
            .routes(routes!(passkeys::begin))
            .routes(routes!(passkeys::delete))
            .routes(routes!(sessions::list, sessions::end_others))
            .routes(routes!(sessions::end))
            .routes(routes!(keys::own, keys::create))
            .routes(routes!(keys::delete_own))
            .routes(routes!(identities::list))
            .routes(routes!(identities::unlink))
            .routes(routes!(keys::this, keys::delete_this))
            .routes(routes!(clients::list, clients::create))
            .routes(routes!(clients::get, clients::change, clients::delete))
            .routes(routes!(holds::keep))
            .routes(routes!(holds::hold, holds::release))
            .routes(routes!(export::export))
            .routes(routes!(tokens::list, tokens::create))
            .routes(routes!(tokens::delete))
            .routes(routes!(nodes::list))
            .routes(routes!(nodes::get, nodes::change, nodes::delete))
            .routes(routes!(nodes::revoke))
            .routes(routes!(nodes::consequences))
            .routes(routes!(hosts::list))
            .routes(routes!(hosts::counts))
            .routes(routes!(hosts::get))
            .routes(routes!(commands::create))
            .routes(routes!(commands::list))
            .routes(routes!(commands::get, commands::withdraw))
            .routes(routes!(commands::search))
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
            .routes(routes!(users::list, users::create))
            .routes(routes!(users::get, users::change, users::delete))
            .routes(routes!(users::invite))
            .routes(routes!(factors::reset))
            .routes(routes!(users::sessions, users::end_sessions))
            .routes(routes!(providers::list, providers::create))
            .routes(routes!(providers::get, providers::change, providers::delete))
            .routes(routes!(providers::test))
            .routes(routes!(keys::list))
            .routes(routes!(keys::delete))
            .routes(routes!(audit::list))
            .routes(routes!(audit::export))
            .routes(routes!(audit::head))
            .routes(routes!(version::version)),
    )
}

/// The API's description (OpenAPI 3.1).
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = api().into_openapi();
    let components = document.components.get_or_insert_default();
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description("socme_session", "A browser's session."));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A program's key, `socme_…`."));
    components.add_security_scheme("key", SecurityScheme::Http(key.build()));
    for (path, item) in &mut document.paths.paths {
        let methods = [
            ("GET", &mut item.get),
            ("POST", &mut item.post),
            ("PUT", &mut item.put),
            ("PATCH", &mut item.patch),
            ("DELETE", &mut item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                name(operation);
                tell_who(operation, method, path);
            }
        }
    }
    document
}

/// Handlers are called the same in each file (`list`, `get`…), but an operation's id must be unique in the document.
fn name(operation: &mut Operation) {
    if let (Some(id), Some(tag)) = (&operation.operation_id, operation.tags.iter().flatten().next()) {
        operation.operation_id = Some(format!("{tag}_{id}"));
    }
}

/// Writes into an operation what the table says of it.
fn tell_who(operation: &mut Operation, method: &str, path: &str) {
    let Some(rule) = rule(method, path) else { return };
    let said = match rule.who {
        Who::Anyone => "Who: anyone.".to_owned(),
        who => format!("Who: {}. About: {}. Shows: {}.", who.words(), rule.about.words(), rule.shows.words()),
    };
    let before = operation.description.take().map(|text| text + "\n\n").unwrap_or_default();
    operation.description = Some(before + &said);
    let one = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    operation.security = Some(match (rule.who, rule.shows) {
        (Who::Anyone, _) => Vec::new(),
        (_, Shows::Any | Shows::Lately) => vec![one("session"), one("key")],
        (_, Shows::Session | Shows::SessionLately) => vec![one("session")],
        (_, Shows::Key) => vec![one("key")],
    });
    if rule.who != Who::Anyone {
        let mut refused = vec![("401", "Nobody is signed in, or the key is dead")];
        if !(rule.who == Who::SignedIn && rule.shows == Shows::Any) {
            refused.push(("403", "The role does not suffice, or a fresh proof is needed (`prove`)"));
        }
        if rule.about == About::Client && method != "POST" {
            refused.push(("404", "There is no such thing, or the asker may not see it"));
        }
        for (status, why) in refused {
            let known = &mut operation.responses.responses;
            known.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem_response(why)));
        }
    }
}

fn problem_response(why: &str) -> utoipa::openapi::Response {
    let body = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
    ResponseBuilder::new().description(why).content("application/json", body).build()
}

/// All that people reach: the API, the pages, and whether the core is well.
pub(crate) fn router(core: Shared) -> Router {
    let proxies = core.config.trusted_proxies.clone();
    let (api, _) = api().split_for_parts();
    let api = api.route_layer(from_fn_with_state(core.clone(), enforce));
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
        // An archive is compressed already.
        .layer(
            CompressionLayer::new()
                .compress_when(DefaultPredicate::new().and(NotForContentType::const_new("application/zip"))),
        )
        .with_state(core)
}

/// Refuses changes that another site had a browser send: a foreign page can send a form, but not this header.
async fn from_elsewhere(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let ours = request.headers().get("x-socme").is_some_and(|value| value == "1");
    // No foreign page can send a key, and beside a key the cookie does not count.
    let ours = ours || request.headers().contains_key(header::AUTHORIZATION);
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
