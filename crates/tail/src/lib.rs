//! Follows files that grow, rotate, shrink and vanish, and loses no line of them.
//!
//! A [`Follower`] reads one log file through all its generations: the live file and those that logrotate or Wazuh's
//! manager made of earlier ones, plain or compressed. It is synchronous, has no thread and no clock of its own, and uses
//! bounded memory. The caller keeps the [`Cursor`] together with whatever it makes of the lines, in one transaction; after
//! a crash it opens the follower at that cursor, and gets exactly the lines that follow.
//!
//! # Invariants
//! 1. A cursor is always the end of a line. Nothing before it is delivered again, nothing after it is skipped without a
//!    [`Gap`] or a [`LongLine`]. While a long line or a hole is being passed, the cursor stays before it.
//! 2. A generation is recognised by what it begins with and by what stands before the cursor, never by its name or inode
//!    alone: names shift, inodes are used again. Each read is followed by a look whether what was read before is still
//!    there, so a truncation is seen however fast the file grows again.
//! 3. A rotated generation is finished only when the writer has gone on: when a newer generation has content, and nothing
//!    was written to this one for the grace. A writer that has not yet reopened its file may still append to a renamed
//!    one.
//! 4. What the folder holds is believed only if it is the same twice: a rename during a listing can hide a file. What
//!    looks like a loss is believed only after the grace, and a compressed file that ends early only when it has not
//!    changed for 15 times that.
//! 5. A file that may not be read, or cannot be opened for want of resources, is an error, not a gap: its lines are not
//!    lost, and come once that is mended.
//! 6. Memory is bounded by one chunk and the longest line allowed, and 1 KiB for each generation.
//!
//! # How generations are ordered
//! `name.3.gz`, `name.2`, `name.1`, `name` by number; dated names by date (year or day first); Wazuh's by the day in their
//! path. Modification times are not trusted, because compression may change them, save for one thing: if there are dated
//! and numbered generations, the kind written last is the newer one.
//!
//! # What cannot be seen
//! - A dated generation that was written, rotated and deleted wholly between two looks leaves no trace. A numbered one
//!   leaves a hole in the numbers, which is reported.
//! - What a writer adds between the copy and the truncation of a copytruncate is nowhere.
//! - A line that is added to a generation after that was finished is found if the file is still there, plain, when the
//!   next one is finished.
//! - After a loss of power the last bytes of a file, already read, may be others: reading goes on behind the place, and a
//!   gap tells it.
//! - Rotated files are sought beside the live one only (not in logrotate's `olddir`), and the live name must not change.

mod cursor;
mod follower;
mod found;
mod generations;
mod names;
mod place;
mod reader;
#[cfg(test)]
mod tests;
mod window;

use std::path::PathBuf;
use std::time::Duration;

pub use cursor::Cursor;
pub use follower::Follower;
pub use found::{Fill, Gap, Lag, LongLine};

/// What to follow.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The live file.
    pub path: PathBuf,
    /// How it rotates.
    pub family: Family,
    /// Longest line delivered, in bytes; a longer one is skipped and reported.
    pub max_line: usize,
    /// How long a rotated file must be quiet before it is finished, and how long something odd (a hole in the numbers, a
    /// place that is nowhere) must last before it is believed.
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
