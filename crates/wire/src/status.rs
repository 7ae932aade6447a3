//! How a node is: sent to the core at each heartbeat, and written beside the spool for `socme node status`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::Source;
use crate::command::Permission;

/// A node's report about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Status {
    /// The node's clock.
    pub now: Timestamp,
    /// The node's version.
    pub version: String,
    /// When the node started.
    pub started: Timestamp,
    /// Each source, by its name in the node's file.
    pub sources: BTreeMap<String, SourceStatus>,
    /// The spool.
    pub spool: SpoolStatus,
    /// The way to the core.
    pub uplink: UplinkStatus,
    /// Suricata's own figures, from its EVE `stats` records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suricata: Option<SuricataStatus>,
    /// The Wazuh manager, if the node is told of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wazuh: Option<WazuhStatus>,
    /// What the client's policy lets the core ask of this node; none: it takes no commands at all, for it knows no manager.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Permission>,
    /// The machine.
    pub machine: MachineStatus,
    /// Last second's events read, over all sources, per second.
    pub events_per_second: f64,
    /// Alerts and counts written to the spool, per second.
    pub alerts_per_second: f64,
    /// End of the node's certificate.
    pub certificate_end: Timestamp,
    /// What the client's policy forbids, in words, for the nodes page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<String>,
}

/// How one source is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceStatus {
    /// What it is.
    pub module: Source,
    /// The file that is read.
    pub path: String,
    /// Whether it is being read.
    pub state: SourceState,
    /// Bytes written by the source and not yet read, over all generations.
    pub lag_bytes: u64,
    /// Age of the oldest unread line in seconds; 0 if all is read.
    pub lag_seconds: f64,
    /// Events read since the node started.
    pub events: u64,
    /// Events that were alerts, since the node started.
    pub alerts: u64,
    /// When the last event was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event: Option<Timestamp>,
    /// Lines that are not what the source writes, since the node started.
    pub bad_lines: u64,
    /// The head of the latest such line, at most 200 bytes, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_sample: Option<String>,
    /// Lines longer than [`crate::limit::LINE`], skipped since the node started.
    pub long_lines: u64,
    /// Gaps (generations that vanished unread) since the node started.
    pub gaps: u64,
    /// What went wrong last, with the mend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl SourceStatus {
    /// One that was not read yet.
    #[must_use]
    pub fn missing(module: Source) -> Self {
        Self {
            module,
            path: String::new(),
            state: SourceState::Missing,
            lag_bytes: 0,
            lag_seconds: 0.0,
            events: 0,
            alerts: 0,
            last_event: None,
            bad_lines: 0,
            bad_sample: None,
            long_lines: 0,
            gaps: 0,
            error: None,
        }
    }
}

/// Whether a source is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// Read to its end.
    Live,
    /// Being read, behind its end.
    Behind,
    /// The file is not there (yet).
    Missing,
    /// It cannot be read: see `error`.
    Failed,
    /// Not read for now: the spool is full or its disk is.
    Paused,
}

/// How the spool is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SpoolStatus {
    /// Records not yet acknowledged.
    pub depth: u64,
    /// Bytes used on disk.
    pub bytes: u64,
    /// Most bytes it may use.
    pub limit: u64,
    /// Age of the oldest unacknowledged record, in seconds.
    pub age_seconds: f64,
    /// Records that the core refused, since the spool began.
    pub refused: u64,
    /// Why the latest one was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_why: Option<String>,
    /// What is wrong with it, with the mend: full, disk full, set aside as broken…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How the way to the core is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UplinkStatus {
    /// True if the last exchange succeeded.
    pub connected: bool,
    /// The address in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When the core last answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<Timestamp>,
    /// The core's clock less the node's, in seconds.
    pub skew_seconds: f64,
    /// What went wrong last, with the mend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Suricata's own figures. Counters are since Suricata started; the unit of each is in Suricata's documentation of EVE `stats`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SuricataStatus {
    /// When Suricata wrote them.
    pub time: Option<Timestamp>,
    /// Seconds since Suricata started.
    pub uptime: u64,
    /// Packets that the kernel handed over (`capture.kernel_packets`, or `decoder.pkts`).
    pub packets: u64,
    /// Packets that the kernel dropped (`capture.kernel_drops`).
    pub drops: u64,
    /// Dropped share of the packets since the previous record, 0 to 1.
    pub drop_share: f64,
    /// Rules loaded (`detect.engines[].rules_loaded`).
    pub rules_loaded: u64,
    /// Rules that failed to load.
    pub rules_failed: u64,
}

/// How a Wazuh manager is. Where a figure has no unit of its own, it is as the server API's documentation says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WazuhStatus {
    /// The address of its API.
    pub url: String,
    /// When the manager was last asked and answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Timestamp>,
    /// What keeps the node from it, with the mend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its version, `"4.14.7"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Its cluster node's name and kind, `"node01 (master)"`; none without a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Its daemons, and how they are: `running`, `stopped`, `failed`, `restarting`.
    #[serde(default)]
    pub daemons: BTreeMap<String, String>,
    /// Events that its analysis took in, per second since the look before; none where that is not known: its user may not read the
    /// figures, or this was the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_per_second: Option<f64>,
    /// Events that its analysis dropped since the look before.
    #[serde(default)]
    pub dropped: u64,
    /// How full the fullest of its queues is, 0 to 1.
    #[serde(default)]
    pub queue: f64,
    /// Which queue that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_name: Option<String>,
    /// End of the certificate of its API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_end: Option<Timestamp>,
    /// Hosts that report.
    #[serde(default)]
    pub active: u64,
    /// Hosts that are silent.
    #[serde(default)]
    pub disconnected: u64,
    /// Hosts that never came.
    #[serde(default)]
    pub never_connected: u64,
    /// The address of its indexer, if the node is told of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexer: Option<String>,
    /// What keeps the node from the indexer, with the mend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexer_error: Option<String>,
}

/// How the machine is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineStatus {
    /// Processor use, 0 to 1 over all processors.
    pub cpu: f64,
    /// Memory in use, bytes.
    pub memory_used: u64,
    /// Memory in all, bytes.
    pub memory_total: u64,
    /// The node's own memory, bytes resident.
    pub memory_node: u64,
    /// Disk in use where the spool is, bytes.
    pub disk_used: u64,
    /// That disk in all, bytes.
    pub disk_total: u64,
    /// Highest sensor, degrees Celsius; none where the machine has no sensor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Seconds since the machine started.
    pub uptime: u64,
}
