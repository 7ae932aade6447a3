//! Folding: alerts alike within a window of event time are one alert with a count.
//!
//! Pure: no I/O, no clock. What it knows is in [`Window`]s, which the spool keeps in the same transaction as the cursor of
//! the source, so that a restart goes on counting where it stopped.
//!
//! # Invariants
//! - For each source and rule the counts of all windows add up to the events seen: every event opens a window or grows one.
//! - A window is never dropped silently: when there are too many, the oldest are closed with their final count.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wire::alert::{Fold, Sample, Source};
use wire::limit;
use wire::link::Count;

/// New alerts of one rule within a minute, before they are folded by source address, and then by rule.
pub const FLOOD: u32 = 100;
/// Most windows open at once.
pub const WINDOWS: usize = 20_000;
/// Most windows closed at once: each is a record, and a transaction must fit a batch.
pub const CLOSINGS: usize = 400;
/// Seconds without an event after which a window is closed.
const IDLE: i64 = 60;
/// The same where Wazuh's copies may follow: by so much they may be later than Suricata's own events, or earlier.
const IDLE_ECHOED: i64 = 900;

/// What events are told apart by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The rule's id.
    pub rule: &'a str,
    /// Source address.
    pub from: &'a str,
    /// Destination address.
    pub to: &'a str,
    /// Number of the host at its manager.
    pub agent: &'a str,
    /// Name of the host: managers number theirs alike.
    pub host: &'a str,
    /// Account.
    pub user: &'a str,
    /// When it happened.
    pub time: Timestamp,
    /// True if it is Wazuh's copy of an event that Suricata writes itself.
    pub echo: bool,
}

impl<'a> Event<'a> {
    /// What must be alike in all events of one window that is not folded further.
    fn fields(&self) -> [&'a str; 7] {
        [self.source, self.rule, self.from, self.to, self.agent, self.host, self.user]
    }
}

/// Identifies a window.
pub type Key = u128;

/// One alert that may still grow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Number of the record that brought the alert.
    pub alert: u64,
    /// Events so far: each once, by whichever way it came. Of Suricata's events and Wazuh's copies of them the larger number.
    pub count: u64,
    /// How many came by way of Wazuh's copies.
    #[serde(default)]
    pub echoes: u64,
    /// How many came otherwise.
    #[serde(default)]
    pub direct: u64,
    /// The count that was last sent.
    pub sent: u64,
    /// Earliest event.
    pub first: Timestamp,
    /// Latest event.
    pub last: Timestamp,
    /// Samples not yet sent.
    pub samples: Vec<Sample>,
    /// Samples taken in all.
    pub taken: usize,
    /// When an event was last added, by the node's clock, in seconds.
    pub touched: i64,
}

/// What an event does.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is a new alert, folded so, with this key; [`Folder::opened`] must follow.
    New(Fold, Key),
    /// It stands for itself: folding is off for its rule.
    Alone,
    /// It has grown this window. If the second is true, a sample of it is wanted: [`Folder::sample`].
    Grown(Key, bool),
}

/// All open windows.
#[derive(Default)]
pub struct Folder {
    windows: HashMap<Key, Window>,
    rules: HashMap<u128, Rate>,
    /// Windows changed since [`Folder::changes`] was asked.
    changed: HashSet<Key>,
    /// Windows that have grown since they were last sent.
    grown: HashSet<Key>,
    /// Copies of events come as well.
    echoed: bool,
}

/// How many new alerts a rule made within the current minute.
#[derive(Default)]
struct Rate {
    minute: i64,
    full: u32,
    address: u32,
}

impl Folder {
    /// Goes on with windows from the spool.
    #[must_use]
    pub fn resume(windows: Vec<(Key, Window)>) -> Self {
        let mut windows: HashMap<Key, Window> = windows.into_iter().collect();
        // Those of early versions did not say by which way.
        for window in windows.values_mut().filter(|window| window.direct + window.echoes == 0) {
            window.direct = window.count;
        }
        let grown = windows.iter().filter(|(_, window)| window.count != window.sent).map(|(key, _)| *key).collect();
        Self { windows, grown, ..Self::default() }
    }

    /// The same, where copies of events come as well: their windows stay open for longer.
    #[must_use]
    pub fn with_echoes(self) -> Self {
        Self { echoed: true, ..self }
    }

    /// Counts an event. `window` is the length of its window in seconds, `now` the node's clock in seconds.
    pub fn see(&mut self, event: &Event<'_>, window: u32, now: i64) -> Verdict {
        if window == 0 {
            return Verdict::Alone;
        }
        let slot = event.time.as_second().div_euclid(i64::from(window));
        let full = hash(&event.fields(), slot, 0);
        if self.grow(full, event, now) {
            return self.grown(full);
        }
        if self.echoed
            && let Some(key) = self.flooded(event, slot)
            && self.grow(key, event, now)
        {
            return self.grown(key);
        }
        let rate = self.rules.entry(hash(&[event.source, event.rule], 0, 3)).or_default();
        if rate.minute != now / 60 {
            *rate = Rate { minute: now / 60, ..Rate::default() };
        }
        if rate.full < FLOOD {
            rate.full += 1;
            return Verdict::New(Fold::Full, full);
        }
        let address = hash(&[event.source, event.rule, event.from], slot, 1);
        let may_open = rate.address < FLOOD;
        if self.grow(address, event, now) {
            return self.grown(address);
        }
        if may_open {
            if let Some(rate) = self.rules.get_mut(&hash(&[event.source, event.rule], 0, 3)) {
                rate.address += 1;
            }
            return Verdict::New(Fold::Address, address);
        }
        let rule = hash(&[event.source, event.rule], slot, 2);
        if self.grow(rule, event, now) {
            return self.grown(rule);
        }
        Verdict::New(Fold::Rule, rule)
    }

    /// The window by address or by rule that an event belongs to which came by the other way too: that one may have been folded
    /// so in a flood, whatever the rate is now.
    fn flooded(&self, event: &Event<'_>, slot: i64) -> Option<Key> {
        let keys = [hash(&[event.source, event.rule, event.from], slot, 1), hash(&[event.source, event.rule], slot, 2)];
        keys.into_iter().find(|key| self.windows.get(key).is_some_and(|window| event.echo || window.echoes > 0))
    }

    /// Opens the window of a new alert, which is record number `alert`.
    pub fn opened(&mut self, key: Key, alert: u64, (time, echo): (Timestamp, bool), now: i64) {
        let window = Window {
            alert,
            count: 1,
            echoes: u64::from(echo),
            direct: u64::from(!echo),
            sent: 1,
            first: time,
            last: time,
            samples: Vec::new(),
            taken: 0,
            touched: now,
        };
        self.windows.insert(key, window);
        self.changed.insert(key);
    }

    /// Adds a sample to a window.
    pub fn sample(&mut self, key: Key, sample: Sample) {
        if let Some(window) = self.windows.get_mut(&key) {
            window.samples.push(sample);
            window.taken += 1;
        }
    }

    /// How many windows have grown since they were last sent.
    #[must_use]
    pub fn grown_windows(&self) -> usize {
        self.grown.len()
    }

    /// The counts of all windows that have grown since they were last sent.
    pub fn flush(&mut self) -> Vec<Count> {
        let mut counts = Vec::with_capacity(self.grown.len());
        for key in self.grown.drain() {
            if let Some(window) = self.windows.get_mut(&key) {
                counts.push(window.send(false));
            }
        }
        counts.sort_by_key(|count| count.alert);
        counts
    }

    /// Closes windows, at most [`CLOSINGS`] of them: those that were idle for a minute, and the oldest ones if there are
    /// too many. Gives their final counts, in the order of their alerts.
    pub fn close(&mut self, now: i64) -> Vec<Count> {
        let many = self.windows.len() > WINDOWS;
        let idle = if self.echoed { IDLE_ECHOED } else { IDLE };
        let mut closing: Vec<(i64, u64, Key)> = self
            .windows
            .iter()
            .filter(|(_, window)| many || window.touched + idle <= now)
            .map(|(key, window)| (window.touched, window.alert, *key))
            .collect();
        if closing.len() > CLOSINGS {
            closing.select_nth_unstable(CLOSINGS);
            closing.truncate(CLOSINGS);
        }
        let mut counts = Vec::with_capacity(closing.len());
        for (.., key) in closing {
            counts.extend(self.windows.remove(&key).map(|mut window| window.send(true)));
            self.changed.remove(&key);
            self.grown.remove(&key);
        }
        counts.sort_by_key(|count| count.alert);
        self.rules.retain(|_, rate| rate.minute + 1 >= now / 60);
        counts
    }

    /// How many windows are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.windows.len()
    }

    /// The windows changed since this was last asked, as they are now.
    pub fn changes(&mut self) -> Vec<(Key, Window)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().filter_map(|key| self.windows.get(&key).map(|window| (key, window.clone()))).collect()
    }

    fn grow(&mut self, key: Key, event: &Event<'_>, now: i64) -> bool {
        let Some(window) = self.windows.get_mut(&key) else { return false };
        let before = (window.count, window.witnesses().len());
        *(if event.echo { &mut window.echoes } else { &mut window.direct }) += 1;
        window.count = window.direct.max(window.echoes);
        window.first = window.first.min(event.time);
        window.last = window.last.max(event.time);
        window.touched = now;
        self.changed.insert(key);
        if before != (window.count, window.witnesses().len()) {
            self.grown.insert(key);
        }
        true
    }

    fn grown(&self, key: Key) -> Verdict {
        Verdict::Grown(key, self.windows.get(&key).is_some_and(|window| window.taken < limit::SAMPLES))
    }
}

impl Window {
    /// By which ways its events came, if by both.
    fn witnesses(&self) -> Vec<Source> {
        if self.direct > 0 && self.echoes > 0 { vec![Source::Suricata, Source::Wazuh] } else { Vec::new() }
    }

    fn send(&mut self, closed: bool) -> Count {
        self.sent = self.count;
        Count {
            alert: self.alert,
            count: self.count,
            first: self.first,
            last: self.last,
            witnesses: self.witnesses(),
            samples: std::mem::take(&mut self.samples),
            closed,
        }
    }
}

/// Distinct for distinct parts: each is preceded by its length.
fn hash(parts: &[&str], slot: i64, level: u8) -> Key {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&slot.to_le_bytes());
    hasher.update(&[level]);
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Key::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + second).unwrap()
    }

    /// A folder that numbers its alerts, and what it has sent.
    #[derive(Default)]
    struct Desk {
        folder: Folder,
        sent: HashMap<u64, u64>,
        next: u64,
        levels: Vec<Fold>,
    }

    impl Desk {
        fn see(&mut self, rule: &str, from: &str, to: &str, second: i64, now: i64) {
            let event = Event { source: "suricata", rule, from, to, time: at(second), ..Event::default() };
            match self.folder.see(&event, 60, now) {
                Verdict::New(fold, key) => {
                    self.next += 1;
                    self.folder.opened(key, self.next, (event.time, event.echo), now);
                    self.sent.insert(self.next, 1);
                    self.levels.push(fold);
                }
                Verdict::Alone => unreachable!("folding is on"),
                Verdict::Grown(..) => {}
            }
        }

        fn flush(&mut self) {
            for count in self.folder.flush() {
                self.sent.insert(count.alert, count.count);
            }
        }

        fn close(&mut self, now: i64) {
            for count in self.folder.close(now) {
                self.sent.insert(count.alert, count.count);
            }
        }
    }

    #[test]
    fn events_alike_within_a_minute_are_one_alert() {
        let mut desk = Desk::default();
        for second in 0..30 {
            desk.see("1", "10.0.0.1", "10.0.0.2", second, 0);
        }
        desk.see("1", "10.0.0.9", "10.0.0.2", 3, 0);
        desk.flush();
        assert_eq!(desk.sent, HashMap::from([(1, 30), (2, 1)]));
    }

    #[test]
    fn a_late_event_of_a_closed_window_is_counted_in_a_new_alert() {
        let mut desk = Desk::default();
        desk.see("1", "a", "b", 0, 0);
        desk.close(61);
        assert_eq!(desk.folder.open(), 0);
        desk.see("1", "a", "b", 1, 62);
        desk.flush();
        assert_eq!(desk.sent.values().sum::<u64>(), 2);
    }

    #[test]
    fn a_flood_is_folded_by_address_and_then_by_rule_with_exact_counts() {
        let mut desk = Desk::default();
        for n in 0..100_000 {
            desk.see("1", &format!("a{n}"), "b", n / 5_000, 0);
        }
        desk.flush();
        assert_eq!(desk.sent.values().sum::<u64>(), 100_000);
        let of = |fold| desk.levels.iter().filter(|level| **level == fold).count();
        assert_eq!((of(Fold::Full), of(Fold::Address)), (100, 100));
        assert!(of(Fold::Rule) <= 2, "one for each window of event time");
    }

    #[test]
    fn switched_off_every_event_stands_for_itself() {
        let event = Event { source: "s", rule: "1", time: at(0), ..Event::default() };
        assert_eq!(Folder::default().see(&event, 0, 0), Verdict::Alone);
    }

    #[test]
    fn hosts_that_two_managers_number_alike_are_not_taken_for_one() {
        let mut folder = Folder::default();
        let mut see = |agent, host| {
            let event = Event { source: "wazuh", rule: "5710", agent, host, time: at(0), ..Event::default() };
            let Verdict::New(_, key) = folder.see(&event, 60, 0) else { return false };
            folder.opened(key, 1, (event.time, false), 0);
            true
        };
        let new = [("001", "web"), ("001", "db"), ("002", "web"), ("001", "web")].map(|(agent, host)| see(agent, host));
        assert_eq!(new, [true, true, true, false]);
    }

    #[test]
    fn whatever_comes_the_counts_add_up_and_the_windows_stay_few() {
        let mut state = 7_u64;
        let mut roll = move |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let mut desk = Desk::default();
        let total = 200_000;
        for n in 0..total {
            let now = n / 500;
            let rule = format!("rule {}", roll(400));
            let second = n / 500 - roll(90) as i64;
            desk.see(&rule, &format!("10.0.0.{}", roll(200)), &format!("h{}", roll(5)), second, now);
            if roll(300) == 0 {
                desk.flush();
            }
            if roll(900) == 0 || desk.folder.open() > WINDOWS {
                desk.close(now);
            }
            assert!(desk.folder.open() <= WINDOWS + 1);
        }
        desk.flush();
        assert_eq!(desk.sent.values().sum::<u64>(), total as u64);
    }

    #[test]
    fn closing_thousands_of_windows_fits_a_batch_each_time() {
        let mut desk = Desk::default();
        for n in 0..1_000 {
            desk.see(&format!("rule {n}"), "a", "b", 0, 0);
        }
        let closed: Vec<usize> = (0..4).map(|_| desk.folder.close(61).len()).collect();
        assert_eq!(closed, [CLOSINGS, CLOSINGS, 1_000 - 2 * CLOSINGS, 0]);
    }

    #[test]
    fn an_event_that_comes_by_two_ways_is_counted_once_whichever_is_first() {
        let event = |second, echo| Event {
            source: "suricata",
            rule: "1",
            from: "a",
            to: "b",
            time: at(second),
            echo,
            ..Event::default()
        };
        for ways in [[false, false, true, true], [true, true, false, false], [false, true, true, false]] {
            let mut folder = Folder::default().with_echoes();
            let Verdict::New(_, key) = folder.see(&event(0, ways[0]), 60, 0) else { panic!("it is new") };
            folder.opened(key, 1, (at(0), ways[0]), 0);
            for (n, echo) in (1..).zip(&ways[1..]) {
                // Wazuh's copies are minutes late.
                let verdict = folder.see(&event(n % 2, *echo), 60, i64::from(*echo) * 600);
                assert!(matches!(verdict, Verdict::Grown(..)));
                assert!(folder.close(600).is_empty());
            }
            let counts = folder.flush();
            assert_eq!((counts.len(), counts[0].count), (1, 2));
            assert_eq!(counts[0].witnesses, [Source::Suricata, Source::Wazuh]);
        }
    }

    #[test]
    fn a_flood_that_comes_by_two_ways_is_counted_once_also_if_one_is_a_minute_later() {
        for (first, by_rule) in [(false, false), (true, false), (false, true), (true, true)] {
            let (mut folder, mut alerts) = (Folder::default().with_echoes(), HashMap::new());
            for (echo, now) in [(first, 50), (!first, 65)] {
                for n in 0..1_000 {
                    let (from, to) = (format!("a{n}"), format!("b{n}"));
                    let event = Event {
                        source: "suricata",
                        rule: "1",
                        from: if by_rule { &from } else { "a" },
                        to: &to,
                        time: at(0),
                        echo,
                        ..Event::default()
                    };
                    if let Verdict::New(_, key) = folder.see(&event, 60, now) {
                        let number = alerts.len() as u64;
                        folder.opened(key, number, (event.time, echo), now);
                        alerts.insert(number, 1);
                    }
                }
            }
            alerts.extend(folder.flush().iter().map(|count| (count.alert, count.count)));
            assert_eq!(alerts.values().sum::<u64>(), 1_000, "Wazuh first: {first}, many addresses: {by_rule}");
        }
    }

    #[test]
    fn a_restart_goes_on_counting() {
        let mut desk = Desk::default();
        desk.see("1", "a", "b", 0, 0);
        let kept: Vec<_> = desk.folder.changes();
        desk.folder = Folder::resume(kept);
        desk.see("1", "a", "b", 1, 1);
        desk.flush();
        assert_eq!(desk.sent, HashMap::from([(1, 2)]));
    }
}
