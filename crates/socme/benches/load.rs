//! Alerts per second that a core takes durably, over the real line (mutual TLS, HTTP/2, zstd), with all its indexes,
//! entities and rollups; from one node and from fifty, each several times. The senders run on the same machine and share its
//! processors.
//!
//! `cargo bench -p socme --bench load -- [NODES ALERTS_PER_NODE [RUNS]]`

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what cannot go on must fail where it stands")]

#[allow(dead_code, unreachable_pub, reason = "shared with the tests, which use more of it")]
#[path = "../tests/main/support/mod.rs"]
mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use support::Dice;
use support::core::Core;
use support::ledger::at_the_core;
use support::node::Node;
use wire::alert::{Alert, Endpoint, Fold, Host, Network, Rule, Severity, Source, Threat};
use wire::link::{Batch, Cursors, Hello, Position, Record, Taken, Welcome};

/// Records in a batch, as a busy node sends them.
const BATCH: u64 = 500;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let (sizes, runs) = match numbers[..] {
        [nodes, alerts] => (vec![(nodes, alerts)], 3),
        [nodes, alerts, runs] => (vec![(nodes, alerts)], runs.max(1)),
        _ => (vec![(1, 60_000), (50, 2_000)], 3),
    };
    for (nodes, alerts) in sizes {
        let all: Vec<Run> = (0..runs).map(|_| run(nodes, alerts)).collect();
        let middle = |figure: fn(&Run) -> f64| {
            let mut figures: Vec<f64> = all.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        println!(
            "core, {nodes:>2} nodes: {:>7.0} alerts/s durably, median of {runs} runs ({:.0} to {:.0}) of {} alerts",
            middle(|run| run.rate),
            all.iter().map(|run| run.rate).fold(f64::INFINITY, f64::min),
            all.iter().map(|run| run.rate).fold(0.0, f64::max),
            nodes * alerts,
        );
        println!(
            "                {:.0} ms of processor time per 1,000 alerts; {:.1} MB/s on the line; a batch of {BATCH} is answered in {:.0} ms median, {:.0} ms p95; peak memory {:.0} MiB",
            middle(|run| run.processor),
            middle(|run| run.line),
            middle(|run| run.median),
            middle(|run| run.p95),
            middle(|run| run.memory),
        );
    }
}

/// What one run shows.
struct Run {
    /// Alerts per second.
    rate: f64,
    /// The core's processor time per 1,000 alerts, in milliseconds; the text index may still follow.
    processor: f64,
    /// MB/s.
    line: f64,
    /// How long a batch waits for its answer, in milliseconds.
    median: f64,
    p95: f64,
    /// The core's peak, in MiB.
    memory: f64,
}

fn run(nodes: u64, alerts: u64) -> Run {
    let folder = tempfile::tempdir().expect("tempdir");
    let mut core = Core::start(folder.path(), "");
    let senders: Vec<Sender> = (0..nodes).map(|n| Sender::enrol(&mut core, folder.path(), n, alerts)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    let pid = core.process().pid();
    let (start, before) = (Instant::now(), processor(pid));
    let (sent, mut waits) = runtime.block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for sender in senders {
            running.spawn(sender.send());
        }
        let (mut bytes, mut waits) = (0, Vec::new());
        while let Some(done) = running.join_next().await {
            let (b, w) = done.expect("sender");
            bytes += b;
            waits.extend(w);
        }
        (bytes, waits)
    });
    let (took, worked) = (start.elapsed().as_secs_f64(), processor(pid) - before);
    let total: u64 = at_the_core(&core.data).values().sum();
    assert_eq!(total, nodes * alerts, "the core has all of them");
    waits.sort();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    Run {
        rate: total as f64 / took,
        processor: worked * 1e6 / total as f64,
        line: sent as f64 / took / 1e6,
        median: at(0.5),
        p95: at(0.95),
        memory: peak(pid),
    }
}

/// Seconds that a process has used of the processors; Linux counts them in hundredths.
fn processor(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("stat");
    let (_, rest) = stat.rsplit_once(')').expect("a name in brackets");
    rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / 100.0
}

/// The most memory that a process has had, in MiB.
fn peak(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().expect("a number") / 1024.0
}

/// One enrolled node that has its batches ready.
struct Sender {
    client: reqwest::Client,
    base: String,
    bodies: Vec<Vec<u8>>,
}

impl Sender {
    fn enrol(core: &mut Core, folder: &Path, n: u64, alerts: u64) -> Self {
        let client = core.new_client(&format!("Client {n}"));
        let token = core.new_token(client);
        let node = Node::new(&folder.join(format!("node-{n}")), "");
        node.enrol(&token);
        let identity = node.data.join("identity");
        let read = |name: &str| std::fs::read(identity.join(name)).expect("identity file");
        let pem = [read("node.pem"), read("key.pem")].concat();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .use_rustls_tls()
            .identity(reqwest::Identity::from_pem(&pem).expect("identity"))
            .add_root_certificate(reqwest::Certificate::from_pem(&read("ca.pem")).expect("CA"))
            .resolve(wire::SERVER_NAME, core.nodes)
            // From an address of its own, as a node at another client has: the core bounds connections for each.
            .local_address(std::net::IpAddr::from([127, 0, 1, u8::try_from(n % 250 + 1).expect("below 251")]))
            .timeout(Duration::from_secs(120))
            .build()
            .expect("client");
        let base = format!("https://{}:{}", wire::SERVER_NAME, core.nodes.port());
        Self { client, base, bodies: bodies(n, alerts) }
    }

    async fn send(self) -> (u64, Vec<Duration>) {
        let hello = Hello { wire: wire::VERSION, version: "bench".into(), position: None, now: Timestamp::now() };
        let url = format!("{}{}", self.base, wire::path::HELLO);
        let answer = self.client.post(url).json(&hello).send().await.expect("hello");
        let _: Welcome = answer.json().await.expect("welcome");
        let (mut bytes, mut waits) = (0, Vec::new());
        for body in self.bodies {
            bytes += body.len() as u64;
            let start = Instant::now();
            loop {
                let url = format!("{}{}", self.base, wire::path::BATCH);
                let request = self.client.post(url).header("content-encoding", "zstd").body(body.clone());
                let answer = request.header("content-type", "application/json").send().await.expect("batch");
                if matches!(answer.status().as_u16(), 429 | 503) {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
                assert_eq!(answer.status(), 200);
                let taken: Taken = answer.json().await.expect("taken");
                assert!(taken.refused.is_empty(), "{:?}", taken.refused.first());
                break;
            }
            waits.push(start.elapsed());
        }
        (bytes, waits)
    }
}

/// All batches of one node. Their positions are known ahead: the core takes each one.
fn bodies(node: u64, alerts: u64) -> Vec<Vec<u8>> {
    let mut dice = Dice::new(node + 1);
    let mut after = None;
    let epoch = dice.roll() >> 12;
    (0..alerts.div_ceil(BATCH))
        .map(|batch| {
            let first = batch * BATCH + 1;
            let last = (first + BATCH - 1).min(alerts);
            let to = Position { epoch, number: last, tag: dice.roll() >> 12 };
            let records = (first..=last).map(|_| Record::Alert(Box::new(alert(&mut dice)))).collect();
            let cursors = Cursors::from([("suricata".to_owned(), serde_json::json!({"offset": last}))]);
            let body = Batch { wire: wire::VERSION, after, first, to, cursors, records };
            after = Some(to);
            zstd::encode_all(&serde_json::to_vec(&body).expect("JSON")[..], 3).expect("zstd")
        })
        .collect()
}

fn alert(dice: &mut Dice) -> Alert {
    let time = Timestamp::now() - SignedDuration::from_millis(i64::try_from(dice.below(5_000)).expect("small"));
    let sid = 2_000_000 + dice.below(400);
    let (source, target) =
        (format!("10.1.{}.{}", dice.below(8), dice.below(250)), format!("10.2.0.{}", dice.below(60)));
    let (port, flow) = (1024 + dice.below(60_000), dice.roll() >> 11);
    let name = format!("ET WEB_SERVER Possible SQL Injection Attempt SELECT FROM variant {sid}");
    let raw = format!(
        r#"{{"timestamp":"{time}","flow_id":{flow},"in_iface":"eth1","event_type":"alert","src_ip":"{source}","src_port":{port},"dest_ip":"{target}","dest_port":80,"proto":"TCP","pkt_src":"wire/pcap","tx_id":0,"alert":{{"action":"allowed","gid":1,"signature_id":{sid},"rev":7,"signature":"{name}","category":"Web Application Attack","severity":1,"metadata":{{"affected_product":["Web_Server_Applications"],"attack_target":["Web_Server"],"created_at":["2010_07_30"],"deployment":["Datacenter"],"signature_severity":["Major"],"updated_at":["2019_09_10"]}}}},"http":{{"hostname":"shop-{}.example","url":"/item.php?id={port}%20UNION%20SELECT%20user,password%20FROM%20accounts&s={flow}","http_user_agent":"sqlmap/1.7.2#stable (https://sqlmap.example)","http_content_type":"text/html","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":{}}},"app_proto":"http","direction":"to_server","flow":{{"pkts_toserver":4,"pkts_toclient":3,"bytes_toserver":{},"bytes_toclient":1337,"start":"{time}","src_ip":"{source}","dest_ip":"{target}","src_port":{port},"dest_port":80}},"payload_printable":"GET /item.php?id={port} UNION SELECT user,password FROM accounts HTTP/1.1\\r\\nHost: shop.example\\r\\nUser-Agent: sqlmap/1.7.2\\r\\nAccept: */*\\r\\n\\r\\n"}}"#,
        dice.below(20),
        dice.below(90_000),
        dice.below(9_000),
    );
    let end = |ip: String, port| Some(Endpoint { ip: Some(ip), port: Some(port), domain: None });
    Alert {
        module: Source::Suricata,
        rule: Rule {
            id: sid.to_string(),
            version: Some(7),
            name,
            category: Some("Web Application Attack".into()),
            ..Rule::default()
        },
        severity: Severity::ALL[usize::try_from(dice.below(4)).expect("small")],
        time,
        seen: Timestamp::now(),
        count: 1,
        last: time,
        message: None,
        threat: Threat { techniques: vec!["T1190".into()], tactics: vec!["TA0001".into()] },
        host: Some(Host { id: None, name: Some(format!("web-{}", dice.below(40))), ip: None }),
        source: end(source, u16::try_from(port).expect("port")),
        destination: end(target, 80),
        network: Network {
            transport: Some("tcp".into()),
            protocol: Some("http".into()),
            flow: Some(flow.to_string()),
            ..Network::default()
        },
        user: None,
        process: None,
        file: None,
        domains: vec![format!("shop-{}.example", dice.below(20))],
        url: Some(format!("/item.php?id={port}")),
        location: None,
        fold: Fold::Full,
        samples: Vec::new(),
        raw,
        cut: Vec::new(),
        closed: true,
    }
}
