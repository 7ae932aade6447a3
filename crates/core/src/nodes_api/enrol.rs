//! The one way in without a certificate.

use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use store::{Error, NewNode, Secret};
use wire::link::{Enrol, Enrolled, problem};

use super::{check_wire, read};
use crate::listener::NodeTls;
use crate::pki::Request;
use crate::problem::Problem;
use crate::state::Shared;

/// Makes a node of whoever has a token.
pub(super) async fn enrol(
    State(core): State<Shared>,
    Extension(tls): Extension<NodeTls>,
    body: Body,
) -> Result<Json<Enrolled>, Problem> {
    let asked: Enrol = read::json(body).await?;
    check_wire(asked.wire)?;
    let from = tls.address.ip();
    core.enrolments.attempt("", from, Instant::now()).map_err(|wait| {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, problem::LATER, "Too many attempts.").retry_after(wait)
    })?;
    let request = Request::read(&asked.csr).map_err(malformed)?;
    let new = NewNode { hostname: asked.hostname, version: asked.version, key: request.key() };
    let (authorities, now, life) = (core.authorities(), core.now(), core.config.nodes_certificate_life);
    let bundle = authorities.bundle.clone();
    let token = Secret::presented(&asked.secret);
    let enrolled = core.store.enrol(&token, new, move |identity| {
        let signed = request.sign(&authorities, identity.node, now, life);
        signed.map_err(|error| Error::Damaged(format!("signing failed: {error:#}")))
    });
    let enrolled = enrolled.await.map_err(|error| match error {
        Error::Invalid { field: "csr", why } => malformed("another node has this key").detail(why),
        // The same words whatever is wrong with it.
        Error::Invalid { .. } | Error::NotFound(_) => {
            let title = "The enrolment token is unknown, used or expired.";
            Problem::new(StatusCode::FORBIDDEN, problem::TOKEN, title).detail("Make a new one with «Add a node».")
        }
        other => other.into(),
    })?;
    core.enrolments.succeeded("", from);
    let identity = enrolled.identity;
    tracing::info!(node = identity.node.0, client = identity.client.0, address = %from, "a node has enrolled");
    Ok(Json(Enrolled {
        node: identity.node.0,
        name: identity.name,
        client: identity.client_name,
        certificate: enrolled.signed,
        ca: bundle,
        addresses: core.node_addresses.clone(),
    }))
}

/// 400: what is wrong with the certificate request.
pub(super) fn malformed(why: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, problem::MALFORMED, "The certificate request cannot be taken.").detail(why)
}
