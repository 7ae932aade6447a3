//! The core's HTTP API, as the demo uses it: the way a person's browser does.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Method, header};
use serde_json::{Value, json};

/// A session with the core.
#[derive(Debug)]
pub(crate) struct Api {
    http: reqwest::Client,
    url: String,
    cookie: Option<String>,
}

impl Api {
    /// At that address, not signed in.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub(crate) fn new(url: String) -> Result<Self> {
        // The client wants to know how to do TLS even where it does none. Already set is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?;
        Ok(Self { http, url, cookie: None })
    }

    /// Where the pages are.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// True if that address answers with success.
    pub(crate) async fn answers(&self, address: &str) -> bool {
        self.http.get(address).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Makes the first administrator, and signs in as that.
    ///
    /// # Errors
    /// The core's own words.
    pub(crate) async fn set_up(&mut self, token: &str, name: &str, passphrase: &str) -> Result<()> {
        self.sign_in("setup", &json!({"token": token, "name": name, "passphrase": passphrase})).await
    }

    /// Signs in by the token of a sign-in link.
    ///
    /// # Errors
    /// The core's own words.
    pub(crate) async fn follow_link(&mut self, token: &str) -> Result<()> {
        self.sign_in("session/link", &json!({"token": token})).await
    }

    async fn sign_in(&mut self, path: &str, body: &Value) -> Result<()> {
        let answer = self.request(Method::POST, path).json(body).send().await?;
        let cookies = answer.headers().get_all(header::SET_COOKIE);
        let cookie = cookies.iter().filter_map(|c| c.to_str().ok()).find(|c| c.contains("socme_session="));
        let cookie = cookie.and_then(|c| c.split(';').next()).map(str::to_owned);
        accepted(answer).await?;
        self.cookie = Some(cookie.context("the core gave no session")?);
        Ok(())
    }

    /// What is at a path.
    ///
    /// # Errors
    /// The core's own words.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        accepted(self.request(Method::GET, path).send().await?).await
    }

    /// Sends something to a path.
    ///
    /// # Errors
    /// The core's own words.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        accepted(self.request(Method::POST, path).json(body).send().await?).await
    }

    /// Changes what is at a path.
    ///
    /// # Errors
    /// The core's own words.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        accepted(self.request(Method::PATCH, path).json(body).send().await?).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1/{path}", self.url)).header("X-Socme", "1");
        match &self.cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }
}

async fn accepted(answer: reqwest::Response) -> Result<Value> {
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    let text = answer.text().await?;
    if !status.is_success() {
        let problem: Value = serde_json::from_str(&text).unwrap_or_default();
        let title = problem["title"].as_str().unwrap_or(text.trim());
        bail!(
            "the core answers {} to {path}: {title} {}",
            status.as_u16(),
            problem["detail"].as_str().unwrap_or_default()
        );
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}
