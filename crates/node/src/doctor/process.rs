//! Suricata's processes, as `/proc` shows them.

use std::fs;
use std::path::{Path, PathBuf};

/// Where Suricata looks for its configuration unless told otherwise.
const USUAL: &str = "/etc/suricata/suricata.yaml";

/// A process that is Suricata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suricata {
    pub(super) pid: u32,
    /// Its configuration file.
    pub(super) config: PathBuf,
    /// Whether it has the log open; none if this user may not see that.
    pub(super) writes: Option<bool>,
}

/// The process that writes `log`; if none does, any Suricata.
pub(super) fn find(proc: &Path, log: &Path) -> Option<Suricata> {
    let log = log.canonicalize().unwrap_or_else(|_| log.to_owned());
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let found = pids.filter_map(|pid| look(proc, pid, &log));
    found.max_by_key(|one| (one.writes == Some(true), std::cmp::Reverse(one.pid)))
}

fn look(proc: &Path, pid: u32, log: &Path) -> Option<Suricata> {
    let folder = proc.join(pid.to_string());
    let name = fs::read_to_string(folder.join("comm")).ok()?;
    if !is_suricata(name.trim()) {
        return None;
    }
    let config = config(&fs::read(folder.join("cmdline")).unwrap_or_default());
    let writes = open_files(&folder.join("fd")).map(|files| files.iter().any(|file| file == log));
    Some(Suricata { pid, config, writes })
}

/// Whether processes of other users are hidden from this one.
pub(super) fn hidden(proc: &Path) -> bool {
    !proc.join("1/comm").exists()
}

/// The main thread gives itself another name than its program.
fn is_suricata(name: &str) -> bool {
    name == "suricata" || name == "Suricata-Main"
}

/// The files that a process has open; none if this user may not see them.
fn open_files(folder: &Path) -> Option<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).ok()?;
    Some(entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).collect())
}

/// The configuration file on a command line, whose words end with zero bytes.
fn config(cmdline: &[u8]) -> PathBuf {
    let mut words = cmdline.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    while let Some(word) = words.next() {
        if word == "-c" {
            return words.next().filter(|next| !next.is_empty()).map_or(USUAL.into(), |next| next.into_owned().into());
        }
        if let Some(path) = word.strip_prefix("-c").filter(|path| path.starts_with('/')) {
            return path.into();
        }
    }
    USUAL.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_configuration_is_the_one_on_the_command_line() {
        let of = |line: &str| config(line.replace(' ', "\0").as_bytes());
        assert_eq!(
            of("/usr/bin/suricata -D --af-packet -c /srv/s.yaml --pidfile /run/s.pid"),
            Path::new("/srv/s.yaml")
        );
        assert_eq!(of("suricata -c/srv/s.yaml"), Path::new("/srv/s.yaml"));
        assert_eq!(of("suricata --af-packet"), Path::new(USUAL));
        assert_eq!(of("suricata -c"), Path::new(USUAL));
        assert_eq!(of(""), Path::new(USUAL));
    }

    #[test]
    fn the_process_that_writes_the_log_is_found_among_others() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().canonicalize().unwrap().join("eve.json");
        fs::write(&log, "").unwrap();
        let process = |pid: &str, name: &str, file: &str| {
            let home = folder.path().join(pid);
            fs::create_dir_all(home.join("fd")).unwrap();
            fs::write(home.join("comm"), format!("{name}\n")).unwrap();
            fs::write(home.join("cmdline"), format!("suricata\0-c\0/{pid}.yaml\0")).unwrap();
            symlink(file, home.join("fd/3")).unwrap();
        };
        assert_eq!(find(folder.path(), &log), None);
        process("1", "systemd", "/x");
        assert_eq!(find(folder.path(), &log), None);
        process("20", "Suricata-Main", "/x");
        assert_eq!(find(folder.path(), &log).unwrap().writes, Some(false));
        process("30", "Suricata-Main", &format!("{}.1", log.display()));
        assert_eq!(find(folder.path(), &log).unwrap().writes, Some(false));
        process("40", "suricata", log.to_str().unwrap());
        let found = find(folder.path(), &log).unwrap();
        assert_eq!((found.pid, found.writes, found.config.to_str()), (40, Some(true), Some("/40.yaml")));
    }
}
