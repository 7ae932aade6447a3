//! Why the core says no (RFC 9457), to people and to nodes.
//!
//! A handler returns a [`Problem`]; [`answer`] gives it the request's id, writes the body, and logs it, once, with its
//! whole cause. What goes out are fixed sentences; the cause stays in the log under the same id.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use serde::Serialize;
use tracing::Instrument as _;
use utoipa::ToSchema;

use crate::seal::random;
use crate::state::Shared;

/// How long a handler may take; streams only have to begin within it.
const LONGEST: Duration = Duration::from_secs(60);

/// Why the core says no.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// A word that programs can rely on.
    pub(crate) kind: &'static str,
    /// What happened: a fixed sentence.
    pub(crate) title: Box<str>,
    /// The mend.
    pub(crate) detail: Option<Box<str>>,
    /// The input field that offends.
    pub(crate) field: Option<&'static str>,
    /// Where in that field, in UTF-16 code units, and a word for what is wrong there.
    pub(crate) place: Option<Box<(usize, usize, &'static str)>>,
    /// When to come back.
    pub(crate) retry_after: Option<Duration>,
    /// For the log alone.
    pub(crate) cause: Option<Box<str>>,
}

/// A problem as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// A word that programs can rely on.
    #[serde(rename = "type")]
    kind: &'a str,
    /// What happened: a fixed sentence.
    title: &'a str,
    /// HTTP status.
    status: u16,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// The input field that offends.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// Where in that field: first UTF-16 code unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<usize>,
    /// Where in that field: UTF-16 code unit after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<usize>,
    /// A word for what is wrong there.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    /// What the log has too.
    id: &'a str,
}

impl Problem {
    /// A problem of this kind.
    pub(crate) fn new(status: StatusCode, kind: &'static str, title: impl Into<Box<str>>) -> Self {
        let title = title.into();
        Self { status, kind, title, detail: None, field: None, place: None, retry_after: None, cause: None }
    }

    /// With its mend.
    pub(crate) fn detail(mut self, detail: impl Into<Box<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the field that offends.
    pub(crate) fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// With when to come back.
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// With what the log should say.
    pub(crate) fn cause(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string().into());
        self
    }

    /// 400: a field cannot be taken.
    pub(crate) fn invalid(field: &'static str, why: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", "This cannot be taken as it is.").field(field).detail(why)
    }

    /// 401: nobody is signed in.
    pub(crate) fn not_signed_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-signed-in", "You are not signed in.").detail("Sign in.")
    }

    /// 403: the role does not suffice.
    pub(crate) fn forbidden(role: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Your role does not allow this.")
            .detail(format!("Ask somebody with the role {role}."))
    }

    /// 404: there is no such thing, or the asker may not see it.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("There is no such {what}."))
    }

    /// 409: right in itself, but not as things are now.
    pub(crate) fn refused(why: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::CONFLICT, "refused", "This is not possible as things are now.").detail(why)
    }

    /// 429: too many attempts.
    pub(crate) fn throttled(wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "throttled", "Too many attempts.")
            .detail("Wait a little before you try again.")
            .retry_after(wait)
    }

    /// 503: later.
    pub(crate) fn later(title: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, wire::link::problem::LATER, title)
            .detail("Try again in a moment.")
            .retry_after(Duration::from_secs(2))
    }

    /// 500: a mistake of ours.
    pub(crate) fn internal(cause: impl Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong in the core.")
            .detail("The core's log says more under this problem's id.")
            .cause(cause)
    }

    fn body(&self, id: &str) -> Vec<u8> {
        let place = self.place.as_deref().copied();
        let body = ProblemBody {
            kind: self.kind,
            title: &self.title,
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
            field: self.field,
            start: place.map(|(start, ..)| start),
            end: place.map(|(_, end, _)| end),
            code: place.map(|(.., code)| code),
            id,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error;
        match error {
            Error::NotFound(what) => Self::not_found(what),
            Error::Forbidden(role) => Self::forbidden(role.word()),
            Error::Invalid { field, why } => Self::invalid(field, sentence(&why)),
            Error::Refused(why) => Self::refused(sentence(&why)),
            Error::Malformed(why) => {
                Self::new(StatusCode::BAD_REQUEST, wire::link::problem::MALFORMED, "The batch contradicts itself.")
                    .detail(why)
            }
            Error::Full(_) => Self::later("The core's disk is full or failing.")
                .detail("Free some space on the core's disk; it goes on by itself then.")
                .retry_after(Duration::from_secs(15))
                .cause(error),
            Error::Away(_) => Self::later("The core cannot reach its database.")
                .detail("Look after the database's server; the core goes on by itself when it is back.")
                .retry_after(Duration::from_secs(5))
                .cause(error),
            Error::Busy => Self::later("The core is busy."),
            Error::Deadline => Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", "The question took too long.")
                .detail("Ask for less: fewer days, or one client."),
            Error::Closed => Self::later("The core is stopping."),
            Error::Damaged(_) => Self::internal(error),
        }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<store::Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::internal(format!("{error:#}")),
        }
    }
}

/// A text of the store as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Which listener answers, for the figures and the log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listener {
    /// People's.
    People,
    /// Nodes'.
    Nodes,
}

impl Listener {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Nodes => "nodes",
        }
    }
}

/// Around every handler: a time limit, the request's id, the body of problems, the log, the figures.
pub(crate) async fn answer(
    State((core, listener)): State<(Shared, Listener)>,
    request: Request,
    next: Next,
) -> Response {
    let id = random::<8>().map(|bytes| format!("{:016x}", u64::from_be_bytes(bytes))).unwrap_or_default();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let span =
        tracing::info_span!("request", request = %id, listener = listener.word(), method = %method, path = %path);
    let start = Instant::now();
    let handler = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(LONGEST, handler).instrument(span.clone()).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Problem::internal(format!("panic: {}", said.unwrap_or("?"))).into_response()
        }
        Err(_) => Problem::later("This took too long.").into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        span.in_scope(|| log(&problem));
        fill(&mut response, &problem, &id);
    }
    core.metrics.answered(listener, &method, &path, response.status(), start.elapsed());
    response
}

fn log(problem: &Problem) {
    let (status, cause) = (problem.status.as_u16(), problem.cause.as_deref().unwrap_or_default());
    if problem.status.is_server_error() && problem.kind != wire::link::problem::LATER {
        tracing::error!(status, problem = problem.kind, title = %problem.title, error = cause, "request failed");
    } else if problem.status == StatusCode::UNAUTHORIZED || problem.status == StatusCode::NOT_FOUND {
        tracing::debug!(status, problem = problem.kind, error = cause, "request refused");
    } else {
        let (title, field) = (&problem.title, problem.field);
        tracing::info!(status, problem = problem.kind, %title, field, error = cause, "request refused");
    }
}

fn fill(response: &mut Response, problem: &Problem, id: &str) {
    *response.body_mut() = problem.body(id).into();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(wait) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs_f64().ceil().max(1.0) as u64));
    }
}
