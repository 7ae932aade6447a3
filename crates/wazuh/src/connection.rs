//! One server: how it is reached, and what it answered.
//!
//! # Invariants
//! - Plain HTTP only to this machine: a password never crosses a network in the clear.
//! - No redirect is followed and no proxy asked, so a password goes to nobody else.
//! - Every wait has an end, and an answer is read up to a limit.

use std::error::Error as StdError;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Url};
use rustls::{AlertDescription as Alert, CertificateError, Error as Tls};

use crate::certificate::Certificate;
use crate::error::{Error, Route, shown};
use crate::trust::{Distrust, Identity, Seen, Trust, tls};

/// How much of an answer is read, in bytes.
pub(crate) const LARGEST: usize = 64 << 20;

/// Where a server is, and how it is trusted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Server {
    /// For example `https://wazuh.example:55000`.
    pub url: String,
    /// How its certificate is judged.
    pub trust: Trust,
    /// What this client presents of itself, if the server wants that.
    pub identity: Option<Identity>,
    /// How long a connection may take; 5 s.
    pub connect: Duration,
    /// How long an answer may take; 30 s. Work that is known to be slow is given longer.
    pub answer: Duration,
}

impl Server {
    /// With the usual waits and no certificate of its own.
    #[must_use]
    pub fn new(url: impl Into<String>, trust: Trust) -> Self {
        Self {
            url: url.into(),
            trust,
            identity: None,
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(30),
        }
    }
}

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Connection {
    client: reqwest::Client,
    base: Url,
    address: String,
    identified: bool,
    seen: Seen,
}

/// What came back, whatever the status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The content type without its parameters, lower case; empty if there is none.
    pub(crate) kind: String,
    pub(crate) body: Bytes,
}

impl Connection {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// The address is not one, or a file cannot be used.
    pub(crate) fn new(server: &Server) -> Result<Self, Error> {
        let wrong =
            || Error::Input(format!("«{}»: an address looks like https://wazuh.example:55000", shown(&server.url)));
        let base = Url::parse(&server.url).map_err(|_| wrong())?;
        let host = base.host_str().ok_or_else(wrong)?.to_owned();
        if !base.username().is_empty() || base.password().is_some() {
            return Err(Error::Input("the user and password do not belong into the address".into()));
        }
        let own =
            host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if base.scheme() != "https" && !(base.scheme() == "http" && own) {
            return Err(Error::Input(format!("«{}»: the address must begin with https://", shown(&server.url))));
        }
        let address = match base.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host,
        };
        if server.trust == Trust::Nothing {
            tracing::warn!(%address, "the server's certificate is not checked: whoever is in between reads everything");
        }
        let seen = Seen::new(Mutex::new(None));
        let client = reqwest::Client::builder()
            .use_preconfigured_tls(tls(&server.trust, server.identity.as_ref(), Arc::clone(&seen))?)
            .user_agent(concat!("wazuh-rs/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(server.connect)
            .timeout(server.answer)
            // uvicorn closes an idle connection after 5 s; one that is closed while it is taken is an error for nothing.
            .pool_idle_timeout(Duration::from_secs(3))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .build()
            .map_err(|error| Error::Input(error.to_string()))?;
        Ok(Self { client, base, address, identified: server.identity.is_some(), seen })
    }

    /// `host:port`, for sentences.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What the last handshake presented, accepted or not; nothing before the first one and on plain HTTP.
    pub(crate) fn certificate(&self) -> Option<Certificate> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The address of something below the base. Each segment is escaped, so none can climb or add another.
    pub(crate) fn url<'s>(&self, segments: impl IntoIterator<Item = &'s str>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Begins a request.
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request, and reads the answer up to 64 MiB.
    ///
    /// # Errors
    /// No answer, or too large a one. A status that tells of an error is an answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, Error> {
        self.send_up_to(request, LARGEST).await
    }

    /// As [`Self::send`], up to `limit` bytes.
    ///
    /// # Errors
    /// No answer, or too large a one.
    pub(crate) async fn send_up_to(&self, request: RequestBuilder, limit: usize) -> Result<Answer, Error> {
        let mut answer = request.send().await.map_err(|error| self.explain(&error))?;
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.explain(&error))? {
            if body.len() + piece.len() > limit {
                return Err(Error::TooLarge { address: self.address.clone(), limit });
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status, kind, body: body.into() })
    }

    /// What a failed request means.
    fn explain(&self, error: &reqwest::Error) -> Error {
        let address = self.address.clone();
        let mut last = String::new();
        for cause in chain(error) {
            if let Some(tls) = cause.downcast_ref::<Tls>() {
                return self.explain_tls(tls);
            }
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                let route = match io.kind() {
                    io::ErrorKind::ConnectionRefused => Some(Route::Refused),
                    io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Route::NoWay),
                    io::ErrorKind::TimedOut if error.is_connect() => Some(Route::Silent),
                    _ => None,
                };
                if let Some(route) = route {
                    return Error::Unreachable { address, route };
                }
            }
            last = cause.to_string();
            if last.starts_with("dns error") {
                return Error::Unreachable { address, route: Route::NoName };
            }
        }
        let route = match (error.is_timeout(), error.is_connect()) {
            (true, true) => Route::Silent,
            (true, false) => Route::NoAnswer,
            _ => Route::Broken(shown(&last)),
        };
        Error::Unreachable { address, route }
    }

    fn explain_tls(&self, error: &Tls) -> Error {
        let address = self.address.clone();
        match error {
            Tls::InvalidCertificate(CertificateError::Other(other)) => {
                if let Some(distrust) = other.0.downcast_ref::<Distrust>() {
                    let presented = Box::new(distrust.presented.clone());
                    return Error::Certificate { address, doubts: distrust.doubts.clone(), presented };
                }
            }
            Tls::AlertReceived(
                Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::CertificateExpired
                | Alert::CertificateRevoked
                | Alert::UnsupportedCertificate
                | Alert::AccessDenied,
            ) => return Error::Identity { address, given: self.identified },
            // Without a certificate, this is all that TLS 1.2 says.
            Tls::AlertReceived(Alert::HandshakeFailure) if !self.identified => {
                return Error::Identity { address, given: false };
            }
            _ => {}
        }
        Error::Unreachable { address, route: Route::NotTls(shown(&error.to_string())) }
    }
}

/// An error and its causes. What stands in an I/O error does not count as its source, and yet is the cause.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
