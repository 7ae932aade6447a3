//! Certificates: the core's own authority, what it issues, and who a certificate says that somebody is.
//!
//! # Invariants
//! - A node is its key. Its certificate says so for a few days; whether the key may still speak is asked of the database at
//!   each request, never of the certificate.
//! - Of what a node asks to have signed only the public key is used, and only if the request is signed with it.
//! - More than one authority may be trusted, so that one can follow another: [`store::AuthorityState`] says what each is for.

mod authority;
mod issue;
mod succession;
mod verify;

pub(crate) use authority::{Authorities, announce};
pub(crate) use issue::{Request, server_certificate};
pub(crate) use succession::{Due, due, signs_from};
pub(crate) use verify::{Badge, Doorkeeper, Peer};

use jiff::Timestamp;
use ring::digest::{SHA256, digest};

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sets how long a certificate is valid, in whole seconds from 1970 on.
fn set_validity(params: &mut rcgen::CertificateParams, starts: Timestamp, ends: Timestamp) {
    let since = |at: Timestamp| std::time::Duration::from_secs(at.as_second().max(0).unsigned_abs());
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since(starts);
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since(ends);
}

#[cfg(test)]
mod tests;
