//! One search.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::aggregate::aggregations;
use super::answers::Reply;
use super::documents::{Document, SHARDS};
use super::query::{check, fits, time_bounds};
use super::{State, documents::date};

/// How many documents a search gives at most.
const WINDOW: usize = 10_000;

/// What a request may hold.
const KEYS: [&str; 8] = ["size", "from", "query", "sort", "search_after", "track_total_hits", "aggs", "_source"];

/// What a search looks at, and how it fails.
pub(super) struct Look {
    pub(super) indices: Vec<String>,
    /// Documents from this number on are not there.
    pub(super) before: u64,
    /// How many shards of each index fail.
    pub(super) failing: u64,
    pub(super) timed_out: bool,
    pub(super) pit_id: Option<String>,
}

struct Order {
    field: String,
    descending: bool,
    /// True for times and numbers.
    numeric: bool,
}

impl Order {
    /// What a document is sorted by. One that lacks a number has the last there is; one that lacks a keyword has null.
    fn value(&self, document: &Document) -> Value {
        match document.field(&self.field) {
            Value::Null if self.numeric && self.descending => i64::MIN.into(),
            Value::Null if self.numeric => i64::MAX.into(),
            value => value,
        }
    }
}

pub(super) fn search(state: &State, body: &Value, look: &Look) -> Result<Reply, Reply> {
    let object = body.as_object().ok_or_else(|| Reply::parsing("Expected [START_OBJECT]"))?;
    if let Some(name) = object.keys().find(|name| !KEYS.contains(&name.as_str())) {
        return Err(Reply::parsing(&format!("Unknown key for a VALUE in [{name}].")));
    }
    let number = |name: &str, otherwise: usize| match body.get(name) {
        None => Ok(otherwise),
        Some(value) if value.as_i64().is_some_and(|n| n < 0) => {
            Err(Reply::bad(&format!("[{name}] parameter cannot be negative, found [{value}]")))
        }
        Some(value) => value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| Reply::error(400, "number_format_exception", &format!("For input string: {value}"))),
    };
    let (from, size) = (number("from", 0)?, number("size", 10)?);
    if from + size > WINDOW {
        return Err(Reply::window(WINDOW, from + size));
    }
    let all = json!({ "match_all": {} });
    let query = body.get("query").unwrap_or(&all);
    check(query)?;
    let orders = orders(state, body.get("sort"), &look.indices)?;
    let after = after(body, &orders)?;
    let (mut low, high) = time_bounds(query);
    let by_time = orders.first().is_some_and(|order| order.field == "timestamp" && !order.descending);
    if by_time && let Some(first) = after.and_then(|after| date(after.first())) {
        low = low.max(first);
    }
    let counting = body.get("aggs").is_some() || body.get("track_total_hits").is_none_or(|track| track != false);
    let mut found: Vec<(Vec<Value>, Arc<Document>)> = Vec::new();
    let mut last_time = None;
    for ((time, _), document) in state.documents.by_time.range((low, 0)..).take_while(|((time, _), _)| *time <= high) {
        // In the order of time, whatever comes after a full page is behind it.
        if by_time && !counting && found.len() >= from + size && last_time != Some(*time) {
            break;
        }
        let hidden = document.shard() < look.failing || document.number >= look.before;
        if hidden || !look.indices.contains(&document.index) || !fits(query, document)? {
            continue;
        }
        let sort: Vec<Value> = orders.iter().map(|order| order.value(document)).collect();
        if after.is_some_and(|after| compare(&orders, &sort, after) != Ordering::Greater) {
            continue;
        }
        last_time = Some(*time);
        found.push((sort, Arc::clone(document)));
    }
    found.sort_by(|(a, x), (b, y)| compare(&orders, a, b).then(x.number.cmp(&y.number)));
    let documents: Vec<Arc<Document>> = found.iter().map(|(_, document)| Arc::clone(document)).collect();
    let aggregations = body.get("aggs").map(|asked| aggregations(asked, &documents)).transpose()?;
    let total = found.len();
    let missing = usize::from(look.timed_out && total > 0);
    let shown = found.into_iter().skip(from).take(size.saturating_sub(missing));
    let with_source = body.get("_source") != Some(&Value::Bool(false));
    let hits: Vec<Box<RawValue>> =
        shown.filter_map(|(sort, document)| hit(&sort, &document, with_source, &orders)).collect();
    let shards = look.indices.len() as u64 * SHARDS;
    let failed = look.indices.len() as u64 * look.failing.min(SHARDS);
    let mut failures = Vec::new();
    if failed > 0 {
        let reason = json!({ "type": "node_disconnected_exception", "reason": "disconnected" });
        failures.push(json!({ "shard": 0, "index": "i", "node": "n", "reason": reason }));
    }
    let mut answer = json!({
        "took": 5,
        "timed_out": look.timed_out,
        "_shards": { "total": shards, "successful": shards - failed, "skipped": 0, "failed": failed },
    });
    if !failures.is_empty() {
        answer["_shards"]["failures"] = failures.into();
    }
    if let Some(id) = &look.pit_id {
        answer["pit_id"] = json!(id);
    }
    answer["hits"] = json!({ "max_score": null });
    match body.get("track_total_hits") {
        Some(Value::Bool(false)) => {}
        Some(Value::Bool(true)) => answer["hits"]["total"] = json!({ "value": total, "relation": "eq" }),
        _ if total > WINDOW => answer["hits"]["total"] = json!({ "value": WINDOW, "relation": "gte" }),
        _ => answer["hits"]["total"] = json!({ "value": total, "relation": "eq" }),
    }
    if let Some(aggregations) = aggregations.filter(|_| !look.indices.is_empty()) {
        answer["aggregations"] = aggregations;
    }
    // The documents must stay as they are, character by character.
    let hits: Vec<&str> = hits.iter().map(|hit| hit.get()).collect();
    let marker = "\"max_score\":null";
    let text = answer.to_string().replacen(marker, &format!("{marker},\"hits\":[{}]", hits.join(",")), 1);
    Ok(Reply { status: 200, body: Value::String(text) })
}

fn hit(sort: &[Value], document: &Document, with_source: bool, orders: &[Order]) -> Option<Box<RawValue>> {
    let head = json!({ "_index": document.index, "_id": document.id, "_score": null }).to_string();
    let mut text = head.trim_end_matches('}').to_owned();
    if with_source {
        text.push_str(",\"_source\":");
        text.push_str(document.raw.get());
    }
    if !orders.is_empty() {
        text.push_str(",\"sort\":");
        text.push_str(&json!(sort).to_string());
    }
    text.push('}');
    RawValue::from_string(text).ok()
}

fn orders(state: &State, sort: Option<&Value>, indices: &[String]) -> Result<Vec<Order>, Reply> {
    let mut orders = Vec::new();
    for item in sort.and_then(Value::as_array).into_iter().flatten() {
        let (field, order, unmapped) = match item {
            Value::String(field) => (field.clone(), None, None),
            Value::Object(object) => match object.iter().next() {
                Some((field, Value::String(order))) => (field.clone(), Some(order.clone()), None),
                Some((field, options)) => {
                    let text = |name: &str| options.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
                    (field.clone(), text("order"), text("unmapped_type"))
                }
                None => return Err(Reply::parsing("malformed sort")),
            },
            _ => return Err(Reply::parsing("malformed sort")),
        };
        if field == "_shard_doc" {
            let reason = "No mapping found for [_shard_doc] in order to sort on";
            return Err(Reply::all_shards(400, "query_shard_exception", reason));
        }
        if field == "_id" && !state.behaviour.id_order {
            let reason = "Fielddata access on the _id field is disallowed";
            return Err(Reply::all_shards(400, "illegal_argument_exception", reason));
        }
        let descending = match order.as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => return Err(Reply::bad(&format!("No enum constant SortOrder.{}", other.to_uppercase()))),
        };
        let time = matches!(field.as_str(), "timestamp" | "@timestamp");
        let built_in = time || field.starts_with('_');
        if unmapped.is_none() && !built_in {
            // Each index must have it; a field is known to an index by its documents.
            let mut others = indices.iter();
            if let Some(without) = others.find(|index| !state.documents.has_field(index, &field)) {
                let reason = format!("No mapping found for [{field}] in order to sort on: {without}");
                return Err(Reply::all_shards(400, "query_shard_exception", &reason));
            }
        }
        let numeric = time || matches!(unmapped.as_deref(), Some("date" | "long"));
        orders.push(Order { field, descending, numeric });
    }
    Ok(orders)
}

fn after<'b>(body: &'b Value, orders: &[Order]) -> Result<Option<&'b Vec<Value>>, Reply> {
    let Some(after) = body.get("search_after") else { return Ok(None) };
    let after = after.as_array().ok_or_else(|| Reply::parsing("search_after"))?;
    for (value, order) in after.iter().zip(orders) {
        let time = matches!(order.field.as_str(), "timestamp" | "@timestamp");
        if time && value.is_string() && date(Some(value)).is_none() {
            let reason = format!("failed to parse date field [{value}] with format [date_optional_time||epoch_millis]");
            return Err(Reply::all_shards(400, "parse_exception", &reason));
        }
    }
    if after.len() != orders.len() {
        let reason = format!("search_after has {} value(s) but sort has {}.", after.len(), orders.len());
        return Err(Reply::all_shards(400, "illegal_argument_exception", &reason));
    }
    Ok(Some(after))
}

/// What is absent comes last.
fn compare(orders: &[Order], a: &[Value], b: &[Value]) -> Ordering {
    for ((a, b), order) in a.iter().zip(b).zip(orders) {
        let by = match (a, b) {
            (Value::Null, Value::Null) => Ordering::Equal,
            // In either direction.
            (Value::Null, _) => return Ordering::Greater,
            (_, Value::Null) => return Ordering::Less,
            (Value::Number(a), Value::Number(b)) if a.is_i64() && b.is_i64() => a.as_i64().cmp(&b.as_i64()),
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
            (a, b) => super::query::scalar(a).cmp(&super::query::scalar(b)),
        };
        if by != Ordering::Equal {
            return if order.descending { by.reverse() } else { by };
        }
    }
    Ordering::Equal
}
