//! Which generations of a file there are, oldest first.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{Family, Spec};

/// How a generation is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
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
}

/// Older sorts first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// By the digits of its date.
    Dated(String),
    /// By its number, the highest being the oldest.
    Numbered(std::cmp::Reverse<u32>),
    Live,
}

impl Generation {
    fn at(path: PathBuf, packing: Packing, order: Order) -> Option<Self> {
        let meta = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some(Self { path, packing, device: meta.dev(), inode: meta.ino(), size: meta.len(), modified, order })
    }

    pub(crate) fn is(&self, device: u64, inode: u64) -> bool {
        self.packing == Packing::Plain && self.device == device && self.inode == inode
    }

    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// All generations, oldest first. A generation that is there plain and compressed (compression is under way) is listed once, plain.
pub(crate) fn list(spec: &Spec) -> io::Result<Vec<Generation>> {
    let mut found = match spec.family {
        Family::Logrotate => rotated(&spec.path)?,
        Family::WazuhDaily => daily(&spec.path),
    };
    found.sort_by(|a, b| a.order.cmp(&b.order).then((a.packing as u8).cmp(&(b.packing as u8))));
    found.dedup_by(|later, earlier| later.order == earlier.order);
    if let Some(live) = Generation::at(spec.path.clone(), Packing::Plain, Order::Live) {
        // Wazuh's live name is a hard link to the newest dated file: the same generation.
        found.retain(|g| !g.is(live.device, live.inode));
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
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let file = entry.file_name();
        let Some((order, packing)) = file.to_str().and_then(|file| rotated_name(name, file)) else { continue };
        found.extend(Generation::at(entry.path(), packing, order));
    }
    Ok(found)
}

/// Reads `name.1`, `name-20261124`, `name.2.gz`, and with logrotate's `extension`: `stem-20261124.json`, `stem.1.json.gz`.
fn rotated_name(name: &str, file: &str) -> Option<(Order, Packing)> {
    let (plain, packing) = unpacked(file);
    let middle = plain.strip_prefix(name).or_else(|| {
        let (stem, extension) = name.rsplit_once('.')?;
        plain.strip_prefix(stem)?.strip_suffix(extension)?.strip_suffix('.')
    })?;
    let mark = middle.strip_prefix(['.', '-', '_'])?;
    if let Ok(number @ 0..100_000) = mark.parse::<u32>() {
        return Some((Order::Numbered(std::cmp::Reverse(number)), packing));
    }
    let dated = mark.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | '_' | ':' | 'T'));
    let digits: String = mark.chars().filter(char::is_ascii_digit).collect();
    (dated && digits.len() >= 6).then_some((Order::Dated(digits), packing))
}

fn unpacked(file: &str) -> (&str, Packing) {
    if let Some(plain) = file.strip_suffix(".gz") {
        (plain, Packing::Gzip)
    } else if let Some(plain) = file.strip_suffix(".zst") {
        (plain, Packing::Zstd)
    } else {
        (file, Packing::Plain)
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn daily(path: &Path) -> Vec<Generation> {
    let Some(root) = path.parent() else { return Vec::new() };
    let mut found = Vec::new();
    for (year, folder) in folders(root) {
        if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        for (month, folder) in folders(&folder) {
            let Some(month) = MONTHS.iter().position(|m| *m == month) else { continue };
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let file = entry.file_name();
                let Some((day, packing)) = file.to_str().and_then(daily_name) else { continue };
                let order = Order::Dated(format!("{year}{month:02}{day}"));
                found.extend(Generation::at(entry.path(), packing, order));
            }
        }
    }
    found
}

/// Reads `ossec-alerts-DD.json` and `ossec-alerts-DD-NNN.json`, compressed or not, as `DDNNN`.
fn daily_name(file: &str) -> Option<(String, Packing)> {
    let (plain, packing) = unpacked(file);
    let mark = plain.strip_prefix("ossec-alerts-")?.strip_suffix(".json")?;
    let (day, part) = mark.split_once('-').unwrap_or((mark, "0"));
    let (day, part) = (day.parse::<u32>().ok()?, part.parse::<u32>().ok()?);
    Some((format!("{day:02}{part:06}"), packing))
}

fn folders(root: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path()))).collect()
}
