//! Alerts per second that a core takes durably, over the real line (mutual TLS, HTTP/2, zstd), with all its indexes,
//! entities and rollups; from one node and from fifty, each several times. The senders run on the same machine and share its
//! processors.
//!
//! `cargo bench -p socme --bench load -- [postgres] [NODES ALERTS_PER_NODE [RUNS]]`

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what cannot go on must fail where it stands")]

#[allow(dead_code, unreachable_pub, reason = "shared with the tests, which use more of it")]
#[path = "../tests/main/support/mod.rs"]
mod support;

use std::time::Instant;

use store::testing::{Cluster, Own};
use support::core::Core;
use support::ledger::at_the_core;
use support::sender::Sender;

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
    // On PostgreSQL with `postgres` among the words.
    let server = std::env::args().any(|arg| arg == "postgres").then(|| Cluster::start(true));
    let own = server.as_ref().map(Cluster::database);
    let more = own.as_ref().map_or(String::new(), |own| format!("database.url = \"{}\"", own.url()));
    let mut core = Core::start(folder.path(), &more);
    let nodes_at = core.nodes;
    let senders: Vec<Sender> =
        (0..nodes).map(|n| Sender::enrol(&mut core, nodes_at, folder.path(), n, (alerts, BATCH))).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    let (start, before) = (Instant::now(), core.process().processor());
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
    let (took, worked) = (start.elapsed().as_secs_f64(), core.process().processor() - before);
    let total = taken(&core, own.as_ref());
    assert_eq!(total, nodes * alerts, "the core has all of them");
    waits.sort();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    Run {
        rate: total as f64 / took,
        processor: worked * 1e6 / total as f64,
        line: sent as f64 / took / 1e6,
        median: at(0.5),
        p95: at(0.95),
        memory: core.process().peak(),
    }
}

/// How many alerts the core has of nodes.
fn taken(core: &Core, own: Option<&Own>) -> u64 {
    match own {
        None => at_the_core(&core.data).values().sum(),
        Some(own) => {
            let count: i64 = own.connect().query_one("SELECT count(*) FROM alert", &[]).expect("count").get(0);
            u64::try_from(count).expect("positive")
        }
    }
}
