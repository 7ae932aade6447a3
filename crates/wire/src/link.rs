//! What is said on the line between a node and the core.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, Sample, Source};
use crate::command::Outcome;
use crate::host::Hosts;

/// A place in a node's chain of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which spool: drawn at random when a spool begins anew (new disk, rolled back, broken).
    pub epoch: u64,
    /// The last record's number; the first record of an epoch is 1.
    pub number: u64,
    /// Drawn at random for each transaction of the spool, so that a chain that forked is noticed.
    pub tag: u64,
}

/// Where reading of each source stands, by the source's name; the core keeps it and never looks inside.
pub type Cursors = BTreeMap<String, serde_json::Value>;

/// What a node asks with its one-time token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enrol {
    /// The node's protocol version.
    pub wire: u32,
    /// The secret part of the token.
    pub secret: String,
    /// Certificate signing request, PEM. Only its key is used.
    pub csr: String,
    /// The node's version.
    pub version: String,
    /// The machine's own name: the node's first name.
    pub hostname: String,
}

/// The answer to [`Enrol`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// The node's id at the core.
    pub node: i64,
    /// The node's name at the core.
    pub name: String,
    /// The client's name.
    pub client: String,
    /// The node's certificate, PEM.
    pub certificate: String,
    /// The certificate authorities to trust, PEM.
    pub ca: String,
    /// Where the core is reached, `host:port` each, tried in order.
    pub addresses: Vec<String>,
}

/// What a node asks at two thirds of its certificate's life.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Renew {
    /// Certificate signing request, PEM, for the same key.
    pub csr: String,
}

/// The answer to [`Renew`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Renewed {
    /// The node's new certificate, PEM.
    pub certificate: String,
    /// The certificate authorities to trust, PEM.
    pub ca: String,
}

/// What a node says first on connecting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The node's protocol version.
    pub wire: u32,
    /// The node's version.
    pub version: String,
    /// Where its chain ends; none if its spool is new and has no records, or if it only looks whether it is welcome.
    pub position: Option<Position>,
    /// The node's clock.
    pub now: Timestamp,
}

/// The answer to [`Hello`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The core's protocol version.
    pub wire: u32,
    /// The core's version.
    pub version: String,
    /// Where the core stands; none if it has nothing of this node.
    pub position: Option<Position>,
    /// Where reading stood at that position.
    pub cursors: Cursors,
    /// The core's clock.
    pub now: Timestamp,
    /// Seconds between two [`crate::status::Status`] reports.
    pub heartbeat: u32,
    /// The node's id, name and client, as the core knows them now.
    pub node: i64,
    /// The node's name.
    pub name: String,
    /// The client's name.
    pub client: String,
    /// Where the core is reached from now on.
    pub addresses: Vec<String>,
    /// The certificate authorities to trust from now on, PEM.
    pub ca: String,
}

/// Records of one node, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Batch {
    /// The node's protocol version.
    pub wire: u32,
    /// The position that it follows; none if the core has nothing of this node. The core takes the batch only if it stands exactly there.
    pub after: Option<Position>,
    /// Number of the first record: `after.number + 1` in the same epoch, 1 in a new one.
    pub first: u64,
    /// The position after the last record. Always the end of a transaction of the spool.
    pub to: Position,
    /// Where reading stood at `to`.
    pub cursors: Cursors,
    /// The records, numbered from `first`.
    pub records: Vec<Record>,
}

/// One record of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// A new alert.
    Alert(Box<Alert>),
    /// An alert's count has grown.
    Count(Count),
    /// Records that the node has lost.
    Lost(Lost),
    /// Hosts have changed.
    Hosts(Box<Hosts>),
    /// A command has ended.
    Outcome(Box<Outcome>),
}

/// An alert's count has grown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Number of the record that brought the alert, in the same epoch.
    pub alert: u64,
    /// How many events it stands for now, in total.
    pub count: u64,
    /// Time of the earliest event.
    pub first: Timestamp,
    /// Time of the latest event.
    pub last: Timestamp,
    /// By which ways its events came, if by more than one: each event is counted once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<Source>,
    /// Samples that were not sent before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// True if its window is closed: no count will follow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// Records that a node had numbered and can no longer send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The epoch they were numbered in.
    pub epoch: u64,
    /// First lost number.
    pub from: u64,
    /// Last lost number.
    pub to: u64,
    /// Why, in a sentence.
    pub why: String,
}

/// The core has a batch on its disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// Where the core stands now.
    pub position: Position,
    /// Records that broke a bound and were not stored. Their numbers count as taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
}

/// A record that the core would not store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its number.
    pub number: u64,
    /// Which bound it broke.
    pub why: String,
}

/// The core stands elsewhere than the batch supposes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conflict {
    /// Where the core stands; none if it has nothing of this node.
    pub position: Option<Position>,
    /// Where reading stood at that position.
    pub cursors: Cursors,
}

/// The answer to a status report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Heard {
    /// The core's clock.
    pub now: Timestamp,
    /// Seconds until the next report is due.
    pub heartbeat: u32,
}

/// Why the core says no (RFC 9457), as a node reads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// A word that programs can rely on; see [`problem`].
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened.
    pub title: String,
    /// HTTP status code.
    pub status: u16,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The words in [`Problem::kind`] that a node acts on.
pub mod problem {
    /// 401: no certificate, or one of an authority that the core does not know.
    pub const CERTIFICATE: &str = "certificate-required";
    /// 401: the certificate has expired; renew it.
    pub const EXPIRED: &str = "certificate-expired";
    /// 401: it expired more than 90 days ago; enrol again.
    pub const TOO_OLD: &str = "certificate-too-old";
    /// 403: the node was revoked or deleted; stop, until enrolled again.
    pub const REVOKED: &str = "node-revoked";
    /// 403: the node is disabled; keep reading and spooling, ask again later.
    pub const DISABLED: &str = "node-disabled";
    /// 403: the token is unknown, used or expired.
    pub const TOKEN: &str = "token-invalid";
    /// 409: the core stands elsewhere; the body is a [`super::Conflict`].
    pub const POSITION: &str = "position-conflict";
    /// 400: the body is not what it should be.
    pub const MALFORMED: &str = "malformed";
    /// 413: the body breaks a bound.
    pub const TOO_LARGE: &str = "too-large";
    /// 426: the node speaks a protocol that this core does not.
    pub const WIRE: &str = "wire-version";
    /// 429 or 503, with `Retry-After`: later.
    pub const LATER: &str = "later";
}
