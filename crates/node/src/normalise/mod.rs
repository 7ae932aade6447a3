//! From what a source wrote to a [`wire::Alert`], in two steps: the few fields by which events are folded, for each event,
//! and the whole alert, for the first of each fold and for samples.
//!
//! Whatever is missing, misspelt or too long, what comes out passes [`wire::Alert::check`].

pub mod suricata;
pub mod wazuh;

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use wire::alert::{Alert, Cut, Endpoint, Sample};
use wire::limit;

/// Text that is borrowed from the line unless it has escapes; numbers and booleans are taken as text too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_owned())))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Text::default())
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Reads the times that Suricata and Wazuh write: RFC 3339, but with an offset that may lack its colon.
#[must_use]
pub fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        // The last day of the year 9999 is beyond what a timestamp can say, whatever the zone.
        let date = text.parse::<jiff::civil::DateTime>().ok()?;
        (date.year() == 9999).then_some(Timestamp::MAX)
    })
}

/// The value at a dotted path, as trimmed text; nothing if it is absent, empty or no scalar.
fn text(value: &Value, path: &str) -> Option<String> {
    scalar(at(value, path)?)
}

fn scalar(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(bool) => bool.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text != "null").then_some(text)
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// The first of some paths that has a value.
fn first(value: &Value, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| text(value, path))
}

/// All values of a list, or a single one.
fn list(value: &Value, path: &str) -> Vec<String> {
    match at(value, path) {
        Some(Value::Array(items)) => items.iter().filter_map(scalar).collect(),
        Some(other) => scalar(other).into_iter().collect(),
        None => Vec::new(),
    }
}

/// A number, also when it is written as text or, as Wazuh does with large ones, with six decimals.
fn number(value: &Value, path: &str) -> Option<u64> {
    let text = text(value, path)?;
    let whole = text
        .split_once('.')
        .map_or(text.as_str(), |(whole, rest)| if rest.bytes().all(|b| b == b'0') { whole } else { text.as_str() });
    whole.parse().ok()
}

fn endpoint(ip: Option<String>, port: Option<u64>, domain: Option<String>) -> Option<Endpoint> {
    let ip = ip.map(|ip| address(&ip));
    let port = port.and_then(|port| u16::try_from(port).ok());
    (ip.is_some() || domain.is_some()).then_some(Endpoint { ip, port, domain })
}

/// An address in its canonical text form; text as it is if it is none.
#[must_use]
pub fn address(text: &str) -> String {
    text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |ip| ip.to_canonical().to_string())
}

/// Cuts text to a number of bytes, at a character's end.
#[must_use]
pub fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn shorten(text: &mut String, most: usize) {
    let end = cut(text, most).len();
    text.truncate(end);
}

/// Cuts everything to its limit.
pub(crate) fn fit(alert: &mut Alert) {
    let word = |text: &mut Option<String>| {
        if let Some(text) = text {
            shorten(text, limit::WORD);
        }
    };
    for end in [&mut alert.source, &mut alert.destination].into_iter().flatten() {
        word(&mut end.ip);
        word(&mut end.domain);
    }
    if let Some(host) = &mut alert.host {
        word(&mut host.id);
        word(&mut host.name);
        word(&mut host.ip);
    }
    let n = &mut alert.network;
    for text in [&mut n.transport, &mut n.protocol, &mut n.flow, &mut n.community_id, &mut n.interface, &mut n.action] {
        word(text);
    }
    word(&mut alert.rule.category);
    if let Some(user) = &mut alert.user {
        shorten(&mut user.name, limit::WORD);
        word(&mut user.domain);
    }
    let long = |text: &mut Option<String>| {
        if let Some(text) = text {
            shorten(text, limit::TEXT);
        }
    };
    if let Some(process) = &mut alert.process {
        long(&mut process.executable);
        long(&mut process.command_line);
        long(&mut process.parent);
        long(&mut process.parent_command_line);
    }
    if let Some(file) = &mut alert.file {
        long(&mut file.path);
        for hash in [&mut file.md5, &mut file.sha1, &mut file.sha256] {
            word(hash);
        }
    }
    long(&mut alert.message);
    long(&mut alert.url);
    long(&mut alert.location);
    long(&mut alert.registry);
    shorten(&mut alert.rule.id, limit::WORD);
    shorten(&mut alert.rule.name, limit::TEXT);
    for (list, most) in [
        (&mut alert.rule.groups, limit::WORD),
        (&mut alert.rule.references, limit::TEXT),
        (&mut alert.threat.techniques, limit::WORD),
        (&mut alert.threat.tactics, limit::WORD),
        (&mut alert.domains, limit::WORD),
    ] {
        list.truncate(limit::LIST);
        list.iter_mut().for_each(|text| shorten(text, most));
    }
    if alert.raw.len() > limit::RAW {
        let before = alert.raw.len();
        shorten(&mut alert.raw, limit::RAW);
        alert.cut.push(Cut { field: "event".to_owned(), bytes: (before - alert.raw.len()) as u64 });
    }
    alert.cut.truncate(limit::LIST);
    if alert.rule.id.is_empty() {
        alert.rule.id = "unknown".to_owned();
    }
}

/// The raw event within [`limit::RAW`]: the largest texts in it go first, so that it stays valid JSON and readable.
#[must_use]
pub fn raw(line: &str, value: &Value) -> (String, Vec<Cut>) {
    if line.len() <= limit::RAW {
        return (line.to_owned(), Vec::new());
    }
    let mut value = value.clone();
    let mut cuts = Vec::new();
    for _ in 0..8 {
        let Some((path, len)) = largest(&value, String::new()) else { break };
        if let Some(found) = value.pointer_mut(&path) {
            let keep = found.as_str().map(|text| cut(text, 256).to_owned()).unwrap_or_default();
            let bytes = (len - keep.len()) as u64;
            *found = Value::String(format!("{keep}… [{bytes} bytes cut]"));
            let field = path.trim_start_matches('/').replace('/', ".");
            cuts.push(Cut { field: cut(&field, limit::WORD).to_owned(), bytes });
        }
        let text = value.to_string();
        if text.len() <= limit::RAW {
            return (text, cuts);
        }
    }
    let kept = cut(line, limit::RAW);
    (kept.to_owned(), vec![Cut { field: "event".to_owned(), bytes: (line.len() - kept.len()) as u64 }])
}

/// JSON pointer and length of the longest text in a value.
fn largest(value: &Value, path: String) -> Option<(String, usize)> {
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::String(text) => Some((path, text.len())),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter_map(|(n, item)| largest(item, format!("{path}/{n}")))
            .max_by_key(|(_, len)| *len),
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(key, item)| largest(item, format!("{path}/{}", escape(key))))
            .max_by_key(|(_, len)| *len),
        _ => None,
    }
}

/// A sample of an event that an alert stands for.
#[must_use]
pub fn sample(alert: Alert) -> Sample {
    let mut raw = alert.raw;
    shorten(&mut raw, limit::SAMPLE_RAW);
    Sample { time: alert.time, source: alert.source, destination: alert.destination, raw }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_suricata_and_wazuh_are_read() {
        let expected = "2026-05-01T10:00:00.123Z".parse::<Timestamp>().unwrap();
        assert_eq!(time("2026-05-01T12:00:00.123+0200"), Some(expected));
        assert_eq!(time("2026-05-01T10:00:00.123000+0000"), Some(expected));
        assert_eq!(time("9999-12-31T23:59:59.999999+0000"), Some(Timestamp::MAX));
        assert_eq!(time("2026-05-01T10:00:00"), None);
        assert_eq!(time("yesterday"), None);
    }

    #[test]
    fn a_huge_payload_is_cut_and_the_rest_stays_json() {
        let value = serde_json::json!({"alert": {"signature": "x"}, "payload": "A".repeat(400_000)});
        let (text, cuts) = raw(&value.to_string(), &value);
        assert!(text.len() < limit::RAW);
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["alert"]["signature"], "x");
        assert_eq!(cuts, [Cut { field: "payload".into(), bytes: 400_000 - 256 }]);
    }

    #[test]
    fn addresses_are_canonical() {
        assert_eq!(address("2001:DB8:0:0::1"), "2001:db8::1");
        assert_eq!(address("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(address("<b>x"), "<b>x");
    }
}
