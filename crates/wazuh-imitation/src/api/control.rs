//! Orders from outside of the process, over plain HTTP on the loopback:
//!
//! | order | body | what it does |
//! |---|---|---|
//! | `GET /imitation/agents` | | the agents, as JSON |
//! | `POST /imitation/agents/{id}` | fields, for example `{"status":"disconnected"}` | changes an agent, or adds it |
//! | `POST /imitation/advance` | `{"seconds":60}` | moves the clock |
//! | `POST /imitation/answer` | `{"path":"/agents","status":500,"body":{"error":1017}}` | gives this answer once |
//! | `POST /imitation/restart` | | begins a restart of the manager |
//! | `POST /imitation/set` | `{"version":"4.12.0","slow":true,"broken":false,"denied":["/agents"],"stopped":["wazuh-db"],"password":"…"}` | changes what it is; any part may be left out |
//! | `GET /imitation/log` | | the requests so far: method and path |

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State as From};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Canned;
use super::{State, lock};

type Shared = Arc<Mutex<State>>;

#[derive(Deserialize)]
struct Advance {
    seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    version: Option<String>,
    slow: Option<bool>,
    broken: Option<bool>,
    cluster: Option<bool>,
    denied: Option<Vec<String>>,
    stopped: Option<Vec<String>>,
    password: Option<String>,
}

/// The orders.
pub fn router(state: Shared) -> Router {
    Router::new()
        .route("/imitation/agents", get(agents))
        .route("/imitation/agents/{id}", post(agent))
        .route("/imitation/advance", post(advance))
        .route("/imitation/answer", post(answer))
        .route("/imitation/restart", post(restart))
        .route("/imitation/set", post(set))
        .route("/imitation/log", get(log))
        .with_state(state)
}

async fn agents(From(state): From<Shared>) -> Json<Value> {
    Json(lock(&state).agents.clone().into())
}

async fn agent(From(state): From<Shared>, Path(id): Path<String>, Json(fields): Json<Value>) -> StatusCode {
    let mut state = lock(&state);
    if !state.agents.iter().any(|agent| agent["id"] == id.as_str()) {
        state.agents.push(json!({ "id": id }));
    }
    let Some(agent) = state.agents.iter_mut().find(|agent| agent["id"] == id.as_str()) else {
        return StatusCode::NOT_FOUND;
    };
    for (name, value) in fields.as_object().into_iter().flatten() {
        agent[name] = value.clone();
    }
    StatusCode::NO_CONTENT
}

async fn advance(From(state): From<Shared>, Json(order): Json<Advance>) -> StatusCode {
    let clock = lock(&state).clock.clone();
    clock.advance(Duration::from_secs(order.seconds)).await;
    StatusCode::NO_CONTENT
}

async fn answer(From(state): From<Shared>, Json(canned): Json<Canned>) -> StatusCode {
    lock(&state).canned.push_back(canned);
    StatusCode::NO_CONTENT
}

async fn restart(From(state): From<Shared>) -> StatusCode {
    lock(&state).restart();
    StatusCode::NO_CONTENT
}

async fn set(From(state): From<Shared>, Json(new): Json<Set>) -> StatusCode {
    let state = &mut *lock(&state);
    fn put<T>(place: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *place = value;
        }
    }
    put(&mut state.version, new.version);
    put(&mut state.slow, new.slow);
    put(&mut state.broken, new.broken);
    put(&mut state.cluster, new.cluster);
    put(&mut state.denied, new.denied);
    put(&mut state.stopped, new.stopped);
    put(&mut state.password, new.password);
    StatusCode::NO_CONTENT
}

async fn log(From(state): From<Shared>) -> Json<Value> {
    let lines = lock(&state).log.iter().map(|asked| json!({ "method": asked.method, "path": asked.path })).collect();
    Json(Value::Array(lines))
}
