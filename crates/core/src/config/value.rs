//! Values as people write them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A value as it was written: in the file with its type, elsewhere as text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    /// `"text"`, or anything from the environment and from flags.
    Text(String),
    /// `true`, `false`
    Switch(bool),
    /// `42`
    Number(i64),
    /// `["a", "b"]`
    List(Vec<Given>),
    /// Something that no key takes, by the name of its type.
    Other(&'static str),
}

/// Something that a key can be.
pub(crate) trait Value: Sized {
    /// Reads it; the error says what is wrong and how it should be.
    fn read(given: &Given) -> Result<Self, String>;
}

fn text(given: &Given) -> Result<&str, String> {
    match given {
        Given::Text(text) => Ok(text.trim()),
        _ => Err("Write it in quotation marks.".into()),
    }
}

impl Value for String {
    fn read(given: &Given) -> Result<Self, String> {
        text(given).map(str::to_owned)
    }
}

impl Value for PathBuf {
    fn read(given: &Given) -> Result<Self, String> {
        text(given).map(Self::from)
    }
}

/// Empty text stands for none.
impl<T: Value> Value for Option<T> {
    fn read(given: &Given) -> Result<Self, String> {
        match given {
            Given::Text(text) if text.trim().is_empty() => Ok(None),
            given => T::read(given).map(Some),
        }
    }
}

impl Value for bool {
    fn read(given: &Given) -> Result<Self, String> {
        match given {
            Given::Switch(switch) => Ok(*switch),
            Given::Text(text) if text == "true" => Ok(true),
            Given::Text(text) if text == "false" => Ok(false),
            _ => Err("Write true or false, without quotation marks.".into()),
        }
    }
}

impl Value for u32 {
    fn read(given: &Given) -> Result<Self, String> {
        let number = match given {
            Given::Number(number) => Self::try_from(*number).ok(),
            Given::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| *number > 0).ok_or_else(|| "Write a whole number above 0.".into())
    }
}

impl Value for SocketAddr {
    fn read(given: &Given) -> Result<Self, String> {
        let text = text(given)?;
        text.parse().map_err(|_| {
            format!("«{text}» is not an address with a port. Write for instance \"127.0.0.1:7440\" or \"[::]:7440\".")
        })
    }
}

impl Value for Duration {
    fn read(given: &Given) -> Result<Self, String> {
        let wrong = || "Write a number with its unit, such as \"30s\", \"10m\", \"12h\" or \"7d\".".to_owned();
        let text = text(given).map_err(|_| wrong())?;
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let millis = match text[digits..].trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return Err(wrong()),
        };
        match number.checked_mul(millis) {
            // A century is enough, and fits every clock.
            Some(millis) if millis > 0 && millis <= 36_525 * 86_400_000 => Ok(Self::from_millis(millis)),
            _ => Err("It must be more than nothing and at most 100 years.".into()),
        }
    }
}

/// Bytes.
impl Value for u64 {
    fn read(given: &Given) -> Result<Self, String> {
        let wrong = || "Write a size, such as \"80 GB\", \"512 MiB\", or a number of bytes.".to_owned();
        let text = match given {
            Given::Number(number) => return Self::try_from(*number).map_err(|_| wrong()),
            Given::Text(text) => text.trim(),
            _ => return Err(wrong()),
        };
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: Self = text[..digits].parse().map_err(|_| wrong())?;
        let unit: Self = match text[digits..].trim() {
            "" | "B" => 1,
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return Err(wrong()),
        };
        number.checked_mul(unit).ok_or_else(wrong)
    }
}

/// Something that can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound<T> {
    /// `off`
    Off,
    /// It is this.
    At(T),
}

impl<T> Bound<T> {
    /// None if it is off.
    pub fn get(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::At(value) => Some(value),
        }
    }
}

impl<T: Value> Value for Bound<T> {
    fn read(given: &Given) -> Result<Self, String> {
        match given {
            Given::Text(text) if matches!(text.trim(), "off" | "") => Ok(Self::Off),
            given => T::read(given).map(Self::At).map_err(|why| format!("{why} Or write \"off\".")),
        }
    }
}

/// In the environment and in flags, elements are separated by commas.
impl<T: Value> Value for Vec<T> {
    fn read(given: &Given) -> Result<Self, String> {
        match given {
            Given::List(elements) => elements.iter().map(T::read).collect(),
            Given::Text(text) => {
                let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
                elements.map(|element| T::read(&Given::Text(element.to_owned()))).collect()
            }
            _ => Err("Write a list, such as [\"one\", \"two\"].".into()),
        }
    }
}

impl Value for query::Net {
    fn read(given: &Given) -> Result<Self, String> {
        let text = text(given)?;
        text.parse().map_err(|_| {
            format!("«{text}» is neither an address nor a network. Write for instance \"10.0.0.7\" or \"10.0.0.0/24\".")
        })
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort(String);

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for HostPort {
    fn read(given: &Given) -> Result<Self, String> {
        let text = text(given)?;
        let wrong = || format!("«{text}» is not host:port. Write for instance \"core.example.org:7443\".");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let named = !host.is_empty() && host.chars().all(letters);
        if !(bracketed && text.parse::<SocketAddr>().is_ok() || named) || port.parse::<u16>().map_or(true, |p| p == 0) {
            return Err(wrong());
        }
        Ok(Self(text.to_owned()))
    }
}

/// How a log collector is spoken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams (RFC 5426).
    Udp,
    /// A stream (RFC 6587, octets counted).
    Tcp,
    /// The same, enciphered (RFC 5425).
    Tls,
}

/// A log collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// How.
    pub transport: Transport,
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Value for Collector {
    fn read(given: &Given) -> Result<Self, String> {
        let text = text(given)?;
        let wrong =
            || format!("«{text}» is no log collector. Write for instance \"tls://logs.example:6514\", or \"off\".");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let transport = match scheme {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            "tls" => Transport::Tls,
            _ => return Err(wrong()),
        };
        let HostPort(place) = HostPort::read(&Given::Text(rest.to_owned())).map_err(|_| wrong())?;
        let (host, port) = place.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { transport, host, port: port.parse().map_err(|_| wrong())? })
    }
}

/// Where a PostgreSQL database is. It may hold a password, and is never shown whole.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The whole, for who connects.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

impl Value for DatabaseUrl {
    fn read(given: &Given) -> Result<Self, String> {
        let text = text(given)?;
        let server = store::Server { url: text.to_owned(), ..store::Server::default() };
        // What stands there is not repeated: there may be a password in it.
        match server.shown() {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(store::Error::Invalid { field: "database.ca_file", .. }) => Ok(Self(text.to_owned())),
            Err(_) => Err("This is no address of a PostgreSQL database. Write for instance \
                           \"postgres://socme@db.example:5432/socme?sslmode=require\"."
                .into()),
        }
    }
}

/// Where people reach the pages: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// True if it begins with `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for PublicUrl {
    fn read(given: &Given) -> Result<Self, String> {
        let text = text(given)?;
        let text = text.strip_suffix('/').unwrap_or(text);
        let wrong = || format!("«{text}» is not such an address. Write for instance \"https://soc.example.org\".");
        let uri: axum::http::Uri = text.parse().map_err(|_| wrong())?;
        let plain = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
        match (uri.scheme_str(), uri.host()) {
            (Some("http" | "https"), Some(host)) if plain && !host.is_empty() => Ok(Self(text.to_owned())),
            (Some("http" | "https"), Some(_)) => Err("It has no path: the pages are at the root.".into()),
            _ => Err(wrong()),
        }
    }
}

/// How it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Value for LogFormat {
    fn read(given: &Given) -> Result<Self, String> {
        match text(given)? {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("«{other}» is no format. Write \"text\" or \"json\".")),
        }
    }
}
