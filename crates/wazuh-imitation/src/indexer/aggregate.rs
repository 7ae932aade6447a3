//! Counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answers::Reply;
use super::documents::{Document, date};
use super::query::scalar;

/// The aggregations of a request over the documents that it found.
pub(super) fn aggregations(asked: &Value, found: &[Arc<Document>]) -> Result<Value, Reply> {
    let mut answers = serde_json::Map::new();
    for (name, what) in asked.as_object().into_iter().flatten() {
        let answer = if let Some(histogram) = what.get("date_histogram") {
            date_histogram(histogram, found)?
        } else if let Some(terms) = what.get("terms") {
            terms_of(terms, found)
        } else {
            return Err(Reply::parsing("Unknown aggregation type"));
        };
        answers.insert(name.clone(), answer);
    }
    Ok(Value::Object(answers))
}

fn date_histogram(histogram: &Value, found: &[Arc<Document>]) -> Result<Value, Reply> {
    let interval = histogram.get("fixed_interval").and_then(Value::as_str).and_then(millis);
    let interval = interval.filter(|interval| *interval > 0);
    let interval = interval.ok_or_else(|| {
        let reason = "Invalid interval specified, must be non-null and non-empty";
        Reply::all_shards(400, "illegal_argument_exception", reason)
    })?;
    if histogram.get("min_doc_count").and_then(Value::as_u64) != Some(1) {
        return Err(Reply::bad("this imitation knows min_doc_count 1 only"));
    }
    let field = histogram.get("field").and_then(Value::as_str).unwrap_or_default();
    let mut counts = BTreeMap::<i64, u64>::new();
    for document in found {
        if let Some(time) = date(Some(&document.field(field))) {
            *counts.entry(time.div_euclid(interval) * interval).or_default() += 1;
        }
    }
    let bucket = |(key, count): (i64, u64)| {
        let text = Timestamp::from_millisecond(key).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
        json!({ "key": key, "key_as_string": text, "doc_count": count })
    };
    Ok(json!({ "buckets": counts.into_iter().map(bucket).collect::<Vec<_>>() }))
}

fn terms_of(terms: &Value, found: &[Arc<Document>]) -> Value {
    let field = terms.get("field").and_then(Value::as_str).unwrap_or_default();
    let size = terms.get("size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok()).unwrap_or(10);
    let mut counts = BTreeMap::<String, (Value, u64)>::new();
    let mut one_more = |value: &Value| counts.entry(scalar(value)).or_insert_with(|| (value.clone(), 0)).1 += 1;
    for document in found {
        match document.field(field) {
            Value::Null => {}
            Value::Array(items) => items.iter().for_each(&mut one_more),
            one => one_more(&one),
        }
    }
    // The most frequent first; of those that are equal the smallest.
    let mut counts: Vec<(Value, u64)> = counts.into_values().collect();
    counts.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), value.as_i64()));
    let others: u64 = counts.iter().skip(size).map(|(_, count)| count).sum();
    counts.truncate(size);
    let buckets: Vec<Value> =
        counts.into_iter().map(|(key, count)| json!({ "key": key, "doc_count": count })).collect();
    json!({ "doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": buckets })
}

/// `3600000ms`, `2m`, `1h`, in milliseconds.
pub(super) fn millis(interval: &str) -> Option<i64> {
    let (number, unit) = interval.split_at(interval.find(|c: char| !c.is_ascii_digit())?);
    let number: i64 = number.parse().ok()?;
    Some(
        number
            * match unit {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return None,
            },
    )
}
