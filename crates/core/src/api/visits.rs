//! Visits at providers: the way there, and the way back.
//!
//! The provider sends the browser back to a page, `/sign-in/return/…`; that page asks [`end`], from the core's own origin. So
//! both cookies stay `SameSite=Strict`, no address that others can link to changes anything, and nobody is redirected.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::AppendHeaders;
use serde::{Deserialize, Serialize};
use store::{Actor, Proof, Provider, ProviderId, Secret, Session, Shown, Step};
use utoipa::ToSchema;

use super::extract::Body;
use super::me::Me;
use super::person::{From, Person, VISIT, session_of, set_cookie, set_visit_cookie, visit_cookie};
use super::providers::{Kind, address, secret_of};
use super::session::new_session;
use crate::metrics::By;
use crate::problem::{Problem, ProblemBody};
use crate::providers::{Brought, Purpose, Refusal, Visit, judge};
use crate::seal::Hidden;
use crate::state::{Core, Shared};

/// A provider, as the sign-in page shows it.
#[derive(Serialize, ToSchema)]
struct Door {
    /// Number.
    id: i64,
    /// What the button says.
    name: String,
    /// How one speaks with it.
    kind: Kind,
}

/// Providers that people may sign in through.
#[derive(Serialize, ToSchema)]
pub(super) struct Doors {
    /// By name.
    providers: Vec<Door>,
}

/// Where to, and what for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewVisit)]
pub(super) struct Begin {
    /// The provider.
    provider: i64,
    /// To take up an invitation: what follows `#` in its link.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    invitation: Option<Hidden>,
}

/// Where to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOwnVisit)]
pub(super) struct BeginOwn {
    /// The provider.
    provider: i64,
}

/// Where to send the browser.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitDestination)]
pub(super) struct Destination {
    /// An address at the provider.
    url: String,
}

/// What the provider sent the browser back with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VisitReturn)]
pub(super) struct Back {
    /// The provider's word in the address of the page.
    slug: String,
    /// As it came.
    state: String,
    /// As it came, if it came.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    code: Option<Hidden>,
    /// As it came, if it came.
    iss: Option<String>,
    /// As it came, if it came.
    error: Option<String>,
}

/// How a visit ended.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitEnd)]
pub(super) struct Landing {
    /// What it was for: `sign-in`, `invitation`, `link` or `proof`.
    purpose: &'static str,
    /// Who is signed in now.
    me: Me,
}

type Sent = (AppendHeaders<[(HeaderName, HeaderValue); 1]>, Json<Destination>);
type Landed = (AppendHeaders<Vec<(HeaderName, HeaderValue)>>, Json<Landing>);

/// Providers that people may sign in through.
#[utoipa::path(get, path = "/session/providers", tag = "session", operation_id = "providers", responses(
    (status = 200, body = Doors),
))]
pub(super) async fn doors(State(core): State<Shared>) -> Result<Json<Doors>, Problem> {
    let all = core.store.providers().await?;
    let enabled = all.into_iter().filter(|provider| provider.enabled);
    let door = |Provider { id, name, kind, .. }| Door { id: id.0, name, kind: kind.into() };
    Ok(Json(Doors { providers: enabled.map(door).collect() }))
}

/// Begins a visit at a provider, to sign in or to take up an invitation.
#[utoipa::path(post, path = "/session/visit", tag = "session", operation_id = "begin_visit", request_body = Begin, responses(
    (status = 200, body = Destination),
    (status = 400, body = ProblemBody, description = "The invitation is unknown, used or expired"),
    (status = 404, body = ProblemBody),
    (status = 429, body = ProblemBody, description = "Too many attempts; `Retry-After` says when to come back"),
    (status = 502, body = ProblemBody, description = "The provider cannot be used now"),
))]
pub(super) async fn begin(
    State(core): State<Shared>,
    from: From,
    Body(Begin { provider, invitation }): Body<Begin>,
) -> Result<Sent, Problem> {
    throttle(&core, "there", &from)?;
    let purpose = match invitation {
        Some(token) => {
            core.store.invited(&Secret::presented(token.reveal())).await?;
            Purpose::Invitation(token)
        }
        None => Purpose::SignIn,
    };
    send(&core, provider, purpose).await
}

/// Begins a visit at a provider, to show again who one is.
#[utoipa::path(post, path = "/session/visit/proof", tag = "session", operation_id = "begin_proof", request_body = BeginOwn, responses(
    (status = 200, body = Destination),
    (status = 404, body = ProblemBody),
    (status = 502, body = ProblemBody, description = "The provider cannot be used now"),
))]
pub(super) async fn prove(
    State(core): State<Shared>,
    person: Person,
    Body(BeginOwn { provider }): Body<BeginOwn>,
) -> Result<Sent, Problem> {
    send(&core, provider, Purpose::Proof(person.session()?.id)).await
}

/// Begins a visit at a provider, to link one's account there.
#[utoipa::path(post, path = "/session/visit/link", tag = "session", operation_id = "begin_link", request_body = BeginOwn, responses(
    (status = 200, body = Destination),
    (status = 404, body = ProblemBody),
    (status = 502, body = ProblemBody, description = "The provider cannot be used now"),
))]
pub(super) async fn link(
    State(core): State<Shared>,
    person: Person,
    Body(BeginOwn { provider }): Body<BeginOwn>,
) -> Result<Sent, Problem> {
    send(&core, provider, Purpose::Link(person.session()?.id)).await
}

/// Ends a visit: does what it was for.
///
/// What came back is taken once, from the browser that was sent, at the provider that it was sent to. For `link` and
/// `proof` that browser must still be signed in.
#[utoipa::path(post, path = "/session/visit/end", tag = "session", operation_id = "end_visit", request_body = Back, responses(
    (status = 200, body = Landing),
    (status = 400, body = ProblemBody, description = "No such visit has begun in this browser, or it took too long"),
    (status = 401, body = ProblemBody, description = "What came back does not hold"),
    (status = 403, body = ProblemBody, description = "This account is not let in, or belongs to nobody here"),
    (status = 409, body = ProblemBody, description = "The account is disabled, or belongs to another user"),
    (status = 429, body = ProblemBody, description = "Too many attempts"),
    (status = 502, body = ProblemBody, description = "The provider cannot be used now"),
))]
pub(super) async fn end(
    State(core): State<Shared>,
    from: From,
    headers: HeaderMap,
    Body(back): Body<Back>,
) -> Result<Landed, Problem> {
    throttle(&core, "back", &from)?;
    let secret = visit_cookie(&headers, &core.config).ok_or_else(not_begun)?;
    let remembered = core.store.end_step(Step::Provider, &secret).await.map_err(|error| match error {
        store::Error::Invalid { .. } => not_begun(),
        other => other.into(),
    })?;
    let visit = Visit::open(&core.sealer, &remembered.state)?;
    let provider = core.store.provider(visit.provider).await?;
    let purpose = visit.purpose.clone();
    let shown = match show(&core, &provider, visit, back).await {
        Ok(shown) => shown,
        Err(refusal) => return Err(refuse(&core, &from, &provider, refusal).await?),
    };
    let address = from.address;
    let landed = land(&core, from, &headers, &provider, &purpose, shown).await?;
    for way in ["there", "back"] {
        core.visits.succeeded(way, address);
    }
    Ok(landed)
}

/// What somebody has shown, if what came back holds and they are let in.
async fn show(core: &Core, provider: &Provider, visit: Visit, back: Back) -> Result<Shown, Refusal> {
    let Back { slug, state, code, iss, error } = back;
    if slug != provider.slug || !visit.is(provider.id, &state) {
        return Err(Refusal::Untrue("what came back belongs to another visit".into()));
    }
    if !provider.enabled {
        return Err(Refusal::Unusable("it is switched off".into()));
    }
    let secret = secret_of(core, provider).await.map_err(|error| Refusal::Unusable(format!("{error:#}")))?;
    let (way, brought) = (address(core, &provider.slug), Brought { code, iss, error });
    let found = core.providers.recognise(provider, secret, &visit, &way, brought).await?;
    judge(provider, &found)
}

/// Does what a visit was for.
async fn land(
    core: &Core,
    from: From,
    headers: &HeaderMap,
    provider: &Provider,
    purpose: &Purpose,
    shown: Shown,
) -> Result<Landed, Problem> {
    let mut cookies = Vec::new();
    let session = match purpose {
        Purpose::SignIn => {
            let address = from.address;
            let begun = core.store.sign_in_by_identity(shown, new_session(core, from, Proof::Provider)).await?;
            let Some((secret, session)) = begun else {
                let from = From { address, agent: None };
                noted(core, &from, provider, "nobody here has this account").await?;
                return Err(Problem::new(StatusCode::FORBIDDEN, "not-linked", "Nobody here has this account.").detail(
                    "If you have an account here, sign in another way and link this one on your own page. Else ask an \
                     administrator for an invitation.",
                ));
            };
            cookies.push((header::SET_COOKIE, set_cookie(&core.config, Some(&secret))?));
            session
        }
        Purpose::Invitation(token) => {
            let link = Secret::presented(token.reveal());
            let new = new_session(core, from, Proof::Provider);
            let (secret, session) = core.store.accept_with_identity(&link, shown, new).await?;
            cookies.push((header::SET_COOKIE, set_cookie(&core.config, Some(&secret))?));
            session
        }
        Purpose::Link(begun) => {
            let session = the_same(core, headers, *begun).await?;
            let actor = Actor::person(&session.user, Some(from.address.to_string()));
            core.store.link_identity(actor, session.user.id, shown).await?;
            session
        }
        Purpose::Proof(begun) => {
            let session = the_same(core, headers, *begun).await?;
            if core.store.whose_identity(&shown).await? != Some(session.user.id) {
                noted(core, &from, provider, "the proof was somebody else's").await?;
                return Err(Problem::new(StatusCode::FORBIDDEN, "not-linked", "This account is not linked to you.")
                    .detail("Show who you are with an account that is linked on your own page."));
            }
            let actor = Actor::person(&session.user, Some(from.address.to_string()));
            core.store.prove_session(actor, session.id, Proof::Provider).await?;
            session.at(core.now())
        }
    };
    outcome(core, "in");
    cookies.push((header::SET_COOKIE, set_visit_cookie(&core.config, None)?));
    let me = Me::new(core, &session.user, &session.user.access, Some(&session));
    Ok((AppendHeaders(cookies), Json(Landing { purpose: purpose.word(), me })))
}

/// The session that a visit began in, if the browser still has it.
async fn the_same(core: &Core, headers: &HeaderMap, begun: store::SessionId) -> Result<Session, Problem> {
    let session = session_of(core, headers).await?;
    if session.id == begun { Ok(session) } else { Err(not_begun()) }
}

async fn send(core: &Core, provider: i64, purpose: Purpose) -> Result<Sent, Problem> {
    let provider = core.store.provider(ProviderId(provider)).await?;
    if !provider.enabled {
        return Err(Problem::not_found("provider"));
    }
    let visit = Visit::begin(provider.id, purpose)?;
    let url = core.providers.destination(&provider, &visit, &address(core, &provider.slug)).await;
    let url = url.map_err(|refusal| problem(&refusal))?;
    let secret = core.store.begin_step(Step::Provider, None, visit.seal(&core.sealer)?, VISIT).await?;
    let cookie = set_visit_cookie(&core.config, Some(&secret))?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(Destination { url: url.into() })))
}

fn throttle(core: &Core, way: &str, from: &From) -> Result<(), Problem> {
    core.visits.attempt(way, from.address, Instant::now()).map_err(|wait| {
        outcome(core, "throttled");
        Problem::throttled(wait)
    })
}

/// Notes that somebody was refused; the problem that tells them.
async fn refuse(core: &Core, from: &From, provider: &Provider, refusal: Refusal) -> Result<Problem, Problem> {
    noted(core, from, provider, &refusal.words()).await?;
    Ok(problem(&refusal))
}

async fn noted(core: &Core, from: &From, provider: &Provider, why: &str) -> Result<(), Problem> {
    outcome(core, "refused");
    let mut actor = Actor::named("somebody");
    actor.address = Some(from.address.to_string());
    Ok(core.store.note(actor, "session.refuse", provider.name.clone(), why.to_owned()).await?)
}

fn outcome(core: &Core, word: &str) {
    core.metrics.sign_ins.get_or_create(&By("outcome", word.into())).inc();
}

fn not_begun() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "visit-over", "This sign-in did not begin in this browser, or took too long.")
        .detail("Begin again.")
}

/// What somebody is told. Why exactly is in the audit log, for administrators.
fn problem(refusal: &Refusal) -> Problem {
    let new = |status, kind, title: &str, detail: &str| Problem::new(status, kind, title).detail(detail);
    match refusal {
        Refusal::Unusable(_) => new(
            StatusCode::BAD_GATEWAY,
            "provider-unusable",
            "The provider cannot be used now.",
            "Try again in a moment. An administrator can test it on the page «Providers».",
        ),
        Refusal::Declined(_) => new(
            StatusCode::UNAUTHORIZED,
            "provider-declined",
            "The provider did not let you in.",
            "Begin again, or ask an administrator.",
        ),
        Refusal::Untrue(_) => new(
            StatusCode::UNAUTHORIZED,
            "visit-untrue",
            "What came back from the provider does not hold.",
            "Begin again. If it stays so, tell an administrator.",
        ),
        Refusal::Outside(_) => new(
            StatusCode::FORBIDDEN,
            "not-let-in",
            "This account is not among those that are let in here.",
            "Ask an administrator which accounts may sign in.",
        ),
    }
    .cause(refusal.words())
}
