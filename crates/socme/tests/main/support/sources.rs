//! Writers that do to files what Suricata, Wazuh and logrotate do, and keep a ledger of every event.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Dice;
use super::ledger::Ledger;

/// Writes as Suricata does: EVE records, mostly not alerts.
pub struct Eve {
    path: PathBuf,
    file: File,
    dice: Dice,
    ledger: Ledger,
    held: Vec<u8>,
}

impl Eve {
    pub fn new(path: &Path, seed: u64, ledger: Ledger) -> Self {
        Self { path: path.to_owned(), file: append(path), dice: Dice::new(seed), ledger, held: Vec::new() }
    }

    /// Writes `lines` records; sometimes the last one only half, its rest coming with the next call.
    pub fn write(&mut self, lines: u64) {
        let mut out = std::mem::take(&mut self.held);
        for _ in 0..lines {
            if self.dice.once_in(6) {
                let sid = 9_100_000 + self.dice.below(30);
                out.extend_from_slice(eve_alert(&mut self.dice, sid).as_bytes());
                self.ledger.note("suricata", &sid.to_string());
            } else {
                out.extend_from_slice(eve_flow(&mut self.dice).as_bytes());
            }
            out.push(b'\n');
        }
        if self.dice.once_in(4) && !out.is_empty() {
            let cut = out.len() - usize::try_from(self.dice.below(out.len().min(300) as u64)).expect("small");
            self.held = out.split_off(cut);
        }
        self.file.write_all(&out).expect("write EVE");
    }

    /// Writes what is held back of a half-written line.
    pub fn finish_line(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.file.write_all(&held).expect("write EVE");
    }

    /// Rotates in one of the ways of logrotate.
    pub fn rotate(&mut self) {
        match self.dice.below(4) {
            // rename, create, reopen on HUP; Suricata still writes a little into the renamed file
            0 | 1 => {
                self.shift();
                fs::rename(&self.path, self.generation(1)).expect("rename");
                self.write(3);
                self.finish_line();
                self.file = append(&self.path);
            }
            // the same, and the generation before is compressed (delaycompress)
            2 => {
                self.rename();
                self.compress(2);
            }
            // copytruncate, by a logrotate that meets no line between its copy and its truncate
            _ => {
                self.finish_line();
                self.shift();
                fs::copy(&self.path, self.generation(1)).expect("copy");
                self.file.set_len(0).expect("truncate");
            }
        }
    }

    /// Renames and creates, as the shipped logrotate file does.
    pub fn rename(&mut self) {
        self.finish_line();
        self.shift();
        fs::rename(&self.path, self.generation(1)).expect("rename");
        self.file = append(&self.path);
    }

    fn generation(&self, n: u32) -> PathBuf {
        PathBuf::from(format!("{}.{n}", self.path.display()))
    }

    /// Moves every generation one further, as logrotate does before it rotates.
    fn shift(&self) {
        for n in (1..400).rev() {
            for end in ["", ".gz"] {
                let from = PathBuf::from(format!("{}{end}", self.generation(n).display()));
                if from.exists() {
                    fs::rename(&from, format!("{}{end}", self.generation(n + 1).display())).expect("shift");
                }
            }
        }
    }

    fn compress(&self, n: u32) {
        let plain = self.generation(n);
        if plain.exists() {
            gzip(&plain, &PathBuf::from(format!("{}.gz", plain.display())));
        }
    }
}

/// Writes as a Wazuh manager does: `alerts.json` is a hard link to the day's file.
pub struct Wazuh {
    live: PathBuf,
    days: PathBuf,
    day: u32,
    file: File,
    dice: Dice,
    ledger: Ledger,
}

impl Wazuh {
    /// `logs` is the manager's `logs/alerts` folder.
    pub fn new(logs: &Path, seed: u64, ledger: Ledger) -> Self {
        let days = logs.join("2026").join("Nov");
        fs::create_dir_all(&days).expect("create folders");
        let live = logs.join("alerts.json");
        let file = append(&days.join("ossec-alerts-01.json"));
        fs::hard_link(days.join("ossec-alerts-01.json"), &live).expect("link");
        Self { live, days, day: 1, file, dice: Dice::new(seed), ledger }
    }

    pub fn write(&mut self, lines: u64) {
        let mut out = String::new();
        for _ in 0..lines {
            let rule = 5_700 + self.dice.below(20);
            out.push_str(&wazuh_alert(&mut self.dice, rule));
            out.push('\n');
            self.ledger.note("wazuh", &rule.to_string());
        }
        self.file.write_all(out.as_bytes()).expect("write alerts.json");
    }

    /// Midnight: the name is unlinked and linked to the next day's file, the day before is compressed.
    pub fn midnight(&mut self) {
        if self.day >= 28 {
            return;
        }
        self.day += 1;
        let next = self.days.join(format!("ossec-alerts-{:02}.json", self.day));
        self.file = append(&next);
        fs::remove_file(&self.live).expect("unlink");
        fs::hard_link(&next, &self.live).expect("link");
        if self.day > 2 {
            let old = self.days.join(format!("ossec-alerts-{:02}.json", self.day - 2));
            gzip(&old, &old.with_extension("json.gz"));
        }
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("open for appending")
}

fn gzip(plain: &Path, to: &Path) {
    let bytes = fs::read(plain).expect("read generation");
    let mut out = flate2::write::GzEncoder::new(File::create(to).expect("create"), flate2::Compression::fast());
    out.write_all(&bytes).expect("compress");
    out.finish().expect("compress").sync_all().expect("sync");
    fs::remove_file(plain).expect("unlink");
}

fn now(format: &str) -> String {
    jiff::Timestamp::now().strftime(format).to_string()
}

fn eve_alert(dice: &mut Dice, sid: u64) -> String {
    let (source, target, port) = (dice.below(12), dice.below(5), 1024 + dice.below(60_000));
    format!(
        r#"{{"timestamp":"{}","flow_id":{},"in_iface":"eth1","event_type":"alert","src_ip":"10.1.0.{source}","src_port":{port},"dest_ip":"10.2.0.{target}","dest_port":80,"proto":"TCP","alert":{{"action":"allowed","gid":1,"signature_id":{sid},"rev":2,"signature":"SOCME TEST signature {sid}","category":"Attempted Information Leak","severity":{}}},"http":{{"hostname":"shop.example","url":"/item?id={port}","http_method":"GET"}},"app_proto":"http"}}"#,
        now("%Y-%m-%dT%H:%M:%S.%6f+0000"),
        dice.roll() >> 11,
        1 + sid % 3,
    )
}

fn eve_flow(dice: &mut Dice) -> String {
    format!(
        r#"{{"timestamp":"{}","flow_id":{},"in_iface":"eth1","event_type":"flow","src_ip":"10.1.0.{}","src_port":4242,"dest_ip":"10.2.0.9","dest_port":443,"proto":"TCP","app_proto":"tls","flow":{{"pkts_toserver":9,"pkts_toclient":8,"bytes_toserver":1444,"bytes_toclient":5120,"state":"closed","reason":"timeout","alerted":false}}}}"#,
        now("%Y-%m-%dT%H:%M:%S.%6f+0000"),
        dice.roll() >> 11,
        dice.below(200),
    )
}

fn wazuh_alert(dice: &mut Dice, rule: u64) -> String {
    let (agent, source) = (1 + dice.below(6), dice.below(9));
    format!(
        r#"{{"timestamp":"{}","rule":{{"level":{},"description":"sshd: test rule {rule}","id":"{rule}","mitre":{{"id":["T1110"],"tactic":["Credential Access"],"technique":["Brute Force"]}},"firedtimes":1,"mail":false,"groups":["syslog","sshd"]}},"agent":{{"id":"{agent:03}","name":"host-{agent}","ip":"10.3.0.{agent}"}},"manager":{{"name":"manager"}},"id":"{}.{}","cluster":{{"name":"wazuh"}},"full_log":"Nov 24 12:00:00 host-{agent} sshd[99]: Failed password for root from 203.0.113.{source} port 4022 ssh2","predecoder":{{"program_name":"sshd"}},"decoder":{{"parent":"sshd","name":"sshd"}},"data":{{"srcip":"203.0.113.{source}","srcport":"4022","dstuser":"root"}},"location":"/var/log/auth.log"}}"#,
        now("%Y-%m-%dT%H:%M:%S.%3f+0000"),
        3 + rule % 13,
        jiff::Timestamp::now().as_second(),
        dice.below(1_000_000),
    )
}
