//! A cursor comes back from a core, which may be hostile: the node reads on, from somewhere, and ends. Files are made once.
#![no_main]

use std::time::{Duration, SystemTime};

use tail::{Cursor, Family, Fill, Follower, Spec, Start};

thread_local! {
    static FOLDER: tempfile::TempDir = {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["eve.json.2", "eve.json.1", "eve.json"] {
            let text: String = (0..60).map(|n| format!("{name}, line {n}\n")).collect();
            std::fs::write(folder.path().join(name), text).expect("write");
        }
        folder
    };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(cursor) = serde_json::from_slice::<Cursor>(bytes) else { return };
    let written = serde_json::to_string(&cursor).expect("JSON");
    assert_eq!(serde_json::from_str::<Cursor>(&written).expect("our own"), cursor);
    FOLDER.with(|folder| {
        let spec = Spec::new(folder.path().join("eve.json"), Family::Logrotate);
        let mut follower = Follower::open(spec, Some(cursor), Start::End).expect("open");
        let (mut now, mut idle, mut lines) = (SystemTime::now(), 0, 0);
        while idle < 4 {
            match follower.fill(now).expect("readable") {
                Fill::Lines => {
                    let (count, end) = follower.lines().fold((0, 0), |(count, _), (_, end)| (count + 1, end));
                    lines += count;
                    follower.advance(end);
                    idle = 0;
                }
                Fill::Gap(_) | Fill::Long(_) => idle = 0,
                Fill::Idle | Fill::Missing => {
                    idle += 1;
                    now += Duration::from_secs(60);
                }
            }
        }
        assert!(lines <= 180, "{lines} lines came of 180");
    });
});
