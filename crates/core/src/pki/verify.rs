//! Who a certificate says that somebody is.
//!
//! The TLS layer checks only that the other side holds the private key of the certificate that it shows ([`Doorkeeper`]);
//! whether the certificate means anything is decided here, once per connection. So somebody whose certificate is of
//! another authority, or expired, is told so in words instead of by a handshake that fails.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use store::{Fingerprint, NodeId};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::{Authorities, sha256};

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Somebody without a certificate.
    Nobody,
    /// Somebody with a certificate of an authority that is not ours.
    Stranger,
    /// A node, by what our authority has signed, be it expired or not.
    Node(Badge),
}

/// What a certificate of ours says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    /// The node.
    pub(crate) node: NodeId,
    /// Its key.
    pub(crate) key: Fingerprint,
    /// When the certificate begins.
    pub(crate) starts: Timestamp,
    /// When it ends.
    pub(crate) ends: Timestamp,
}

impl Peer {
    /// Judges the certificates that were shown in a handshake.
    pub(crate) fn of(shown: Option<&[CertificateDer<'_>]>, authorities: &Authorities, now: Timestamp) -> Self {
        match shown.and_then(<[_]>::first) {
            Some(certificate) => badge(certificate, authorities, now).map_or(Self::Stranger, Self::Node),
            None => Self::Nobody,
        }
    }
}

fn badge(der: &CertificateDer<'_>, authorities: &Authorities, now: Timestamp) -> Option<Badge> {
    let (rest, parsed) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let starts = Timestamp::from_second(parsed.validity().not_before.timestamp()).ok()?;
    let ends = Timestamp::from_second(parsed.validity().not_after.timestamp()).ok()?;
    if starts > ends {
        return None;
    }
    // Expired ones are looked at as if it were their last moment: what an expired one may do is decided per request.
    let at = now.clamp(starts, ends).as_second().max(0).unsigned_abs();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
    authorities.verifier.verify_client_cert(der, &[], at).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let node = names.value.general_names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix("socme:node:")?.parse().ok(),
        _ => None,
    })?;
    Some(Badge { node: NodeId(node), key: Fingerprint(sha256(parsed.public_key().raw)), starts, ends })
}

/// Lets in whoever holds the key of the certificate that they show, and who shows none.
#[derive(Debug)]
pub(crate) struct Doorkeeper(WebPkiSupportedAlgorithms);

impl Doorkeeper {
    /// Makes one.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(rustls::crypto::ring::default_provider().signature_verification_algorithms))
    }
}

impl ClientCertVerifier for Doorkeeper {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("nodes speak TLS 1.3".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
