//! `[wazuh.api]`, `[wazuh.indexer]`, `[wazuh.limits]`: how the manager beside this node is reached, and when it is unwell.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use wazuh::{Fingerprint, Identity, Secret, Server, Trust};

/// What is known of a Wazuh.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wazuh {
    /// The manager's API; without it there are no hosts and no commands.
    pub api: Option<Reach>,
    /// The indexer; without it there are no vulnerabilities.
    pub indexer: Option<Reach>,
    /// When the manager is unwell.
    pub limits: Limits,
    /// Seconds between two looks at the manager, 5 to 3600.
    pub look_seconds: Seconds,
}

/// How a server is reached, and whom to trust there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Its address.
    pub url: String,
    /// The user there.
    pub user: String,
    /// A file that holds that user's password, and nothing else.
    pub password_file: PathBuf,
    /// Authorities to trust (PEM).
    pub ca: Option<PathBuf>,
    /// The name in its certificate, if that is not the one in the address.
    pub name: Option<String>,
    /// SHA-256 of the one certificate to trust.
    pub pin: Option<Fingerprint>,
    /// True: trust whatever answers.
    #[serde(default)]
    pub insecure: bool,
    /// This node's own certificate for it (PEM), where it asks for one.
    pub certificate: Option<PathBuf>,
    /// The key of that certificate (PEM).
    pub key: Option<PathBuf>,
}

/// From where on a manager is unwell; each is an alert.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// A queue is so full, 0 to 1.
    pub queue: f64,
    /// So many events were dropped between two looks.
    pub dropped: u64,
    /// The disk with Wazuh's logs is so full, 0 to 1, where the manager is on this machine.
    pub disk: f64,
    /// The certificate of its API ends within so many days.
    pub certificate_days: u32,
    /// Nothing came in for so many minutes, though hosts report; 0: never.
    pub quiet_minutes: u32,
}

/// A number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub u32);

impl Default for Seconds {
    fn default() -> Self {
        Self(30)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue: 0.8, dropped: 1, disk: 0.9, certificate_days: 14, quiet_minutes: 15 }
    }
}

impl Wazuh {
    /// What is wrong with it, with the mend.
    pub(super) fn check(&self) -> Result<(), String> {
        for (table, reach) in [("api", &self.api), ("indexer", &self.indexer)] {
            if let Some(reach) = reach {
                reach.trust().map_err(|why| format!("[wazuh.{table}]: {why}"))?;
                if reach.certificate.is_some() != reach.key.is_some() {
                    return Err(format!("[wazuh.{table}]: `certificate` and `key` go together"));
                }
                if !reach.url.starts_with("https://") && !reach.url.starts_with("http://") {
                    return Err(format!("[wazuh.{table}]: give `url` as \"https://manager.example:55000\""));
                }
            }
        }
        let shares = [("queue", self.limits.queue), ("disk", self.limits.disk)];
        if let Some((name, _)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(format!("[wazuh.limits]: `{name}` is a share: give 0.0 to 1.0"));
        }
        if !(5..=3600).contains(&self.look_seconds.0) {
            return Err("[wazuh]: look_seconds: give 5 to 3600".to_owned());
        }
        Ok(())
    }
}

impl Reach {
    /// Whom it trusts.
    ///
    /// # Errors
    /// Two ways are named at once.
    pub fn trust(&self) -> Result<Trust, &'static str> {
        match (&self.ca, self.pin, self.insecure) {
            (None, None, false) => Ok(Trust::System),
            (Some(file), None, false) => Ok(Trust::Ca { file: file.clone(), name: self.name.clone() }),
            (None, Some(pin), false) => Ok(Trust::Pin(pin)),
            (None, None, true) => Ok(Trust::Nothing),
            _ => Err("give one of `ca`, `pin` and `insecure`, not several"),
        }
    }

    /// The server as the client wants it.
    #[must_use]
    pub fn server(&self) -> Server {
        let mut server = Server::new(self.url.clone(), self.trust().unwrap_or(Trust::System));
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            server.identity = Some(Identity { certificate: certificate.clone(), key: key.clone() });
        }
        server
    }

    /// The password.
    ///
    /// # Errors
    /// The file cannot be read, or is empty: a sentence with the mend.
    pub fn password(&self) -> Result<Secret, String> {
        let file = self.password_file.display();
        let text = read(&self.password_file).map_err(|error| {
            format!(
                "the password in {file} cannot be read ({error}): write it there, for the node's user alone to read"
            )
        })?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(format!("{file} is empty: write the password of «{}» there", self.user.escape_debug()));
        }
        Ok(Secret::new(text))
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    if text.len() > 4096 {
        return Err(std::io::Error::other("it is too long to be a password"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("node.toml"), text).map_err(|wrong| wrong.to_string())
    }

    const API: &str = "[wazuh.api]\nurl = \"https://127.0.0.1:55000\"\nuser = \"socme\"\npassword_file = \"/x\"\n";

    #[test]
    fn a_wazuh_is_trusted_in_one_way() {
        let trust = |more: &str| parse(&format!("{API}{more}")).map(|c| c.wazuh.api.unwrap().trust().unwrap());
        assert_eq!(trust(""), Ok(Trust::System));
        assert_eq!(trust("insecure = true\n"), Ok(Trust::Nothing));
        assert!(trust("insecure = true\nca = \"/x\"\n").unwrap_err().contains("not several"));
        assert!(trust("pin = \"nonsense\"\n").is_err());
    }

    #[test]
    fn a_password_is_read_from_its_file_without_the_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let text = API.replace("\"/x\"", &format!("{:?}", file.display().to_string()));
        let reach = parse(&text).unwrap().wazuh.api.unwrap();
        assert!(reach.password().unwrap_err().contains("cannot be read"));
        std::fs::write(&file, "\n").unwrap();
        assert!(reach.password().unwrap_err().contains("is empty"));
        std::fs::write(&file, "s3cret \n").unwrap();
        assert_eq!(reach.password().unwrap().reveal(), "s3cret ");
        assert!(!format!("{:?}", reach.password().unwrap()).contains("s3cret"));
    }
}
