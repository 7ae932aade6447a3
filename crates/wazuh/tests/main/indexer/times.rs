//! A tail and the clocks: those that are wrong, and what came while something was down.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use wazuh::alerts::Key;
use wazuh::indexer::tail::{Cursor, Settings, Tail};
use wazuh_imitation::indexer::Indexer as Imitation;

use super::Ground;
use super::stories::alert;

fn begin() -> Timestamp {
    "2026-05-01T22:00:00Z".parse().unwrap()
}

async fn ground() -> (Ground, Imitation) {
    let ground = Ground::imitation().await;
    let Ground::Imitation(imitation, _) = &ground else { unreachable!() };
    let imitation = imitation.clone();
    (ground, imitation)
}

/// All that is new up to now, by the number in it.
async fn read(tail: &mut Tail, seen: &mut HashSet<Key>, now: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(page) = tail.next(now).await.unwrap() {
        let batch =
            page.sift(|keys| Ok::<_, std::io::Error>(keys.iter().map(|key| seen.contains(key)).collect())).unwrap();
        for new in &batch.alerts {
            seen.insert(new.key);
            let document: serde_json::Value = serde_json::from_str(new.document().unwrap()).unwrap();
            found.push(document["full_log"].as_str().unwrap().to_owned());
        }
        tail.stored(batch.cursor);
    }
    found
}

#[tokio::test]
async fn an_alert_from_the_future_hides_nobody() {
    let (ground, imitation) = ground().await;
    let mut tail = Tail::new(ground.client(), Settings::default(), Cursor::from(begin()));
    let mut seen = HashSet::new();
    let now = begin() + SignedDuration::from_mins(1);
    // One clock is two minutes ahead, another one a year.
    imitation.add_alert(&alert(1, now + SignedDuration::from_mins(2)));
    imitation.add_alert(&alert(2, now + SignedDuration::from_hours(24 * 365)));
    let mut found = read(&mut tail, &mut seen, now).await;
    assert!(tail.cursor().high() <= now, "the high-water time is never later than now");
    imitation.add_alert(&alert(3, now + SignedDuration::from_secs(10)));
    found.extend(read(&mut tail, &mut seen, now + SignedDuration::from_secs(20)).await);
    found.extend(read(&mut tail, &mut seen, now + SignedDuration::from_mins(15)).await);
    found.sort();
    assert_eq!(found, ["ä 1", "ä 2", "ä 3"], "each once");
}

#[tokio::test]
async fn what_came_while_something_was_down_is_found_as_soon_as_that_is_told() {
    let (ground, imitation) = ground().await;
    let mut tail = Tail::new(ground.client(), Settings::default(), Cursor::from(begin()));
    let mut seen = HashSet::new();
    let now = begin() + SignedDuration::from_hours(5);
    imitation.add_alert(&alert(1, now));
    assert_eq!(read(&mut tail, &mut seen, now).await, ["ä 1"]);
    // Filebeat was down, and sends now what it has of three hours ago.
    imitation.add_alert(&alert(2, now - SignedDuration::from_hours(3)));
    let soon = now + SignedDuration::from_secs(5);
    assert_eq!(read(&mut tail, &mut seen, soon).await, Vec::<String>::new(), "not yet time to compare the hours");
    tail.sweep_soon();
    assert_eq!(read(&mut tail, &mut seen, soon).await, ["ä 2"]);
}
