//! What holds with any indexer.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use wazuh::Error;
use wazuh::indexer::tail::{Cursor, Settings, Tail};
use wazuh::indexer::{
    ALERTS, AlertFilter, Bucket, Hit, Inventory, Order, Pages, Search, Severities, VulnerabilityFilter,
};

use super::Ground;
pub(super) use super::absent::documents_that_lack_what_they_are_sorted_by_are_given_once;

pub(super) fn begin() -> Timestamp {
    "2026-05-01T22:00:00Z".parse().unwrap()
}

/// As a manager two hours east of Greenwich writes it.
pub(super) fn alert(number: usize, at: Timestamp) -> String {
    let local = jiff::tz::offset(2).to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S.%3f+0200").to_string();
    format!(
        r#"{{"timestamp":"{local}","@timestamp":"{}","rule":{{"level":{},"id":"{}"}},"agent":{{"id":"{:03}"}}, "id":"{}.{number}","full_log":"ä {number}"}}"#,
        at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"),
        number % 16,
        5700 + number % 3,
        number % 5,
        at.as_second(),
    )
}

/// Many share a millisecond, and they lie on two days of UTC.
fn crowd(many: usize) -> Vec<String> {
    (0..many).map(|n| alert(n, begin() + SignedDuration::from_mins(i64::try_from(n / 17).unwrap() * 20))).collect()
}

async fn all(mut pages: Pages) -> Vec<Hit> {
    let mut hits = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        hits.extend(page.hits);
    }
    hits
}

fn search(page: usize, point: bool) -> Search {
    Search { page, point, ..Search::alerts(&AlertFilter::default()) }
}

/// The documents as they were written, in whatever order.
fn sorted(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.as_ref().to_owned()).collect();
    lines.sort();
    lines
}

fn sources(hits: &[Hit]) -> Vec<String> {
    sorted(hits.iter().map(|hit| hit.source.get()))
}

pub(super) async fn each_document_is_given_once_and_in_order(ground: &Ground) {
    // Some were sent several times: equal in all that they are sorted by.
    let copies = |(n, line): (usize, String)| std::iter::repeat_n(line, if n % 10 == 0 { 5 } else { 1 });
    let wrote: Vec<String> = crowd(200).into_iter().enumerate().flat_map(copies).collect();
    ground.alerts(&wrote).await;
    for (page, point) in [(7, true), (7, false), (1000, true)] {
        let hits = all(ground.client().search(search(page, point))).await;
        assert_eq!(sources(&hits), sorted(&wrote), "pages of {page}, a point in time: {point}");
        let times: Vec<i64> = hits.iter().map(|hit| hit.sort[0].as_i64().unwrap()).collect();
        assert!(times.is_sorted() && times[0] == begin().as_millisecond(), "milliseconds, oldest first");
        assert!(hits.iter().any(|hit| hit.index.ends_with("2026.05.02")), "the day in UTC, not the manager's");
    }
}

pub(super) async fn more_than_ten_thousand_documents_are_read(ground: &Ground) {
    let at = |n: usize| begin() + SignedDuration::from_millis(i64::try_from(n / 3).unwrap());
    let wrote: Vec<String> = (0..10_500).map(|n| alert(n, at(n))).collect();
    ground.alerts(&wrote).await;
    let client = ground.client();
    assert_eq!(sources(&all(client.search(search(1000, true))).await), sorted(&wrote));
    assert_eq!(client.count(ALERTS, &json!({ "match_all": {} })).await.unwrap(), 10_500, "not cut at 10,000");
}

pub(super) async fn a_point_in_time_shows_what_was_there_and_is_closed(ground: &Ground) {
    let wrote = crowd(60);
    ground.alerts(&wrote).await;
    let client = ground.client();
    let mut pages = client.search(search(20, true));
    let mut hits = pages.next().await.unwrap().unwrap().hits;
    assert_eq!(ground.open_points().await, 1);
    let later: Vec<String> = (500..520).map(|n| alert(n, begin() + SignedDuration::from_mins(30))).collect();
    ground.alerts(&later).await;
    hits.extend(all(pages).await);
    assert_eq!(sources(&hits), sorted(&wrote));
    assert_eq!(ground.open_points().await, 0, "closed with the last page");
    let mut dropped = client.search(search(20, true));
    assert!(!dropped.next().await.unwrap().unwrap().last);
    drop(dropped);
    while ground.open_points().await > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(all(client.search(search(20, true))).await.len(), 80);
}

pub(super) async fn a_point_in_time_that_is_gone_is_opened_again(ground: &Ground) {
    let wrote = crowd(60);
    ground.alerts(&wrote).await;
    let mut pages = ground.client().search(search(20, true));
    let mut hits = Vec::new();
    // The first time another one is opened; from the second on, it is read without.
    while let Some(page) = pages.next().await.unwrap() {
        hits.extend(page.hits);
        ground.expire_points().await;
    }
    assert_eq!(sources(&hits), sorted(&wrote));
}

pub(super) async fn an_index_that_is_deleted_meanwhile_ends_nothing(ground: &Ground) {
    let wrote = crowd(200);
    ground.alerts(&wrote).await;
    let mut pages = ground.client().search(search(20, true));
    let mut hits = pages.next().await.unwrap().unwrap().hits;
    ground.delete_index("wazuh-alerts-4.x-2026.05.02").await;
    hits.extend(all(pages).await);
    let first_day = wrote.iter().filter(|line| line.contains("\"@timestamp\":\"2026-05-01"));
    assert_eq!(sources(&hits), sorted(first_day));
}

pub(super) async fn where_nothing_is_nothing_is_found(ground: &Ground) {
    let client = ground.client();
    let everything = json!({ "match_all": {} });
    for indices in [ALERTS, "wazuh-alerts-4.x-2026.05.01"] {
        for point in [true, false] {
            let nothing = Search { indices: indices.to_owned(), ..search(10, point) };
            assert_eq!(all(client.search(nothing)).await.len(), 0, "{indices}");
        }
        assert_eq!(client.count(indices, &everything).await.unwrap(), 0);
        let hour = Duration::from_secs(3600);
        assert_eq!(client.histogram(indices, &everything, "timestamp", hour).await.unwrap(), []);
        assert_eq!(client.terms(indices, &everything, "rule.id", 5).await.unwrap().terms, []);
    }
}

pub(super) async fn an_index_without_a_mapping_disturbs_nobody(ground: &Ground) {
    ground.make_index("wazuh-alerts-odd").await;
    let wrote = crowd(30);
    ground.alerts(&wrote).await;
    assert_eq!(sources(&all(ground.client().search(search(10, true))).await), sorted(&wrote));
}

pub(super) async fn shards_that_are_not_there_are_an_error_and_no_shorter_list(ground: &Ground) {
    let (lost, everything) = ("wazuh-alerts-4.x-2026.05.02", json!({ "match_all": {} }));
    ground.make_index_away(lost).await;
    let wrote = crowd(40);
    ground.alerts(&wrote).await;
    let client = ground.client();
    let mut both = [true, false].map(|point| (client.search(search(20, point)), Vec::new()));
    for (pages, _) in &mut both {
        let error = pages.next().await.unwrap_err();
        assert!(error.is_passing(), "{error:?}");
    }
    assert!(client.count(ALERTS, &everything).await.unwrap_err().is_passing());
    ground.bring_back(lost).await;
    for (mut pages, mut hits) in both {
        while let Some(page) = pages.next().await.unwrap() {
            hits.extend(page.hits);
        }
        assert_eq!(sources(&hits), sorted(&wrote), "the same reader goes on where it stood");
    }
}

pub(super) async fn a_filter_takes_values_for_values(ground: &Ground) {
    ground.alerts(&crowd(160)).await;
    let client = ground.client();
    let count = async |filter: AlertFilter| all(client.search(Search::alerts(&filter))).await.len();
    assert_eq!(count(AlertFilter { level: Some(12), ..AlertFilter::default() }).await, 40);
    assert_eq!(count(AlertFilter { agent: Some("003".into()), ..AlertFilter::default() }).await, 32);
    assert_eq!(count(AlertFilter { rules: vec!["5700".into(), "5702".into()], ..AlertFilter::default() }).await, 107);
    let span = AlertFilter {
        from: Some(begin() + SignedDuration::from_mins(20)),
        until: Some(begin() + SignedDuration::from_mins(60)),
        ..AlertFilter::default()
    };
    assert_eq!(count(span).await, 34, "from a time on, up to another without it, whatever the zone it was written in");
    let hostile = AlertFilter { agent: Some("* OR \"}},{\"match_all\":{".into()), ..AlertFilter::default() };
    assert_eq!(count(hostile).await, 0);
}

pub(super) async fn documents_are_counted_by_hour_and_by_value(ground: &Ground) {
    ground.alerts(&crowd(102)).await;
    let client = ground.client();
    let everything = json!({ "match_all": {} });
    let hours = client.histogram(ALERTS, &everything, "timestamp", Duration::from_secs(3600)).await.unwrap();
    let hour = |n: i64| begin().as_millisecond() + n * 3_600_000;
    assert_eq!(hours, [0, 1].map(|n| Bucket { start: hour(n), documents: 51 }));
    let terms = client.terms(ALERTS, &everything, "rule.id", 2).await.unwrap();
    assert_eq!((terms.terms.len(), terms.others), (2, 34));
    assert!(terms.terms.iter().all(|(_, documents)| *documents == 34));
}

pub(super) async fn a_page_that_is_too_large_comes_in_pieces_and_a_document_that_is_names_itself(ground: &Ground) {
    let mut wrote: Vec<String> = crowd(40);
    let large = alert(999, begin()).replace("ä 999", &"x".repeat(40_000));
    let padded = wrote.iter().map(|line| line.replace("full_log\":\"", &format!("full_log\":\"{}", "y".repeat(900))));
    wrote = padded.collect();
    ground.alerts(&wrote).await;
    ground.alerts(std::slice::from_ref(&large)).await;
    let mut pages = ground.client().search(Search { limit: 16 << 10, ..search(40, true) });
    let (mut hits, mut oversized) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await.unwrap() {
        hits.extend(page.hits);
        oversized.extend(page.oversized);
    }
    assert_eq!(sources(&hits), sorted(&wrote));
    assert_eq!(oversized.len(), 1, "it is told, and not passed over in silence");
    assert_eq!(oversized[0].sort[0], begin().as_millisecond());
}

pub(super) async fn vulnerabilities_are_found_by_host_and_by_cve(ground: &Ground) {
    let one = |agent: &str, cve: &str, severity: &str, score: serde_json::Value| {
        json!({
            "agent": { "id": agent, "name": format!("host-{agent}") },
            "host": { "os": { "full": "Ubuntu 22.04.4 LTS" } },
            "package": { "name": "openssl", "version": "3.0.2", "architecture": "amd64" },
            "vulnerability": {
                "id": cve, "severity": severity, "score": { "base": score, "version": "3.1" },
                "detected_at": "2026-05-01T10:00:00.123Z", "under_evaluation": false,
                "scanner": { "condition": "Package less than 3.0.9" },
            },
            "wazuh": { "cluster": { "name": "wazuh" } },
        })
    };
    let rows = [
        one("001", "CVE-2026-0001", "Critical", json!(9.8)),
        one("001", "CVE-2026-0002", "-", json!(0.0)),
        one("002", "CVE-2026-0001", "Critical", json!(9.8)),
        one("002", "CVE-2026-0003", "Medium", json!(5.0)),
    ];
    ground.add("wazuh-states-vulnerabilities-wazuh", &rows).await;
    let client = ground.client();
    let cve = VulnerabilityFilter { cve: Some("CVE-2026-0001".into()), ..VulnerabilityFilter::default() };
    let found: Vec<_> = client.vulnerabilities(&cve).try_collect().await.unwrap();
    let hosts: Vec<&str> = found.iter().filter_map(|row| row.agent_name.as_deref()).collect();
    assert_eq!(hosts, ["host-001", "host-002"]);
    let first = &found[0];
    assert_eq!((first.severity.as_deref(), first.score), (Some("Critical"), Some(9.8)));
    assert_eq!(first.detected_at, Some("2026-05-01T10:00:00.123Z".parse().unwrap()));
    assert_eq!((first.package.as_deref(), first.package_version.as_deref()), (Some("openssl"), Some("3.0.2")));
    let host = VulnerabilityFilter { agent: Some("001".into()), ..VulnerabilityFilter::default() };
    let found: Vec<_> = client.vulnerabilities(&host).try_collect().await.unwrap();
    assert_eq!((found.len(), found[1].severity.as_deref()), (2, None), "a dash is no severity");
    let severe = VulnerabilityFilter { severities: vec!["Medium".into()], ..VulnerabilityFilter::default() };
    assert_eq!(client.vulnerabilities(&severe).try_collect::<Vec<_>>().await.unwrap().len(), 1);
    let counts = client.severities(&VulnerabilityFilter::default()).await.unwrap();
    assert_eq!(counts, Severities { critical: 2, medium: 1, unrated: 1, ..Severities::default() });
}

pub(super) async fn the_inventory_is_searched_over_all_hosts(ground: &Ground) {
    let package = |agent: &str, name: &str| json!({ "agent": { "id": agent, "name": format!("host-{agent}") }, "package": { "name": name, "version": "1.2" } });
    let rows = [package("002", "openssl"), package("001", "openssl"), package("001", "bash")];
    ground.add("wazuh-states-inventory-packages-wazuh", &rows).await;
    let port = json!({ "agent": { "id": "001" }, "source": { "port": 22 }, "process": { "name": "sshd" } });
    ground.add("wazuh-states-inventory-ports-wazuh", &[port]).await;
    let client = ground.client();
    let with_openssl = client.inventory(Inventory::Packages, None, &[("package.name", "openssl")]);
    let hosts: Vec<_> = with_openssl.map_ok(|row| row.agent_name.unwrap()).try_collect().await.unwrap();
    assert_eq!(hosts, ["host-001", "host-002"]);
    let of_one: Vec<_> = client.inventory(Inventory::Packages, Some("001"), &[]).try_collect().await.unwrap();
    let names: Vec<_> = of_one.iter().filter_map(|row| row.text("package.name")).collect();
    assert_eq!(names, ["bash", "openssl"]);
    let ports: Vec<_> = client.inventory(Inventory::Ports, None, &[]).try_collect().await.unwrap();
    assert_eq!(ports[0].text("source.port").as_deref(), Some("22"));
    assert_eq!(client.inventory(Inventory::Services, None, &[]).try_collect::<Vec<_>>().await.unwrap(), []);
}

pub(super) async fn a_query_that_is_none_is_refused_with_the_reason(ground: &Ground) {
    ground.alerts(&crowd(1)).await;
    let odd = Search::new(ALERTS, json!({ "nonsense": {} }), vec![Order::date("timestamp")]);
    let error = ground.client().search(Search { point: false, ..odd }).next().await.unwrap_err();
    let Error::Refused { status, detail, .. } = &error else { panic!("{error:?}") };
    assert!(*status == 400 && detail.contains("nonsense"), "{error}");
}

pub(super) async fn it_says_what_it_is(ground: &Ground) {
    let info = ground.client().info().await.unwrap();
    assert_eq!((info.node.as_str(), info.cluster.as_str()), ("node-1", "wazuh-cluster"));
    assert_eq!(info.shown_version, "7.10.2", "as Wazuh configures it for Filebeat");
}

pub(super) async fn late_documents_are_found_by_a_tail(ground: &Ground) {
    let mut now = begin() + SignedDuration::from_hours(1);
    let settings = Settings { page: 7, ..Settings::default() };
    let mut tail = Tail::new(ground.client(), settings, Cursor::from(begin() - SignedDuration::from_mins(1)));
    let (mut seen, mut read) = (HashSet::new(), Vec::new());
    let wrote = crowd(90);
    let (late, in_time): (Vec<_>, Vec<_>) = wrote.iter().cloned().enumerate().partition(|(n, _)| n % 9 == 4);
    ground.alerts(&in_time.into_iter().map(|(_, line)| line).collect::<Vec<_>>()).await;
    for round in 0..12 {
        if round == 4 {
            ground.alerts(&late.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>()).await;
        }
        while let Some(page) = tail.next(now).await.unwrap() {
            let batch = page
                .sift(|keys| Ok::<_, std::io::Error>(keys.iter().map(|key| seen.contains(&key.bytes())).collect()))
                .unwrap();
            seen.extend(batch.alerts.iter().map(|new| new.key.bytes()));
            read.extend(batch.alerts.iter().filter_map(|new| new.document().map(str::to_owned)));
            tail.stored(batch.cursor);
        }
        now += SignedDuration::from_secs(601);
    }
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    wrote.iter().for_each(|line| *counts.entry(line).or_default() += 1);
    read.iter().for_each(|line| *counts.entry(line).or_default() -= 1);
    counts.retain(|_, count| *count != 0);
    assert!(counts.is_empty(), "lost (1) or twice (-1): {counts:#?}");
}
