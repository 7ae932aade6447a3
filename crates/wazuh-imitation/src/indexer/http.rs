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
/// How long a point in time is kept at most, in milliseconds.
const LONGEST: i64 = 86_400_000;

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
            ("GET" | "HEAD", [""]) => {
                let mut version = json!({ "number": self.behaviour.number });
                // Where it shows the number that Filebeat wants, it does not say what it is.
                if self.behaviour.number != "7.10.2" {
                    version["distribution"] = "opensearch".into();
                }
                Ok(Reply::ok(json!({
                    "name": "node-1", "cluster_name": "wazuh-cluster", "cluster_uuid": "x8b7nuUuTzmVd0n2cKQ0nA",
                    "version": version, "tagline": "The OpenSearch Project: https://opensearch.org/",
                })))
            }
            ("POST", [indices, "_search", "point_in_time"]) => self.open(asked, indices),
            ("DELETE", ["_search", "point_in_time"]) => self.close(&asked.json()?),
            ("POST" | "GET", ["_search"]) => self.search_point(asked),
            ("POST" | "GET", [indices, "_search"]) => {
                let body = asked.json()?;
                if body.get("pit").is_some() {
                    return Err(Reply::invalid("[indices] cannot be used with point in time"));
                }
                if asked.parameter("allow_no_indices") == Some("false")
                    && self.documents.resolve(indices, true).is_ok_and(|found| found.is_empty())
                {
                    return Err(Reply::no_index(indices));
                }
                let pass_over = asked.truth("ignore_unavailable");
                let indices = self.documents.resolve(indices, pass_over).map_err(|name| Reply::no_index(&name))?;
                let look = self.look(asked, indices, u64::MAX, None);
                search(self, &body, &look)
            }
            (_, [_, "_search"] | ["_search"] | [_, "_search", "point_in_time"]) => {
                let reason = format!("Incorrect HTTP method for uri [/{}] and method [{}]", asked.path, asked.method);
                Ok(Reply { status: 405, body: json!({ "error": reason, "status": 405 }) })
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
        let Some(keep) = asked.parameter("keep_alive") else {
            return Err(Reply::invalid("keep alive not specified"));
        };
        match super::aggregate::millis(keep) {
            Some(..=LONGEST) => {}
            Some(_) => return Err(Reply::bad(&format!("Keep alive for request ({keep}) is too large."))),
            None => return Err(Reply::bad(&format!("failed to parse setting [keep_alive] with value [{keep}]"))),
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
        let id = format!("69qFQQ{:034}AA==", self.made);
        self.points.insert(id.clone(), Point { indices, before: self.documents.next });
        Ok(Reply::ok(json!({
            "pit_id": id, "creation_time": 1_777_629_600_000_i64,
            "_shards": { "total": shards, "successful": shards, "skipped": 0, "failed": 0 },
        })))
    }

    fn close(&mut self, body: &Value) -> Result<Reply, Reply> {
        if body.as_object().is_none_or(serde_json::Map::is_empty) {
            return Err(Reply::invalid("no pit ids specified"));
        }
        let ids = body.get("pit_id").and_then(Value::as_array);
        let ids =
            ids.ok_or_else(|| Reply::bad("Unknown parameter in request body or parameter is of the wrong type"))?;
        if let Some(odd) = ids.iter().filter_map(Value::as_str).find(|id| !is_id(id)) {
            return Err(Reply::bad(&format!("invalid id: [{odd}]")));
        }
        let mut pits = Vec::new();
        for id in ids.iter().filter_map(Value::as_str) {
            self.points.remove(id);
            pits.push(json!({ "successful": true, "pit_id": id }));
        }
        Ok(Reply::ok(json!({ "pits": pits })))
    }

    fn search_point(&mut self, asked: &Asked<'_>) -> Result<Reply, Reply> {
        let mut body = asked.json()?;
        let point = body.as_object_mut().and_then(|body| body.remove("pit"));
        let id = point.as_ref().and_then(|point| point.get("id")).and_then(Value::as_str);
        let id = id.ok_or_else(|| Reply::bad("this imitation searches all indices only at a point in time"))?;
        if !is_id(id) {
            return Err(Reply::bad(&format!("invalid id: [{id}]")));
        }
        if self.behaviour.points == Points::Useless {
            return Err(Reply::forbidden("indices:data/read/point_in_time/readall"));
        }
        let point = self.points.get(id).ok_or_else(Reply::no_context)?;
        let look = self.look(asked, point.indices.clone(), point.before, Some(id.to_owned()));
        search(self, &body, &look)
    }
}

/// The server makes its ids of base64.
fn is_id(text: &str) -> bool {
    BASE64_STANDARD.decode(text).is_ok()
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
