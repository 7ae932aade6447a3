//! The indexer (port 9200): alerts, vulnerabilities and inventory, searched and followed.
//!
//! The indexer is OpenSearch, under a version number that says nothing (`7.10.2` for compatibility), so what it can do is
//! tried and not asked: [`Pages`] reads through a point in time where the user may open one, and without where not.
//!
//! # Invariants
//! 1. An answer that timed out, or in which a shard failed, is [`Error::Partial`], never a shorter list.
//! 2. Pages neither skip nor repeat a document for equal sort values: the documents that share those of a full page's last
//!    one are left to the next page. So no sort on `_id` is needed, which costs the indexer memory and may be forbidden.
//! 3. A point in time is deleted when its reader is done, fails, or is dropped.
//! 4. Memory is bounded by one answer, whose size is limited; a page that is larger is asked for in smaller pieces.
//!
//! # What it cannot know
//! The indexer holds less than `alerts.json`: what its mapping refuses is dropped before it gets there. An index that the
//! user may not read can look like one that is not there: see [`Indexer::info`] and [`Indexer::count`] for a check.
//!
//! Facts: OpenSearch 2.19 itself, which the tests run against where it can be started, and Wazuh's template and pipeline.

mod aggregate;
mod answer;
mod inventory;
mod pages;
mod point;
mod request;
mod search;
pub mod tail;
mod vulnerabilities;

use std::sync::Arc;

pub use aggregate::{Bucket, Terms};
pub use answer::Hit;
pub use inventory::{Inventory, State};
pub use pages::{Page, Pages};
pub use search::{ALERTS, AlertFilter, Order, Search, VULNERABILITIES};
pub use vulnerabilities::{Severities, Vulnerability, VulnerabilityFilter};

use crate::connection::Connection;
use crate::{Certificate, Error, Secret, Server};

/// A client of one indexer. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Indexer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
    user: String,
    password: Secret,
}

/// What the indexer says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The node that answered.
    pub node: String,
    /// The cluster's name.
    pub cluster: String,
    /// The cluster's id: two addresses of one cluster have the same.
    pub id: String,
    /// `opensearch`; absent where it shows the version 7.10.2, and in Elasticsearch.
    pub distribution: Option<String>,
    /// The version that it shows: `7.10.2` as Wazuh configures it, whatever it is.
    pub shown_version: String,
}

impl Indexer {
    /// Nothing is asked yet. The user is one of the indexer's own, not of the manager's API.
    ///
    /// # Errors
    /// The address is not one, or a file of the trust cannot be used.
    pub fn new(server: &Server, user: impl Into<String>, password: Secret) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner { connection: Connection::new(server)?, user: user.into(), password })))
    }

    /// `host:port`, for sentences.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.connection.address()
    }

    /// The certificate that the last handshake presented; none before the first, and on plain HTTP.
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        self.0.connection.certificate()
    }

    /// What it is.
    ///
    /// OpenSearch, `GET /`; any user that may log in.
    ///
    /// # Errors
    /// It cannot be reached, refuses the user, or is no indexer.
    pub async fn info(&self) -> Result<Info, Error> {
        let info: answer::Info = self.get(&[]).await?;
        Ok(Info {
            node: info.name,
            cluster: info.cluster_name,
            id: info.cluster_uuid,
            distribution: info.version.distribution,
            shown_version: info.version.number,
        })
    }

    /// Reads all documents that a search finds, page by page. Nothing is asked before the first page is.
    ///
    /// OpenSearch, `POST /{indices}/_search` (`indices:data/read/search`), through
    /// `POST /{indices}/_search/point_in_time` where the user may open one (`indices:data/read/point_in_time/create`).
    ///
    /// ```no_run
    /// use futures::TryStreamExt as _;
    /// use wazuh::indexer::{AlertFilter, Indexer, Search, VulnerabilityFilter};
    /// use wazuh::{Secret, Server, Trust};
    /// # async fn example(password: Secret) -> Result<(), wazuh::Error> {
    /// let trust = Trust::Ca { file: "/etc/ssl/root-ca.pem".into(), name: None };
    /// let indexer = Indexer::new(&Server::new("https://wazuh.example:9200", trust), "reader", password)?;
    /// let severe = AlertFilter { level: Some(12), ..AlertFilter::default() };
    /// let mut hits = std::pin::pin!(indexer.search(Search::alerts(&severe)).into_stream());
    /// while let Some(hit) = hits.try_next().await? {
    ///     println!("{}", hit.source);
    /// }
    /// let cve = VulnerabilityFilter { cve: Some("CVE-2026-12345".into()), ..VulnerabilityFilter::default() };
    /// let mut hosts = std::pin::pin!(indexer.vulnerabilities(&cve));
    /// while let Some(found) = hosts.try_next().await? {
    ///     println!("{:?} {:?}", found.agent_name, found.package);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn search(&self, search: Search) -> Pages {
        Pages::new(self.clone(), search)
    }
}
