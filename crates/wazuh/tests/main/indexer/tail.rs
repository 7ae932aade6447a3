//! Alerts followed through an indexer, by a reader that is killed at any moment: each exactly once, whatever the indexer does.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use wazuh::alerts::Key;
use wazuh::indexer::Indexer;
use wazuh::indexer::tail::{Cursor, Settings, Tail};
use wazuh::{Secret, Server, Trust};
use wazuh_imitation::indexer::{Indexer as Imitation, Misbehaviour, Points};

/// Dice that always fall the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What the reader has on its disk: written in one transaction, or not at all.
struct Disk {
    cursor: Cursor,
    seen: HashSet<[u8; 16]>,
    alerts: Vec<String>,
}

fn begin() -> Timestamp {
    "2026-05-01T22:00:00Z".parse().unwrap()
}

fn alert(number: u64, at: Timestamp) -> String {
    let time = at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000");
    format!(
        r#"{{"timestamp":"{time}","rule":{{"id":"5710","level":5}},"agent":{{"id":"001"}},"manager":{{"name":"m{}"}},"id":"{}.{number}"}}"#,
        number % 2,
        at.as_second()
    )
}

fn client(address: std::net::SocketAddr) -> Indexer {
    let server = Server::new(format!("http://{address}"), Trust::System);
    Indexer::new(&server, "reader", Secret::new("secret")).unwrap()
}

fn settings() -> Settings {
    Settings { page: 7, ..Settings::default() }
}

async fn story(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(7919) + 1);
    let imitation = Imitation::new();
    let points = [Points::Allowed, Points::Forbidden, Points::Useless, Points::Unknown];
    imitation.behave(|behaviour| behaviour.points = points[usize::try_from(seed % 4).unwrap()]);
    let indexer = client(imitation.listen().await.unwrap());
    let mut now = begin();
    let mut disk =
        Disk { cursor: Cursor::from(now - SignedDuration::from_mins(1)), seen: HashSet::new(), alerts: Vec::new() };
    let mut tail = Tail::new(indexer.clone(), settings(), disk.cursor.clone());
    let (mut wrote, mut late, mut number) = (Vec::new(), Vec::new(), 0);
    for round in 0..60 {
        // Some come, many of them within one millisecond; some are written now and come hours later.
        for _ in 0..dice.below(12) {
            number += 1;
            let at = now - SignedDuration::from_millis(i64::try_from(dice.below(4) * 250).unwrap());
            let line = alert(number, at);
            wrote.push(line.clone());
            match dice.below(10) {
                0 => late.push(line),
                // Filebeat sends it twice: two documents.
                1 => {
                    imitation.add_alert(&line);
                    imitation.add_alert(&line);
                }
                _ => drop(imitation.add_alert(&line)),
            }
        }
        if round == 59 || dice.below(8) == 0 {
            late.drain(..).for_each(|line| drop(imitation.add_alert(&line)));
        }
        match dice.below(9) {
            0 => imitation.next(Misbehaviour::Partial { shards: 1 }),
            1 => imitation.next(Misbehaviour::TimedOut),
            2 => imitation.next(Misbehaviour::ExpirePoints),
            3 => imitation.next(Misbehaviour::HangUp),
            _ => {}
        }
        for _ in 0..dice.below(6) {
            let Ok(Some(page)) = tail.next(now).await else { break };
            let batch = page
                .sift(|keys| Ok::<_, std::io::Error>(keys.iter().map(|key| disk.seen.contains(&key.bytes())).collect()))
                .unwrap();
            // Killed before the transaction, or after it.
            let killed = dice.below(5);
            if killed != 0 {
                disk.seen.extend(batch.alerts.iter().map(|new| new.key.bytes()));
                disk.alerts.extend(batch.alerts.iter().filter_map(|new| new.document().map(str::to_owned)));
                disk.cursor = batch.cursor.clone();
            }
            if killed < 2 {
                tail = Tail::new(indexer.clone(), settings(), disk.cursor.clone());
            } else {
                tail.stored(batch.cursor);
            }
        }
        now += SignedDuration::from_secs(i64::try_from(dice.below(300)).unwrap());
    }
    // In the end all is quiet, and time passes until everything was compared.
    imitation.behave(|behaviour| behaviour.next.clear());
    for _ in 0..8 {
        now += SignedDuration::try_from(Duration::from_secs(601)).unwrap();
        while let Some(page) = tail.next(now).await.unwrap() {
            let batch = page
                .sift(|keys| Ok::<_, std::io::Error>(keys.iter().map(|key| disk.seen.contains(&key.bytes())).collect()))
                .unwrap();
            disk.seen.extend(batch.alerts.iter().map(|new| new.key.bytes()));
            disk.alerts.extend(batch.alerts.iter().filter_map(|new| new.document().map(str::to_owned)));
            tail.stored(batch.cursor);
        }
    }
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    wrote.iter().for_each(|line| *counts.entry(line).or_default() += 1);
    disk.alerts.iter().for_each(|line| *counts.entry(line).or_default() -= 1);
    counts.retain(|_, count| *count != 0);
    assert!(counts.is_empty(), "seed {seed}: lost (1) or twice (-1): {counts:#?}");
}

/// A reader that keeps no more keys than it must, and notes what it reads.
struct Reader {
    tail: Tail,
    seen: HashMap<[u8; 16], i64>,
    read: BTreeMap<String, usize>,
}

impl Reader {
    fn new(indexer: &Indexer, since: Timestamp) -> Self {
        let tail = Tail::new(indexer.clone(), settings(), Cursor::from(since));
        Self { tail, seen: HashMap::new(), read: BTreeMap::new() }
    }

    /// Reads what there is, without an end to it only if that never comes.
    async fn catch_up(&mut self, now: Timestamp) {
        while let Some(page) = self.tail.next(now).await.unwrap() {
            let seen = |keys: &[Key]| keys.iter().map(|key| self.seen.contains_key(&key.bytes())).collect();
            let batch = page.sift(|keys| Ok::<_, std::io::Error>(seen(keys))).unwrap();
            for new in &batch.alerts {
                self.seen.insert(new.key.bytes(), new.key.hour());
                *self.read.entry(new.document().unwrap().to_owned()).or_default() += 1;
            }
            self.seen.retain(|_, hour| *hour >= batch.forget_before);
            self.tail.stored(batch.cursor);
        }
    }

    /// Ten minutes and some more, again and again: all is compared.
    async fn watch(&mut self, now: &mut Timestamp, rounds: u32) {
        for _ in 0..rounds {
            *now += SignedDuration::from_secs(601);
            self.catch_up(*now).await;
        }
    }

    fn restart(&mut self, indexer: &Indexer) {
        self.tail = Tail::new(indexer.clone(), settings(), self.tail.cursor().clone());
    }

    fn once_each(&self, wrote: &[String]) {
        let wrote: BTreeMap<String, usize> = wrote.iter().map(|line| (line.clone(), 1)).collect();
        let differs: Vec<_> = wrote
            .keys()
            .chain(self.read.keys())
            .filter(|line| wrote.get(*line) != self.read.get(*line))
            .map(|line| (line, self.read.get(line)))
            .collect();
        assert!(differs.is_empty(), "{differs:#?}");
    }
}

/// An alert every five minutes of some hours.
fn alerts(first: u64, from: Timestamp, hours: i64) -> Vec<String> {
    let every = |n: i64| alert(first + u64::try_from(n).unwrap(), from + SignedDuration::from_mins(5 * n));
    (0..12 * hours).map(every).collect()
}

#[tokio::test]
async fn what_came_late_just_after_a_reader_went_away_is_read_when_it_is_back_after_days() {
    for (days, restart) in [(3, true), (3, false), (30, true), (30, false)] {
        let imitation = Imitation::new();
        let indexer = client(imitation.listen().await.unwrap());
        let mut now = begin() + SignedDuration::from_hours(5);
        let mut reader = Reader::new(&indexer, begin());
        // What one machine has sent within the last half an hour is not in the indexer yet, what the others have is.
        let mut wrote = alerts(0, begin(), 5);
        let late = wrote.split_off(54);
        wrote.push(alert(999, now));
        wrote.iter().for_each(|line| drop(imitation.add_alert(line)));
        reader.catch_up(now).await;
        reader.once_each(&wrote);
        late.iter().for_each(|line| drop(imitation.add_alert(line)));
        wrote.extend(late);
        let away = alerts(1000, now + SignedDuration::from_mins(1), 24 * days);
        away.iter().for_each(|line| drop(imitation.add_alert(line)));
        wrote.extend(away);
        now += SignedDuration::from_hours(24 * days + 1);
        if restart {
            reader.restart(&indexer);
        }
        reader.catch_up(now).await;
        reader.watch(&mut now, 8).await;
        reader.once_each(&wrote);
        assert!(reader.seen.len() <= 12 * 75, "keys of three days are kept, and not of more: {}", reader.seen.len());
    }
}

#[tokio::test]
async fn a_reader_that_lost_its_keys_repeats_ten_minutes_and_the_hour_of_what_came_late() {
    let imitation = Imitation::new();
    let indexer = client(imitation.listen().await.unwrap());
    let mut now = begin() + SignedDuration::from_mins(300 - 5);
    let mut reader = Reader::new(&indexer, begin());
    let mut wrote = alerts(0, begin(), 5);
    wrote.iter().for_each(|line| drop(imitation.add_alert(line)));
    reader.catch_up(now).await;
    // The disk is lost; the cursor is what the core has. Something comes late meanwhile, and goes on coming in time.
    reader.seen.clear();
    reader.tail = Tail::new(indexer.clone(), settings(), reader.tail.cursor().clone().without_keys());
    let late = alert(900, begin() + SignedDuration::from_mins(61));
    let more = alerts(1000, now + SignedDuration::from_mins(1), 3);
    for line in [late].iter().chain(&more) {
        imitation.add_alert(line);
        wrote.push(line.clone());
    }
    now += SignedDuration::from_mins(30);
    reader.catch_up(now).await;
    reader.watch(&mut now, 24).await;
    let twice = |line: &String| reader.read.get(line) == Some(&2);
    let repeated: Vec<usize> = (0..wrote.len()).filter(|n| twice(&wrote[*n])).collect();
    assert_eq!(repeated, [(12..24).collect(), vec![57, 58, 59]].concat());
    for n in repeated {
        reader.read.insert(wrote[n].clone(), 1);
    }
    reader.once_each(&wrote);
}

#[tokio::test]
async fn a_clock_that_was_set_back_far_or_forth_repeats_nothing() {
    for days in [-400, 400] {
        let imitation = Imitation::new();
        let indexer = client(imitation.listen().await.unwrap());
        let mut now = begin() + SignedDuration::from_hours(200);
        let mut reader = Reader::new(&indexer, begin());
        let mut wrote = alerts(0, begin(), 200);
        wrote.iter().for_each(|line| drop(imitation.add_alert(line)));
        reader.catch_up(now).await;
        let mut wrong = now + SignedDuration::from_hours(24 * days);
        reader.watch(&mut wrong, 3).await;
        reader.restart(&indexer);
        reader.watch(&mut wrong, 3).await;
        let more = alerts(5000, now, 1);
        more.iter().for_each(|line| drop(imitation.add_alert(line)));
        wrote.extend(more);
        reader.watch(&mut wrong, 3).await;
        now += SignedDuration::from_hours(1);
        reader.watch(&mut now, 9).await;
        reader.once_each(&wrote);
    }
}

#[tokio::test]
async fn readers_that_are_killed_lose_nothing_and_repeat_nothing() {
    // `make soak` goes through more of them.
    let seeds = std::env::var("SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(32);
    for seed in 0..seeds {
        story(seed).await;
    }
}
