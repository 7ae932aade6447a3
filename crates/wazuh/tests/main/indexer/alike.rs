//! Whether the imitation answers as OpenSearch does: the same requests to both, byte for byte, and what comes back compared.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Ground;
use super::stories::{alert, begin};

/// A request: method, path with parameters, body. `PIT` stands for the id of the point in time that was opened last.
type Request = (&'static str, &'static str, Value);

/// What is asked, in this order.
fn requests() -> Vec<Request> {
    let all = json!({ "match_all": {} });
    let order = json!([
        { "timestamp": { "order": "asc", "unmapped_type": "date" } }, { "id": { "order": "asc", "unmapped_type": "keyword" } }
    ]);
    let alerts =
        "/wazuh-alerts-*/_search?ignore_unavailable=true&allow_no_indices=true&allow_partial_search_results=false";
    let at = begin().as_millisecond();
    let search = |more: Value| {
        let mut body = json!({ "size": 7, "track_total_hits": false, "query": all, "sort": order });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        ("POST", alerts, body)
    };
    let query = |query: Value| search(json!({ "size": 60, "query": query }));
    let mut asked: Vec<Request> = vec![
        ("GET", "/", Value::Null),
        search(json!({})),
        search(json!({ "track_total_hits": true })),
        search(json!({ "size": 0, "track_total_hits": true })),
        search(json!({ "_source": false })),
        search(json!({ "search_after": [at, format!("{}.3", begin().as_second())] })),
        search(json!({ "search_after": [at] })),
        search(json!({ "search_after": ["no time", "x"] })),
        search(json!({ "search_after": [at, null] })),
        search(json!({ "search_after": "x" })),
        search(json!({ "size": 10_001 })),
        search(json!({ "from": 9_999, "size": 2 })),
        search(json!({ "size": -1 })),
        search(json!({ "size": "many" })),
        search(json!({ "from": 3 })),
        search(json!({ "nonsense": 1 })),
        // What has none of the field is last, under the number or the null that it is found by.
        search(
            json!({ "size": 60, "sort": [{ "absent": { "order": "asc", "unmapped_type": "date" } }, { "timestamp": "asc" }, { "id": "asc" }] }),
        ),
        search(
            json!({ "size": 60, "sort": [{ "absent": { "order": "asc", "unmapped_type": "keyword" } }, { "timestamp": "asc" }, { "id": "asc" }] }),
        ),
        search(
            json!({ "size": 60, "sort": [{ "data.port": { "order": "asc", "unmapped_type": "long" } }, { "timestamp": "asc" }, { "id": "asc" }] }),
        ),
        search(
            json!({ "size": 60, "sort": [{ "data.port": { "order": "desc", "unmapped_type": "long" } }, { "timestamp": "desc" }, { "id": "desc" }] }),
        ),
        search(json!({ "sort": [{ "absent": "asc" }] })),
        search(json!({ "sort": [{ "_shard_doc": "asc" }] })),
        search(json!({ "sort": [{ "timestamp": "sideways" }] })),
        ("POST", "/wazuh-alerts-*/_search", json!({ "query": all })),
        ("POST", "/wazuh-alerts-4.x-1999.01.01/_search", json!({ "query": all })),
        ("POST", "/wazuh-alerts-4.x-1999.01.01/_search?ignore_unavailable=true", json!({ "query": all })),
        ("POST", "/nothing-*/_search", json!({ "query": all })),
        ("POST", "/nothing-*/_search?allow_no_indices=false", json!({ "query": all })),
        (
            "POST",
            "/nothing-*/_search",
            json!({ "query": all, "size": 0, "aggs": { "a": { "terms": { "field": "id" } } } }),
        ),
        ("POST", alerts, json!("no object")),
        ("POST", "/wazuh-alerts-*/_nonsense/at/all", json!({})),
        ("PATCH", "/wazuh-alerts-*/_search", json!({})),
    ];
    asked.extend([
        query(json!({ "range": { "timestamp": { "gte": at, "lt": at + 1_200_000, "format": "epoch_millis" } } })),
        query(json!({ "range": { "timestamp": { "gte": "2026-05-01T22:20:00Z", "lte": "2026-05-02T00:20:00+02:00" } } })),
        query(json!({ "range": { "timestamp": { "gte": "soon" } } })),
        query(json!({ "range": { "rule.level": { "gt": 3, "lte": 12 } } })),
        query(json!({ "term": { "agent.id": "003" } })),
        query(json!({ "term": { "agent.id": { "value": "003" } } })),
        query(json!({ "term": { "rule.level": "5" } })),
        query(json!({ "term": { "rule.groups": "sshd" } })),
        query(json!({ "terms": { "rule.id": ["5700", "5702"] } })),
        query(json!({ "terms": { "rule.id": [] } })),
        query(json!({ "exists": { "field": "data.port" } })),
        query(json!({ "bool": { "filter": [{ "term": { "rule.id": "5701" } }], "must_not": [{ "term": { "agent.id": "001" } }] } })),
        query(json!({ "bool": { "should": [{ "term": { "agent.id": "001" } }, { "term": { "agent.id": "002" } }], "minimum_should_match": 1 } })),
        query(json!({ "bool": { "nonsense": [] } })),
        query(json!({ "bool": { "filter": [] } })),
        query(json!({ "nonsense": {} })),
        query(json!({})),
        query(json!({ "match_all": {}, "term": { "agent.id": "001" } })),
    ]);
    let counting = |what: Value| search(json!({ "size": 0, "aggs": { "a": what } }));
    asked.extend([
        counting(
            json!({ "date_histogram": { "field": "timestamp", "fixed_interval": "3600000ms", "min_doc_count": 1 } }),
        ),
        counting(json!({ "date_histogram": { "field": "timestamp", "min_doc_count": 1 } })),
        counting(json!({ "date_histogram": { "field": "absent", "fixed_interval": "1h", "min_doc_count": 1 } })),
        counting(json!({ "terms": { "field": "rule.id", "size": 2 } })),
        counting(json!({ "terms": { "field": "rule.level", "size": 3 } })),
        counting(json!({ "terms": { "field": "absent" } })),
        counting(json!({ "nonsense": { "field": "rule.id" } })),
    ]);
    let open = "/wazuh-alerts-*/_search/point_in_time?keep_alive=60000ms&allow_partial_pit_creation=false&ignore_unavailable=true&allow_no_indices=true";
    let frozen = |id: &str| {
        let mut body = search(json!({ "pit": { "id": id, "keep_alive": "60000ms" } })).2;
        body["size"] = json!(5);
        ("POST", "/_search?allow_partial_search_results=false", body)
    };
    asked.extend([
        ("POST", "/wazuh-alerts-*/_search/point_in_time", Value::Null),
        ("POST", "/wazuh-alerts-*/_search/point_in_time?keep_alive=soon", Value::Null),
        ("POST", "/wazuh-alerts-4.x-1999.01.01/_search/point_in_time?keep_alive=1m", Value::Null),
        ("POST", "/nothing-*/_search/point_in_time?keep_alive=1m", Value::Null),
        (
            "POST",
            "/nothing-*/_search/point_in_time?keep_alive=1m&allow_no_indices=true&ignore_unavailable=true",
            Value::Null,
        ),
        ("POST", "/wazuh-alerts-*/_search/point_in_time?keep_alive=48h", Value::Null),
        ("POST", open, Value::Null),
        frozen("PIT"),
        ("POST", "/wazuh-alerts-*/_search", json!({ "pit": { "id": "PIT", "keep_alive": "1m" } })),
        ("DELETE", "/_search/point_in_time", json!({ "pit_id": ["PIT"] })),
        ("DELETE", "/_search/point_in_time", json!({ "pit_id": ["PIT"] })),
        frozen("PIT"),
        frozen("no id at all"),
        ("DELETE", "/_search/point_in_time", json!({ "pit_id": ["no id at all"] })),
        ("DELETE", "/_search/point_in_time", json!({})),
        ("DELETE", "/_search/point_in_time", json!({ "nonsense": [] })),
    ]);
    asked
}

/// What a reader goes by: not words, ids, nor how long it took.
fn essence(status: u16, body: &Value) -> Value {
    let kind = |cause: &Value| cause["type"].clone();
    if status >= 400 {
        let error = &body["error"];
        let causes: Vec<Value> = error["root_cause"].as_array().into_iter().flatten().map(kind).collect();
        let words = error.is_string();
        let shards = error["failed_shards"].as_array().and_then(|all| all.first()).map(|shard| kind(&shard["reason"]));
        // Each shard gives its cause.
        return json!({
            "status": status, "said": body["status"], "type": kind(error), "cause": causes.first(), "shard": shards, "words": words,
        });
    }
    if body["hits"].is_object() {
        let hits = body["hits"]["hits"].as_array().into_iter().flatten();
        let mut hits: Vec<Value> = hits
            .map(|hit| {
                let id = hit["_id"].is_string();
                json!({ "index": hit["_index"], "id": id, "sort": hit["sort"], "source": hit["_source"], "scored": !hit["_score"].is_null() })
            })
            .collect();
        // Without a sort, any order is right, and any ten.
        if hits.iter().any(|hit| hit["sort"].is_null()) {
            hits = vec![json!(hits.len())];
        }
        let shards = &body["_shards"];
        return json!({
            "status": status, "timed_out": body["timed_out"], "total": body["hits"]["total"], "hits": hits,
            "point": body["pit_id"].is_string(), "counts": counts(body),
            "failed": shards["failed"], "whole": shards["total"] == shards["successful"], "none": shards["total"] == 0,
        });
    }
    if let Some(points) = body["pits"].as_array() {
        let points: Vec<&Value> = points.iter().map(|point| &point["successful"]).collect();
        return json!({ "status": status, "points": points });
    }
    if body["pit_id"].is_string() {
        return json!({ "status": status, "failed": body["_shards"]["failed"], "created": body["creation_time"].is_u64() });
    }
    let version = &body["version"];
    json!({ "status": status, "name": body["name"], "number": version["number"], "distribution": version["distribution"] })
}

/// What was counted. How far a count may be off depends on which documents fell into which shard, and that is chance.
fn counts(body: &Value) -> Option<Value> {
    let mut counts = body.get("aggregations")?.clone();
    for count in counts.as_object_mut().into_iter().flatten().filter_map(|(_, count)| count.as_object_mut()) {
        count.remove("doc_count_error_upper_bound");
    }
    Some(counts)
}

async fn ask(ground: &Ground, (method, path, body): &Request, point: &mut String) -> (Value, String) {
    let body = body.to_string().replace("PIT", point);
    let method: reqwest::Method = method.parse().unwrap();
    let mut request = reqwest::Client::new().request(method, format!("http://{}{path}", ground.address()));
    request = request.basic_auth("reader", Some("secret"));
    if body != "null" {
        request = request.header("content-type", "application/json").body(body);
    }
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    if let Some(id) = body["pit_id"].as_str() {
        id.clone_into(point);
    }
    (essence(status, &body), text)
}

/// Tells both of the same documents, asks both the same, and compares.
pub(super) async fn both_answer_alike(real: &Ground) {
    let imitation = Ground::imitation().await;
    for ground in [real, &imitation] {
        let lines: Vec<String> =
            (0..40)
                .map(|n| {
                    let line = alert(n, begin() + SignedDuration::from_mins(i64::try_from(n / 9).unwrap() * 20));
                    // Some have a field that others lack, and one that is a list.
                    if n % 3 == 0 { line.replacen('{', &format!(r#"{{"data":{{"port":{n}}},"#), 1) } else { line }
                        .replacen(r#""rule":{"#, r#""rule":{"groups":["syslog","sshd"],"#, usize::from(n % 4 == 0))
                })
                .collect();
        ground.alerts(&lines).await;
    }
    let (mut one, mut other) = (String::new(), String::new());
    let mut differences = String::new();
    for request in requests() {
        let (real, said) = ask(real, &request, &mut one).await;
        let (imitated, told) = ask(&imitation, &request, &mut other).await;
        if real != imitated {
            let (method, path, body) = &request;
            let short = |text: &str| text.chars().take(300).collect::<String>();
            differences += &format!(
                "{method} {path} {body}\n  OpenSearch: {real}\n  imitation:  {imitated}\n  OpenSearch said {}\n  the imitation {}\n",
                short(&said),
                short(&told)
            );
        }
    }
    assert!(differences.is_empty(), "{differences}");
}
