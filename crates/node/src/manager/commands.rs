//! Does what the core asks, as far as the client's policy allows. [`super::journal`] sees to it that nothing is done twice.

use std::collections::BTreeSet;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use wire::command::{Begin, Begun, Command, Deed, End, Permission};

use super::AGAIN;
use super::journal::{Ended, Journal};
use crate::line::{Line, Refusal};
use crate::pipeline::{Shared, Void};

/// Commands that are done at once: a manager does its work in one process.
const AT_ONCE: usize = 2;
/// The same of upgrades, most of which is waiting: they do not keep others from their turn.
const UPGRADES: usize = 4;
/// A deed that takes longer is given up.
const LONGEST: Duration = Duration::from_secs(600);
/// How often it is looked whether the spool has begun anew.
const LOOK: Duration = Duration::from_secs(30);
/// Commands that wait here; the core keeps the others.
pub(crate) const WAITING: usize = 64;
/// Longest wait between two questions whether a command may begin.
const ASK: Duration = Duration::from_secs(10);
/// After so long without an answer nothing is done: the core takes a lost answer for one that was not heard.
const GIVE_UP: Duration = Duration::from_secs(45);

/// What became of a deed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Performed {
    /// How it ended.
    pub(crate) end: End,
    /// In a sentence.
    pub(crate) said: String,
    /// What was found.
    pub(crate) answer: Value,
}

impl Performed {
    pub(crate) fn done(said: impl Into<String>) -> Self {
        Self { end: End::Done, said: said.into(), answer: Value::Null }
    }

    pub(crate) fn found(said: impl Into<String>, answer: Value) -> Self {
        Self { end: End::Done, said: said.into(), answer }
    }

    pub(crate) fn failed(said: impl Into<String>) -> Self {
        Self { end: End::Failed, said: said.into(), answer: Value::Null }
    }

    /// It was asked for, and nobody knows whether it was done.
    pub(crate) fn unknown(said: impl Into<String>) -> Self {
        Self { end: End::Unknown, said: said.into(), answer: Value::Null }
    }
}

/// Asks the core whether a command may begin; none: it cannot be asked now.
pub(crate) trait Ask {
    fn begin(&self, begin: &Begin) -> impl Future<Output = Option<bool>> + Send;
}

/// The way to the core, while there is one.
impl Ask for watch::Receiver<Option<Arc<Line>>> {
    async fn begin(&self, begin: &Begin) -> Option<bool> {
        let line = self.borrow().clone()?;
        match line.ask::<Begun>(wire::path::BEGIN, begin).await {
            Ok(begun) => Some(begun.go),
            // Whatever else is wrong, such as a certificate that has ended, says nothing of the command.
            Err(Refusal::Problem(problem, _)) if matches!(problem.status, 400 | 404 | 409 | 410 | 422) => Some(false),
            Err(_) => None,
        }
    }
}

/// What is ready to be done, or has been.
enum Step {
    /// It is its turn, which lasts until the last step.
    Turn(Command, Option<OwnedSemaphorePermit>),
    /// May it begin?
    Asked(Command, Option<OwnedSemaphorePermit>, Option<bool>),
    Performed(i64, Performed),
}

/// Takes commands until `commands` is closed. `perform` does one. When the spool cannot be written now, or begins anew, it goes on
/// with what is noted then.
pub(crate) async fn run<A, P, F>(
    shared: &Arc<Shared>,
    allow: &[Permission],
    core: A,
    mut commands: mpsc::Receiver<Command>,
    perform: P,
) where
    A: Ask + Clone + Send + Sync + 'static,
    P: Fn(Deed) -> F,
    F: Future<Output = Performed> + Send + 'static,
{
    while let Err(Void) = work(shared, allow, &core, &mut commands, &perform).await {
        tokio::time::sleep(AGAIN).await;
    }
}

async fn work<A, P, F>(
    shared: &Arc<Shared>,
    allow: &[Permission],
    core: &A,
    commands: &mut mpsc::Receiver<Command>,
    perform: &P,
) -> Result<(), Void>
where
    A: Ask + Clone + Send + Sync + 'static,
    P: Fn(Deed) -> F,
    F: Future<Output = Performed> + Send + 'static,
{
    let mut journal = Journal::open(shared, Timestamp::now()).await?;
    let (turns, upgrades) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(UPGRADES)));
    let mut look = tokio::time::interval(LOOK);
    let mut steps: JoinSet<Step> = JoinSet::new();
    // Heard, and not ended yet.
    let mut busy: BTreeSet<i64> = BTreeSet::new();
    loop {
        let step = tokio::select! {
            command = commands.recv() => match command {
                None => return Ok(()),
                Some(command) if journal.knows(command.id) || !busy.insert(command.id) => continue,
                Some(command) => {
                    if let Err(refusal) = permitted(&command.deed, allow) {
                        let deed = command.deed.word();
                        tracing::warn!(command = command.number, deed, "the core asked for what is not allowed: refused");
                        journal.end(ended(command.id, End::Refused, refusal), Timestamp::now()).await?;
                        busy.remove(&command.id);
                        continue;
                    }
                    let turns = if matches!(command.deed, Deed::UpgradeAgent { .. }) { &upgrades } else { &turns };
                    let turn = Arc::clone(turns).acquire_owned();
                    steps.spawn(async move { Step::Turn(command, turn.await.ok()) });
                    continue;
                }
            },
            _ = look.tick() => {
                journal.retell().await?;
                continue;
            }
            Some(step) = steps.join_next() => match step {
                Ok(step) => step,
                // What was begun is noted, and is told to be unknown.
                Err(_) => return Err(Void),
            },
        };
        match step {
            // Only now: what waits for its turn can still be withdrawn, and expires.
            Step::Turn(command, turn) => {
                let token = fresh_token();
                journal.begin(command.id, token, Timestamp::now()).await?;
                let core = core.clone();
                steps.spawn(async move {
                    let may = may_begin(&core, command.id, token).await;
                    Step::Asked(command, turn, may)
                });
            }
            Step::Asked(command, turn, Some(true)) => {
                // For the client: what the core says that it asked is the core's word.
                let agent = command.deed.agent().unwrap_or_default();
                tracing::info!(
                    command = command.number,
                    deed = command.deed.word(),
                    agent,
                    "the core asked for this: it begins"
                );
                let (id, only_reads) = (command.id, command.deed.only_reads());
                let done = perform(command.deed);
                steps.spawn(async move {
                    let _turn = turn;
                    Step::Performed(id, within(LONGEST, only_reads, done).await)
                });
            }
            // It was withdrawn, or is too old: the core knows. If it does not, because its answer was lost, it is told.
            Step::Asked(command, _, may) => {
                let why =
                    if may.is_some() { "it came too late" } else { "the core could not be asked whether it may begin" };
                let end = ended(command.id, End::Failed, format!("{why}: nothing was done"));
                journal.end(end, Timestamp::now()).await?;
                busy.remove(&command.id);
            }
            Step::Performed(id, performed) => {
                let Performed { end, said, answer } = performed;
                tracing::info!(command = id, ?end, "it has ended");
                journal.end(Ended { id, end, said, answer }, Timestamp::now()).await?;
                busy.remove(&id);
            }
        }
    }
}

/// Whether the policy lets it be done; else why not, with the mend.
fn permitted(deed: &Deed, allow: &[Permission]) -> Result<(), String> {
    if let Err((field, why)) = deed.check() {
        return Err(format!("{field}: {why}"));
    }
    let word = deed.permission().word();
    if allow.contains(&deed.permission()) {
        return Ok(());
    }
    Err(format!(
        "the client's policy does not allow «{word}»: the client can add it to `allow` in /etc/socme/policy.toml"
    ))
}

/// What becomes of a deed, but no later than this.
async fn within(longest: Duration, only_reads: bool, done: impl Future<Output = Performed>) -> Performed {
    let why = match tokio::time::timeout(longest, AssertUnwindSafe(done).catch_unwind()).await {
        Ok(Ok(performed)) => return performed,
        Ok(Err(_)) => "the node failed at it, see its log".to_owned(),
        Err(_) => format!("it had no end after {} minutes, and was given up", longest.as_secs() / 60),
    };
    if only_reads {
        return Performed::failed(why);
    }
    Performed::unknown(format!("{why}; it may have been done: look before you ask again"))
}

async fn may_begin(core: &impl Ask, id: i64, token: u64) -> Option<bool> {
    let begin = Begin { id, token };
    let until = tokio::time::Instant::now() + GIVE_UP;
    let mut wait = Duration::from_millis(250);
    loop {
        if let Some(go) = core.begin(&begin).await {
            return Some(go);
        }
        if tokio::time::Instant::now() + wait > until {
            return None;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(ASK);
    }
}

/// At most 2^53 - 1, so that it survives any JSON reader.
fn fresh_token() -> u64 {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes) >> 11
}

fn ended(id: i64, end: End, said: String) -> Ended {
    Ended { id, end, said, answer: Value::Null }
}

#[cfg(test)]
mod tests;
