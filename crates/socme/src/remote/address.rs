//! Where a core is.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::failure::{Failure, Result};

/// The address of a core, such as `https://soc.example`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Address(Url);

impl Address {
    /// Reads an address. Without `https://` it is meant, except for this machine itself.
    pub(super) fn read(text: &str) -> Result<Self> {
        let text = text.trim();
        let wrong = || {
            Failure::usage(format!("«{text}» is no address of a core."))
                .mend("Write it as your browser shows it, for instance https://soc.example")
        };
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) };
        let mut url = url.map_err(|_| wrong())?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong());
        }
        if !text.contains("://") && loopback(&url) {
            // A scheme that has a host can be changed to another that has one.
            url = Url::parse(&format!("http://{text}")).map_err(|_| wrong())?;
        }
        url.set_query(None);
        url.set_fragment(None);
        // Whatever page it was copied from, the API is at the root.
        url.set_path("");
        Ok(Self(url))
    }

    /// True if what is said there is not enciphered.
    pub(super) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// True if it is on this machine.
    pub(super) fn is_here(&self) -> bool {
        loopback(&self.0)
    }

    /// Where something of the API is; `path` begins with a slash.
    pub(super) fn api(&self, path: &str) -> String {
        format!("{self}/api/v1{path}")
    }
}

fn loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        Self::read(&text).map_err(|failure| failure.said())
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        let read = |text: &str| Address::read(text).map(|address| address.to_string()).ok();
        assert_eq!(read("soc.example").as_deref(), Some("https://soc.example"));
        assert_eq!(read(" https://soc.example:8443/alerts?q=x#y ").as_deref(), Some("https://soc.example:8443"));
        assert_eq!(read("127.0.0.1:7440").as_deref(), Some("http://127.0.0.1:7440"));
        assert_eq!(read("[::1]:7440").as_deref(), Some("http://[::1]:7440"));
        assert_eq!(read("localhost").as_deref(), Some("http://localhost"));
        for wrong in ["", "ftp://soc.example", "https://me:secret@soc.example", "a b"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_only_looks_like_this_machine_is_elsewhere() {
        for text in ["http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://10.0.0.1"] {
            let address = Address::read(text).unwrap();
            assert!(address.is_plain() && !address.is_here(), "{text}");
        }
    }
}
