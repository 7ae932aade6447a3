//! A source: is its file there, may the node read it, is it written, and does it hold what it should?

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use wire::status::{SourceState, SourceStatus};

use super::finding::{AS_ROOT, Check, Finding};
use super::lines::End;
use super::{Node, rights, suricata};
use crate::config::{Kind, SourceConfig};
use crate::status::{size, span};

/// How the heading of a source begins.
pub(super) const SOURCE: &str = "Source ";
/// A file that was written within so many seconds is being written; an older one is watched for so long.
const FRESH: u64 = 60;
const WATCH: Duration = Duration::from_secs(5);
/// A node that runs for less than so many seconds may not have opened its sources yet.
const STARTING: i64 = 5;
/// So many of the last lines are read.
const LINES: usize = 20;

/// Everything about one source.
pub(super) fn look(node: &Node, source: &SourceConfig) -> Vec<Finding> {
    let (path, group) = (&source.path, format!("{SOURCE}{}", source.name));
    let file = Check::of(&group, "source-file");
    let shown = path.display();
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return vec![file.unknown(format!("{shown} may not be seen by this user"), AS_ROOT)];
        }
        Err(error) => {
            let missing = error.kind() == ErrorKind::NotFound;
            let why = if missing { " is not there".to_owned() } else { format!(": {error}") };
            let mut findings = vec![file.wrong(format!("{shown}{why}"), absent(source.kind))];
            if source.kind == Kind::Suricata {
                findings.push(suricata::process(path, false, &group).0);
            }
            return findings;
        }
    };
    if !found.is_file() {
        return vec![
            file.wrong(format!("{shown} is not a file of lines"), "correct source.path in /etc/socme/node.toml"),
        ];
    }
    let age = watch(path, &found);
    let end = End::read(path);
    let mut findings = vec![
        file.fine(format!("{shown} is there, {}", size(found.len()))),
        rights::look(node, path, &group),
        writing(source.kind, age, &group),
        match &end {
            Ok(end) => content(source.kind, end, &group),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Check::of(&group, "source-content").unknown(format!("{shown} may not be read by this user"), AS_ROOT)
            }
            Err(error) => Check::of(&group, "source-content").wrong(format!("{shown}: {error}"), "does the disk work?"),
        },
        reading(node, source, &group),
    ];
    if source.kind == Kind::Suricata {
        findings.extend(suricata::look(node, path, end.ok().as_ref(), age <= FRESH, &group));
    }
    findings
}

fn absent(kind: Kind) -> &'static str {
    match kind {
        Kind::Suricata => {
            "sudo systemctl enable --now suricata; eve-log must be enabled in /etc/suricata/suricata.yaml"
        }
        Kind::Wazuh | Kind::WazuhIndexer => {
            "sudo systemctl status wazuh-manager; <jsonout_output> must be yes in /var/ossec/etc/ossec.conf"
        }
    }
}

/// Seconds since it was last written: 0 if it grows while it is watched.
fn watch(path: &Path, before: &Metadata) -> u64 {
    let age = |found: &Metadata| found.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    let seconds = age(before).unwrap_or_default().as_secs();
    let end = Instant::now() + WATCH;
    while seconds > FRESH && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
        if fs::metadata(path).is_ok_and(|now| now.len() != before.len()) {
            return 0;
        }
    }
    seconds
}

/// Suricata writes its figures every few seconds. Wazuh may have nothing to tell for hours.
fn writing(kind: Kind, age: u64, group: &str) -> Finding {
    let check = Check::of(group, "source-writing");
    let ago = span(i64::try_from(age).unwrap_or(i64::MAX));
    let says = format!("nothing was written to it for {ago}");
    match (kind, age) {
        (_, 0..=FRESH) => check.fine(format!("it is being written, last {ago} ago")),
        (Kind::Suricata, 3_600..) => {
            check.wrong(says, "sudo systemctl restart suricata; sudo tail /var/log/suricata/suricata.log says why")
        }
        (Kind::Suricata, 120..) => check.warning(says, "does Suricata get the traffic? sudo systemctl status suricata"),
        (Kind::Wazuh, 86_400..) => check.warning(
            says,
            "sudo systemctl status wazuh-manager; a failed sign-in on a watched host must raise an alert",
        ),
        _ => check.fine(format!("last written {ago} ago")),
    }
}

/// Whether the last lines are what this source writes.
fn content(kind: Kind, end: &End, group: &str) -> Finding {
    let check = Check::of(group, "source-content");
    let lines: Vec<Option<Kind>> = end.lines().take(LINES).map(kind_of).collect();
    let right = lines.iter().filter(|found| **found == Some(kind)).count();
    let what = match kind {
        Kind::Suricata => "EVE records of Suricata",
        Kind::Wazuh | Kind::WazuhIndexer => "alerts of Wazuh",
    };
    if lines.is_empty() {
        return check.not_applicable("it holds no whole line yet");
    }
    if right == lines.len() {
        return check.fine(format!("its last {right} lines are {what}"));
    }
    if right > 0 {
        let says = format!("{} of its last {} lines are not {what}", lines.len() - right, lines.len());
        return check.warning(
            says,
            "does another program write to the same file? sudo socme node status shows the last bad line",
        );
    }
    let mend = match (kind, lines.iter().flatten().next()) {
        (_, Some(Kind::Suricata)) => {
            "they are Suricata's: write kind = \"suricata\" for this source in /etc/socme/node.toml"
        }
        (_, Some(Kind::Wazuh | Kind::WazuhIndexer)) => {
            "they are Wazuh's: write kind = \"wazuh\" for this source in /etc/socme/node.toml"
        }
        (Kind::Suricata, None) => {
            "correct source.path in /etc/socme/node.toml: it must be the file of eve-log, with filetype: regular"
        }
        (Kind::Wazuh | Kind::WazuhIndexer, None) => {
            "correct source.path in /etc/socme/node.toml: it must be alerts.json, not alerts.log"
        }
    };
    check.wrong(format!("its last lines are not {what}"), mend)
}

/// Who writes such a line.
fn kind_of(line: &[u8]) -> Option<Kind> {
    let value: Value = serde_json::from_slice(line).ok()?;
    match () {
        () if value.get("event_type").is_some_and(Value::is_string) => Some(Kind::Suricata),
        () if value.get("rule").is_some_and(Value::is_object) => Some(Kind::Wazuh),
        () => None,
    }
}

/// What the node that runs says of it.
fn reading(node: &Node, source: &SourceConfig, group: &str) -> Finding {
    let check = Check::of(group, "source-reading");
    let Some(status) = node.status.as_ref().filter(|_| node.runs) else {
        return check.not_applicable("no node runs that would read it");
    };
    match status.sources.get(&source.name) {
        None => check.warning(
            "the node that runs does not read it: it has not seen this setting yet",
            "sudo systemctl restart socme-node",
        ),
        // Its first status is written before it has looked.
        Some(source)
            if source.state == SourceState::Missing
                && status.now.duration_since(status.started).as_secs() < STARTING =>
        {
            check.not_applicable("the node has just started: look again in half a minute")
        }
        Some(source) => judge(source, &check),
    }
}

fn judge(status: &SourceStatus, check: &Check) -> Finding {
    let behind = format!("the node is behind by {} and {}", size(status.lag_bytes), span(status.lag_seconds as i64));
    match status.state {
        SourceState::Paused => check.wrong("the node does not read on: its spool or its disk is full", "mend what is said about the core and the disk"),
        SourceState::Failed => {
            let why = status.error.as_deref().unwrap_or("it cannot be read");
            check.wrong(format!("the node says: {why}"), "sudo systemctl restart socme-node: it has the groups that its user had when it started")
        }
        SourceState::Missing => check.warning("the node does not see it", "sudo systemctl restart socme-node"),
        SourceState::Live | SourceState::Behind if status.gaps > 0 => check.warning(
            format!("{} pieces of it were gone before the node could read them", status.gaps),
            "keep more rotated files, and rotate by renaming: sudo cp /usr/share/socme/suricata/logrotate /etc/logrotate.d/suricata",
        ),
        SourceState::Live | SourceState::Behind if status.lag_bytes > 0 && status.lag_seconds > 60.0 => {
            check.warning(behind, "if that grows, sudo socme node status and sudo journalctl -u socme-node say why")
        }
        SourceState::Live | SourceState::Behind => {
            check.fine(format!("the node has read {} events of it, {} of them alerts", status.events, status.alerts))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use std::io::Write as _;

    fn end(text: &str) -> End {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        End::read(file.path()).unwrap()
    }

    #[test]
    fn lines_tell_who_wrote_them() {
        let (eve, wazuh) = ("{\"event_type\":\"flow\"}\n", "{\"rule\":{\"id\":\"5\"}}\n");
        let state = |kind, text: &str| content(kind, &end(text), "x").state;
        assert_eq!(state(Kind::Suricata, eve), State::Fine);
        assert_eq!(state(Kind::Wazuh, wazuh), State::Fine);
        assert_eq!(state(Kind::Suricata, &format!("{eve}garbage\n")), State::Warning);
        assert_eq!(state(Kind::Suricata, "half a li"), State::NotApplicable);
        assert_eq!(state(Kind::Suricata, "[1]\nfast.log\n"), State::Wrong);
        let mixed_up = content(Kind::Suricata, &end(wazuh), "x");
        assert!(mixed_up.mend.unwrap().contains("kind = \"wazuh\""));
    }

    #[test]
    fn a_quiet_suricata_is_worse_than_a_quiet_wazuh() {
        let state = |kind, age| writing(kind, age, "x").state;
        assert_eq!(
            [5, 119, 120, 3_600].map(|age| state(Kind::Suricata, age)),
            [State::Fine, State::Fine, State::Warning, State::Wrong]
        );
        assert_eq!([5, 3_600, 86_400].map(|age| state(Kind::Wazuh, age)), [State::Fine, State::Fine, State::Warning]);
    }

    #[test]
    fn a_file_that_is_written_now_is_not_watched_and_one_that_grows_is_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let before = fs::metadata(file.path()).unwrap();
        let started = Instant::now();
        assert!(watch(file.path(), &before) <= 1);
        assert!(started.elapsed() < WATCH);
        let hour = SystemTime::now() - Duration::from_secs(3_600);
        file.as_file().set_modified(hour).unwrap();
        let old = fs::metadata(file.path()).unwrap();
        file.as_file().write_all(b"x").unwrap();
        assert_eq!(watch(file.path(), &old), 0);
    }

    #[test]
    fn what_the_node_says_of_it_counts() {
        let check = Check::new("x", "source-reading");
        let mut status = SourceStatus {
            module: wire::alert::Source::Suricata,
            path: String::new(),
            state: SourceState::Live,
            lag_bytes: 0,
            lag_seconds: 0.0,
            events: 5,
            alerts: 1,
            last_event: None,
            bad_lines: 0,
            bad_sample: None,
            long_lines: 0,
            gaps: 0,
            error: None,
        };
        assert_eq!(judge(&status, &check).state, State::Fine);
        (status.lag_bytes, status.lag_seconds) = (1, 61.0);
        assert_eq!(judge(&status, &check).state, State::Warning);
        status.state = SourceState::Failed;
        assert_eq!(judge(&status, &check).state, State::Wrong);
    }
}
