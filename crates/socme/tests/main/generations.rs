//! Rotations while the node is down: every generation is read from the cursor on; one deleted unread shows as a gap.

use std::time::Duration;

use serde_json::Value;

use crate::support::core::Core;
use crate::support::ledger::{Ledger, at_the_core};
use crate::support::node::Node;
use crate::support::sources::Eve;
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(60);

struct Story {
    folder: tempfile::TempDir,
    core: Core,
    node: Node,
    eve: Eve,
    ledger: Ledger,
}

impl Story {
    /// A node that has read the first lines, and is down.
    fn begin() -> Self {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("eve.json");
        let ledger = Ledger::default();
        let mut core = Core::start(folder.path(), "");
        let client = core.new_client("Acme");
        let token = core.new_token(client);
        let mut eve = Eve::new(&path, 3, ledger.clone());
        let sources = format!("[[source]]\nkind = \"suricata\"\npath = {path:?}\nstart = \"beginning\"\n");
        let mut node = Node::new(&folder.path().join("node"), &sources);
        node.enrol(&token);
        eve.write(500);
        node.launch();
        let mut story = Self { folder, core, node, eve, ledger };
        story.eve.finish_line();
        story.wait_for_all();
        assert_eq!(story.node.stop(), Some(0), "SIGTERM ends a node with exit code 0");
        story
    }

    fn wait_for_all(&self) {
        let wrote = self.ledger.counts();
        wait_for("everything at the core", LIMIT, || (at_the_core(&self.core.data) == wrote).then_some(()));
    }

    fn rotate_three_times(&mut self) {
        for _ in 0..3 {
            self.eve.write(300);
            self.eve.rename();
        }
        self.eve.write(100);
        self.eve.finish_line();
    }
}

#[test]
fn three_rotations_while_the_node_is_down_lose_nothing() {
    let mut story = Story::begin();
    story.rotate_three_times();
    story.node.launch();
    story.wait_for_all();
}

#[test]
fn a_generation_deleted_unread_shows_as_a_gap() {
    let mut story = Story::begin();
    story.rotate_three_times();
    // The newest rotated generation: written and rotated while the node was down.
    std::fs::remove_file(story.folder.path().join("eve.json.2")).expect("remove");
    story.node.launch();
    let gap = wait_for("an alert about the gap", LIMIT, || {
        let page = story.core.get("/alerts?q=source:socme%20rule:gap");
        page["alerts"].as_array().and_then(|alerts| alerts.first().cloned())
    });
    assert_eq!(gap["severity"], Value::from("high"));
    let wrote: u64 = story.ledger.total();
    let has: u64 = at_the_core(&story.core.data).values().sum();
    assert!(has < wrote, "what was deleted is gone, and is said to be: {has} of {wrote}");
}
