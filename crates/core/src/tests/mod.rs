//! A whole core in this process, with a clock that the test turns, and the people and nodes that speak with it.
//!
//! On SQLite; on PostgreSQL if `SOCME_TEST_DATABASE=postgres` is in the environment. `scripts/test` runs it on both.

mod access;
mod attacks;
mod authority;
mod blind;
mod collector;
mod condition;
mod database;
mod factors;
mod fields;
mod hostile;
mod keeping;
mod people;
mod providers;
mod silent;
mod world;

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::testing::Own;
use store::{Clock, Hand};
use tempfile::TempDir;

use crate::config::{Config, Layers};
use crate::run::{Running, start};

/// A core that runs, and its administrator's session.
pub(super) struct Stage {
    pub(super) running: Option<Running>,
    pub(super) clock: Hand,
    folder: Option<TempDir>,
    _database: Option<Own>,
    pub(super) base: String,
    pub(super) http: reqwest::Client,
    pub(super) cookie: String,
}

pub(super) const PASSPHRASE: &str = "three large boats at dawn";

impl Stage {
    /// A core with an administrator called Ada.
    pub(super) async fn new() -> Self {
        Self::with("").await
    }

    /// The same; `more` is added to its file.
    pub(super) async fn with(more: &str) -> Self {
        let mut stage = Self::empty(more).await;
        let link = stage.running.as_ref().unwrap().setup_link.clone().unwrap();
        let token = link.split_once('#').unwrap().1;
        let (status, _) =
            stage.ask("POST", "/setup", Some(json!({"token": token, "name": "Ada", "passphrase": PASSPHRASE}))).await;
        assert_eq!(status, 200);
        stage
    }

    /// A core that nobody has set up; `more` is added to its file.
    pub(super) async fn empty(more: &str) -> Self {
        let postgres = std::env::var_os("SOCME_TEST_DATABASE").is_some_and(|kind| kind == "postgres");
        let own = postgres.then(|| store::testing::cluster().database());
        Self::on(own, more).await
    }

    /// The same on a database of a PostgreSQL server, if one is given.
    pub(super) async fn on(database: Option<Own>, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("core.toml");
        let data = folder.path().join("data");
        let mut text = format!(
            "data = {data:?}\n[people]\nlisten = '127.0.0.1:0'\n{more}\n[nodes]\nlisten = '127.0.0.1:0'\n[metrics]\nlisten = 'off'\n"
        );
        if let Some(own) = &database {
            text += &format!("[database]\nurl = '{}'\n", own.url());
        }
        std::fs::write(&path, text).unwrap();
        let layers = Layers::read(Some(&path), |_| None, &Default::default());
        let config = Config::load(&layers).unwrap();
        let (clock, hand) = Clock::stopped(Timestamp::now());
        let running = start(config, clock).await.unwrap();
        let base = format!("http://{}", running.people);
        Self {
            running: Some(running),
            clock: hand,
            folder: Some(folder),
            _database: database,
            base,
            http: plain(None),
            cookie: String::new(),
        }
    }

    /// The core's database.
    pub(super) fn store(&self) -> store::Store {
        self.running.as_ref().unwrap().core.store.clone()
    }

    /// Asks the API; keeps the session that it gives.
    pub(super) async fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let method: Method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        request = request.header("x-socme", "1").header("cookie", &self.cookie);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        if let Some(cookie) = answer.headers().get("set-cookie") {
            self.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        let status = answer.status();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
    }

    /// What a page that must exist says.
    pub(super) async fn get(&mut self, path: &str) -> Value {
        let (status, said) = self.ask("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {said}");
        said
    }

    /// Its folder, to be looked at once it has stopped.
    pub(super) fn data(&mut self) -> TempDir {
        self.folder.take().unwrap()
    }

    pub(super) async fn stop(mut self) {
        self.running.take().unwrap().stop().await;
    }
}

/// A browser's connection, from an address of loopback.
pub(super) fn plain(from: Option<[u8; 4]>) -> reqwest::Client {
    // Nothing is enciphered here, but the client wants to know who would do it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let from = from.map(std::net::IpAddr::from);
    reqwest::Client::builder().timeout(Duration::from_secs(20)).local_address(from).no_proxy().build().unwrap()
}
