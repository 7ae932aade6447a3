//! May the service's user read a log? It is tried with that user's rights, so that whatever decides has its say.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::Node;
use super::finding::{AS_ROOT, Check, Finding, quoted};
use crate::owner::Account;

/// Whether the service's user may read `path` and see what lies beside it, which is how rotated files are found.
pub(super) fn look(node: &Node, path: &Path, group: &str) -> Finding {
    let check = Check::of(group, "source-rights");
    let Some(user) = &node.service else {
        return check.not_applicable("there is no user yet as whom the node would run");
    };
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match user.act(|| closed(&real)) {
        Err(_) => check.unknown(format!("whether {} may read it is for root to try", user.name), AS_ROOT),
        Ok(None) => check.fine(format!("{}, as whom the node runs, may read it", user.name)),
        Ok(Some(closed)) => {
            let says = format!("{}, as whom the node runs, may not read {}", user.name, closed.display());
            check.wrong(says, mend(node, user, &closed, &real))
        }
    }
}

/// The first thing on the way to a file, or the file itself, that may not be read.
fn closed(path: &Path) -> Option<PathBuf> {
    let denied = |folder: &Path, access| rustix::fs::access(folder, access) == Err(rustix::io::Errno::ACCESS);
    let mut folders: Vec<&Path> = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
    folders.reverse();
    let last = folders.last().copied();
    for folder in folders {
        let access = if Some(folder) == last { Access::READ_OK | Access::EXEC_OK } else { Access::EXEC_OK };
        if denied(folder, access) {
            return Some(folder.to_owned());
        }
    }
    File::open(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied).then(|| path.to_owned())
}

/// The group that may, if there is one; otherwise this user alone, also for the files that come.
fn mend(node: &Node, user: &Account, closed: &Path, log: &Path) -> String {
    let name = &user.name;
    if let Ok(found) = std::fs::metadata(closed) {
        let needed = if found.is_dir() { 0o050 } else { 0o040 };
        let member = user.gid == found.gid() || user.groups.contains(&found.gid());
        if found.mode() & needed == needed && found.gid() != 0 && !member {
            let group = node.accounts.group(found.gid());
            return format!("sudo usermod -aG {group} {name} && sudo systemctl restart socme-node");
        }
    }
    let folder = log.parent().unwrap_or(log);
    if closed != log && closed != folder {
        return format!("sudo setfacl -m u:{name}:x {}", quoted(closed));
    }
    let (log, folder) = (quoted(log), quoted(folder));
    format!("sudo setfacl -m u:{name}:rX {folder} {log} && sudo setfacl -d -m u:{name}:r {folder} (package acl)")
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use crate::owner::Accounts;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn node(user: Account) -> Node {
        Node {
            config: Default::default(),
            accounts: Accounts::default(),
            service: Some(user),
            status: None,
            runs: false,
            now: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_group_that_may_read_is_named_and_otherwise_an_acl() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("eve.json");
        fs::write(&log, "").unwrap();
        let mode = |mode| fs::set_permissions(&log, Permissions::from_mode(mode)).unwrap();
        let user = Account { name: "socme-node".into(), uid: 4242, gid: 4242, groups: Vec::new() };
        let node = node(user.clone());
        mode(0o640);
        let gid = fs::metadata(&log).unwrap().gid();
        let by_group = mend(&node, &user, &log, &log);
        if gid == 0 {
            assert!(by_group.contains("setfacl"), "nobody joins root's group: {by_group}");
        } else {
            assert!(by_group.starts_with(&format!("sudo usermod -aG {gid} socme-node")), "{by_group}");
        }
        mode(0o600);
        assert!(mend(&node, &user, &log, &log).starts_with("sudo setfacl -m u:socme-node:rX "));
    }

    #[test]
    fn what_this_user_may_read_is_fine_and_what_another_may_is_for_root_to_try() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("eve.json");
        fs::write(&log, "").unwrap();
        let me = rustix::process::geteuid().as_raw();
        let own = Account { name: "me".into(), uid: me, gid: me, groups: Vec::new() };
        assert_eq!(look(&node(own), &log, "x").state, State::Fine);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        let other = Account { name: "other".into(), uid: 4242, gid: 4242, groups: Vec::new() };
        let found = look(&node(other), &log, "x");
        if me == 0 {
            assert_eq!(found.state, State::Wrong);
            assert!(found.says.contains(folder.path().to_str().unwrap()), "{}", found.says);
        } else {
            assert_eq!(found.state, State::Unknown);
        }
    }
}
