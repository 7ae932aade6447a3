//! Suricata's EVE records: <https://docs.suricata.io/en/suricata-7.0.10/output/eve/eve-json-format.html>.

use jiff::Timestamp;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::Value;
use wire::alert::{Alert, File, Fold, Network, Rule, Severity, Source, Threat, User};
use wire::status::SuricataStatus;

use super::{Text, at, endpoint, first, fit, list, number, raw, text, time};

/// What a line may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Perhaps an alert.
    Alert,
    /// Perhaps Suricata's own figures.
    Stats,
    /// Certainly neither.
    Other,
}

/// Tells lines that cannot be alerts without parsing them.
pub struct Sieve {
    compact: Finder<'static>,
    alert: Finder<'static>,
    stats: Finder<'static>,
}

impl Default for Sieve {
    fn default() -> Self {
        let compact = Finder::new(br#""event_type":""#);
        Self { compact, alert: Finder::new(br#""alert""#), stats: Finder::new(br#""stats""#) }
    }
}

impl Sieve {
    /// Suricata writes `"event_type":"alert"` without blanks and near the start of the line. The same text cannot stand
    /// earlier within a string, where its quotes would be escaped; so the first find decides. Without it, both words are
    /// looked for anywhere.
    #[must_use]
    pub fn kind(&self, line: &[u8]) -> Kind {
        if let Some(at) = self.compact.find(line) {
            let value = &line[at + 14..];
            return if value.starts_with(b"alert\"") {
                Kind::Alert
            } else if value.starts_with(b"stats\"") {
                Kind::Stats
            } else if value.contains(&b'\\') && self.escaped(value) {
                Kind::Alert
            } else {
                Kind::Other
            };
        }
        if self.alert.find(line).is_some() {
            Kind::Alert
        } else if self.stats.find(line).is_some() {
            Kind::Stats
        } else {
            Kind::Other
        }
    }

    /// True if the value itself is written with escapes, which JSON permits.
    #[allow(clippy::unused_self, reason = "part of the sieve")]
    fn escaped(&self, value: &[u8]) -> bool {
        value.iter().take(40).take_while(|b| **b != b'"').any(|b| *b == b'\\')
    }
}

/// The fields by which alerts are folded.
#[derive(Debug, Default, Deserialize)]
pub struct Key<'a> {
    /// `alert`, if it is one.
    #[serde(borrow, default)]
    pub event_type: Text<'a>,
    /// When it happened.
    #[serde(borrow, default)]
    pub timestamp: Text<'a>,
    /// Source address.
    #[serde(borrow, default)]
    pub src_ip: Text<'a>,
    /// Destination address.
    #[serde(borrow, default)]
    pub dest_ip: Text<'a>,
    /// The rule.
    #[serde(borrow, default)]
    pub alert: AlertKey<'a>,
}

/// The rule.
#[derive(Debug, Default, Deserialize)]
pub struct AlertKey<'a> {
    /// Its id.
    #[serde(borrow, default)]
    pub signature_id: Text<'a>,
}

/// The whole alert.
///
/// # Errors
/// When the line is no JSON object.
pub fn alert(line: &str, now: Timestamp) -> Result<Alert, serde_json::Error> {
    let value: Value = serde_json::from_str(line)?;
    let (raw, cut) = raw(line, &value);
    let mut alert = build(&value, now, raw);
    alert.cut = cut;
    fit(&mut alert);
    Ok(alert)
}

/// The parts that are the same in EVE and in Wazuh's copy of it (under `data`).
pub(super) fn build(value: &Value, now: Timestamp, raw: String) -> Alert {
    let rule = Rule {
        id: text(value, "alert.signature_id").unwrap_or_default(),
        version: number(value, "alert.rev"),
        name: text(value, "alert.signature").unwrap_or_else(|| "Suricata alert without a name".to_owned()),
        category: text(value, "alert.category"),
        groups: list(value, "alert.metadata.tag"),
        references: list(value, "alert.references"),
    };
    let critical =
        list(value, "alert.metadata.signature_severity").iter().any(|word| word.eq_ignore_ascii_case("critical"));
    let severity = Severity::from_suricata(number(value, "alert.severity").unwrap_or(3), critical);
    let time = text(value, "timestamp").and_then(|text| time(&text)).unwrap_or(now);
    let mut techniques = list(value, "alert.metadata.mitre_technique_id");
    techniques.iter_mut().for_each(|id| id.make_ascii_uppercase());
    let mut tactics = list(value, "alert.metadata.mitre_tactic_name");
    if tactics.is_empty() {
        tactics = list(value, "alert.metadata.mitre_tactic_id");
    }
    let lower = |path: &str| text(value, path).map(|text| text.to_ascii_lowercase());
    let network = Network {
        transport: lower("proto"),
        protocol: lower("app_proto").filter(|name| name != "failed"),
        flow: number(value, "flow_id").map(|id| id.to_string()),
        community_id: text(value, "community_id"),
        interface: text(value, "in_iface"),
        action: text(value, "alert.action"),
    };
    let account = first(value, &["ftp.command_data", "smb.ntlmssp.user", "rdp.cookie", "http.basicauth.username"])
        .filter(|_| text(value, "ftp.command").is_none_or(|command| command.eq_ignore_ascii_case("USER")));
    Alert {
        module: Source::Suricata,
        rule,
        severity,
        time,
        seen: now,
        count: 1,
        last: time,
        message: message(value),
        threat: Threat { techniques, tactics },
        host: None,
        source: endpoint(text(value, "src_ip"), number(value, "src_port"), None),
        destination: endpoint(text(value, "dest_ip"), number(value, "dest_port"), None),
        network,
        user: account.map(|name| User { name, domain: text(value, "smb.ntlmssp.domain") }),
        process: None,
        file: file(value),
        registry: None,
        domains: domains(value),
        url: text(value, "http.url").map(|url| with_host(value, url)),
        location: None,
        fold: Fold::Full,
        witnesses: Vec::new(),
        samples: Vec::new(),
        raw,
        cut: Vec::new(),
        closed: false,
    }
}

fn with_host(value: &Value, url: String) -> String {
    match text(value, "http.hostname") {
        Some(host) if url.starts_with('/') => format!("{host}{url}"),
        _ => url,
    }
}

/// One sentence about the conversation.
fn message(value: &Value) -> Option<String> {
    if let Some(method) = text(value, "http.http_method") {
        let url = text(value, "http.url").map(|url| with_host(value, url)).unwrap_or_default();
        let agent = text(value, "http.http_user_agent").map(|agent| format!(", by {agent}")).unwrap_or_default();
        let status = text(value, "http.status").map(|status| format!(" → {status}")).unwrap_or_default();
        return Some(format!("{method} {url}{status}{agent}"));
    }
    if let Some(name) = domains(value).first() {
        let what = if at(value, "tls").is_some() { "TLS to" } else { "DNS question for" };
        return Some(format!("{what} {name}"));
    }
    first(value, &["ssh.client.software_version", "smb.command", "ftp.command"])
}

fn domains(value: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for path in ["dns.rrname", "tls.sni", "http.hostname", "quic.sni"] {
        found.extend(list(value, path));
    }
    // Alerts carry the questions as lists: `dns.query[].rrname`, from version 8 on `dns.queries[].rrname`.
    for path in ["dns.query", "dns.queries", "dns.answers"] {
        if let Some(Value::Array(items)) = at(value, path) {
            found.extend(items.iter().filter_map(|item| text(item, "rrname")));
        }
    }
    found.iter_mut().for_each(|name| *name = name.trim_end_matches('.').to_lowercase());
    found.sort();
    found.dedup();
    found
}

fn file(value: &Value) -> Option<File> {
    let info = at(value, "fileinfo").or_else(|| at(value, "files")?.as_array()?.first())?;
    Some(File {
        path: text(info, "filename"),
        size: number(info, "size"),
        md5: text(info, "md5"),
        sha1: text(info, "sha1"),
        sha256: text(info, "sha256"),
    })
}

/// Suricata's own figures from a `stats` record; `before` are those of the previous one.
#[must_use]
pub fn stats(line: &[u8], before: Option<&SuricataStatus>) -> Option<SuricataStatus> {
    let value: Value = serde_json::from_slice(line).ok()?;
    if text(&value, "event_type")? != "stats" {
        return None;
    }
    let stats = at(&value, "stats")?;
    let packets = number(stats, "capture.kernel_packets").or_else(|| number(stats, "decoder.pkts")).unwrap_or(0);
    let drops = number(stats, "capture.kernel_drops").unwrap_or(0);
    let uptime = number(stats, "uptime").unwrap_or(0);
    let (mut loaded, mut failed) = (0, 0);
    if let Some(Value::Array(engines)) = at(stats, "detect.engines") {
        loaded = engines.iter().filter_map(|engine| number(engine, "rules_loaded")).sum();
        failed = engines.iter().filter_map(|engine| number(engine, "rules_failed")).sum();
    }
    // After a restart of Suricata its counters begin anew.
    let (old_packets, old_drops) =
        before.filter(|b| b.uptime <= uptime && b.packets <= packets).map_or((0, 0), |b| (b.packets, b.drops));
    let (new_packets, new_drops) = (packets - old_packets.min(packets), drops.saturating_sub(old_drops));
    // `kernel_packets` of AF_PACKET counts dropped packets too.
    let drop_share = if new_packets == 0 { 0.0 } else { (new_drops as f64 / new_packets as f64).min(1.0) };
    let time = text(&value, "timestamp").and_then(|text| time(&text));
    Some(SuricataStatus { time, uptime, packets, drops, drop_share, rules_loaded: loaded, rules_failed: failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"timestamp":"2026-11-24T14:31:29.123456+0000","flow_id":1946432423433533,"in_iface":"eth1","event_type":"alert","src_ip":"10.1.0.5","src_port":51234,"dest_ip":"10.2.0.9","dest_port":80,"proto":"TCP","community_id":"1:x=","alert":{"action":"allowed","gid":1,"signature_id":9000001,"rev":3,"signature":"SOCme sqlmap","category":"Web Application Attack","severity":1,"metadata":{"signature_severity":["Critical"],"mitre_technique_id":["t1190"],"mitre_tactic_name":["Initial_Access"]}},"http":{"hostname":"Shop.example","url":"/item?id=1","http_user_agent":"sqlmap/1.7","http_method":"GET","status":200},"app_proto":"http","fileinfo":{"filename":"/item","size":12,"sha256":"ABCD"}}"#;

    #[test]
    fn an_alert_becomes_the_fields_of_ecs() {
        let alert = alert(LINE, Timestamp::now()).unwrap();
        assert_eq!(alert.check(), Ok(()));
        assert_eq!((alert.rule.id.as_str(), alert.rule.version), ("9000001", Some(3)));
        assert_eq!(alert.severity, Severity::Critical);
        assert_eq!(alert.source.as_ref().unwrap().port, Some(51234));
        assert_eq!(alert.network.flow.as_deref(), Some("1946432423433533"));
        assert_eq!(alert.threat.techniques, ["T1190"]);
        assert_eq!(alert.domains, ["shop.example"]);
        assert_eq!(alert.url.as_deref(), Some("Shop.example/item?id=1"));
        assert_eq!(alert.raw, LINE);
        assert_eq!(alert.time, "2026-11-24T14:31:29.123456Z".parse::<Timestamp>().unwrap());
    }

    #[test]
    fn an_alert_without_addresses_or_anything_is_still_one() {
        let alert = alert(r#"{"event_type":"alert","alert":{"signature_id":1}}"#, Timestamp::now()).unwrap();
        assert_eq!(alert.check(), Ok(()));
        assert_eq!((alert.severity, alert.source), (Severity::Low, None));
    }

    #[test]
    fn the_sieve_misses_no_alert_however_it_is_written() {
        let sieve = Sieve::default();
        for line in [
            LINE,
            r#"{"event_type": "alert"}"#,
            r#"{ "event_type" :	"alert" }"#,
            r#"{"event_type":"\u0061lert"}"#,
            r#"{"a":"\"event_type\":\"flow\"","event_type":"alert"}"#,
        ] {
            assert_eq!(sieve.kind(line.as_bytes()), Kind::Alert, "{line}");
        }
        for line in [r#"{"event_type":"flow","flow":{"alerted":true}}"#, "", "garbage"] {
            assert_eq!(sieve.kind(line.as_bytes()), Kind::Other, "{line}");
        }
        assert_eq!(sieve.kind(br#"{"event_type":"stats"}"#), Kind::Stats);
    }

    #[test]
    fn figures_give_the_share_of_drops_since_the_last_ones() {
        let line = |uptime, packets, drops| {
            format!(
                r#"{{"timestamp":"2026-11-24T14:31:29.1+0000","event_type":"stats","stats":{{"uptime":{uptime},"capture":{{"kernel_packets":{packets},"kernel_drops":{drops}}},"detect":{{"engines":[{{"id":0,"rules_loaded":27,"rules_failed":1}}]}}}}}}"#
            )
        };
        let one = stats(line(8, 1000, 0).as_bytes(), None).unwrap();
        assert_eq!((one.rules_loaded, one.rules_failed, one.drop_share), (27, 1, 0.0));
        let two = stats(line(16, 2000, 500).as_bytes(), Some(&one)).unwrap();
        assert!((two.drop_share - 0.5).abs() < 1e-9);
        let restarted = stats(line(2, 10, 0).as_bytes(), Some(&two)).unwrap();
        assert_eq!(restarted.drop_share, 0.0);
    }
}
