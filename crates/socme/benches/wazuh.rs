//! What a node costs beside a Wazuh: the memory and requests for a million alerts out of an indexer, and the bytes between node and
//! core for ten thousand agents. The node is a process of the program; the indexer and the manager are imitations that live here.
//!
//! `cargo bench -p socme --bench wazuh -- [ALERTS [AGENTS]]`

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what cannot go on must fail where it stands")]

#[allow(dead_code, unreachable_pub, reason = "shared with the tests, which use more of it")]
#[path = "../tests/main/support/mod.rs"]
mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use support::core::Core;
use support::ledger::at_the_core;
use support::node::Node;
use support::{Dice, wait_for};
use wazuh_imitation::api::{Clock, Imitation, Options};
use wazuh_imitation::indexer::Indexer;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    alerts(numbers.first().copied().unwrap_or(1_000_000));
    agents(numbers.get(1).copied().unwrap_or(10_000));
}

/// A node, enrolled at a core.
fn enrolled(folder: &Path, core: &mut Core, settings: &str) -> Node {
    let client = core.new_client("Acme");
    let token = core.new_token(client);
    let node = Node::new(&folder.join("node"), settings);
    node.enrol(&token);
    node
}

/// From an indexer with so many alerts of the last two days, until the core has them all.
fn alerts(number: u64) {
    let folder = tempfile::tempdir().expect("tempdir");
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let indexer = Indexer::new();
    let (mut dice, mut bytes, days) = (Dice::new(11), 0, SignedDuration::from_hours(48));
    let begin = Timestamp::now() - days;
    for n in 0..number {
        // Many of one millisecond, as in a flood.
        let millis = days.as_millis() * i128::from(n / 7 * 7) / i128::from(number);
        let line = line(&mut dice, n, begin + SignedDuration::from_millis(i64::try_from(millis).expect("small")));
        bytes += line.len();
        indexer.add_alert(&line);
    }
    let address = runtime.block_on(indexer.listen()).expect("listen");
    let password = folder.path().join("password");
    std::fs::write(&password, "secret\n").expect("write");
    let mut core = Core::start(folder.path(), "");
    let settings = format!(
        "[[source]]\nkind = \"wazuh-indexer\"\nstart = \"beginning\"\n[wazuh.indexer]\nurl = \"http://{address}\"\nuser = \"reader\"\n\
         password_file = {password:?}\n"
    );
    let mut node = enrolled(folder.path(), &mut core, &settings);
    let start = Instant::now();
    node.launch();
    let mut read = None;
    wait_for("all alerts at the core", Duration::from_secs(1_800), || {
        std::thread::park_timeout(Duration::from_millis(500));
        let events = node.status()?["sources"]["wazuh"]["events"].as_u64()?;
        if events == number && read.is_none() {
            read = Some(start.elapsed().as_secs_f64());
        }
        read?;
        let total: u64 = at_the_core(&core.data).values().sum();
        (total == number).then_some(())
    });
    let (read, took) = (read.expect("read"), start.elapsed().as_secs_f64());
    let (peak, processor) = (node.process().peak(), node.process().processor());
    let requests = indexer.requests();
    let searches = requests.iter().filter(|request| request.ends_with("/_search")).count();
    println!(
        "{number} alerts ({:.0} MB) from an indexer: {} requests, {searches} of them searches",
        bytes as f64 / 1e6,
        requests.len()
    );
    println!("    read in {read:.0} s ({:.0} alerts/s), all at the core after {took:.0} s", number as f64 / read);
    println!("    the node's peak memory: {peak:.0} MiB (aim 64 or less); its processor time: {processor:.0} s");
    node.kill();
}

fn line(dice: &mut Dice, n: u64, at: Timestamp) -> String {
    let (rule, host, from, pid) = (dice.below(400), 1 + dice.below(500), dice.below(60_000), dice.below(30_000));
    let (second, stamp) = (at.as_second(), at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000"));
    let from = format!("203.{}.{}.{}", from >> 16, from >> 8 & 255, from & 255);
    format!(
        r#"{{"@timestamp":"{stamp}","timestamp":"{stamp}","rule":{{"level":5,"description":"sshd: Attempt to login using a non-existent user ({rule})","id":"{}","mitre":{{"id":["T1110.001"],"tactic":["Credential Access"],"technique":["Password Guessing"]}},"firedtimes":3,"mail":false,"groups":["syslog","sshd","authentication_failed"],"gdpr":["IV_35.7.d"],"pci_dss":["10.2.4","10.2.5"],"tsc":["CC6.1","CC6.8"]}},"agent":{{"id":"{host:03}","name":"host-{host}","ip":"10.3.0.9"}},"manager":{{"name":"manager"}},"id":"{second}.{n}","cluster":{{"name":"wazuh","node":"node01"}},"full_log":"Nov 24 12:00:00 host-{host} sshd[{pid}]: Failed password for invalid user admin from {from} port 4022 ssh2","predecoder":{{"program_name":"sshd","timestamp":"Nov 24 12:00:00","hostname":"host-{host}"}},"decoder":{{"parent":"sshd","name":"sshd"}},"data":{{"srcip":"{from}","srcport":"4022","srcuser":"admin"}},"input":{{"type":"log"}},"location":"/var/log/auth.log"}}"#,
        5_700 + rule
    )
}

/// From a manager with so many agents, until the core has them all; then ten of them change.
fn agents(number: u64) {
    let folder = tempfile::tempdir().expect("tempdir");
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let options = Options { clock: Some(Clock::running()), ..Options::default() };
    let manager = runtime.block_on(Imitation::start(options)).expect("imitation");
    let systems = [("Ubuntu", "ubuntu", "22.04.4 LTS"), ("Microsoft Windows 11 Pro", "windows", "10.0.22631.3593")];
    {
        let mut state = manager.state();
        state.agents.truncate(1);
        for n in 1..=number {
            let (name, platform, version) = systems[usize::try_from(n % 2).expect("small")];
            state.agents.push(json!({
                "id": format!("{n:03}"), "name": format!("host-{n}.site-{}.example", n % 40), "ip": format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255),
                "registerIP": "any", "status": "active", "status_code": 0, "version": "Wazuh v4.14.7", "manager": "mgr", "node_name": "node01",
                "group": ["default", format!("site-{}", n % 40)], "dateAdd": format!("2026-04-{:02}T10:{:02}:00+00:00", 1 + n % 28, n % 60),
                "lastKeepAlive": "2026-05-01T10:00:00+00:00", "group_config_status": "synced",
                "os": { "name": name, "platform": platform, "version": version, "arch": "x86_64" },
            }));
        }
    }
    let (password, alerts) = (folder.path().join("password"), folder.path().join("alerts.json"));
    std::fs::write(&password, "wazuh-wui\n").expect("write");
    std::fs::write(&alerts, "").expect("write");
    let (mut core, link) = Core::start_behind_link(folder.path(), "");
    let settings = format!(
        "[[source]]\nkind = \"wazuh\"\npath = {alerts:?}\n[wazuh]\nlook_seconds = 5\n[wazuh.api]\nurl = \"{}\"\nuser = \"wazuh\"\n\
         password_file = {password:?}\npin = \"{}\"\n",
        manager.url, manager.fingerprint
    );
    let mut node = enrolled(folder.path(), &mut core, &settings);
    let count = |state: &str| hosts(&core, state);
    let before = link.carried();
    let start = Instant::now();
    node.launch();
    wait_for("all hosts at the core", Duration::from_secs(300), || (count("active") == number).then_some(()));
    let (took, first) = (start.elapsed().as_secs_f64(), since(&link, before));
    let looks = |manager: &Imitation| {
        let state = manager.state();
        state
            .log
            .iter()
            .filter(|asked| asked.path == "/agents" && asked.get("offset").is_none_or(|offset| offset == "0"))
            .count()
    };
    // Between two looks at the manager nothing but the node's own reports goes over the line.
    let whole_look = |manager: &Imitation| {
        let now = looks(manager);
        wait_for("two more looks", Duration::from_secs(240), || (looks(manager) >= now + 2).then_some(()));
    };
    whole_look(&manager);
    let (before, start) = (link.carried(), Instant::now());
    whole_look(&manager);
    let (idle, seconds) = (since(&link, before), start.elapsed().as_secs_f64());
    let (before, start) = (link.carried(), Instant::now());
    for agent in manager.state().agents.iter_mut().skip(50).take(10) {
        agent["status"] = "disconnected".into();
        agent["status_code"] = 4.into();
    }
    wait_for("ten hosts silent at the core", Duration::from_secs(300), || (count("disconnected") == 10).then_some(()));
    let (waited, change) = (start.elapsed().as_secs_f64(), since(&link, before));
    println!("{number} agents from a manager to the core (bytes to the core / back, of TLS and all in it)");
    println!(
        "    all of them for the first time: {} / {} bytes in {took:.1} s, connecting included: {:.0} bytes each",
        first[0],
        first[1],
        first[0] as f64 / number as f64
    );
    println!("    ten change: {} / {} bytes within {waited:.1} s", change[0], change[1]);
    println!("    none changes: {} / {} bytes in {seconds:.1} s, the node's reports", idle[0], idle[1]);
    println!("    the node's peak memory: {:.0} MiB (aim 64 or less)", node.process().peak());
    node.kill();
}

/// How many hosts the core has in a state.
fn hosts(core: &Core, state: &str) -> u64 {
    let db = rusqlite::Connection::open(core.data.join("socme.db")).expect("open");
    let count = db.query_row("SELECT count(*) FROM host WHERE json_extract(body, '$.state') = ?1", [state], |row| {
        row.get::<_, i64>(0)
    });
    u64::try_from(count.unwrap_or(0)).expect("positive")
}

fn since(link: &support::link::Link, before: [u64; 2]) -> [u64; 2] {
    let now = link.carried();
    [now[0] - before[0], now[1] - before[1]]
}
