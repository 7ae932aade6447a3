//! How the manager wraps its answers.
//!
//! # Invariants
//! - HTTP 200 with `error` 1 (only failures) or 2 (partly) is not success: whoever wants one thing gets an error, whoever
//!   wants many gets both parts.
//! - What a server says reaches an error only shortened and cleaned.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

use super::loose::{self, Loose as _};
use super::target::{AgentId, Agents};
use crate::connection::Answer;
use crate::error::{Error, shown};

/// A list in an answer, with what failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Items<T> {
    /// What was found or done.
    pub items: Vec<T>,
    /// How many there are in all: more than `items` where only a page was asked for.
    pub total: u64,
    /// What failed, grouped by reason.
    pub failed: Vec<Failed>,
    /// The server's sentence about all of it.
    pub message: String,
    pub(super) asked: Asked,
}

/// One reason and what failed for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed {
    /// Wazuh's code, for example 1701 (no such agent) or 1707 (agent not active).
    pub code: u32,
    /// What the server says.
    pub message: String,
    /// What it proposes.
    pub remedy: Option<String>,
    /// What it is about: numbers of agents, paths of files, or the events themselves.
    pub ids: Vec<String>,
}

/// What became of something that agents were told. The manager passes it on; that an agent did it is not known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sent {
    /// The agents that it was sent to.
    pub to: Vec<AgentId>,
    /// Those that it was not sent to, by reason.
    pub failed: Vec<Failed>,
    /// Those that were named, and that the server says nothing about. It does so with 000.
    pub silent: Vec<AgentId>,
    asked: Asked,
}

/// Whom, and with which permission: for sentences.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) address: String,
    pub(super) action: &'static str,
}

impl<T> Items<T> {
    /// All of it, or the first failure.
    ///
    /// # Errors
    /// Something failed.
    pub fn whole(self) -> Result<Vec<T>, Error> {
        match self.failed.first() {
            Some(failed) => Err(failed.error(&self.asked)),
            None => Ok(self.items),
        }
    }

    /// The only one.
    ///
    /// # Errors
    /// It failed, or there is none.
    pub fn one(self) -> Result<T, Error> {
        let asked = self.asked.clone();
        self.whole()?.into_iter().next().ok_or(Error::NotFound {
            address: asked.address,
            code: None,
            detail: "the list is empty".into(),
        })
    }
}

impl Items<AgentId> {
    pub(super) fn sent(self, agents: &Agents) -> Sent {
        let spoken_of = |id: &&AgentId| {
            self.items.contains(id)
                || self.failed.iter().any(|failed| failed.ids.iter().any(|text| text == id.as_str()))
        };
        let silent = agents.named().iter().filter(|id| !spoken_of(id)).cloned().collect();
        Sent { silent, to: self.items, failed: self.failed, asked: self.asked }
    }
}

impl Sent {
    /// Whether it was sent to this agent.
    ///
    /// # Errors
    /// It was not, and why.
    pub fn reached(&self, id: &AgentId) -> Result<(), Error> {
        if self.to.contains(id) {
            return Ok(());
        }
        match self.failed.iter().find(|failed| failed.ids.iter().any(|text| text == id.as_str())) {
            Some(failed) => Err(failed.error(&self.asked)),
            None => Err(Error::NotFound {
                address: self.asked.address.clone(),
                code: None,
                detail: format!(
                    "the server says nothing about agent {id}; it may not be sent this, or not by this user"
                ),
            }),
        }
    }
}

impl Failed {
    pub(super) fn error(&self, asked: &Asked) -> Error {
        let address = asked.address.clone();
        let about = match self.ids.first() {
            // An event is its own number; the sentence need not repeat it.
            Some(id) if id.len() <= 64 => format!("{} ({})", self.message, shown(id)),
            _ => self.message.clone(),
        };
        match self.code {
            4000 => Error::NoPermission { address, action: asked.action.into(), detail: about },
            1701 | 1710 | 1415 | 1503 | 1802 | 1906 | 1604 => {
                Error::NotFound { address, code: Some(self.code), detail: about }
            }
            code if not_ready(code) => Error::NotReady { address, code: Some(code), detail: about },
            code => {
                Error::Refused { address, status: 200, code: Some(code), detail: about, remedy: self.remedy.clone() }
            }
        }
    }
}

#[derive(Deserialize)]
struct Envelope<D> {
    data: Option<D>,
    #[serde(default, deserialize_with = "loose::field")]
    message: Option<String>,
    #[serde(default, deserialize_with = "loose::field")]
    error: Option<i64>,
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default = "Vec::new")]
    affected_items: Vec<T>,
    #[serde(default, deserialize_with = "loose::field")]
    total_affected_items: Option<u64>,
    #[serde(default)]
    failed_items: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    error: Reason,
    #[serde(default)]
    id: Value,
}

#[derive(Default, Deserialize)]
struct Reason {
    #[serde(default, deserialize_with = "loose::field")]
    code: Option<u64>,
    #[serde(default, deserialize_with = "loose::field")]
    message: Option<String>,
    #[serde(default, deserialize_with = "loose::field")]
    remediation: Option<String>,
}

/// The body of a refusal (`application/problem+json`). Any part may be missing.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default, deserialize_with = "loose::field")]
    title: Option<String>,
    #[serde(default, deserialize_with = "loose::field")]
    detail: Option<String>,
    // The specification calls it `code`, the server `error`.
    #[serde(default, alias = "code", deserialize_with = "loose::field")]
    error: Option<u64>,
    #[serde(default, deserialize_with = "loose::field")]
    remediation: Option<String>,
    #[serde(default)]
    dapi_errors: Value,
}

/// A list.
pub(super) fn items<T: DeserializeOwned>(answer: &Answer, asked: &Asked) -> Result<Items<T>, Error> {
    let envelope: Envelope<List<T>> = read(answer, asked)?;
    let error = envelope.error.unwrap_or_default();
    let message = shown(&envelope.message.unwrap_or_default());
    let list = envelope.data.unwrap_or(List {
        affected_items: Vec::new(),
        total_affected_items: None,
        failed_items: Vec::new(),
    });
    let failed: Vec<Failed> = list.failed_items.into_iter().map(Failed::from).collect();
    if error != 0 && failed.is_empty() {
        return Err(without_reason(asked, message));
    }
    let total = list.total_affected_items.unwrap_or(list.affected_items.len() as u64);
    Ok(Items { items: list.affected_items, total, failed, message, asked: asked.clone() })
}

/// An object in `data`.
pub(super) fn object<T: DeserializeOwned>(answer: &Answer, asked: &Asked) -> Result<T, Error> {
    let envelope: Envelope<T> = read(answer, asked)?;
    if envelope.error.unwrap_or_default() != 0 {
        return Err(without_reason(asked, shown(&envelope.message.unwrap_or_default())));
    }
    envelope.data.ok_or_else(|| unexpected(asked, "an answer without data"))
}

/// A sentence and nothing else.
pub(super) fn message(answer: &Answer, asked: &Asked) -> Result<String, Error> {
    let envelope: Envelope<Value> = read(answer, asked)?;
    let message = shown(&envelope.message.unwrap_or_default());
    if envelope.error.unwrap_or_default() != 0 {
        return Err(without_reason(asked, message));
    }
    Ok(message)
}

/// What a status of 400 and above means.
pub(super) fn refusal(answer: &Answer, asked: &Asked) -> Error {
    let address = asked.address.clone();
    let Ok(problem) = serde_json::from_slice::<Problem>(&answer.body) else {
        let detail = format!("HTTP {}: {}", answer.status, shown(&String::from_utf8_lossy(&answer.body)));
        return match answer.status {
            502..=504 => Error::NotReady { address, code: None, detail },
            _ => Error::Unexpected { address, detail },
        };
    };
    let code = problem.error.and_then(|code| u32::try_from(code).ok());
    let remedy = problem.remediation.as_deref().map(shown).filter(|text| !text.is_empty());
    let mut detail = shown(&problem.detail.or(problem.title).unwrap_or_default());
    if let Some(why) =
        problem.dapi_errors.as_object().and_then(|nodes| nodes.values().find_map(|node| node["error"].as_str()))
    {
        detail = format!("{detail} ({})", shown(why));
    }
    match (answer.status, code) {
        (403, Some(6000)) => Error::Blocked { address },
        (401, _) => Error::TokenRefused { address, detail },
        (403, _) => Error::NoPermission { address, action: asked.action.into(), detail },
        (429, _) => Error::TooManyRequests { address, again: Duration::from_secs(60) },
        (500.., Some(3021)) => Error::Slow { address },
        // The path is known, and not served: only the master answers there, or only once it is switched on.
        (404, Some(902 | 1122)) => Error::Refused { address, status: 404, code, detail, remedy },
        (404, _) | (400, Some(1701 | 1710 | 1415 | 1503 | 1802 | 2007)) => Error::NotFound { address, code, detail },
        // The daemon that keeps the agents' keys is down, and the status says that the request was bad.
        (400, Some(1726)) | (502..=504, _) => Error::NotReady { address, code, detail },
        // Before 4.6 (the cluster) and 4.10 (1017) with a status that says that the request was bad.
        (400 | 500, Some(number)) if not_ready(number) => Error::NotReady { address, code, detail },
        (status, _) => Error::Refused { address, status, code, detail, remedy },
    }
}

/// The server's numeric code in a refusal.
pub(super) fn code(answer: &Answer) -> Option<u64> {
    serde_json::from_slice::<Problem>(&answer.body).ok()?.error
}

pub(super) fn unexpected(asked: &Asked, detail: impl Into<String>) -> Error {
    Error::Unexpected { address: asked.address.clone(), detail: detail.into() }
}

/// Codes of parts that are down, or on their way up: the worker pool, sockets, daemons, wazuh-db, the cluster.
fn not_ready(code: u32) -> bool {
    matches!(code, 900 | 901 | 1010..=1014 | 1017 | 1901 | 1904 | 2007 | 2009 | 3000..=3012 | 3014..=3099)
}

fn read<T: DeserializeOwned>(answer: &Answer, asked: &Asked) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let begin = shown(&String::from_utf8_lossy(&answer.body[..answer.body.len().min(400)]));
        // The parser's own words may repeat what it read.
        unexpected(asked, format!("{} «{begin}»", shown(&error.to_string())))
    })
}

fn without_reason(asked: &Asked, detail: String) -> Error {
    Error::Refused { address: asked.address.clone(), status: 200, code: None, detail, remedy: None }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.error.code.and_then(|code| u32::try_from(code).ok()).unwrap_or_default(),
            message: shown(&failure.error.message.unwrap_or_default()),
            remedy: failure.error.remediation.as_deref().map(shown),
            ids: Vec::understand(failure.id).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, kind: "application/json".into(), body: body.to_owned().into() }
    }

    fn asked() -> Asked {
        Asked { address: "mgr:55000".into(), action: "agent:read" }
    }

    #[test]
    fn an_answer_with_status_200_and_error_1_is_no_success() {
        let body = r#"{"data":{"affected_items":[],"total_affected_items":0,"total_failed_items":1,"failed_items":[
            {"error":{"code":1701,"message":"Agent does not exist"},"id":["998"]}]},"message":"No agent","error":1}"#;
        let items: Items<Value> = items(&answer(200, body), &asked()).unwrap();
        assert_eq!(items.failed[0].ids, ["998"]);
        assert_eq!(items.one().unwrap_err().kind(), Kind::NotFound);
    }

    #[test]
    fn an_answer_with_error_2_has_both_parts() {
        let body = r#"{"data":{"affected_items":["001"],"total_affected_items":1,"total_failed_items":2,"failed_items":[
            {"error":{"code":1707,"message":"not active"},"id":["002"]},{"error":{"code":4000,"message":"denied"},"id":[3]}]},
            "error":2}"#;
        let items: Items<AgentId> = items(&answer(200, body), &asked()).unwrap();
        let id = |text: &str| text.parse::<AgentId>().unwrap();
        let sent = items.sent(&Agents::these([id("000"), id("001"), id("002")]).unwrap());
        assert!(sent.reached(&id("001")).is_ok());
        assert_eq!(sent.reached(&id("002")).unwrap_err().code(), Some(1707));
        assert_eq!(sent.silent, [id("000")]);
        assert!(sent.reached(&id("000")).is_err());
    }

    #[test]
    fn an_error_without_a_reason_is_an_error() {
        for body in [r#"{"error":1,"message":"no"}"#, r#"{"data":{"affected_items":[]},"error":"2"}"#] {
            assert_eq!(items::<Value>(&answer(200, body), &asked()).unwrap_err().kind(), Kind::Refused, "{body}");
        }
        assert!(object::<Value>(&answer(200, r#"{"data":{},"error":1}"#), &asked()).is_err());
        assert!(message(&answer(200, r#"{"message":"no","error":1}"#), &asked()).is_err());
    }

    #[test]
    fn refusals_are_told_apart_by_status_and_code() {
        for (status, body, kind) in [
            (400, r#"{"title":"Bad Request","detail":{"a":1}}"#, Kind::Refused),
            (400, r#"{"error":2007}"#, Kind::NotFound),
            (400, r#"{"code":1726}"#, Kind::NotReady),
            (400, r#"{"error":3013}"#, Kind::Refused),
            (400, r#"{"error":1017}"#, Kind::NotReady),
            (400, r#"{"error":3020}"#, Kind::NotReady),
            (403, r#"{"error":6000,"detail":"Limit of login attempts reached"}"#, Kind::Blocked),
            (403, r#"{"error":4000,"detail":"Permission denied: Resource type: agent:id"}"#, Kind::NoPermission),
            (404, r#"{"title":"Not Found","detail":"404: Not Found"}"#, Kind::NotFound),
            (404, r#"{"title":"Not Found","error":1701}"#, Kind::NotFound),
            (404, r#"{"error":902,"detail":"This endpoint is for the master node only"}"#, Kind::Refused),
            (404, r#"{"error":1122,"detail":"Experimental features are disabled"}"#, Kind::Refused),
            (413, r#"{"title":"Content size exceeded."}"#, Kind::Refused),
            (429, r#"{"error":6005,"remediation":null}"#, Kind::TooManyRequests),
            (500, r#"{"error":1017,"dapi_errors":{"n":{"error":"x"}}}"#, Kind::NotReady),
            (500, r#"{"error":900}"#, Kind::NotReady),
            (500, r#"{"error":1010}"#, Kind::NotReady),
            (500, r#"{"error":1904}"#, Kind::NotReady),
            (500, r#"{"error":2009}"#, Kind::NotReady),
            (500, r#"{"error":3021}"#, Kind::Slow),
            (500, r#"{"error":1006}"#, Kind::Refused),
            (500, "oops", Kind::Unexpected),
            (502, "<html>", Kind::NotReady),
        ] {
            assert_eq!(refusal(&answer(status, body), &asked()).kind(), kind, "{status} {body}");
        }
        let error = refusal(&answer(403, r#"{"error":4000,"detail":"Resource type: agent:id"}"#), &asked());
        assert!(error.to_string().contains("agent:read") && error.to_string().contains("agent:id"));
    }
}
