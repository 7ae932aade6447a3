//! Whom a client trusts, and how it is decided.
//!
//! The certificate that Wazuh makes at its first start is self-signed, for `localhost` alone, lasts a year, and nothing
//! renews it. So a refusal names everything that is wrong with it, and the fingerprint with which to pin it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use serde::Deserialize;

use crate::certificate::{Certificate, Doubt, Fingerprint};
use crate::error::{Error, shown};

/// How a server's certificate is judged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trust {
    /// By the authorities of this machine.
    System,
    /// By the authorities in a file (PEM), or because it stands in that file itself.
    Ca {
        /// The file.
        file: PathBuf,
        /// The name that the certificate is for, where that is not the one in the address: `localhost` for Wazuh's own.
        #[serde(default)]
        name: Option<String>,
    },
    /// It is the one with this fingerprint. Neither name, nor authority, nor date is asked.
    Pin(Fingerprint),
    /// Not at all: whoever is in between reads and changes everything, the password included.
    Nothing,
}

/// The certificate and key that a client presents (mutual TLS; `https.use_ca` of the Wazuh server API).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Identity {
    /// The certificate and what signed it (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

/// What the last handshake presented, accepted or not.
pub(crate) type Seen = Arc<Mutex<Option<Certificate>>>;

/// Why a handshake was refused; carried through the layers in between as the cause of their error.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is not trusted")]
pub(crate) struct Distrust {
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) presented: Certificate,
}

/// The TLS side of a client. What each handshake presents is noted in `seen`.
///
/// # Errors
/// A file cannot be read, or does not hold what it should.
pub(crate) fn tls(trust: &Trust, identity: Option<&Identity>, seen: Seen) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let how = match trust {
        Trust::System => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            How::Chain { webpki: webpki(roots, &provider)?, own: Vec::new(), name: None }
        }
        Trust::Ca { file, name } => {
            let own = certificates(file)?;
            let mut roots = RootCertStore::empty();
            for certificate in &own {
                roots.add(certificate.clone()).map_err(|error| Error::file(file, error))?;
            }
            let name = match name {
                Some(name) => Some(
                    ServerName::try_from(name.clone())
                        .map_err(|_| Error::Input(format!("«{}» is not the name of a server", shown(name))))?,
                ),
                None => None,
            };
            How::Chain { webpki: webpki(roots, &provider)?, own, name }
        }
        Trust::Pin(fingerprint) => How::Pin(*fingerprint),
        Trust::Nothing => How::Nothing,
    };
    let verifier = Arc::new(Verifier { how, provider: Arc::clone(&provider), seen });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Input(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = certificates(&identity.certificate)?;
            let key = PrivateKeyDer::from_pem_file(&identity.key).map_err(|error| Error::file(&identity.key, error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                Error::file(&identity.key, format!("the key does not belong to the certificate ({error})"))
            })?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(file: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(file).map_err(|error| Error::file(file, error))?;
    let found: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| Error::file(file, error))?;
    if found.is_empty() {
        return Err(Error::file(file, "holds no certificate (PEM)"));
    }
    Ok(found)
}

fn webpki(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<WebPkiServerVerifier>>, Error> {
    if roots.is_empty() {
        // A machine without authorities trusts none: that is for the handshake to say, with what was presented.
        return Ok(None);
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map(Some)
        .map_err(|error| Error::Input(error.to_string()))
}

#[derive(Debug)]
enum How {
    Chain {
        webpki: Option<Arc<WebPkiServerVerifier>>,
        /// Certificates that are trusted as they stand, even where they are no authority's.
        own: Vec<CertificateDer<'static>>,
        name: Option<ServerName<'static>>,
    },
    Pin(Fingerprint),
    Nothing,
}

#[derive(Debug)]
struct Verifier {
    how: How,
    provider: Arc<CryptoProvider>,
    seen: Seen,
}

impl Verifier {
    /// What is wrong, or nothing.
    fn doubts(
        &self,
        presented: &Certificate,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        asked: &ServerName<'_>,
        now: UnixTime,
    ) -> Vec<Doubt> {
        let (webpki, own, name) = match &self.how {
            How::Nothing => return Vec::new(),
            How::Pin(pin) if *pin == presented.fingerprint => return Vec::new(),
            How::Pin(pin) => return vec![Doubt::NotPinned(*pin)],
            How::Chain { webpki, own, name } => (webpki, own, name.as_ref().unwrap_or(asked)),
        };
        let mut doubts = Vec::new();
        let refused = match webpki {
            _ if own.contains(leaf) => None,
            None => Some(CertificateError::UnknownIssuer),
            Some(webpki) => match webpki.verify_server_cert(leaf, between, name, &[], now) {
                Ok(_) => return doubts,
                Err(rustls::Error::InvalidCertificate(why)) => Some(why),
                Err(error) => {
                    doubts.push(Doubt::Other(shown(&error.to_string())));
                    None
                }
            },
        };
        // The first refusal hides the others, so each is asked for by itself.
        let itself = presented.subject == presented.issuer;
        use CertificateError as E;
        match refused {
            None => {}
            Some(_) if itself => doubts.push(Doubt::SelfSigned),
            Some(E::UnknownIssuer) => doubts.push(Doubt::UnknownIssuer(presented.issuer.clone())),
            // Asked for below, as are the names; who signed it was not looked at yet.
            Some(E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. }) => {
                let unsigned = !self.chain_holds(leaf, between, name, presented);
                doubts.extend(unsigned.then(|| Doubt::UnknownIssuer(presented.issuer.clone())));
            }
            Some(E::NotValidForName | E::NotValidForNameContext { .. }) => {}
            Some(other) => doubts.push(Doubt::Other(shown(&rustls::Error::InvalidCertificate(other).to_string()))),
        }
        let fits =
            ParsedCertificate::try_from(leaf).and_then(|parsed| rustls::client::verify_server_name(&parsed, name));
        if fits.is_err() {
            doubts.push(Doubt::WrongName { asked: name.to_str().into_owned(), made_for: presented.names.clone() });
        }
        let now = i64::try_from(now.as_secs()).ok().and_then(|now| Timestamp::from_second(now).ok());
        doubts.extend(now.and_then(|now| presented.age(now)));
        if doubts.is_empty() && !own.contains(leaf) {
            doubts.push(Doubt::Other("what signed it is not valid now".into()));
        }
        doubts
    }

    /// True if an authority that is trusted did sign it, had it been looked at while it was valid.
    fn chain_holds(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        presented: &Certificate,
    ) -> bool {
        let How::Chain { webpki: Some(webpki), .. } = &self.how else { return false };
        let Some(then) = presented.not_after.and_then(|end| u64::try_from(end.as_second()).ok()) else { return false };
        let then = UnixTime::since_unix_epoch(std::time::Duration::from_secs(then));
        !matches!(
            webpki.verify_server_cert(leaf, between, name, &[], then),
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
        )
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        asked: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = Certificate::read(leaf);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(presented.clone());
        let doubts = self.doubts(&presented, leaf, between, asked, now);
        if doubts.is_empty() {
            return Ok(ServerCertVerified::assertion());
        }
        let distrust = Arc::new(Distrust { doubts, presented });
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(distrust))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // That the other side holds the key is asked even where nothing else is: without it a pin would prove nothing.
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
