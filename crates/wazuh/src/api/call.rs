//! One request to the manager, as the areas describe it.

use std::borrow::Cow;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;

/// What is asked of the manager.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    path: Vec<String>,
    query: Vec<(Cow<'static, str>, String)>,
    body: Body,
    /// The permission that it needs, for example `agent:read`: the server's refusals do not name it.
    pub(super) action: &'static str,
    /// True if the server takes `wait_for_complete` here.
    pub(super) waits: bool,
    /// True if the limit for events applies.
    pub(super) events: bool,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Json(Value),
    Bytes(&'static str, Bytes),
}

impl Call {
    pub(super) fn new(method: Method, path: &[&str], action: &'static str) -> Self {
        let path = path.iter().map(|segment| (*segment).to_owned()).collect();
        Self { method, path, query: Vec::new(), body: Body::None, action, waits: true, events: false }
    }

    pub(super) fn get(path: &[&str], action: &'static str) -> Self {
        Self::new(Method::GET, path, action)
    }

    pub(super) fn put(path: &[&str], action: &'static str) -> Self {
        Self::new(Method::PUT, path, action)
    }

    pub(super) fn post(path: &[&str], action: &'static str) -> Self {
        Self::new(Method::POST, path, action)
    }

    pub(super) fn delete(path: &[&str], action: &'static str) -> Self {
        Self::new(Method::DELETE, path, action)
    }

    pub(super) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        self.set(name, value);
        self
    }

    pub(super) fn with_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Replaces what stood there under this name.
    #[allow(clippy::needless_pass_by_value, reason = "numbers and truths are values")]
    pub(super) fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl ToString) {
        let name = name.into();
        self.query.retain(|(other, _)| *other != name);
        self.query.push((name, value.to_string()));
    }

    pub(super) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    pub(super) fn bytes(mut self, kind: &'static str, body: Bytes) -> Self {
        self.body = Body::Bytes(kind, body);
        self
    }

    pub(super) fn events(mut self) -> Self {
        self.events = true;
        self
    }

    pub(super) fn without_wait(mut self) -> Self {
        self.waits = false;
        self
    }

    /// True if asking twice does no more than asking once.
    pub(super) fn only_reads(&self) -> bool {
        self.method == Method::GET
    }

    pub(super) fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map(String::as_str)
    }

    /// Adds the parameters to the address.
    pub(super) fn fill(&self, url: &mut Url, wait: bool) {
        if self.query.is_empty() && !wait {
            return;
        }
        let mut pairs = url.query_pairs_mut();
        for (name, value) in &self.query {
            pairs.append_pair(name, value);
        }
        if wait {
            pairs.append_pair("wait_for_complete", "true");
        }
    }

    /// Adds the body to the request.
    pub(super) fn dress(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.body {
            Body::None => request,
            Body::Json(value) => request.json(value),
            Body::Bytes(kind, bytes) => request.header("content-type", *kind).body(bytes.clone()),
        }
    }
}
