//! What stands in the core's answers. A field that is not there reads as empty: a core of another version may say less.

use jiff::Timestamp;
use serde_json::Value;

/// A text.
pub(super) fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

/// A number.
pub(super) fn number(of: &Value, name: &str) -> i64 {
    of[name].as_i64().unwrap_or_default()
}

/// Whether something is so.
pub(super) fn is(of: &Value, name: &str) -> bool {
    of[name].as_bool().unwrap_or_default()
}

/// A moment.
pub(super) fn moment(of: &Value, name: &str) -> Option<Timestamp> {
    of[name].as_str()?.parse().ok()
}

/// A list.
pub(super) fn items<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map_or(&[], Vec::as_slice)
}
