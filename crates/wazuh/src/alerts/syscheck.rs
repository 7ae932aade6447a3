//! Changes of files and of the registry.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::Value;

use super::loose::{list, number, text};
use super::{Whole, time};

/// What file integrity monitoring saw. Sizes and ids are text in the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Syscheck {
    /// The file or registry key.
    pub path: Option<String>,
    /// `added`, `modified`, `deleted`.
    pub event: Option<String>,
    /// `scheduled`, `realtime`, `whodata`.
    pub mode: Option<String>,
    /// The registry value.
    pub value_name: Option<String>,
    /// Bytes.
    pub size_before: Option<u64>,
    /// Bytes.
    pub size_after: Option<u64>,
    /// MD5, as it is now.
    pub md5: Option<String>,
    /// SHA-1, as it is now.
    pub sha1: Option<String>,
    /// SHA-256, as it is now.
    pub sha256: Option<String>,
    /// When it was last changed before.
    pub mtime_before: Option<Moment>,
    /// When it was changed.
    pub mtime_after: Option<Moment>,
    /// Read through a 32-bit conversion by the manager: wrong for inodes above 2^31.
    pub inode_after: Option<Whole>,
    /// What changed: `size`, `mtime`, `md5`, …
    pub changed: Vec<String>,
    /// The text that changed.
    pub diff: Option<String>,
    /// Who did it, under `whodata`.
    pub user: Option<String>,
    /// With what, under `whodata`.
    pub process: Option<String>,
}

/// A time that may have lost its zone: the manager's buffer cuts `mtime_*` after the seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A time.
    Exact(Timestamp),
    /// A time on the manager's clock.
    Local(DateTime),
}

impl Moment {
    /// The time, if the manager was at `offset` then; take [`super::Alert::offset`], which is right unless the clocks were
    /// changed in between.
    #[must_use]
    pub fn with(self, offset: Offset) -> Option<Timestamp> {
        match self {
            Self::Exact(time) => Some(time),
            Self::Local(local) => offset.to_timestamp(local).ok(),
        }
    }

    fn read(written: &str) -> Option<Self> {
        // A zone that was cut in its middle is none.
        let local = || written.get(..19)?.parse().ok().map(Self::Local);
        time::timestamp(written).map(Self::Exact).or_else(local)
    }
}

impl Syscheck {
    pub(super) fn of(value: &Value) -> Self {
        let after = |name: &str| text(value, &format!("{name}_after")).or_else(|| text(value, name));
        let moment = |path: &str| text(value, path).and_then(|written| Moment::read(&written));
        Self {
            path: text(value, "path"),
            event: text(value, "event"),
            mode: text(value, "mode"),
            value_name: text(value, "value_name"),
            size_before: number(value, "size_before"),
            size_after: number(value, "size_after"),
            md5: after("md5"),
            sha1: after("sha1"),
            sha256: after("sha256"),
            mtime_before: moment("mtime_before"),
            mtime_after: moment("mtime_after"),
            inode_after: Whole::at(value, "inode_after"),
            changed: list(value, "changed_attributes"),
            diff: text(value, "diff"),
            user: text(value, "audit.effective_user.name").or_else(|| text(value, "audit.user.name")),
            process: text(value, "audit.process.name"),
        }
    }
}
