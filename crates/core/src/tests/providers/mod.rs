//! Signing in through providers: browsers that go there and come back.

mod attacks;
mod crooked;
mod github;
mod real;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use super::{PASSPHRASE, Stage, plain};

/// Providers of these tests are on loopback.
const PRIVATE: &str = "private_providers = true";
const SECRET: &str = "of the tests alone";

/// A browser: it keeps cookies for each origin, and follows nobody.
struct Browser {
    http: reqwest::Client,
    core: String,
    cookies: HashMap<String, HashMap<String, String>>,
}

impl Browser {
    fn new(stage: &Stage) -> Self {
        let _ = plain(None);
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { http, core: stage.base.clone(), cookies: HashMap::new() }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> reqwest::Response {
        let mut request = request.build().unwrap();
        let origin = request.url().origin().ascii_serialization();
        let jar = self.cookies.entry(origin.clone()).or_default();
        let cookie: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.headers_mut().insert("cookie", cookie.join("; ").parse().unwrap());
        let answer = self.http.execute(request).await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            let jar = self.cookies.entry(origin.clone()).or_default();
            if value.is_empty() {
                jar.remove(name)
            } else {
                jar.insert(name.into(), value.into())
            };
        }
        answer
    }

    /// Asks the core.
    async fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}/api/v1{path}", self.core)).header("x-socme", "1");
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = self.send(request).await;
        let status = answer.status();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn get(&mut self, path: &str) -> Value {
        let (status, said) = self.ask("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {said}");
        said
    }

    async fn sign_in(&mut self, name: &str) {
        let (status, said) = self.ask("POST", "/session", Some(json!({"name": name, "passphrase": PASSPHRASE}))).await;
        assert_eq!(status, 200, "{said}");
    }

    /// Begins a visit; says where to.
    async fn begin(&mut self, path: &str, provider: &Value) -> Url {
        self.begin_with(path, json!({ "provider": provider })).await
    }

    async fn begin_with(&mut self, path: &str, body: Value) -> Url {
        let (status, said) = self.ask("POST", path, Some(body)).await;
        assert_eq!(status, 200, "{said}");
        said["url"].as_str().unwrap().parse().unwrap()
    }

    /// Goes to a provider, signs in there as this account if it asks, and comes back with what it gives.
    async fn visit(&mut self, url: Url, account: &str) -> Value {
        let mut url = url;
        for _ in 0..10 {
            if url.path().starts_with("/sign-in/return/") {
                return back(&url);
            }
            let request = self.http.get(url.clone());
            let mut answer = self.send(request).await;
            if answer.status() == 200 {
                let page = answer.text().await.unwrap();
                let action = page.split_once("action=\"").unwrap().1.split('"').next().unwrap();
                let form = format!("login={account}");
                let request = self.http.post(url.join(action).unwrap()).body(form);
                answer = self.send(request.header("content-type", "application/x-www-form-urlencoded")).await;
            }
            let to = answer.headers().get("location").unwrap_or_else(|| panic!("{}", answer.status()));
            url = url.join(to.to_str().unwrap()).unwrap();
        }
        panic!("the provider goes on for ever: {url}");
    }

    /// Tells the core what the provider gave.
    async fn end(&mut self, back: &Value) -> (StatusCode, Value) {
        self.ask("POST", "/session/visit/end", Some(back.clone())).await
    }

    /// There and back again.
    async fn round(&mut self, path: &str, provider: &Value, account: &str) -> (StatusCode, Value) {
        let url = self.begin(path, provider).await;
        let back = self.visit(url, account).await;
        self.end(&back).await
    }
}

/// Where people reach the pages.
fn address(stage: &Stage) -> String {
    stage.running.as_ref().unwrap().core.people_url.clone()
}

/// What the page that people come back to tells the core.
fn back(url: &Url) -> Value {
    let slug = url.path().strip_prefix("/sign-in/return/").unwrap();
    let mut told = json!({ "slug": slug });
    for (name, value) in url.query_pairs() {
        if ["state", "code", "iss", "error"].contains(&name.as_ref()) {
            told[name.as_ref()] = json!(value);
        }
    }
    told
}

fn query(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("{url} has no {name}")).1.into_owned()
}

/// Adds a provider as Ada; gives its number.
async fn add(stage: &mut Stage, kind: &str, name: &str, issuer: &str, more: Value) -> Value {
    let mut body = json!({ "name": name, "kind": kind, "issuer": issuer, "client_id": "socme", "secret": SECRET });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let (status, said) = stage.ask("POST", "/providers", Some(body)).await;
    assert_eq!(status, 201, "{said}");
    said["id"].clone()
}

/// A core whose administrator is called Ada, and that may ask providers on loopback.
async fn stage() -> Stage {
    Stage::with(PRIVATE).await
}

/// The real provider of `web/e2e/support/oidc-provider.mjs`.
struct Real {
    issuer: String,
    child: Child,
    tell: Option<ChildStdin>,
    said: BufReader<ChildStdout>,
}

impl Real {
    fn start(stage: &Stage, slugs: &[&str], accounts: &Value) -> Self {
        let web = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
        let installed = web.join("node_modules/oidc-provider").exists();
        assert!(
            installed,
            "the tests' provider of identities is not installed: make web/node_modules/.package-lock.json"
        );
        let mut child = Command::new("node")
            .arg("e2e/support/oidc-provider.mjs")
            .current_dir(web)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (tell, said) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut real = Self { issuer: String::new(), child, tell, said };
        let redirects: Vec<_> = slugs.iter().map(|slug| format!("{}/sign-in/return/{slug}", address(stage))).collect();
        let answer = real.tell(&json!({ "redirects": redirects, "accounts": accounts }));
        real.issuer = answer["issuer"].as_str().unwrap().to_owned();
        real
    }

    /// Tells it other accounts.
    fn tell(&mut self, what: &Value) -> Value {
        writeln!(self.tell.as_mut().unwrap(), "{what}").unwrap();
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the provider said {line:?}"))
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // It ends with its input.
        self.tell = None;
        let _ = self.child.wait();
    }
}
