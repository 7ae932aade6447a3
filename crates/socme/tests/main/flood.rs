//! A million alerts at once: what reaches the core, and what the node's memory does.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use crate::support::core::Core;
use crate::support::ledger::at_the_core;
use crate::support::node::Node;
use crate::support::wait_for;

const MILLION: u64 = 1_000_000;
/// 64 MiB: what a node may use beside Suricata and Wazuh.
const MEMORY: u64 = 64 << 20;

#[test]
fn a_million_identical_alerts_are_a_handful_of_rows_with_an_exact_count() {
    let rows = flood(|_| "198.51.100.7".to_owned());
    println!("1,000,000 identical alerts: {rows} rows at the core");
    assert!(rows <= 20, "{rows} rows");
}

#[test]
fn a_scan_from_a_million_addresses_floods_nobody() {
    let rows = flood(|n| format!("{}.{}.{}.{}", 11 + (n >> 24), n >> 16 & 255, n >> 8 & 255, n & 255));
    println!("1,000,000 alerts with as many addresses: {rows} rows at the core");
    assert!(rows <= 2_000, "{rows} rows");
}

/// Writes a million alerts of one rule, and gives the number of rows that they became.
fn flood(address: impl Fn(u64) -> String) -> i64 {
    let folder = tempfile::tempdir().expect("tempdir");
    let eve = folder.path().join("eve.json");
    write(&eve, address);
    let mut core = Core::start(folder.path(), "");
    let client = core.new_client("Acme");
    let token = core.new_token(client);
    let mut node = Node::new(
        &folder.path().join("node"),
        &format!("[[source]]\nkind = \"suricata\"\npath = {eve:?}\nstart = \"beginning\"\n"),
    );
    node.enrol(&token);
    node.launch();
    let mut most = 0;
    let key = ("suricata".to_owned(), "9000001".to_owned());
    wait_for("a million events at the core", Duration::from_secs(240), || {
        most = most.max(resident(node.process().pid()));
        let count = at_the_core(&core.data).get(&key).copied().unwrap_or(0);
        assert!(count <= MILLION, "{count} is more than was written");
        (count == MILLION).then_some(())
    });
    println!("the node's memory: {} MiB at most", most >> 20);
    assert!(most <= MEMORY, "the node used {} MiB", most >> 20);
    core.rows()
}

fn write(eve: &Path, address: impl Fn(u64) -> String) {
    let mut out = BufWriter::new(File::create(eve).expect("create"));
    let start = jiff::Timestamp::now();
    for n in 0..MILLION {
        // A minute and a half of event time, in all.
        let time = start + jiff::SignedDuration::from_micros(i64::try_from(n).expect("small") * 90);
        let time = time.strftime("%Y-%m-%dT%H:%M:%S.%6f+0000");
        writeln!(
            out,
            r#"{{"timestamp":"{time}","flow_id":{n},"event_type":"alert","src_ip":"{}","src_port":{},"dest_ip":"10.0.0.1","dest_port":443,"proto":"TCP","alert":{{"action":"allowed","gid":1,"signature_id":9000001,"rev":1,"signature":"SOCME TEST flood","category":"Misc activity","severity":3}}}}"#,
            address(n),
            1024 + n % 60_000,
        )
        .expect("write");
    }
}

/// Resident memory of a process in bytes, without the pages of files that it has mapped.
fn resident(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}
