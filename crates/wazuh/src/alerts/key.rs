//! What tells one alert from another.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use serde::Deserialize;

use super::time;

/// Milliseconds in an hour.
const HOUR: i64 = 3_600_000;

/// The identity of an alert: its manager, its cluster node, its `id` and its time. The same alert has the same key in
/// `alerts.json` and in the indexer, also if Filebeat sent it twice and the indexer holds it under two `_id`s.
///
/// An `id` alone is not enough: nodes of a cluster use the same ones, and so does one manager after a rotation within a
/// second or after its clock was set back; the time, to the millisecond, tells those apart. An alert without an `id` is
/// told by its whole text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    hour: i64,
    hash: [u8; 16],
}

impl Key {
    /// Of a line of `alerts.json` or a document of the indexer. None if it is no JSON object, or has no time.
    #[must_use]
    pub fn of(line: &[u8]) -> Option<Self> {
        let fields = Fields::read(line)?;
        let time = time::timestamp(&fields.timestamp.0)?;
        Some(fields.key(time, line))
    }

    /// As [`Key::of`], where the time is known already.
    #[must_use]
    pub fn at(time: Timestamp, line: &[u8]) -> Self {
        match Fields::read(line) {
            Some(fields) => fields.key(time, line),
            None => Self::new(time, "", "", "", line),
        }
    }

    /// Of the parts. `line` is asked only if there is no `id`.
    #[must_use]
    pub fn new(time: Timestamp, manager: &str, node: &str, id: &str, line: &[u8]) -> Self {
        let mut digest = Context::new(&SHA256);
        for part in [manager, node, id] {
            digest.update(part.as_bytes());
            // No name holds it, so no two triples run together alike.
            digest.update(&[0]);
        }
        digest.update(&time.as_millisecond().to_be_bytes());
        if id.is_empty() {
            digest.update(line);
        }
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest.finish().as_ref()[..16]);
        Self { hour: time.as_millisecond().div_euclid(HOUR), hash }
    }

    /// Half of a SHA-256 over it: what a table of seen alerts keeps.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        self.hash
    }

    /// The hour of its time, counted from 1970 (UTC): by this a table of seen alerts is pruned.
    #[must_use]
    pub fn hour(&self) -> i64 {
        self.hour
    }

    /// The hour of a time, counted as [`Key::hour`] is.
    #[must_use]
    pub fn hour_of(time: Timestamp) -> i64 {
        time.as_millisecond().div_euclid(HOUR)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:032x} in hour {})", u128::from_be_bytes(self.hash), self.hour)
    }
}

/// No more of a line than its key needs.
#[derive(Default, Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    manager: Option<Manager<'a>>,
    #[serde(borrow, default)]
    cluster: Option<Cluster<'a>>,
}

#[derive(Default, Deserialize)]
struct Manager<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
}

#[derive(Default, Deserialize)]
struct Cluster<'a> {
    #[serde(borrow, default)]
    node: Text<'a>,
}

impl<'a> Fields<'a> {
    /// Log text that is not UTF-8 gets into lines; only fields that are needed here would be spoiled by it.
    fn read(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok().or_else(|| {
            let text = String::from_utf8_lossy(line);
            let fields: Fields<'_> = serde_json::from_str(&text).ok()?;
            let own = |text: Text<'_>| Text(Cow::Owned(text.0.into_owned()));
            Some(Self {
                timestamp: own(fields.timestamp),
                id: own(fields.id),
                manager: fields.manager.map(|manager| Manager { name: own(manager.name) }),
                cluster: fields.cluster.map(|cluster| Cluster { node: own(cluster.node) }),
            })
        })
    }

    fn key(&self, time: Timestamp, line: &[u8]) -> Key {
        let manager = self.manager.as_ref().map_or("", |manager| &manager.name.0);
        let node = self.cluster.as_ref().map_or("", |cluster| &cluster.node.0);
        Key::new(time, manager, node, &self.id.0, line)
    }
}

/// Text, or a number as text.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a number")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(if truth { "true" } else { "false" })))
            }

            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }
        }
        from.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(manager: &str, node: &str, id: &str, time: &str) -> String {
        format!(
            r#"{{"timestamp":"{time}","rule":{{"id":"5"}},"manager":{{"name":"{manager}"}},"id":"{id}","cluster":{{"node":"{node}"}}}}"#
        )
    }

    #[test]
    fn the_same_id_is_another_alert_on_another_node_or_at_another_time() {
        let key = |manager, node, id, time| Key::of(line(manager, node, id, time).as_bytes()).unwrap();
        let time = "2026-05-01T12:00:00.123+0200";
        let one = key("m", "n1", "1777629600.1", time);
        assert_eq!(one, key("m", "n1", "1777629600.1", "2026-05-01T10:00:00.123Z"), "the same instant");
        assert_ne!(one, key("m", "n2", "1777629600.1", time));
        assert_ne!(one, key("m2", "n1", "1777629600.1", time));
        assert_ne!(one, key("m", "n1", "1777629600.2", time));
        assert_ne!(one, key("m", "n1", "1777629600.1", "2026-05-01T12:00:00.124+0200"), "after a rotation");
        assert_ne!(key("ab", "c", "1", time), key("a", "bc", "1", time));
        assert_eq!(one.hour(), Key::hour_of("2026-05-01T10:59:59Z".parse().unwrap()));
    }

    #[test]
    fn without_an_id_the_whole_line_tells() {
        let time = "2026-05-01T12:00:00.123+0200";
        let bare = |more: &str| Key::of(format!(r#"{{"timestamp":"{time}"{more}}}"#).as_bytes()).unwrap();
        assert_ne!(bare(r#","full_log":"a""#), bare(r#","full_log":"b""#));
        assert_eq!(bare(r#","full_log":"a""#), bare(r#","full_log":"a""#));
    }

    #[test]
    fn bytes_that_are_no_utf_8_do_not_hide_the_key() {
        let mut bad = line("m", "n", "1.2", "2026-05-01T12:00:00.123+0200").into_bytes();
        let good = Key::of(&bad).unwrap();
        let at = bad.windows(3).position(|piece| piece == b"\"5\"").unwrap() + 1;
        bad[at] = 0xff;
        assert_eq!(Key::of(&bad), Some(good));
        assert_eq!(Key::of(b"{\"timestamp\":\"2026"), None, "torn");
    }
}
