//! An imitated Wazuh manager and indexer with hosts of a small organisation, for the demo: `fleet NAME HOSTS NETWORK`. Says
//! first that it is an imitation, then where it listens (JSON), and runs until it is ended.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use wazuh_imitation::api::{Clock, Imitation, Options};
use wazuh_imitation::indexer::Indexer;

/// The hosts that the demo's alerts tell of, then kinds that go round.
const FIRST: [(&str, System); 7] = [
    ("web-1", UBUNTU),
    ("files-1", DEBIAN),
    ("DC1", SERVER),
    ("DESK-101", WINDOWS),
    ("DESK-102", WINDOWS),
    ("DESK-103", WINDOWS),
    ("DESK-104", WINDOWS),
];
const KINDS: [(&str, System); 5] =
    [("DESK-", WINDOWS), ("laptop-", UBUNTU), ("DESK-", WINDOWS), ("mac-", MACOS), ("till-", DEBIAN)];

const UBUNTU: System = System { name: "Ubuntu", version: "22.04.4 LTS", platform: "ubuntu" };
const DEBIAN: System = System { name: "Debian GNU/Linux", version: "12", platform: "debian" };
const WINDOWS: System = System { name: "Microsoft Windows 11 Pro", version: "10.0.22631", platform: "windows" };
const SERVER: System = System { name: "Microsoft Windows Server 2022", version: "10.0.20348", platform: "windows" };
const MACOS: System = System { name: "macOS", version: "14.5", platform: "darwin" };

/// Versions of agents: most are their manager's.
const VERSIONS: [&str; 7] = ["4.14.7", "4.14.7", "4.12.0", "4.14.7", "4.14.7", "4.9.2", "4.14.7"];

type Flaw = (&'static str, &'static str, &'static str, &'static str, f64, &'static [&'static str]);

/// Made-up vulnerabilities: number, package, its version, severity, score, and where it is.
const FLAWS: [Flaw; 6] = [
    ("CVE-2026-12345", "openssl", "3.0.2", "Critical", 9.8, &["ubuntu", "debian"]),
    ("CVE-2026-20001", "curl", "7.88.1", "Medium", 5.3, &["ubuntu", "debian", "darwin"]),
    ("CVE-2026-20417", "sudo", "1.9.13", "High", 7.8, &["ubuntu", "debian"]),
    ("CVE-2026-31002", "7-Zip", "23.01", "High", 8.1, &["windows"]),
    ("CVE-2026-31555", "Mozilla Firefox", "128.0", "Critical", 9.1, &["windows", "darwin"]),
    ("CVE-2026-31900", "Notepad++", "8.6", "Low", 3.3, &["windows"]),
];

/// How often the fleet moves on.
const STEP: Duration = Duration::from_secs(5);
/// Steps after which a desk is switched off, or on again.
const SWITCH: u32 = 36;
/// The desk that is switched off and on.
const SWITCHED: &str = "006";

#[derive(Clone, Copy)]
struct System {
    name: &'static str,
    version: &'static str,
    platform: &'static str,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: fleet NAME HOSTS NETWORK, for instance: fleet acme 16 10.21.1";
    let name = arguments.next().context(usage)?;
    let hosts: usize = arguments.next().and_then(|hosts| hosts.parse().ok()).context(usage)?;
    let network = arguments.next().context(usage)?;
    println!(
        "This is an imitation of a Wazuh manager and its indexer, for the demo: no host, package or flaw in it exists."
    );
    let manager = Imitation::start(Options { clock: Some(Clock::running()), ..Options::default() }).await?;
    let indexer = Indexer::new();
    let address = indexer.listen().await?;
    fill(&manager, &indexer, &name, hosts, &network);
    println!(
        "{}",
        json!({ "url": manager.url, "fingerprint": manager.fingerprint, "indexer": format!("http://{address}") })
    );
    for step in 1_u32.. {
        tokio::time::sleep(STEP).await;
        live(&manager, step);
    }
    Ok(())
}

fn fill(manager: &Imitation, indexer: &Indexer, name: &str, hosts: usize, network: &str) {
    let mut state = manager.state();
    state.agents.truncate(1);
    state.agents[0]["name"] = format!("wazuh-{name}").into();
    state.groups = ["default", "servers", "desks"].map(String::from).into();
    state.responses =
        ["firewall-drop60", "firewall-drop600", "firewall-drop3600", "firewall-drop86400"].map(String::from).into();
    state.inventory = BTreeMap::new();
    for number in 1..=hosts {
        let id = format!("{number:03}");
        let (host, system) = match FIRST.get(number - 1) {
            Some((host, system)) => ((*host).to_owned(), *system),
            None => {
                let (kind, system) = KINDS[number % KINDS.len()];
                (format!("{kind}{}", 100 + number), system)
            }
        };
        let agent = agent(&id, &host, system, number, network);
        if agent["status"] != "never_connected" {
            for (what, rows) in inventory(number, system) {
                state.inventory.insert((id.clone(), what.to_owned()), rows);
            }
            for (index, found) in flaws(&id, &host, system, number).iter().enumerate() {
                // Not every host of a kind is as old as the others.
                if (number + index) % 4 != 3 {
                    indexer.add(&format!("wazuh-states-vulnerabilities-wazuh-{name}"), &found.to_string());
                }
            }
        }
        state.agents.push(agent);
    }
}

fn agent(id: &str, name: &str, system: System, number: usize, network: &str) -> Value {
    let ago = |hours: i64| {
        (Timestamp::now() - jiff::SignedDuration::from_hours(hours)).strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
    };
    if number > FIRST.len() && number % 11 == 10 {
        return json!({
            "id": id, "name": name, "registerIP": "any", "status": "never_connected", "node_name": "unknown",
            "dateAdd": ago(200), "group": ["default"],
        });
    }
    let state = match number {
        12 => "pending",
        number if number > FIRST.len() && number % 6 == 3 => "disconnected",
        _ => "active",
    };
    let away = state == "disconnected";
    let group = if number <= 3 { "servers" } else { "desks" };
    json!({
        "id": id, "name": name, "ip": format!("{network}.{}", last(number)), "registerIP": "any",
        "status": state, "status_code": if away { 4 } else { 0 },
        "version": format!("Wazuh v{}", VERSIONS[number % VERSIONS.len()]), "manager": "mgr", "node_name": "node01",
        "group": ["default", group], "dateAdd": ago(5_000), "lastKeepAlive": ago(if away { 20 + number as i64 } else { 0 }),
        "group_config_status": "synced",
        "os": { "name": system.name, "platform": system.platform, "version": system.version, "arch": "x86_64" },
    })
}

/// The last byte of its address: the servers' and the first desks' are those of the demo's traffic.
fn last(number: usize) -> usize {
    match number {
        1..=3 => number * 10,
        _ => 97 + number,
    }
}

fn inventory(number: usize, system: System) -> Vec<(&'static str, Vec<Value>)> {
    let windows = system.platform == "windows";
    let own: &[(&str, &str)] = if windows {
        &[
            ("Microsoft Edge", "126.0"),
            ("Microsoft 365 Apps", "16.0.17628"),
            ("KeePassXC", "2.7.8"),
            ("VLC media player", "3.0.20"),
        ]
    } else {
        &[
            ("openssh-server", "9.2p1"),
            ("bash", "5.2.15"),
            ("python3", "3.11.2"),
            ("systemd", "252"),
            ("nginx", "1.22.1"),
            ("rsync", "3.2.7"),
        ]
    };
    let flawed = FLAWS.iter().filter(|flaw| flaw.5.contains(&system.platform)).map(|flaw| (flaw.1, flaw.2));
    let format = if windows { "win" } else { "deb" };
    let package = |(name, version): (&str, &str)| json!({ "name": name, "version": version, "architecture": "x86_64", "format": format });
    let port = |port: u16, process: &str| json!({ "protocol": "tcp", "local": { "ip": "0.0.0.0", "port": port }, "state": "listening", "process": process, "pid": 400 + i64::from(port) });
    let ports = if windows {
        vec![port(445, "System"), port(3389, "svchost.exe")]
    } else {
        vec![port(22, "sshd"), port(80, "nginx")]
    };
    let processes: &[&str] = if windows {
        &["System", "lsass.exe", "explorer.exe", "wazuh-agent.exe"]
    } else {
        &["systemd", "sshd", "nginx", "wazuh-agentd"]
    };
    let process = |(pid, name): (usize, &&str)| json!({ "pid": (pid * 350 + 1).to_string(), "name": name, "euser": if windows { "SYSTEM" } else { "root" }, "state": "S" });
    let users: &[&str] = if windows { &["Administrator", "alice"] } else { &["root", "www-data", "bruno"] };
    let (policy, title) = if windows {
        ("cis_win11", "Ensure that passwords have 14 or more characters")
    } else {
        ("cis_linux", "Ensure that root cannot sign in by SSH")
    };
    let fail = 30 + number % 40;
    let now = Timestamp::now().to_string();
    vec![
        (
            "os",
            vec![json!({ "os": { "name": system.name, "version": system.version }, "scan": { "id": 0, "time": now } })],
        ),
        (
            "hardware",
            vec![
                json!({ "cpu": { "name": "Xeon E-2334", "cores": 4 + number % 3 * 4, "mhz": 3400.0 }, "ram": { "total": 16_384_000, "free": 4_000_000, "usage": 75 } }),
            ],
        ),
        ("packages", own.iter().copied().chain(flawed).map(package).collect()),
        ("ports", ports),
        ("processes", processes.iter().enumerate().map(process).collect()),
        ("users", users.iter().map(|name| json!({ "user": { "name": name } })).collect()),
        (
            "sca",
            vec![
                json!({ "policy_id": policy, "name": "CIS Benchmark", "pass": 150 - fail, "fail": fail, "invalid": 2, "total_checks": 152, "score": (150 - fail) * 100 / 150, "end_scan": now }),
            ],
        ),
        (
            if windows { "sca/cis_win11" } else { "sca/cis_linux" },
            vec![
                json!({ "id": 28_500, "title": title, "result": "failed", "condition": "all", "remediation": "Set it in the policy of the organisation." }),
            ],
        ),
    ]
}

fn flaws(id: &str, host: &str, system: System, number: usize) -> Vec<Value> {
    let found = |(cve, package, version, severity, score, _): &Flaw| {
        let since = Timestamp::now() - jiff::SignedDuration::from_hours(24 * (number as i64 % 30 + 1));
        json!({
            "agent": { "id": id, "name": host },
            "package": { "name": package, "version": version, "architecture": "x86_64" },
            "vulnerability": {
                "id": cve, "severity": severity, "score": { "base": score, "version": "3.1" },
                "description": "Made up for the demo.", "detected_at": since.to_string(),
            },
        })
    };
    FLAWS.iter().filter(|flaw| flaw.5.contains(&system.platform)).map(found).collect()
}

/// What goes on by itself: upgrades end, and one desk is switched off and on.
fn live(manager: &Imitation, step: u32) {
    let mut state = manager.state();
    // Nobody looks at what was asked.
    state.log.clear();
    let version = format!("Wazuh v{}", state.version);
    let begun: Vec<String> = state
        .upgrades
        .iter_mut()
        .filter(|(_, status)| status == "Updating")
        .map(|(agent, status)| {
            "Updated".clone_into(status);
            agent.clone()
        })
        .collect();
    let off = step.is_multiple_of(SWITCH) && (step / SWITCH) % 2 == 1;
    let on = step.is_multiple_of(SWITCH) && !off;
    for agent in &mut state.agents {
        if begun.iter().any(|id| agent["id"] == id.as_str()) {
            agent["version"] = version.clone().into();
        }
        if agent["id"] == SWITCHED && (off || on) {
            agent["status"] = if off { "disconnected" } else { "active" }.into();
            agent["status_code"] = if off { 4 } else { 0 }.into();
        }
    }
}
