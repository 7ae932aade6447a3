//! Where reading stands, in a form that finds the place again whatever happened to names and inodes.

use serde::{Deserialize, Serialize};

/// How many first bytes of a generation identify it.
pub(crate) const HEAD: usize = 1024;
/// How many bytes before the cursor must be as they were.
pub(crate) const TAIL: usize = 256;
/// How many finished generations are remembered.
pub(crate) const KNOWN: usize = 4;

/// A place in a followed file: the end of the last line that was taken. Less than 2 KiB of JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Device of the generation.
    pub device: u64,
    /// Inode of the generation.
    pub inode: u64,
    /// Bytes taken of it; of its decompressed form, if it was compressed since. 0: the next generation is to be begun.
    pub offset: u64,
    /// What it begins with.
    pub(crate) head: Print,
    /// What stands before `offset`.
    pub(crate) tail: Print,
    /// The generations finished last, newest last.
    #[serde(default)]
    pub(crate) known: Vec<Known>,
    /// The date of the generation begun last, where its name has one that never changes; else empty.
    #[serde(default)]
    pub(crate) since: String,
}

/// A generation that is not to be read (again).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// What it begins with; nothing, if it could not be read.
    #[serde(flatten)]
    pub(crate) print: Print,
    /// Its device when it was left.
    #[serde(default)]
    pub(crate) device: u64,
    /// Its inode when it was left.
    #[serde(default)]
    pub(crate) inode: u64,
    /// How much of it was read; none if it was there before the file was followed, or could not be read.
    #[serde(default)]
    pub(crate) size: Option<u64>,
}

/// A fingerprint of some bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Print {
    /// How many bytes.
    pub(crate) len: u32,
    /// The first half of their BLAKE3 hash.
    pub(crate) hash: String,
}

impl Print {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let hash = blake3::hash(bytes).to_hex();
        Self { len: u32::try_from(bytes.len()).unwrap_or(u32::MAX), hash: hash[..32].to_owned() }
    }

    /// True if `bytes` begin with what this is the fingerprint of.
    pub(crate) fn begins(&self, bytes: &[u8]) -> bool {
        bytes.get(..self.len as usize).is_some_and(|head| Self::of(head) == *self)
    }

    /// True if it stands for enough bytes to tell a generation from all others.
    pub(crate) fn full(&self) -> bool {
        self.len as usize >= HEAD
    }
}

/// The bytes of which the cursor keeps the fingerprints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// How many bytes of the generation are past.
    pub(crate) offset: u64,
    /// Its first bytes, at most [`HEAD`], not counting NULs before them: those are a hole that a writer leaves when its
    /// file is truncated under it, and would make all generations look alike.
    pub(crate) head: Vec<u8>,
    /// The last bytes, at most [`TAIL`].
    pub(crate) tail: Vec<u8>,
}

impl Past {
    /// Goes on by `bytes`.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        let news = if self.head.is_empty() { without_nuls(bytes) } else { bytes };
        let missing = HEAD.saturating_sub(self.head.len()).min(news.len());
        self.head.extend_from_slice(&news[..missing]);
        if bytes.len() >= TAIL {
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - TAIL..]);
        } else {
            self.tail.extend_from_slice(bytes);
            let extra = self.tail.len().saturating_sub(TAIL);
            self.tail.drain(..extra);
        }
    }
}

impl Cursor {
    /// Moves within the generation.
    pub(crate) fn stand(&mut self, past: &Past) {
        self.offset = past.offset;
        self.head = Print::of(&past.head);
        self.tail = Print::of(&past.tail);
    }
}

/// `bytes` from the first on that is no NUL.
pub(crate) fn without_nuls(bytes: &[u8]) -> &[u8] {
    match bytes.first() {
        Some(0) => &bytes[bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len())..],
        _ => bytes,
    }
}
