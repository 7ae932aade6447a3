//! EVE lines per second through a node's pipeline to a durable spool, beside `jq` and `wc -l` on the same file in the same
//! run, and the peak memory of the process that does it. The file is generated: 1,000,000 lines, 8 % of them alerts.
//!
//! `cargo bench -p socme-node --bench lines -- [LINES [RUNS]]`

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what cannot go on must fail where it stands")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use node::config::Config;
use node::pipeline::Pipeline;
use node::policy::Policy;
use node::spool::Spool;

fn main() {
    // A process of its own for each run, so that its memory is its own.
    if let Some(config) = std::env::var_os("SOCME_BENCH_NODE") {
        return through(Path::new(&config));
    }
    let numbers: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let lines = numbers.first().copied().unwrap_or(1_000_000);
    let runs = numbers.get(1).copied().unwrap_or(3);
    let folder = tempfile::tempdir().expect("tempdir");
    let eve = folder.path().join("eve.json");
    generate(&eve, lines);
    let bytes = std::fs::metadata(&eve).expect("metadata").len();
    println!("{lines} lines, {:.0} MB, 8 % alerts; median of {runs} runs side by side", bytes as f64 / 1e6);

    let (mut wc, mut jq, mut node, mut memory) = (Vec::new(), Vec::new(), Vec::new(), (0, 0));
    for run in 0..runs {
        wc.push(timed(Command::new("wc").arg("-l").arg(&eve)));
        jq.push(timed(Command::new("jq").arg("-c").arg("select(.event_type == \"alert\")").arg(&eve)));
        let data = folder.path().join(format!("node-{run}"));
        std::fs::create_dir(&data).expect("create");
        let config = folder.path().join(format!("node-{run}.toml"));
        let text = format!("data = {data:?}\n[[source]]\nkind = \"suricata\"\npath = {eve:?}\nstart = \"beginning\"\n");
        std::fs::write(&config, text).expect("write");
        let (took, peak) = run_once(&config);
        node.push(took);
        memory = (peak.0.max(memory.0), peak.1.max(memory.1));
    }
    for (name, mut times) in [("wc -l", wc), ("jq", jq), ("node", node)] {
        let t = median(&mut times);
        println!("{name:>10}: {:>10.0} lines/s  {:>6.0} MB/s", lines as f64 / t, bytes as f64 / t / 1e6);
    }
    println!("peak memory of the node: {} MiB resident, {} MiB of it its own", memory.0 >> 20, memory.1 >> 20);
}

/// Runs the pipeline in a process of its own; says how long it took, and its peak memory: resident, and its own.
fn run_once(config: &Path) -> (f64, (u64, u64)) {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).env("SOCME_BENCH_NODE", config).output().expect("run");
    let said = String::from_utf8_lossy(&output.stdout);
    let mut figures = said.split_whitespace().map(|word| word.parse::<f64>().expect("a figure"));
    let mut next = || figures.next().unwrap_or_else(|| panic!("{output:?}"));
    (next(), (next() as u64, next() as u64))
}

/// Reads until everything is in the spool, durably; prints the seconds, the peak resident memory, and that of its own.
fn through(config: &Path) {
    let config = Config::read(config).expect("the settings");
    Spool::create(&config.data, config.spool.limit.0).expect("a spool");
    let end = std::fs::metadata(&config.source[0].path).expect("metadata").len();
    let start = Instant::now();
    let pipeline = Pipeline::start(&config, Policy::default()).expect("it starts");
    let mut own = 0;
    loop {
        own = own.max(field("RssAnon:"));
        let cursors = pipeline.shared.with_spool(|spool| spool.cursors()).expect("cursors");
        if cursors.get("suricata").and_then(|cursor| cursor["offset"].as_u64()) == Some(end) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(300), "the pipeline stands still");
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = start.elapsed().as_secs_f64();
    println!("{took} {} {own}", field("VmHWM:"));
    pipeline.stop();
}

/// A figure of this process, in bytes.
fn field(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

fn timed(command: &mut Command) -> f64 {
    let start = Instant::now();
    let done = command.stdout(Stdio::null()).status().expect("installed");
    assert!(done.success());
    start.elapsed().as_secs_f64()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
}

fn generate(path: &Path, lines: u64) {
    let mut dice = Dice(8);
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
