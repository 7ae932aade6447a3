//! Lines per second through a node's pipeline to a durable spool, beside `jq` and `wc -l` on the same files in the same
//! run, and the peak memory of the process that does it. The files are generated: 1,000,000 lines of EVE, 8 % of them alerts;
//! and a fifth as many of `alerts.json`, once with most lines alike, once with none.
//!
//! `cargo bench -p socme-node --bench lines -- [eve|alerts] [LINES [RUNS]]`

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what cannot go on must fail where it stands")]
#![allow(unreachable_pub, reason = "a program, not a library")]

mod dice;
mod eve;
mod wazuh;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use node::config::Config;
use node::pipeline::Pipeline;
use node::policy::Policy;
use node::spool::Spool;

/// A file, and what is done with it.
struct Case {
    name: &'static str,
    kind: &'static str,
    file: &'static str,
    filter: &'static str,
    lines: u64,
    generate: fn(&Path, u64),
    /// Lines per second that are aimed at, and how many times as many as `jq`'s.
    aim: (f64, f64),
}

fn main() {
    // A process of its own for each run, so that its memory is its own.
    if let Some(config) = std::env::var_os("SOCME_BENCH_NODE") {
        return through(Path::new(&config));
    }
    let numbers: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let lines = numbers.first().copied().unwrap_or(1_000_000);
    let runs = numbers.get(1).copied().unwrap_or(3);
    let only = |word: &str| std::env::args().any(|arg| arg == word);
    let case = |name, filter, lines, generate, aim| Case {
        name,
        kind: "wazuh",
        file: "alerts.json",
        filter,
        lines,
        generate,
        aim,
    };
    let cases = [
        Case {
            kind: "suricata",
            file: "eve.json",
            ..case("eve.json, 8 % alerts", "select(.event_type == \"alert\")", lines, eve::generate, (500_000.0, 0.0))
        },
        case("alerts.json, most lines alike", ".", lines / 5, wazuh::busy, (0.0, 1.0)),
        case("alerts.json, no two lines alike", ".", lines / 5, wazuh::unlike, (0.0, 0.0)),
    ];
    for case in cases {
        if case.kind == "wazuh" && !only("eve") || case.kind == "suricata" && !only("alerts") {
            measure(&case, runs);
        }
    }
}

fn measure(case: &Case, runs: u64) {
    let folder = tempfile::tempdir().expect("tempdir");
    let (file, lines) = (folder.path().join(case.file), case.lines);
    (case.generate)(&file, lines);
    let bytes = std::fs::metadata(&file).expect("metadata").len();
    println!("{}: {lines} lines, {:.0} MB; median of {runs} runs side by side", case.name, bytes as f64 / 1e6);

    let (mut wc, mut jq, mut node, mut memory) = (Vec::new(), Vec::new(), Vec::new(), (0, 0));
    for run in 0..runs {
        wc.push(timed(Command::new("wc").arg("-l").arg(&file)));
        jq.push(timed(Command::new("jq").arg("-c").arg(case.filter).arg(&file)));
        let data = folder.path().join(format!("node-{run}"));
        std::fs::create_dir(&data).expect("create");
        let config = folder.path().join(format!("node-{run}.toml"));
        // Nobody takes anything out of the spool, so it must hold everything.
        let text = format!(
            "data = {data:?}\n[spool]\nlimit = \"16 GiB\"\n[[source]]\nkind = \"{}\"\nname = \"it\"\npath = {file:?}\nstart = \"beginning\"\n",
            case.kind
        );
        std::fs::write(&config, text).expect("write");
        let (took, peak) = run_once(&config);
        std::fs::remove_dir_all(&data).expect("remove");
        node.push(took);
        memory = (peak.0.max(memory.0), peak.1.max(memory.1));
    }
    let rate = |times: &mut Vec<f64>| lines as f64 / median(times);
    let (wc, jq, node) = (rate(&mut wc), rate(&mut jq), rate(&mut node));
    for (name, rate) in [("wc -l", wc), ("jq", jq), ("node", node)] {
        println!("{name:>10}: {rate:>10.0} lines/s  {:>6.0} MB/s", rate * bytes as f64 / lines as f64 / 1e6);
    }
    let (least, times) = case.aim;
    if least > 0.0 {
        println!("aim: {least:.0} lines/s or more");
    }
    let aim = if times > 0.0 { format!(" (aim {times} or more)") } else { String::new() };
    println!("node to jq: {:.2}{aim}", node / jq);
    println!("peak memory of the node: {} MiB resident, {} MiB of it its own (aim 64)", memory.0 >> 20, memory.1 >> 20);
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
        if cursors.get("it").and_then(|cursor| cursor["offset"].as_u64()) == Some(end) {
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
