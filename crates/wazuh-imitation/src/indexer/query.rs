//! The part of the query language that readers of Wazuh's indices use.

use serde_json::{Map, Value};

use super::answers::Reply;
use super::documents::{Document, date};

/// Refuses what is no query, whether there are documents or not.
pub(super) fn check(query: &Value) -> Result<(), Reply> {
    if query.as_object().is_some_and(Map::is_empty) {
        return Err(Reply::bad("query malformed, empty clause found at [1:11]"));
    }
    if let Some(("bool", Value::Object(clauses))) = only(query) {
        for (kind, clause) in clauses {
            match kind.as_str() {
                "filter" | "must" | "must_not" | "should" => list(Some(clause)).iter().try_for_each(check)?,
                "minimum_should_match" => {}
                other => {
                    let reason = format!("[1:19] [bool] unknown field [{other}]");
                    return Err(Reply::error(400, "x_content_parse_exception", &reason));
                }
            }
        }
        return Ok(());
    }
    let nothing = Document::nothing();
    match only(query) {
        Some(("range", what)) => {
            let bounds = only(what).map(|(field, bounds)| (field, bounds.as_object()));
            for (bound, limit) in bounds
                .and_then(|(field, bounds)| Some((field, bounds?)))
                .into_iter()
                .flat_map(|(field, bounds)| bounds.iter().filter(move |_| matches!(field, "timestamp" | "@timestamp")))
            {
                if matches!(bound.as_str(), "gte" | "gt" | "lte" | "lt") && date(Some(limit)).is_none() {
                    let reason =
                        format!("failed to parse date field [{limit}] with format [date_optional_time||epoch_millis]");
                    return Err(Reply::all_shards(400, "parse_exception", &reason));
                }
            }
            fits(query, &nothing).map(drop)
        }
        _ => fits(query, &nothing).map(drop),
    }
}

/// True if a document fits a query.
pub(super) fn fits(query: &Value, document: &Document) -> Result<bool, Reply> {
    let Some((kind, what)) = only(query) else {
        return Err(Reply::parsing("query malformed, one clause expected"));
    };
    match (kind, what) {
        ("match_all", _) => Ok(true),
        ("bool", Value::Object(clauses)) => bool_fits(clauses, document),
        ("range", _) => {
            let (field, bounds) = only(what).ok_or_else(|| Reply::parsing("[range] query malformed"))?;
            range_fits(field, bounds, document)
        }
        ("term", _) => {
            let (field, value) = only(what).ok_or_else(|| Reply::parsing("[term] query malformed"))?;
            Ok(has(document, field, value.get("value").unwrap_or(value)))
        }
        ("terms", _) => {
            let (field, values) = only(what).ok_or_else(|| Reply::parsing("[terms] query malformed"))?;
            Ok(values.as_array().is_some_and(|values| values.iter().any(|value| has(document, field, value))))
        }
        ("ids", _) => {
            let ids = what.get("values").and_then(Value::as_array);
            Ok(ids.is_some_and(|ids| ids.iter().any(|id| id == document.id.as_str())))
        }
        ("exists", _) => {
            let field = what.get("field").and_then(Value::as_str).unwrap_or_default();
            Ok(!document.field(field).is_null())
        }
        (other, _) => Err(Reply::parsing(&format!("unknown query [{other}]"))),
    }
}

/// The bounds that a query sets for the time: no document beyond them fits.
pub(super) fn time_bounds(query: &Value) -> (i64, i64) {
    let mut bounds = (i64::MIN, i64::MAX);
    let mut narrow = |(low, high): (i64, i64)| bounds = (bounds.0.max(low), bounds.1.min(high));
    match only(query) {
        Some(("range", what)) => {
            if let Some(range) = what.get("timestamp") {
                let low = date(range.get("gte").or_else(|| range.get("gt"))).unwrap_or(i64::MIN);
                let high = date(range.get("lte").or_else(|| range.get("lt"))).unwrap_or(i64::MAX);
                narrow((low, high));
            }
        }
        Some(("bool", clauses)) => {
            for clause in ["filter", "must"].iter().flat_map(|kind| list(clauses.get(kind))) {
                narrow(time_bounds(clause));
            }
        }
        _ => {}
    }
    bounds
}

fn bool_fits(clauses: &Map<String, Value>, document: &Document) -> Result<bool, Reply> {
    let least = clauses.get("minimum_should_match").and_then(Value::as_u64);
    let optional = least.map_or(clauses.contains_key("filter") || clauses.contains_key("must"), |least| least == 0);
    for (kind, clause) in clauses {
        if kind == "minimum_should_match" {
            continue;
        }
        let mut any = false;
        let mut all = true;
        for query in list(Some(clause)) {
            let fits = fits(query, document)?;
            any |= fits;
            all &= fits;
        }
        let good = match kind.as_str() {
            "filter" | "must" => all,
            "must_not" => !any,
            "should" => any || optional,
            other => return Err(Reply::parsing(&format!("[bool] query does not support [{other}]"))),
        };
        if !good {
            return Ok(false);
        }
    }
    Ok(true)
}

fn range_fits(field: &str, bounds: &Value, document: &Document) -> Result<bool, Reply> {
    let time = matches!(field, "timestamp" | "@timestamp");
    let number = |value: &Value| {
        if time { date(Some(value)) } else { value.as_i64().or_else(|| value.as_str()?.parse().ok()) }
    };
    let Some(value) = number(&document.field(field)) else { return Ok(false) };
    for (bound, limit) in bounds.as_object().into_iter().flatten() {
        if matches!(bound.as_str(), "format" | "time_zone" | "boost") {
            continue;
        }
        let limit = number(limit).ok_or_else(|| Reply::parsing("failed to parse date field"))?;
        let good = match bound.as_str() {
            "gte" => value >= limit,
            "gt" => value > limit,
            "lte" => value <= limit,
            "lt" => value < limit,
            other => return Err(Reply::parsing(&format!("[range] query does not support [{other}]"))),
        };
        if !good {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has(document: &Document, field: &str, value: &Value) -> bool {
    match document.field(field) {
        Value::Array(items) => items.iter().any(|item| scalar(item) == scalar(value)),
        Value::Null => false,
        one => scalar(&one) == scalar(value),
    }
}

pub(super) fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn only(query: &Value) -> Option<(&str, &Value)> {
    let object = query.as_object().filter(|object| object.len() == 1)?;
    object.iter().next().map(|(key, value)| (key.as_str(), value))
}

fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}
