//! Who the node is: its key, its certificate, and what it knows of the core. A folder of mode 0700; each file is written
//! whole and then renamed, so that a crash leaves the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

/// What an enrolled node knows of itself and the core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The node's id at the core.
    pub node: i64,
    /// The node's name.
    pub name: String,
    /// The client's name.
    pub client: String,
    /// Where the core is reached, `host:port` each.
    pub addresses: Vec<String>,
}

/// The node's identity, as it is on the disk.
#[derive(Clone)]
pub struct Identity {
    folder: PathBuf,
    /// What it knows.
    pub about: About,
    /// Certificate and private key, PEM.
    pub certificate: String,
    key: String,
    /// The authorities that it trusts, PEM.
    pub ca: String,
}

impl Identity {
    /// Reads the identity of an enrolled node; none if it is not enrolled.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let folder = data.join("identity");
        if !folder.join("node.json").exists() {
            return Ok(None);
        }
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let about = serde_json::from_str(&read("node.json")?)
            .with_context(|| format!("{} is damaged; enrol this node again", folder.join("node.json").display()))?;
        let (certificate, key, ca) = (read("node.pem")?, read("key.pem")?, read("ca.pem")?);
        Ok(Some(Self { folder, about, certificate, key, ca }))
    }

    /// Writes the identity of a node that was just enrolled.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(data: &Path, about: About, certificate: String, key: &KeyPair, ca: String) -> Result<Self> {
        let folder = data.join("identity");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("{} cannot be made: run this as root or as the node's user", folder.display()))?;
        let identity = Self { folder, about, certificate, key: key.serialize_pem(), ca };
        // `node.json` comes last: without it the node counts as not enrolled.
        identity.write("key.pem", &identity.key)?;
        identity.write("ca.pem", &identity.ca)?;
        identity.write("node.pem", &identity.certificate)?;
        identity.write_about()?;
        Ok(identity)
    }

    /// Keeps a renewed certificate.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn renewed(&mut self, certificate: String, ca: String) -> Result<()> {
        (self.certificate, self.ca) = (certificate, ca);
        self.write("ca.pem", &self.ca)?;
        self.write("node.pem", &self.certificate)
    }

    /// Keeps what the core says anew. True if something changed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn told(&mut self, about: About, ca: String) -> Result<bool> {
        let changed = (self.about != about && !about.addresses.is_empty()) || (self.ca != ca && !ca.is_empty());
        if changed {
            if !about.addresses.is_empty() {
                self.about = about;
                self.write_about()?;
            }
            if !ca.is_empty() {
                self.ca = ca;
                self.write("ca.pem", &self.ca)?;
            }
        }
        Ok(changed)
    }

    /// A certificate signing request with the node's key.
    ///
    /// # Errors
    /// When the key is damaged.
    pub fn request(&self) -> Result<String> {
        let key = KeyPair::from_pem(&self.key).context("the node's key is damaged; enrol this node again")?;
        request(&key)
    }

    /// The certificate's life: from, to.
    ///
    /// # Errors
    /// When the certificate is damaged.
    pub fn life(&self) -> Result<(Timestamp, Timestamp)> {
        let der = CertificateDer::from_pem_slice(self.certificate.as_bytes())
            .map_err(|_| anyhow!("the node's certificate is damaged; enrol this node again"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&der)
            .map_err(|_| anyhow!("the node's certificate is damaged; enrol this node again"))?;
        let validity = parsed.validity();
        let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp());
        Ok((at(validity.not_before)?, at(validity.not_after)?))
    }

    /// Certificate chain and key, as rustls takes them.
    ///
    /// # Errors
    /// When a file is damaged.
    pub fn credentials(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| anyhow!("the node's certificate is damaged; enrol this node again"))?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|_| anyhow!("the node's key is damaged; enrol this node again"))?;
        Ok((chain, key))
    }

    fn write_about(&self) -> Result<()> {
        self.write("node.json", &serde_json::to_string_pretty(&self.about)?)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        write_whole(&path, text.as_bytes(), 0o600).with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// A new key: ECDSA on P-256.
///
/// # Errors
/// When the system has no randomness.
pub fn new_key() -> Result<KeyPair> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

/// A certificate signing request, PEM. The core uses its key alone.
///
/// # Errors
/// When signing fails.
pub fn request(key: &KeyPair) -> Result<String> {
    Ok(CertificateParams::default().serialize_request(key)?.pem()?)
}

/// Writes a file so that after a crash it is there whole, old or new.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About { node: 7, name: "n".into(), client: "Acme".into(), addresses: vec!["core:7443".into()] }
    }

    #[test]
    fn an_identity_survives_a_restart_and_its_key_is_for_its_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Identity::read(folder.path()).unwrap().is_none());
        let key = new_key().unwrap();
        Identity::create(folder.path(), about(), "cert".into(), &key, "ca".into()).unwrap();
        let back = Identity::read(folder.path()).unwrap().unwrap();
        assert_eq!((back.about.clone(), back.certificate.as_str()), (about(), "cert"));
        assert!(back.request().unwrap().contains("CERTIFICATE REQUEST"));
        let mode = |path: &str| {
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(folder.path().join(path)).unwrap().permissions())
        };
        assert_eq!((mode("identity") & 0o777, mode("identity/key.pem") & 0o777), (0o700, 0o600));
    }

    #[test]
    fn an_empty_list_of_addresses_does_not_lose_the_way_home() {
        let folder = tempfile::tempdir().unwrap();
        let key = new_key().unwrap();
        let mut identity = Identity::create(folder.path(), about(), "cert".into(), &key, "ca".into()).unwrap();
        let empty = About { addresses: Vec::new(), ..about() };
        assert!(!identity.told(empty, "ca".into()).unwrap());
        assert_eq!(identity.about.addresses, ["core:7443"]);
    }
}
