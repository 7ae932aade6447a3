//! TLS: certificates that can be exchanged while connections come in.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::config::Config;

/// The certificate in use, and when it ends.
#[derive(Debug)]
pub(crate) struct Current(RwLock<(Arc<CertifiedKey>, Timestamp)>);

impl Current {
    /// Begins with this one.
    pub(crate) fn new(key: Arc<CertifiedKey>, ends: Timestamp) -> Arc<Self> {
        Arc::new(Self(RwLock::new((key, ends))))
    }

    /// From now on, connections get this one.
    pub(crate) fn set(&self, key: Arc<CertifiedKey>, ends: Timestamp) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (key, ends);
    }

    /// When the one in use ends.
    pub(crate) fn ends(&self) -> Timestamp {
        self.0.read().unwrap_or_else(PoisonError::into_inner).1
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).0.clone())
    }
}

/// TLS for people, from files.
pub(crate) struct PeopleTls {
    certificate: PathBuf,
    key: PathBuf,
    /// What was read last, and whether it was any good.
    seen: Mutex<Option<Stamp>>,
    broken: Mutex<Option<String>>,
    current: Arc<Current>,
}

/// How two files looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp([(SystemTime, u64); 2]);

impl PeopleTls {
    /// Reads the files that the settings name; none if they name none.
    ///
    /// # Errors
    /// They cannot be used.
    pub(crate) fn load(config: &Config) -> anyhow::Result<Option<Self>> {
        let (Some(certificate), Some(key)) = (&config.people_tls_certificate, &config.people_tls_key) else {
            return Ok(None);
        };
        let (certificate, key) = (certificate.clone(), key.clone());
        let seen = stamp(&certificate, &key).ok();
        let (certified, ends) = read(&certificate, &key)?;
        let current = Current::new(certified, ends);
        Ok(Some(Self { certificate, key, seen: Mutex::new(seen), broken: Mutex::default(), current }))
    }

    /// Reads the files again if they have changed. If they cannot be used the old certificate stays, and the reason is told
    /// once, and by [`Self::broken`] until it is mended.
    pub(crate) fn refresh(&self) {
        let now = stamp(&self.certificate, &self.key).ok();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_none() || now == *seen {
            return;
        }
        *seen = now;
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        match read(&self.certificate, &self.key) {
            Ok((key, ends)) => {
                self.current.set(key, ends);
                *broken = None;
                tracing::info!(ends = %ends, "certificate for people read again");
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error = %error, "the new certificate for people cannot be used; the old one stays");
                *broken = Some(error);
            }
        }
    }

    /// Why the files on the disk are not in use, if they are not.
    pub(crate) fn broken(&self) -> Option<String> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When the certificate in use ends.
    pub(crate) fn ends(&self) -> Timestamp {
        self.current.ends()
    }

    /// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    pub(super) fn server(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.current.clone());
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        server.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Arc::new(server))
    }
}

/// Reads a certificate with its chain and its key; says when it ends.
pub(crate) fn read(certificate: &PathBuf, key: &PathBuf) -> anyhow::Result<(Arc<CertifiedKey>, Timestamp)> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| anyhow::anyhow!("{}: no certificate can be read from it: {error}", certificate.display()))?;
    let Some(first) = chain.first() else { bail!("{}: there is no certificate in it", certificate.display()) };
    let ends = X509Certificate::from_der(first).ok().map(|(_, parsed)| parsed.validity().not_after.timestamp());
    let ends = ends.and_then(|ends| Timestamp::from_second(ends).ok());
    let ends = ends.with_context(|| format!("{}: the certificate is damaged", certificate.display()))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| anyhow::anyhow!("{}: no private key can be read from it: {error}", key.display()))?;
    let private = rustls::crypto::ring::sign::any_supported_type(&private)
        .with_context(|| format!("{}: this kind of key cannot be used", key.display()))?;
    let certified = CertifiedKey::new(chain, private);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(_) => bail!("{} is not the key of the certificate in {}", key.display(), certificate.display()),
    }
    Ok((Arc::new(certified), ends))
}

fn stamp(certificate: &PathBuf, key: &PathBuf) -> std::io::Result<Stamp> {
    let look = |path: &PathBuf| std::fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len())));
    Ok(Stamp([look(certificate)?, look(key)?]))
}
