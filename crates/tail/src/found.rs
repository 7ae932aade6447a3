//! What reading finds.

use std::time::SystemTime;

/// What [`Follower::fill`](crate::Follower::fill) found.
#[derive(Debug)]
pub enum Fill {
    /// Complete lines are ready: see [`Follower::lines`](crate::Follower::lines).
    Lines,
    /// Everything there is has been taken.
    Idle,
    /// The file is not there (yet).
    Missing,
    /// Something was lost before it could be read. Reading goes on behind it.
    Gap(Gap),
    /// A line was longer than allowed, and skipped.
    Long(LongLine),
}

/// Something that was lost before it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The file, as it was called last.
    pub file: String,
    /// From which byte on (decompressed), where that is known.
    pub from: Option<u64>,
    /// What happened, in a sentence.
    pub why: String,
}

/// A line that was longer than allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongLine {
    /// Its first bytes, at most 200.
    pub head: Vec<u8>,
    /// Its length in bytes, without its end.
    pub bytes: u64,
}

/// How far behind reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Bytes written and not taken, over all generations; compressed ones count as they are on disk.
    pub bytes: u64,
    /// When the oldest generation with unread bytes was last written to.
    pub modified: Option<SystemTime>,
}
