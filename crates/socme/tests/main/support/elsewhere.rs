//! A manager elsewhere, whose alerts reach the node through Filebeat and an indexer (imitated): in any order, some late, some twice.

use std::net::SocketAddr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;
use wazuh_imitation::indexer::{Indexer, Misbehaviour, Reply};

use super::Dice;
use super::analysisd::wazuh_line;
use super::ledger::Ledger;

/// That manager, its Filebeat, and its indexer, which can be killed.
pub struct Elsewhere {
    pub address: SocketAddr,
    pub clock: Timestamp,
    indexer: Indexer,
    runtime: Option<Runtime>,
    dice: Dice,
    ledger: Ledger,
    first_rule: u64,
    alerts: u64,
    /// What Filebeat has not delivered yet.
    queue: Vec<String>,
    pub deaths: u64,
}

impl Elsewhere {
    pub fn start(clock: Timestamp, first_rule: u64, seed: u64, ledger: Ledger) -> Self {
        let (indexer, dice) = (Indexer::new(), Dice::new(seed));
        let runtime = runtime();
        let address = runtime.block_on(indexer.listen()).expect("listen");
        let (runtime, queue) = (Some(runtime), Vec::new());
        Self { address, clock, indexer, runtime, dice, ledger, first_rule, alerts: 0, queue, deaths: 0 }
    }

    /// SIGKILL: connections end in the middle of an answer; documents are on its disk, points in time were in its memory.
    pub fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
            self.indexer.expire_points();
            self.indexer.behave(|behaviour| behaviour.next.clear());
            self.deaths += 1;
        }
    }

    pub fn live(&mut self) {
        if self.runtime.is_none() {
            let runtime = runtime();
            // The port is free once the last connection has ended.
            super::wait_for("the indexer's port", std::time::Duration::from_secs(20), || {
                runtime.block_on(self.indexer.listen_at(self.address)).ok()
            });
            self.runtime = Some(runtime);
        }
    }

    /// Alerts are written, some of them within one millisecond; most are delivered soon.
    pub fn write(&mut self, alerts: u64) {
        for _ in 0..alerts {
            if self.dice.once_in(2) {
                let on =
                    self.clock + SignedDuration::from_millis(i64::try_from(self.dice.below(2_000)).expect("small"));
                self.clock = on.min(Timestamp::now());
            }
            let rule = self.first_rule + self.alerts;
            self.alerts += 1;
            let length = self.dice.below(200);
            let line =
                wazuh_line(&mut self.dice, rule, length, &self.clock.to_zoned_datetime(TimeZone::UTC), "elsewhere");
            self.ledger.note("wazuh", &rule.to_string());
            let place = self.dice.below(self.queue.len() as u64 + 1);
            self.queue.insert(usize::try_from(place).expect("small"), line);
        }
        self.deliver(6);
    }

    /// All within one millisecond, and more than fit a page.
    pub fn flood(&mut self) {
        for _ in 0..1_300 {
            let rule = self.first_rule + self.alerts;
            self.alerts += 1;
            let line = wazuh_line(&mut self.dice, rule, 0, &self.clock.to_zoned_datetime(TimeZone::UTC), "elsewhere");
            self.ledger.note("wazuh", &rule.to_string());
            self.queue.push(line);
        }
    }

    /// Filebeat delivers: what it may keep for later is one in so many.
    pub fn deliver(&mut self, keep: u64) {
        if self.runtime.is_none() {
            return;
        }
        let mut kept = Vec::new();
        for line in std::mem::take(&mut self.queue) {
            match self.dice.below(12) {
                // The answer was lost: it is delivered again, under another `_id`.
                0 => {
                    self.indexer.add_alert(&line);
                    kept.push(line);
                }
                n if keep > 0 && n < 12 / keep => kept.push(line),
                _ => drop(self.indexer.add_alert(&line)),
            }
        }
        self.queue = kept;
    }

    /// Delivers everything, and behaves from now on.
    pub fn settle(&mut self) {
        self.live();
        self.indexer.behave(|behaviour| behaviour.next.clear());
        for line in self.queue.drain(..) {
            self.indexer.add_alert(&line);
        }
    }

    /// One of its next answers is not as it should be.
    pub fn misbehave(&mut self) {
        for _ in 0..self.dice.below(3) {
            self.indexer.next(Misbehaviour::None);
        }
        self.indexer.next(match self.dice.below(7) {
            0 | 1 => Misbehaviour::Partial { shards: 1 + self.dice.below(3) },
            2 => Misbehaviour::TimedOut,
            3 => Misbehaviour::ExpirePoints,
            4 => Misbehaviour::HangUp,
            5 => Misbehaviour::Reply(Reply::rejected()),
            _ => Misbehaviour::Reply(Reply::unavailable()),
        });
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime")
}
