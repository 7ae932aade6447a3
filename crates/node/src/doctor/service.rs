//! The node's service: does it run, and what does it say about its spool and the core.

use std::io::{self, ErrorKind};
use std::path::Path;

use jiff::Timestamp;
use wire::status::Status;

use super::Node;
use super::finding::{AS_ROOT, Check, Finding};
use crate::detected::nobody_listens;
use crate::status::{path, size, span};

const SERVICE: Check = Check::new("Service", "service");
const SPOOL: Check = Check::new("Service", "spool");

/// A status that was not renewed for so many seconds is that of a node that does not run.
const STALE: i64 = 120;
const START: &str =
    "sudo systemctl enable --now socme-node; sudo journalctl -u socme-node says why if it does not stay";

/// One that is older than this is that of a node that reports rarely, or that has just ended.
const QUIET: i64 = 15;

/// Whether the node that wrote a status runs, by its age and by the socket of `socme node tail`.
pub(super) async fn runs(status: &Status, data: &Path, now: Timestamp) -> bool {
    match now.duration_since(status.now).as_secs() {
        STALE.. => false,
        QUIET.. => !nobody_listens(data).await,
        _ => true,
    }
}

/// Whether a node runs, and how its spool is.
pub(super) fn look(node: &Node, error: Option<&io::Error>, enrolled: bool) -> Vec<Finding> {
    let path = path(&node.config.data);
    if let Some(status) = &node.status {
        return judge(status, node.runs, node.now);
    }
    vec![match error.map(io::Error::kind) {
        Some(ErrorKind::PermissionDenied) => {
            SERVICE.unknown(format!("{} may not be read by this user", path.display()), AS_ROOT)
        }
        _ if !enrolled => SERVICE.not_applicable("a node that is not enrolled does not run"),
        Some(ErrorKind::NotFound) | None => SERVICE.wrong("the node does not run, and has not run yet", START),
        Some(_) => {
            SERVICE.wrong(format!("{} cannot be read; the node writes it anew when it runs", path.display()), START)
        }
    }]
}

fn judge(status: &Status, runs: bool, now: Timestamp) -> Vec<Finding> {
    if !runs {
        let age = now.duration_since(status.now).as_secs();
        return vec![SERVICE.wrong(format!("the node does not run: its last word is {} old", span(age)), START)];
    }
    let own = env!("CARGO_PKG_VERSION");
    let up = span(now.duration_since(status.started).as_secs());
    let service = if status.version == own {
        SERVICE.fine(format!("the node runs, for {up} now"))
    } else {
        let says = format!("the node that runs is version {}, installed is {own}", status.version);
        SERVICE.warning(says, "sudo systemctl restart socme-node")
    };
    vec![service, spool(status)]
}

fn spool(status: &Status) -> Finding {
    let spool = &status.spool;
    if let Some(error) = &spool.error {
        return SPOOL.wrong(
            error,
            "mend the core or the disk, whichever stands here as wrong; sudo journalctl -u socme-node says more",
        );
    }
    let kept = format!(
        "{} records to send, the oldest {} old; {} of {}",
        spool.depth,
        span(spool.age_seconds as i64),
        size(spool.bytes),
        size(spool.limit)
    );
    if spool.age_seconds > 300.0 {
        let mend =
            "is the core reached? Then it sends as fast as the core takes; sudo socme node status shows it shrink";
        return SPOOL.warning(kept, mend);
    }
    if spool.refused > 0 {
        let why = spool.refused_why.clone().unwrap_or_default();
        return SPOOL.warning(
            format!("the core refused {} records, the last one because: {why}", spool.refused),
            "please report it",
        );
    }
    SPOOL.fine(kept)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::finding::State;
    use super::*;

    /// What a node writes that has just started.
    pub(in super::super) fn status(now: Timestamp) -> Status {
        Status {
            now,
            version: env!("CARGO_PKG_VERSION").into(),
            started: now,
            sources: Default::default(),
            spool: Default::default(),
            uplink: Default::default(),
            suricata: None,
            machine: Default::default(),
            events_per_second: 0.0,
            alerts_per_second: 0.0,
            certificate_end: now,
            policy: Vec::new(),
            wazuh: None,
            allowed: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_node_runs_while_it_writes_its_status_or_listens() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (status, folder) = (status(at(1_000)), tempfile::tempdir().unwrap());
        let data = folder.path();
        assert!(runs(&status, data, at(1_014)).await);
        assert!(!runs(&status, data, at(1_015)).await);
        let listener = std::os::unix::net::UnixListener::bind(data.join("tail.sock")).unwrap();
        assert!(runs(&status, data, at(1_119)).await);
        assert!(!runs(&status, data, at(1_120)).await);
        drop(listener);
        assert!(!runs(&status, data, at(1_119)).await);
    }

    #[test]
    fn a_node_that_does_not_run_says_how_to_start_it() {
        let status = status(Timestamp::UNIX_EPOCH);
        assert_eq!(judge(&status, true, status.now)[0].state, State::Fine);
        let silent = judge(&status, false, status.now);
        assert_eq!((silent[0].state, silent.len()), (State::Wrong, 1));
        assert!(silent[0].mend.as_ref().unwrap().starts_with("sudo systemctl enable --now socme-node"));
        let older = Status { version: "0.0.1".into(), ..status };
        assert_eq!(judge(&older, true, older.now)[0].state, State::Warning);
    }

    #[test]
    fn a_spool_in_trouble_says_why() {
        let mut status = status(Timestamp::UNIX_EPOCH);
        assert_eq!(spool(&status).state, State::Fine);
        status.spool.age_seconds = 301.0;
        assert_eq!(spool(&status).state, State::Warning);
        status.spool.error = Some("the disk is full".into());
        assert_eq!((spool(&status).state, spool(&status).says.as_str()), (State::Wrong, "the disk is full"));
    }
}
