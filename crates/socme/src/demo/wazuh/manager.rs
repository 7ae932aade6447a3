//! The life of `alerts.json`, as a 4.x manager leads it.
//!
//! The name is a hard link to the file of the day, `2026/Nov/ossec-alerts-24.json`. At local midnight the manager closes
//! that file, opens the next, and links the name anew: the inode changes, the old file is neither renamed nor cut. Ten
//! seconds later it is compressed and removed. Lines are flushed about once a second, so that a half line may stand at
//! the end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::ZonedDateTime;

/// A manager's alerts on disk.
#[derive(Debug)]
pub(crate) struct Manager {
    folder: PathBuf,
    day: PathBuf,
    file: File,
    /// Written, not yet flushed.
    pending: Vec<u8>,
    /// Bytes in the file of the day; stands in each alert's id, as with a manager that keeps no `alerts.log`.
    offset: u64,
    /// A file of yesterday that waits to be compressed, and since when.
    waiting: Option<(PathBuf, ZonedDateTime)>,
}

/// How long the manager waits after midnight before it compresses.
const DAY_WAIT: i64 = 10;

impl Manager {
    /// Opens the file of the day in `folder`, and links the live name to it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn open(folder: &Path, now: &ZonedDateTime) -> io::Result<Self> {
        let day = dated(folder, now);
        let file = open(&day)?;
        link(folder, &day)?;
        let offset = file.metadata()?.len();
        Ok(Self { folder: folder.to_owned(), day, file, pending: Vec::new(), offset, waiting: None })
    }

    /// The file that a node reads.
    pub(crate) fn live(&self) -> PathBuf {
        self.folder.join("alerts.json")
    }

    /// The id of the next alert.
    pub(crate) fn next_id(&self, now: &ZonedDateTime) -> String {
        format!("{}.{}", now.timestamp().as_second(), self.offset)
    }

    /// Takes one alert; it is on disk after the next [`Manager::tick`].
    pub(crate) fn write(&mut self, alert: &serde_json::Value) {
        let line = format!("{alert}\n");
        self.offset += line.len() as u64;
        self.pending.extend_from_slice(line.as_bytes());
    }

    /// What the manager does about once a second: flush, begin a new day, compress the old one.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn tick(&mut self, now: &ZonedDateTime) -> io::Result<()> {
        self.file.write_all(&self.pending)?;
        self.pending.clear();
        let today = dated(&self.folder, now);
        if today != self.day {
            self.file = open(&today)?;
            link(&self.folder, &today)?;
            self.offset = self.file.metadata()?.len();
            let yesterday = std::mem::replace(&mut self.day, today);
            self.waiting = Some((yesterday, now.clone()));
        }
        if let Some((file, _)) =
            self.waiting.take_if(|(_, since)| now.timestamp().as_second() - since.timestamp().as_second() >= DAY_WAIT)
        {
            compress(&file)?;
        }
        Ok(())
    }
}

fn dated(folder: &Path, now: &ZonedDateTime) -> PathBuf {
    folder.join(now.strftime("%Y/%b/ossec-alerts-%d.json").to_string())
}

fn open(day: &Path) -> io::Result<File> {
    if let Some(folder) = day.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().append(true).create(true).open(day)
}

/// For a moment there is no `alerts.json`, exactly as with a manager.
fn link(folder: &Path, day: &Path) -> io::Result<()> {
    let live = folder.join("alerts.json");
    match fs::remove_file(&live) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::hard_link(day, live)
}

fn compress(file: &Path) -> io::Result<()> {
    let text = fs::read(file)?;
    if text.is_empty() {
        return fs::remove_file(file);
    }
    let mut packed = file.as_os_str().to_owned();
    packed.push(".gz");
    let mut packer = flate2::write::GzEncoder::new(File::create(&packed)?, flate2::Compression::default());
    packer.write_all(&text)?;
    packer.finish()?;
    fs::remove_file(file)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::MetadataExt;

    use serde_json::json;

    use super::*;

    fn at(text: &str) -> ZonedDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn midnight_links_the_name_anew_and_packs_yesterday() {
        let folder = tempfile::tempdir().unwrap();
        let evening = at("2026-11-30T23:59:59+01:00[Europe/Paris]");
        let mut manager = Manager::open(folder.path(), &evening).unwrap();
        manager.write(&json!({"id": manager.next_id(&evening)}));
        assert_eq!(fs::read(manager.live()).unwrap(), b"", "nothing is on disk before the manager flushes");
        manager.tick(&evening).unwrap();
        let before = fs::metadata(manager.live()).unwrap();
        assert_eq!(before.nlink(), 2);

        manager.tick(&at("2026-12-01T00:00:00+01:00[Europe/Paris]")).unwrap();
        let after = fs::metadata(manager.live()).unwrap();
        assert_ne!(before.ino(), after.ino());
        assert!(folder.path().join("2026/Nov/ossec-alerts-30.json").exists(), "kept for {DAY_WAIT} seconds");

        manager.tick(&at("2026-12-01T00:00:11+01:00[Europe/Paris]")).unwrap();
        assert!(!folder.path().join("2026/Nov/ossec-alerts-30.json").exists());
        let packed = File::open(folder.path().join("2026/Nov/ossec-alerts-30.json.gz")).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("{\"id\":\"1796079599.0\"}"), "{text}");
    }
}
