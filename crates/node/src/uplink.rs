//! The way to the core: says hello, sends what is in the spool, one batch in flight, reports how the node is, and renews
//! the certificate.
//!
//! # What it does with the core's position
//! | the core stands | then |
//! |---|---|
//! | at a position of our chain | records are sent from there: those it lost are sent again |
//! | anywhere else (our spool was rolled back, set aside or lost; the core lost more than we keep) | the spool follows it: a new epoch, sources are read from the core's cursors |

mod listening;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::command::Command;
use wire::link::{Conflict, Heard, Hello, Position, Problem, Renew, Renewed, Taken, Welcome, problem};
use wire::status::UplinkStatus;

use crate::identity::{About, Identity};
use crate::line::{Line, Refusal, Trouble};
use crate::pipeline::Shared;
use crate::spool::{Error, Parcel};

/// Records in a batch.
const RECORDS: usize = 1_000;
/// Bytes of records in a batch, before compression.
const BYTES: usize = 4 << 20;
/// First and longest wait after a failure.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How long a node that was disabled or revoked waits before it asks again.
const DISABLED: Duration = Duration::from_secs(60);
const REVOKED: Duration = Duration::from_secs(600);

/// How the way to the core is, for the status.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// As reported.
    pub status: UplinkStatus,
    /// Records that the core refused since the start, and why it refused the last one.
    pub refused: (u64, Option<String>),
}

/// The way to the core.
pub struct Uplink {
    identity: Identity,
    shared: Arc<Shared>,
    state: Arc<Mutex<State>>,
    data: std::path::PathBuf,
    limit: u64,
    /// Builds the report of each heartbeat.
    report: Box<dyn FnMut(&Identity) -> wire::status::Status + Send>,
    news: watch::Receiver<u64>,
    stop: CancellationToken,
    /// Where the core's commands go.
    commands: mpsc::Sender<Command>,
    /// The line that is in use, for those who want to ask the core something.
    line: watch::Sender<Option<Arc<Line>>>,
    /// Records in a batch; halved when the core finds one too large.
    records: usize,
    next_address: usize,
}

/// Why a session with the core ended.
enum End {
    Stop,
    /// Try again after a while that grows with each failure.
    Failed(String),
    /// Try again after this while.
    Later(Duration, String),
    /// Connect anew at once.
    Again,
}

impl Uplink {
    /// A way to the core for an enrolled node.
    pub fn new(
        identity: Identity,
        shared: Arc<Shared>,
        config: &crate::config::Config,
        state: Arc<Mutex<State>>,
        report: Box<dyn FnMut(&Identity) -> wire::status::Status + Send>,
        (commands, line): (mpsc::Sender<Command>, watch::Sender<Option<Arc<Line>>>),
        stop: CancellationToken,
    ) -> Self {
        let news = shared.news();
        let (data, limit) = (config.data.clone(), config.spool.limit.0);
        Self {
            identity,
            shared,
            state,
            data,
            limit,
            report,
            news,
            stop,
            commands,
            line,
            records: RECORDS,
            next_address: 0,
        }
    }

    /// Runs until stopped.
    pub async fn run(mut self) {
        let mut failures = 0_u32;
        let stop = self.stop.clone();
        loop {
            let started = Instant::now();
            let end = tokio::select! {
                end = self.session() => end,
                () = stop.cancelled() => End::Stop,
            };
            // A session that worked for a while begins the waits anew.
            if started.elapsed() > Duration::from_secs(30) {
                failures = 0;
            }
            let (wait, why) = match end {
                End::Stop => return,
                End::Again => (Duration::ZERO, None),
                End::Later(wait, why) => (wait, Some(why)),
                End::Failed(why) => {
                    self.next_address += 1;
                    failures += 1;
                    (back_off(failures), Some(why))
                }
            };
            if let Some(why) = why {
                tracing::warn!(error = %why, wait_ms = wait.as_millis() as u64, "no way to the core");
                let mut state = self.state();
                state.status.connected = false;
                state.status.error = Some(why);
            }
            let report = (self.report)(&self.identity);
            self.write_status(&report);
            let until = Instant::now() + wait;
            tokio::select! {
                () = self.wait_writing_status(until) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Hello, and then batches and reports until something fails.
    async fn session(&mut self) -> End {
        let addresses = self.identity.about.addresses.clone();
        let Some(address) = addresses.get(self.next_address % addresses.len().max(1)) else {
            return End::Failed("this node knows no address of the core; enrol it again".to_owned());
        };
        let mut line = match Line::of(&self.identity, address).await {
            Ok(line) => line,
            Err(error) => return End::Failed(format!("{error:#}")),
        };
        if self.due_for_renewal(Timestamp::now()) {
            match self.renew(&line).await {
                Ok(()) => match Line::of(&self.identity, address).await {
                    Ok(renewed) => line = renewed,
                    Err(error) => return End::Failed(format!("{error:#}")),
                },
                // While the old certificate is valid, all else goes on.
                Err(refusal) if self.expired(Timestamp::now()) => return self.refused(refusal),
                Err(refusal) => tracing::warn!(error = %refusal, "the certificate was not renewed; trying again"),
            }
        }
        if let Err(end) = self.hello(&line).await {
            return end;
        }
        let line = Arc::new(line);
        self.line.send_replace(Some(Arc::clone(&line)));
        // What listens ends with the session.
        let listening = listening::listen(Arc::clone(&line), self.commands.clone());
        let end = tokio::select! {
            end = self.serve(&line) => end,
            never = listening => match never {},
        };
        self.line.send_replace(None);
        end
    }

    /// Says hello and finds the common position.
    async fn hello(&mut self, line: &Line) -> Result<(), End> {
        let position = self.shared.with_spool(|spool| if spool.waiting() { Ok(None) } else { spool.end() });
        let position = position.map_err(|error| self.spool_failed(&error))?;
        let hello = Hello {
            wire: wire::VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            position,
            now: Timestamp::now(),
        };
        let asked = Instant::now();
        let welcome: Welcome = line.ask(wire::path::HELLO, &hello).await.map_err(|refusal| self.refused(refusal))?;
        self.answered(line, welcome.now, asked.elapsed());
        let Welcome { node, name, client, addresses, ca, .. } = welcome;
        let about = About { node, name, client, addresses };
        if let Err(error) = self.identity.told(about, ca) {
            return Err(End::Failed(format!("{error:#}")));
        }
        self.find(welcome.position, &welcome.cursors)
    }

    /// Stands where the core stands, or follows it.
    fn find(&mut self, core: Option<Position>, cursors: &wire::link::Cursors) -> Result<(), End> {
        let stands = self.shared.with_spool(|spool| Ok(!spool.waiting() && spool.stand_at(core)?));
        let done = match stands {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::warn!("the spool does not continue what the core has: following the core");
                self.shared.adopt(core, cursors)
            }
            Err(error) => Err(error),
        };
        done.map_err(|error| self.spool_failed(&error))
    }

    /// Sends what there is, as it comes, and a report at each heartbeat.
    async fn serve(&mut self, line: &Line) -> End {
        let mut next_report = Instant::now();
        loop {
            self.news.mark_unchanged();
            match self.send_one(line).await {
                Ok(true) if Instant::now() < next_report => continue,
                Ok(_) => {}
                Err(end) => return end,
            }
            if Instant::now() >= next_report {
                match self.report(line).await {
                    Ok(heartbeat) => next_report = Instant::now() + heartbeat,
                    Err(end) => return end,
                }
                if self.due_for_renewal(Timestamp::now()) {
                    return End::Again;
                }
                continue;
            }
            tokio::select! {
                _ = self.news.changed() => {}
                () = tokio::time::sleep_until(next_report) => {}
            }
        }
    }

    /// Sends one batch; false if there is none.
    async fn send_one(&mut self, line: &Line) -> Result<bool, End> {
        let parcel = self.shared.with_spool(|spool| {
            if spool.waiting() { Err(None) } else { spool.parcel(self.records, BYTES).map_err(Some) }
        });
        let parcel = match parcel {
            Ok(Some(parcel)) => parcel,
            Ok(None) => return Ok(false),
            // It was set aside by the pipeline: the core has to be asked anew where it stands.
            Err(None) => return Err(End::Again),
            Err(Some(error)) => return Err(self.spool_failed(&error)),
        };
        let Parcel { to, json, .. } = parcel;
        let body = tokio::task::spawn_blocking(move || zstd::encode_all(&json[..], 3)).await;
        let Ok(Ok(body)) = body else { return Err(End::Failed("the batch could not be compressed".to_owned())) };
        match line.send::<Taken>(wire::path::BATCH, body, true).await {
            Ok(taken) => {
                self.records = (self.records * 2).min(RECORDS);
                self.note_refused(&taken);
                self.confirm(if taken.position == to { to } else { taken.position })?;
                self.state().status.last_answer = Some(Timestamp::now());
                Ok(true)
            }
            Err(Refusal::Conflict(body)) => {
                let Ok(conflict) = serde_json::from_slice::<Conflict>(&body) else {
                    return Err(End::Failed("the core's answer cannot be read".to_owned()));
                };
                // The answer to an earlier try was lost on its way: the core has this batch.
                if conflict.position == Some(to) {
                    self.confirm(to)?;
                } else {
                    self.find(conflict.position, &conflict.cursors)?;
                }
                Ok(true)
            }
            Err(Refusal::Problem(found, _)) if found.kind == problem::TOO_LARGE && self.records > 1 => {
                self.records /= 2;
                Ok(true)
            }
            Err(refusal) => Err(self.refused(refusal)),
        }
    }

    async fn report(&mut self, line: &Line) -> Result<Duration, End> {
        let report = (self.report)(&self.identity);
        self.write_status(&report);
        let asked = Instant::now();
        let heard: Heard = line.ask(wire::path::STATUS, &report).await.map_err(|refusal| self.refused(refusal))?;
        self.answered(line, heard.now, asked.elapsed());
        Ok(Duration::from_secs(u64::from(heard.heartbeat.clamp(1, 300))))
    }

    async fn renew(&mut self, line: &Line) -> Result<(), Refusal> {
        let failed = |error: anyhow::Error| Refusal::Unreached(Trouble::Other, format!("{error:#}"));
        let csr = self.identity.request().map_err(failed)?;
        let renewed: Renewed = line.ask(wire::path::RENEW, &Renew { csr }).await?;
        self.identity.renewed(renewed.certificate, renewed.ca).map_err(failed)?;
        tracing::info!("the certificate is renewed");
        Ok(())
    }

    /// At two thirds of the certificate's life.
    fn due_for_renewal(&self, now: Timestamp) -> bool {
        self.identity.life().is_ok_and(|(from, to)| due(from, to, now))
    }

    fn expired(&self, now: Timestamp) -> bool {
        self.identity.life().is_ok_and(|(_, to)| now > to)
    }

    fn confirm(&mut self, to: Position) -> Result<(), End> {
        self.shared.with_spool(|spool| spool.confirm(to)).map_err(|error| self.spool_failed(&error))
    }

    fn note_refused(&self, taken: &Taken) {
        if let Some(last) = taken.refused.last() {
            let mut state = self.state();
            state.refused.0 += taken.refused.len() as u64;
            state.refused.1 = Some(format!("record {}: {}", last.number, last.why));
            tracing::warn!(records = taken.refused.len(), why = %last.why, "the core refused records");
        }
    }

    /// Notes that the core answered, and how its clock differs.
    fn answered(&self, line: &Line, core: Timestamp, took: Duration) {
        let mut state = self.state();
        let now = Timestamp::now();
        state.status.connected = true;
        state.status.error = None;
        state.status.address = Some(line.address.clone());
        state.status.last_answer = Some(now);
        state.status.skew_seconds = core.duration_since(now).as_secs_f64() + took.as_secs_f64() / 2.0;
    }

    /// What to do when the core does not do what it was asked.
    fn refused(&self, refusal: Refusal) -> End {
        let Refusal::Problem(found, later) = refusal else { return End::Failed(refusal.to_string()) };
        let why = said(&found);
        match found.kind.as_str() {
            problem::EXPIRED => End::Again,
            problem::DISABLED => End::Later(DISABLED, why),
            problem::REVOKED | problem::TOO_OLD | problem::CERTIFICATE => End::Later(REVOKED, why),
            problem::WIRE => End::Later(REVOKED, format!("{why} Update the core first.")),
            problem::LATER => End::Later(later.unwrap_or(Duration::from_secs(5)).min(Duration::from_secs(300)), why),
            _ => End::Failed(why),
        }
    }

    /// A damaged spool is set aside, and the next hello learns where the core stands.
    fn spool_failed(&self, error: &Error) -> End {
        if let Error::Broken(why) = error {
            tracing::error!(error = %why, "the spool is damaged and set aside");
            if let Err(error) = self.shared.set_aside(&self.data, self.limit, why) {
                return End::Failed(error.to_string());
            }
            return End::Again;
        }
        End::Failed(error.to_string())
    }

    fn write_status(&self, status: &wire::status::Status) {
        if let Err(error) = crate::status::write(&self.data, status) {
            tracing::warn!(error = %error, "the status cannot be written");
        }
    }

    /// Waits, and keeps the status on the disk fresh meanwhile.
    async fn wait_writing_status(&mut self, until: Instant) {
        while Instant::now() < until {
            tokio::time::sleep_until(until.min(Instant::now() + Duration::from_secs(5))).await;
            let report = (self.report)(&self.identity);
            self.write_status(&report);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn said(found: &Problem) -> String {
    found.detail.as_ref().map_or_else(|| found.title.clone(), |detail| format!("{} {detail}", found.title))
}

/// Exponential, with full jitter, so that a thousand nodes do not come back at once.
fn back_off(failures: u32) -> Duration {
    let most = WAITS.0.saturating_mul(1 << failures.min(10)).min(WAITS.1);
    let mut bytes = [0; 4];
    let _ = getrandom::fill(&mut bytes);
    let share = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    WAITS.0.mul_f64(0.2) + most.mul_f64(share)
}

/// When a certificate is to be renewed: at two thirds of its life.
#[must_use]
pub fn renewal(from: Timestamp, to: Timestamp) -> Timestamp {
    from.checked_add(to.duration_since(from) * 2 / 3).unwrap_or(to)
}

fn due(from: Timestamp, to: Timestamp, now: Timestamp) -> bool {
    now >= renewal(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_of_its_life() {
        let at = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        assert!(!due(at(0), at(9), at(5)));
        assert!(due(at(0), at(9), at(6)));
        assert!(due(at(0), at(9), at(100)));
    }

    #[test]
    fn waits_grow_and_end_at_a_minute() {
        assert!((0..100).all(|_| back_off(1) <= Duration::from_millis(1_100)));
        assert!((0..100).all(|_| back_off(30) <= Duration::from_millis(60_100)));
    }
}
