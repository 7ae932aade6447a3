//! The cluster, where there is one.

use std::collections::BTreeMap;

use super::call::Call;
use super::loose::record;
use super::{Api, Listing};
use crate::error::{Error, shown};

record! {
    /// Whether there is a cluster (`GET /cluster/status`).
    pub struct ClusterStatus {
        /// True if it is configured.
        pub enabled: bool,
        /// True if it runs.
        pub running: bool,
    }
}

record! {
    /// A node of the cluster.
    pub struct Node {
        /// Its name.
        pub name: String,
        /// `master` or `worker`.
        #[serde(rename = "type")]
        pub kind: String,
        /// For example `4.14.7`.
        pub version: String,
        /// Its address.
        pub ip: String,
    }
}

/// # The cluster
impl Api {
    /// Whether there is a cluster.
    ///
    /// Wazuh server API, `GET /cluster/status` (`cluster:status`).
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn cluster_status(&self) -> Result<ClusterStatus, Error> {
        self.object(&Call::get(&["cluster", "status"], "cluster:status")).await
    }

    /// The nodes. Without a cluster the server refuses this with code 3013.
    ///
    /// Wazuh server API, `GET /cluster/nodes` (`cluster:read`).
    pub fn nodes(&self) -> Listing<Node> {
        Listing::new(self, Call::get(&["cluster", "nodes"], "cluster:read"), "name").flat()
    }

    /// Each daemon of one node and its state.
    ///
    /// Wazuh server API, `GET /cluster/{node}/status` (`cluster:read`).
    ///
    /// # Errors
    /// No answer, no permission, no cluster, or no such node.
    pub async fn node_daemons(&self, node: &str) -> Result<BTreeMap<String, String>, Error> {
        if node.is_empty() || node.contains(['/', '\\']) || node.starts_with('.') {
            return Err(Error::Input(format!("«{}» is not the name of a node", shown(node))));
        }
        self.items(&Call::get(&["cluster", node, "status"], "cluster:read")).await?.one()
    }

    pub(super) async fn is_cluster(&self) -> Result<bool, Error> {
        let status = self.cluster_status().await?;
        Ok(status.enabled == Some(true) && status.running == Some(true))
    }
}
