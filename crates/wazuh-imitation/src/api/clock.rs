//! The imitation's clock: it stands still until it is moved, or runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// The time, in milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct Clock {
    moved: Arc<AtomicI64>,
    runs_since: Option<Instant>,
    told: Arc<watch::Sender<u64>>,
    noted: Arc<watch::Sender<u64>>,
}

impl Clock {
    /// Stands at 2026-05-01T10:00:00Z.
    #[must_use]
    pub fn still() -> Self {
        Self::at(1_777_629_600_000, None)
    }

    /// Runs with the machine's.
    #[must_use]
    pub fn running() -> Self {
        Self::at(jiff::Timestamp::now().as_millisecond(), Some(Instant::now()))
    }

    fn at(ms: i64, runs_since: Option<Instant>) -> Self {
        let (told, noted) = (watch::Sender::new(0), watch::Sender::new(0));
        Self { moved: Arc::new(AtomicI64::new(ms)), runs_since, told: Arc::new(told), noted: Arc::new(noted) }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let ran = self.runs_since.map_or(0, |since| i64::try_from(since.elapsed().as_millis()).unwrap_or_default());
        self.moved.load(Ordering::SeqCst) + ran
    }

    /// As the API writes it.
    #[must_use]
    pub fn text(&self) -> String {
        let now = jiff::Timestamp::from_millisecond(self.now_ms()).unwrap_or_default();
        now.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
    }

    /// Moves it, and waits until the listener has seen that.
    pub async fn advance(&self, time: Duration) {
        self.moved.fetch_add(i64::try_from(time.as_millis()).unwrap_or_default(), Ordering::SeqCst);
        let mut tick = 0;
        self.told.send_modify(|told| {
            *told += 1;
            tick = *told;
        });
        let mut noted = self.noted.subscribe();
        // Nobody listens any more when the imitation is gone.
        let seen = noted.wait_for(|noted| *noted >= tick);
        let _ = tokio::time::timeout(Duration::from_secs(5), seen).await;
    }

    pub(crate) fn ticks(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    pub(crate) fn noted(&self, tick: u64) {
        self.noted.send_replace(tick);
    }

    /// Ends now and then where the clock runs, and never where it stands.
    pub(crate) async fn beat(&self) {
        match self.runs_since {
            Some(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            None => std::future::pending().await,
        }
    }
}
