//! Where reading stands, in a form that finds the place again whatever happened to names and inodes.

use serde::{Deserialize, Serialize};

/// How many first bytes of a generation identify it.
pub(crate) const HEAD: usize = 1024;
/// How many bytes before the cursor must be as they were.
pub(crate) const TAIL: usize = 256;
/// How many finished generations are remembered.
pub(crate) const KNOWN: usize = 4;

/// A place in a followed file: the end of the last line that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Device of the generation.
    pub device: u64,
    /// Inode of the generation.
    pub inode: u64,
    /// Bytes taken of it; of its decompressed form, if it was compressed since.
    pub offset: u64,
    /// What it begins with.
    pub(crate) head: Print,
    /// What stands before `offset`.
    pub(crate) tail: Print,
    /// The generations finished last, newest last.
    #[serde(default)]
    pub(crate) known: Vec<Print>,
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
}
