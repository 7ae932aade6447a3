//! The documents, in the order of their times.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde_json::Value;
use serde_json::value::RawValue;

/// Shards of an index, as Wazuh's template has them.
pub(super) const SHARDS: u64 = 3;

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) index: String,
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) raw: Box<RawValue>,
    /// Its time in milliseconds. All else is read when it is asked for: a million documents must fit the memory.
    time: Option<i64>,
}

#[derive(Debug, Default)]
pub(super) struct Documents {
    /// By time in milliseconds (the greatest, if there is none) and by number.
    pub(super) by_time: BTreeMap<(i64, u64), Arc<Document>>,
    indices: BTreeSet<String>,
    /// The number of the next document.
    pub(super) next: u64,
}

/// The index in which an alert belongs: that of the day of its time in UTC, whatever its zone and whenever it comes.
#[must_use]
pub fn day_index(line: &str) -> String {
    let value: Value = serde_json::from_str(line).unwrap_or_default();
    let time = date(value.get("timestamp")).and_then(|millis| Timestamp::from_millisecond(millis).ok());
    format!("wazuh-alerts-4.x-{}", time.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y.%m.%d"))
}

impl Documents {
    pub(super) fn add(&mut self, index: &str, document: &str) -> String {
        let raw = RawValue::from_string(document.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned());
        let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        let time = date(value.get("timestamp"));
        let number = self.next;
        self.next += 1;
        // Not in the order in which they came, as it is with real ones.
        let id = format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        self.indices.insert(index.to_owned());
        let document = Document { index: index.to_owned(), id: id.clone(), number, raw, time };
        self.by_time.insert((time.unwrap_or(i64::MAX), number), Arc::new(document));
        id
    }

    pub(super) fn make_index(&mut self, index: &str) {
        self.indices.insert(index.to_owned());
    }

    pub(super) fn delete_index(&mut self, index: &str) {
        self.indices.remove(index);
        self.by_time.retain(|_, document| document.index != index);
    }

    pub(super) fn all(&self, pattern: &str) -> Vec<Value> {
        let fits = |document: &&Arc<Document>| matches(pattern, &document.index);
        self.by_time.values().filter(fits).map(|document| document.value()).collect()
    }

    /// True if a document of this index has this field.
    pub(super) fn has_field(&self, index: &str, field: &str) -> bool {
        self.by_time.values().any(|document| document.index == index && !document.field(field).is_null())
    }

    /// The indices that names and patterns stand for. The error is the name that is not there.
    pub(super) fn resolve(&self, indices: &str, pass_over: bool) -> Result<Vec<String>, String> {
        let mut found = BTreeSet::new();
        for name in indices.split(',') {
            let before = found.len();
            found.extend(self.indices.iter().filter(|index| matches(name, index)).cloned());
            if found.len() == before && !name.contains('*') && !self.indices.contains(name) && !pass_over {
                return Err(name.to_owned());
            }
        }
        Ok(found.into_iter().collect())
    }
}

impl Document {
    /// One without anything in it.
    pub(super) fn nothing() -> Self {
        let raw = RawValue::NULL.to_owned();
        Self { index: String::new(), id: String::new(), number: 0, raw, time: None }
    }

    pub(super) fn shard(&self) -> u64 {
        ((self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) & 0xffff) % SHARDS
    }

    fn value(&self) -> Value {
        serde_json::from_str(self.raw.get()).unwrap_or_default()
    }

    /// What it is sorted by: times in milliseconds, null for what is absent.
    pub(super) fn field(&self, field: &str) -> Value {
        match field {
            "_id" => Value::String(self.id.clone()),
            "_doc" => Value::from(self.number / SHARDS),
            "timestamp" | "@timestamp" => self.time.map_or(Value::Null, Value::from),
            _ => self.value().pointer(&format!("/{}", field.replace('.', "/"))).cloned().unwrap_or_default(),
        }
    }
}

/// A date of the mapping `date_optional_time||epoch_millis`, in milliseconds since 1970.
pub(super) fn date(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(millis) => millis.as_i64(),
        Value::String(text) => {
            let zoned = strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).and_then(|parsed| parsed.to_timestamp());
            let time = zoned.or_else(|_| text.parse::<Timestamp>()).ok();
            time.map(Timestamp::as_millisecond).or_else(|| text.parse().ok())
        }
        _ => None,
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name || pattern == "_all",
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            if rest.is_empty() {
                return true;
            }
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| matches(rest, &tail[at..]))
        }),
    }
}
