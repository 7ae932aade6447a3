//! The shipped logrotate file, with a real Suricata and a real logrotate.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sensor::{run, shipped, socme};

/// A Suricata that reads every capture file put into a folder.
struct Suricata(Child);

impl Suricata {
    fn start(home: &Path) -> Self {
        std::fs::create_dir(home.join("captures")).unwrap();
        let mut command = Command::new("suricata");
        command.arg("-c").arg(shipped("suricata/suricata.yaml")).arg("-S").arg(shipped("suricata/socme.rules"));
        command
            .args(["--set", "vars.address-groups.HOME_NET=[10.21.0.0/16]", "--pidfile"])
            .arg(home.join("suricata.pid"));
        command
            .arg("-l")
            .arg(home)
            .arg("-r")
            .arg(home.join("captures"))
            .args(["--pcap-file-continuous", "--pcap-file-delete"]);
        command.args(["--set", "pcap-file.delay=1", "--set", "pcap-file.poll-interval=1"]);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Suricata {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn alerts(file: &Path) -> usize {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter(|line| line.contains("\"event_type\":\"alert\"")).count()
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn suricata_goes_on_in_a_new_file_and_no_line_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let (live, rotated) = (home.join("eve.json"), home.join("eve.json.1"));
    let capture = |name: &str| {
        let file = home.join("captures").join(name);
        run(socme().args(["demo-traffic", "capture", "--scenario", "sqlmap", "--out"]).arg(file));
    };
    // The shipped file, for this folder instead of Debian's.
    let text = std::fs::read_to_string(shipped("packaging/suricata/logrotate")).unwrap();
    let here = home.to_str().unwrap();
    let text = text.replace("/var/log/suricata", here).replace("/run/suricata.pid", &format!("{here}/suricata.pid"));
    let config = home.join("logrotate.conf");
    std::fs::write(&config, text).unwrap();

    let _suricata = Suricata::start(home);
    capture("1.pcap");
    wait("the first alert", || alerts(&live) == 1);
    run(Command::new("logrotate").arg("--force").arg("--state").arg(home.join("state")).arg(&config));
    assert_eq!(alerts(&rotated), 1, "the old file was renamed");
    wait("a new file", || live.exists());
    capture("2.pcap");
    wait("the second alert", || alerts(&live) == 1);
    assert_eq!(alerts(&rotated), 1, "nothing more went to the old file");
}
