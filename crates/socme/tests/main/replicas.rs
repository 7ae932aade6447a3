//! Two cores on one PostgreSQL database behind a balancer, under load: one is killed and comes back, then both are restarted, one after
//! the other. Nothing is lost, nothing comes twice, and those who listen are told of all of it, each thing once.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use store::testing::{Cluster, Own};

use crate::support::balancer::Balancer;
use crate::support::core::Core;
use crate::support::sender::Sender;
use crate::support::wait_for;

const NODES: u64 = 50;
const ALERTS: u64 = 600;
const BATCH: u64 = 15;
const LISTENERS: usize = 20;

#[test]
fn one_of_two_cores_is_killed_and_nothing_is_lost_or_comes_twice() {
    let cluster = Cluster::start(true);
    let own = cluster.database();
    let folder = tempfile::tempdir().expect("tempdir");
    let way_in = TcpListener::bind("127.0.0.1:0").expect("bind");
    let more =
        format!("database.url = \"{}\"\nnode_addresses = [\"{}\"]", own.url(), way_in.local_addr().expect("address"));
    let one = folder.path().join("one");
    let two = folder.path().join("two");
    std::fs::create_dir_all(&one).expect("create");
    std::fs::create_dir_all(&two).expect("create");
    let mut first = Core::start(&one, &more);
    let mut second = Core::join(&two, &first, &more);
    let for_nodes = Balancer::on(way_in, vec![first.nodes, second.nodes]);
    let for_people = Balancer::over(vec![first.people, second.people]);

    let senders: Vec<Sender> =
        (0..NODES).map(|n| Sender::enrol(&mut first, for_nodes.address, folder.path(), n, (ALERTS, BATCH))).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    let done = Arc::new(AtomicBool::new(false));
    let listeners: Vec<_> = (0..LISTENERS)
        .map(|_| {
            runtime.spawn(listen(
                format!("http://{}/api/v1/live", for_people.address),
                first.cookie().to_owned(),
                done.clone(),
            ))
        })
        .collect();
    let sending: Vec<_> = senders.into_iter().map(|sender| runtime.spawn(sender.send())).collect();

    // Each blow falls when so much of the whole has arrived.
    let all = NODES * ALERTS;
    let arrived = |share: f64| {
        wait_for("more alerts", Duration::from_secs(120), || (count(&own) as f64 >= all as f64 * share).then_some(()));
    };
    arrived(0.1);
    first.kill();
    arrived(0.3);
    first.launch();
    first.wait_ready();
    arrived(0.5);
    for core in [&mut first, &mut second] {
        let began = Instant::now();
        assert_eq!(core.process().stop(Duration::from_secs(10)), Some(0));
        println!("stopped within {:.1} s", began.elapsed().as_secs_f64());
        core.launch();
        core.wait_ready();
    }
    arrived(0.9);

    runtime.block_on(async {
        for sender in sending {
            sender.await.expect("sender");
        }
    });
    assert_eq!(count(&own), all, "each alert once");
    assert_eq!(
        second.get("/alerts/count?query=source:suricata%20rule:2000001")["count"],
        first.get("/alerts/count?query=source:suricata%20rule:2000001")["count"]
    );
    // Whoever listens has been told of all of them, a moment later.
    std::thread::sleep(Duration::from_secs(3));
    done.store(true, Ordering::Relaxed);
    for listener in listeners {
        let heard = runtime.block_on(listener).expect("listener");
        assert_eq!(heard.new, all, "{heard:?}");
        assert_eq!(heard.resets, 0, "{heard:?}");
        assert!(heard.connections >= 2, "{heard:?}");
    }
}

fn count(own: &Own) -> u64 {
    let sql = "SELECT count(*) FROM alert a JOIN rule r ON r.client = a.client AND r.id = a.rule WHERE r.module = 0";
    let count: i64 = own.connect().query_one(sql, &[]).expect("count").get(0);
    u64::try_from(count).expect("positive")
}

/// What a browser heard.
#[derive(Debug, Default)]
struct Heard {
    new: u64,
    resets: u64,
    connections: u64,
}

/// Listens as a browser does: whenever the stream ends it connects again, and says where it was.
async fn listen(url: String, cookie: String, done: Arc<AtomicBool>) -> Heard {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().build().expect("client");
    let (mut heard, mut place) = (Heard::default(), None::<String>);
    while !done.load(Ordering::Relaxed) {
        let mut request = client.get(&url).header("Cookie", &cookie).header("Accept", "text/event-stream");
        if let Some(place) = &place {
            request = request.header("Last-Event-ID", place);
        }
        let Ok(mut answer) = request.send().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if answer.status() != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        heard.connections += 1;
        let mut text = String::new();
        // What came since the place last moved counts when it moves: else it is told again.
        let mut pending = 0;
        while !done.load(Ordering::Relaxed) {
            let Ok(piece) = tokio::time::timeout(Duration::from_millis(500), answer.chunk()).await else { continue };
            let Ok(Some(piece)) = piece else { break };
            text += &String::from_utf8_lossy(&piece);
            while let Some((event, rest)) = text.split_once("\n\n") {
                let fields: BTreeMap<&str, &str> = event.lines().filter_map(|line| line.split_once(": ")).collect();
                match fields.get("event").copied() {
                    Some("alerts") => {
                        let data: serde_json::Value = serde_json::from_str(fields["data"]).expect("JSON");
                        // Alarms of the core's own are the client «SOC»'s, number 1.
                        if data["client"] != 1 {
                            pending += data["new"].as_u64().expect("a number");
                        }
                    }
                    Some("reset") => heard.resets += 1,
                    _ => {}
                }
                if let Some(id) = fields.get("id") {
                    place = Some((*id).to_owned());
                    heard.new += std::mem::take(&mut pending);
                }
                text = rest.to_owned();
            }
        }
    }
    heard
}
