//! Reads fields whose type cannot be relied on.

use serde_json::Value;

/// What stands at a dotted path.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, step| value.get(step))
}

/// A scalar as text. Empty text is none: the manager leaves out what is empty, and the decoders do not always.
pub(crate) fn text(value: &Value, path: &str) -> Option<String> {
    scalar(at(value, path)?)
}

/// A number, written as one or as text. What the manager printed as a double (`"3.000000"`) counts if it is whole.
pub(crate) fn number(value: &Value, path: &str) -> Option<u64> {
    let text = text(value, path)?;
    let digits = text.split_once('.').map_or(
        text.as_str(),
        |(whole, rest)| {
            if rest.bytes().all(|b| b == b'0') { whole } else { "" }
        },
    );
    digits.parse().ok()
}

/// A list of texts; a lone scalar is a list of one.
pub(crate) fn list(value: &Value, path: &str) -> Vec<String> {
    match at(value, path) {
        Some(Value::Array(items)) => items.iter().filter_map(scalar).collect(),
        Some(one) => scalar(one).into_iter().collect(),
        None => Vec::new(),
    }
}

/// A truth, written as one or as text.
pub(crate) fn truth(value: &Value, path: &str) -> Option<bool> {
    match text(value, path)?.as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
