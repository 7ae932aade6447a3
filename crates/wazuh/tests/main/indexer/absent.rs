//! Documents that lack what they are sorted by.

use std::collections::BTreeSet;

use futures::TryStreamExt as _;
use serde_json::json;
use wazuh::indexer::{AlertFilter, Inventory, Order, Search};

use super::Ground;

/// What is absent sorts last: as null, or as the greatest number there is. Pages go over it all the same.
pub(super) async fn documents_that_lack_what_they_are_sorted_by_are_given_once(ground: &Ground) {
    let alert =
        |n: usize, id: &str| format!(r#"{{"timestamp":"2026-05-01T22:00:00.{:03}+0000",{id}"full_log":"{n}"}}"#, n % 3);
    let wrote: Vec<String> =
        (0..60).map(|n| if n % 4 == 0 { alert(n, "") } else { alert(n, &format!(r#""id":"1.{n}","#)) }).collect();
    ground.alerts(&wrote).await;
    let expected: BTreeSet<&str> = wrote.iter().map(String::as_str).collect();
    for point in [true, false] {
        let search = Search { page: 7, point, ..Search::alerts(&AlertFilter::default()) };
        let hits: Vec<_> = ground.client().search(search).into_stream().try_collect().await.unwrap();
        let found: BTreeSet<&str> = hits.iter().map(|hit| hit.source.get()).collect();
        assert_eq!((hits.len(), &found), (60, &expected), "a point in time: {point}");
    }
    let rows: Vec<_> = (0..30)
        .map(|n| if n % 3 == 0 { json!({ "n": n }) } else { json!({ "n": n, "process": { "pid": n % 5 } }) })
        .collect();
    ground.add("wazuh-states-inventory-processes-wazuh", &rows).await;
    let by_number = Search {
        page: 4,
        ..Search::new(Inventory::Processes.indices(), json!({ "match_all": {} }), vec![Order::number("process.pid")])
    };
    let hits: Vec<_> = ground.client().search(by_number).into_stream().try_collect().await.unwrap();
    let found: BTreeSet<&str> = hits.iter().map(|hit| hit.source.get()).collect();
    assert_eq!((hits.len(), found.len()), (30, 30));
    let of_processes: Vec<_> = ground.client().inventory(Inventory::Processes, None, &[]).try_collect().await.unwrap();
    assert_eq!(of_processes.len(), 30);
}
