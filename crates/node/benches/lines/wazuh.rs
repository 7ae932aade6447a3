//! An `alerts.json` as a Wazuh manager writes it: each line is an alert.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::dice::Dice;

/// A day on which scanners knock at the hosts: a line each 5 ms, of 20 rules, 8 hosts, and 25 addresses, so that most lines are
/// like one of the minute before.
pub fn busy(path: &Path, lines: u64) {
    generate(path, lines, 5, (20, 8, 25));
}

/// A line each 200 ms, of 400 rules, 500 hosts, and 60,000 addresses: no two are alike, and each becomes an alert of its own.
pub fn unlike(path: &Path, lines: u64) {
    generate(path, lines, 200, (400, 500, 60_000));
}

fn generate(path: &Path, lines: u64, millis: i64, (rules, hosts, addresses): (u64, u64, u64)) {
    let mut dice = Dice(9);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).expect("create"));
    let n = i64::try_from(lines).expect("small");
    let start = jiff::Timestamp::now() - jiff::SignedDuration::from_millis(n * millis);
    for n in 0..n {
        let time = start + jiff::SignedDuration::from_millis(n * millis);
        let (second, stamp) = (time.as_second(), time.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000"));
        let (rule, host, from) = (dice.below(rules), 1 + dice.below(hosts), dice.below(addresses));
        let (from, port, pid) =
            (format!("203.{}.{}.{}", from >> 16, from >> 8 & 255, from & 255), dice.below(60_000), dice.below(30_000));
        let agent = format!(
            r#""agent":{{"id":"{host:03}","name":"host-{host}","ip":"10.3.{}.{}"}},"manager":{{"name":"manager"}},"id":"{second}.{}","cluster":{{"name":"wazuh","node":"node01"}}"#,
            host >> 8,
            host & 255,
            n * 700
        );
        match dice.below(10) {
            0..5 => writeln!(out, r#"{{"timestamp":"{stamp}","rule":{{"level":5,"description":"sshd: Attempt to login using a non-existent user ({rule})","id":"{}","mitre":{{"id":["T1110.001","T1021.004"],"tactic":["Credential Access","Lateral Movement"],"technique":["Password Guessing","SSH"]}},"firedtimes":{},"mail":false,"groups":["syslog","sshd","authentication_failed","invalid_login"],"gdpr":["IV_35.7.d","IV_32.2"],"gpg13":["7.1"],"hipaa":["164.312.b"],"nist_800_53":["AU.14","AC.7","AU.6"],"pci_dss":["10.2.4","10.2.5","10.6.1"],"tsc":["CC6.1","CC6.8","CC7.2","CC7.3"]}},{agent},"full_log":"Nov 24 12:00:00 host-{host} sshd[{pid}]: Failed password for invalid user admin from {from} port {port} ssh2","predecoder":{{"program_name":"sshd","timestamp":"Nov 24 12:00:00","hostname":"host-{host}"}},"decoder":{{"parent":"sshd","name":"sshd"}},"data":{{"srcip":"{from}","srcport":"{port}","srcuser":"admin"}},"location":"/var/log/auth.log"}}"#, 5_700 + rule, n % 900),
            5..8 => writeln!(out, r#"{{"timestamp":"{stamp}","rule":{{"level":10,"description":"Powershell process created an executable file ({rule})","id":"{}","mitre":{{"id":["T1105","T1059.001"],"tactic":["Command and Control","Execution"],"technique":["Ingress Tool Transfer","PowerShell"]}},"firedtimes":{},"mail":false,"groups":["sysmon","sysmon_eid11_detections","windows"]}},{agent},"decoder":{{"name":"windows_eventchannel"}},"data":{{"win":{{"system":{{"providerName":"Microsoft-Windows-Sysmon","providerGuid":"{{5770385f-c22a-43e0-bf4c-06f5698ffbd9}}","eventID":"11","version":"2","level":"4","task":"11","opcode":"0","keywords":"0x8000000000000000","systemTime":"2026-05-01T10:00:00.1234567Z","eventRecordID":"{n}","processID":"{pid}","threadID":"3412","channel":"Microsoft-Windows-Sysmon/Operational","computer":"host-{host}.example","severityValue":"INFORMATION","message":"\"File created:\r\nRuleName: EXE\r\nUtcTime: 2026-05-01 10:00:00.120\r\nImage: C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe\r\nTargetFilename: C:\\Users\\user-{from}\\AppData\\Local\\Temp\\{port}.exe\""}},"eventdata":{{"ruleName":"EXE","utcTime":"2026-05-01 10:00:00.120","processGuid":"{{f3b1c2d4-0000-0000-0000-{pid:012}}}","processId":"{pid}","image":"C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe","targetFilename":"C:\\Users\\user-{from}\\AppData\\Local\\Temp\\{port}.exe","creationUtcTime":"2026-05-01 10:00:00.120","user":"EXAMPLE\\user-{from}"}}}}}},"location":"EventChannel"}}"#, 92_200 + rule, n % 900),
            _ => writeln!(out, r#"{{"timestamp":"{stamp}","rule":{{"level":7,"description":"Integrity checksum changed. ({rule})","id":"{}","mitre":{{"id":["T1565.001"],"tactic":["Impact"],"technique":["Stored Data Manipulation"]}},"firedtimes":{},"mail":false,"groups":["ossec","syscheck","syscheck_entry_modified","syscheck_file"]}},{agent},"full_log":"File '/srv/www/{from}/index-{rule}.html' modified\nMode: realtime\nChanged attributes: mtime,md5,sha1,sha256\nOld md5sum was: 'd41d8cd98f00b204e9800998ecf8427e'\n","syscheck":{{"path":"/srv/www/{from}/index-{rule}.html","mode":"realtime","size_after":"{port}","perm_after":"rw-r--r--","uid_after":"33","gid_after":"33","md5_after":"{:032x}","sha1_after":"{:040x}","sha256_after":"{:064x}","uname_after":"www-data","gname_after":"www-data","mtime_after":"2026-05-01T10:00:00","inode_after":{port},"changed_attributes":["mtime","md5","sha1","sha256"],"event":"modified"}},"decoder":{{"name":"syscheck_integrity_changed"}},"location":"syscheck"}}"#, 550 + rule, n % 900, dice.roll(), dice.roll(), dice.roll()),
        }
        .expect("write");
    }
}
