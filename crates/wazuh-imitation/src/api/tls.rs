//! The certificate that a manager makes at its first start.

use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::Clock;

/// How the imitation is reached.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port; one that is free if it is 0.
    pub port: u16,
    /// The port for orders; one that is free if it is 0.
    pub control_port: u16,
    /// True for a certificate whose year is over.
    pub expired: bool,
    /// The authority (PEM) whose certificates clients must have (`https.use_ca`).
    pub clients: Option<String>,
    /// Its clock; one that stands still if there is none.
    pub clock: Option<Clock>,
}

pub(super) struct Made {
    pub(super) acceptor: TlsAcceptor,
    pub(super) pem: String,
    pub(super) fingerprint: String,
}

pub(super) fn make(options: &Options) -> anyhow::Result<Made> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    for (kind, value) in [
        (DnType::CountryName, "US"),
        (DnType::StateOrProvinceName, "California"),
        (DnType::LocalityName, "San Francisco"),
        (DnType::OrganizationName, "Wazuh"),
        (DnType::CommonName, "wazuh.com"),
    ] {
        params.distinguished_name.push(kind, value);
    }
    // Certificates are judged by the machine's clock, not by the imitation's.
    let now = std::time::SystemTime::now();
    let day = std::time::Duration::from_secs(86400);
    let (begin, end) = if options.expired { (now - day * 400, now - day * 35) } else { (now - day, now + day * 364) };
    (params.not_before, params.not_after) = (begin.into(), end.into());
    let certificate = params.self_signed(&key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &options.clients {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for der in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots.add(der.map_err(|error| anyhow::anyhow!("{error}"))?)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let der = certificate.der().clone();
    let config = builder.with_single_cert(vec![der.clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &der);
    let fingerprint = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Made { acceptor: TlsAcceptor::from(Arc::new(config)), pem: certificate.pem(), fingerprint })
}
