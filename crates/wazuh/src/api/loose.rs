//! Reading what Wazuh writes, whichever of its versions wrote it.
//!
//! Any field may be absent or null, numbers may be strings and strings numbers, and the next version has fields that this
//! crate has never heard of. So every field is optional, takes what it can understand, and what is unknown is kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::target::AgentId;

/// A time in an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// A moment.
    At(Timestamp),
    /// The year 9999 or later: Wazuh's way to say of its own agent 000 that it is always there.
    Always,
    /// Something else, as it came.
    Unclear(String),
}

impl When {
    /// The moment, if it is one.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::At(time) => Some(*time),
            Self::Always | Self::Unclear(_) => None,
        }
    }

    /// Reads `2026-05-01T10:00:00Z`, with `+00:00` or another offset, with a space instead of the T, and without a
    /// zone, which then is UTC.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let trimmed = text.trim();
        let year = trimmed.split('-').next().filter(|year| year.len() >= 4 && year.bytes().all(|b| b.is_ascii_digit()));
        if year.and_then(|year| year.parse::<u64>().ok()).is_some_and(|year| year >= 9999) {
            return Self::Always;
        }
        // Wazuh writes slashes in a few places, and an offset without a colon.
        let dashed = trimmed.replace('/', "-");
        let zoned = dashed.parse::<Timestamp>().or_else(|_| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", &dashed));
        let read =
            zoned.or_else(|_| dashed.parse::<DateTime>().and_then(|local| jiff::tz::TimeZone::UTC.to_timestamp(local)));
        read.map_or_else(|_| Self::Unclear(text.to_owned()), Self::At)
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(time) => to.collect_str(time),
            Self::Always => to.serialize_str("always"),
            Self::Unclear(text) => to.serialize_str(text),
        }
    }
}

/// What can be understood from more than one spelling.
pub(crate) trait Loose: Sized {
    fn understand(value: Value) -> Option<Self>;
}

/// For fields: absent, null and not understood are nothing.
pub(crate) fn field<'de, D: Deserializer<'de>, T: Loose>(from: D) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(if value.is_null() { None } else { T::understand(value) })
}

impl Loose for String {
    fn understand(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Null => None,
            Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        }
    }
}

impl Loose for f64 {
    fn understand(value: Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Value::Bool(truth) => Some(f64::from(u8::from(truth))),
            _ => None,
        }
    }
}

impl Loose for i64 {
    fn understand(value: Value) -> Option<Self> {
        match &value {
            Value::Number(number) if number.is_i64() => number.as_i64(),
            Value::String(text) if text.trim().parse::<i64>().is_ok() => text.trim().parse().ok(),
            // A double that stands for a whole number; beyond 2^53 it would be another one.
            _ => {
                let number = f64::understand(value)?;
                #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
                (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as Self)
            }
        }
    }
}

impl Loose for u64 {
    fn understand(value: Value) -> Option<Self> {
        match &value {
            Value::Number(number) if number.is_u64() => number.as_u64(),
            _ => i64::understand(value)?.try_into().ok(),
        }
    }
}

impl Loose for bool {
    fn understand(value: Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(truth),
            Value::Number(number) => number.as_i64().map(|number| number != 0),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "yes" | "true" | "1" | "enabled" => Some(true),
                "no" | "false" | "0" | "disabled" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Loose for When {
    fn understand(value: Value) -> Option<Self> {
        match value {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(Self::read(&text)),
            Value::Number(number) => {
                let seconds = number.as_i64()?;
                if seconds >= 253_370_764_800 {
                    return Some(Self::Always);
                }
                Timestamp::from_second(seconds).ok().map(Self::At)
            }
            _ => None,
        }
    }
}

impl Loose for AgentId {
    fn understand(value: Value) -> Option<Self> {
        String::understand(value)?.parse().ok()
    }
}

impl Loose for Value {
    fn understand(value: Value) -> Option<Self> {
        Some(value)
    }
}

impl Loose for Map<String, Value> {
    fn understand(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }
}

impl<T: Loose> Loose for Vec<T> {
    /// One thing that is not in a list is a list of one.
    fn understand(value: Value) -> Option<Self> {
        match value {
            Value::Array(items) => Some(items.into_iter().filter_map(T::understand).collect()),
            Value::Null => None,
            one => T::understand(one).map(|one| vec![one]),
        }
    }
}

impl<T: Loose> Loose for BTreeMap<String, T> {
    fn understand(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => {
                Some(map.into_iter().filter_map(|(key, value)| Some((key, T::understand(value)?))).collect())
            }
            _ => None,
        }
    }
}

/// A record of an answer: every field optional and loose, what is unknown kept in `more`.
macro_rules! record {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$field_about:meta])* pub $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$field_about])*
                #[serde(default, deserialize_with = "crate::api::loose::field", skip_serializing_if = "Option::is_none")]
                pub $field: Option<$kind>,
            )*
            /// What this crate does not know.
            #[serde(flatten)]
            pub more: serde_json::Map<String, serde_json::Value>,
        }

        impl crate::api::loose::Loose for $name {
            fn understand(value: serde_json::Value) -> Option<Self> {
                serde_json::from_value(value).ok()
            }
        }
    };
}
pub(crate) use record;

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro's types are public where it is used")]
mod tests {
    use super::*;

    record! {
        /// Something.
        pub struct Thing {
            /// A number.
            pub number: u64,
            /// A text.
            pub text: String,
            /// A time.
            #[serde(rename = "lastKeepAlive")]
            pub seen: When,
            /// Texts.
            pub texts: Vec<String>,
        }
    }

    fn thing(json: &str) -> Thing {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn fields_may_be_absent_null_or_spelt_otherwise_and_unknown_ones_survive() {
        assert_eq!(thing("{}"), Thing::default());
        assert_eq!(thing(r#"{"number":null,"text":null,"texts":null}"#), Thing::default());
        let read = thing(r#"{"number":"12","text":12,"texts":"one","new_field":{"a":1}}"#);
        assert_eq!((read.number, read.text.as_deref()), (Some(12), Some("12")));
        assert_eq!(read.texts, Some(vec!["one".to_owned()]));
        assert_eq!(read.more["new_field"]["a"], 1);
        assert_eq!(thing(r#"{"number":"1946432423433533.000000"}"#).number, Some(1_946_432_423_433_533));
        assert_eq!(thing(r#"{"number":-1,"text":[1]}"#).number, None);
        let back: Value = serde_json::to_value(&read).unwrap();
        assert_eq!(back["new_field"]["a"], 1);
    }

    #[test]
    fn every_spelling_of_a_date_is_the_same_moment() {
        let at = When::At("2026-05-01T10:05:00Z".parse().unwrap());
        for text in [
            "2026-05-01T10:05:00Z",
            "2026-05-01T10:05:00+00:00",
            "2026-05-01 10:05:00",
            "2026/05/01 10:05:00",
            "2026-05-01T12:05:00.000+0200",
            "2026-05-01 10:05:00Z",
            "2026-05-01 10:05:00+00:00",
        ] {
            assert_eq!(When::read(text), at, "{text}");
        }
        for text in ["9999-12-31T23:59:59+00:00", "9999-12-31 23:59:59", "10000-01-01T00:00:00Z"] {
            assert_eq!(When::read(text), When::Always, "{text}");
        }
        assert_eq!(When::read("yesterday"), When::Unclear("yesterday".into()));
    }
}
