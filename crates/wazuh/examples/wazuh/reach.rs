//! How a manager or an indexer is reached, from the command line and the environment.

use std::path::{Path, PathBuf};

use clap::Args;
use wazuh::api::{Api, Settings};
use wazuh::indexer::Indexer;
use wazuh::{Fingerprint, Identity, Secret, Server, Trust};

use crate::failure::{Failure, Result};
use crate::out;

/// The same options for both, under other names in the environment.
macro_rules! reach {
    ($name:ident, $prefix:literal, $heading:literal, $url:literal, { $($more:tt)* }) => {
        /// How to reach a server.
        #[derive(Args, Clone, Debug)]
        #[command(next_help_heading = $heading)]
        pub(crate) struct $name {
            #[arg(long, help = concat!("Its address, for example ", $url), env = concat!($prefix, "_URL"), hide_env_values = true)]
            url: Option<String>,
            /// Who asks
            #[arg(long, env = concat!($prefix, "_USER"), hide_env_values = true)]
            user: Option<String>,
            #[arg(
                long,
                value_name = "FILE",
                help = concat!("A file with the password; without it, ", $prefix, "_PASSWORD holds the password"),
                env = concat!($prefix, "_PASSWORD_FILE"), hide_env_values = true
            )]
            password_file: Option<PathBuf>,
            /// Trust the authorities in this file (PEM) instead of the system's
            #[arg(long, value_name = "FILE", env = concat!($prefix, "_CA"), hide_env_values = true)]
            ca: Option<PathBuf>,
            /// With --ca: the name in the certificate, where it is not the one in the address (Wazuh's own: localhost)
            #[arg(long, value_name = "NAME", requires = "ca")]
            server_name: Option<String>,
            /// Trust the one certificate with this SHA-256; the error about an untrusted one prints it
            #[arg(long, value_name = "SHA256", env = concat!($prefix, "_PIN"), hide_env_values = true, conflicts_with = "ca")]
            pin: Option<Fingerprint>,
            /// Check no certificate: whoever is in between reads the password
            #[arg(long, conflicts_with_all = ["ca", "pin"])]
            insecure: bool,
            /// Present this certificate (PEM), with --key
            #[arg(long, value_name = "FILE", requires = "key")]
            cert: Option<PathBuf>,
            /// The certificate's private key (PEM)
            #[arg(long, value_name = "FILE", requires = "cert")]
            key: Option<PathBuf>,
            $($more)*
        }

        impl $name {
            /// Server, user and password.
            fn parts(&self) -> Result<(Server, String, Secret)> {
                let lacks = |option: &str, variable: &str| {
                    Failure::usage(format!(concat!($heading, ": say {} or set ", $prefix, "_{}"), option, variable))
                };
                let url = self.url.as_ref().ok_or_else(|| lacks("--url", "URL"))?;
                let user = self.user.clone().ok_or_else(|| lacks("--user", "USER"))?;
                let password = password(self.password_file.as_deref(), concat!($prefix, "_PASSWORD"))?
                    .ok_or_else(|| lacks("--password-file", "PASSWORD"))?;
                let trust = match (&self.ca, self.pin, self.insecure) {
                    (_, _, true) => Trust::Nothing,
                    (_, Some(pin), _) => Trust::Pin(pin),
                    (Some(file), ..) => Trust::Ca { file: file.clone(), name: self.server_name.clone() },
                    _ => Trust::System,
                };
                if trust == Trust::Nothing {
                    out::tell(format_args!("{url}: its certificate is NOT checked: whoever is in between reads the password"));
                }
                let mut server = Server::new(url, trust);
                if let (Some(certificate), Some(key)) = (&self.cert, &self.key) {
                    server.identity = Some(Identity { certificate: certificate.clone(), key: key.clone() });
                }
                Ok((server, user, password))
            }
        }
    };
}

reach!(Manager, "WAZUH", "The manager's API", "https://wazuh.example:55000", {
    /// The most requests in a minute; the manager takes 300 from all its clients together
    #[arg(long, value_name = "NUMBER", default_value_t = 60, value_parser = clap::value_parser!(u32).range(2..=300))]
    per_minute: u32,
});
reach!(Place, "WAZUH_INDEXER", "The indexer", "https://wazuh.example:9200", {});

impl Manager {
    pub(crate) fn client(&self) -> Result<Api> {
        let (server, user, password) = self.parts()?;
        let mut settings = Settings::new(server, user, password);
        settings.per_minute = self.per_minute;
        Ok(Api::new(settings)?)
    }
}

impl Place {
    pub(crate) fn client(&self) -> Result<Indexer> {
        let (server, user, password) = self.parts()?;
        Ok(Indexer::new(&server, user, password)?)
    }
}

/// Of the file, or of the environment.
fn password(file: Option<&Path>, variable: &str) -> Result<Option<Secret>> {
    let text = match file {
        Some(file) => {
            let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", file.display()));
            let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
            if text.lines().count() > 1 {
                return Err(wrong(&"a password is one line"));
            }
            warn_of_readers(file);
            text
        }
        None => match std::env::var(variable) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Failure::usage("the password is empty"));
    }
    Ok(Some(Secret::new(text)))
}

#[cfg(unix)]
fn warn_of_readers(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if std::fs::metadata(file).is_ok_and(|about| about.permissions().mode() & 0o004 != 0) {
        out::tell(format_args!("{}: every user of this machine can read this password: chmod 600", file.display()));
    }
}

#[cfg(not(unix))]
fn warn_of_readers(_: &Path) {}
