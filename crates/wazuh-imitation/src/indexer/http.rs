//! The paths.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State as Extracted};
use axum::http::{Method, Response, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::answers::Reply;
use super::documents::SHARDS;
use super::search::{Look, search};
use super::{Indexer, Misbehaviour, Point, Points, State};

/// How large a request may be, in bytes.
const LARGEST: usize = 16 << 20;

impl Indexer {
    /// Its paths.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }

    /// What it answers to a request.
    #[must_use]
    pub fn answer(
        &self,
        method: &str,
        path: &str,
        query: &str,
        authorization: Option<&str>,
        body: &[u8],
    ) -> Option<Reply> {
        let mut state = self.state();
        state.requests.push(format!("{method} {path}"));
        let misbehaviour = state.behaviour.next.pop_front().unwrap_or(Misbehaviour::None);
        let (mut failing, mut timed_out) = (0, false);
        match misbehaviour {
            Misbehaviour::None => {}
            Misbehaviour::HangUp => return None,
            Misbehaviour::Reply(reply) => return Some(reply),
            Misbehaviour::Partial { shards } => failing = shards,
            Misbehaviour::TimedOut => timed_out = true,
            Misbehaviour::ExpirePoints => state.points.clear(),
            Misbehaviour::DeleteIndex(index) => state.delete_index(&index),
        }
        let pair = format!("{}:{}", state.behaviour.user, state.behaviour.password);
        if authorization != Some(format!("Basic {}", BASE64_STANDARD.encode(pair)).as_str()) {
            return Some(Reply::unauthorized());
        }
        let asked = Asked { method, path: path.trim_matches('/'), query, body, failing, timed_out };
        Some(state.answer(&asked).unwrap_or_else(|refusal| refusal))
    }
}

struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    body: &'a [u8],
    failing: u64,
    timed_out: bool,
}

impl Asked<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    fn truth(&self, name: &str) -> bool {
        self.parameter(name) == Some("true")
    }

    fn json(&self) -> Result<Value, Reply> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_slice(self.body).map_err(|error| Reply::error(400, "json_parse_exception", &error.to_string()))
    }
}

impl State {
    fn answer(&mut self, asked: &Asked<'_>) -> Result<Reply, Reply> {
        let path: Vec<&str> = asked.path.split('/').collect();
        match (asked.method, path.as_slice()) {
            ("GET" | "HEAD", [""]) => Ok(Reply::ok(json!({
                "name": "node-1", "cluster_name": "wazuh-cluster", "cluster_uuid": "x8b7nuUuTzmVd0n2cKQ0nA",
                "version": { "distribution": "opensearch", "number": self.behaviour.number },
                "tagline": "The OpenSearch Project: https://opensearch.org/",
            }))),
            ("POST", [indices, "_search", "point_in_time"]) => self.open(asked, indices),
            ("DELETE", ["_search", "point_in_time"]) => self.close(&asked.json()?),
            ("POST" | "GET", ["_search"]) => self.search_point(asked),
            ("POST" | "GET", [indices, "_search"]) => {
                let body = asked.json()?;
                let pass_over = asked.truth("ignore_unavailable");
                let indices = self.documents.resolve(indices, pass_over).map_err(|name| Reply::no_index(&name))?;
                let look = self.look(asked, indices, u64::MAX, None);
                search(self, &body, &look)
            }
            _ => {
                let reason = format!("no handler found for uri [/{}] and method [{}]", asked.path, asked.method);
                Ok(Reply { status: 400, body: json!({ "error": reason }) })
            }
        }
    }

    fn look(&self, asked: &Asked<'_>, indices: Vec<String>, before: u64, pit_id: Option<String>) -> Look {
        Look { indices, before, failing: asked.failing.min(SHARDS), timed_out: asked.timed_out, pit_id }
    }

    fn open(&mut self, asked: &Asked<'_>, indices: &str) -> Result<Reply, Reply> {
        match self.behaviour.points {
            Points::Forbidden => return Err(Reply::forbidden("indices:data/read/point_in_time/create")),
            Points::Unknown => {
                let reason = format!("no handler found for uri [/{indices}/_search/point_in_time] and method [POST]");
                return Err(Reply { status: 400, body: json!({ "error": reason }) });
            }
            Points::Allowed | Points::Useless => {}
        }
        if asked.parameter("keep_alive").is_none() {
            return Err(Reply::bad("keep_alive cannot be empty"));
        }
        let pass_over = asked.truth("ignore_unavailable");
        let indices = self.documents.resolve(indices, pass_over).map_err(|name| Reply::no_index(&name))?;
        if indices.is_empty() {
            // So does 2.19.
            return Err(Reply::bad("invalid id: [null]"));
        }
        let shards = indices.len() as u64 * SHARDS;
        let open: usize = self.points.values().map(|point| point.indices.len() * 3).sum();
        if open + indices.len() * 3 > self.behaviour.most_contexts {
            let reason = format!(
                "Trying to create too many Point In Time contexts. Must be less than or equal to: [{}].",
                self.behaviour.most_contexts
            );
            return Err(Reply::all_shards(429, "rejected_execution_exception", &reason));
        }
        self.made += 1;
        let id = format!("69qFQQ{:032}AA==", self.made);
        self.points.insert(id.clone(), Point { indices, before: self.documents.next });
        Ok(Reply::ok(json!({
            "pit_id": id, "creation_time": 1_777_629_600_000_i64,
            "_shards": { "total": shards, "successful": shards, "skipped": 0, "failed": 0 },
        })))
    }

    fn close(&mut self, body: &Value) -> Result<Reply, Reply> {
        let ids = body.get("pit_id").and_then(Value::as_array);
        let ids = ids.ok_or_else(|| Reply::bad("pit_id must be given"))?;
        let mut pits = Vec::new();
        for id in ids.iter().filter_map(Value::as_str) {
            self.points.remove(id);
            pits.push(json!({ "successful": true, "pit_id": id }));
        }
        Ok(Reply::ok(json!({ "pits": pits })))
    }

    fn search_point(&mut self, asked: &Asked<'_>) -> Result<Reply, Reply> {
        let body = asked.json()?;
        let id = body.pointer("/pit/id").and_then(Value::as_str);
        let id = id.ok_or_else(|| Reply::bad("this imitation searches all indices only at a point in time"))?;
        if self.behaviour.points == Points::Useless {
            return Err(Reply::forbidden("indices:data/read/point_in_time/readall"));
        }
        let point = self.points.get(id).ok_or_else(Reply::no_context)?;
        let look = self.look(asked, point.indices.clone(), point.before, Some(id.to_owned()));
        search(self, &body, &look)
    }
}

async fn handle(Extracted(indexer): Extracted<Indexer>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else { return Reply::text(413, "").response() };
    let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let path = parts.uri.path().replace("%2A", "*").replace("%2C", ",");
    let query = parts.uri.query().unwrap_or_default();
    let answer = indexer.answer(parts.method.as_str(), &path, query, authorization, &body);
    match answer {
        Some(reply) if parts.method != Method::HEAD => reply.response(),
        Some(reply) => Reply::text(reply.status, "").response(),
        // A body that fails in its middle ends the connection.
        None => {
            let broken = futures::stream::iter([Err::<&[u8], _>(std::io::Error::other("the connection ends"))]);
            Response::new(Body::from_stream(broken))
        }
    }
}
