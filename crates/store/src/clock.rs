//! The database's clock. It is handed in, so that tests can stop it, turn it on and turn it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Tells the time, in milliseconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(|| Timestamp::now().as_millisecond()))
    }

    /// A clock that stands still until the [`Hand`] moves it.
    #[must_use]
    pub fn stopped(at: Timestamp) -> (Self, Hand) {
        let hand = Hand(Arc::new(AtomicI64::new(at.as_millisecond())));
        let read = hand.clone();
        (Self(Arc::new(move || read.0.load(Ordering::SeqCst))), hand)
    }

    /// Milliseconds since 1970.
    pub(crate) fn millis(&self) -> i64 {
        (self.0)()
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        from_millis(self.millis())
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// Moves a stopped [`Clock`].
#[derive(Clone, Debug)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    /// Sets the clock.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.as_millisecond(), Ordering::SeqCst);
    }

    /// Turns the clock on by so many seconds; back, if negative.
    pub fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

/// A time from the database; the nearest that can be told if it is out of range.
pub(crate) fn from_millis(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// As [`from_millis`], from microseconds.
pub(crate) fn from_micros(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(if us < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
