//! From the sources to the spool: one thread that reads, recognises, folds, and commits.
//!
//! # Cadence
//! New alerts are committed at once, but at least `PACE` apart, and further where the disk is slow. What has only grown
//! counts, or read events that are no alerts, is committed every second. Every transaction that writes a record writes all
//! counts that have grown (see [`crate::spool`]), so it is also time when these would no longer fit a batch.

mod desk;
mod polled;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tail::Gap;
use tokio::sync::{broadcast, oneshot, watch};
use wire::alert::{Alert, Severity, Source};
use wire::link::{Count, Cursors, Position, Record};
use wire::status::{SourceState, SourceStatus, SuricataStatus};

use crate::alarm::alarm;
use crate::config::Config;
use crate::fold::{Folder, WINDOWS};
use crate::policy::Policy;
use crate::source::{Place, Reading, mark_bad};
use crate::spool::{Commit, Depth, Error, Note, Opened, Seen, Spool};
use desk::{Desk, Tally};
use polled::{Handed, Polled};

/// Least time between two transactions, and most where the disk is slow.
const PACE: Duration = Duration::from_millis(50);
const SLOW_PACE: Duration = Duration::from_millis(500);
/// How often counts that have grown are sent.
const FLUSH: Duration = Duration::from_secs(1);
/// How often files are looked at when nothing tells of a change.
const LOOK: Duration = Duration::from_millis(250);
/// Least time between two looks: a source that writes line by line is read some lines at a time.
const GATHER: Duration = Duration::from_millis(3);
/// Most new alerts, grown windows, and bytes of lines that become records, in a transaction. With what is closed
/// ([`crate::fold::CLOSINGS`]) it must fit a batch; a line may be up to five times as long in a record, where its text
/// stands in several fields and with escapes.
const RECORDS: usize = 400;
const GROWN: usize = 1_000;
const WEIGHT: usize = 2 << 20;
const _: () = assert!(RECORDS + GROWN + crate::fold::CLOSINGS < wire::limit::BATCH_RECORDS);
const _: () = assert!(5 * (WEIGHT + wire::limit::RAW) < wire::limit::BATCH_BYTES);
// What is posted is in JSON already, which in a text needs a second sign before each quote.
const _: () = assert!(5 * WEIGHT + 2 * wire::limit::ANSWER < wire::limit::BATCH_BYTES);
/// Share of dropped packets from which Suricata is partly blind.
const DROPS: f64 = 0.01;

/// How the sources and the spool are, for the status.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Each source.
    pub sources: BTreeMap<String, SourceStatus>,
    /// Suricata's own figures.
    pub suricata: Option<SuricataStatus>,
    /// What is wrong with the spool.
    pub spool_error: Option<String>,
    /// Events read since the start.
    pub events: u64,
    /// Alerts and counts written since the start.
    pub written: u64,
}

/// What the pipeline shares with the way to the core.
pub struct Shared {
    spool: Mutex<Spool>,
    snapshot: Mutex<Snapshot>,
    stop: AtomicBool,
    news: watch::Sender<u64>,
    detected: broadcast::Sender<Arc<Alert>>,
    thread: Mutex<Option<std::thread::Thread>>,
    posts: Mutex<VecDeque<Post>>,
    /// A page for each source that is asked.
    pages: Mutex<BTreeMap<String, Handed>>,
    /// What keeps a source that is asked from answering.
    troubles: Mutex<BTreeMap<String, String>>,
}

/// What others than the sources have to say: records, and what is remembered in the same transaction.
struct Post {
    records: Vec<Record>,
    notes: Vec<Note>,
    /// The spool's epoch that it belongs to.
    epoch: u64,
    done: oneshot::Sender<()>,
}

/// What was posted was not written: the spool follows the core in a new epoch, or the node stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Void;

/// A running pipeline.
pub struct Pipeline {
    /// What it shares.
    pub shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Pipeline {
    /// Opens the spool of an enrolled node and starts reading.
    ///
    /// # Errors
    /// When the spool cannot be used.
    pub fn start(config: &Config, policy: Policy) -> Result<Self, Error> {
        let shared = Shared::open(config)?;
        let mut work = Work::new(config, policy, Arc::clone(&shared), Box::new(Timestamp::now));
        let thread = std::thread::Builder::new()
            .name("pipeline".to_owned())
            .spawn(move || work.run())
            .map_err(|error| Error::Other(error.to_string()))?;
        *lock(&shared.thread) = Some(thread.thread().clone());
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Commits what was read, and ends.
    pub fn stop(mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn open(config: &Config) -> Result<Arc<Self>, Error> {
        let (spool, opened) = Spool::open(&config.data, config.spool.limit.0)?;
        let snapshot = Snapshot { spool_error: note(&opened), ..Snapshot::default() };
        Ok(Arc::new(Self {
            spool: Mutex::new(spool),
            snapshot: Mutex::new(snapshot),
            stop: AtomicBool::new(false),
            news: watch::Sender::new(0),
            detected: broadcast::Sender::new(256),
            thread: Mutex::new(None),
            posts: Mutex::default(),
            pages: Mutex::default(),
            troubles: Mutex::default(),
        }))
    }

    /// Tells of each transaction that wrote records.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Tells of each new alert.
    #[must_use]
    pub fn detected(&self) -> broadcast::Receiver<Arc<Alert>> {
        self.detected.subscribe()
    }

    /// How the sources are.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        lock(&self.snapshot).clone()
    }

    /// Uses the spool.
    pub fn with_spool<T>(&self, use_it: impl FnOnce(&mut Spool) -> T) -> T {
        use_it(&mut lock(&self.spool))
    }

    /// How much is in the spool.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.with_spool(|spool| spool.depth().unwrap_or_default())
    }

    /// The spool's epoch; none while it waits for the core.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.with_spool(|spool| (!spool.waiting()).then(|| spool.epoch()))
    }

    /// Writes records and notes in one transaction of this epoch, and returns once they are on the disk.
    ///
    /// # Errors
    /// [`Void`]: nothing was written, or it was forgotten with its epoch.
    pub async fn post(&self, epoch: u64, records: Vec<Record>, notes: Vec<Note>) -> Result<(), Void> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Void);
        }
        let (done, written) = oneshot::channel();
        lock(&self.posts).push_back(Post { records, notes, epoch, done });
        self.wake();
        written.await.map_err(|_| Void)
    }

    /// Hands over a page of a source that is asked; returns the cursor once all of it is on the disk.
    ///
    /// # Errors
    /// [`Void`]: it was forgotten with its epoch. Ask again from the cursor in the spool.
    pub async fn hand_over(
        &self,
        epoch: u64,
        source: &str,
        page: wazuh::indexer::tail::Page,
    ) -> Result<wazuh::indexer::tail::Cursor, Void> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Void);
        }
        let (done, written) = oneshot::channel();
        lock(&self.pages).insert(source.to_owned(), Handed { page, epoch, done });
        self.wake();
        written.await.map_err(|_| Void)
    }

    /// Notes what keeps a source that is asked from answering; none: it answers.
    pub fn trouble(&self, source: &str, why: Option<String>) {
        let mut troubles = lock(&self.troubles);
        match why {
            Some(why) => drop(troubles.insert(source.to_owned(), why)),
            None => drop(troubles.remove(source)),
        }
    }

    /// Follows the core, whose position is none of ours. See [`Spool::adopt`].
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn adopt(&self, core: Option<Position>, cursors: &Cursors) -> Result<(), Error> {
        self.with_spool(|spool| spool.adopt(core, cursors, Timestamp::now()))?;
        lock(&self.snapshot).spool_error = None;
        self.wake();
        Ok(())
    }

    /// Sets a damaged spool aside; it waits for the core then.
    ///
    /// # Errors
    /// When no new one can be made.
    pub fn set_aside(self: &Arc<Self>, data: &std::path::Path, limit: u64, why: &str) -> Result<(), Error> {
        let mut spool = lock(&self.spool);
        // The old connection must be closed before its file is renamed: a spool in another folder takes its place meanwhile.
        let refuge = data.join("spool.refuge");
        std::fs::create_dir_all(&refuge).map_err(|error| Error::Other(error.to_string()))?;
        let (meanwhile, _) = Spool::open(&refuge, limit)?;
        let broken = std::mem::replace(&mut *spool, meanwhile);
        let (fresh, aside) = broken.set_aside()?;
        *spool = fresh;
        drop(spool);
        let _ = std::fs::remove_dir_all(&refuge);
        lock(&self.snapshot).spool_error = note(&Opened::SetAside(aside, why.to_owned()));
        // The way to the core has to say hello.
        self.news.send_modify(|n| *n += 1);
        Ok(())
    }

    fn wake(&self) {
        if let Some(thread) = &*lock(&self.thread) {
            thread.unpark();
        }
    }
}

/// What the thread works on.
struct Work {
    config: Config,
    policy: Policy,
    shared: Arc<Shared>,
    sources: Vec<Reading>,
    polled: Vec<Polled>,
    folder: Folder,
    stats: Option<SuricataStatus>,
    pending: Pending,
    /// A transaction that found no room; nothing is read until it is written.
    unsaved: Option<Commit>,
    /// Who waits for the transaction that is being written.
    waiting: Vec<oneshot::Sender<()>>,
    /// The same for pages of sources.
    pages: Vec<(wazuh::indexer::tail::Cursor, oneshot::Sender<wazuh::indexer::tail::Cursor>)>,
    /// The spool's epoch that all this belongs to.
    epoch: Option<u64>,
    committed: Instant,
    /// How long to wait after it until the next.
    pace: Duration,
    flushed: Instant,
    looked: Option<Instant>,
    /// When an alarm of a kind was last raised.
    raised: BTreeMap<&'static str, Timestamp>,
    clock: Clock,
}

/// Tells the time.
type Clock = Box<dyn Fn() -> Timestamp + Send>;

/// What the next transaction will write.
#[derive(Default)]
struct Pending {
    records: Vec<Record>,
    /// Bytes of the lines that became records.
    weight: usize,
    /// Something was read.
    read: bool,
    /// It must not wait.
    urgent: bool,
    /// What is remembered along with it.
    notes: Vec<Note>,
    /// Who waits for it.
    done: Vec<oneshot::Sender<()>>,
    /// Keys of alerts of sources that are asked: source, key, hour.
    seen: Vec<Seen>,
    /// Keys of a source that may go: those of hours before this.
    forget: Vec<(String, i64)>,
    /// Pages that end with it.
    pages: Vec<(wazuh::indexer::tail::Cursor, oneshot::Sender<wazuh::indexer::tail::Cursor>)>,
}

impl Work {
    fn new(config: &Config, policy: Policy, shared: Arc<Shared>, clock: Clock) -> Self {
        Self {
            config: config.clone(),
            policy,
            shared,
            sources: config.source.iter().filter(|source| source.kind.is_file()).map(Reading::new).collect(),
            polled: config
                .source
                .iter()
                .filter(|source| !source.kind.is_file())
                .map(|source| Polled::new(source, config.wazuh.indexer.as_ref().map_or("", |reach| &reach.url)))
                .collect(),
            folder: Folder::default(),
            stats: None,
            pending: Pending::default(),
            unsaved: None,
            waiting: Vec::new(),
            pages: Vec::new(),
            epoch: None,
            committed: Instant::now(),
            pace: PACE,
            flushed: Instant::now(),
            looked: None,
            raised: BTreeMap::new(),
            clock,
        }
    }

    fn run(&mut self) {
        let _watcher = self.watch();
        while !self.shared.stop.load(Ordering::Relaxed) {
            if !self.turn() {
                std::thread::park_timeout(self.until_next());
                std::thread::sleep(GATHER);
            }
        }
        self.save();
        // Whoever waits is told that nothing was written.
        self.waiting.clear();
        self.pages.clear();
        lock(&self.shared.posts).clear();
        lock(&self.shared.pages).clear();
        self.polled.clear();
    }

    /// How long there is nothing to do, unless a source writes.
    fn until_next(&self) -> Duration {
        if self.pending.records.is_empty() || self.unsaved.is_some() {
            return LOOK;
        }
        self.pace.saturating_sub(self.committed.elapsed()).min(LOOK)
    }

    /// Wakes the thread when a folder of a source changes. Without inotify the files are looked at four times a second.
    fn watch(&self) -> Option<notify::RecommendedWatcher> {
        use notify::Watcher;
        let thread = std::thread::current();
        let wake = move |event: notify::Result<notify::Event>| {
            // Opening and reading files is what we do ourselves.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                thread.unpark();
            }
        };
        let mut watcher = notify::recommended_watcher(wake).ok()?;
        for source in self.config.source.iter().filter(|source| source.kind.is_file()) {
            if let Some(folder) = source.path.parent() {
                let _ = watcher.watch(folder, notify::RecursiveMode::NonRecursive);
            }
        }
        Some(watcher)
    }

    /// One round; false if there was nothing to do.
    fn turn(&mut self) -> bool {
        self.look();
        if let Some(commit) = self.unsaved.take() {
            return self.commit(commit);
        }
        if !self.follow_spool() {
            return false;
        }
        let mut busy = false;
        for at in 0..self.sources.len() {
            busy |= self.read(at);
        }
        busy |= self.take_pages();
        self.take_posts();
        self.save();
        busy
    }

    /// Begins anew where the spool says, if it has followed the core or is seen for the first time. False while it waits.
    fn follow_spool(&mut self) -> bool {
        let spool = lock(&self.shared.spool);
        if spool.waiting() {
            return false;
        }
        if self.epoch == Some(spool.epoch()) {
            return true;
        }
        let (cursors, windows) = match (spool.cursors(), spool.windows()) {
            (Ok(cursors), Ok(windows)) => (cursors, windows),
            (Err(error), _) | (_, Err(error)) => {
                drop(spool);
                self.spool_error(&error);
                return false;
            }
        };
        self.epoch = Some(spool.epoch());
        drop(spool);
        self.folder = Folder::resume(windows);
        if self.config.echoed().is_some() {
            self.folder = std::mem::take(&mut self.folder).with_echoes();
        }
        self.pending = Pending::default();
        let mut places = Vec::new();
        for source in &mut self.sources {
            match source.open(cursors.get(&source.name)) {
                Ok(place) => places.push((source.name.clone(), place)),
                Err(error) => source.failed(&error),
            }
        }
        for polled in &mut self.polled {
            let place = polled.open(cursors.get(&polled.name), (self.clock)());
            places.push((polled.name.clone(), place));
        }
        for (name, place) in places {
            self.opened(&name, place);
        }
        true
    }

    /// Where reading begins is kept at once, so that a crash cannot move it; in the same transaction, that it is elsewhere
    /// than where it stood.
    fn opened(&mut self, source: &str, place: Place) {
        self.pending.urgent = true;
        if place == Place::Foreign {
            tracing::warn!(source, "the place where reading stood is of another kind of source: begun at its `start`");
            let changed = changed_alarm(source, (self.clock)());
            self.push(changed);
        }
    }

    fn read(&mut self, at: usize) -> bool {
        let started = Instant::now();
        let mut gaps = Vec::new();
        let mut any = false;
        while !self.full() && started.elapsed() < PACE {
            match self.read_some(at, &mut gaps) {
                Ok(true) => any = true,
                Ok(false) => break,
                Err(error) => {
                    self.sources[at].failed(&error);
                    break;
                }
            }
            for gap in gaps.drain(..) {
                let gap = gap_alarm(&self.sources[at].name, &gap, (self.clock)());
                self.push(gap);
            }
        }
        self.pending.read |= any;
        any
    }

    fn read_some(&mut self, at: usize, gaps: &mut Vec<Gap>) -> std::io::Result<bool> {
        if !self.sources[at].is_open() {
            let cursors = lock(&self.shared.spool).cursors().unwrap_or_default();
            let source = &mut self.sources[at];
            let place = source.open(cursors.get(&source.name))?;
            source.status.error = None;
            let name = source.name.clone();
            self.opened(&name, place);
        }
        let now = (self.clock)();
        let next = lock(&self.shared.spool).next();
        let Self { sources, folder, pending, stats, policy, config, shared, .. } = self;
        let source = &mut sources[at];
        let (name, kind) = (source.name.clone(), source.module);
        let mut desk = Desk { folder, pending, stats, policy, config, shared, next, now };
        let mut tally = Tally::default();
        let more = source.read(now, gaps, &mut |meaning, line| {
            desk.take(&name, kind, meaning, line, &mut tally);
            !desk.full()
        })?;
        source.status.alerts += tally.alerts;
        if let Some((line, why)) = &tally.bad {
            mark_bad(&mut source.status, tally.lines, line, why);
        }
        Ok(more)
    }

    /// Takes in pages of sources that are asked, as much as fits.
    fn take_pages(&mut self) -> bool {
        let mut any = false;
        for at in 0..self.polled.len() {
            let handed = lock(&self.shared.pages).remove(&self.polled[at].name);
            if let Some(handed) = handed
                && self.epoch == Some(handed.epoch)
                && let Err(error) = self.polled[at].hand(handed, &self.shared.spool)
            {
                self.spool_error(&error);
                return any;
            }
            let (now, next) = ((self.clock)(), lock(&self.shared.spool).next());
            let Self { polled, folder, pending, stats, policy, config, shared, .. } = self;
            any |= polled[at].take(&mut Desk { folder, pending, stats, policy, config, shared, next, now });
        }
        any
    }

    /// Takes in what was posted, as much as fits.
    fn take_posts(&mut self) {
        while !self.full() {
            let Some(post) = lock(&self.shared.posts).pop_front() else { return };
            if self.epoch != Some(post.epoch) {
                // Who waits for it hears that it is void.
                continue;
            }
            for record in post.records {
                match record {
                    Record::Alert(alert) => self.push(*alert),
                    record => {
                        self.pending.weight += weight(&record);
                        self.pending.records.push(record);
                    }
                }
            }
            self.pending.notes.extend(post.notes);
            self.pending.done.push(post.done);
            self.pending.urgent = true;
        }
    }

    fn push(&mut self, alert: Alert) {
        self.pending.push(alert, &self.policy, &self.shared);
    }

    fn full(&self) -> bool {
        self.pending.full(&self.folder)
    }

    /// Commits what is pending, if it is time.
    fn save(&mut self) {
        if self.unsaved.is_some() {
            return;
        }
        self.alarms();
        let second = self.flushed.elapsed() >= FLUSH;
        let close = second && self.folder.open() > 0 || self.folder.open() > WINDOWS;
        let news = !self.pending.records.is_empty();
        let due = self.full()
            || self.pending.urgent
            // Nothing more is asked until it is written.
            || !self.pending.pages.is_empty()
            || news && self.committed.elapsed() >= self.pace
            || second && (self.pending.read || self.folder.grown_windows() > 0)
            || close
            || self.shared.stop.load(Ordering::Relaxed);
        if !due {
            return;
        }
        let now = (self.clock)().as_second();
        let mut counts = if close { self.folder.close(now) } else { Vec::new() };
        let closed = counts.iter().map(|count| count.alert).collect();
        if second {
            self.flushed = Instant::now();
        }
        counts.extend(self.folder.flush());
        let pending = std::mem::take(&mut self.pending);
        if pending.records.is_empty() && counts.is_empty() && !pending.read && !pending.urgent {
            return;
        }
        let windows = self.folder.changes();
        let mut records = pending.records;
        let next = lock(&self.shared.spool).next();
        for count in counts {
            add(&mut records, next, count);
        }
        let polled = self.polled.iter().filter_map(|polled| Some((polled.name.clone(), polled.cursor.clone()?)));
        let cursors = self.sources.iter().filter_map(|s| Some((s.name.clone(), s.cursor()?))).chain(polled).collect();
        (self.waiting, self.pages) = (pending.done, pending.pages);
        let Pending { notes, seen, forget, .. } = pending;
        self.commit(Commit { records, windows, closed, cursors, notes, seen, forget });
    }

    /// Writes a transaction; keeps it if there is no room.
    fn commit(&mut self, commit: Commit) -> bool {
        let mut spool = lock(&self.shared.spool);
        if self.epoch != Some(spool.epoch()) {
            // The spool has followed the core: what was read is void, and is read again.
            self.waiting.clear();
            self.pages.clear();
            return true;
        }
        let began = Instant::now();
        let done = spool.commit(&commit, (self.clock)());
        drop(spool);
        self.committed = Instant::now();
        // A quarter of the time for the disk, at most: what comes meanwhile goes into one transaction.
        self.pace = (began.elapsed() * 3).clamp(PACE, SLOW_PACE);
        match done {
            Ok(()) => {
                let mut snapshot = lock(&self.shared.snapshot);
                snapshot.spool_error = None;
                snapshot.written += commit.records.len() as u64;
                drop(snapshot);
                if !commit.records.is_empty() {
                    self.shared.news.send_modify(|n| *n += 1);
                }
                for done in self.waiting.drain(..) {
                    let _ = done.send(());
                }
                for (cursor, done) in self.pages.drain(..) {
                    let _ = done.send(cursor);
                }
                true
            }
            Err(error) => {
                self.spool_error(&error);
                for source in &mut self.sources {
                    source.status.state = SourceState::Paused;
                }
                self.unsaved = Some(commit);
                false
            }
        }
    }

    /// Notes that the spool does not work. A damaged one is set aside; the way to the core then learns where to go on.
    fn spool_error(&self, error: &Error) {
        if let Error::Broken(why) = error {
            tracing::error!(error = %why, "the spool is damaged and set aside");
            match self.shared.set_aside(&self.config.data, self.config.spool.limit.0, why) {
                Ok(()) => return,
                Err(error) => tracing::error!(%error, "the damaged spool cannot be set aside"),
            }
        }
        let text = error.to_string();
        let mut snapshot = lock(&self.shared.snapshot);
        if snapshot.spool_error.as_ref() != Some(&text) {
            tracing::error!(error = %text, "the spool cannot be written");
            snapshot.spool_error = Some(text);
        }
    }

    /// Brings the snapshot up to date, twice a second.
    fn look(&mut self) {
        if self.looked.is_some_and(|at| at.elapsed() < Duration::from_millis(500)) {
            return;
        }
        self.looked = Some(Instant::now());
        let now = (self.clock)();
        for source in &mut self.sources {
            source.look(now);
        }
        let troubles = lock(&self.shared.troubles).clone();
        for polled in &mut self.polled {
            polled.look(troubles.get(&polled.name).cloned());
        }
        let mut snapshot = lock(&self.shared.snapshot);
        let polled = self.polled.iter().map(|polled| (polled.name.clone(), polled.status.clone()));
        snapshot.sources = self.sources.iter().map(|s| (s.name.clone(), s.status.clone())).chain(polled).collect();
        snapshot.suricata.clone_from(&self.stats);
        snapshot.events = self.sources.iter().map(|source| source.status.events).sum();
    }

    /// The node's own alarms about Suricata, each at most once an hour.
    fn alarms(&mut self) {
        let Some(stats) = self.stats.clone() else { return };
        let (share, loaded, failed) = (stats.drop_share, stats.rules_loaded, stats.rules_failed);
        let percent = (share * 1000.0).round() / 10.0;
        if share > DROPS {
            let text = format!("the kernel drops {percent} % of the packets: this node is partly blind");
            self.raise("suricata-drops", "Suricata loses packets", Severity::High, text);
        }
        if loaded == 0 && stats.uptime > 20 {
            let text = "Suricata runs without a single rule: it sees nothing. Install rules and restart it; `socme node doctor` says how".to_owned();
            self.raise("suricata-no-rules", "Suricata has loaded no rules", Severity::High, text);
        } else if failed > 0 {
            let text = format!("{failed} rules could not be loaded: see Suricata's log");
            self.raise("suricata-failed-rules", "Suricata could not load some rules", Severity::Medium, text);
        }
    }

    fn raise(&mut self, id: &'static str, name: &str, severity: Severity, text: String) {
        let now = (self.clock)();
        if self.raised.get(id).is_some_and(|at| now.duration_since(*at).as_secs() < 3600) {
            return;
        }
        self.raised.insert(id, now);
        self.push(alarm(id, name, severity, text, now));
    }
}

impl Pending {
    fn push(&mut self, mut alert: Alert, policy: &Policy, shared: &Shared) {
        policy.apply(&mut alert);
        if shared.detected.receiver_count() > 0 {
            let _ = shared.detected.send(Arc::new(alert.clone()));
        }
        self.records.push(Record::Alert(Box::new(alert)));
    }

    /// True if no more would fit a transaction.
    fn full(&self, folder: &Folder) -> bool {
        self.records.len() >= RECORDS || folder.grown_windows() >= GROWN || self.weight >= WEIGHT
    }
}

/// How much a record weighs that was made from no line, in bytes.
fn weight(record: &Record) -> usize {
    match record {
        Record::Hosts(hosts) => hosts.changed.len() * 400 + hosts.only.as_ref().map_or(0, |only| only.len() * 8),
        Record::Outcome(outcome) => outcome.answer.len(),
        _ => 64,
    }
}

/// Adds a count; if its alert is in the same transaction, it goes into the alert itself.
fn add(records: &mut Vec<Record>, first: u64, mut count: Count) {
    let at = count.alert.checked_sub(first).and_then(|at| usize::try_from(at).ok());
    if let Some(Record::Alert(alert)) = at.and_then(|at| records.get_mut(at)) {
        alert.count = count.count;
        alert.time = count.first;
        alert.last = count.last;
        alert.samples.append(&mut count.samples);
        alert.samples.truncate(wire::limit::SAMPLES);
        if !count.witnesses.is_empty() {
            alert.witnesses = std::mem::take(&mut count.witnesses);
        }
        alert.closed = count.closed;
    } else {
        records.push(Record::Count(count));
    }
}

fn gap_alarm(source: &str, gap: &Gap, now: Timestamp) -> Alert {
    let from = gap.from.map(|from| format!(", from byte {from} on")).unwrap_or_default();
    let text = format!("source {source}: {} ({}{from}). Events in it were never seen.", gap.why, gap.file);
    let mut alert = alarm("gap", "Events were lost before they could be read", Severity::High, text, now);
    alert.location = Some(gap.file.clone());
    alert
}

fn changed_alarm(source: &str, now: Timestamp) -> Alert {
    let text = format!(
        "source {source}: what was read under this name was another kind of source. It is read as if for the first time, from \
         its `start` on; what was not read of the former one is not read any more."
    );
    alarm("source-changed", "A source is another one than before", Severity::Medium, text, now)
}

fn note(opened: &Opened) -> Option<String> {
    match opened {
        Opened::Resumed => None,
        Opened::Missing => {
            Some("the spool was missing: waiting for the core to say how far it has this node's events".into())
        }
        Opened::SetAside(aside, why) => Some(format!(
            "the spool was damaged ({why}) and set aside as {}: waiting for the core to say how far it has this node's events",
            aside.display()
        )),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl crate::config::Fold {
    /// The window of a rule, in seconds.
    fn window(&self, source: Source, rule: &str) -> u32 {
        let own = self.rule.iter().find(|own| own.source == source && own.id == rule);
        own.map_or(self.window_seconds, |own| own.window_seconds)
    }
}

#[cfg(test)]
mod killed;
#[cfg(test)]
mod tests;
