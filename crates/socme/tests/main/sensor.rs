//! Suricata, as the tests use it. They need it: a missing one is a failure, never a silent pass.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The program under test.
pub(crate) fn socme() -> Command {
    Command::new(env!("CARGO_BIN_EXE_socme"))
}

/// A file of the repository.
pub(crate) fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> String {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}. Is everything installed? `make setup`"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

/// What Suricata with the shipped rules says to a capture file.
pub(crate) fn read(capture: &Path) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let mut suricata = Command::new("suricata");
    suricata.arg("-c").arg(shipped("suricata/suricata.yaml")).arg("-S").arg(shipped("suricata/socme.rules"));
    suricata
        .args(["--set", "vars.address-groups.HOME_NET=[10.21.0.0/16]", "-l"])
        .arg(folder.path())
        .arg("-r")
        .arg(capture);
    run(&mut suricata);
    let eve = std::fs::read_to_string(folder.path().join("eve.json")).unwrap();
    eve.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How often each rule fired.
pub(crate) fn fired(events: &[Value]) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for rule in events.iter().filter_map(|e| e["alert"]["signature_id"].as_u64()) {
        *counts.entry(rule).or_default() += 1;
    }
    counts
}
