use wire::alert::Severity;
use wire::link::Batch;

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
fn windows_and_cursors_survive_with_their_records() {
    let mut story = Story::new();
    let window = Window {
        alert: 1,
        count: 3,
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
    story.spool().commit(&Commit { closed: vec![7], ..Commit::default() }, Timestamp::now()).unwrap();
    assert!(story.spool().windows().unwrap().is_empty());
}
