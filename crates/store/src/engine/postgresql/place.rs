//! Where a PostgreSQL database is, and how it is reached.

use std::sync::Arc;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, Config, NoTls};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Error, Result};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long bytes may be on their way without an answer.
const UNANSWERED: Duration = Duration::from_secs(10);

/// A database, with all that it takes to connect.
#[derive(Clone)]
pub(crate) struct Place {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Place {
    /// Reads a connection's URL (`postgres://role:password@host:port/database?sslmode=require`) or its words
    /// (`host=… dbname=…`). A password given apart goes before one in the URL. `authority` is the file with the authority that
    /// the server's certificate is held against; without it, those that the system trusts.
    pub(crate) fn new(url: &str, password: Option<&str>, authority: Option<&std::path::Path>) -> Result<Self> {
        let mut config: Config = url.parse().map_err(|_| {
            // The library's own message may repeat what stands there, and there may be a password.
            Error::invalid("database.url", "is no PostgreSQL URL such as postgres://socme@db.example:5432/socme")
        })?;
        if let Some(password) = password {
            config.password(password);
        }
        if config.get_dbname().is_none() {
            return Err(Error::invalid(
                "database.url",
                "names no database: add it after the address, as in …:5432/socme",
            ));
        }
        config.connect_timeout(CONNECT).tcp_user_timeout(UNANSWERED).keepalives_idle(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name("socme");
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ if authority.is_none() && !url.contains("sslmode") => {
                // Nobody asked for it.
                config.ssl_mode(SslMode::Disable);
                None
            }
            _ => {
                // «prefer» would let whoever stands in between choose.
                config.ssl_mode(SslMode::Require);
                Some(tls(authority)?)
            }
        };
        Ok(Self { config, tls })
    }

    /// Connects.
    pub(crate) fn connect(&self) -> Result<Client> {
        match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        }
        .map_err(|error| match Error::from(error) {
            Error::Damaged(why) => Error::Away(why),
            error => error,
        })
    }

    /// Where it is, without secrets.
    pub(crate) fn shown(&self) -> String {
        use postgres::config::Host;
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => self.config.get_hostaddrs().first().map_or_else(|| "localhost".into(), ToString::to_string),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        format!("{} at {host}:{port}", self.config.get_dbname().unwrap_or("?"))
    }
}

fn tls(authority: Option<&std::path::Path>) -> Result<MakeRustlsConnect> {
    let unusable = |why: String| Error::invalid("database.ca_file", why);
    let mut roots = rustls::RootCertStore::empty();
    match authority {
        Some(path) => {
            let certificates =
                CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
            let certificates =
                certificates.map_err(|error| unusable(format!("{} cannot be read: {error}", path.display())))?;
            if roots.add_parsable_certificates(certificates).0 == 0 {
                return Err(unusable(format!("{} holds no certificate", path.display())));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(unusable("the system trusts no authority: name the one of the database's server".into()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
