//! A node that is killed, rolled back and cut off, and a core that is restored: in the end the counts at the core equal
//! what the source wrote. No threads and no clock: every run of a seed is the same but for the disk's speed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use wire::link::Batch;

use super::*;
use crate::spool::Fail;

/// What a core keeps of a node, as `wire` says.
#[derive(Clone, Default)]
struct Core {
    position: Option<Position>,
    cursors: Cursors,
    /// Rule and count, by epoch and number.
    alerts: BTreeMap<(u64, u64), (String, u64)>,
}

impl Core {
    fn take(&mut self, batch: Batch) -> bool {
        if batch.after != self.position {
            return false;
        }
        assert!(batch.records.len() <= wire::limit::BATCH_RECORDS);
        assert_eq!(batch.to.number + 1, batch.first + batch.records.len() as u64);
        for (number, record) in (batch.first..).zip(batch.records) {
            match record {
                Record::Alert(alert) => {
                    assert_eq!(alert.check(), Ok(()));
                    let new = self.alerts.insert((batch.to.epoch, number), (alert.rule.id, alert.count));
                    assert!(new.is_none());
                }
                Record::Count(count) => {
                    let alert = self.alerts.get_mut(&(batch.to.epoch, count.alert)).expect("its alert came before");
                    assert!(count.count >= alert.1, "counts only grow");
                    alert.1 = count.count;
                }
                other => panic!("nothing was lost: {other:?}"),
            }
        }
        (self.position, self.cursors) = (Some(batch.to), batch.cursors);
        true
    }

    fn counts(&self) -> BTreeMap<String, u64> {
        let mut by_rule = BTreeMap::new();
        for (rule, count) in self.alerts.values() {
            *by_rule.entry(rule.clone()).or_default() += count;
        }
        by_rule
    }
}

struct World {
    folder: tempfile::TempDir,
    seed: u64,
    clock: Arc<AtomicI64>,
    work: Option<Work>,
    core: Core,
    backup: Core,
    image: Option<PathBuf>,
    images: u32,
    generations: u32,
    written: BTreeMap<String, u64>,
    /// The second half of a line that the source has begun.
    rest: Option<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        Spool::create(&data, 64 << 20).unwrap();
        let clock = Arc::new(AtomicI64::new(1_764_000_000_000));
        let mut world = Self {
            folder,
            seed: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            clock,
            work: None,
            core: Core::default(),
            backup: Core::default(),
            image: None,
            images: 0,
            generations: 0,
            written: BTreeMap::new(),
            rest: None,
        };
        world.start();
        // Before a core has anything of a node, only the node knows where it began.
        world.write();
        while world.core.position.is_none() {
            world.turn();
            world.send();
        }
        world.backup = world.core.clone();
        world
    }

    fn roll(&mut self, n: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) % n
    }

    fn eve(&self) -> PathBuf {
        self.folder.path().join("eve.json")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn start(&mut self) {
        let config = Config {
            data: self.data(),
            source: toml::from_str::<Config>(&format!(
                "[[source]]\nkind = \"suricata\"\nname = \"eve\"\npath = {:?}\nstart = \"beginning\"",
                self.eve()
            ))
            .unwrap()
            .source,
            ..Config::default()
        };
        let shared = Shared::open(&config).unwrap();
        let clock = Arc::clone(&self.clock);
        let clock = move || Timestamp::from_millisecond(clock.load(Ordering::Relaxed)).unwrap();
        self.work = Some(Work::new(&config, Policy::default(), shared, Box::new(clock)));
        if self.roll(2) == 0 {
            self.meet();
        }
    }

    fn kill(&mut self) {
        self.work = None;
    }

    fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.work.as_ref().unwrap().shared)
    }

    /// What the node does on connecting, and when the core refuses a batch.
    fn meet(&mut self) {
        let shared = self.shared();
        let core = self.core.position;
        let stands = shared.with_spool(|spool| !spool.waiting() && spool.stand_at(core).unwrap());
        if !stands {
            shared.adopt(core, &self.core.cursors).unwrap();
        }
    }

    fn send(&mut self) -> bool {
        let shared = self.shared();
        if shared.with_spool(|spool| spool.waiting()) {
            self.meet();
            return true;
        }
        let Some(parcel) = shared.with_spool(|spool| spool.parcel(100, 1 << 20)).unwrap() else { return false };
        let taken = self.core.take(serde_json::from_slice(&parcel.json).unwrap());
        if taken && self.roll(4) == 0 {
            // The answer is lost on its way.
            return true;
        }
        if taken || self.core.position == Some(parcel.to) {
            shared.with_spool(|spool| spool.confirm(parcel.to)).unwrap();
        } else {
            self.meet();
        }
        true
    }

    fn turn(&mut self) -> bool {
        let late = self.roll(3) == 0;
        let Some(work) = &mut self.work else { return false };
        work.pace = Duration::ZERO;
        if late {
            work.flushed = Instant::now().checked_sub(FLUSH).unwrap();
        }
        work.turn()
    }

    fn write(&mut self) {
        let mut text = self.rest.take().unwrap_or_default();
        for _ in 0..=self.roll(40) {
            let rule = self.roll(6);
            let at = Timestamp::from_millisecond(self.clock.load(Ordering::Relaxed)).unwrap();
            let at = at - jiff::SignedDuration::from_secs(self.roll(100) as i64);
            text.push_str(&match self.roll(5) {
                0 => format!("{{\"timestamp\":\"{at}\",\"event_type\":\"flow\"}}\n"),
                _ => {
                    *self.written.entry(rule.to_string()).or_default() += 1;
                    format!(
                        "{{\"timestamp\":\"{at}\",\"event_type\":\"alert\",\"src_ip\":\"10.0.0.{}\",\"alert\":{{\"signature_id\":{rule}}}}}\n",
                        self.roll(40)
                    )
                }
            });
        }
        if self.roll(4) == 0 {
            let half = text.len() - self.roll(20) as usize - 1;
            self.rest = Some(text.split_off(half));
        }
        append(&self.eve(), &text);
    }

    fn rotate(&mut self) {
        if let Some(rest) = self.rest.take() {
            append(&self.eve(), &rest);
        }
        if !self.eve().exists() {
            return;
        }
        for n in (1..=self.generations).rev() {
            let name = |n: u32| self.folder.path().join(format!("eve.json.{n}"));
            std::fs::rename(name(n), name(n + 1)).unwrap();
        }
        self.generations += 1;
        std::fs::rename(self.eve(), self.folder.path().join("eve.json.1")).unwrap();
    }

    fn step(&mut self) {
        let ahead = self.roll(20_000) as i64;
        self.clock.fetch_add(ahead, Ordering::Relaxed);
        match self.roll(100) {
            0..30 => self.write(),
            30..60 => drop(self.turn()),
            60..80 => drop(self.send()),
            80..83 => self.rotate(),
            83..89 => {
                self.kill();
                self.start();
            }
            89..93 => {
                // It dies in the midst of a transaction, or just after it.
                let fail = if self.roll(2) == 0 { Fail::Before } else { Fail::After };
                self.shared().with_spool(|spool| spool.fail = Some(fail));
                self.turn();
                if self.roll(2) == 0 {
                    self.kill();
                    self.start();
                } else {
                    self.shared().with_spool(|spool| spool.fail = None);
                }
            }
            93..95 => {
                let image = self.folder.path().join(format!("image {}", self.images));
                self.images += 1;
                copy(&self.data(), &image);
                self.image = Some(image);
            }
            95..97 => {
                if let Some(image) = self.image.clone() {
                    self.kill();
                    copy(&image, &self.data());
                    self.start();
                }
            }
            97 => {
                self.kill();
                std::fs::remove_dir_all(self.data()).unwrap();
                std::fs::create_dir(self.data()).unwrap();
                self.start();
            }
            98 => self.backup = self.core.clone(),
            _ => self.core = self.backup.clone(),
        }
    }

    fn settle(&mut self) {
        if let Some(rest) = self.rest.take() {
            append(&self.eve(), &rest);
        }
        self.kill();
        self.start();
        self.meet();
        let mut quiet = 0;
        while quiet < 4 {
            self.clock.fetch_add(30_000, Ordering::Relaxed);
            self.work.as_mut().unwrap().flushed = Instant::now().checked_sub(FLUSH).unwrap();
            let busy = self.turn() | self.send();
            quiet = if busy { 0 } else { quiet + 1 };
        }
    }
}

fn append(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn whatever_happens_in_between_the_counts_at_the_core_are_what_was_written() {
    let seeds = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(24);
    for seed in 1..=seeds {
        let mut world = World::new(seed);
        for _ in 0..150 {
            world.step();
        }
        world.settle();
        assert_eq!(world.core.counts(), world.written, "seed {seed}");
    }
}
