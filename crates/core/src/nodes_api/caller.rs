//! Which node asks, and whether it may.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use store::Identity;
use wire::link::problem;

use crate::listener::NodeTls;
use crate::pki::{Badge, Peer};
use crate::problem::Problem;
use crate::state::Shared;

/// An expired certificate can be renewed for so long.
const RENEWABLE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A node that may speak.
pub(super) struct Caller(pub(super) Identity);

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Shared) -> Result<Self, Problem> {
        let (badge, identity) = known(parts, core).await?;
        let now = core.now();
        if now > badge.ends {
            let title = "This node's certificate has expired.";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, problem::EXPIRED, title).detail("Renew it."));
        }
        if now < badge.starts {
            let title = "This node's certificate is not yet valid by the core's clock.";
            let detail = format!(
                "It begins {}, and the core's clock says {now:.0}: set the core's clock right. A renewed one works at once.",
                badge.starts
            );
            return Err(Problem::new(StatusCode::UNAUTHORIZED, problem::EXPIRED, title).detail(detail));
        }
        if identity.disabled {
            let title = "This node is disabled.";
            let detail = "Keep what you have; an administrator can enable it again.";
            return Err(Problem::new(StatusCode::FORBIDDEN, problem::DISABLED, title).detail(detail));
        }
        Ok(Self(identity))
    }
}

/// A node that may renew its certificate: an expired one, for a while, and a disabled one as well, so that it can come back.
pub(super) struct Renewing(pub(super) Badge, pub(super) Identity);

impl FromRequestParts<Shared> for Renewing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Shared) -> Result<Self, Problem> {
        let (badge, identity) = known(parts, core).await?;
        Ok(Self(badge, identity))
    }
}

/// The node behind the connection's certificate, unless it is unknown, revoked, or was away for too long.
async fn known(parts: &Parts, core: &Shared) -> Result<(Badge, Identity), Problem> {
    let peer = parts.extensions.get::<NodeTls>().map_or(&Peer::Nobody, |tls| &tls.peer);
    let enrol = "Enrol: make a token with «Add a node» and run «socme node enrol TOKEN».";
    let badge = match peer {
        Peer::Node(badge) => badge.clone(),
        Peer::Nobody => {
            let title = "Only a node with a certificate may ask this.";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, problem::CERTIFICATE, title).detail(enrol));
        }
        Peer::Stranger => {
            let title = "This node's certificate is of an authority that this core does not know.";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, problem::CERTIFICATE, title).detail(enrol));
        }
    };
    let revoked = || {
        let title = "This node was revoked or deleted.";
        Problem::new(StatusCode::FORBIDDEN, problem::REVOKED, title).detail(enrol)
    };
    let identity = core.store.identity_by_key(badge.key).await?.ok_or_else(revoked)?;
    if identity.revoked || identity.node != badge.node {
        return Err(revoked());
    }
    if too_old(&badge, core.now()) {
        let title = "This node's certificate expired more than 90 days ago.";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, problem::TOO_OLD, title).detail(enrol));
    }
    Ok((badge, identity))
}

fn too_old(badge: &Badge, now: Timestamp) -> bool {
    now.duration_since(badge.ends) > RENEWABLE
}
