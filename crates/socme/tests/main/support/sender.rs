//! A node as the core sees one, without the machine: it has its alerts ready and sends them over the real line.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use wire::alert::{Alert, Endpoint, Fold, Host, Network, Rule, Severity, Source, Threat};
use wire::link::{Batch, Cursors, Hello, Position, Record, Taken, Welcome};

use super::Dice;
use super::core::Core;
use super::node::Node;

/// One enrolled node that has its batches ready: where each ends, and what is sent.
pub struct Sender {
    client: reqwest::Client,
    base: String,
    batches: Vec<(Position, Vec<u8>)>,
}

impl Sender {
    /// A node of a client of its own, with so many alerts, so many in a batch. `nodes`: where it connects to.
    pub fn enrol(core: &mut Core, nodes: SocketAddr, folder: &Path, n: u64, (alerts, size): (u64, u64)) -> Self {
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
            .resolve(wire::SERVER_NAME, nodes)
            // From an address of its own, as a node at another client has: the core bounds connections for each.
            .local_address(std::net::IpAddr::from([127, 0, 1, u8::try_from(n % 250 + 1).expect("below 251")]))
            .timeout(Duration::from_secs(120))
            .build()
            .expect("client");
        let base = format!("https://{}:{}", wire::SERVER_NAME, nodes.port());
        Self { client, base, batches: batches(n, alerts, size) }
    }

    /// Sends all batches, each until it is taken: whatever breaks on the way, it asks where the core stands and goes on from there.
    /// Says how many bytes it sent, and how long each batch waited for its answer.
    pub async fn send(self) -> (u64, Vec<Duration>) {
        let (mut bytes, mut waits) = (0, Vec::new());
        let (mut next, mut greeted) = (0, false);
        while let Some((_, body)) = self.batches.get(next) {
            if !greeted {
                let Some(position) = self.hello().await else {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                next = position.map_or(0, |position| self.after(position));
                greeted = true;
                continue;
            }
            bytes += body.len() as u64;
            let start = Instant::now();
            let url = format!("{}{}", self.base, wire::path::BATCH);
            let request = self.client.post(url).header("content-encoding", "zstd").body(body.clone());
            let answer = request.header("content-type", "application/json").send().await;
            match answer.as_ref().map(|answer| answer.status().as_u16()) {
                Ok(200) => {}
                Ok(429 | 503) => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
                // The answer is lost, or the core stands elsewhere: because it has this batch already.
                Ok(409 | 502) | Err(_) => {
                    greeted = false;
                    continue;
                }
                Ok(status) => panic!("a batch is answered {status}"),
            }
            let Ok(taken) = answer.expect("an answer").json::<Taken>().await else {
                greeted = false;
                continue;
            };
            assert!(taken.refused.is_empty(), "{:?}", taken.refused.first());
            waits.push(start.elapsed());
            next += 1;
        }
        (bytes, waits)
    }

    /// Where the core stands; outer none if it does not answer.
    async fn hello(&self) -> Option<Option<Position>> {
        let hello = Hello { wire: wire::VERSION, version: "bench".into(), position: None, now: Timestamp::now() };
        let url = format!("{}{}", self.base, wire::path::HELLO);
        let answer = self.client.post(url).json(&hello).send().await.ok()?;
        Some(answer.json::<Welcome>().await.ok()?.position)
    }

    /// Which batch follows where the core stands.
    fn after(&self, position: Position) -> usize {
        let at = self.batches.iter().position(|(to, _)| *to == position);
        at.expect("the core stands at the end of a batch") + 1
    }
}

/// All batches of one node. Their positions are known ahead: the core takes each one.
fn batches(node: u64, alerts: u64, size: u64) -> Vec<(Position, Vec<u8>)> {
    let mut dice = Dice::new(node + 1);
    let mut after = None;
    let epoch = dice.roll() >> 12;
    (0..alerts.div_ceil(size))
        .map(|batch| {
            let first = batch * size + 1;
            let last = (first + size - 1).min(alerts);
            let to = Position { epoch, number: last, tag: dice.roll() >> 12 };
            let records = (first..=last).map(|_| Record::Alert(Box::new(alert(&mut dice)))).collect();
            let cursors = Cursors::from([("suricata".to_owned(), serde_json::json!({"offset": last}))]);
            let body = Batch { wire: wire::VERSION, after, first, to, cursors, records };
            after = Some(to);
            (to, zstd::encode_all(&serde_json::to_vec(&body).expect("JSON")[..], 3).expect("zstd"))
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
        witnesses: Vec::new(),
        registry: None,
        samples: Vec::new(),
        raw,
        cut: Vec::new(),
        closed: true,
    }
}
