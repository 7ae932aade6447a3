//! A log of arbitrary bytes is written in pieces, rotated, compressed, and read by a node that is restarted at any time: the
//! lines are those of the bytes, each once. The first bytes are the script, what follows is what is written.
#![no_main]

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tail::{Cursor, Family, Fill, Follower, Spec, Start};

/// Steps of a script.
const STEPS: usize = 24;
/// Longest line that is delivered.
const LONGEST: usize = 200;

struct Node {
    spec: Spec,
    follower: Follower,
    now: SystemTime,
    read: Vec<Vec<u8>>,
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((script, mut text)) = bytes.split_at_checked(STEPS) else { return };
    // A hole of NULs at a file's beginning is passed over, and a cursor cannot tell two files apart that begin alike.
    if text.contains(&0) {
        return;
    }
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let live = folder.path().join("eve.json");
    let spec = Spec { max_line: LONGEST, ..Spec::new(&live, Family::Logrotate) };
    let follower = Follower::open(spec.clone(), None, Start::Beginning).expect("open");
    let mut node = Node { spec, follower, now: SystemTime::now(), read: Vec::new() };
    let (mut expected, mut generation, mut rotated) = (Vec::new(), begin(0), 0_u8);
    append(&live, &generation);
    for step in script {
        match step % 8 {
            0..=3 => {
                let (piece, rest) = text.split_at(usize::from(step / 8 * 8).min(text.len()));
                append(&live, piece);
                generation.extend_from_slice(piece);
                text = rest;
            }
            4 => node.go_on(usize::MAX),
            5 => node.go_on(usize::from(step / 8)),
            6 => node.restart(),
            _ => {
                for number in (1..=rotated).rev() {
                    for end in ["", ".gz"] {
                        let name = |n: u8| folder.path().join(format!("eve.json.{n}{end}"));
                        let _ = std::fs::rename(name(number), name(number + 1));
                    }
                }
                rotated += 1;
                let first = folder.path().join("eve.json.1");
                std::fs::rename(&live, &first).expect("rename");
                if step / 8 % 2 == 1 {
                    gzip(&first);
                }
                expected.extend(lines(&generation));
                generation = begin(rotated);
                append(&live, &generation);
            }
        }
    }
    append(&live, b"\nthe end\n");
    generation.extend_from_slice(b"\nthe end\n");
    expected.extend(lines(&generation));
    node.go_on(usize::MAX);
    assert_eq!(shown(&node.read), shown(&expected));
});

/// What each generation begins with: a line that no other has.
fn begin(generation: u8) -> Vec<u8> {
    format!("generation {generation}\n").into_bytes()
}

/// What a reader must deliver of a finished file.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let trimmed = lines.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    trimmed.filter(|line| line.len() <= LONGEST).map(<[u8]>::to_vec).collect()
}

impl Node {
    /// Reads on, at most so many lines.
    fn go_on(&mut self, most: usize) {
        let (mut idle, mut left) = (0, most);
        while idle < 3 && left > 0 {
            match self.follower.fill(self.now).expect("readable") {
                Fill::Lines => {
                    let mut last = 0;
                    for (line, end) in self.follower.lines().take(left) {
                        self.read.push(line.to_vec());
                        (last, left) = (end, left - 1);
                    }
                    self.follower.advance(last);
                    idle = 0;
                }
                Fill::Gap(gap) => panic!("{gap:?}"),
                Fill::Long(long) => assert!(long.bytes as usize >= LONGEST),
                Fill::Idle | Fill::Missing => {
                    idle += 1;
                    self.now += Duration::from_secs(3);
                }
            }
        }
    }

    /// A new process goes on where the cursor is, which has been on a disk meanwhile.
    fn restart(&mut self) {
        let cursor = serde_json::to_vec(&self.follower.cursor()).expect("JSON");
        let cursor: Cursor = serde_json::from_slice(&cursor).expect("a cursor");
        self.follower = Follower::open(self.spec.clone(), Some(cursor), Start::Beginning).expect("open");
    }
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("open");
    file.write_all(bytes).expect("write");
}

fn gzip(path: &Path) {
    let to = std::fs::File::create(format!("{}.gz", path.display())).expect("create");
    let mut out = flate2::write::GzEncoder::new(to, flate2::Compression::fast());
    out.write_all(&std::fs::read(path).expect("read")).expect("write");
    out.finish().expect("finish");
    std::fs::remove_file(path).expect("remove");
}

fn shown(lines: &[Vec<u8>]) -> Vec<String> {
    lines.iter().map(|line| line.escape_ascii().to_string()).collect()
}
