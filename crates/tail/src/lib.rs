//! Follows files that grow, rotate, shrink and vanish, and loses no line of them.
//!
//! A [`Follower`] reads one log file through all its generations: the live file and those that logrotate or Wazuh's
//! manager made of earlier ones, plain or compressed. It is synchronous, has no thread and no clock of its own, and uses
//! bounded memory. The caller keeps the [`Cursor`] together with whatever it makes of the lines, in one transaction; after
//! a crash it opens the follower at that cursor, and gets exactly the lines that follow.
//!
//! # Invariants
//! 1. A cursor is always the end of a complete line (or of a finished generation). Nothing before it is delivered again,
//!    nothing after it is skipped without a [`Gap`].
//! 2. A generation is recognised by what it begins with and by what stands before the cursor, never by its name or inode
//!    alone: names shift, inodes are used again.
//! 3. A rotated generation is finished only when the writer has gone on: when a newer generation has content and this one
//!    still ends where it did. A writer that has not yet reopened its file may still append to a renamed one.
//! 4. Memory is bounded by one chunk and the longest line allowed.
//!
//! # How generations are ordered
//! `name.3.gz`, `name.2`, `name.1`, `name` by number, dated names by date before numbered ones, Wazuh's by the day in
//! their path. Modification times are not trusted: compression changes them.
//!
//! # What cannot be seen
//! A dated generation that was written, rotated and deleted wholly between two looks leaves no trace. A numbered one
//! leaves a hole in the numbers, which is reported.

mod cursor;
mod follower;
mod generations;
mod reader;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

pub use cursor::Cursor;
pub use follower::{Fill, Follower, Gap, Lag, LongLine};

/// What to follow.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The live file.
    pub path: PathBuf,
    /// How it rotates.
    pub family: Family,
    /// Longest line delivered, in bytes; a longer one is skipped and reported.
    pub max_line: usize,
    /// How long something odd (a hole in the numbers, a compressed file that ends early) must last before it is believed.
    pub grace: Duration,
}

impl Spec {
    /// A file with lines of at most 4 MiB, and 2 seconds of grace.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, family: Family) -> Self {
        Self { path: path.into(), family, max_line: 4 * 1024 * 1024, grace: Duration::from_secs(2) }
    }
}

/// How a file rotates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// As logrotate does: renamed or copied and truncated, numbered or dated, compressed or not.
    Logrotate,
    /// As a Wazuh manager does: the live name is a hard link to `YYYY/Mon/ossec-alerts-DD.json`, made anew at midnight.
    WazuhDaily,
}

/// Where to begin in a file that is there already when it is followed for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At its first line. Earlier generations are not read.
    Beginning,
    /// After its last line.
    End,
}
