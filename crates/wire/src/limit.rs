//! How large anything on the wire may be. The node cuts to fit; the core refuses what does not.

/// Longest line of a source that is read, in bytes. A longer one is counted and skipped, with its head kept.
pub const LINE: usize = 4 * 1024 * 1024;
/// Longest raw event in an alert, in bytes. A longer one is trimmed, and says what was cut.
pub const RAW: usize = 256 * 1024;
/// Longest raw event in a sample, in bytes.
pub const SAMPLE_RAW: usize = 8 * 1024;
/// Samples kept per alert, beside its own raw event.
pub const SAMPLES: usize = 4;
/// Longest text field of an alert (names, paths, command lines), in bytes.
pub const TEXT: usize = 8 * 1024;
/// Longest identifier (rule id, group, address, hash), in bytes.
pub const WORD: usize = 512;
/// Most elements of a list in an alert (groups, references, techniques).
pub const LIST: usize = 64;
/// Most records in a batch.
pub const BATCH_RECORDS: usize = 2_000;
/// Largest batch after decompression, in bytes.
pub const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Largest batch as sent (compressed), in bytes.
pub const BATCH_WIRE_BYTES: usize = 8 * 1024 * 1024;
/// Largest body of any other request of a node, in bytes.
pub const BODY: usize = 256 * 1024;
/// Most sources that a node may report.
pub const SOURCES: usize = 64;
/// Largest cursor of one source, in bytes of JSON.
pub const CURSOR: usize = 16 * 1024;
/// Highest count of an alert. Counts above are refused: JSON numbers are exact only up to 2^53.
pub const COUNT: u64 = 1 << 53;
/// Most hosts of a node.
pub const HOSTS: usize = 50_000;
/// Longest text of a host (its name, its version, why it is silent), in bytes: a Wazuh agent's name has at most 128.
pub const HOST_TEXT: usize = 256;
/// Most groups of a host.
pub const GROUPS: usize = 32;
/// Longest name of a host's group, in bytes.
pub const GROUP: usize = 128;
/// Most hosts in a record.
pub const HOSTS_CHANGED: usize = 200;
/// Largest answer to a command, in bytes of JSON.
pub const ANSWER: usize = 1024 * 1024;
/// Longest line for a logtest, in bytes: Wazuh takes 64 KiB with what stands around it.
pub const LOGTEST: usize = 60_000;
