//! An EVE file as Suricata writes it: 8 % of its lines are alerts.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::dice::Dice;

pub fn generate(path: &Path, lines: u64) {
    let mut dice = Dice(8);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).expect("create"));
    let start = jiff::Timestamp::now();
    for n in 0..lines {
        let time = start + jiff::SignedDuration::from_micros(i64::try_from(n).expect("small") * 100);
        let time = time.strftime("%Y-%m-%dT%H:%M:%S.%6f+0000");
        let (a, b, port, flow) = (dice.below(250), dice.below(60), 1024 + dice.below(60_000), dice.roll() >> 11);
        let head = format!(r#"{{"timestamp":"{time}","flow_id":{flow},"in_iface":"eth1""#);
        let ends = format!(r#""src_ip":"10.1.0.{a}","src_port":{port},"dest_ip":"10.2.0.{b}","dest_port":443"#);
        match dice.below(100) {
            0..8 => {
                let sid = 2_000_000 + dice.below(40);
                writeln!(out, r#"{head},"event_type":"alert",{ends},"proto":"TCP","pkt_src":"wire/pcap","alert":{{"action":"allowed","gid":1,"signature_id":{sid},"rev":7,"signature":"ET SCAN signature number {sid} of the benchmark","category":"Attempted Information Leak","severity":2,"metadata":{{"signature_severity":["Major"],"created_at":["2010_07_30"]}}}},"http":{{"hostname":"shop.example","url":"/item.php?id={port}","http_user_agent":"sqlmap/1.7","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":512}},"app_proto":"http","direction":"to_server","flow":{{"pkts_toserver":4,"pkts_toclient":3,"bytes_toserver":900,"bytes_toclient":1337,"start":"{time}"}},"payload_printable":"GET /item.php?id={port} HTTP/1.1\\r\\nHost: shop.example\\r\\n\\r\\n"}}"#)
            }
            8..45 => writeln!(out, r#"{head},"event_type":"flow",{ends},"proto":"TCP","app_proto":"tls","flow":{{"pkts_toserver":9,"pkts_toclient":8,"bytes_toserver":1444,"bytes_toclient":5120,"start":"{time}","end":"{time}","age":3,"state":"closed","reason":"timeout","alerted":false}},"tcp":{{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}}}"#),
            45..75 => writeln!(out, r#"{head},"event_type":"dns",{ends},"proto":"UDP","pkt_src":"wire/pcap","dns":{{"version":2,"type":"answer","id":{port},"flags":"8180","qr":true,"rd":true,"ra":true,"opcode":0,"rrname":"host-{a}.example","rrtype":"A","rcode":"NOERROR","answers":[{{"rrname":"host-{a}.example","rrtype":"A","ttl":300,"rdata":"192.0.2.{b}"}}]}}}}"#),
            75..90 => writeln!(out, r#"{head},"event_type":"tls",{ends},"proto":"TCP","pkt_src":"wire/pcap","tls":{{"sni":"www-{b}.example","version":"TLS 1.3","ja3":{{"hash":"{flow:032x}"}},"ja3s":{{"hash":"{flow:032x}"}}}}}}"#),
            _ => writeln!(out, r#"{head},"event_type":"http",{ends},"proto":"TCP","pkt_src":"wire/pcap","tx_id":0,"http":{{"hostname":"www.example","url":"/page/{port}","http_user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)","http_content_type":"text/html","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":{port}}}}}"#),
        }
        .expect("write");
    }
}
