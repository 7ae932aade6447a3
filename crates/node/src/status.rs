//! `socme node status`: what the node last wrote about itself.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use wire::shown;
use wire::status::{SourceState, Status};

use crate::identity::write_whole;

/// The file's length is a multiple of this, in bytes.
const ROOM: usize = 8 * 1024;

/// Where the status is.
#[must_use]
pub fn path(data: &Path) -> PathBuf {
    data.join("status.json")
}

/// Writes the status for `socme node status`. On a full disk it goes into the room that the one before has.
///
/// # Errors
/// When the disk does not work, for example.
pub fn write(data: &Path, status: &Status) -> std::io::Result<()> {
    let path = path(data);
    let mut json = serde_json::to_vec(status)?;
    // Blanks, so that a longer one fits in its place.
    json.resize((json.len() + ROOM / 2).next_multiple_of(ROOM), b' ');
    match write_whole(&path, &json, 0o640) {
        Err(error) if error.kind() == ErrorKind::StorageFull => {
            let _ = std::fs::remove_file(path.with_extension("new"));
            OpenOptions::new().write(true).open(&path)?.write_all(&json)
        }
        done => done,
    }
}

/// Reads what was last written.
///
/// # Errors
/// When there is none.
pub fn read(data: &Path) -> std::io::Result<Status> {
    Ok(serde_json::from_slice(&std::fs::read(path(data))?)?)
}

/// Everything that is wrong, each with its mend; empty if all is well.
#[must_use]
pub fn wrong(status: &Status, now: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    let age = now.duration_since(status.now).as_secs();
    if age > 120 {
        found.push(format!(
            "the node last wrote its status {} ago: is it running? `systemctl status socme-node`",
            span(age)
        ));
    }
    for (name, source) in &status.sources {
        match (&source.error, source.state) {
            (Some(error), _) => found.push(format!("source {name}: {error}")),
            (None, SourceState::Missing) => found.push(format!("source {name}: {} is not there (yet)", source.path)),
            _ => {}
        }
    }
    found.extend(status.spool.error.iter().map(|error| format!("spool: {error}")));
    found.extend(status.uplink.error.iter().map(|error| format!("core: {error}")));
    if status.uplink.skew_seconds.abs() > 5.0 {
        let skew = status.uplink.skew_seconds;
        found.push(format!(
            "clock: this machine's clock is {:.0} s {} the core's: set up NTP",
            skew.abs(),
            if skew > 0.0 { "behind" } else { "ahead of" }
        ));
    }
    if let Some(suricata) = &status.suricata {
        if suricata.rules_loaded == 0 {
            found.push(
                "Suricata has loaded no rules: it sees nothing. `socme node doctor` says how to install some".into(),
            );
        }
        if suricata.drop_share > 0.01 {
            found.push(format!("Suricata loses {:.1} % of the packets", suricata.drop_share * 100.0));
        }
    }
    found
}

/// The status as a table.
#[must_use]
pub fn table(status: &Status, now: Timestamp) -> String {
    let mut out = String::new();
    let mut row = |name: &str, text: String| {
        out.push_str(&format!("{name:<12} {text}\n"));
    };
    let age = now.duration_since(status.now).as_secs();
    row(
        "node",
        format!(
            "version {}, up {}, status of {} ago",
            status.version,
            span(status.now.duration_since(status.started).as_secs()),
            span(age)
        ),
    );
    let uplink = &status.uplink;
    let address = uplink.address.clone().unwrap_or_default();
    row(
        "core",
        if uplink.connected {
            format!("connected to {}, clock differs by {:.1} s", shown(&address), uplink.skew_seconds)
        } else {
            "not connected".into()
        },
    );
    let days = status.certificate_end.duration_since(now).as_secs() / 86_400;
    row("certificate", format!("ends in {days} days"));
    let spool = &status.spool;
    row(
        "spool",
        format!(
            "{} records to send, oldest {} old, {} of {}",
            spool.depth,
            span(spool.age_seconds as i64),
            size(spool.bytes),
            size(spool.limit)
        ),
    );
    row(
        "rates",
        format!("{:.0} events/s read, {:.1} alerts/s written", status.events_per_second, status.alerts_per_second),
    );
    for (name, source) in &status.sources {
        let state = format!("{:?}", source.state).to_lowercase();
        row(
            &shown(name),
            format!(
                "{state}, {} events, {} alerts, behind by {} and {:.0} s, {} bad lines, {} gaps — {}",
                source.events,
                source.alerts,
                size(source.lag_bytes),
                source.lag_seconds,
                source.bad_lines,
                source.gaps,
                shown(&source.path)
            ),
        );
        if let Some(bad) = &source.bad_sample {
            row("", format!("last bad line: {}", shown(bad)));
        }
    }
    if let Some(s) = &status.suricata {
        row(
            "suricata",
            format!(
                "{} packets, {} dropped ({:.1} % lately), {} rules loaded, {} failed",
                s.packets,
                s.drops,
                s.drop_share * 100.0,
                s.rules_loaded,
                s.rules_failed
            ),
        );
    }
    let m = &status.machine;
    let temperature = m.temperature.map(|t| format!(", {t:.0} °C")).unwrap_or_default();
    row(
        "machine",
        format!(
            "processor {:.0} %, memory {} of {} (node {}), disk {} of {}{temperature}, up {}",
            m.cpu * 100.0,
            size(m.memory_used),
            size(m.memory_total),
            size(m.memory_node),
            size(m.disk_used),
            size(m.disk_total),
            span(i64::try_from(m.uptime).unwrap_or(0))
        ),
    );
    for line in &status.policy {
        row("policy", shown(line));
    }
    for line in wrong(status, now) {
        row("! wrong", shown(&line));
    }
    out
}

/// A number of seconds, in words.
#[must_use]
pub fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}

/// A number of bytes, in words.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1_024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_attackers_does_not_reach_the_terminal_as_commands() {
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
    }
}
