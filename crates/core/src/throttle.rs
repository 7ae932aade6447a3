//! Slows down whoever guesses passphrases, without locking out anybody else.
//!
//! # Invariants
//! - What is counted belongs to a name *and* an address: an attacker elsewhere cannot keep Ada from signing in.
//! - An attempt counts before its answer is known, so that many at once are no way around.
//! - Memory is bounded: the entry that was used longest ago goes first.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong attempts that cost nothing.
const FREE: u32 = 5;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(300);
/// Everything is forgotten after so long without an attempt.
const MEMORY: Duration = Duration::from_secs(3600);
/// Entries at most.
const ENTRIES: usize = 10_000;

/// Counts failed attempts.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<(String, IpAddr), Attempts>>);

struct Attempts {
    count: u32,
    last: Instant,
}

impl Throttle {
    /// Counts an attempt; the error says how long to wait.
    pub(crate) fn attempt(&self, name: &str, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(name, address);
        if !entries.contains_key(&key) && entries.len() >= ENTRIES {
            make_room(&mut entries, now);
        }
        let entry = entries.entry(key).or_insert(Attempts { count: 0, last: now });
        if now.saturating_duration_since(entry.last) > MEMORY {
            entry.count = 0;
        }
        let ready = entry.last + wait(entry.count);
        if now < ready {
            return Err(ready - now);
        }
        entry.count = entry.count.saturating_add(1);
        entry.last = now;
        Ok(())
    }

    /// Forgets the attempts of somebody who has shown who they are.
    pub(crate) fn succeeded(&self, name: &str, address: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(name, address));
    }
}

#[cfg(test)]
impl Throttle {
    /// Forgets everything.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// IPv6 hands out addresses by the billion: a network counts as one.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

fn key(name: &str, address: IpAddr) -> (String, IpAddr) {
    (name.trim().to_lowercase().chars().take(64).collect(), network_of(address))
}

fn wait(count: u32) -> Duration {
    match count.checked_sub(FREE) {
        Some(over) => Duration::from_secs(1 << over.min(10)).min(LONGEST),
        None => Duration::ZERO,
    }
}

fn make_room(entries: &mut HashMap<(String, IpAddr), Attempts>, now: Instant) {
    entries.retain(|_, entry| now.saturating_duration_since(entry.last) <= MEMORY);
    while entries.len() >= ENTRIES {
        let oldest = entries.iter().min_by_key(|(_, entry)| entry.last).map(|(key, _)| key.clone());
        match oldest {
            Some(key) => entries.remove(&key),
            None => break,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn guessing_gets_slower_for_the_guesser_alone() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..FREE {
            assert_eq!(throttle.attempt("Ada", at("192.0.2.1"), start), Ok(()));
        }
        assert_eq!(throttle.attempt("ada ", at("192.0.2.1"), start), Err(Duration::from_secs(1)));
        assert_eq!(throttle.attempt("Ada", at("192.0.2.2"), start), Ok(()));
        assert_eq!(throttle.attempt("Bob", at("192.0.2.1"), start), Ok(()));
        let later = start + Duration::from_secs(1);
        assert_eq!(throttle.attempt("Ada", at("192.0.2.1"), later), Ok(()));
        assert_eq!(throttle.attempt("Ada", at("192.0.2.1"), later), Err(Duration::from_secs(2)));
        throttle.succeeded("Ada", at("192.0.2.1"));
        assert_eq!(throttle.attempt("Ada", at("192.0.2.1"), later), Ok(()));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_and_waits_are_bounded() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        for i in 0..40 {
            let address = at(&format!("2001:db8::{i:x}"));
            if let Err(wait) = throttle.attempt("Ada", address, now) {
                assert!(wait <= LONGEST);
                now += wait;
                assert_eq!(throttle.attempt("Ada", address, now), Ok(()));
            }
        }
        assert!(throttle.attempt("Ada", at("2001:db8::ffff"), now).is_err());
        assert!(throttle.attempt("Ada", at("2001:db8:0:1::1"), now).is_ok());
    }

    #[test]
    fn ten_thousand_tries_are_a_few_dozen_guesses() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let allowed = (0..10_000)
            .filter(|second| throttle.attempt("Ada", at("192.0.2.1"), start + Duration::from_secs(*second)).is_ok())
            .count();
        // Five at once, then after 1, 2, 4… seconds, and every 5 minutes from then on.
        assert!((30..=50).contains(&allowed), "{allowed}");
        assert_eq!(throttle.attempt("Ada", at("192.0.2.2"), start), Ok(()), "Ada herself comes in elsewhere");
    }

    #[test]
    fn memory_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for i in 0..ENTRIES + 50 {
            let _ = throttle.attempt(&format!("user {i}"), at("192.0.2.1"), now + Duration::from_millis(i as u64));
        }
        assert_eq!(throttle.0.lock().unwrap().len(), ENTRIES);
    }
}
