//! When what happens: a trickle, now and then a burst, critical things seldom, and a first wave so that the page is not
//! empty.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::traffic::{SCENARIOS, Scenario};
use super::wazuh::{EVENTS, Event};

/// Between two attacks on one client, on average.
const ATTACK: f64 = 20.0;
/// Between two alerts of Wazuh's, on average.
const EVENT: f64 = 25.0;
/// Between two moments of ordinary traffic.
const ORDINARY: f64 = 2.0;
/// One attack in this many is a burst of the same.
const BURST: u32 = 12;

/// What happens at one client, and when.
pub(crate) struct Schedule {
    dice: Rng,
    scenarios: VecDeque<(Instant, &'static Scenario)>,
    events: VecDeque<(Instant, &'static Event)>,
    ordinary: Instant,
}

impl Schedule {
    /// Begins with the first wave, within some five seconds of `now`; `opening` is what it begins with.
    pub(crate) fn begin(now: Instant, seed: u64, opening: &[&str]) -> Self {
        let mut dice = Rng::with_seed(seed);
        let mut after = |seconds: f64| now + Duration::from_secs_f64(dice.f64() * seconds);
        let mut scenarios: Vec<_> =
            opening.iter().filter_map(|name| Scenario::named(name)).map(|s| (after(1.5), s)).collect();
        let mut events: Vec<_> = (0..4).map(|i| (after(5.0), &EVENTS[i * 3 % EVENTS.len()])).collect();
        scenarios.extend((0..6).map(|_| after(5.0)).collect::<Vec<_>>().into_iter().map(|at| (at, attack(&mut dice))));
        scenarios.sort_by_key(|s| s.0);
        events.sort_by_key(|e| e.0);
        Self { dice, scenarios: scenarios.into(), events: events.into(), ordinary: now }
    }

    /// The next scenario that is due.
    pub(crate) fn scenario(&mut self, now: Instant) -> Option<&'static Scenario> {
        if now >= self.ordinary {
            self.ordinary = now + self.pause(ORDINARY);
            return Scenario::named("ordinary");
        }
        let due = due(&mut self.scenarios, now)?;
        if self.scenarios.is_empty() {
            let (at, next) = (now + self.pause(ATTACK), attack(&mut self.dice));
            // What is rare comes once.
            let times = if next.weight > 1 && self.dice.u32(..BURST) == 0 { self.dice.u32(4..12) } else { 1 };
            self.scenarios = (0..times).map(|i| (at + Duration::from_millis(700) * i, next)).collect();
        }
        Some(due)
    }

    /// The next alert of Wazuh's that is due.
    pub(crate) fn event(&mut self, now: Instant) -> Option<&'static Event> {
        let due = due(&mut self.events, now)?;
        if self.events.is_empty() {
            let at = now + self.pause(EVENT);
            let next = weighted(EVENTS, |e| e.weight, &mut self.dice);
            self.events.extend(next.map(|e| (at, e)));
        }
        Some(due)
    }

    /// A pause of random length around a mean, as between things that do not know of one another.
    fn pause(&mut self, mean: f64) -> Duration {
        let pause = -mean * (1.0 - self.dice.f64()).ln();
        Duration::from_secs_f64(pause.clamp(0.2, mean * 4.0))
    }
}

fn attack(dice: &mut Rng) -> &'static Scenario {
    weighted(SCENARIOS, |s| s.weight, dice).unwrap_or(&SCENARIOS[0])
}

fn due<T>(queue: &mut VecDeque<(Instant, T)>, now: Instant) -> Option<T> {
    if queue.front()?.0 > now {
        return None;
    }
    queue.pop_front().map(|(_, what)| what)
}

/// One of them, each as likely as its weight says.
fn weighted<T>(all: &'static [T], weight: impl Fn(&T) -> u32, dice: &mut Rng) -> Option<&'static T> {
    let total: u32 = all.iter().map(&weight).sum();
    let mut left = dice.u32(..total.max(1));
    all.iter().find(|one| {
        let here = left < weight(one);
        left = left.saturating_sub(weight(one));
        here
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_a_trickle_with_bursts_after_a_first_wave() {
        let begin = Instant::now();
        let mut schedule = Schedule::begin(begin, 42, &["sqlmap"]);
        let (mut first, mut attacks, mut events, mut critical) = (0, 0, 0, 0);
        for tenth in 0..36_000 {
            let now = begin + Duration::from_millis(100) * tenth;
            while let Some(scenario) = schedule.scenario(now) {
                if scenario.rules.is_empty() {
                    continue;
                }
                attacks += 1;
                first += u32::from(tenth < 60);
                critical += u32::from(scenario.weight == 1);
            }
            events += u32::from(schedule.event(now).is_some());
        }
        assert!(first >= 7, "{first} in the first wave");
        assert!((120..600).contains(&attacks), "{attacks} attacks an hour");
        assert!((80..250).contains(&events), "{events} events an hour");
        assert!(critical * 10 < attacks, "{critical} critical of {attacks}");
    }
}
