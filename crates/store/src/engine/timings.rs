//! How long each kind of query takes: in memory, since the start.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long one kind of query took, since the store was opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Which.
    pub what: &'static str,
    /// How often it ran.
    pub count: u64,
    /// Half of them took at most so many milliseconds (within 25 %).
    pub p50_ms: f64,
    /// 95 of 100 took at most so many milliseconds (within 25 %).
    pub p95_ms: f64,
    /// The longest, in milliseconds.
    pub max_ms: f64,
    /// The latest, in milliseconds.
    pub last_ms: f64,
}

/// Buckets grow by a quarter each, from 10 µs: the 100th is over an hour.
const BUCKETS: usize = 100;

struct Histogram {
    buckets: [u64; BUCKETS],
    count: u64,
    max: Duration,
    last: Duration,
}

impl Histogram {
    fn share(&self, share: f64) -> f64 {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return (0.01 * 1.25_f64.powi(bucket as i32)).min(self.max.as_secs_f64() * 1000.0);
            }
        }
        self.max.as_secs_f64() * 1000.0
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Timings(Mutex<HashMap<&'static str, Histogram>>);

impl Timings {
    pub(crate) fn note(&self, what: &'static str, took: Duration) {
        let micros = took.as_secs_f64() * 1e6;
        let bucket = ((micros / 10.0).max(1.0).ln() / 1.25_f64.ln()).ceil() as usize;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = all.entry(what).or_insert(Histogram {
            buckets: [0; BUCKETS],
            count: 0,
            max: Duration::ZERO,
            last: Duration::ZERO,
        });
        histogram.buckets[bucket.min(BUCKETS - 1)] += 1;
        histogram.count += 1;
        histogram.max = histogram.max.max(took);
        histogram.last = took;
    }

    /// Slowest (95th percentile) first.
    pub(crate) fn all(&self) -> Vec<Timing> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<Timing> = all
            .iter()
            .map(|(what, histogram)| Timing {
                what,
                count: histogram.count,
                p50_ms: histogram.share(0.5),
                p95_ms: histogram.share(0.95),
                max_ms: histogram.max.as_secs_f64() * 1000.0,
                last_ms: histogram.last.as_secs_f64() * 1000.0,
            })
            .collect();
        list.sort_by(|a, b| b.p95_ms.total_cmp(&a.p95_ms));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_quarter() {
        let timings = Timings::default();
        for ms in 1..=100 {
            timings.note("x", Duration::from_millis(ms));
        }
        let timing = &timings.all()[0];
        assert_eq!(timing.count, 100);
        assert!((50.0..63.0).contains(&timing.p50_ms), "{timing:?}");
        assert!((95.0..=100.0).contains(&timing.p95_ms), "{timing:?}");
        assert_eq!((timing.max_ms, timing.last_ms), (100.0, 100.0));
    }
}
