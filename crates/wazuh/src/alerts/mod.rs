//! The alerts that a manager writes to `alerts.json`, and what they say.
//!
//! [`Follower`] reads the file through its whole life: the hard link that moves at midnight, the days that are compressed
//! and unlinked, files of less than a day. [`Alert`] is one line of it, or one document of the indexer, read loosely: the
//! manager writes most numbers as text and changed what it writes from version to version, so a field of another type is
//! a field that is absent, and never a lost alert. [`Key`] tells alerts apart: an `id` alone does not.
//!
//! Facts: Wazuh's `to_json.c`, `json_extended.c`, `getloglocation.c`, `winevtchannel.c` and `monitord`, 4.3 to 4.14.

mod alert;
mod follower;
mod key;
pub(crate) mod loose;
mod suricata;
mod syscheck;
mod time;
mod torn;
mod whole;
mod windows;

pub use alert::{Agent, Alert, Cluster, Mitre, NotAnAlert, Rule};
pub use follower::{Batch, Cursor, Follower, Line, Lost, Start};
pub use key::Key;
pub use suricata::Suricata;
pub use syscheck::{Moment, Syscheck};
pub use time::timestamp;
pub use torn::whole_alerts;
pub use whole::Whole;
pub use windows::{Process, Windows};
