//! Alerts followed through an indexer, by a reader that is killed at any moment: each exactly once, whatever the indexer does.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
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

#[tokio::test]
async fn readers_that_are_killed_lose_nothing_and_repeat_nothing() {
    // `make soak` goes through more of them.
    let seeds = std::env::var("SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(32);
    for seed in 0..seeds {
        story(seed).await;
    }
}
