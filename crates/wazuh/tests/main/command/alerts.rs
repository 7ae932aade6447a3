//! `wazuh alerts follow`, `wazuh alerts search`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use wazuh_imitation::indexer::{Indexer, Misbehaviour};

use super::{Told, ask_indexer, program, rows, told};

fn alert(number: u32, level: u32, time: &str) -> String {
    json!({
        "timestamp": time, "rule": { "level": level, "id": "5710", "description": format!("alert \u{1b}[2J{number}") },
        "agent": { "id": "001", "name": "web1" }, "manager": { "name": "m" }, "id": format!("1.{number}"),
    })
    .to_string()
}

fn append(file: &Path, line: &str) {
    writeln!(OpenOptions::new().append(true).open(file).unwrap(), "{line}").unwrap();
}

async fn follow(file: &Path, arguments: &[&str]) -> Told {
    let mut command = program();
    command.args(["alerts", "follow", "--file"]).arg(file).args(arguments);
    told(command).await
}

const TIME: &str = "2026-05-01T12:00:00.123+0200";

#[tokio::test]
async fn a_place_is_kept_over_midnight_so_that_each_alert_is_printed_once() {
    let folder = tempfile::tempdir().unwrap();
    let day = |name: &str| {
        let dated = folder.path().join("2026/May").join(name);
        fs::create_dir_all(dated.parent().unwrap()).unwrap();
        fs::write(&dated, "").unwrap();
        drop(fs::remove_file(folder.path().join("alerts.json")));
        fs::hard_link(&dated, folder.path().join("alerts.json")).unwrap();
    };
    let (live, state) = (folder.path().join("alerts.json"), folder.path().join("place"));
    let state = state.to_str().unwrap();
    let once = ["--once", "--state", state, "--from-start", "--json"];
    let ids =
        |told: &Told| rows(&told.out).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    day("ossec-alerts-01.json");
    append(&live, &alert(1, 5, TIME));
    assert_eq!(ids(&follow(&live, &once).await), ["1.1"]);
    append(&live, &alert(2, 5, TIME));
    day("ossec-alerts-02.json");
    append(&live, &alert(3, 5, TIME));
    assert_eq!(ids(&follow(&live, &once).await), ["1.2", "1.3"]);
    let nothing = follow(&live, &once).await;
    assert_eq!((nothing.code, nothing.out.as_str()), (0, ""));
    fs::write(state, "not a place").unwrap();
    let broken = follow(&live, &once).await;
    assert!(broken.code == 1 && broken.err.contains("remove it"), "{broken:?}");
}

#[tokio::test]
async fn alerts_are_chosen_shown_harmlessly_and_what_is_torn_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("alerts.json");
    fs::write(&live, "").unwrap();
    append(&live, &alert(1, 3, TIME));
    append(&live, &alert(2, 12, TIME));
    let severe =
        follow(&live, &["--once", "--from-start", "--level", "12", "--rule", "5710,5712", "--agent", "1"]).await;
    let line = "2026-05-01T10:00:00.123Z  12    5710  web1  alert \\u{1b}[2J2\n";
    assert_eq!((severe.code, severe.out.as_str(), severe.err.as_str()), (0, line, ""));
    append(&live, "{\"timestamp\":\"2026{\"timestamp\"");
    append(&live, &alert(3, 3, TIME));
    let torn = follow(&live, &["--once", "--from-start", "--json"]).await;
    assert_eq!((torn.code, rows(&torn.out).len()), (1, 3), "the others are printed: {torn:?}");
    assert!(torn.err.contains("a line is passed over"), "{torn:?}");
    let absent = follow(&folder.path().join("nothing.json"), &["--once"]).await;
    assert!(absent.code == 1 && absent.err.contains("no such file"), "{absent:?}");
}

#[tokio::test]
async fn an_alert_is_printed_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("alerts.json");
    fs::write(&live, "").unwrap();
    append(&live, &alert(1, 3, TIME));
    let mut command = program();
    let mut child = command.args(["alerts", "follow", "--from-start", "--json", "--file"]).arg(&live).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next =
        async || serde_json::from_str::<serde_json::Value>(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!(next().await["id"], "1.1");
    append(&live, &alert(2, 3, TIME));
    assert_eq!(next().await["id"], "1.2");
    child.kill().await.unwrap();
}

/// Of an hour ago and of now, one of them twice, as Filebeat sends them.
fn indexer() -> Indexer {
    let indexer = Indexer::new();
    let now = jiff::Timestamp::now();
    for number in 1..=5 {
        let at = now - jiff::SignedDuration::from_mins(i64::from(number) * 20);
        let line = alert(number, number * 3, &at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string());
        indexer.add_alert(&line);
        if number == 2 {
            indexer.add_alert(&line);
        }
    }
    indexer
}

#[tokio::test]
async fn the_indexer_is_searched_by_time_level_and_rule_and_counted() {
    let indexer = indexer();
    let found = async |arguments: &[&str]| {
        let told = ask_indexer(&indexer, &[&["alerts", "search", "--json"], arguments].concat()).await;
        assert_eq!(told.code, 0, "{told:?}");
        rows(&told.out).iter().filter_map(|row| Some(row["id"].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(found(&["--from", "50m"]).await, ["1.2", "1.2", "1.1"], "oldest first, as the indexer has them");
    assert_eq!(found(&["--from", "1d", "--level", "12"]).await, ["1.5", "1.4"]);
    assert_eq!(found(&["--from", "1d", "--until", "70m", "--rule", "5710"]).await, ["1.5", "1.4"]);
    assert_eq!(found(&["--from", "1d", "--agent", "2"]).await, Vec::<String>::new());
    let few = ask_indexer(&indexer, &["alerts", "search", "--from", "1d", "--limit", "2"]).await;
    assert!(few.out.lines().count() == 2 && few.err.contains("more than 2"), "{few:?}");
    assert!(!few.out.contains('\u{1b}'), "{few:?}");
    assert_eq!(ask_indexer(&indexer, &["alerts", "search", "--from", "1d", "--count"]).await.out, "6\n");
    indexer.next(Misbehaviour::None);
    indexer.next(Misbehaviour::Partial { shards: 1 });
    let partial = ask_indexer(&indexer, &["alerts", "search", "--from", "1d"]).await;
    assert!(partial.code == 3 && partial.err.contains("shards"), "a part is not taken for all: {partial:?}");
}

#[tokio::test]
async fn the_indexer_is_followed_and_what_was_sent_twice_is_printed_once() {
    let indexer = indexer();
    let told = ask_indexer(&indexer, &["alerts", "follow", "--indexer", "--from", "1d", "--once", "--json"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    let mut ids: Vec<_> = rows(&told.out).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["1.1", "1.2", "1.3", "1.4", "1.5"]);
    let none = told_of_nobody().await;
    assert!(none.code == 2 && none.err.contains("WAZUH_INDEXER_URL"), "{none:?}");
}

async fn told_of_nobody() -> Told {
    let mut command = program();
    command.args(["alerts", "follow", "--indexer", "--once"]);
    told(command).await
}
