//! Whose the node's data is: the user as whom its service runs. Root may act as that user, so that what it makes there
//! belongs to it, and so that what it is told about rights is what the service would be told.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags};
use rustix::process::{Gid, Uid};
use rustix::thread;

use crate::config::HOME;

/// The user that the package makes for the service.
pub const SERVICE: &str = "socme-node";

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name; its number where it has none.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its own group.
    pub gid: u32,
    /// The other groups that it is in.
    pub groups: Vec<u32>,
}

/// The users and groups of this machine, as its files have them.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    passwd: String,
    group: String,
}

impl Accounts {
    /// Reads them. What cannot be read counts as empty.
    #[must_use]
    pub fn read() -> Self {
        let text = |path| std::fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
        Self { passwd: text("/etc/passwd"), group: text("/etc/group") }
    }

    /// The user with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Account> {
        self.accounts().find(|account| account.name == name).map(|account| self.with_groups(account))
    }

    /// The user with this number. One that has no name is one all the same.
    #[must_use]
    pub fn numbered(&self, uid: u32, gid: u32) -> Account {
        let found = self.accounts().find(|account| account.uid == uid);
        let nameless = || Account { name: uid.to_string(), uid, gid, groups: Vec::new() };
        self.with_groups(found.unwrap_or_else(nameless))
    }

    /// The name of a group; its number where it has none.
    #[must_use]
    pub fn group(&self, gid: u32) -> String {
        let found = rows(&self.group).find(|row| number(row, 2) == Some(gid));
        found.and_then(|row| row.first().map(|name| (*name).to_owned())).unwrap_or_else(|| gid.to_string())
    }

    /// Whose a data folder is; if it is not there yet, whose it will be: the package's belongs to its service.
    #[must_use]
    pub fn of_data(&self, data: &Path) -> Option<Account> {
        match std::fs::metadata(data) {
            Ok(found) => Some(self.numbered(found.uid(), found.gid())),
            Err(_) if data == Path::new(HOME) => self.named(SERVICE),
            Err(_) => None,
        }
    }

    fn accounts(&self) -> impl Iterator<Item = Account> {
        rows(&self.passwd).filter_map(|row| {
            let (name, uid, gid) = ((*row.first()?).to_owned(), number(&row, 2)?, number(&row, 3)?);
            Some(Account { name, uid, gid, groups: Vec::new() })
        })
    }

    fn with_groups(&self, mut account: Account) -> Account {
        let of = |row: &Vec<&str>| row.get(3).is_some_and(|names| names.split(',').any(|n| n.trim() == account.name));
        account.groups = rows(&self.group).filter(of).filter_map(|row| number(&row, 2)).collect();
        account
    }
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect())
}

fn number(row: &[&str], at: usize) -> Option<u32> {
    row.get(at)?.parse().ok()
}

impl Account {
    /// True if this program runs as this user.
    #[must_use]
    pub fn is_me(&self) -> bool {
        rustix::process::geteuid().as_raw() == self.uid
    }

    /// Does something with the rights of this user, which only root can if it is another one.
    ///
    /// # Errors
    /// When this program may not act as that user.
    pub fn act<T: Send>(&self, what: impl FnOnce() -> T + Send) -> io::Result<T> {
        if self.is_me() {
            return Ok(what());
        }
        // Rights belong to a thread: one of its own takes them, and ends with them.
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                self.become_it()?;
                Ok(what())
            });
            other.join().unwrap_or_else(|_| Err(io::Error::other("what was done as another user failed")))
        })
    }

    /// Gives this user what root has made in a folder of this user's, and in the folders right in it.
    ///
    /// The folder is in others' hands: a name in it may become another file at any moment. So only what was opened is
    /// judged and given; no link is followed, and no file that has a second name somewhere else is given.
    ///
    /// # Errors
    /// When it cannot be looked at or given.
    pub fn take_over(&self, folder: &Path) -> io::Result<()> {
        let top = open(fs::CWD, folder, OFlags::DIRECTORY)?;
        for inner in self.take_over_in(&top)? {
            self.take_over_in(&inner)?;
        }
        Ok(())
    }

    /// The folders in the folder.
    fn take_over_in(&self, folder: &OwnedFd) -> io::Result<Vec<OwnedFd>> {
        let mut folders = Vec::new();
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let file = open(folder, name, OFlags::PATH)?;
            let found = fs::fstat(&file)?;
            let is_folder = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
            if found.st_uid == 0 && (is_folder || found.st_nlink == 1) {
                let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
                fs::chownat(&file, c"", Some(uid), Some(gid), AtFlags::EMPTY_PATH)?;
            }
            if is_folder {
                folders.push(open(folder, name, OFlags::DIRECTORY)?);
            }
        }
        Ok(folders)
    }

    fn become_it(&self) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let groups: Vec<Gid> = self.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
        thread::set_thread_groups(&groups)?;
        thread::set_thread_res_gid(gid, gid, gid)?;
        Ok(thread::set_thread_res_uid(uid, uid, uid)?)
    }
}

/// Opens something, but no link.
fn open(at: impl AsFd, path: impl rustix::path::Arg, how: OFlags) -> io::Result<OwnedFd> {
    Ok(fs::openat(at, path, how | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts {
            passwd: "root:x:0:0:root:/root:/bin/bash\nbroken\nsocme-node:x:998:997:SOCme node:/var/lib/socme-node:/x\n"
                .into(),
            group: "root:x:0:\nwazuh:x:111:ossec,socme-node\nsocme-node:x:997:\nsuricata:x:112:socme-nodes\n".into(),
        }
    }

    #[test]
    fn a_user_is_found_with_its_groups() {
        let service = accounts().named(SERVICE).unwrap();
        assert_eq!((service.uid, service.gid, service.groups.as_slice()), (998, 997, &[111][..]));
        assert_eq!(accounts().numbered(998, 5), service);
        assert_eq!(accounts().numbered(4242, 5).name, "4242");
        assert_eq!((accounts().group(111), accounts().group(7)), ("wazuh".into(), "7".into()));
        assert_eq!(accounts().named("nobody"), None);
    }

    #[test]
    fn root_acts_as_another_user_and_stays_root() {
        let nobody = Account { name: "nobody".into(), uid: 65534, gid: 65534, groups: Vec::new() };
        let me = rustix::process::geteuid();
        let acted = nobody.act(|| rustix::process::geteuid().as_raw());
        if me.is_root() || nobody.is_me() {
            assert_eq!(acted.unwrap(), 65534);
        } else {
            assert_eq!(acted.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        }
        assert_eq!(rustix::process::geteuid(), me);
    }

    #[test]
    fn what_root_left_in_a_users_folder_is_given_but_no_link_and_no_file_from_elsewhere() {
        let outside = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (there, here) = (outside.path().join("shadow"), folder.path());
        std::fs::write(&there, "secret").unwrap();
        std::fs::create_dir(here.join("identity")).unwrap();
        std::fs::write(here.join("identity/key.pem"), "key").unwrap();
        std::fs::write(here.join("spool.db"), "spool").unwrap();
        std::os::unix::fs::symlink(&there, here.join("identity/ca.pem")).unwrap();
        std::fs::hard_link(&there, here.join("spool.db-wal")).unwrap();
        let nobody = Account { name: "nobody".into(), uid: 65534, gid: 65534, groups: Vec::new() };
        let given = nobody.take_over(here);
        let me = rustix::process::geteuid().as_raw();
        let uid = |path: &Path| std::fs::metadata(path).unwrap().uid();
        assert_eq!(uid(&there), me, "a file outside is given away");
        // Only root has anything to give.
        let after = if me == 0 { 65534 } else { me };
        given.unwrap();
        assert_eq!(["spool.db", "identity", "identity/key.pem"].map(|name| uid(&here.join(name))), [after; 3]);
    }
}
