//! The indexer (port 9200): as much of OpenSearch as a reader of Wazuh's indices meets, and its misbehaviour on request.

mod aggregate;
mod answers;
mod documents;
mod http;
mod query;
mod search;

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

pub use answers::Reply;
pub use documents::day_index;

use documents::Documents;

/// An indexer that holds documents in memory. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Indexer(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    documents: Documents,
    points: BTreeMap<String, Point>,
    made: u64,
    behaviour: Behaviour,
    requests: Vec<String>,
}

/// A point in time: what was there before a moment.
#[derive(Debug)]
struct Point {
    indices: Vec<String>,
    before: u64,
}

/// How it behaves until told otherwise.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Who may ask.
    pub user: String,
    /// With which password.
    pub password: String,
    /// The version that it shows.
    pub number: String,
    /// How points in time are.
    pub points: Points,
    /// How many shard contexts may be open: three for each index of a point in time.
    pub most_contexts: usize,
    /// False to refuse a sort on `_id`.
    pub id_order: bool,
    /// What is answered to the next requests, whatever they are, oldest first.
    pub next: VecDeque<Misbehaviour>,
}

/// How points in time are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    /// They can be opened and used.
    Allowed,
    /// The user may not open one.
    Forbidden,
    /// The user may open one, but not search with it.
    Useless,
    /// Before OpenSearch 2.4 the path means nothing.
    Unknown,
}

/// One answer that is not as it should be.
#[derive(Clone, Debug)]
pub enum Misbehaviour {
    /// As it should be, after all: to reach a later request.
    None,
    /// Another answer.
    Reply(Reply),
    /// A search in which shards fail, answered with 200 all the same.
    Partial {
        /// How many of the three of each index.
        shards: u64,
    },
    /// A search that says it ran out of time, and lacks documents.
    TimedOut,
    /// The points in time are gone before this is answered.
    ExpirePoints,
    /// An index is gone before this is answered.
    DeleteIndex(String),
    /// The connection ends.
    HangUp,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            user: "reader".into(),
            password: "secret".into(),
            number: "7.10.2".into(),
            points: Points::Allowed,
            most_contexts: 300,
            id_order: true,
            next: VecDeque::new(),
        }
    }
}

impl Indexer {
    /// An empty one. The user is `reader`, the password `secret`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens on a free port of this machine, without TLS, as long as the runtime lives.
    ///
    /// # Errors
    /// No port is free.
    pub async fn listen(&self) -> std::io::Result<SocketAddr> {
        self.listen_at((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// The same at an address that is known: as one that was killed listens again, on the same disk.
    ///
    /// # Errors
    /// The address is taken.
    pub async fn listen_at(&self, address: SocketAddr) -> std::io::Result<SocketAddr> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router = self.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }

    /// Changes how it behaves.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.state().behaviour);
    }

    /// Adds what is answered to the next request.
    pub fn next(&self, misbehaviour: Misbehaviour) {
        self.behave(|behaviour| behaviour.next.push_back(misbehaviour));
    }

    /// Indexes an alert as Filebeat does: by the day of its time in UTC, under an `_id` of its own, which is given. The same
    /// alert twice is two documents.
    pub fn add_alert(&self, line: &str) -> String {
        let index = day_index(line);
        self.add(&index, line)
    }

    /// Indexes a document under an `_id` of its own.
    pub fn add(&self, index: &str, document: &str) -> String {
        self.state().documents.add(index, document)
    }

    /// Deletes an index, as retention does.
    pub fn delete_index(&self, index: &str) {
        self.state().delete_index(index);
    }

    /// An index without documents and mapping.
    pub fn make_index(&self, index: &str) {
        self.state().documents.make_index(index);
    }

    /// Ends the points in time, as time does.
    pub fn expire_points(&self) {
        self.state().points.clear();
    }

    /// How many points in time are open.
    #[must_use]
    pub fn open_points(&self) -> usize {
        self.state().points.len()
    }

    /// What was asked since this was asked last: method and path.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }

    /// All documents of indices, as they were given.
    #[must_use]
    pub fn documents(&self, pattern: &str) -> Vec<Value> {
        self.state().documents.all(pattern)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn delete_index(&mut self, index: &str) {
        self.documents.delete_index(index);
        // A search at a point in time of which an index is gone fails.
        self.points.retain(|_, point| !point.indices.iter().any(|held| held == index));
    }
}
