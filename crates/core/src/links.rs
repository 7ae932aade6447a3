//! Nodes that are connected: how fast they may send, and how to end their connections at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use store::NodeId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Connections of one node at once; with one more, its oldest ends. A node needs one, and a second while it reconnects.
const CONNECTIONS: usize = 8;
/// A node may send so many seconds' worth of batches at once after it was quiet.
const BURST: f64 = 10.0;

/// All nodes that have connected since the start.
pub(crate) struct Links {
    rate: f64,
    nodes: Mutex<HashMap<NodeId, Link>>,
}

struct Link {
    next: u64,
    connections: BTreeMap<u64, CancellationToken>,
    /// Batches that it may send now; at most `rate * BURST`.
    credit: f64,
    counted: Instant,
    /// One batch at a time.
    turn: Arc<Semaphore>,
    /// Ends the stream of commands that it has open.
    listening: CancellationToken,
}

/// A node's connection; taken off the list when dropped.
pub(crate) struct Connected {
    links: Arc<Links>,
    node: NodeId,
    number: u64,
    /// Ends the connection.
    pub(crate) cut: CancellationToken,
}

impl Links {
    /// `rate` batches a second from each node.
    pub(crate) fn new(rate: u32) -> Arc<Self> {
        Arc::new(Self { rate: f64::from(rate), nodes: Mutex::default() })
    }

    /// Notes a connection.
    pub(crate) fn connect(self: &Arc<Self>, node: NodeId) -> Connected {
        let cut = CancellationToken::new();
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let link = nodes.entry(node).or_insert_with(|| self.link(Instant::now()));
        let number = link.next;
        link.next += 1;
        link.connections.insert(number, cut.clone());
        if link.connections.len() > CONNECTIONS
            && let Some((_, oldest)) = link.connections.pop_first()
        {
            oldest.cancel();
        }
        Connected { links: self.clone(), node, number, cut }
    }

    /// Ends all connections of a node: it was disabled, revoked or deleted.
    pub(crate) fn cut(&self, node: NodeId) {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = nodes.get(&node).map(|link| link.connections.values());
        connections.into_iter().flatten().for_each(CancellationToken::cancel);
    }

    /// The node opens a stream of commands: the one that it had before ends. Gives what ends this one.
    pub(crate) fn listen(&self, node: NodeId) -> CancellationToken {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let link = nodes.entry(node).or_insert_with(|| self.link(Instant::now()));
        std::mem::take(&mut link.listening).cancel();
        link.listening.clone()
    }

    /// How many nodes are connected.
    pub(crate) fn connected(&self) -> usize {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.values().filter(|link| !link.connections.is_empty()).count()
    }

    /// How many batches are being taken.
    pub(crate) fn busy(&self) -> usize {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.values().filter(|link| link.turn.available_permits() == 0).count()
    }

    /// A turn for a batch of this node; the error says how long to wait.
    pub(crate) fn turn(&self, node: NodeId, now: Instant) -> Result<OwnedSemaphorePermit, Duration> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let link = nodes.entry(node).or_insert_with(|| self.link(now));
        let turn = link.turn.clone().try_acquire_owned().map_err(|_| Duration::from_secs(1))?;
        let earned = now.saturating_duration_since(link.counted).as_secs_f64() * self.rate;
        link.credit = (link.credit + earned).min(self.rate * BURST);
        link.counted = now;
        if link.credit < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - link.credit) / self.rate));
        }
        link.credit -= 1.0;
        Ok(turn)
    }

    fn link(&self, now: Instant) -> Link {
        let turn = Arc::new(Semaphore::new(1));
        Link {
            next: 0,
            connections: BTreeMap::new(),
            credit: self.rate * BURST,
            counted: now,
            turn,
            listening: CancellationToken::new(),
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut nodes = self.links.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = nodes.get_mut(&self.node) {
            link.connections.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(7);

    #[test]
    fn a_node_sends_one_batch_at_a_time_and_only_so_many() {
        let (links, mut now) = (Links::new(2), Instant::now());
        let turn = links.turn(NODE, now).unwrap();
        assert!(links.turn(NODE, now).is_err(), "the first is not done");
        drop(turn);
        for _ in 0..19 {
            drop(links.turn(NODE, now).unwrap());
        }
        assert_eq!(links.turn(NODE, now).err(), Some(Duration::from_millis(500)));
        assert!(links.turn(NodeId(8), now).is_ok(), "another node's batches are its own");
        now += Duration::from_millis(500);
        assert!(links.turn(NODE, now).is_ok());
        assert!(links.turn(NODE, now).is_err());
    }

    #[test]
    fn a_node_has_one_stream_of_commands() {
        let links = Links::new(1);
        let (first, other) = (links.listen(NODE), links.listen(NodeId(8)));
        let second = links.listen(NODE);
        assert!(first.is_cancelled());
        assert!(!second.is_cancelled() && !other.is_cancelled());
    }

    #[test]
    fn a_node_that_is_cut_off_loses_all_its_connections_and_too_many_end_the_oldest() {
        let links = Links::new(1);
        let open: Vec<Connected> = (0..=CONNECTIONS).map(|_| links.connect(NODE)).collect();
        assert!(open[0].cut.is_cancelled());
        assert!(!open[1].cut.is_cancelled());
        let other = links.connect(NodeId(8));
        links.cut(NODE);
        assert!(open.iter().all(|connection| connection.cut.is_cancelled()));
        assert!(!other.cut.is_cancelled());
        drop(open);
        assert_eq!(links.connected(), 1);
    }
}
