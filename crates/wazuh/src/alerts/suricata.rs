//! Suricata's alerts that came through Wazuh.

use jiff::Timestamp;
use serde_json::Value;

use super::loose::{at, number, text};
use super::{Alert, Whole, time};

/// A Suricata alert that an agent read from EVE and the manager let through as rule 86601, or on which a rule of somebody's own
/// fired: look at the alert's rule. Wazuh gives all of the former level 3. It turns their numbers into text; here they are
/// numbers again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suricata {
    /// When the sensor saw it, to the microsecond; the alert's own time is when the manager received it.
    pub timestamp: Option<Timestamp>,
    /// The flow. Above 2^53 its last digits are lost: compare with [`Whole::may_be`].
    pub flow_id: Option<Whole>,
    /// The interface.
    pub in_iface: Option<String>,
    /// Whence.
    pub src_ip: Option<String>,
    /// The port there.
    pub src_port: Option<u64>,
    /// Whereto.
    pub dest_ip: Option<String>,
    /// The port there.
    pub dest_port: Option<u64>,
    /// `TCP`, `UDP`, …
    pub proto: Option<String>,
    /// `http`, `tls`, …
    pub app_proto: Option<String>,
    /// The signature's number.
    pub signature_id: Option<u64>,
    /// Its generator; 1 for rules.
    pub gid: Option<u64>,
    /// Its revision.
    pub rev: Option<u64>,
    /// Its text.
    pub signature: Option<String>,
    /// Its class.
    pub category: Option<String>,
    /// 1 is the highest, 3 the lowest in use. Not the level of Wazuh's rule.
    pub severity: Option<u64>,
    /// `allowed` or `blocked`.
    pub action: Option<String>,
}

impl Suricata {
    pub(super) fn of(alert: &Alert) -> Option<Self> {
        let data = at(&alert.document, "data")?;
        let signature_id = number(data, "alert.signature_id");
        if signature_id.is_none() && text(data, "event_type").as_deref() != Some("alert") {
            return None;
        }
        at(data, "alert").filter(|alert| alert.is_object())?;
        Some(Self::read(data, signature_id))
    }

    fn read(data: &Value, signature_id: Option<u64>) -> Self {
        Self {
            timestamp: text(data, "timestamp").and_then(|text| time::timestamp(&text)),
            flow_id: Whole::at(data, "flow_id"),
            in_iface: text(data, "in_iface"),
            src_ip: text(data, "src_ip"),
            src_port: number(data, "src_port"),
            dest_ip: text(data, "dest_ip"),
            dest_port: number(data, "dest_port"),
            proto: text(data, "proto"),
            app_proto: text(data, "app_proto"),
            signature_id,
            gid: number(data, "alert.gid"),
            rev: number(data, "alert.rev"),
            signature: text(data, "alert.signature"),
            category: text(data, "alert.category"),
            severity: number(data, "alert.severity"),
            action: text(data, "alert.action"),
        }
    }
}
