//! A disk that is full: nothing is lost, the state is said, and all goes on by itself when there is room again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::core::Core;
use crate::support::ledger::{Ledger, at_the_core};
use crate::support::node::Node;
use crate::support::sources::Eve;
use crate::support::wait_for;

/// A small file system in memory, unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, mebibytes: u32) -> Self {
        std::fs::create_dir_all(at).expect("create");
        let size = format!("size={mebibytes}m,mode=0700");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "socme-test"]).arg(at).status();
        assert!(done.expect("mount").success(), "this test mounts a small tmpfs and so needs root");
        Self(at.to_owned())
    }

    fn fill(&self) {
        let mut left = 64 << 20;
        let path = self.0.join("ballast");
        let mut out = std::fs::File::create(path).expect("create");
        while left > 0 && std::io::Write::write_all(&mut out, &[7; 4096]).is_ok() {
            left -= 4096;
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("ballast")).expect("remove");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_full_disk_on_the_node_stops_its_sources_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("tempdir");
    let disk = SmallDisk::mount(&folder.path().join("node"), 24);
    story(folder.path(), &disk, |status| {
        status.pointer("/spool/error").and_then(|e| e.as_str()).is_some_and(|e| e.contains("disk"))
    });
}

#[test]
fn a_full_disk_on_the_core_is_said_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("tempdir");
    let disk = SmallDisk::mount(&folder.path().join("core"), 24);
    story(folder.path(), &disk, |status| {
        status.pointer("/uplink/error").and_then(|e| e.as_str()).is_some_and(|e| !e.is_empty())
    });
}

/// Fills the disk while alerts come, waits until the node says so, frees it, and counts.
fn story(folder: &Path, disk: &SmallDisk, said: impl Fn(&serde_json::Value) -> bool) {
    let ledger = Ledger::default();
    let mut core = Core::start(folder, "");
    let client = core.new_client("Acme");
    let token = core.new_token(client);
    let mut eve = Eve::new(&folder.join("eve.json"), 7, ledger.clone());
    let mut node = Node::new(
        &folder.join("node"),
        &format!("[[source]]\nkind = \"suricata\"\npath = {:?}\nstart = \"beginning\"\n", folder.join("eve.json")),
    );
    node.enrol(&token);
    node.launch();
    eve.write(3_000);
    wait_for("the first alerts at the core", LIMIT, || (!at_the_core(&core.data).is_empty()).then_some(()));
    disk.fill();
    wait_for("the node to say that a disk is full", LIMIT, || {
        eve.write(500);
        node.status().filter(|status| said(status))
    });
    eve.finish_line();
    disk.free();
    let wrote = ledger.counts();
    wait_for("everything at the core", LIMIT, || (at_the_core(&core.data) == wrote).then_some(()));
    assert!(core.process().alive());
}
