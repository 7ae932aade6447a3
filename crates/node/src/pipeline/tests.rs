use std::io::Write;
use std::path::PathBuf;

use wire::link::Batch;

use super::*;

/// A node without a way to the core: what it would send is read from its spool.
struct Story {
    folder: tempfile::TempDir,
    pipeline: Option<Pipeline>,
    policy: Policy,
}

impl Story {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Spool::create(folder.path(), 64 << 20).unwrap();
        Self { folder, pipeline: None, policy: Policy::default() }
    }

    fn eve(&self) -> PathBuf {
        self.folder.path().join("eve.json")
    }

    fn config(&self) -> Config {
        let mut config: Config = toml::from_str(&format!(
            "[[source]]\nkind = \"suricata\"\nname = \"suricata\"\npath = {:?}\nstart = \"beginning\"\n",
            self.eve()
        ))
        .unwrap();
        config.data = self.folder.path().to_owned();
        config
    }

    fn start(&mut self) {
        self.pipeline = Some(Pipeline::start(&self.config(), self.policy.clone()).unwrap());
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.pipeline.as_ref().unwrap().shared
    }

    fn stop(&mut self) {
        self.pipeline.take().unwrap().stop();
    }

    fn write(&self, text: &str) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(self.eve()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the count of all alerts in the spool, by rule.
    fn wait_for(&self, total: u64) -> BTreeMap<String, u64> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let counts = self.counts();
            if counts.values().sum::<u64>() == total {
                return counts;
            }
            assert!(Instant::now() < end, "waited for {total}: {counts:?}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// What a core would have, had it taken everything.
    fn counts(&self) -> BTreeMap<String, u64> {
        let mut alerts: BTreeMap<u64, (String, u64)> = BTreeMap::new();
        let parcel = self.shared().with_spool(|spool| spool.parcel(1 << 20, 1 << 30)).unwrap();
        let Some(parcel) = parcel else { return BTreeMap::new() };
        let batch: Batch = serde_json::from_slice(&parcel.json).unwrap();
        for (number, record) in (batch.first..).zip(batch.records) {
            match record {
                Record::Alert(alert) => {
                    assert_eq!(alert.check(), Ok(()));
                    alerts.insert(number, (alert.rule.id, alert.count));
                }
                Record::Count(count) => alerts.get_mut(&count.alert).unwrap().1 = count.count,
                other => panic!("{other:?}"),
            }
        }
        let mut by_rule = BTreeMap::new();
        for (rule, count) in alerts.into_values() {
            *by_rule.entry(rule).or_default() += count;
        }
        by_rule
    }
}

fn line(sid: u32, from: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-11-24T14:31:29.123456+0000\",\"event_type\":\"alert\",\"src_ip\":\"{from}\",\"dest_ip\":\"10.0.0.9\",\"alert\":{{\"signature_id\":{sid},\"severity\":2,\"signature\":\"s\"}}}}\n"
    )
}

#[test]
fn alerts_are_found_among_other_records_and_counted() {
    let mut story = Story::new();
    story.start();
    for _ in 0..50 {
        story.write("{\"timestamp\":\"2026-11-24T14:31:29.1+0000\",\"event_type\":\"flow\"}\nnot json\n");
        story.write(&line(1, "10.0.0.1"));
    }
    story.write(&line(2, "10.0.0.1"));
    assert_eq!(story.wait_for(51), BTreeMap::from([("1".to_owned(), 50), ("2".to_owned(), 1)]));
    let end = Instant::now() + Duration::from_secs(5);
    while story.shared().snapshot().sources["suricata"].bad_lines != 50 {
        assert!(Instant::now() < end, "lines that are no JSON are counted");
        std::thread::park_timeout(Duration::from_millis(10));
    }
    story.stop();
}

#[test]
fn an_alert_behind_one_that_was_torn_when_the_manager_died_is_an_alert_all_the_same() {
    let mut story = Story::new();
    let alert = |rule: u32| {
        format!(
            r#"{{"timestamp":"2026-05-01T12:00:00.123+0200","rule":{{"level":5,"id":"{rule}"}},"agent":{{"id":"001","name":"web"}}}}"#
        )
    };
    let path = story.folder.path().join("alerts.json");
    std::fs::write(&path, format!("{}\n{}{}\n{}\n", alert(1), &alert(2)[..70], alert(3), alert(4))).unwrap();
    let mut config = story.config();
    (config.source[0].kind, config.source[0].path) = (crate::config::Kind::Wazuh, path);
    story.pipeline = Some(Pipeline::start(&config, Policy::default()).unwrap());
    let found: Vec<String> = story.wait_for(3).into_keys().collect();
    assert_eq!(found, ["1", "3", "4"]);
    story.stop();
}

#[test]
fn a_source_that_is_another_kind_of_thing_under_the_same_name_is_read_from_its_start_and_an_alarm_says_so() {
    let mut story = Story::new();
    let path = story.folder.path().join("alerts.json");
    let alert = r#"{"timestamp":"2026-05-01T12:00:00.123+0200","rule":{"level":5,"id":"7"},"agent":{"id":"001"}}"#;
    std::fs::write(&path, format!("{alert}\n")).unwrap();
    let mut config = story.config();
    config.source[0].name = "wazuh".to_owned();
    (config.source[0].kind, config.source[0].path) = (crate::config::Kind::Wazuh, path);
    let file = config.clone();
    config.source[0].kind = crate::config::Kind::WazuhIndexer;
    let indexer = config;
    story.pipeline = Some(Pipeline::start(&file, Policy::default()).unwrap());
    story.wait_for(1);
    story.stop();
    for (settings, total) in [(&indexer, 2), (&indexer, 2), (&file, 4), (&file, 4)] {
        story.pipeline = Some(Pipeline::start(settings, Policy::default()).unwrap());
        let counts = story.wait_for(total);
        assert_eq!((counts["source-changed"], counts["7"]), (total / 2, total / 2), "once for each change");
        if settings.source[0].kind == crate::config::Kind::WazuhIndexer {
            let cursor = story.shared().with_spool(|spool| spool.cursors()).unwrap()["wazuh"].clone();
            serde_json::from_value::<wazuh::indexer::tail::Cursor>(cursor).expect("it can be asked from there");
        }
        story.stop();
    }
}

#[test]
fn thousands_of_growing_windows_never_make_a_transaction_too_large_for_a_batch() {
    let mut story = Story::new();
    let lines: String = (0..3_000).map(|n| line(n / 100, &format!("10.1.{}.{}", n / 100, n % 100))).collect();
    for _ in 0..3 {
        story.write(&lines);
    }
    story.start();
    story.wait_for(9_000);
    let largest = story.shared().with_spool(|spool| {
        let mut largest = 0;
        while let Some(parcel) = spool.parcel(1, 1).unwrap() {
            let batch: Batch = serde_json::from_slice(&parcel.json).unwrap();
            largest = largest.max(batch.records.len());
            spool.confirm(parcel.to).unwrap();
        }
        largest
    });
    assert!((1_000..=wire::limit::BATCH_RECORDS).contains(&largest), "{largest}");
    story.stop();
}

#[test]
fn a_restart_goes_on_where_it_stopped() {
    let mut story = Story::new();
    story.write(&line(1, "10.0.0.1"));
    story.start();
    story.wait_for(1);
    story.stop();
    story.write(&line(1, "10.0.0.1"));
    story.start();
    story.wait_for(2);
    story.stop();
}

#[test]
fn following_the_core_reads_again_from_its_cursors() {
    let mut story = Story::new();
    story.write(&line(1, "10.0.0.1"));
    story.start();
    story.wait_for(1);
    let core = story.shared().with_spool(|spool| {
        let parcel = spool.parcel(500, 1 << 20).unwrap().unwrap();
        serde_json::from_slice::<Batch>(&parcel.json).unwrap()
    });
    story.write(&(line(2, "10.0.0.2") + &line(3, "10.0.0.3")));
    story.wait_for(3);
    // The core says that it stands at a position which this spool does not have.
    let elsewhere = Position { epoch: 1, number: 77, tag: 5 };
    story.shared().adopt(Some(elsewhere), &core.cursors).unwrap();
    assert_eq!(story.wait_for(2).keys().collect::<Vec<_>>(), ["2", "3"]);
    story.stop();
}

#[test]
fn what_the_policy_masks_is_neither_in_the_spool_nor_in_what_is_sent() {
    let mut story = Story::new();
    story.policy = Policy { raw: true, mask: vec!["source.ip".to_owned()], ..Policy::default() };
    story.start();
    story.write(&line(1, "198.51.100.77"));
    story.wait_for(1);
    // The batch as it is before it is compressed and enciphered.
    let parcel = story.shared().with_spool(|spool| spool.parcel(1 << 20, 1 << 30)).unwrap().unwrap();
    let sent = String::from_utf8(parcel.json).unwrap();
    assert!(sent.contains("\"source\"") && !sent.contains("198.51.100.77"), "{sent}");
    story.stop();
    for entry in std::fs::read_dir(story.folder.path()).unwrap().flatten() {
        if entry.path() != story.eve() {
            let bytes = std::fs::read(entry.path()).unwrap();
            assert!(memchr::memmem::find(&bytes, b"198.51.100.77").is_none(), "{:?}", entry.path());
        }
    }
}
