//! EVE lines per second through a node to a durable spool, beside `jq` and `wc -l` on the same file in the same run, and
//! the node's peak memory. The file is generated: 1,000,000 lines, 8 % of them alerts.
//!
//! `cargo bench -p socme --bench lines -- [LINES [RUNS]]`

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what cannot go on must fail where it stands")]

#[allow(dead_code, unreachable_pub, reason = "shared with the tests, which use more of it")]
#[path = "../tests/main/support/mod.rs"]
mod support;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::Dice;
use support::core::Core;
use support::node::Node;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let lines = numbers.first().copied().unwrap_or(1_000_000);
    let runs = numbers.get(1).copied().unwrap_or(3);
    let folder = tempfile::tempdir().expect("tempdir");
    let eve = folder.path().join("eve.json");
    generate(&eve, lines);
    let bytes = std::fs::metadata(&eve).expect("metadata").len();
    println!("{lines} lines, {:.0} MB, 8 % alerts; median of {runs} runs side by side", bytes as f64 / 1e6);

    let mut core = Core::start(folder.path(), "");
    let client = core.new_client("Bench");
    let (mut wc, mut jq, mut node, mut memory) = (Vec::new(), Vec::new(), Vec::new(), (0, 0));
    for run in 0..runs {
        wc.push(command(Command::new("wc").arg("-l").arg(&eve)));
        jq.push(command(Command::new("jq").arg("-c").arg("select(.event_type == \"alert\")").arg(&eve)));
        let token = core.new_token(client);
        let (took, peak) = through(&folder.path().join(format!("node-{run}")), &token, &eve, &mut core);
        node.push(took);
        memory = (peak.0.max(memory.0), peak.1.max(memory.1));
    }
    for (name, mut times) in [("wc -l", wc), ("jq", jq), ("socme node", node.clone())] {
        let t = median(&mut times);
        println!("{name:>10}: {:>10.0} lines/s  {:>6.0} MB/s", lines as f64 / t, bytes as f64 / t / 1e6);
    }
    println!("peak memory of the node: {} MiB resident, {} MiB of it its own", memory.0 >> 20, memory.1 >> 20);
}

/// Runs a node with its core away, until all lines are in its spool.
fn through(folder: &Path, token: &str, eve: &Path, core: &mut Core) -> (f64, (u64, u64)) {
    let sources = format!("[[source]]\nkind = \"suricata\"\npath = {eve:?}\nstart = \"beginning\"\n");
    let mut node = Node::new(folder, &sources);
    node.enrol(token);
    core.kill();
    let end = std::fs::metadata(eve).expect("metadata").len();
    let start = Instant::now();
    node.launch();
    let pid = node.process().pid();
    let mut memory = (0, 0);
    loop {
        memory = (memory.0.max(field(pid, "VmHWM:")), memory.1.max(field(pid, "RssAnon:")));
        if offset(&node.data) == Some(end) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(300), "{}", node.process().log());
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = start.elapsed().as_secs_f64();
    node.kill();
    core.launch();
    core.wait_ready();
    (took, memory)
}

/// How far the spool's cursor is, read from the spool itself.
fn offset(data: &Path) -> Option<u64> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(data.join("spool.db"), flags).ok()?;
    let text: String =
        db.query_row("SELECT cursor FROM cursor WHERE source = 'suricata'", [], |row| row.get(0)).ok()?;
    serde_json::from_str::<serde_json::Value>(&text).ok()?.get("offset")?.as_u64()
}

fn field(pid: u32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

fn command(command: &mut Command) -> f64 {
    let start = Instant::now();
    let done = command.stdout(Stdio::null()).status().expect("installed");
    assert!(done.success());
    start.elapsed().as_secs_f64()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn generate(path: &Path, lines: u64) {
    let mut dice = Dice::new(8);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).expect("create"));
    let start = jiff::Timestamp::now();
    for n in 0..lines {
        let time = start + jiff::SignedDuration::from_micros(i64::try_from(n).expect("small") * 100);
        let time = time.strftime("%Y-%m-%dT%H:%M:%S.%6f+0000");
        let (a, b, port, flow) = (dice.below(250), dice.below(60), 1024 + dice.below(60_000), dice.roll() >> 11);
        let head = format!(r#"{{"timestamp":"{time}","flow_id":{flow},"in_iface":"eth1""#);
        let ends = format!(r#""src_ip":"10.1.0.{a}","src_port":{port},"dest_ip":"10.2.0.{b}","dest_port":443"#);
        match dice.below(100) {
            0..8 => {
                let sid = 2_000_000 + dice.below(40);
                writeln!(out, r#"{head},"event_type":"alert",{ends},"proto":"TCP","pkt_src":"wire/pcap","alert":{{"action":"allowed","gid":1,"signature_id":{sid},"rev":7,"signature":"ET SCAN signature number {sid} of the benchmark","category":"Attempted Information Leak","severity":2,"metadata":{{"signature_severity":["Major"],"created_at":["2010_07_30"]}}}},"http":{{"hostname":"shop.example","url":"/item.php?id={port}","http_user_agent":"sqlmap/1.7","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":512}},"app_proto":"http","direction":"to_server","flow":{{"pkts_toserver":4,"pkts_toclient":3,"bytes_toserver":900,"bytes_toclient":1337,"start":"{time}"}},"payload_printable":"GET /item.php?id={port} HTTP/1.1\\r\\nHost: shop.example\\r\\n\\r\\n"}}"#)
            }
            8..45 => writeln!(out, r#"{head},"event_type":"flow",{ends},"proto":"TCP","app_proto":"tls","flow":{{"pkts_toserver":9,"pkts_toclient":8,"bytes_toserver":1444,"bytes_toclient":5120,"start":"{time}","end":"{time}","age":3,"state":"closed","reason":"timeout","alerted":false}},"tcp":{{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}}}"#),
            45..75 => writeln!(out, r#"{head},"event_type":"dns",{ends},"proto":"UDP","pkt_src":"wire/pcap","dns":{{"version":2,"type":"answer","id":{port},"flags":"8180","qr":true,"rd":true,"ra":true,"opcode":0,"rrname":"host-{a}.example","rrtype":"A","rcode":"NOERROR","answers":[{{"rrname":"host-{a}.example","rrtype":"A","ttl":300,"rdata":"192.0.2.{b}"}}]}}}}"#),
            75..90 => writeln!(out, r#"{head},"event_type":"tls",{ends},"proto":"TCP","pkt_src":"wire/pcap","tls":{{"sni":"www-{b}.example","version":"TLS 1.3","ja3":{{"hash":"{flow:032x}"}},"ja3s":{{"hash":"{flow:032x}"}}}}}}"#),
            _ => writeln!(out, r#"{head},"event_type":"http",{ends},"proto":"TCP","pkt_src":"wire/pcap","tx_id":0,"http":{{"hostname":"www.example","url":"/page/{port}","http_user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)","http_content_type":"text/html","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":{port}}}}}"#),
        }
        .expect("write");
    }
}
