//! What a server's certificate says, and what is wrong with it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

/// The SHA-256 of a certificate (DER), written as 64 hexadecimal digits.
///
/// Parses what `openssl x509 -fingerprint -sha256` prints, with or without its colons.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// Not the SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is the SHA-256 of a certificate: 64 hexadecimal digits, with or without colons")]
pub struct NotAFingerprint;

/// A server's certificate, as far as a person wants to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Certificate {
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    /// From when on it is valid; nothing if it could not be read.
    pub not_before: Option<Timestamp>,
    /// Until when it is valid; nothing if it could not be read.
    pub not_after: Option<Timestamp>,
    /// The names and addresses that it was made for.
    pub names: Vec<String>,
    /// Whom it names as itself.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
}

/// One thing that is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Doubt {
    /// It signed itself, as the one does that Wazuh makes at its first start.
    #[error("it is self-signed")]
    SelfSigned,
    /// No authority that is trusted here signed it.
    #[error("no authority that is trusted here signed it (it names {0})")]
    UnknownIssuer(String),
    /// It is for other names.
    #[error("it is not for {asked} but for {}", names(.made_for))]
    WrongName {
        /// The name that was asked for.
        asked: String,
        /// The names in it.
        made_for: Vec<String>,
    },
    /// Its time is over.
    #[error("it expired on {0}")]
    Expired(Timestamp),
    /// Its time has not begun.
    #[error("it is not valid before {0}: is a clock wrong?")]
    NotYet(Timestamp),
    /// It is not the one that was pinned: it was renewed, or someone is in between.
    #[error("it is not the pinned one ({0}): it was renewed, or someone is in between")]
    NotPinned(Fingerprint),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Fingerprint {
    /// Of a certificate in DER.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, der);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        // openssl writes the digest's name before it.
        let text = text.trim().rsplit('=').next().unwrap_or_default();
        let digits: Vec<u8> = text
            .chars()
            .filter(|letter| *letter != ':')
            .map(|letter| letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(NotAFingerprint))
            .collect::<Result<_, _>>()?;
        if digits.len() != 64 {
            return Err(NotAFingerprint);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |high, low| high << 4 | low);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Certificate {
    /// Reads what a server presented; what cannot be read stays empty.
    pub(crate) fn read(der: &CertificateDer<'_>) -> Self {
        let mut read = Self {
            fingerprint: Fingerprint::of(der),
            not_before: None,
            not_after: None,
            names: Vec::new(),
            subject: String::new(),
            issuer: String::new(),
        };
        let Ok((_, parsed)) = x509_parser::parse_x509_certificate(der) else { return read };
        let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
        read.not_before = at(parsed.validity().not_before);
        read.not_after = at(parsed.validity().not_after);
        read.subject = crate::error::shown(&parsed.subject().to_string());
        read.issuer = crate::error::shown(&parsed.issuer().to_string());
        if let Ok(Some(alternative)) = parsed.subject_alternative_name() {
            read.names = alternative.value.general_names.iter().filter_map(name).take(20).collect();
        }
        read
    }

    /// What its dates say at this time.
    pub(crate) fn age(&self, now: Timestamp) -> Option<Doubt> {
        match (self.not_before, self.not_after) {
            (Some(begin), _) if now < begin => Some(Doubt::NotYet(begin)),
            (_, Some(end)) if now > end => Some(Doubt::Expired(end)),
            (Some(_), Some(_)) => None,
            _ => Some(Doubt::Other("its dates cannot be read".into())),
        }
    }
}

fn name(name: &x509_parser::extensions::GeneralName<'_>) -> Option<String> {
    use x509_parser::extensions::GeneralName;
    match name {
        GeneralName::DNSName(name) => Some(crate::error::shown(name)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|v4| std::net::IpAddr::from(v4).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|v6| std::net::IpAddr::from(v6).to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "no name at all".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_openssl_prints_it() {
        let print = Fingerprint::of(b"der");
        let plain = print.to_string();
        let pairs: Vec<_> = plain.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
        let openssl = format!("sha256 Fingerprint={}\n", pairs.join(":").to_uppercase());
        assert_eq!(plain.parse(), Ok(print));
        assert_eq!(openssl.parse(), Ok(print));
        assert_eq!("ab".parse::<Fingerprint>(), Err(NotAFingerprint));
        assert_eq!("é".repeat(64).parse::<Fingerprint>(), Err(NotAFingerprint));
    }
}
