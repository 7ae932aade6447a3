//! Files of any names may lie beside a log: each that counts as a generation of it is read once, and the live file last.
#![no_main]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, SystemTime};

use tail::{Cursor, Family, Fill, Follower, Spec, Start};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let daily = bytes.first().is_some_and(|first| first % 2 == 1);
    let live = folder.path().join(if daily { "alerts.json" } else { "eve.json" });
    let spec = Spec::new(&live, if daily { Family::WazuhDaily } else { Family::Logrotate });
    // The node has read an empty generation before: so all that are there come after it.
    let cursor = Follower::open(spec.clone(), None, Start::Beginning).expect("open").cursor();
    let beside = if daily { folder.path().join("2026/Nov") } else { folder.path().to_owned() };
    std::fs::create_dir_all(&beside).expect("create");
    let mut written = BTreeSet::new();
    for name in bytes.split(|byte| *byte == b'\n').skip(1).take(12) {
        let name: Vec<u8> = name.iter().copied().filter(|byte| !matches!(byte, 0 | b'/')).take(60).collect();
        let path = beside.join(OsStr::from_bytes(&name));
        if name.is_empty() || path.exists() || path == live {
            continue;
        }
        let line = format!("line {}", written.len());
        if std::fs::write(&path, format!("{line}\n")).is_ok() {
            written.insert(line);
        }
    }
    std::fs::write(&live, "the live one\n").expect("write");
    let read = follow(&spec, cursor);
    assert_eq!(read.last().map(String::as_str), Some("the live one"), "{read:?}");
    let once: BTreeSet<&String> = read.iter().collect();
    assert_eq!(once.len(), read.len(), "some line came twice");
});

fn follow(spec: &Spec, cursor: Cursor) -> Vec<String> {
    let mut follower = Follower::open(spec.clone(), Some(cursor), Start::Beginning).expect("open");
    let (mut now, mut idle, mut read, mut gaps) = (SystemTime::now(), 0, Vec::new(), Vec::new());
    while idle < 4 {
        match follower.fill(now).expect("readable") {
            Fill::Lines => {
                let mut last = 0;
                for (line, end) in follower.lines() {
                    read.push(String::from_utf8_lossy(line).into_owned());
                    last = end;
                }
                follower.advance(last);
                assert!(read.len() < 100, "it runs in a circle: {read:?}");
                idle = 0;
            }
            Fill::Gap(gap) => {
                gaps.push(gap);
                assert!(gaps.len() < 100, "it runs in a circle: {gaps:#?}");
                idle = 0;
            }
            Fill::Long(_) => idle = 0,
            Fill::Idle | Fill::Missing => {
                idle += 1;
                now += Duration::from_secs(60);
            }
        }
    }
    read
}
