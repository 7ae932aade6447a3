//! The next certificate for the same key.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use wire::link::{Renew, Renewed};

use super::caller::Renewing;
use super::enrol::malformed;
use super::read;
use crate::pki::Request;
use crate::problem::Problem;
use crate::state::Shared;

/// Signs a further certificate.
pub(super) async fn renew(
    State(core): State<Shared>,
    Renewing(badge, identity): Renewing,
    body: Body,
) -> Result<Json<Renewed>, Problem> {
    let asked: Renew = read::json(body).await?;
    let request = Request::read(&asked.csr).map_err(malformed)?;
    if request.key() != badge.key {
        return Err(malformed("it is for another key than the one that this node enrolled with"));
    }
    let (authorities, now, life) = (core.authorities(), core.now(), core.config.nodes_certificate_life);
    let ca = authorities.bundle.clone();
    let renewed = core.store.renew(identity.node, move |identity| {
        let signed = request.sign(&authorities, identity.node, now, life);
        signed.map_err(|error| store::Error::Damaged(format!("signing failed: {error:#}")))
    });
    let certificate = renewed.await?.signed;
    tracing::info!(node = identity.node.0, "a node has renewed its certificate");
    Ok(Json(Renewed { certificate, ca }))
}
