//! What the authority signs.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair,
    KeyUsagePurpose, PublicKey, PublicKeyData as _, SanType, SerialNumber,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use store::{Certificate, Fingerprint, NodeId};

use super::{Authorities, set_validity, sha256};
use crate::seal::random;

/// Longest certificate request, in bytes of PEM.
const LONGEST: usize = 8 * 1024;

/// What a node asks to have signed: a public key that it has shown to hold the private part of.
pub(crate) struct Request(PublicKey);

impl Request {
    /// Reads a certificate request; everything in it but the key is left aside.
    ///
    /// # Errors
    /// Says what is wrong with it, for the node's log.
    pub(crate) fn read(pem: &str) -> Result<Self, &'static str> {
        if pem.len() > LONGEST {
            return Err("the certificate request is too long");
        }
        let request = CertificateSigningRequestParams::from_pem(pem)
            .map_err(|_| "the certificate request cannot be read, or is not signed with its own key")?;
        if request.public_key.algorithm() != &rcgen::PKCS_ECDSA_P256_SHA256 {
            return Err("the certificate request has a key of another kind than ECDSA P-256");
        }
        Ok(Self(request.public_key))
    }

    /// SHA-256 of the key.
    pub(crate) fn key(&self) -> Fingerprint {
        Fingerprint(sha256(&self.0.subject_public_key_info()))
    }

    /// Signs a certificate that says that the key is this node's.
    pub(crate) fn sign(
        &self,
        authorities: &Authorities,
        node: NodeId,
        now: Timestamp,
        life: Duration,
    ) -> anyhow::Result<(Certificate, String)> {
        // A core whose clock is turned back by a little still takes what it has signed.
        let starts = now - SignedDuration::from_hours(1);
        let ends = end(authorities, now, life);
        let mut params = params(starts, ends)?;
        params.distinguished_name.push(DnType::CommonName, format!("SOCme node {node}"));
        params.subject_alt_names.push(SanType::URI(format!("socme:node:{node}").try_into()?));
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        let serial = params.serial_number.as_ref().map(hexadecimal).unwrap_or_default();
        let signed = params.signed_by(&self.0, &authorities.issuer)?;
        let certificate = Certificate { fingerprint: Fingerprint(sha256(signed.der())), serial, starts, ends };
        Ok((certificate, signed.pem()))
    }
}

/// Makes a key and has it certified as the core's, for the listener for nodes. Says when it ends.
pub(crate) fn server_certificate(
    authorities: &Authorities,
    now: Timestamp,
    life: Duration,
) -> anyhow::Result<(Arc<CertifiedKey>, Timestamp)> {
    let key = KeyPair::generate()?;
    let ends = end(authorities, now, life);
    // Nodes whose clock is behind by hours can still connect, and learn that it is.
    let mut params = params(now - SignedDuration::from_hours(24), ends)?;
    params.distinguished_name.push(DnType::CommonName, "SOCme core");
    params.subject_alt_names.push(SanType::DnsName(wire::SERVER_NAME.try_into()?));
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let certificate = params.signed_by(&key, &authorities.issuer)?;
    // The authority goes with it: a node that enrols knows only its hash.
    let chain = vec![certificate.der().clone(), authorities.signing.clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = rustls::crypto::ring::sign::any_ecdsa_type(&key)?;
    Ok((Arc::new(CertifiedKey::new(chain, key)), ends))
}

fn params(starts: Timestamp, ends: Timestamp) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    params.use_authority_key_identifier_extension = true;
    let mut serial: [u8; 16] = random()?;
    // Positive, and never shortened.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    set_validity(&mut params, starts, ends);
    Ok(params)
}

/// No certificate outlives its authority.
fn end(authorities: &Authorities, now: Timestamp, life: Duration) -> Timestamp {
    let life = SignedDuration::try_from(life).unwrap_or(SignedDuration::from_hours(24));
    (now + life).min(authorities.ends)
}

fn hexadecimal(serial: &SerialNumber) -> String {
    serial.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
