//! The audit log at a log collector: rsyslog, as Debian has it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Stage;

/// rsyslog in a folder of its own, on a port of loopback.
struct Rsyslog {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
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
        let text = format!(
            "global(workDirectory=\"{}\" defaultNetstreamDriverCAFile=\"{cert}\" defaultNetstreamDriverCertFile=\"{cert}\" \
             defaultNetstreamDriverKeyFile=\"{}\")\n{}\n\
             template(name=\"plain\" type=\"string\" string=\"%syslogfacility-text%.%syslogseverity-text% %app-name% %msgid% %msg%\\n\")\n\
             action(type=\"omfile\" file=\"{}\" template=\"plain\" asyncWriting=\"off\" flushOnTXEnd=\"on\")\n",
            folder.path().display(),
            at("key.pem"),
            input.replace("PORT", &port.to_string()),
            at("got.log"),
            cert = at("cert.pem"),
        );
        std::fs::write(at("rsyslog.conf"), text).unwrap();
        Self { folder, port, process: None }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self) {
        let (conf, pid) = (self.file("rsyslog.conf"), self.file("pid"));
        let mut command = Command::new("/usr/sbin/rsyslogd");
        command.arg("-n").arg("-f").arg(conf).arg("-i").arg(pid).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(command.spawn().unwrap());
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        let _ = std::fs::remove_file(self.file("pid"));
    }

    /// What it got: what stands before the JSON, and that.
    fn got(&self) -> Vec<(String, Value)> {
        let text = std::fs::read_to_string(self.file("got.log")).unwrap_or_default();
        let line = |line: &str| {
            let (head, json) = line.split_at(line.find('{')?);
            Some((head.trim().to_owned(), serde_json::from_str(json).ok()?))
        };
        text.lines().filter_map(line).collect()
    }

    /// Waits until it has every entry that the core has.
    async fn has_all(&self, stage: &mut Stage) -> Vec<(String, Value)> {
        let newest = stage.get("/audit").await["entries"][0]["id"].as_i64().unwrap();
        wait(|| self.got().iter().any(|(_, entry)| entry["id"] == newest)).await;
        self.got()
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until it is so.
async fn wait(mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
    let mut rsyslog = Rsyslog::new(
        "module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"PORT\")",
    );
    let url = format!("tls://localhost:{}", rsyslog.port);
    let mut stage = stage(&url, Some(&rsyslog.file("cert.pem"))).await;
    client(&mut stage, "Zoë <13>1 😀").await;
    // Nobody is there: the health page says so, and nothing is lost.
    let core = stage.running.as_ref().unwrap().core.clone();
    wait(|| core.collector_trouble().is_some()).await;
    let warnings = stage.get("/health").await["warnings"].to_string();
    assert!(warnings.contains("does not reach the log collector"), "{warnings}");

    rsyslog.start();
    let got = rsyslog.has_all(&mut stage).await;
    assert_eq!(got[0].0, "audit.notice socme authority.create");
    wait(|| core.collector_trouble().is_none()).await;
    for round in 0..3 {
        rsyslog.stop();
        client(&mut stage, &format!("while away {round}")).await;
        rsyslog.start();
        client(&mut stage, &format!("back {round}")).await;
        rsyslog.has_all(&mut stage).await;
    }
    let mut got: Vec<i64> = rsyslog.got().iter().map(|(_, entry)| entry["id"].as_i64().unwrap()).collect();
    got.dedup();
    assert!(got.is_sorted(), "{got:?}");
    let newest = stage.get("/audit").await["entries"][0]["id"].as_i64().unwrap();
    assert_eq!(got, (1..=newest).collect::<Vec<_>>(), "each, from the first on");
    let names: Vec<_> = rsyslog.got().into_iter().map(|(_, entry)| entry["subject"].clone()).collect();
    assert!(names.contains(&json!("Zoë <13>1 😀")), "{names:?}");
    stage.stop().await;
}

#[tokio::test]
async fn it_is_not_told_to_a_collector_that_shows_another_certificate() {
    let mut rsyslog = Rsyslog::new(
        "module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"PORT\")",
    );
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(rsyslog.file("other.pem"), other.cert.pem()).unwrap();
    rsyslog.start();
    let url = format!("tls://localhost:{}", rsyslog.port);
    let stage = stage(&url, Some(&rsyslog.file("other.pem"))).await;
    let core = stage.running.as_ref().unwrap().core.clone();
    wait(|| core.collector_trouble().is_some_and(|why| why.contains("certificate"))).await;
    assert!(rsyslog.got().is_empty());
    stage.stop().await;
}

#[tokio::test]
async fn by_tcp_and_by_udp_it_arrives_too() {
    for (scheme, module) in [("tcp", "imtcp"), ("udp", "imudp")] {
        let input = format!("module(load=\"{module}\")\ninput(type=\"{module}\" address=\"127.0.0.1\" port=\"PORT\")");
        let mut rsyslog = Rsyslog::new(&input);
        let mut stage = stage(&format!("{scheme}://127.0.0.1:{}", rsyslog.port), None).await;
        rsyslog.start();
        // By udp what is sent before it listens is gone.
        let begun = Instant::now();
        while rsyslog.got().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{scheme}: nothing came");
            client(&mut stage, &format!("{scheme} {:?}", begun.elapsed())).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        rsyslog.has_all(&mut stage).await;
        stage.stop().await;
    }
}
