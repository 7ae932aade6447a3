//! Made-up alerts, skewed as real ones are: a few rules, hosts and addresses make most of the noise, and most of it is low.

use jiff::{SignedDuration, Timestamp};
use wire::alert::{Endpoint, Fold, Host, Network, Process, Rule, Threat, User};
use wire::{Alert, Severity, Source};

/// Clients with two nodes each.
pub(crate) const CLIENTS: usize = 30;
/// Days over which the alerts arrive.
pub(crate) const DAYS: i64 = 60;
/// Rules of Suricata and of Wazuh.
const RULES: u64 = 200;
/// One alert in so many holds one of [`RARE`] words that only such alerts hold.
const RARE_EVERY: u64 = 20_000;
const RARE: u64 = 25;

/// When the last alert arrives, and the questions are asked.
pub(crate) fn end() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().expect("a time")
}

/// SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    /// Below `n`, low ones far more often: half of all are in the lowest eighth.
    pub(crate) fn skewed(&mut self, n: u64) -> u64 {
        let share = (self.roll() >> 11) as f64 / (1_u64 << 53) as f64;
        ((share.powi(3) * n as f64) as u64).min(n - 1)
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

const ATTACKS: [&str; 8] = [
    "SCAN Potential SSH Scan",
    "POLICY Outdated TLS version",
    "WEB_SERVER Possible SQL Injection Attempt",
    "DROP Listed traffic group",
    "INFO Observed DNS query to dynamic domain",
    "MALWARE Command and control beacon",
    "EXPLOIT Remote code execution attempt",
    "HUNTING Suspicious user agent",
];
const LOGS: [&str; 8] = [
    "sshd: authentication failed",
    "sudo: command executed",
    "File integrity checksum changed",
    "Windows logon failure",
    "PAM: user login session opened",
    "Web server error code",
    "Package installed",
    "Rootkit detection anomaly",
];
const USERS: [&str; 8] = ["root", "admin", "www-data", "backup", "jdupont", "mmartin", "svc-sql", "administrator"];

/// A rule, by its place: the first are the most frequent.
pub(crate) fn rule_id(place: u64) -> String {
    if place % 10 < 7 { (2_010_000 + place * 37).to_string() } else { (5_500 + place).to_string() }
}

fn severity(place: u64) -> Severity {
    match place * 7 % 50 {
        0..27 => Severity::Low,
        27..42 => Severity::Medium,
        42..49 => Severity::High,
        _ => Severity::Critical,
    }
}

/// A rule's place, drawn as alerts draw it.
pub(crate) fn rule(dice: &mut Dice) -> u64 {
    dice.skewed(RULES)
}

/// A host of a client.
pub(crate) fn host(dice: &mut Dice, client: usize) -> String {
    format!("srv-{client}-{}", dice.skewed(120))
}

/// An address of that host's network.
pub(crate) fn inside(dice: &mut Dice, client: usize) -> String {
    format!("10.{client}.{}.{}", dice.skewed(4), 1 + dice.skewed(200))
}

/// An address from the Internet: some come again and again, most are seen a few times.
pub(crate) fn outside(dice: &mut Dice) -> String {
    let n = dice.skewed(400_000);
    format!("198.{}.{}.{}", 18 + n / 65_536, n / 256 % 256, n % 256)
}

/// A word that few alerts hold.
pub(crate) fn rare_word(dice: &mut Dice) -> String {
    format!("xylophage{}", dice.below(RARE))
}

/// An alert of a client (by its place) at a time.
pub(crate) fn alert(dice: &mut Dice, client: usize, at: Timestamp) -> Alert {
    let place = rule(dice);
    let time = at - SignedDuration::from_millis(dice.below(4_000) as i64);
    let rare = if dice.below(RARE_EVERY) == 0 { format!(" {}", rare_word(dice)) } else { String::new() };
    let mut alert =
        if place % 10 < 7 { suricata(dice, client, place, &rare) } else { wazuh(dice, client, place, &rare) };
    (alert.time, alert.last, alert.seen) = (time, time, at);
    alert.raw = alert.raw.replace("TIME", &time.to_string());
    alert
}

fn suricata(dice: &mut Dice, client: usize, place: u64, rare: &str) -> Alert {
    let (from, to) = (outside(dice), inside(dice, client));
    let (port, flow, length) = (1024 + dice.below(60_000), dice.roll() >> 11, dice.below(90_000));
    let (id, name) = (rule_id(place), format!("ET {} {place}", ATTACKS[(place % 8) as usize]));
    let site = format!("www{}.client{client}.example", dice.skewed(20));
    let url = format!("/item.php?id={port}&page={}{}", dice.below(500), rare.replace(' ', "&q="));
    let raw = format!(
        r#"{{"timestamp":"TIME","flow_id":{flow},"in_iface":"eth1","event_type":"alert","src_ip":"{from}","src_port":{port},"dest_ip":"{to}","dest_port":443,"proto":"TCP","pkt_src":"wire/pcap","tx_id":0,"alert":{{"action":"allowed","gid":1,"signature_id":{id},"rev":7,"signature":"{name}","category":"Web Application Attack","severity":2,"metadata":{{"affected_product":["Web_Server_Applications"],"attack_target":["Web_Server"],"created_at":["2010_07_30"],"deployment":["Datacenter"],"signature_severity":["Major"],"updated_at":["2019_09_10"]}}}},"http":{{"hostname":"{site}","url":"{url}","http_user_agent":"sqlmap/1.7.{}#stable (https://sqlmap.example)","http_content_type":"text/html","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":{length}}},"app_proto":"http","direction":"to_server","flow":{{"pkts_toserver":4,"pkts_toclient":3,"bytes_toserver":{},"bytes_toclient":1337,"start":"TIME","src_ip":"{from}","dest_ip":"{to}","src_port":{port},"dest_port":443}},"payload_printable":"GET {url} HTTP/1.1\\r\\nHost: {site}\\r\\nAccept: */*\\r\\n\\r\\n"}}"#,
        dice.below(9),
        dice.below(9_000),
    );
    let end = |ip: String, port: u64| Some(Endpoint { ip: Some(ip), port: u16::try_from(port).ok(), domain: None });
    Alert {
        rule: Rule { id, version: Some(7), name, category: Some("Web Application Attack".into()), ..Rule::default() },
        threat: Threat { techniques: vec!["T1190".into()], tactics: vec!["TA0001".into()] },
        source: end(from, port),
        destination: end(to, 443),
        network: Network {
            transport: Some("tcp".into()),
            protocol: Some("http".into()),
            flow: Some(flow.to_string()),
            ..Network::default()
        },
        domains: vec![site],
        url: Some(url),
        raw,
        ..blank(Source::Suricata, severity(place))
    }
}

fn wazuh(dice: &mut Dice, client: usize, place: u64, rare: &str) -> Alert {
    let (host, from, to) = (host(dice, client), outside(dice), inside(dice, client));
    let user = USERS[dice.skewed(8) as usize];
    let (id, name) = (rule_id(place), format!("{} ({place})", LOGS[(place % 8) as usize]));
    let pid = dice.below(60_000);
    let message = format!("{host} sshd[{pid}]: Failed password for {user} from {from} port {} ssh2{rare}", 1024 + pid);
    let raw = format!(
        r#"{{"timestamp":"TIME","rule":{{"level":5,"description":"{name}","id":"{id}","mitre":{{"id":["T1110.001"],"tactic":["Credential Access"],"technique":["Password Guessing"]}},"firedtimes":{},"mail":false,"groups":["syslog","sshd","authentication_failed"],"gdpr":["IV_35.7.d","IV_32.2"],"hipaa":["164.312.b"],"nist_800_53":["AU.14","AC.7"],"pci_dss":["10.2.4","10.2.5"]}},"agent":{{"id":"{:03}","name":"{host}","ip":"{to}"}},"manager":{{"name":"wazuh-{client}"}},"id":"1764{}.{pid}","full_log":"{message}","predecoder":{{"program_name":"sshd","timestamp":"TIME","hostname":"{host}"}},"decoder":{{"parent":"sshd","name":"sshd"}},"data":{{"srcip":"{from}","srcport":"{}","dstuser":"{user}"}},"location":"/var/log/auth.log"}}"#,
        dice.below(900),
        dice.below(120),
        dice.below(1_000_000),
        1024 + pid,
    );
    Alert {
        rule: Rule { id, name, groups: vec!["syslog".into(), "sshd".into()], ..Rule::default() },
        message: Some(message),
        threat: Threat { techniques: vec!["T1110".into()], tactics: vec!["Credential Access".into()] },
        host: Some(Host { id: Some(dice.below(120).to_string()), name: Some(host), ip: Some(to) }),
        source: Some(Endpoint { ip: Some(from), ..Endpoint::default() }),
        user: Some(User { name: user.into(), domain: None }),
        process: Some(Process { executable: Some("sshd".into()), pid: Some(pid), ..Process::default() }),
        location: Some("/var/log/auth.log".into()),
        raw,
        ..blank(Source::Wazuh, severity(place))
    }
}

fn blank(module: Source, severity: Severity) -> Alert {
    Alert {
        module,
        rule: Rule::default(),
        severity,
        time: Timestamp::UNIX_EPOCH,
        seen: Timestamp::UNIX_EPOCH,
        count: 1,
        last: Timestamp::UNIX_EPOCH,
        message: None,
        threat: Threat::default(),
        host: None,
        source: None,
        destination: None,
        network: Network::default(),
        user: None,
        process: None,
        file: None,
        domains: Vec::new(),
        url: None,
        location: None,
        fold: Fold::Full,
        witnesses: Vec::new(),
        registry: None,
        samples: Vec::new(),
        raw: String::new(),
        cut: Vec::new(),
        closed: true,
    }
}
