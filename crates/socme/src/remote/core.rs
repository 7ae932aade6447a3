//! The core's API over HTTP.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, Method, RequestBuilder, Response, header};
use serde_json::Value;

use super::account::Account;
use super::address::Address;
use super::failure::{Failure, Kind, Result};
use super::progress::Progress;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may be heard: a live stream says something every 15 seconds.
const SILENCE: Duration = Duration::from_secs(65);
/// Largest answer that is not a stream, in bytes.
const ANSWER: usize = 64 * 1024 * 1024;

/// A core, and by what it lets us in.
#[derive(Debug)]
pub(super) struct Core {
    http: Client,
    /// Where it is.
    pub(super) address: Address,
    pass: Pass,
}

#[derive(Debug)]
enum Pass {
    None,
    Key(header::HeaderValue),
    Cookie(header::HeaderValue),
}

impl Core {
    /// The core that this machine is signed in at.
    pub(super) fn of(account: &Account) -> Result<Self> {
        Self::at(account.url.clone(), account.ca.as_deref(), account.insecure_http)?.with_key(&account.key)
    }

    /// The core at an address, with nothing that opens it.
    pub(super) fn at(address: Address, ca: Option<&Path>, insecure_http: bool) -> Result<Self> {
        if address.is_plain() && !address.is_here() && !insecure_http {
            return Err(Failure::usage(format!(
                "{address} is not enciphered: anybody on the way could read your key."
            ))
            .mend("Use https://, or sign in with --insecure-http if the way itself is enciphered."));
        }
        // Already set is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = Client::builder()
            .user_agent(concat!("socme/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // The API never sends anybody elsewhere; whoever does must not be given the key.
            .redirect(reqwest::redirect::Policy::none());
        if address.is_here() {
            http = http.no_proxy();
        }
        if !address.is_plain() {
            for root in roots(ca)? {
                http = http.add_root_certificate(root);
            }
        }
        let http = http.build().map_err(|error| Failure::failed(format!("HTTP does not work here: {error}")))?;
        Ok(Self { http, address, pass: Pass::None })
    }

    /// Let in by this key.
    pub(super) fn with_key(mut self, key: &str) -> Result<Self> {
        let key = key.trim();
        let value = header::HeaderValue::try_from(format!("Bearer {key}")).ok().filter(|_| key.starts_with("socme_"));
        let mut value = value.ok_or_else(|| {
            Failure::usage("This is no key.").mend("A key begins with socme_ and is shown once, when it is made.")
        })?;
        value.set_sensitive(true);
        self.pass = Pass::Key(value);
        Ok(self)
    }

    /// What is at a path.
    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value> {
        let asked = query.iter().find(|(name, _)| *name == "q").map(|(_, text)| text.as_str());
        self.send(self.request(Method::GET, path).query(query), asked).await
    }

    /// Sends something to a path.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(self.request(Method::POST, path).json(body), None).await
    }

    /// Changes what is at a path.
    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(self.request(Method::PATCH, path).json(body), None).await
    }

    /// Says what is to be at a path.
    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(self.request(Method::PUT, path).json(body), None).await
    }

    /// Deletes what is at a path; what is left may be told.
    pub(super) async fn delete(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let request = self.request(Method::DELETE, path);
        let request = if let Some(body) = body { request.json(body) } else { request };
        self.send(request, None).await
    }

    /// What is at a path, as it comes.
    pub(super) async fn stream(
        &self,
        path: &str,
        query: &[(&str, String)],
        last_event: Option<&str>,
    ) -> Result<Response> {
        let mut request = self.request(Method::GET, path).query(query);
        if let Some(id) = last_event {
            request = request.header("last-event-id", id);
        }
        let answer = request.send().await.map_err(|error| self.unreached(&error))?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refusal(answer, None).await) }
    }

    /// Signs in, and is let in by the session from now on; gives who that is.
    pub(super) async fn sign_in(&mut self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.request(Method::POST, path).json(body).send().await;
        let answer = answer.map_err(|error| self.unreached(&error))?;
        if !answer.status().is_success() {
            return Err(self.refusal(answer, None).await);
        }
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        let mut cookies = cookies.filter_map(|cookie| cookie.split(';').next());
        let cookie = cookies.find(|cookie| cookie.contains("socme_session=")).map(header::HeaderValue::from_str);
        if let Some(Ok(mut cookie)) = cookie {
            cookie.set_sensitive(true);
            self.pass = Pass::Cookie(cookie);
        }
        self.read(answer).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.address.api(path)).header("x-socme", "1");
        match &self.pass {
            Pass::None => request,
            Pass::Key(key) => request.header(header::AUTHORIZATION, key),
            Pass::Cookie(cookie) => request.header(header::COOKIE, cookie),
        }
    }

    async fn send(&self, request: RequestBuilder, query: Option<&str>) -> Result<Value> {
        let progress = Progress::begin(format!("Waiting for {}", self.address));
        let answer = async {
            let answer = request.send().await.map_err(|error| self.unreached(&error))?;
            if answer.status().is_success() { self.read(answer).await } else { Err(self.refusal(answer, query).await) }
        }
        .await;
        progress.end().await;
        answer
    }

    async fn read(&self, answer: Response) -> Result<Value> {
        let empty = answer.status() == reqwest::StatusCode::NO_CONTENT;
        let body = self.body(answer).await?;
        if empty {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| self.stranger())
    }

    async fn refusal(&self, answer: Response, query: Option<&str>) -> Failure {
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            return Failure::failed(format!("{} sends you to {to}.", self.address))
                .mend("Sign in with the address of the core itself.");
        }
        let body = match self.body(answer).await {
            Ok(body) => body,
            Err(failure) => return failure,
        };
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        if problem["title"].is_null() && !status.is_server_error() && status != reqwest::StatusCode::TOO_MANY_REQUESTS {
            return self.stranger();
        }
        let failure = Failure::of_problem(status.as_u16(), &problem);
        if let Some(query) = query { failure.about_query(query, &problem) } else { failure }
    }

    async fn body(&self, mut answer: Response) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.unreached(&error))? {
            if body.len() + piece.len() > ANSWER {
                return Err(Failure::failed(format!("{} answers with more than can be taken.", self.address)));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn stranger(&self) -> Failure {
        Failure::failed(format!("What answers at {} is no core, or one of another version.", self.address))
            .mend("Is it the address that you open in the browser?")
    }

    /// Why there is no answer.
    pub(super) fn unreached(&self, error: &reqwest::Error) -> Failure {
        let mut why = error.source();
        while let Some(deeper) = why.and_then(|why| why.source()) {
            why = Some(deeper);
        }
        let why = why.map_or_else(|| "the answer was cut off".to_owned(), ToString::to_string);
        if let Some(wrong) = why.strip_prefix("invalid peer certificate") {
            return self.mistrusted(wrong);
        }
        let said = if error.is_timeout() {
            format!("{} does not answer in time.", self.address)
        } else {
            format!("{} cannot be reached: {why}", self.address)
        };
        Failure::new(Kind::Later, said).mend("Is the address right, and does the core run?")
    }

    /// That what answers does not show that it is the core.
    fn mistrusted(&self, wrong: &str) -> Failure {
        let mend = if wrong.contains("xpired") || wrong.contains("NotValidYet") || wrong.contains("not valid yet") {
            "Is this machine's clock right? Else the core's certificate has to be renewed."
        } else if wrong.contains("NotValidForName") || wrong.contains("not valid for name") {
            "It is for another name: use the address that the certificate is made for."
        } else {
            "If the core has an authority of your own, name its certificate: socme login --ca FILE"
        };
        Failure::failed(format!("The certificate that {} shows is not believed{wrong}", self.address)).mend(mend)
    }
}

/// Whom to believe that the core is the core: this file's authorities alone, else this machine's.
fn roots(ca: Option<&Path>) -> Result<Vec<Certificate>> {
    let Some(path) = ca else {
        let found = rustls_native_certs::load_native_certs().certs;
        let roots: Vec<_> = found.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        if roots.is_empty() {
            return Err(Failure::failed("This machine knows no certificate authorities.")
                .mend("Install ca-certificates, or name the core's own: --ca FILE"));
        }
        return Ok(roots);
    };
    let shown = path.display();
    let pem = std::fs::read(path).map_err(|error| Failure::failed(format!("{shown}: {error}")))?;
    let roots = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if roots.is_empty() {
        return Err(Failure::usage(format!("{shown} holds no certificate.")).mend("It must be a PEM file."));
    }
    Ok(roots)
}
