//! `alerts.json` through its life, as a program of its own follows it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use wazuh::alerts::{Cursor, Follower, Lost, Start};

/// A manager's folder.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn live(&self) -> PathBuf {
        self.0.path().join("alerts.json")
    }

    /// The file of a day becomes the one that is written: the name is unlinked, then linked to it.
    fn day(&self, name: &str) -> PathBuf {
        let dated = self.0.path().join("2026/May").join(name);
        fs::create_dir_all(dated.parent().unwrap()).unwrap();
        OpenOptions::new().create(true).append(true).open(&dated).unwrap();
        drop(fs::remove_file(self.live()));
        fs::hard_link(&dated, self.live()).unwrap();
        dated
    }

    fn write(&self, text: &str) {
        OpenOptions::new().append(true).open(self.live()).unwrap().write_all(text.as_bytes()).unwrap();
    }
}

/// As monitord does ten seconds after midnight.
fn compress(dated: &Path) {
    let zipped = PathBuf::from(format!("{}.gz", dated.display()));
    let mut gzip = flate2::write::GzEncoder::new(fs::File::create(zipped).unwrap(), flate2::Compression::default());
    gzip.write_all(&fs::read(dated).unwrap()).unwrap();
    gzip.finish().unwrap();
    fs::write(format!("{}.sum", dated.display()), "MD5 (…)").unwrap();
    fs::remove_file(dated).unwrap();
}

/// All lines up to now, and the cursor behind them, stored as text between two lives of the reader.
fn read(folder: &Folder, cursor: Option<&str>, now: SystemTime) -> (Vec<String>, String, Vec<Lost>) {
    let cursor: Option<Cursor> = cursor.map(|text| serde_json::from_str(text).unwrap());
    let mut follower = Follower::open(folder.live(), cursor, Start::Beginning).unwrap();
    let (mut lines, mut lost) = (Vec::new(), Vec::new());
    let mut now = now;
    let mut quiet = 0;
    loop {
        let batch = follower.poll(now).unwrap();
        quiet = if batch.is_empty() { quiet + 1 } else { 0 };
        lines.extend(batch.lines.iter().map(|line| line.text().into_owned()));
        lost.extend(batch.lost);
        follower.stored();
        // Old files are left only when they have been quiet for a while.
        now += Duration::from_secs(5);
        if quiet > 3 {
            return (lines, serde_json::to_string(&batch.cursor).unwrap(), lost);
        }
    }
}

#[test]
fn three_days_of_absence_over_midnights_and_files_of_less_than_a_day_are_read_from_the_exact_line() {
    let folder = Folder::new();
    let now = SystemTime::now();
    let first = folder.day("ossec-alerts-01.json");
    folder.write("{\"n\":1}\n{\"n\":2}\n{\"n\":");
    let (lines, cursor, _) = read(&folder, None, now);
    assert_eq!(lines, ["{\"n\":1}", "{\"n\":2}"], "half a line waits for its end");
    folder.write("3}\n");
    // The reader is away: midnights, a file that was begun anew for its size, compression, and the name gone for a moment.
    let second = folder.day("ossec-alerts-02.json");
    folder.write("{\"n\":4}\n");
    let third = folder.day("ossec-alerts-02-001.json");
    folder.write("{\"n\":5}\n");
    for dated in [&first, &second, &third] {
        compress(dated);
    }
    folder.day("ossec-alerts-04.json");
    folder.write("{\"n\":6}\n");
    let (lines, cursor, lost) = read(&folder, Some(&cursor), now);
    assert_eq!(lines, ["{\"n\":3}", "{\"n\":4}", "{\"n\":5}", "{\"n\":6}"]);
    assert_eq!(lost, []);
    fs::remove_file(folder.live()).unwrap();
    assert_eq!(read(&folder, Some(&cursor), now).0, Vec::<String>::new(), "no file is no error");
    folder.day("ossec-alerts-05.json");
    folder.write("{\"n\":7}\n");
    assert_eq!(read(&folder, Some(&cursor), now).0, ["{\"n\":7}"]);
}

#[test]
fn a_manager_that_is_restarted_on_the_same_day_appends_to_the_same_file() {
    let folder = Folder::new();
    folder.day("ossec-alerts-01.json");
    folder.write("{\"n\":1}\n{\"n\":");
    let (_, cursor, _) = read(&folder, None, SystemTime::now());
    // Killed within a line; the next one follows at once.
    folder.day("ossec-alerts-01.json");
    folder.write("{\"n\":2}\n{\"n\":3}\n");
    let (lines, ..) = read(&folder, Some(&cursor), SystemTime::now());
    assert_eq!(lines, ["{\"n\":{\"n\":2}", "{\"n\":3}"], "the torn one is given too: to be counted");
}

#[test]
fn a_line_beyond_the_limit_is_told_and_the_next_one_read() {
    let folder = Folder::new();
    folder.day("ossec-alerts-01.json");
    folder.write(&format!("{{\"long\":\"{}\"}}\n{{\"n\":1}}\n", "x".repeat(5 << 20)));
    let (lines, _, lost) = read(&folder, None, SystemTime::now());
    assert_eq!(lines, ["{\"n\":1}"]);
    assert!(matches!(&lost[..], [Lost::Long { bytes, .. }] if *bytes > 5 << 20), "{lost:?}");
}

#[test]
fn a_day_that_was_deleted_unread_is_a_gap() {
    let folder = Folder::new();
    let first = folder.day("ossec-alerts-01.json");
    folder.write("{\"n\":1}\n");
    let (_, cursor, _) = read(&folder, None, SystemTime::now());
    folder.write("{\"n\":2}\n");
    fs::remove_file(first).unwrap();
    folder.day("ossec-alerts-02.json");
    folder.write("{\"n\":3}\n");
    let (lines, _, lost) = read(&folder, Some(&cursor), SystemTime::now());
    assert_eq!(lines, ["{\"n\":3}"]);
    assert!(matches!(&lost[..], [Lost::Gap { .. }]), "{lost:?}");
}

#[test]
fn a_day_without_alerts_leaves_no_file_and_no_gap() {
    let folder = Folder::new();
    folder.day("ossec-alerts-01.json");
    folder.write("{\"n\":1}\n");
    let (lines, cursor, _) = read(&folder, None, SystemTime::now());
    assert_eq!(lines, ["{\"n\":1}"]);
    // Nothing happened on the second: its file is deleted when the third begins.
    let empty = folder.day("ossec-alerts-02.json");
    let (lines, cursor, _) = read(&folder, Some(&cursor), SystemTime::now());
    assert_eq!(lines, Vec::<String>::new());
    fs::remove_file(empty).unwrap();
    folder.day("ossec-alerts-03.json");
    folder.write("{\"n\":3}\n");
    let (lines, _, lost) = read(&folder, Some(&cursor), SystemTime::now());
    assert_eq!((lines, lost), (vec!["{\"n\":3}".to_owned()], Vec::new()));
}

#[test]
fn a_line_of_a_mebibyte_is_an_alert() {
    let folder = Folder::new();
    folder.day("ossec-alerts-01.json");
    let long = format!(
        "{{\"timestamp\":\"2026-05-01T12:00:00.123+0200\",\"previous_output\":\"{}\"}}\n",
        "\\n".repeat(1 << 19)
    );
    folder.write(&long);
    let mut follower = Follower::open(folder.live(), None, Start::Beginning).unwrap();
    let batch = follower.poll(SystemTime::now()).unwrap();
    let alert = batch.lines[0].alert().unwrap();
    assert_eq!(alert.previous_output.map(|text| text.len()), Some(1 << 19));
}
