//! Which generations of a file there are, oldest first.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{Family, Spec, names};

/// How a generation is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
    /// In a way that cannot be read here.
    Foreign(&'static str),
}

/// One file of the family.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    pub(crate) path: PathBuf,
    pub(crate) packing: Packing,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
    pub(crate) order: Order,
    /// The date in a name that it keeps for good (Wazuh's, the live one's too); else empty.
    pub(crate) date: String,
}

/// Older sorts first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// By the digits of its date.
    Dated(String),
    /// By its number, the highest being the oldest.
    Numbered(Reverse<u32>),
    Live,
}

impl Generation {
    fn at(path: PathBuf, packing: Packing, order: Order) -> io::Result<Option<Self>> {
        let meta = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if !meta.is_file() {
            return Ok(None);
        }
        let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let (device, inode, size) = (meta.dev(), meta.ino(), meta.len());
        Ok(Some(Self { path, packing, device, inode, size, modified, order, date: String::new() }))
    }

    /// True if it is this very file.
    pub(crate) fn is(&self, device: u64, inode: u64) -> bool {
        self.device == device && self.inode == inode
    }

    pub(crate) fn live(&self) -> bool {
        self.order == Order::Live
    }

    pub(crate) fn plain(&self) -> bool {
        self.packing == Packing::Plain
    }
}

/// All generations, oldest first. A generation that is there plain and compressed (compression is under way) is listed
/// once, plain. Wazuh's that are older than `since` are left out: they are kept for years.
pub(crate) fn list(spec: &Spec, since: &str) -> io::Result<Vec<Generation>> {
    let mut found = match spec.family {
        Family::Logrotate => rotated(&spec.path)?,
        Family::WazuhDaily => daily(&spec.path, since)?,
    };
    // After a change between dates and numbers both are there: the group that was written last is the newer one.
    let newest = |dated| {
        let group = found.iter().filter(|g| matches!(g.order, Order::Dated(_)) == dated);
        group.map(|g| g.modified).max()
    };
    let dates_last = newest(true) > newest(false);
    let rank = |g: &Generation| matches!(g.order, Order::Dated(_)) == dates_last;
    found.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| (&a.order, a.packing).cmp(&(&b.order, b.packing))));
    found.dedup_by(|later, earlier| later.order == earlier.order);
    if let Some(mut live) = Generation::at(spec.path.clone(), Packing::Plain, Order::Live)? {
        // Wazuh's live name is a hard link to the newest dated file: the same generation.
        found.retain(|g| {
            let same = g.is(live.device, live.inode);
            if same {
                live.date.clone_from(&g.date);
            }
            !same
        });
        found.push(live);
    }
    Ok(found)
}

/// True if the live name is this file.
pub(crate) fn is_live(path: &Path, device: u64, inode: u64) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.dev() == device && meta.ino() == inode)
}

fn rotated(path: &Path) -> io::Result<Vec<Generation>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else {
        return Ok(Vec::new());
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut found = Vec::new();
    for (file, path) in entries(folder)? {
        let Some((order, packing)) = names::rotated(name, &file) else { continue };
        found.extend(Generation::at(path, packing, order)?);
    }
    Ok(found)
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn daily(path: &Path, since: &str) -> io::Result<Vec<Generation>> {
    let Some(root) = path.parent() else { return Ok(Vec::new()) };
    let older = |key: &str| since.get(..key.len()).is_some_and(|since| key < since);
    let mut found = Vec::new();
    for (year, folder) in entries(root)? {
        if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) || older(&year) {
            continue;
        }
        for (month, folder) in entries(&folder)? {
            let Some(month) = MONTHS.iter().position(|m| *m == month) else { continue };
            let month = format!("{year}{:02}", month + 1);
            if older(&month) {
                continue;
            }
            for (file, path) in entries(&folder)? {
                let Some((day, packing)) = names::daily(&file) else { continue };
                let date = format!("{month}{day}");
                if !older(&date) {
                    let generation = Generation::at(path, packing, Order::Dated(date.clone()))?;
                    found.extend(generation.map(|generation| Generation { date, ..generation }));
                }
            }
        }
    }
    Ok(found)
}

/// What is in a folder. Nothing, if it is not there or no folder.
fn entries(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        found.extend(entry.file_name().into_string().ok().map(|name| (name, entry.path())));
    }
    Ok(found)
}
