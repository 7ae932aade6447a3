//! How often a server is asked.
//!
//! A manager takes 300 requests a minute from all its clients together, logins and refused requests included, so one
//! client stays far below. A third of a minute's budget may be spent at once and the rest comes back evenly, so that no
//! minute, wherever it begins, sees more than the budget.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock::Clock;

/// A server's window lasts this long, from a moment that a client cannot see.
const WINDOW: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Pace {
    burst: f64,
    /// Per second.
    back: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    left: f64,
    at: Duration,
    held: Duration,
}

impl Pace {
    pub(super) fn new(per_minute: u32) -> Self {
        let budget = f64::from(per_minute.max(2));
        let burst = (budget / 3.0).floor().max(1.0);
        let state = State { left: burst, at: Duration::ZERO, held: Duration::ZERO };
        Self { burst, back: (budget - burst) / 60.0, state: Mutex::new(state) }
    }

    /// Waits until one more request is within the budget, and spends it.
    pub(super) async fn take(&self, clock: &dyn Clock) {
        loop {
            let wait = self.try_take(clock.now());
            if wait.is_zero() {
                return;
            }
            clock.sleep(wait).await;
        }
    }

    /// The server refused one: nothing is sent before its window is surely over. The time until then is returned; a
    /// part of it is left to chance, so that several clients do not come back at once.
    pub(super) fn hold(&self, clock: &dyn Clock) -> Duration {
        let wait = WINDOW + Duration::from_millis(1000 + fastrand::u64(0..4000));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held = state.held.max(clock.now() + wait);
        wait
    }

    fn try_take(&self, now: Duration) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now < state.held {
            return state.held - now;
        }
        let passed = now.saturating_sub(state.at).as_secs_f64();
        state.left = (state.left + passed * self.back).min(self.burst);
        state.at = now;
        if state.left >= 1.0 {
            state.left -= 1.0;
            return Duration::ZERO;
        }
        // A little more than what is missing, so that rounding does not ask twice.
        Duration::from_secs_f64((1.0 - state.left) / self.back) + Duration::from_millis(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_sees_more_than_the_budget() {
        let pace = Pace::new(60);
        let mut taken = Vec::new();
        let mut now = Duration::from_secs(1000);
        while taken.len() < 500 {
            let wait = pace.try_take(now);
            if wait.is_zero() {
                taken.push(now);
            }
            now += wait;
        }
        for (index, first) in taken.iter().enumerate() {
            let within = taken[index..].iter().take_while(|at| **at < *first + WINDOW).count();
            assert!(within <= 60, "{within} from {first:?} on");
        }
    }
}
