//! What stands in alerts, whatever the manager made of it.

use serde_json::json;
use wazuh::alerts::{Alert, Key, Moment, NotAnAlert};

fn alert(more: &serde_json::Value) -> Alert {
    let mut document = json!({ "timestamp": "2026-05-01T12:00:00.123+0200" });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Alert::parse(document.to_string().as_bytes()).unwrap()
}

#[test]
fn an_alert_of_sshd_is_read_in_full_and_what_is_unknown_survives() {
    let line = r#"{"timestamp":"2026-05-01T12:00:00.123+0200","rule":{"level":10,"description":"sshd: brute force","id":"5763","mitre":{"id":["T1110"],"tactic":["Credential Access"],"technique":["Brute Force"]},"frequency":8,"firedtimes":2,"mail":true,"groups":["syslog","sshd"],"pci_dss":["10.2.4"]},"agent":{"id":"001","name":"web1","ip":"10.0.0.5","labels":{"site":{"room":"3"}}},"manager":{"name":"m"},"id":"1777629600.123456","cluster":{"name":"wazuh","node":"node01"},"previous_output":"one\ntwo","full_log":"May  1 sshd[1]: Failed","predecoder":{"hostname":"web1","program_name":"sshd"},"decoder":{"parent":"sshd","name":"sshd"},"data":{"srcip":"192.0.2.7","srcport":"4711","dstuser":"root"},"location":"/var/log/auth.log","novelty":{"a":[1]}}"#;
    let alert = Alert::parse(line.as_bytes()).unwrap();
    assert_eq!(alert.timestamp, "2026-05-01T10:00:00.123Z".parse().unwrap());
    assert_eq!(alert.offset, jiff::tz::offset(2));
    let rule = alert.rule.as_ref().unwrap();
    assert_eq!((rule.id.as_deref(), rule.level, rule.frequency, rule.fired), (Some("5763"), 10, Some(8), Some(2)));
    assert_eq!((rule.mail, rule.mitre.ids.as_slice(), rule.groups.len()), (Some(true), &["T1110".to_owned()][..], 2));
    assert_eq!(alert.agent.as_ref().unwrap().ip.as_deref(), Some("10.0.0.5"));
    assert_eq!(alert.text("agent.labels.site.room").as_deref(), Some("3"));
    assert_eq!(alert.text("data.srcport").as_deref(), Some("4711"));
    assert_eq!((alert.previous_output.as_deref(), alert.decoder.as_deref()), (Some("one\ntwo"), Some("sshd")));
    assert_eq!(alert.cluster.as_ref().unwrap().node.as_deref(), Some("node01"));
    assert_eq!(alert.document.pointer("/novelty/a/0"), Some(&json!(1)));
    assert_eq!(alert.document.pointer("/rule/pci_dss/0"), Some(&json!("10.2.4")));
}

#[test]
fn an_alert_with_its_time_alone_is_one_and_a_field_of_another_type_is_absent() {
    let bare = alert(&json!({}));
    assert!(bare.rule.is_none() && bare.agent.is_none() && bare.id.is_none() && bare.full_log.is_none());
    let odd = alert(&json!({
        "rule": { "level": "7", "id": 5710, "groups": "sshd", "mail": "true", "mitre": [] },
        "agent": { "id": "000", "name": "m", "ip": "any" }, "cluster": { "name": "wazuh" }, "decoder": {},
        "full_log": ["no", "text"], "data": "none", "syscheck": 1,
    }));
    let rule = odd.rule.as_ref().unwrap();
    assert_eq!(
        (rule.level, rule.id.as_deref(), rule.mail),
        (7, Some("5710"), Some(true)),
        "numbers that are text, and text that is a number"
    );
    assert_eq!(rule.groups, ["sshd"]);
    assert_eq!(odd.agent.as_ref().unwrap().ip, None, "any is no address");
    assert_eq!((odd.cluster.as_ref().unwrap().node.as_ref(), odd.decoder.as_ref()), (None, None));
    assert!(odd.full_log.is_none() && odd.syscheck.is_none() && odd.windows().is_none() && odd.suricata().is_none());
}

#[test]
fn a_device_without_an_agent_names_its_host() {
    let alert = alert(&json!({ "agentless": { "host": "switch@192.0.2.1", "script": "ssh_integrity_check" } }));
    assert_eq!((alert.agent, alert.agentless.as_deref()), (None, Some("switch@192.0.2.1")));
}

#[test]
fn a_torn_line_and_one_without_a_time_are_told_apart_and_foreign_bytes_are_no_reason() {
    assert!(matches!(Alert::parse(br#"{"timestamp":"2026-05-01T12:0{"timestamp":"x"}"#), Err(NotAnAlert::Torn(_))));
    assert_eq!(Alert::parse(br#"{"timestamp":"yesterday"}"#), Err(NotAnAlert::NoTime));
    assert_eq!(Alert::parse(b"[1]"), Err(NotAnAlert::NoTime));
    let latin = b"{\"timestamp\":\"2026-05-01T12:00:00.123+0200\",\"full_log\":\"caf\xe9\"}";
    assert_eq!(Alert::parse(latin).unwrap().full_log.as_deref(), Some("caf\u{fffd}"));
}

#[test]
fn a_changed_file_has_sizes_hashes_and_a_time_that_lost_its_zone() {
    let changed = alert(&json!({ "syscheck": {
        "path": "/etc/passwd", "event": "modified", "mode": "whodata", "size_before": "10", "size_after": "12",
        "md5_after": "d41d8cd98f00b204e9800998ecf8427e", "sha256_before": "00", "mtime_before": "2026-05-01T11:59:59",
        "mtime_after": "2026-05-01T12:00:00+0", "inode_after": -2_000_000_000, "changed_attributes": ["size", "mtime"],
        "audit": { "user": { "name": "anna" }, "effective_user": { "name": "root" }, "process": { "name": "/usr/bin/vi" } },
    } }));
    let file = changed.syscheck.as_ref().unwrap();
    assert_eq!((file.path.as_deref(), file.size_before, file.size_after), (Some("/etc/passwd"), Some(10), Some(12)));
    assert_eq!(file.md5.as_deref(), Some("d41d8cd98f00b204e9800998ecf8427e"));
    assert_eq!(
        (file.sha256.as_ref(), file.inode_after),
        (None, None),
        "of now there is none; an inode beyond 31 bits is wrong"
    );
    assert!(matches!(file.mtime_before, Some(Moment::Local(_))));
    let cut = file.mtime_after.and_then(|moment| moment.with(changed.offset));
    assert_eq!(cut, Some("2026-05-01T10:00:00Z".parse().unwrap()), "with the manager's zone it is a time");
    assert_eq!((file.user.as_deref(), file.process.as_deref()), (Some("root"), Some("/usr/bin/vi")));
    assert_eq!(file.changed, ["size", "mtime"]);
}

#[test]
fn suricatas_numbers_that_became_text_are_numbers_again() {
    let event = alert(&json!({
        "rule": { "level": 3, "id": "86601", "groups": ["ids", "suricata"] },
        "data": {
            "timestamp": "2026-05-01T09:59:58.654321+0000", "flow_id": "1946432423433533.000000", "in_iface": "eth0",
            "event_type": "alert", "src_ip": "192.0.2.7", "src_port": "4711", "dest_ip": "10.0.0.5", "dest_port": "80",
            "proto": "TCP", "app_proto": "http",
            "alert": { "action": "allowed", "gid": "1", "signature_id": "2024897", "rev": "3", "signature": "ET MALWARE",
                "category": "A Network Trojan was detected", "severity": "1" },
        },
    }));
    let suricata = event.suricata().unwrap();
    assert_eq!(suricata.flow_id.map(|flow| (flow.value, flow.exact)), Some((1_946_432_423_433_533, true)));
    assert_eq!((suricata.severity, suricata.signature_id, suricata.src_port), (Some(1), Some(2_024_897), Some(4711)));
    assert_eq!(
        suricata.timestamp,
        Some("2026-05-01T09:59:58.654321Z".parse().unwrap()),
        "the sensor's, not the manager's"
    );
    assert_eq!((suricata.gid, suricata.rev, suricata.action.as_deref()), (Some(1), Some(3), Some("allowed")));
    assert_eq!(alert(&json!({ "data": { "event_type": "dns", "alert": "x" } })).suricata(), None);
}

#[test]
fn a_sysmon_event_keeps_the_case_of_what_windows_wrote() {
    let event = alert(
        &json!({ "location": "EventChannel", "decoder": { "name": "windows_eventchannel" }, "data": { "win": {
        "system": { "providerName": "Microsoft-Windows-Sysmon", "eventID": "1", "channel": "Microsoft-Windows-Sysmon/Operational",
            "computer": "PC1.example.org", "systemTime": "2026-05-01T10:00:00.1234567Z", "eventRecordID": "77",
            "severityValue": "INFORMATION", "message": "\"Process Create:\r\nRuleName: -\"" },
        "eventdata": { "image": "C:\\Windows\\System32\\cmd.exe", "commandLine": "cmd /C WhoAmI", "processId": "4120",
            "processGuid": "{A-1}", "currentDirectory": "C:\\", "user": "EXAMPLE\\Anna", "parentImage": "C:\\Office\\WINWORD.EXE",
            "parentCommandLine": "WINWORD /n", "parentProcessId": "99", "ruleName": "-",
            "hashes": "SHA256=ABCDEF,MD5=0011" },
    } } }),
    );
    let windows = event.windows().unwrap();
    assert!(windows.is_sysmon());
    assert_eq!(
        (windows.event_id, windows.record_id, windows.computer.as_deref()),
        (Some(1), Some(77), Some("PC1.example.org"))
    );
    assert_eq!(windows.time, Some("2026-05-01T10:00:00.1234567Z".parse().unwrap()));
    assert_eq!((windows.domain.as_deref(), windows.user.as_deref()), (Some("EXAMPLE"), Some("Anna")));
    assert_eq!(windows.process.command_line.as_deref(), Some("cmd /C WhoAmI"));
    assert_eq!((windows.process.id, windows.parent.id), (Some(4120), Some(99)));
    assert_eq!(windows.parent.command_line.as_deref(), Some("WINWORD /n"));
    assert_eq!(windows.hashes.get("SHA256").map(String::as_str), Some("abcdef"));
    assert_eq!(windows.message.as_deref(), Some("Process Create:\r\nRuleName: -"), "without the quotes around it");
}

#[test]
fn sysmons_other_events_and_the_security_log_give_their_own_fields() {
    let event = |channel: &str, data: &serde_json::Value| {
        let win = json!({ "system": { "channel": channel }, "eventdata": data });
        alert(&json!({ "data": { "win": win } })).windows().unwrap()
    };
    let sysmon = "Microsoft-Windows-Sysmon/Operational";
    let network = event(
        sysmon,
        &json!({ "sourceIp": "10.0.0.5", "sourcePort": "50000", "destinationIp": "192.0.2.7",
        "destinationPort": "443", "destinationHostname": "c2.example.org", "protocol": "tcp" }),
    );
    assert_eq!((network.source_port, network.destination_port), (Some(50_000), Some(443)));
    assert_eq!(network.destination_host.as_deref(), Some("c2.example.org"));
    assert_eq!(event(sysmon, &json!({ "targetFilename": "C:\\A.exe" })).file.as_deref(), Some("C:\\A.exe"));
    let run = "HKU\\S-1-5\\Software\\Run\\Evil";
    assert_eq!(event(sysmon, &json!({ "targetObject": run })).registry.as_deref(), Some(run));
    assert_eq!(event(sysmon, &json!({ "queryName": "Evil.example.org" })).query.as_deref(), Some("Evil.example.org"));
    let logon = event(
        "Security",
        &json!({ "targetUserName": "Anna", "targetDomainName": "EXAMPLE", "ipAddress": "192.0.2.7",
        "ipPort": "0", "newProcessId": "0x1a4", "processId": "0x10", "newProcessName": "C:\\x.exe" }),
    );
    assert_eq!((logon.user.as_deref(), logon.domain.as_deref()), (Some("Anna"), Some("EXAMPLE")));
    assert_eq!((logon.process.id, logon.parent.id), (Some(0x1a4), Some(0x10)), "hexadecimal there");
    assert_eq!(logon.source_ip.as_deref(), Some("192.0.2.7"));
}

#[test]
fn what_decoders_found_is_text_and_lists_stay_lists() {
    let found = alert(&json!({
        "rule": { "description": "no level is written where it is none" },
        "data": { "aws": { "encrypted": "true", "owner": "null", "size": "512", "id": "123456789012.000000" }, "tags": [1, "two"] },
    }));
    assert_eq!(found.rule.as_ref().map(|rule| rule.level), Some(0));
    let text = |path: &str| found.text(path);
    assert_eq!(text("data.aws.encrypted").as_deref(), Some("true"));
    assert_eq!(
        text("data.aws.owner").as_deref(),
        Some("null"),
        "a null that became text cannot be told from that text"
    );
    assert_eq!(text("data.aws.id").as_deref(), Some("123456789012.000000"), "as it was written; `Whole` reads it");
    assert_eq!((text("data.aws"), text("data.aws.size.x"), text("data.tags")), (None, None, None));
    assert_eq!(found.document.pointer("/data/tags"), Some(&json!([1, "two"])));
}

#[test]
fn the_same_alert_in_the_file_and_in_the_indexer_has_one_key() {
    let line = r#"{"timestamp":"2026-05-01T12:00:00.123+0200","rule":{"level":5,"id":"5710"},"agent":{"id":"001","name":"web1"},"manager":{"name":"m"},"id":"1777629600.9","cluster":{"name":"wazuh","node":"n1"},"data":{"srcip":"192.0.2.7"}}"#;
    // What Filebeat and the pipeline add, in the order in which they leave it.
    let document = r#"{"input":{"type":"log"},"agent":{"name":"web1","id":"001"},"manager":{"name":"m"},"data":{"srcip":"192.0.2.7"},"rule":{"level":5,"id":"5710"},"@timestamp":"2026-05-01T10:00:00.123Z","id":"1777629600.9","cluster":{"node":"n1","name":"wazuh"},"GeoLocation":{"country_name":"X","location":{"lat":1.0,"lon":2.0}},"timestamp":"2026-05-01T12:00:00.123+0200"}"#;
    assert_eq!(Key::of(line.as_bytes()), Key::of(document.as_bytes()));
    let (written, indexed) = (Alert::parse(line.as_bytes()).unwrap(), Alert::parse(document.as_bytes()).unwrap());
    assert_eq!(written.key(line.as_bytes()), indexed.key(document.as_bytes()));
    assert_eq!(indexed.text("GeoLocation.country_name").as_deref(), Some("X"));
    assert_eq!((written.timestamp, written.rule, written.agent), (indexed.timestamp, indexed.rule, indexed.agent));
}

#[test]
fn a_windows_event_may_lack_anything_and_what_has_no_name_is_kept() {
    let event = alert(&json!({ "data": { "win": {
        "system": { "eventID": "1102", "channel": "Security", "systemTime": "2026-05-01T10:00:00.1Z" },
        "eventdata": { "data": "one, two" },
        "logFileCleared": { "subjectUserName": "anna" },
    } } }));
    let windows = event.windows().unwrap();
    assert_eq!((windows.event_id, windows.user.as_ref(), windows.process.image.as_ref()), (Some(1102), None, None));
    assert_eq!(event.text("data.win.eventdata.data").as_deref(), Some("one, two"));
    assert_eq!(event.text("data.win.logFileCleared.subjectUserName").as_deref(), Some("anna"));
    assert!(alert(&json!({ "data": { "win": {} } })).windows().is_some(), "as empty as it may be, it is one");
}
