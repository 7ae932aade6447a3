//! What can be set, and where: flags win over the environment, the environment over the file, the file over what the
//! program says by itself. No key is needed to start.
//!
//! `settings!` is the one list of all keys. The flags, the names in the environment, the example file and the errors
//! are all made from it.

mod example;
mod file;
mod flags;
mod rules;
mod value;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use example::example;
pub use file::Layers;
pub use flags::Flags;
pub use rules::Fault;
pub use value::{Bound, Collector, DatabaseUrl, HostPort, LogFormat, PublicUrl, Transport};
use value::{Given, Value};

/// What is known about a key without its value.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name in the file, such as `people.listen`.
    pub path: &'static str,
    /// What it is by itself, as written in the file.
    pub default: &'static str,
    /// What it is for, one line per element.
    pub doc: &'static [&'static str],
}

impl About {
    /// Its name in the environment: `people.listen` is `SOCME_PEOPLE_LISTEN`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("SOCME_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// Its flag, without the dashes: `people.listen` is `people-listen`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty = $path:literal, $default:literal;)+) => {
        /// All settings, complete and checked.
        #[derive(Clone, Debug)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        /// Every key, in the order of the example file.
        pub static KEYS: &[About] = &[$(About { path: $path, default: $default, doc: &[$($doc),+] }),+];

        impl Config {
            /// Reads every key; all that is wrong is told at once.
            fn read(layers: &Layers, faults: &mut Vec<Fault>) -> Option<Self> {
                $(let $field = layers.get::<$type>($path, $default, faults);)+
                Some(Self { $($field: $field?,)+ })
            }
        }
    };
}

settings! {
    /// The folder for the database, the keys and everything else that must survive. Made (0700) if it is not there.
    /// Empty: /var/lib/socme for root and for its owner, else $XDG_DATA_HOME/socme.
    data: PathBuf = "data", "\"\"";
    /// The file with the key that enciphers the secrets in the database. Made (0600) on the first start. Keep a copy of it
    /// apart from the backups of the database. Empty: systemd's credential «master.key» if there is one, else
    /// «master.key» in the data folder.
    master_key: Option<PathBuf> = "master_key", "\"\"";
    /// Where people reach the pages, as they write it in the browser: for links. Empty: as people.listen says.
    public_url: Option<PublicUrl> = "public_url", "\"\"";
    /// Where nodes reach this core, host:port each, tried in order: this is what enrolment tokens carry.
    /// Empty: this machine's name and addresses, with the port of nodes.listen.
    node_addresses: Vec<HostPort> = "node_addresses", "[]";
    /// Proxies before people.listen whose X-Forwarded-For is believed: addresses or networks. Other forwarding headers are
    /// ignored.
    trusted_proxies: Vec<query::Net> = "trusted_proxies", "[]";
    /// What is logged: error, warn, info, debug, trace, or a filter such as «info,socme_core=debug».
    log: String = "log", "\"info\"";
    /// How it is logged: text or json.
    log_format: LogFormat = "log_format", "\"text\"";

    /// A PostgreSQL database instead of a file in the data folder, for more than one core:
    /// «postgres://socme@db.example:5432/socme?sslmode=require». It may lead to PgBouncer in transaction mode. Empty: a file.
    database_url: Option<DatabaseUrl> = "database.url", "\"\"";
    /// The same without PgBouncer, for the one connection by which a core hears at once what others do. Empty: as database.url.
    database_direct_url: Option<DatabaseUrl> = "database.direct_url", "\"\"";
    /// A file with the password for it, so that it stands in no URL.
    database_password_file: Option<PathBuf> = "database.password_file", "\"\"";
    /// The authority that the database server's certificate is held against, PEM. Empty: those that this machine trusts.
    database_ca_file: Option<PathBuf> = "database.ca_file", "\"\"";

    /// Where the pages and their API listen.
    people_listen: SocketAddr = "people.listen", "\"127.0.0.1:7440\"";
    /// Whether plain HTTP is allowed on an address that others can reach. Passphrases then cross the network readable,
    /// unless a proxy of yours adds TLS before it.
    people_plain_http_anywhere: bool = "people.plain_http_anywhere", "false";
    /// The certificate for people.listen, PEM, with its chain. Read again when the file changes.
    people_tls_certificate: Option<PathBuf> = "people.tls_certificate", "\"\"";
    /// Its private key, PEM.
    people_tls_key: Option<PathBuf> = "people.tls_key", "\"\"";
    /// A list of breached passphrases that nobody may choose: SHA-1 hashes in order, as Have I Been Pwned gives them out.
    /// Empty: none.
    people_breached_passphrases: Option<PathBuf> = "people.breached_passphrases", "\"\"";
    /// A session ends after so long without use.
    people_session_idle: Duration = "people.session_idle", "\"12h\"";
    /// A session ends after so long in any case.
    people_session_longest: Duration = "people.session_longest", "\"7d\"";
    /// Whether people may sign in through providers inside your own network (Keycloak, authentik…): at private addresses and
    /// those of this machine. Without it the core asks public addresses only, whatever an administrator enters.
    people_private_providers: bool = "people.private_providers", "false";
    /// Certificate authorities that providers are trusted by, PEM, beside those of the system: your own one.
    people_providers_ca: Option<PathBuf> = "people.providers_ca", "\"\"";

    /// Where nodes connect to.
    nodes_listen: SocketAddr = "nodes.listen", "\"0.0.0.0:7443\"";
    /// How long a node's certificate is valid. Nodes renew at two thirds of it.
    nodes_certificate_life: Duration = "nodes.certificate_life", "\"7d\"";
    /// How often nodes report.
    nodes_heartbeat: Duration = "nodes.heartbeat", "\"10s\"";
    /// A node is «late» after so long without a report.
    nodes_late_after: Duration = "nodes.late_after", "\"30s\"";
    /// A node is «offline» after so long without a report.
    nodes_offline_after: Duration = "nodes.offline_after", "\"2m\"";
    /// An alarm is raised at each of these steps of silence. Empty: never.
    nodes_silence_alarms: Vec<Duration> = "nodes.silence_alarms", "[\"10m\", \"1h\", \"1d\"]";
    /// Batches that one node may send a second, over some time; short bursts of ten times as many are taken.
    nodes_batches_per_second: u32 = "nodes.batches_per_second", "50";

    /// Where Prometheus reads /metrics, and where /healthz and /readyz are. «off»: nowhere.
    metrics_listen: Bound<SocketAddr> = "metrics.listen", "\"127.0.0.1:7441\"";

    /// A log collector that is sent the audit log as it grows, from its beginning, by syslog (RFC 5424): «tls://logs.example:6514»,
    /// «tcp://…» or «udp://…», which are not enciphered, and by udp nobody knows what arrived. «off»: none.
    audit_syslog: Bound<Collector> = "audit.syslog", "\"off\"";
    /// The authority that its certificate is held against, PEM, with tls. Empty: those that this machine trusts.
    audit_syslog_ca: Option<PathBuf> = "audit.syslog_ca", "\"\"";

    /// Alerts are deleted so long after they arrived, unless their client is kept for another time. «off»: never.
    retention_max_age: Bound<Duration> = "retention.max_age", "\"365d\"";
    /// The oldest alerts are deleted when the database is larger, such as «80 GB». «off»: it may grow.
    retention_max_bytes: Bound<u64> = "retention.max_bytes", "\"off\"";
}

impl Config {
    /// Reads all layers and checks that they fit together.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place and its mend.
    pub fn load(layers: &Layers) -> Result<Self, Vec<Fault>> {
        let mut faults = layers.faults().to_vec();
        let config = Self::read(layers, &mut faults);
        match config {
            Some(mut config) => {
                if config.data.as_os_str().is_empty() {
                    config.data = file::data_folder();
                }
                rules::check(&config, layers, &mut faults);
                if faults.is_empty() { Ok(config) } else { Err(faults) }
            }
            None => Err(faults),
        }
    }

    /// True if people.listen speaks TLS itself.
    #[must_use]
    pub fn people_tls(&self) -> bool {
        self.people_tls_certificate.is_some()
    }

    /// Where people reach the pages, without a final slash; `listening` is where they listen in fact.
    #[must_use]
    pub fn people_url(&self, listening: SocketAddr) -> String {
        if let Some(url) = &self.public_url {
            return url.to_string();
        }
        let scheme = if self.people_tls() { "https" } else { "http" };
        let ip = listening.ip();
        // Nobody can open 0.0.0.0 in a browser, and passkeys need a name.
        if ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST {
            format!("{scheme}://localhost:{}", listening.port())
        } else {
            format!("{scheme}://{listening}")
        }
    }

    /// True if the browser speaks TLS with us or with the proxy before us: cookies then never leave TLS.
    #[must_use]
    pub fn secure_cookies(&self) -> bool {
        self.people_tls() || self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }
}

#[cfg(test)]
mod tests;
