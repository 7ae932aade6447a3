//! Follows `alerts.json` through its life.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tail::{Family, Fill, Spec};

use super::{Alert, Key, NotAnAlert};

/// How many lines a batch holds at most, so that a transaction per batch stays short.
const LINES: usize = 1000;
/// How many bytes of lines a batch holds at most, beyond its first line.
const BYTES: usize = 4 << 20;

/// Where to begin when there is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first line of today's file. The days before it are not read.
    Beginning,
    /// After the last line.
    End,
}

/// A place in the file that survives restarts, midnights, compression and inodes that are used again: it is kept together
/// with what was made of the lines before it, best in one transaction. Less than 2 KiB of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(tail::Cursor);

/// Follows one manager's `alerts.json`.
///
/// ```no_run
/// # async fn story(stored: Option<wazuh::alerts::Cursor>) -> std::io::Result<()> {
/// use wazuh::alerts::{Follower, Start};
/// let mut follower = Follower::open("/var/ossec/logs/alerts/alerts.json", stored, Start::End)?;
/// loop {
///     let batch = follower.next().await?;
///     for line in &batch.lines {
///         if let Ok(alert) = line.alert() {
///             println!("{} {:?}", alert.timestamp, alert.rule);
///         }
///     }
///     // Store what came of the lines and batch.cursor together; from then on they do not come again.
///     follower.stored();
/// }
/// # }
/// ```
pub struct Follower {
    path: PathBuf,
    /// None only while a read of [`Follower::next`] is under way, or if that was cancelled.
    inner: Option<tail::Follower>,
    /// Where reading is to go on if `inner` was lost.
    cursor: Cursor,
    pending: Option<usize>,
    every: Duration,
}

/// What came at once. Everything in it is before its cursor.
#[derive(Debug)]
#[non_exhaustive]
pub struct Batch {
    /// Lines, oldest first; none if the file holds no more for now.
    pub lines: Vec<Line>,
    /// What was lost before it could be read, or is not read.
    pub lost: Vec<Lost>,
    /// The place behind all of it.
    pub cursor: Cursor,
    /// False if the file is not there (yet).
    pub present: bool,
}

/// A line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(Vec<u8>);

/// What was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Lines that were deleted or overwritten before they were read.
    Gap {
        /// The file.
        file: String,
        /// A sentence that says why.
        why: String,
    },
    /// A line beyond the limit, which was passed over.
    Long {
        /// Its first bytes.
        head: Vec<u8>,
        /// Its length.
        bytes: u64,
    },
}

impl Batch {
    /// True if there was nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.lost.is_empty()
    }
}

impl Line {
    /// The bytes, as they are in the file: not always UTF-8.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, with U+FFFD for what is no UTF-8.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The alert.
    ///
    /// # Errors
    /// It is none: the line was torn when the manager ended. Count it, take what [`whole_alerts`](super::whole_alerts) finds in
    /// it, and go on.
    pub fn alert(&self) -> Result<Alert, NotAnAlert> {
        Alert::parse(&self.0)
    }

    /// What tells it from other alerts; none if it is none.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        Key::of(&self.0)
    }
}

impl Follower {
    /// Follows from a cursor on, or for the first time. Lines of at most 4 MiB are read: the manager has no limit, and 1
    /// MiB is met in practice.
    ///
    /// # Errors
    /// The folder or the file cannot be read, for another reason than that it is not there. The reader must be root or in
    /// the group `wazuh`.
    pub fn open(path: impl AsRef<Path>, cursor: Option<Cursor>, start: Start) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let start = match start {
            Start::Beginning => tail::Start::Beginning,
            Start::End => tail::Start::End,
        };
        let inner = tail::Follower::open(spec(&path), cursor.map(|cursor| cursor.0), start)?;
        let cursor = Cursor(inner.cursor());
        Ok(Self { path, inner: Some(inner), cursor, pending: None, every: Duration::from_secs(1) })
    }

    /// How long [`Follower::next`] waits before it looks again; 1 s, as the manager writes once a second.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// The next lines, without waiting. What was not [`stored`](Self::stored) comes again.
    ///
    /// # Errors
    /// A file cannot be read. Nothing is lost: call it again later.
    pub fn poll(&mut self, now: SystemTime) -> io::Result<Batch> {
        self.pending = None;
        let mut inner = match self.inner.take() {
            Some(inner) => inner,
            None => tail::Follower::open(spec(&self.path), Some(self.cursor.0.clone()), tail::Start::Beginning)?,
        };
        let read = read(&mut inner, now);
        self.inner = Some(inner);
        self.keep(read)
    }

    /// The next lines, as soon as there are any. It may be cancelled.
    ///
    /// # Errors
    /// As [`Follower::poll`].
    pub async fn next(&mut self) -> io::Result<Batch> {
        loop {
            self.pending = None;
            let (inner, path, cursor) = (self.inner.take(), self.path.clone(), self.cursor.clone());
            // Days that were missed are decompressed up to the place: that is no work for an async thread.
            let work = move || {
                let mut inner = match inner {
                    Some(inner) => inner,
                    None => tail::Follower::open(spec(&path), Some(cursor.0), tail::Start::Beginning)?,
                };
                let read = read(&mut inner, SystemTime::now());
                Ok::<_, io::Error>((inner, read))
            };
            let (inner, read) = tokio::task::spawn_blocking(work).await.map_err(io::Error::other)??;
            self.inner = Some(inner);
            let batch = self.keep(read)?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            tokio::time::sleep(self.every).await;
        }
    }

    /// The batch that came last is stored: go on behind it.
    pub fn stored(&mut self) {
        if let (Some(end), Some(inner)) = (self.pending.take(), &mut self.inner) {
            inner.advance(end);
            self.cursor = Cursor(inner.cursor());
        }
    }

    /// How many bytes are written and not taken; compressed ones count as they are on disk.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn lag(&self) -> io::Result<u64> {
        self.inner.as_ref().map_or(Ok(0), |inner| inner.lag().map(|lag| lag.bytes))
    }

    fn keep(&mut self, read: io::Result<(Batch, Option<usize>)>) -> io::Result<Batch> {
        let (batch, pending) = read?;
        self.pending = pending;
        if pending.is_none() {
            self.cursor = batch.cursor.clone();
        }
        Ok(batch)
    }
}

fn spec(path: &Path) -> Spec {
    Spec::new(path, Family::WazuhDaily)
}

/// One batch, and up to where it is to be taken.
fn read(inner: &mut tail::Follower, now: SystemTime) -> io::Result<(Batch, Option<usize>)> {
    let (mut lines, mut lost, mut pending, mut present) = (Vec::new(), Vec::new(), None, true);
    match inner.fill(now)? {
        Fill::Lines => {
            let mut bytes = 0;
            for (line, end) in inner.lines() {
                pending = Some(end);
                bytes += line.len();
                lines.push(Line(line.to_vec()));
                if lines.len() >= LINES || bytes >= BYTES {
                    break;
                }
            }
        }
        Fill::Gap(gap) => lost.push(Lost::Gap { file: gap.file, why: gap.why }),
        Fill::Long(long) => lost.push(Lost::Long { head: long.head, bytes: long.bytes }),
        Fill::Idle => {}
        Fill::Missing => present = false,
    }
    let cursor = Cursor(pending.map_or_else(|| inner.cursor(), |end| inner.cursor_at(end)));
    Ok((Batch { lines, lost, cursor, present }, pending))
}
