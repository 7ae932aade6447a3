//! Secrets that the core must hold, enciphered with a key that is not in the database.
//!
//! The master key is 256 random bits in a file of its own (0600), made on the first start. From it one key per purpose is
//! derived, so that a later purpose needs no new file. A sealed secret is bound to its name: one cannot be put in the
//! place of another.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::private::check_private;

/// How a sealed secret begins, should the way of sealing ever change.
const VERSION: u8 = 1;

/// A secret text. It can be read in, but neither printed nor written out by mistake: whoever needs it says `reveal`.
#[derive(Clone, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Hidden(String);

impl Hidden {
    /// Hides a text.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(…)")
    }
}

/// Seals and opens secrets.
pub(crate) struct Sealer(LessSafeKey);

impl Sealer {
    /// Makes one from 256 bits.
    pub(crate) fn new(master: &[u8; 32]) -> anyhow::Result<Self> {
        let key = blake3::derive_key("SOCme 2026 secrets that the core must read again", master);
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| anyhow::anyhow!("the key has the wrong length"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Enciphers a secret; it can only be opened under the same name.
    pub(crate) fn seal(&self, name: &str, secret: &[u8]) -> anyhow::Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut text = secret.to_vec();
        // A random nonce is safe for 2^32 secrets; there will be a few dozen.
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut text)
            .map_err(|_| anyhow::anyhow!("sealing failed"))?;
        Ok([&[VERSION], nonce.as_slice(), &text].concat())
    }

    /// Opens a secret.
    ///
    /// # Errors
    /// It was sealed with another key or under another name, or is damaged.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
        let wrong = "a secret in the database does not open with this master key: put the master.key file back that belongs to it";
        let Some((&VERSION, rest)) = sealed.split_first() else { bail!(wrong) };
        let Some((nonce, text)) = rest.split_first_chunk::<NONCE_LEN>() else { bail!(wrong) };
        let mut text = text.to_vec();
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(name), &mut text);
        opened.map(|plain| plain.to_vec()).map_err(|_| anyhow::anyhow!(wrong))
    }
}

/// Where the master key is: where the settings say, else systemd's credential, else the data folder.
pub(crate) fn master_key_path(named: Option<&Path>, data: &Path) -> PathBuf {
    let credential =
        || std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| PathBuf::from(folder).join("master.key"));
    match named {
        Some(path) => path.to_owned(),
        None => credential().filter(|path| path.exists()).unwrap_or_else(|| data.join("master.key")),
    }
}

/// The variable that may hold the master key itself, in base64, where there is no file to keep it in.
pub(crate) const KEY_VARIABLE: &str = "SOCME_MASTER_KEY_VALUE";

/// Reads the master key; makes it first if it is not there and `may_make` says that nothing was sealed with it yet.
pub(crate) fn master_key(path: &Path, may_make: bool) -> anyhow::Result<[u8; 32]> {
    if let Some(value) = std::env::var_os(KEY_VARIABLE).and_then(|value| value.into_string().ok()) {
        return decode(&value).with_context(|| format!("{KEY_VARIABLE} is not a master key: 32 bytes in base64"));
    }
    read_or_make(path, may_make)
}

fn read_or_make(path: &Path, may_make: bool) -> anyhow::Result<[u8; 32]> {
    if !path.exists() {
        if !may_make {
            bail!(
                "the master key {} is missing, but the database has secrets that only it can open: put the file back",
                path.display()
            );
        }
        make(path).with_context(|| format!("cannot make the master key {}", path.display()))?;
    }
    check_private(path)?;
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the master key {}", path.display()))?;
    decode(&text).with_context(|| format!("{} is not a master key: put the right file back", path.display()))
}

fn decode(text: &str) -> Option<[u8; 32]> {
    BASE64.decode(text.trim().trim_end_matches('=')).ok().and_then(|bytes| bytes.try_into().ok())
}

/// Reads the master key in this file, whatever else there is.
pub(crate) fn read_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    read_or_make(path, false)
}

/// Makes another master key in this file, which must not exist.
pub(crate) fn make_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    make(path).with_context(|| format!("cannot make the master key {}", path.display()))?;
    read_or_make(path, false)
}

fn make(path: &Path) -> anyhow::Result<()> {
    let key: [u8; 32] = random()?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all((BASE64.encode(key) + "\n").as_bytes())?;
    file.sync_all()?;
    // The name must be on the disk before anything is sealed with the key.
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no randomness: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_and_name_only() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let sealed = sealer.seal("mail", b"s3cret").unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"s3cret"));
        assert_eq!(sealer.open("mail", &sealed).unwrap(), b"s3cret");
        assert_ne!(sealer.seal("mail", b"s3cret").unwrap(), sealed);
        assert!(sealer.open("ntfy", &sealed).is_err());
        assert!(Sealer::new(&[8; 32]).unwrap().open("mail", &sealed).is_err());
        for cut in 0..sealed.len() {
            assert!(sealer.open("mail", &sealed[..cut]).is_err());
        }
    }

    #[test]
    fn a_hidden_text_is_not_printed() {
        assert_eq!(format!("{:?}", Some(Hidden::new("s3cret".into()))), "Some(Hidden(…))");
    }

    #[test]
    fn the_master_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        assert!(read_or_make(&path, false).unwrap_err().to_string().contains("put the file back"));
        let made = read_or_make(&path, true).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read_or_make(&path, false).unwrap(), made);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_or_make(&path, false).unwrap_err().to_string().contains("chmod 600"));
    }
}
