use wire::alert::Severity;
use wire::link::Batch;

use super::chain::random;
use super::*;
use crate::alarm::alarm;

const LIMIT: u64 = 64 << 20;

struct Story {
    folder: tempfile::TempDir,
    spool: Option<Spool>,
    written: u64,
}

impl Story {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Spool::create(folder.path(), LIMIT).unwrap();
        let mut story = Self { folder, spool: None, written: 0 };
        assert_eq!(story.reopen(), Opened::Resumed);
        story
    }

    fn reopen(&mut self) -> Opened {
        self.spool = None;
        let (spool, opened) = Spool::open(self.folder.path(), LIMIT).unwrap();
        self.spool = Some(spool);
        opened
    }

    fn spool(&mut self) -> &mut Spool {
        self.spool.as_mut().unwrap()
    }

    /// One transaction with some records, which reads on to `offset`.
    fn write(&mut self, records: u64, offset: u64) {
        let now = Timestamp::now();
        let records = (0..records)
            .map(|_| {
                self.written += 1;
                Record::Alert(Box::new(alarm("test", &format!("n {}", self.written), Severity::Low, "m".into(), now)))
            })
            .collect();
        let cursors = Cursors::from([("eve".to_owned(), serde_json::json!({ "offset": offset }))]);
        self.spool().commit(&Commit { records, cursors, ..Commit::default() }, now).unwrap();
    }

    fn batch(&mut self) -> Option<Batch> {
        let parcel = self.spool().parcel(500, 1 << 20).unwrap()?;
        let batch: Batch = serde_json::from_slice(&parcel.json).unwrap();
        assert_eq!((batch.after, batch.first, batch.to), (parcel.after, parcel.first, parcel.to));
        Some(batch)
    }
}

fn names(batch: &Batch) -> Vec<String> {
    batch
        .records
        .iter()
        .map(|record| match record {
            Record::Alert(alert) => alert.rule.name.clone(),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn batches_are_whole_transactions_that_follow_one_another() {
    let mut story = Story::new();
    story.write(2, 10);
    story.write(499, 20);
    let one = story.batch().unwrap();
    assert_eq!((one.after, one.first, one.records.len()), (None, 1, 2), "the second would make it too large");
    assert_eq!(one.cursors["eve"]["offset"], 10);
    story.spool().confirm(one.to).unwrap();
    let two = story.batch().unwrap();
    assert_eq!((two.after, two.first, two.records.len()), (Some(one.to), 3, 499));
    story.spool().confirm(two.to).unwrap();
    assert!(story.batch().is_none());
}

#[test]
fn a_restart_sends_what_was_not_confirmed_again_and_the_same() {
    let mut story = Story::new();
    story.write(3, 10);
    let before = story.batch().unwrap();
    story.reopen();
    let after = story.batch().unwrap();
    assert_eq!((before.to, names(&before)), (after.to, names(&after)));
    assert_eq!(story.spool().cursors().unwrap()["eve"]["offset"], 10);
}

#[test]
fn a_core_restored_from_a_backup_is_sent_what_it_lacks() {
    let mut story = Story::new();
    story.write(1, 10);
    let old = story.batch().unwrap().to;
    story.spool().confirm(old).unwrap();
    story.write(1, 20);
    let new = story.batch().unwrap().to;
    story.spool().confirm(new).unwrap();
    assert!(story.batch().is_none());
    assert!(story.spool().stand_at(Some(old)).unwrap());
    let again = story.batch().unwrap();
    assert_eq!((again.after, names(&again)), (Some(old), vec!["n 2".to_owned()]));
}

#[test]
fn a_spool_rolled_back_follows_the_core_in_a_new_epoch() {
    let mut story = Story::new();
    story.write(1, 10);
    let copy = tempfile::tempdir().unwrap();
    story.spool = None;
    for entry in std::fs::read_dir(story.folder.path()).unwrap().flatten() {
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    story.reopen();
    story.write(1, 20);
    let core = story.batch().unwrap();
    // The disk is rolled back, and the node writes something else under the same number.
    story.spool = None;
    for entry in std::fs::read_dir(copy.path()).unwrap().flatten() {
        std::fs::copy(entry.path(), story.folder.path().join(entry.file_name())).unwrap();
    }
    story.reopen();
    story.write(1, 15);
    assert!(!story.spool().stand_at(Some(core.to)).unwrap(), "the number is there, its tag is another");
    let cursors = story.spool().adopt(Some(core.to), &core.cursors, Timestamp::now()).unwrap();
    assert_eq!(cursors["eve"]["offset"], 20);
    story.write(1, 30);
    let next = story.batch().unwrap();
    assert_eq!((next.after, next.first), (Some(core.to), 1));
    assert_ne!(next.to.epoch, core.to.epoch);
}

#[test]
fn a_missing_spool_waits_for_the_core() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, opened) = Spool::open(folder.path(), LIMIT).unwrap();
    assert_eq!((opened, spool.waiting()), (Opened::Missing, true));
}

#[test]
fn a_core_that_has_nothing_is_told_what_is_lost() {
    let mut story = Story::new();
    story.write(5, 10);
    let to = story.batch().unwrap().to;
    story.spool().confirm(to).unwrap();
    story.write(1, 20);
    set(&story.spool().db, "trimmed", 5).unwrap();
    assert!(!story.spool().stand_at(None).unwrap());
    let cursors = story.spool().adopt(None, &Cursors::new(), Timestamp::now()).unwrap();
    assert_eq!(cursors["eve"]["offset"], 10, "what was not confirmed is read again");
    let batch = story.batch().unwrap();
    assert!(matches!(&batch.records[..], [Record::Lost(lost)] if (lost.from, lost.to) == (1, 5)));
}

#[test]
fn a_damaged_record_is_never_sent() {
    let mut story = Story::new();
    story.write(2, 10);
    story
        .spool()
        .db
        .execute("UPDATE record SET body = CAST(replace(body, 'n 1', 'n 9') AS BLOB) WHERE seq = 1", [])
        .unwrap();
    assert!(matches!(story.spool().parcel(500, 1 << 20), Err(Error::Broken(_))));
    let (spool, aside) = story.spool.take().unwrap().set_aside().unwrap();
    assert!(spool.waiting() && aside.exists());
}

#[test]
fn a_damaged_file_is_set_aside() {
    let mut story = Story::new();
    story.write(100, 10);
    story.spool = None;
    let path = story.folder.path().join("spool.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let len = bytes.len();
    bytes[..100].fill(0xAA);
    bytes[len / 2..].fill(0x55);
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(story.reopen(), Opened::SetAside(..)));
}

#[test]
fn a_full_spool_refuses_until_the_core_has_taken_something() {
    let mut story = Story::new();
    story.spool().limit = 1 << 20;
    let text = "x".repeat(100_000);
    let now = Timestamp::now();
    let records = || vec![Record::Alert(Box::new(alarm("test", "n", Severity::Low, text.clone(), now)))];
    let refused = (0..30).find(|_| {
        let commit = Commit { records: records(), ..Commit::default() };
        matches!(story.spool().commit(&commit, now), Err(Error::Full(_)))
    });
    assert!(refused.is_some());
    let to = story.batch().unwrap().to;
    story.spool().confirm(to).unwrap();
    story.spool().commit(&Commit { records: records(), ..Commit::default() }, now).unwrap();
}

#[test]
fn what_was_seen_never_locks_the_spool_however_much_it_is() {
    let mut story = Story::new();
    story.spool().limit = 1 << 20;
    let now = Timestamp::now();
    let commit = |text: &str, hour: i64, forget: i64| Commit {
        records: vec![Record::Alert(Box::new(alarm("test", "n", Severity::Low, text.to_owned(), now)))],
        seen: (0..10_000)
            .map(|_| ("indexer".to_owned(), [random().to_le_bytes(); 2].concat(), hour))
            .map(key)
            .collect(),
        forget: vec![("indexer".to_owned(), forget)],
        ..Commit::default()
    };
    // Nothing but keys: they alone are more than the limit, and the core has taken all.
    for hour in 0..6 {
        story.spool().commit(&commit("m", hour, 0), now).unwrap();
        let to = story.batch().unwrap().to;
        story.spool().confirm(to).unwrap();
    }
    assert!(story.spool().used().unwrap() > 1 << 20);
    // The core takes nothing: that refuses, until something may be forgotten.
    story.spool().commit(&commit("m", 6, 0), now).unwrap();
    let refused = story.spool().commit(&commit("m", 7, 0), now);
    assert!(matches!(refused, Err(Error::Full(_))), "{refused:?}");
    story.spool().doubt = None;
    story.spool().commit(&commit("m", 7, 7), now).unwrap();
    assert!(story.spool().used().unwrap() < 1 << 20);
}

fn key((source, key, hour): (String, Vec<u8>, i64)) -> Seen {
    (source, key.try_into().unwrap(), hour)
}

#[test]
fn windows_and_cursors_survive_with_their_records() {
    let mut story = Story::new();
    let window = Window {
        alert: 1,
        count: 3,
        echoes: 0,
        direct: 1,
        sent: 1,
        first: Timestamp::UNIX_EPOCH,
        last: Timestamp::now(),
        samples: Vec::new(),
        taken: 0,
        touched: 5,
    };
    let commit = Commit { windows: vec![(7, window.clone())], ..Commit::default() };
    story.spool().commit(&commit, Timestamp::now()).unwrap();
    story.reopen();
    assert_eq!(story.spool().windows().unwrap(), [(7, window)]);
    assert!(story.batch().is_none(), "growing alone is no record");
    story.spool().commit(&Commit { closed: vec![1], ..Commit::default() }, Timestamp::now()).unwrap();
    assert!(story.spool().windows().unwrap().is_empty());
}

#[test]
fn a_second_node_on_the_same_folder_is_refused() {
    let mut story = Story::new();
    story.write(1, 10);
    let error = Spool::open(story.folder.path(), LIMIT).err().unwrap().to_string();
    assert!(error.contains("another socme node"), "{error}");
}

#[test]
fn enrolled_again_what_the_core_has_is_not_sent_again_and_the_rest_is_read_again() {
    let mut story = Story::new();
    story.write(1, 10);
    let taken = story.batch().unwrap().to;
    story.spool().confirm(taken).unwrap();
    story.write(1, 20);
    let folder = story.folder.path().to_owned();
    assert!(Spool::check_free(&folder, LIMIT).is_err(), "a node runs");
    story.spool = None;
    Spool::check_free(&folder, LIMIT).unwrap();
    assert!(Spool::begin_again(&folder, LIMIT).unwrap());
    let (mut spool, _) = Spool::open(&folder, LIMIT).unwrap();
    assert_ne!(spool.epoch(), taken.epoch);
    assert!(spool.stand_at(None).unwrap(), "the core has nothing of this node");
    assert!(spool.parcel(100, 1 << 20).unwrap().is_none());
    assert_eq!(spool.cursors().unwrap()["eve"]["offset"], 10);
}

#[test]
fn what_a_version_before_has_seen_stays_seen() {
    let mut story = Story::new();
    let before = "DROP TABLE seen; CREATE TABLE seen (source TEXT NOT NULL, key BLOB NOT NULL, hour INTEGER NOT NULL, \
                  PRIMARY KEY (source, key)) WITHOUT ROWID, STRICT; CREATE INDEX seen_hour ON seen (source, hour);
                  INSERT INTO seen VALUES ('indexer', zeroblob(16), 5)";
    story.spool().db.execute_batch(before).unwrap();
    for _ in 0..2 {
        story.reopen();
        assert_eq!(story.spool().seen("indexer", [([0; 16], 5), ([1; 16], 5)]).unwrap(), [true, false]);
    }
}

#[test]
fn windows_of_a_version_before_go_on() {
    let mut story = Story::new();
    let open = [(7, Window { alert: 2, ..window(3) }), (5, Window { alert: 9, ..window(1) })];
    story.spool().commit(&Commit { windows: open.to_vec(), ..Commit::default() }, Timestamp::now()).unwrap();
    let before = "CREATE TABLE old (key BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID, STRICT;
                  INSERT INTO old SELECT key, body FROM window; DROP TABLE window; ALTER TABLE old RENAME TO window";
    story.spool().db.execute_batch(before).unwrap();
    for _ in 0..2 {
        story.reopen();
        assert_eq!(story.spool().windows().unwrap(), open);
    }
    story.spool().commit(&Commit { closed: vec![2], ..Commit::default() }, Timestamp::now()).unwrap();
    assert_eq!(story.spool().windows().unwrap(), open[1..]);
}

#[test]
fn enrolled_again_what_was_seen_stays_seen_if_the_core_has_all_of_it() {
    for taken in [true, false] {
        let mut story = Story::new();
        let now = Timestamp::now();
        let commit = |key| Commit {
            records: vec![Record::Alert(Box::new(alarm("test", "n", Severity::Low, "m".into(), now)))],
            cursors: Cursors::from([("indexer".to_owned(), serde_json::json!({ "high": key }))]),
            seen: vec![("indexer".to_owned(), [key; 16], 5)],
            ..Commit::default()
        };
        story.spool().commit(&commit(1), now).unwrap();
        let to = story.batch().unwrap().to;
        story.spool().confirm(to).unwrap();
        if !taken {
            story.spool().commit(&commit(2), now).unwrap();
        }
        story.spool = None;
        assert!(Spool::begin_again(story.folder.path(), LIMIT).unwrap());
        story.reopen();
        assert_eq!(story.spool().seen("indexer", [([1; 16], 5), ([2; 16], 5)]).unwrap(), [taken, false]);
        assert_eq!(story.spool().has_seen("indexer").unwrap(), taken);
    }
}

#[test]
fn enrolled_again_before_the_core_has_taken_anything_loses_nothing() {
    let mut story = Story::new();
    story.write(2, 10);
    let before = names(&story.batch().unwrap());
    story.spool = None;
    let folder = story.folder.path().to_owned();
    Spool::begin_again(&folder, LIMIT).unwrap();
    story.reopen();
    assert!(story.spool().stand_at(None).unwrap());
    assert_eq!(names(&story.batch().unwrap()), before);
}

#[test]
fn a_spool_that_was_never_finished_waits_for_the_core() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("spool.db"), b"").unwrap();
    let (spool, opened) = Spool::open(folder.path(), LIMIT).unwrap();
    assert_eq!((opened, spool.waiting()), (Opened::Missing, true));
}

#[test]
fn a_transaction_that_fails_is_written_once_whether_or_not_it_became_durable() {
    for fail in [Fail::Before, Fail::After] {
        let mut story = Story::new();
        story.write(2, 10);
        let record = || Record::Alert(Box::new(alarm("test", "again", Severity::Low, "m".into(), Timestamp::now())));
        let commit = Commit { records: vec![record()], ..Commit::default() };
        story.spool().fail = Some(fail);
        assert!(story.spool().commit(&commit, Timestamp::now()).is_err());
        let seen = story.batch().unwrap().records.len();
        assert_eq!(seen, if fail == Fail::After { 3 } else { 2 }, "what is durable may be sent");
        story.spool().fail = None;
        story.spool().commit(&commit, Timestamp::now()).unwrap();
        story.write(1, 20);
        assert_eq!(names(&story.batch().unwrap()), ["n 1", "n 2", "again", "n 3"], "{fail:?}");
        story.reopen();
        assert_eq!(story.batch().unwrap().records.len(), 4);
    }
}

/// Cuts a transaction off after any number of SQLite's steps, so in the midst of every statement.
#[test]
fn a_transaction_cut_off_anywhere_leaves_nothing_or_all() {
    let mut story = Story::new();
    story.write(1, 1);
    for steps in 1..400 {
        let now = Timestamp::now();
        let before = story.batch().unwrap();
        let key = steps as Key;
        let commit = Commit {
            records: (0..3)
                .map(|n| {
                    Record::Alert(Box::new(alarm("test", &format!("{steps}.{n}"), Severity::Low, "m".into(), now)))
                })
                .collect(),
            windows: vec![(key, Window { alert: steps as u64, ..window(steps as u64) })],
            closed: vec![steps as u64 - 1],
            cursors: Cursors::from([("eve".to_owned(), serde_json::json!({ "offset": steps }))]),
            notes: vec![("command/7".to_owned(), Some(vec![steps as u8]))],
            seen: vec![("indexer".to_owned(), [steps as u8; 16], steps as i64)],
            forget: vec![("indexer".to_owned(), steps as i64 - 5)],
        };
        story.spool().db.progress_handler(steps, Some(|| true)).unwrap();
        let done = story.spool().commit(&commit, now);
        story.spool().db.progress_handler(0, None::<fn() -> bool>).unwrap();
        if done.is_ok() {
            assert!(steps > 20, "the transaction was never cut off");
            break;
        }
        if steps % 3 == 0 {
            story.reopen();
        }
        let after = story.batch().unwrap();
        assert_eq!((after.to, names(&after)), (before.to, names(&before)));
        assert_eq!(story.spool().cursors().unwrap()["eve"]["offset"], before.cursors["eve"]["offset"]);
        story.spool().commit(&commit, now).unwrap();
        let after = story.batch().unwrap();
        assert_eq!(after.records.len(), before.records.len() + 3);
        assert_eq!(after.cursors["eve"]["offset"], steps);
        assert_eq!(story.spool().windows().unwrap(), [(key, Window { alert: steps as u64, ..window(steps as u64) })]);
        story.spool().confirm(before.to).unwrap();
        assert_eq!(story.batch().unwrap().first, before.to.number + 1);
        story.spool().stand_at(None).unwrap();
        story.spool().confirm(after.to).unwrap();
        story.write(1, steps as u64);
    }
}

#[test]
fn a_window_that_was_altered_is_never_counted_on() {
    let mut story = Story::new();
    story.spool().commit(&Commit { windows: vec![(7, window(3))], ..Commit::default() }, Timestamp::now()).unwrap();
    let sql = "UPDATE window SET body = CAST(replace(body, '\"count\":3', '\"count\":4') AS BLOB)";
    assert_eq!(story.spool().db.execute(sql, []).unwrap(), 1);
    assert!(matches!(story.spool().windows(), Err(Error::Broken(_))));
}

#[test]
fn what_the_core_has_is_kept_for_two_days_and_then_known_as_gone() {
    let mut story = Story::new();
    let start = Timestamp::now();
    let hours = |n: i64| start + jiff::SignedDuration::from_hours(n);
    let mut ends = Vec::new();
    for hour in [0, 24, 47, 49, 73] {
        let record = Record::Alert(Box::new(alarm("test", &hour.to_string(), Severity::Low, "m".into(), start)));
        story.spool().commit(&Commit { records: vec![record], ..Commit::default() }, hours(hour)).unwrap();
        let to = story.batch().unwrap().to;
        story.spool().confirm(to).unwrap();
        ends.push(to);
    }
    // At hour 73, what was written at hours 0 and 24 is gone: its end is still a place to go on from.
    assert!(!story.spool().stand_at(Some(ends[0])).unwrap());
    assert!(!story.spool().stand_at(None).unwrap());
    assert!(story.spool().stand_at(Some(ends[1])).unwrap());
    assert_eq!(names(&story.batch().unwrap()), ["47", "49", "73"]);
}

fn window(count: u64) -> Window {
    Window {
        alert: 1,
        count,
        echoes: 0,
        direct: 1,
        sent: 1,
        first: Timestamp::UNIX_EPOCH,
        last: Timestamp::UNIX_EPOCH,
        samples: Vec::new(),
        taken: 0,
        touched: 5,
    }
}

/// Runs the test below on a disk of its own of 24 MiB, where the system lets anyone mount one in a namespace of their own.
#[test]
fn a_spool_on_a_small_disk_recovers_by_itself() {
    let own = std::env::current_exe().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=24m none '{0}' && SMALL_DISK='{0}' exec '{1}' --exact --ignored spool::tests::on_a_small_disk",
        folder.path().display(),
        own.display()
    );
    let done = std::process::Command::new("unshare").args(["-rm", "sh", "-c", &script]).output();
    let done = match done {
        Ok(done) => done,
        Err(error) => return eprintln!("not run: unshare: {error}"),
    };
    let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    if text.contains("Operation not permitted") || text.contains("permission denied") {
        return eprintln!("not run: this system does not let users mount in a namespace of their own");
    }
    assert!(done.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "run by the test above, on a small disk"]
fn on_a_small_disk() {
    let folder = PathBuf::from(std::env::var_os("SMALL_DISK").unwrap());
    // The limit is far above what the disk holds.
    Spool::create(&folder, 1 << 30).unwrap();
    let (mut spool, _) = Spool::open(&folder, 1 << 30).unwrap();
    let now = Timestamp::now();
    let mut text = String::new();
    while text.len() < 100_000 {
        text.push_str(&random().to_string());
    }
    let commit = || {
        let record = Record::Alert(Box::new(alarm("test", "n", Severity::Low, text.clone(), now)));
        Commit { records: vec![record], ..Commit::default() }
    };
    let (mut written, mut confirmed) = (0_u64, 0_u64);
    // It fills up, is emptied by the core, and fills up again, many times over.
    for round in 0..6 {
        let full = (0..1_000).find_map(|_| match spool.commit(&commit(), now) {
            Ok(()) => {
                written += 1;
                None
            }
            Err(error) => Some(error),
        });
        assert!(matches!(full, Some(Error::Full(_))), "round {round}: {full:?}");
        if round == 3 {
            // Something else takes the rest of the disk, and gives it back.
            let other = folder.join("other");
            let _ = std::fs::write(&other, vec![1; 32 << 20]);
            assert!(matches!(spool.commit(&commit(), now), Err(Error::Full(_))));
            std::fs::remove_file(other).unwrap();
        }
        if round == 4 {
            drop(spool);
            spool = Spool::open(&folder, 1 << 30).unwrap().0;
        }
        while let Some(parcel) = spool.parcel(20, 1 << 20).unwrap() {
            assert_eq!(parcel.first, confirmed + 1);
            confirmed = parcel.to.number;
            spool.confirm(parcel.to).unwrap();
        }
        assert_eq!(confirmed, written);
    }
    assert!(written > 200, "{written}");
}
