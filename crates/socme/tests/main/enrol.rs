//! Enrolling with `sudo`: what it makes belongs to whom the data folder belongs, as whom the service runs.

use std::fs::{Permissions, set_permissions, symlink_metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::support::core::Core;
use crate::support::node::Node;
use crate::support::socme;

/// Everything in a folder, and the folder itself.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in std::fs::read_dir(folder).expect("read folder").map(|entry| entry.expect("entry").path()) {
        if entry.is_dir() { found.extend(all(&entry)) } else { found.push(entry) }
    }
    found
}

fn mode(path: &Path) -> u32 {
    symlink_metadata(path).expect("metadata").mode() & 0o777
}

#[test]
fn what_root_enrols_belongs_to_whom_the_folder_belongs() {
    let folder = tempfile::tempdir().expect("tempdir");
    // The owner must be able to reach its folder, as the service's user can.
    set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("chmod");
    let mut core = Core::start(folder.path(), "");
    let client = core.new_client("Acme");
    let node = Node::new(&folder.path().join("node"), "");
    std::fs::create_dir(&node.data).expect("create");
    set_permissions(&node.data, Permissions::from_mode(0o700)).expect("chmod");
    // Only root can give a folder away. Anybody else enrols for themselves.
    let me = rustix::process::geteuid().as_raw();
    let owner = if me == 0 { 65534 } else { me };
    chown(&node.data, Some(owner), None).expect("chown");
    node.enrol(&core.new_token(client));
    let of_the_owner = |node: &Node| {
        let made = all(&node.data);
        for name in ["identity", "identity/key.pem", "identity/node.json", "identity/node.pem", "spool.db"] {
            assert!(made.contains(&node.data.join(name)), "{name} is not there: {made:?}");
        }
        for path in made {
            assert_eq!(symlink_metadata(&path).expect("metadata").uid(), owner, "{}", path.display());
        }
        assert_eq!((mode(&node.data.join("identity")), mode(&node.data.join("identity/key.pem"))), (0o700, 0o600));
        assert_eq!(mode(&node.data.join("spool.db")), 0o600);
    };
    of_the_owner(&node);

    // As an earlier version left it: root's files in another's folder.
    let key = std::fs::read(node.data.join("identity/key.pem")).expect("read");
    for path in all(&node.data).iter().skip(1) {
        chown(path, Some(me), None).expect("chown");
    }
    let token = core.new_token(client);
    let again = socme().args(["node", "enrol", "--force", &token, "--config"]).arg(&node.config).output().expect("run");
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_ne!(std::fs::read(node.data.join("identity/key.pem")).expect("read"), key, "a new enrolment has a new key");
    of_the_owner(&node);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_the_token_is_used() {
    let folder = tempfile::tempdir().expect("tempdir");
    let mut core = Core::start(folder.path(), "");
    let client = core.new_client("Acme");
    let token = core.new_token(client);
    let node = Node::new(&folder.path().join("node"), "");
    // A file stands where the folder of the identity must be.
    std::fs::create_dir(&node.data).expect("create");
    std::fs::write(node.data.join("identity"), "").expect("write");
    let refused = socme().args(["node", "enrol", &token, "--config"]).arg(&node.config).output().expect("run");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("identity cannot be made"), "{said}");
    std::fs::remove_file(node.data.join("identity")).expect("remove");
    node.enrol(&token);
}
