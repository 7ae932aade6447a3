//! One connection to the core: HTTP/2 over TLS 1.3, whatever its address, verified by authority and a fixed name.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::link::Problem;

use crate::identity::Identity;

/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(60);
/// Longest time that an answer which goes on is read.
const LISTEN: Duration = Duration::from_secs(600);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const LARGEST: usize = 4 << 20;

/// Why the core did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It said no.
    #[error("{}{}", .0.title, .0.detail.as_ref().map(|d| format!(" {d}")).unwrap_or_default())]
    Problem(Problem, Option<Duration>),
    /// It stands elsewhere; the body of the answer.
    #[error("the core stands elsewhere")]
    Conflict(Vec<u8>),
    /// It could not be reached, or its answer was cut short: why, and the same in a sentence with the mend.
    #[error("{1}")]
    Unreached(Trouble, String),
}

/// What keeps a node from the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its certificate is not valid now: a clock is wrong.
    Clock,
    /// It is not the core that the node trusts.
    Authority,
    /// Something else than a core answers.
    NotACore,
    /// It does not take the node's certificate.
    NotTaken,
    /// Nothing listens there.
    Refused,
    /// No answer in time.
    Silent,
    /// No connection.
    NoWay,
    /// Anything else, such as an answer that was cut short.
    Other,
}

/// A way to one address of the core.
pub struct Line {
    client: reqwest::Client,
    base: String,
    /// `host:port`.
    pub address: String,
}

impl Line {
    /// For an enrolled node.
    ///
    /// # Errors
    /// When its certificate or key is damaged, or the address has no IP address now.
    pub async fn of(identity: &Identity, address: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for der in CertificateDer::pem_slice_iter(identity.ca.as_bytes()) {
            roots.add(der.map_err(|_| anyhow!("the core's authority is damaged; enrol this node again"))?)?;
        }
        let (chain, key) = identity.credentials()?;
        let config = builder()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .context("the node's certificate and key do not belong together; enrol this node again")?;
        Self::with(config, address).await
    }

    /// For a machine that has only a token: trusts the authority with this SHA-256 alone.
    ///
    /// # Errors
    /// When the address has no IP address now.
    pub async fn pinned(ca_sha256: &str, address: &str) -> Result<Self> {
        let pinned = Arc::new(PinnedAuthority { sha256: ca_sha256.to_ascii_lowercase(), provider: provider() });
        let config = builder()?.dangerous().with_custom_certificate_verifier(pinned).with_no_client_auth();
        Self::with(config, address).await
    }

    async fn with(mut config: ClientConfig, address: &str) -> Result<Self> {
        config.alpn_protocols = vec![b"h2".to_vec()];
        let found: Vec<SocketAddr> = tokio::net::lookup_host(address)
            .await
            .with_context(|| format!("{address}: the name has no address; is DNS up?"))?
            .collect();
        let port =
            found.first().map(SocketAddr::port).with_context(|| format!("{address}: the name has no address"))?;
        let client = reqwest::Client::builder()
            .use_preconfigured_tls(config)
            .resolve_to_addrs(wire::SERVER_NAME, &found)
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .https_only(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_while_idle(true)
            .build()?;
        Ok(Self { client, base: format!("https://{}:{port}", wire::SERVER_NAME), address: address.to_owned() })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn ask<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Refusal> {
        let body = serde_json::to_vec(body).map_err(|error| Refusal::Unreached(Trouble::Other, error.to_string()))?;
        self.send(path, body, false).await
    }

    /// Opens an answer that goes on: server-sent events, for as long as the core keeps it open, at most ten minutes.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn listen(&self, path: &str) -> Result<reqwest::Response, Refusal> {
        let request = self.client.get(format!("{}{path}", self.base)).timeout(LISTEN);
        let answer = request.send().await.map_err(|error| self.explain(&error))?;
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            return Ok(answer);
        }
        let title = format!("{} answered {status}.", self.address);
        Err(Refusal::Problem(Problem { kind: "unknown".into(), title, status, detail: None }, None))
    }

    /// Posts a body that is JSON already, compressed with zstd if `packed`.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn send<T: DeserializeOwned>(&self, path: &str, body: Vec<u8>, packed: bool) -> Result<T, Refusal> {
        let mut request = self.client.post(format!("{}{path}", self.base)).header("content-type", "application/json");
        if packed {
            request = request.header("content-encoding", "zstd");
        }
        let mut answer = request.body(body).send().await.map_err(|error| self.explain(&error))?;
        let status = answer.status().as_u16();
        let later = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let problem = answer
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.explain(&error))? {
            if bytes.len() + chunk.len() > LARGEST {
                let why = format!("{}: the answer is too long to be the core's", self.address);
                return Err(Refusal::Unreached(Trouble::NotACore, why));
            }
            bytes.extend_from_slice(&chunk);
        }
        match status {
            200..=299 => serde_json::from_slice(&bytes).map_err(|error| {
                let why = format!("{}: the answer is not the core's: {error}", self.address);
                Refusal::Unreached(Trouble::NotACore, why)
            }),
            409 if !problem => Err(Refusal::Conflict(bytes)),
            _ => {
                let problem = serde_json::from_slice(&bytes).unwrap_or_else(|_| Problem {
                    kind: if matches!(status, 429 | 502..=504) { "later".into() } else { "unknown".into() },
                    title: format!("{} answered {status}.", self.address),
                    status,
                    detail: None,
                });
                Err(Refusal::Problem(problem, later.map(Duration::from_secs)))
            }
        }
    }

    /// What went wrong, in words and with the mend.
    fn explain(&self, error: &reqwest::Error) -> Refusal {
        let trouble = match Trouble::of(error) {
            Trouble::Other if error.is_timeout() => Trouble::Silent,
            Trouble::Other if error.is_connect() => Trouble::NoWay,
            trouble => trouble,
        };
        let last = chain(error).last().map(ToString::to_string).unwrap_or_default();
        let text = match trouble.mend() {
            Some(mend) => format!("{}: {mend} ({last})", self.address),
            None => format!("{}: {last}", self.address),
        };
        Refusal::Unreached(trouble, text)
    }
}

impl Trouble {
    /// What the causes of an error say.
    fn of(error: &(dyn Error + 'static)) -> Self {
        for cause in chain(error) {
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return Self::of_tls(tls);
            }
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                match io.kind() {
                    io::ErrorKind::ConnectionRefused => return Self::Refused,
                    io::ErrorKind::TimedOut => return Self::Silent,
                    io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => return Self::NoWay,
                    _ => {}
                }
            }
        }
        Self::Other
    }

    fn of_tls(error: &rustls::Error) -> Self {
        use rustls::{AlertDescription as Alert, CertificateError as Certificate, Error as Tls};
        match error {
            Tls::InvalidCertificate(
                Certificate::Expired
                | Certificate::ExpiredContext { .. }
                | Certificate::NotValidYet
                | Certificate::NotValidYetContext { .. },
            ) => Self::Clock,
            Tls::InvalidCertificate(Certificate::NotValidForName | Certificate::NotValidForNameContext { .. }) => {
                Self::NotACore
            }
            Tls::InvalidCertificate(_) => Self::Authority,
            Tls::General(text) if text == WRONG_AUTHORITY => Self::Authority,
            Tls::InvalidMessage(_)
            | Tls::PeerIncompatible(_)
            | Tls::NoApplicationProtocol
            | Tls::AlertReceived(
                Alert::ProtocolVersion
                | Alert::NoApplicationProtocol
                | Alert::HandshakeFailure
                | Alert::UnrecognisedName
                | Alert::InternalError,
            ) => Self::NotACore,
            Tls::AlertReceived(
                Alert::CertificateRevoked
                | Alert::AccessDenied
                | Alert::CertificateUnknown
                | Alert::BadCertificate
                | Alert::UnknownCA,
            ) => Self::NotTaken,
            _ => Self::Other,
        }
    }

    /// What it means and what to do, where that is known.
    fn mend(self) -> Option<&'static str> {
        Some(match self {
            Self::Clock => "the core's certificate is not valid now by this machine's clock: check the clocks of both",
            Self::Authority => {
                "this is not the core that this node trusts: someone is in between, or the core was set up anew (then enrol again)"
            }
            Self::NotACore => "something else than a SOCme core answers there",
            Self::NotTaken => "the core does not accept this node's certificate: enrol again",
            Self::Refused => "nothing listens there: is the core running, and is the port right?",
            Self::Silent => "no answer in time: is there a firewall in between?",
            Self::NoWay => "no connection: is there a route to the core?",
            Self::Other => return None,
        })
    }
}

/// An error and its causes.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

/// What stands in an I/O error does not count as its source, and yet is the cause.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

const WRONG_AUTHORITY: &str = "the authority is not the one in the token";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    Ok(ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])?)
}

/// Trusts one authority by its hash, and then verifies as usual.
#[derive(Debug)]
struct PinnedAuthority {
    sha256: String,
    provider: Arc<CryptoProvider>,
}

impl PinnedAuthority {
    fn verifier(&self, chain: &[CertificateDer<'_>]) -> Result<Arc<WebPkiServerVerifier>, rustls::Error> {
        let wrong = || rustls::Error::General(WRONG_AUTHORITY.to_owned());
        let authority = chain.iter().find(|der| sha256(der) == self.sha256).ok_or_else(wrong)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
            .build()
            .map_err(|_| wrong())
    }
}

impl ServerCertVerifier for PinnedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verifier(intermediates)?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{AlertDescription, CertificateError, InvalidMessage};

    /// As the HTTP client hands it over: in an I/O error in an I/O error.
    fn of(tls: rustls::Error) -> Trouble {
        let inner = io::Error::new(io::ErrorKind::InvalidData, tls);
        Trouble::of(&io::Error::other(inner))
    }

    #[test]
    fn what_keeps_a_node_from_the_core_is_told_apart() {
        let (time, not_after) = (UnixTime::since_unix_epoch(ANSWER), UnixTime::since_unix_epoch(CONNECT));
        let expired = CertificateError::ExpiredContext { time, not_after };
        assert_eq!(of(rustls::Error::InvalidCertificate(expired)), Trouble::Clock);
        assert_eq!(of(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)), Trouble::Authority);
        assert_eq!(of(rustls::Error::General(WRONG_AUTHORITY.into())), Trouble::Authority);
        assert_eq!(of(rustls::Error::InvalidCertificate(CertificateError::NotValidForName)), Trouble::NotACore);
        assert_eq!(of(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)), Trouble::NotACore);
        assert_eq!(of(rustls::Error::AlertReceived(AlertDescription::AccessDenied)), Trouble::NotTaken);
        assert_eq!(Trouble::of(&io::Error::from(io::ErrorKind::ConnectionRefused)), Trouble::Refused);
        assert_eq!(Trouble::of(&io::Error::from(io::ErrorKind::UnexpectedEof)), Trouble::Other);
    }
}
