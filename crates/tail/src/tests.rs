use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::*;

mod model;
mod suspects;

/// A followed file in a folder of its own, with a clock that the test turns.
struct Story {
    folder: tempfile::TempDir,
    follower: Option<Follower>,
    family: Family,
    now: SystemTime,
    lines: Vec<String>,
    gaps: Vec<Gap>,
    long: Vec<LongLine>,
    missing: bool,
}

impl Story {
    fn new() -> Self {
        Self::of(Family::Logrotate)
    }

    fn of(family: Family) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (lines, gaps, long) = Default::default();
        Self { folder, follower: None, family, now: SystemTime::now(), lines, gaps, long, missing: false }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn spec(&self) -> Spec {
        let name = if self.family == Family::Logrotate { "eve.json" } else { "alerts.json" };
        Spec { max_line: 4096, ..Spec::new(self.path(name), self.family) }
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn gzip(&self, name: &str) {
        gzip(&self.path(name));
    }

    fn open(&mut self, cursor: Option<Cursor>, start: Start) {
        self.follower = Some(Follower::open(self.spec(), cursor, start).unwrap());
    }

    /// Reads to the end, twice with the grace between, and gives the lines that came.
    fn read(&mut self) -> Vec<String> {
        if self.follower.is_none() {
            self.open(None, Start::Beginning);
        }
        let follower = self.follower.as_mut().unwrap();
        let (old, mut idle) = (self.lines.len(), 0);
        self.missing = false;
        while idle < 2 {
            match follower.fill(self.now).unwrap() {
                Fill::Lines => {
                    let mut last = 0;
                    for (line, end) in follower.lines() {
                        self.lines.push(String::from_utf8_lossy(line).into_owned());
                        last = end;
                    }
                    follower.advance(last);
                    idle = 0;
                }
                Fill::Gap(gap) => self.gaps.push(gap),
                Fill::Long(long) => self.long.push(long),
                idling => {
                    self.missing = matches!(idling, Fill::Missing);
                    self.now += Duration::from_secs(3);
                    idle += 1;
                }
            }
        }
        self.lines[old..].to_vec()
    }

    /// The process ends; a new one goes on at the cursor.
    fn restart(&mut self) {
        let cursor = self.follower.take().map(|follower| follower.cursor());
        // It has been on a disk meanwhile.
        let cursor = cursor.map(|cursor| serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap());
        self.open(cursor, Start::Beginning);
    }
}

fn gzip(path: &Path) {
    let mut out = flate2::write::GzEncoder::new(
        File::create(format!("{}.gz", path.display())).unwrap(),
        flate2::Compression::fast(),
    );
    out.write_all(&fs::read(path).unwrap()).unwrap();
    out.finish().unwrap();
    fs::remove_file(path).unwrap();
}

#[test]
fn a_half_written_line_waits_for_its_end() {
    let mut story = Story::new();
    story.append("eve.json", "one\ntw");
    assert_eq!(story.read(), ["one"]);
    story.append("eve.json", "o\n");
    assert_eq!(story.read(), ["two"]);
}

#[test]
fn a_file_that_is_not_there_yet_is_read_from_its_beginning() {
    let mut story = Story::new();
    assert!(story.read().is_empty() && story.missing);
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
}

#[test]
fn what_was_there_before_is_not_read_when_starting_at_the_end() {
    let mut story = Story::new();
    story.append("eve.json.1", "older\n");
    story.append("eve.json", "old\nhal");
    story.open(None, Start::End);
    assert!(story.read().is_empty());
    story.append("eve.json", "f\nnew\n");
    assert_eq!(story.read(), ["half", "new"]);
}

#[test]
fn line_ends_of_windows_empty_lines_and_foreign_bytes_pass() {
    let mut story = Story::new();
    story.append("eve.json", b"one\r\n\nt\xffo\nend\n");
    assert_eq!(story.read(), ["one", "", "t\u{fffd}o", "end"]);
}

#[test]
fn a_renamed_file_is_drained_before_the_new_one_is_read() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.rename("eve.json", "eve.json.1");
    File::create(story.path("eve.json")).unwrap();
    assert!(story.read().is_empty());
    // The writer has not reopened its file yet.
    story.append("eve.json.1", "two\n");
    story.append("eve.json", "three\n");
    assert_eq!(story.read(), ["two", "three"]);
    assert!(story.gaps.is_empty());
}

#[test]
fn a_finished_generation_gives_its_last_line_without_an_end() {
    let mut story = Story::new();
    story.append("eve.json", "one\ntorn");
    assert_eq!(story.read(), ["one"]);
    story.rename("eve.json", "eve.json.1");
    story.append("eve.json", "two\n");
    assert_eq!(story.read(), ["torn", "two"]);
}

#[test]
fn several_rotations_while_down_are_read_oldest_first() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.append("eve.json", "two\n");
    story.rename("eve.json", "eve.json.3");
    story.gzip("eve.json.3");
    story.append("eve.json.2", "three\n");
    story.gzip("eve.json.2");
    story.append("eve.json.1", "four\n");
    story.append("eve.json", "five\n");
    story.restart();
    assert_eq!(story.read(), ["two", "three", "four", "five"]);
    assert!(story.gaps.is_empty());
}

#[test]
fn dated_generations_are_read_by_date_compressed_or_not() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.append("eve.json", "two\n");
    story.rename("eve.json", "eve.json-20261122");
    story.gzip("eve.json-20261122");
    story.append("eve-20261123.json", "three\n");
    story.append("eve.json.2026-11-24", "four\n");
    story.append("eve.json", "five\n");
    story.restart();
    assert_eq!(story.read(), ["two", "three", "four", "five"]);
}

#[test]
fn copytruncate_goes_on_in_the_copy() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.append("eve.json", "two\n");
    fs::copy(story.path("eve.json"), story.path("eve.json.1")).unwrap();
    File::options().write(true).open(story.path("eve.json")).unwrap().set_len(0).unwrap();
    assert_eq!(story.read(), ["two"]);
    story.append("eve.json", "three\n");
    assert_eq!(story.read(), ["three"]);
    assert!(story.gaps.is_empty());
}

#[test]
fn a_hole_that_a_writer_left_after_truncation_hides_no_line() {
    let mut story = Story::new();
    let mut file = File::create(story.path("eve.json")).unwrap();
    file.write_all(b"one\n").unwrap();
    assert_eq!(story.read(), ["one"]);
    fs::copy(story.path("eve.json"), story.path("eve.json.1")).unwrap();
    File::options().write(true).open(story.path("eve.json")).unwrap().set_len(0).unwrap();
    file.set_len(5_000_000).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
    file.write_all(b"two\n").unwrap();
    assert_eq!(story.read(), ["two"]);
}

#[test]
fn a_truncated_file_without_a_copy_is_a_gap() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    File::options().write(true).open(story.path("eve.json")).unwrap().set_len(0).unwrap();
    story.append("eve.json", "two\n");
    assert_eq!(story.read(), ["two"]);
    assert_eq!(story.gaps.len(), 1);
}

#[test]
fn a_file_rewritten_in_place_with_more_in_it_is_noticed() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    fs::write(story.path("eve.json"), "uno\ndue\n").unwrap();
    assert_eq!(story.read(), ["uno", "due"]);
    assert_eq!(story.gaps.len(), 1);
}

#[test]
fn the_generation_being_read_deleted_while_down_is_a_gap() {
    let mut story = Story::new();
    story.append("eve.json.2", "before\n");
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.append("eve.json", "unread\n");
    fs::remove_file(story.path("eve.json")).unwrap();
    story.rename("eve.json.2", "eve.json.3");
    story.append("eve.json.1", "two\n");
    story.append("eve.json", "three\n");
    story.restart();
    assert_eq!(story.read(), ["two", "three"]);
    assert_eq!(story.gaps.len(), 1, "and «before» is not read again");
}

#[test]
fn a_generation_deleted_unread_leaves_a_hole_that_is_a_gap() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.rename("eve.json", "eve.json.3");
    story.append("eve.json.1", "three\n");
    story.append("eve.json", "four\n");
    story.restart();
    assert_eq!(story.read(), ["three", "four"]);
    assert_eq!(story.gaps.len(), 1);
    assert!(story.gaps[0].why.contains("number 2"), "{:?}", story.gaps);
}

#[test]
fn several_lines_too_long_in_a_row_are_all_skipped() {
    let mut story = Story::new();
    let long = format!("{}\n", "x".repeat(5000));
    story.append("eve.json", format!("one\n{long}{long}two\n{long}{long}{long}three\n"));
    assert_eq!(story.read(), ["one", "two", "three"]);
    assert_eq!(story.long.iter().map(|long| long.bytes).collect::<Vec<_>>(), [5000; 5]);
}

#[test]
fn a_line_too_long_is_skipped_and_its_head_kept() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    story.append("eve.json", vec![b'x'; 3 * 1024 * 1024]);
    assert_eq!(story.read(), ["one"]);
    story.append("eve.json", "xx\ntwo\n");
    assert_eq!(story.read(), ["two"]);
    assert_eq!(story.long.len(), 1);
    assert_eq!((story.long[0].head.len(), story.long[0].bytes), (200, 3 * 1024 * 1024 + 2));
}

#[test]
fn what_was_not_taken_is_delivered_again() {
    let mut story = Story::new();
    story.append("eve.json", "one\ntwo\nthree\n");
    story.open(None, Start::Beginning);
    let follower = story.follower.as_mut().unwrap();
    assert!(matches!(follower.fill(SystemTime::now()).unwrap(), Fill::Lines));
    let first = follower.lines().next().unwrap().1;
    let cursor = follower.cursor_at(first);
    follower.advance(first);
    assert_eq!(follower.cursor(), cursor);
    assert_eq!(story.read(), ["two", "three"]);
    story.open(Some(cursor), Start::Beginning);
    assert_eq!(story.read(), ["two", "three"]);
}

#[test]
fn wazuh_at_midnight_and_three_days_of_absence() {
    let mut story = Story::of(Family::WazuhDaily);
    fs::create_dir_all(story.path("2026/Nov")).unwrap();
    fs::create_dir_all(story.path("2026/Dec")).unwrap();
    let day = |story: &Story, name: &str, text: &str| {
        story.append(name, text);
        let _ = fs::remove_file(story.path("alerts.json"));
        fs::hard_link(story.path(name), story.path("alerts.json")).unwrap();
    };
    day(&story, "2026/Nov/ossec-alerts-28.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    // Midnight while it is being read.
    story.append("2026/Nov/ossec-alerts-28.json", "two\n");
    day(&story, "2026/Nov/ossec-alerts-29.json", "three\n");
    assert_eq!(story.read(), ["two", "three"]);
    // Down for days, with files of less than a day.
    story.append("2026/Nov/ossec-alerts-29.json", "four\n");
    story.gzip("2026/Nov/ossec-alerts-28.json");
    story.append("2026/Nov/ossec-alerts-30.json", "five\n");
    story.append("2026/Nov/ossec-alerts-30-001.json", "six\n");
    for name in ["2026/Nov/ossec-alerts-29.json", "2026/Nov/ossec-alerts-30.json", "2026/Nov/ossec-alerts-30-001.json"]
    {
        story.gzip(name);
    }
    day(&story, "2026/Dec/ossec-alerts-01.json", "seven\n");
    story.restart();
    assert_eq!(story.read(), ["four", "five", "six", "seven"]);
    assert!(story.gaps.is_empty(), "{:?}", story.gaps);
}

#[test]
fn lag_counts_what_is_unread_in_all_generations() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.append("eve.json", "four\n");
    story.rename("eve.json", "eve.json.1");
    story.append("eve.json", "six\n");
    assert_eq!(story.follower.as_ref().unwrap().lag().unwrap().bytes, 9);
    story.read();
    assert_eq!(story.follower.as_ref().unwrap().lag().unwrap(), Lag::default());
}
