//! Asks the indexer for alerts, and hands page by page to the pipeline. [`wazuh::indexer::tail`] sees to it that none is skipped and
//! none comes twice; what was seen is in the spool.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use wazuh::Kind;
use wazuh::indexer::tail::{Cursor, Settings, Tail};

use super::Doors;
use crate::pipeline::Shared;

/// Between two questions when there is nothing more.
const PAUSE: Duration = Duration::from_secs(5);
/// Between two looks whether the pipeline has begun.
const OPENING: Duration = Duration::from_millis(200);
/// Longest wait after something went wrong.
const LONGEST: Duration = Duration::from_secs(120);

/// Asks for as long as the node runs.
pub(super) async fn run(shared: Arc<Shared>, source: String, doors: Doors) {
    let mut failures = 0;
    loop {
        // In each epoch from where the spool says.
        let Some((epoch, cursor)) = place(&shared, &source) else {
            tokio::time::sleep(OPENING).await;
            continue;
        };
        let indexer = match doors.indexer() {
            Ok(indexer) => indexer,
            Err(why) => {
                shared.trouble(&source, Some(why));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        follow(&shared, &source, epoch, Tail::new(indexer, Settings::default(), cursor), &mut failures).await;
    }
}

/// The epoch, and where asking stands in it; none until the pipeline has written it down.
fn place(shared: &Shared, source: &str) -> Option<(u64, Cursor)> {
    let epoch = shared.epoch()?;
    let (cursors, keys) = shared.with_spool(|spool| Some((spool.cursors().ok()?, spool.has_seen(source).ok()?)))?;
    let cursor: Cursor = serde_json::from_value(cursors.get(source)?.clone()).ok()?;
    Some((epoch, if keys { cursor } else { cursor.without_keys() }))
}

/// Follows until the epoch ends, or the indexer does not take the password. `failures`: how often it went wrong one after the other.
async fn follow(shared: &Shared, source: &str, epoch: u64, mut tail: Tail, failures: &mut u32) {
    loop {
        let wait = match tail.next(Timestamp::now()).await {
            Ok(Some(page)) => match shared.hand_over(epoch, source, page).await {
                Ok(cursor) => {
                    tail.stored(cursor);
                    Duration::ZERO
                }
                Err(_) => return,
            },
            Ok(None) => PAUSE,
            Err(error) => {
                *failures = failures.saturating_add(1);
                shared.trouble(source, Some(error.to_string()));
                tokio::time::sleep(PAUSE.saturating_mul(*failures).min(LONGEST)).await;
                if error.kind() == Kind::WrongPassword {
                    return;
                }
                continue;
            }
        };
        if *failures > 0 {
            *failures = 0;
            tail.sweep_soon();
        }
        shared.trouble(source, None);
        if shared.epoch() != Some(epoch) {
            return;
        }
        tokio::time::sleep(wait).await;
    }
}
