//! Which core, and with which key: from the environment, else from the file that `socme login` writes.
//!
//! # Invariant
//! The key in the file goes to the address in the file and nowhere else: another address in the environment needs its own key.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::failure::{Failure, Kind, Result};

/// What `socme login` keeps.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// Where the core is.
    pub(super) url: Address,
    /// The key.
    pub(super) key: String,
    /// The authorities that the core's certificate is held against, instead of this machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ca: Option<PathBuf>,
    /// Plain HTTP is allowed to other machines too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) insecure_http: bool,
}

/// What the environment says.
#[derive(Debug, Default)]
struct Given {
    url: Option<String>,
    key: Option<String>,
    ca: Option<String>,
}

impl Account {
    /// Where the file is.
    pub(super) fn path() -> Result<PathBuf> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        let config = config.ok_or_else(|| Failure::failed("Neither XDG_CONFIG_HOME nor HOME is set."))?;
        Ok(config.join("socme/login.toml"))
    }

    /// The account to use now.
    pub(super) fn current() -> Result<Self> {
        let given = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let given = Given { url: given("SOCME_URL"), key: given("SOCME_KEY"), ca: given("SOCME_CA") };
        choose(given, Self::stored)
    }

    /// What is in the file, if there is one.
    pub(super) fn stored() -> Result<Option<Self>> {
        Self::read(&Self::path()?)
    }

    fn read(path: &Path) -> Result<Option<Self>> {
        let shown = path.display();
        let meta = match std::fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::failed(format!("{shown}: {error}"))),
        };
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(Failure::new(Kind::Refused, format!("Others may read {shown}, which holds a key.")).mend(
                format!("If nobody did: chmod 600 {shown}. Else delete the key on your own page, and sign in anew."),
            ));
        }
        let text = std::fs::read_to_string(path).map_err(|error| Failure::failed(format!("{shown}: {error}")))?;
        // The parser's own message would print the line that is wrong, and the key with it.
        let account = toml::from_str(&text)
            .map_err(|_| Failure::failed(format!("{shown} is damaged.")).mend("Sign in anew: socme login"))?;
        Ok(Some(account))
    }

    /// Writes the file, whole or not at all.
    pub(super) fn store(&self) -> Result<PathBuf> {
        let path = Self::path()?;
        self.write(&path)?;
        Ok(path)
    }

    fn write(&self, path: &Path) -> Result<()> {
        let failed = |error: std::io::Error| Failure::failed(format!("{} cannot be written: {error}", path.display()));
        let text = toml::to_string(self).map_err(|error| Failure::failed(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let new = folder.join(format!(".login.toml.{}", std::process::id()));
        let _ = std::fs::remove_file(&new);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        let written = written.and_then(|()| std::fs::rename(&new, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        written.map_err(failed)
    }

    /// Removes the file.
    pub(super) fn forget() -> Result<()> {
        let path = Self::path()?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::failed(format!("{} cannot be removed: {error}", path.display())))
            }
            _ => Ok(()),
        }
    }
}

fn choose(given: Given, stored: impl FnOnce() -> Result<Option<Account>>) -> Result<Account> {
    let signed_out = |said: String| Failure::new(Kind::Refused, said).mend("Sign in: socme login");
    let url = given.url.as_deref().map(Address::read).transpose()?;
    let ca = given.ca.map(PathBuf::from);
    let (url, key) = match (url, given.key) {
        // With both there is nothing to read, and nothing in the file can be in the way.
        (Some(url), Some(key)) => {
            let same = stored().ok().flatten().filter(|account| account.url == url);
            let (stored_ca, insecure_http) = same.map_or((None, false), |account| (account.ca, account.insecure_http));
            return Ok(Account { url, key, ca: ca.or(stored_ca), insecure_http });
        }
        pair => pair,
    };
    let mut account = match stored()? {
        Some(account) => account,
        None if key.is_some() => {
            return Err(Failure::usage("SOCME_KEY is set, but not the core's address.").mend("Set SOCME_URL as well."));
        }
        None => return Err(signed_out("You are not signed in.".into())),
    };
    if let Some(url) = url.filter(|url| *url != account.url) {
        return Err(signed_out(format!("You are not signed in at {url}, but at {}.", account.url))
            .mend(format!("Sign in there (socme login {url}), or set SOCME_KEY as well.")));
    }
    account.key = key.unwrap_or(account.key);
    account.ca = ca.or(account.ca);
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        let url = Address::read("https://soc.example").unwrap();
        Account { url, key: "socme_file".into(), ca: Some("/ca.pem".into()), insecure_http: false }
    }

    fn given(url: Option<&str>, key: Option<&str>) -> Given {
        Given { url: url.map(str::to_owned), key: key.map(str::to_owned), ca: None }
    }

    #[test]
    fn a_key_in_the_file_goes_nowhere_but_to_its_own_core() {
        let stored = || Ok(Some(account()));
        let failure = choose(given(Some("https://evil.example"), None), stored).unwrap_err();
        assert_eq!(failure.kind(), Kind::Refused);
        let chosen = choose(given(Some("https://evil.example"), Some("socme_env")), stored).unwrap();
        assert_eq!((chosen.key.as_str(), chosen.ca), ("socme_env", None));
        assert_eq!(choose(given(Some("https://soc.example/"), None), stored).unwrap(), account());
        assert_eq!(choose(given(None, Some("socme_env")), stored).unwrap().key, "socme_env");
    }

    #[test]
    fn the_environment_suffices_without_a_file() {
        assert!(choose(given(Some("soc.example"), Some("socme_env")), || Ok(None)).is_ok());
        assert_eq!(choose(given(None, Some("socme_env")), || Ok(None)).unwrap_err().kind(), Kind::Usage);
        assert_eq!(choose(Given::default(), || Ok(None)).unwrap_err().kind(), Kind::Refused);
    }

    #[test]
    fn what_is_written_can_be_read_back_and_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socme/login.toml");
        account().write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Account::read(&path).unwrap(), Some(account()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(Account::read(&path).unwrap_err().kind(), Kind::Refused);
    }
}
