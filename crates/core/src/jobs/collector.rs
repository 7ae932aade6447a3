//! Hands the audit log to a log collector as it grows, by syslog (RFC 5424), each entry as the JSON that `/audit/export` gives.
//!
//! # Invariants
//! - Entries go in their order; how far they went is in the database, so that a restart goes on behind the last.
//! - By tcp and tls the line is closed after each batch, and only once the collector has closed its end as well is the batch
//!   counted as sent: until then it may lie in a buffer that dies with a machine. What is not counted is sent again, so an
//!   entry may come twice (its `id` says so). What the collector has taken and not kept is its own: syslog knows no receipt. By
//!   udp nobody knows.
//! - What is sent is ASCII and without control characters, however the names in it are written.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::SignedDuration;
use rustls_pki_types::ServerName;
use store::Scope;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;

use super::Job;
use crate::api::audit_line;
use crate::config::{Collector, Transport};
use crate::outgoing::trusting;
use crate::seal::random;
use crate::state::Shared;

/// How long one core alone sends.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How long a connection, and a batch, may take.
const LONGEST: Duration = Duration::from_secs(15);
/// How long the collector may take to close its end. One that never does is believed to have what was sent.
const CLOSING: Duration = Duration::from_secs(5);
/// Longest message, in bytes: what collectors take without being told otherwise (rsyslog's `maxMessageSize`).
const MESSAGE: usize = 8 * 1024;
/// «Log audit», «notice» (RFC 5424, 6.2.1).
const PRIORITY: u8 = 13 * 8 + 5;

/// Hands the audit log over.
pub(super) struct Sending {
    collector: Collector,
    tls: TlsConnector,
    holder: [u8; 16],
}

impl Sending {
    /// None if no collector is set.
    ///
    /// # Errors
    /// The authority's file cannot be used.
    pub(super) fn new(core: &Shared) -> anyhow::Result<Option<Self>> {
        let Some(collector) = core.config.audit_syslog.clone().get() else { return Ok(None) };
        let own: Option<&Path> = core.config.audit_syslog_ca.as_deref();
        let tls = TlsConnector::from(Arc::new(trusting(own, own.is_none())?));
        Ok(Some(Self { collector, tls, holder: random()? }))
    }

    async fn send(&self, messages: &[String]) -> anyhow::Result<()> {
        let place = (self.collector.host.as_str(), self.collector.port);
        if self.collector.transport == Transport::Udp {
            let to = tokio::net::lookup_host(place).await?.next().context("its name has no address")?;
            let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(from).await?;
            socket.connect(to).await?;
            for message in messages {
                socket.send(message.as_bytes()).await?;
            }
            return Ok(());
        }
        let stream = TcpStream::connect(place).await?;
        if self.collector.transport == Transport::Tcp {
            return hand_over(stream, messages).await;
        }
        let name = ServerName::try_from(self.collector.host.clone()).context("its name is none for a certificate")?;
        hand_over(self.tls.connect(name, stream).await?, messages).await
    }
}

/// Writes a batch (RFC 6587, 3.4.1: each message after its length), and waits until the other side has taken all of it.
async fn hand_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, messages: &[String]) -> anyhow::Result<()> {
    let mut batch = String::new();
    for message in messages {
        let _ = write!(batch, "{} {message}", message.len());
    }
    stream.write_all(batch.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = [0; 256];
    let closed = async {
        // A collector has nothing to say; whatever it says is passed over.
        while stream.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    match tokio::time::timeout(CLOSING, closed).await {
        Ok(Err(error)) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error.into()),
        _ => Ok(()),
    }
}

impl Job for Sending {
    const NAME: &'static str = "audit to the collector";

    fn period(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn run(&mut self, core: &Shared) -> anyhow::Result<()> {
        let scope = Scope::internal("the collector has the whole audit log");
        loop {
            let entries = core.store.audit_to_send(&scope).await?;
            let Some(last) = entries.last().map(|entry| entry.id) else { break };
            if !core.store.lease("collector", self.holder, LEASE).await? {
                break;
            }
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let messages: Vec<_> = entries.into_iter().map(|entry| message(&host, entry)).collect();
            let sent = tokio::time::timeout(LONGEST, self.send(&messages)).await;
            if let Err(error) = sent.unwrap_or_else(|_| Err(anyhow::anyhow!("it does not answer in time"))) {
                // Told once, by the log as by the health page: it is tried again every few seconds.
                let why = format!("{error:#}");
                if core.collector.send_if_modified(|known| known.replace(why.clone()).as_ref() != Some(&why)) {
                    let Collector { host, port, .. } = &self.collector;
                    tracing::warn!(host, port, why, "the log collector does not take the audit log");
                }
                return Ok(());
            }
            core.store.audit_sent(last).await?;
            if core.stop.is_cancelled() {
                break;
            }
        }
        if core.collector.send_if_modified(|known| known.take().is_some()) {
            tracing::info!("the log collector takes the audit log again");
        }
        Ok(())
    }
}

/// An entry as a syslog message.
fn message(host: &str, entry: store::AuditEntry) -> String {
    let (at, action) = (entry.at, entry.action.clone());
    let mut line = audit_line(entry);
    let mut text = ascii(&line.to_string());
    if text.len() > MESSAGE - 512 {
        for field in ["before", "after", "detail"] {
            line[field] = serde_json::Value::Null;
        }
        line["cut"] = true.into();
        text = ascii(&line.to_string());
    }
    let (host, action) = (printable(host, 255), printable(&action, 32));
    format!("<{PRIORITY}>1 {at:.3} {host} socme - {action} - {text}")
}

/// A word of a message's head: printable ASCII, not too long; `-` for none.
fn printable(text: &str, longest: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(longest).collect();
    if word.is_empty() { "-".into() } else { word }
}

/// JSON in ASCII alone.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn entry(subject: &str, detail: &str) -> store::AuditEntry {
        store::AuditEntry {
            id: 7,
            at: Timestamp::from_millisecond(1_800_000_000_123).unwrap(),
            user: None,
            who: "Ada".into(),
            address: None,
            action: "client.create".into(),
            client: None,
            subject: subject.into(),
            detail: detail.into(),
            before: None,
            after: None,
            erased: false,
            link: "00".into(),
        }
    }

    #[test]
    fn hostile_names_can_neither_end_a_message_nor_colour_a_terminal() {
        let hostile = "Zoë\n<13>1 - \u{1b}[31m\u{7f}\u{202e}😀";
        let text = message("soc 1\n", entry(hostile, ""));
        assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{text}");
        let (head, json) = text.split_once('{').unwrap();
        assert_eq!(head, "<109>1 2027-01-15T08:00:00.123Z soc1 socme - client.create - ");
        let said: serde_json::Value = serde_json::from_str(&format!("{{{json}")).unwrap();
        assert_eq!((said["subject"].as_str(), said["id"].as_i64()), (Some(hostile), Some(7)));
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let text = message("soc", entry("Acme", &"é".repeat(10_000)));
        assert!(text.len() <= MESSAGE, "{}", text.len());
        assert!(text.contains(r#""cut":true"#) && text.contains(r#""subject":"Acme""#), "{text}");
    }
}
