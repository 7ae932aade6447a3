//! The audit log at a log collector: rsyslog, as Debian has it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::unix::pipe;
use tokio::time::timeout;

use super::Stage;

const LONGEST: Duration = Duration::from_secs(60);

/// How it listens, enciphered.
const TLS: &str = "module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\")\n\
                   input(type=\"imtcp\" address=\"127.0.0.1\" port=\"PORT\")";

/// rsyslog in a folder of its own, on a port of loopback; what it gets comes through a pipe.
struct Rsyslog {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
    lines: Lines<BufReader<pipe::Receiver>>,
    /// What it got: what stands before the JSON, and that.
    got: Vec<(String, Value)>,
}

impl Rsyslog {
    /// A collector that does not run yet. `input` is how it listens.
    fn new(input: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let at = |file: &str| folder.path().join(file).display().to_string();
        std::fs::write(at("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(at("key.pem"), made.signing_key.serialize_pem()).unwrap();
        mkfifoat(CWD, at("got"), Mode::RUSR | Mode::WUSR).unwrap();
        // Open for writing too, so that the pipe outlives whoever writes into it.
        let pipe = pipe::OpenOptions::new().read_write(true).open_receiver(at("got")).unwrap();
        let text = format!(
            "global(processInternalMessages=\"on\" workDirectory=\"{}\" defaultNetstreamDriverCAFile=\"{cert}\" defaultNetstreamDriverCertFile=\"{cert}\" \
             defaultNetstreamDriverKeyFile=\"{}\")\n{}\n\
             template(name=\"plain\" type=\"string\" string=\"%syslogfacility-text%.%syslogseverity-text% %app-name% %msgid% %msg%\\n\")\n\
             action(type=\"ompipe\" pipe=\"{}\" template=\"plain\")\n",
            folder.path().display(),
            at("key.pem"),
            input.replace("PORT", &port.to_string()),
            at("got"),
            cert = at("cert.pem"),
        );
        std::fs::write(at("rsyslog.conf"), text).unwrap();
        Self { folder, port, process: None, lines: BufReader::new(pipe).lines(), got: Vec::new() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it, and waits until it says that it listens.
    async fn start(&mut self) {
        let (conf, pid) = (self.file("rsyslog.conf"), self.file("pid"));
        let mut command = Command::new("/usr/sbin/rsyslogd");
        command.arg("-n").arg("-f").arg(conf).arg("-i").arg(pid).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(command.spawn().unwrap());
        while !self.line().await.contains("] start") {}
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        let _ = std::fs::remove_file(self.file("pid"));
    }

    async fn line(&mut self) -> String {
        let line = timeout(LONGEST, self.lines.next_line()).await.expect("nothing came").unwrap().unwrap();
        if let Some((head, json)) = line.find('{').map(|at| line.split_at(at)) {
            self.got.push((head.trim().to_owned(), serde_json::from_str(json).unwrap()));
        }
        line
    }

    /// Waits until it has every entry that the core has.
    async fn has_all(&mut self, stage: &mut Stage) {
        let newest = stage.get("/audit").await["entries"][0]["id"].as_i64().unwrap();
        while self.got.last().is_none_or(|(_, entry)| entry["id"].as_i64() < Some(newest)) {
            self.line().await;
        }
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until the core says this of its collector.
async fn trouble(stage: &Stage, so: impl FnMut(&Option<String>) -> bool) {
    let mut heard = stage.running.as_ref().unwrap().core.collector.subscribe();
    timeout(LONGEST, heard.wait_for(so)).await.expect("it never came").unwrap();
}

async fn client(stage: &mut Stage, name: &str) {
    assert_eq!(stage.ask("POST", "/clients", Some(json!({"name": name}))).await.0, 201);
}

async fn stage(url: &str, ca: Option<&Path>) -> Stage {
    let ca = ca.map_or(String::new(), |ca| format!("syslog_ca = {ca:?}"));
    Stage::with(&format!("[audit]\nsyslog = '{url}'\n{ca}\n")).await
}

#[tokio::test]
async fn a_collector_that_was_away_gets_every_entry_in_its_order() {
    let mut rsyslog = Rsyslog::new(TLS);
    let url = format!("tls://localhost:{}", rsyslog.port);
    let mut stage = stage(&url, Some(&rsyslog.file("cert.pem"))).await;
    client(&mut stage, "Zoë <13>1 😀").await;
    // Nobody is there: the health page says so, and nothing is lost.
    trouble(&stage, Option::is_some).await;
    let warnings = stage.get("/health").await["warnings"].to_string();
    assert!(warnings.contains("does not reach the log collector"), "{warnings}");

    rsyslog.start().await;
    rsyslog.has_all(&mut stage).await;
    assert_eq!(rsyslog.got[0].0, "audit.notice socme authority.create");
    trouble(&stage, Option::is_none).await;
    for round in 0..3 {
        rsyslog.stop();
        client(&mut stage, &format!("while away {round}")).await;
        rsyslog.start().await;
        client(&mut stage, &format!("back {round}")).await;
        rsyslog.has_all(&mut stage).await;
    }
    let mut got: Vec<i64> = rsyslog.got.iter().map(|(_, entry)| entry["id"].as_i64().unwrap()).collect();
    // A batch whose end was not heard of comes again; each entry comes in its order for the first time.
    let mut seen = std::collections::BTreeSet::new();
    got.retain(|id| seen.insert(*id));
    assert!(got.is_sorted(), "{got:?}");
    let newest = stage.get("/audit").await["entries"][0]["id"].as_i64().unwrap();
    assert_eq!(got, (1..=newest).collect::<Vec<_>>(), "each, from the first on");
    assert!(rsyslog.got.iter().any(|(_, entry)| entry["subject"] == "Zoë <13>1 😀"));
    stage.stop().await;
}

#[tokio::test]
async fn it_is_not_told_to_a_collector_that_shows_another_certificate() {
    let mut rsyslog = Rsyslog::new(TLS);
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(rsyslog.file("other.pem"), other.cert.pem()).unwrap();
    rsyslog.start().await;
    let url = format!("tls://localhost:{}", rsyslog.port);
    let stage = stage(&url, Some(&rsyslog.file("other.pem"))).await;
    trouble(&stage, |why| why.as_ref().is_some_and(|why| why.contains("certificate"))).await;
    assert!(rsyslog.got.is_empty());
    stage.stop().await;
}

#[tokio::test]
async fn by_tcp_and_by_udp_it_arrives_too() {
    for (scheme, module) in [("tcp", "imtcp"), ("udp", "imudp")] {
        let input = format!("module(load=\"{module}\")\ninput(type=\"{module}\" address=\"127.0.0.1\" port=\"PORT\")");
        let mut rsyslog = Rsyslog::new(&input);
        rsyslog.start().await;
        let mut stage = stage(&format!("{scheme}://127.0.0.1:{}", rsyslog.port), None).await;
        client(&mut stage, scheme).await;
        rsyslog.has_all(&mut stage).await;
        stage.stop().await;
    }
}
