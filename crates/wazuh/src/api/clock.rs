//! The time that waits are counted in; handed in, so that a test need not wait.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// Counts time that never steps back, and waits.
pub trait Clock: Debug + Send + Sync {
    /// Since some moment that stays the same.
    fn now(&self) -> Duration;

    /// Ends when this much time has passed.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The machine's clock.
#[derive(Debug)]
pub struct MachineClock(Instant);

impl Default for MachineClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(time))
    }
}
