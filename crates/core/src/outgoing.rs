//! Requests to addresses that an administrator wrote down.
//!
//! # Invariants
//! - Only HTTPS; plain HTTP only to this machine, and only where private addresses are allowed.
//! - Unless the settings allow private addresses, only public ones are asked. That is decided on the address that is
//!   connected to, after names were resolved, so no name can lead inside. Where they are allowed, link-local ones are
//!   not: clouds hand out their machines' credentials there.
//! - No redirect is followed, every wait has an end, and an answer is read up to 1 MiB.

use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a whole request may take.
const TOTAL: Duration = Duration::from_secs(15);
/// How much of an answer is read.
const BODY: usize = 1 << 20;

/// Asks what is elsewhere.
pub(crate) struct Outgoing {
    http: reqwest::Client,
    private: bool,
}

/// Why nothing could be asked, in words for an administrator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// No HTTPS.
    #[error("the address must begin with https://")]
    Scheme,
    /// An address that is not asked.
    #[error(
        "{0} leads to a private address; if that is meant, set people.private_providers = true in the core's settings"
    )]
    Private(String),
    /// Too much.
    #[error("the answer of {0} is larger than 1 MiB")]
    TooLarge(String),
    /// Too late.
    #[error("{0} did not answer in time")]
    Slow(String),
    /// No connection, or one that broke.
    #[error("{host} cannot be reached: {why}")]
    Unreachable {
        /// Who.
        host: String,
        /// What the network said.
        why: String,
    },
}

/// How others are spoken with by TLS: whom to trust are the authorities in the file, and those of the system if `system` says so.
///
/// # Errors
/// The file cannot be read, or holds no certificate.
pub(crate) fn trusting(authorities: Option<&Path>, system: bool) -> anyhow::Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    if system {
        // A system without authorities is one where only the file's are trusted.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(path) = authorities {
        for certificate in own_authorities(path)? {
            roots.add(certificate).with_context(|| format!("{} holds a broken certificate", path.display()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

impl Outgoing {
    /// A client that trusts the system's authorities and, if one is named, those in a file.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub(crate) fn new(private: bool, authorities: Option<&Path>) -> anyhow::Result<Self> {
        let tls = trusting(authorities, true)?;
        let http = reqwest::Client::builder()
            .use_preconfigured_tls(tls)
            .user_agent(concat!("SOCme/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .no_proxy()
            .referer(false)
            .dns_resolver(Arc::new(Checked { private }))
            .build()?;
        Ok(Self { http, private })
    }

    /// Sends one request, and reads its answer whatever the status.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let url = reqwest::Url::parse(&request.uri().to_string()).map_err(|_| Failure::Scheme)?;
        self.check(&url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let failed = |error: reqwest::Error| self.failure(&host, error);
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut answer = self.http.execute(request).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > BODY {
                return Err(Failure::TooLarge(host));
            }
            body.extend_from_slice(&piece);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }

    /// Fails if this address must not be asked; names are looked at when they are resolved.
    pub(crate) fn check(&self, url: &reqwest::Url) -> Result<(), Failure> {
        let literal = match url.host() {
            Some(openidconnect::url::Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(openidconnect::url::Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            Some(openidconnect::url::Host::Domain(_)) => None,
            None => return Err(Failure::Scheme),
        };
        let host = url.host_str().unwrap_or_default();
        let own = host == "localhost" || literal.is_some_and(|ip| ip.is_loopback());
        if url.scheme() != "https" && !(url.scheme() == "http" && own && self.private) {
            return Err(Failure::Scheme);
        }
        match literal {
            Some(ip) if !may_ask(ip, self.private) => Err(Failure::Private(host.to_owned())),
            _ => Ok(()),
        }
    }

    fn failure(&self, host: &str, error: reqwest::Error) -> Failure {
        let host = host.to_owned();
        if error.is_timeout() {
            return Failure::Slow(host);
        }
        // The address may carry a code; the causes below say what happened.
        let error = error.without_url();
        let mut source = error.source();
        let mut why = error.to_string();
        while let Some(cause) = source {
            if cause.is::<Inside>() {
                return Failure::Private(host);
            }
            why = cause.to_string();
            source = cause.source();
        }
        Failure::Unreachable { host, why }
    }
}

impl<'c> AsyncHttpClient<'c> for Outgoing {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// The certificates in a file.
///
/// # Errors
/// It cannot be read, or holds none.
pub(crate) fn own_authorities(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let shown = path.display();
    let read = CertificateDer::pem_file_iter(path).with_context(|| format!("cannot read {shown}"))?;
    let found: Vec<_> =
        read.collect::<Result<_, _>>().with_context(|| format!("{shown} holds a broken certificate"))?;
    anyhow::ensure!(!found.is_empty(), "{shown} holds no certificate (PEM)");
    Ok(found)
}

/// Resolves names, and refuses those that lead inside.
struct Checked {
    private: bool,
}

/// A name led to an address that is not asked.
#[derive(Debug)]
struct Inside;

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a private address")
    }
}

impl std::error::Error for Inside {}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One that leads inside spoils all: which would be taken is for chance to say.
            if found.iter().any(|address| !may_ask(address.ip(), private)) {
                return Err(Box::from(Inside));
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// True if this address may be asked.
fn may_ask(ip: IpAddr, private: bool) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let nowhere = a == 0 || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || a >= 240;
            let inside = v4.is_loopback()
                || v4.is_private()
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || v4.is_documentation();
            !nowhere && (private || !inside)
        }
        IpAddr::V6(v6) => {
            let parts = v6.segments();
            let embedded = |high: u16, low: u16| {
                let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
                may_ask([a, b, c, d].into(), private)
            };
            match parts {
                // NAT64 and 6to4 carry an IPv4 address.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
                [0x2001, 0xdb8, ..] => private,
                // Teredo and the rest of the protocols' own block.
                [0x2001, second, ..] if second < 0x200 => false,
                [0x2000..=0x3fff, ..] => true,
                // Loopback, and the private block.
                [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] => private,
                _ => false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_asked_unless_the_settings_say_more() {
        let may = |text: &str, private| may_ask(text.parse().unwrap(), private);
        for public in ["9.9.9.9", "140.82.121.3", "2606:4700::1111", "64:ff9b::909:909", "::ffff:9.9.9.9"] {
            assert!(may(public, false), "{public}");
        }
        let inside = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.100.1.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "::ffff:127.0.0.1",
        ];
        for private in inside {
            assert!(!may(private, false) && may(private, true), "{private}");
        }
        let never =
            ["0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::", "fe80::1", "ff02::1", "::7f00:1"];
        for never in never.iter().chain(&["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2001::1", "fec0::1"]) {
            assert!(!may(never, true), "{never}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_by_where_it_leads() {
        let ask = |private, url: &str| {
            let outgoing = Outgoing::new(private, None).unwrap();
            let mut request = HttpRequest::new(Vec::new());
            *request.uri_mut() = url.parse().unwrap();
            async move { outgoing.send(request).await }
        };
        assert!(matches!(ask(false, "https://localhost:9/").await, Err(Failure::Private(_))));
        assert!(matches!(ask(false, "https://127.0.0.1:9/").await, Err(Failure::Private(_))));
        assert!(matches!(ask(false, "https://[::ffff:7f00:1]:9/").await, Err(Failure::Private(_))));
        assert!(matches!(ask(false, "https://2130706433:9/").await, Err(Failure::Private(_))));
        assert!(matches!(ask(false, "http://127.0.0.1:9/").await, Err(Failure::Scheme)));
        assert!(matches!(ask(true, "http://192.0.2.1:9/").await, Err(Failure::Scheme)));
        assert!(matches!(ask(true, "http://127.0.0.1:9/").await, Err(Failure::Unreachable { .. })));
    }
}
