//! `wazuh alerts follow`

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use jiff::Timestamp;
use wazuh::alerts::{Batch, Cursor, Follower, Key, Lost, Start};
use wazuh::indexer::tail::{self, Body, Settings, Tail};

use crate::Which;
use crate::alerts::print;
use crate::failure::{Failure, Result};
use crate::out::{Out, tell};
use crate::reach::Place;
use crate::times::past;

/// How long --once waits for what is there and not yet to be had: half a line, or the file after yesterday's.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks.
const STEP: Duration = Duration::from_millis(200);

#[derive(Args)]
pub(crate) struct Follow {
    /// The manager's file
    #[arg(long, default_value = "/var/ossec/logs/alerts/alerts.json", conflicts_with = "from_indexer")]
    file: PathBuf,
    /// Ask the indexer instead of reading a file
    #[arg(long = "indexer", id = "from_indexer")]
    from_indexer: bool,
    /// Keep the place in this file, and go on there next time: through midnights, rotation and days of absence
    #[arg(long, value_name = "FILE", conflicts_with = "from_indexer")]
    state: Option<PathBuf>,
    /// Without a place: from the file's beginning instead of its end
    #[arg(long, conflicts_with = "from_indexer")]
    from_start: bool,
    /// With --indexer: from this time on, or for so long back, instead of from now: 2026-05-01T10:00:00Z, 90m, 2h, 7d
    #[arg(long, value_name = "TIME", requires = "from_indexer", value_parser = past)]
    from: Option<Timestamp>,
    /// End when there is nothing more for now
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    indexer: Place,
}

impl Follow {
    pub(crate) async fn run(self, out: Out) -> Result<()> {
        if self.from_indexer { self.indexed(out).await } else { self.written(out).await }
    }

    async fn written(&self, out: Out) -> Result<()> {
        let here = |error: io::Error| Failure::here(format!("{}: {error}", self.file.display()));
        let cursor = self.state.as_deref().map(load).transpose()?.flatten();
        let start = if self.from_start { Start::Beginning } else { Start::End };
        let mut follower = Follower::open(&self.file, cursor, start).map_err(here)?;
        let (mut missed, mut waited) = (0, Duration::ZERO);
        loop {
            let batch =
                if self.once { follower.poll(SystemTime::now()) } else { follower.next().await }.map_err(here)?;
            missed += self.say(out, &batch)?;
            // What was printed is noted: killed in between, it is printed again rather than never.
            if let Some(state) = &self.state {
                keep(state, &batch.cursor)?;
            }
            follower.stored();
            if !batch.is_empty() {
                waited = Duration::ZERO;
            } else if self.once && batch.present && waited < PATIENCE && follower.lag().map_err(here)? > 0 {
                // A file of yesterday is left for the next one when it has been quiet for a while.
                tokio::time::sleep(STEP).await;
                waited += STEP;
            } else if self.once {
                return match (batch.present, missed) {
                    (false, _) => Err(Failure::here(format!("{}: there is no such file", self.file.display()))),
                    (true, 0) => Ok(()),
                    (true, _) => Err(Failure::here("not all could be read; what is missing is said above")),
                };
            }
        }
    }

    /// How much of it could not be printed.
    fn say(&self, out: Out, batch: &Batch) -> Result<u64> {
        let mut missed = 0;
        for line in &batch.lines {
            match line.alert() {
                Ok(alert) if self.which.fits(&alert) => print(out, &line.text())?,
                Ok(_) => {}
                Err(error) => {
                    missed += 1;
                    tell(format_args!("{}: a line is passed over: {error}", self.file.display()));
                }
            }
        }
        for lost in &batch.lost {
            missed += 1;
            match lost {
                Lost::Gap { file, why } => tell(format_args!("{file}: lines are lost: {why}")),
                Lost::Long { bytes, .. } => {
                    tell(format_args!("{}: a line of {bytes} bytes is passed over", self.file.display()));
                }
            }
        }
        Ok(missed)
    }

    async fn indexed(&self, out: Out) -> Result<()> {
        let settings = Settings { filter: self.which.filter(), ..Settings::default() };
        let mut tail =
            Tail::new(self.indexer.client()?, settings, tail::Cursor::from(self.from.unwrap_or_else(Timestamp::now)));
        let mut seen: HashSet<Key> = HashSet::new();
        loop {
            let page = match tail.next(Timestamp::now()).await {
                Ok(page) => page,
                Err(error) if error.is_passing() && !self.once => {
                    tell(format_args!("{error}; asking again"));
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let Some(page) = page else {
                if self.once {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_secs(2)).await;
                continue;
            };
            let batch = page.sift(|keys| Ok::<_, Failure>(keys.iter().map(|key| seen.contains(key)).collect()))?;
            for new in &batch.alerts {
                match &new.body {
                    Body::Alert(source) => print(out, source.get())?,
                    Body::Unread { index, id } => tell(format_args!("{index}/{id}: too large to be printed")),
                }
                seen.insert(new.key);
            }
            seen.retain(|key| key.hour() >= batch.forget_before);
            tail.stored(batch.cursor);
        }
    }
}

/// None if there is none yet.
fn load(file: &Path) -> Result<Option<Cursor>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::here(format!("{}: {error}", file.display()))),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Failure::here(format!("{}: no place in a file ({error}): remove it", file.display())))
}

/// Whole or not at all.
fn keep(file: &Path, cursor: &Cursor) -> Result<()> {
    let text = serde_json::to_string(cursor).map_err(Failure::here)?;
    let mut new = file.to_owned().into_os_string();
    new.push(".new");
    let write = || std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, file));
    write().map_err(|error| Failure::here(format!("{}: {error}", file.display())))
}
