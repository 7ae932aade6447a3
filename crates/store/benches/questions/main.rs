//! How long a page's questions take when many alerts are kept: median, 95th and 99th percentile, for askers who see 1, 3
//! and 29 of 30 clients. The alerts come in the way that nodes' alerts do, over 60 days of the database's clock.
//!
//! `cargo bench -p socme-store --bench questions -- [postgres] [ALERTS [REPETITIONS]] [--keep FOLDER] [--only WORDS]`
//!
//! Without arguments a million alerts and 200 repetitions. With `--keep` the database stays in the folder, and is asked
//! again the next time without being filled (SQLite's). With `postgres` the same on a server of the bench's own. With `--only` just the questions are asked whose name holds the words.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what cannot go on must fail where it stands")]

mod ask;
mod fill;
mod made;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use store::testing::Cluster;
use store::{Clock, Options, Place, Scope, Store};

/// What people are promised, at the 95th percentile: a list, and anything else.
const LIST: Duration = Duration::from_millis(50);
const OTHER: Duration = Duration::from_millis(300);

fn main() {
    let mut numbers = Vec::new();
    let (mut kept, mut only, mut postgres) = (None, String::new(), false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--keep" => kept = Some(PathBuf::from(args.next().expect("--keep names a folder"))),
            "--only" => only = args.next().expect("--only names questions"),
            "postgres" => postgres = true,
            other => numbers.extend(other.parse::<u64>()),
        }
    }
    let alerts = numbers.first().copied().unwrap_or(1_000_000);
    let repetitions = numbers.get(1).copied().unwrap_or(200);
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    if postgres {
        let server = Cluster::start(true);
        let own = server.database();
        runtime.block_on(run(Place::Postgres(own.server()), false, alerts, repetitions, &only));
        return;
    }
    std::fs::create_dir_all(&folder).expect("the folder");
    let filled = folder.join("filled").exists();
    if !filled {
        // A fill that was interrupted is of no use.
        for file in ["socme.db", "socme.db-wal", "socme.db-shm"] {
            let _ = std::fs::remove_file(folder.join(file));
        }
    }
    runtime.block_on(run(Place::File(folder.join("socme.db")), filled, alerts, repetitions, &only));
    std::fs::write(folder.join("filled"), "").expect("write");
}

async fn run(place: Place, filled: bool, alerts: u64, repetitions: u64, only: &str) {
    let (clock, hand) = Clock::stopped(made::end());
    if !filled {
        let store = open(place.clone(), clock.clone()).await;
        fill::fill(&store, &hand, alerts).await;
        // Closing copies the write-ahead log into the database.
        store.close().await;
    }
    hand.set(made::end());
    let begun = Instant::now();
    let store = open(place, clock).await;
    println!("opened in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    let health = store.health().await.expect("health");
    let bytes = store.used_bytes().await.expect("bytes");
    println!(
        "{} alerts in {:.2} GB: {:.0} bytes each (write-ahead log {} bytes, text index {} behind)",
        health.alerts,
        health.bytes as f64 / 1e9,
        bytes as f64 / health.alerts as f64,
        health.wal_bytes,
        health.text_behind,
    );
    let clients = store.clients(&Scope::internal("a benchmark")).await.expect("clients");
    let mut clients: Vec<_> = clients.into_iter().filter(|client| !client.builtin).collect();
    // As they were made: their places are in the names of their hosts.
    clients.sort_by_key(|client| client.id);
    ask::Asking::new(store.clone(), clients, repetitions).all(only).await;
    store.close().await;
}

/// As the core opens it.
async fn open(place: Place, clock: Clock) -> Store {
    Store::open(place, Options { clock, ..Options::default() }).await.expect("the database")
}
