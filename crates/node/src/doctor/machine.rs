//! The machine: is there disk for the spool and for the logs, is there memory?

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Node;
use super::finding::{Check, Finding};
use crate::health::Machine;
use crate::status::size;

const DISK: Check = Check::new("Machine", "disk");
const ROOM: Check = Check::new("Machine", "spool-room");
const MEMORY: Check = Check::new("Machine", "memory");

/// With less than this the spool soon stops.
const LEAST: u64 = 100 << 20;
/// With less than this share of a disk, in per cent, it deserves a look.
const LITTLE: u64 = 5;
/// With less memory than this the kernel may soon end something.
const LEAST_MEMORY: u64 = 128 << 20;

const MAKE_ROOM: &str = "make room: sudo journalctl --vacuum-size=200M; keep fewer rotated logs in /etc/logrotate.d";

/// Disks and memory.
pub(super) fn look(node: &Node) -> Vec<Finding> {
    let data = &node.config.data;
    let mut findings = Vec::new();
    for (what, folder) in folders(node) {
        if let Ok(found) = rustix::fs::statvfs(&folder) {
            let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
            // Some file systems do not count their files.
            let files = (found.f_files > 0).then_some(found.f_favail);
            findings.push(disk(
                &format!("{what} ({})", folder.display()),
                bytes(found.f_bavail),
                bytes(found.f_blocks),
                files,
            ));
        }
    }
    if let Ok(found) = rustix::fs::statvfs(existing(data)) {
        let used = std::fs::metadata(data.join("spool.db")).map_or(0, |spool| spool.len());
        findings.push(room(node.config.spool.limit.0, used, found.f_bavail.saturating_mul(found.f_frsize)));
    }
    if let Ok(mut machine) = Machine::new(data) {
        let look = machine.look();
        findings.push(memory(look.memory_used, look.memory_total));
    }
    findings
}

/// One folder of each disk that the node needs, and what for.
fn folders(node: &Node) -> Vec<(&'static str, PathBuf)> {
    let logs =
        node.config.source.iter().filter_map(|source| source.path.parent()).map(|logs| ("the logs", existing(logs)));
    let mut seen = Vec::new();
    let mut found = vec![("the node's data", existing(&node.config.data))];
    found.extend(logs);
    found.retain(|(_, folder)| {
        let device = std::fs::metadata(folder).map(|found| found.dev()).ok();
        let new = device.is_some() && !seen.contains(&device);
        seen.push(device);
        new
    });
    found
}

/// The folder, or the nearest above it that is there: they share a disk.
fn existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/")).to_owned()
}

fn disk(what: &str, free: u64, total: u64, files: Option<u64>) -> Finding {
    let says = format!("the disk with {what} has {} of {} free", size(free), size(total));
    if files == Some(0) {
        return DISK.wrong(format!("the disk with {what} takes no more files (no free inodes)"), MAKE_ROOM);
    }
    // A disk that is itself small is full when a twentieth is left.
    if free < LEAST.min(total / 20) {
        return DISK.wrong(says, MAKE_ROOM);
    }
    if free < total / 100 * LITTLE {
        return DISK.warning(says, MAKE_ROOM);
    }
    DISK.fine(says)
}

fn room(limit: u64, used: u64, free: u64) -> Finding {
    let more = limit.saturating_sub(used);
    if more > free {
        return ROOM.warning(
            format!(
                "the spool may grow by {}, but its disk has {} free: a core that is away for long fills the disk",
                size(more),
                size(free)
            ),
            format!(
                "make room, or write limit = \"{} MiB\" under [spool] in /etc/socme/node.toml",
                ((used + free / 2) >> 20).max(16)
            ),
        );
    }
    ROOM.fine(format!("there is room for the whole spool, {}", size(limit)))
}

fn memory(used: u64, total: u64) -> Finding {
    let free = total.saturating_sub(used);
    let says = format!("{} of {} of memory are available", size(free), size(total));
    if free < LEAST_MEMORY.min(total / 10) {
        return MEMORY.warning(says, "give the machine more memory, or Suricata less: fewer rules, smaller memcaps");
    }
    MEMORY.fine(says)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_full_disk_is_wrong_and_a_nearly_full_one_deserves_a_look() {
        let state = |free, total| disk("x", free, total, Some(9)).state;
        assert_eq!(state(50 << 20, 100 * GIB), State::Wrong);
        assert_eq!(state(2 * GIB, 100 * GIB), State::Warning);
        assert_eq!(state(20 * GIB, 100 * GIB), State::Fine);
        assert_eq!((state(60 << 20, GIB / 2), state(1 << 20, GIB / 2)), (State::Fine, State::Wrong));
        assert_eq!(disk("x", GIB, GIB, Some(0)).state, State::Wrong);
        assert_eq!(disk("x", GIB, GIB, None).state, State::Fine);
    }

    #[test]
    fn a_spool_that_outgrows_its_disk_is_told_with_a_limit_that_fits() {
        let found = room(GIB, 0, GIB / 2);
        assert_eq!(found.state, State::Warning);
        assert!(found.mend.unwrap().contains("256 MiB"));
        assert_eq!(room(GIB, GIB / 2, GIB / 2).state, State::Fine);
        assert_eq!((memory(GIB, GIB).state, memory(GIB / 2, GIB).state), (State::Warning, State::Fine));
    }

    #[test]
    fn a_folder_that_is_not_there_yet_stands_for_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(existing(&folder.path().join("a/b")), folder.path());
    }
}
