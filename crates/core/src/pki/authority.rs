//! The authorities that the core trusts, and the one that signs.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use store::{Actor, AuthorityId, AuthorityState, NewAuthority, Store};

use super::{set_validity, sha256_hex};
use crate::seal::{Sealer, random};

/// How long an authority lives: until then it must have been followed by another.
const LIFE: SignedDuration = SignedDuration::from_hours(24 * 3653);
/// The name that authorities' keys are sealed under.
const SEAL: &str = store::Sealed::AUTHORITY;

/// All authorities that are trusted, and the key of the one that signs.
pub(crate) struct Authorities {
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) signing: CertificateDer<'static>,
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    /// The certificates to trust, PEM, one after another.
    pub(crate) bundle: String,
    /// End of the signing authority's certificate.
    pub(crate) ends: Timestamp,
    /// Which there are, and what each is for.
    pub(crate) standing: Vec<(AuthorityId, AuthorityState)>,
}

impl Authorities {
    /// Loads them from the database; makes the first one.
    pub(crate) async fn load(store: &Store, sealer: &Sealer) -> anyhow::Result<Self> {
        let mut known = store.authorities().await?;
        if known.is_empty() {
            let new = create(sealer, store.clock().now(), AuthorityState::Signing)?;
            match store.add_authority(Actor::named("the core"), new).await {
                // Refused: another core on the same database starts just now, and was quicker.
                Ok(_) | Err(store::Error::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
            known = store.authorities().await?;
        }
        let signing = known.iter().rev().find(|authority| authority.state == AuthorityState::Signing);
        let signing = signing.context("no certificate authority may sign")?;
        let key = sealer.open(SEAL, &signing.sealed_key)?;
        let key = KeyPair::try_from(key).context("the certificate authority's key is damaged")?;
        let der = certificate(&signing.certificate)?;
        let mut roots = RootCertStore::empty();
        let mut bundle = String::new();
        for authority in known.iter().filter(|authority| authority.state != AuthorityState::Gone) {
            roots.add(certificate(&authority.certificate)?).context("an authority's certificate is damaged")?;
            bundle += authority.certificate.trim();
            bundle.push('\n');
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        let issuer = Issuer::from_ca_cert_der(&der, key)?;
        let standing = known.iter().map(|authority| (authority.id, authority.state)).collect();
        Ok(Self { issuer, signing: der, verifier, bundle, ends: signing.ends, standing })
    }

    /// SHA-256 of the signing authority's certificate: what enrolment tokens carry.
    pub(crate) fn fingerprint(&self) -> String {
        sha256_hex(&self.signing)
    }
}

/// Adds an authority that nodes are told to trust, and that will sign once they have had the time to hear of it.
///
/// # Errors
/// The database fails.
pub(crate) async fn announce(store: &Store, sealer: &Sealer, actor: Actor) -> anyhow::Result<AuthorityId> {
    let new = create(sealer, store.clock().now(), AuthorityState::Announced)?;
    Ok(store.add_authority(actor, new).await?)
}

/// Makes an authority with a key of its own.
fn create(sealer: &Sealer, now: Timestamp, state: AuthorityState) -> anyhow::Result<NewAuthority> {
    let key = KeyPair::generate()?;
    let number: [u8; 4] = random()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("SOCme CA {:08x}", u32::from_be_bytes(number)));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let ends = now + LIFE;
    // Machines whose clock is behind must be able to trust it on the first day.
    set_validity(&mut params, now - SignedDuration::from_hours(24), ends);
    let certificate = params.self_signed(&key)?.pem();
    Ok(NewAuthority { certificate, sealed_key: sealer.seal(SEAL, key.serialized_der())?, ends, state })
}

fn certificate(pem: &str) -> anyhow::Result<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| anyhow::anyhow!("a certificate cannot be read: {error:?}"))
}
