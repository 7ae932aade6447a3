//! What somebody should look at, of the core itself: the health page shows it, and alarms of the client «SOC» say it.

use jiff::Timestamp;
use wire::{Alert, Severity};

use crate::silence::alarm;
use crate::state::Core;

/// Less disk than this is a warning: bytes, and share.
const LOW_DISK: (u64, f64) = (1 << 30, 0.05);
/// A certificate of people's that ends within so many days is a warning.
const SOON: f64 = 14.0;

/// Something to look at.
pub(crate) struct Warning {
    /// A word for it.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) mend: &'static str,
}

impl Warning {
    /// The alarm that says it.
    pub(crate) fn alarm(&self, now: Timestamp) -> Alert {
        let severity = if self.code == "certificate" { Severity::Medium } else { Severity::High };
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let (id, message) = (format!("core-{}", self.code), format!("{} {}", self.what, self.mend));
        alarm(&id, "The core needs a look", severity, &message, &host, now)
    }
}

/// Bytes free, and in all, of the disk that the database is on; none if it cannot be asked.
pub(crate) fn disk(core: &Core) -> (u64, u64) {
    rustix::fs::statvfs(&core.config.data)
        .map_or((0, 0), |found| (found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize))
}

/// Certificates by name, and their ends.
pub(crate) fn certificates(core: &Core) -> Vec<(&'static str, Timestamp)> {
    let mut found = vec![("authority", core.authorities().ends), ("nodes", core.nodes_certificate.ends())];
    found.extend(core.people_tls.as_ref().map(|tls| ("people", tls.ends())));
    found
}

/// Days until then.
pub(crate) fn days(end: Timestamp, now: Timestamp) -> f64 {
    end.duration_since(now).as_secs_f64() / 86_400.0
}

/// What is wrong now.
pub(crate) fn warnings(core: &Core) -> Vec<Warning> {
    let ((free, total), now) = (disk(core), core.now());
    let mut found = Vec::new();
    let mut warn = |code, what: String, mend| found.push(Warning { code, what, mend });
    if total > 0 && (free < LOW_DISK.0 || (free as f64) < total as f64 * LOW_DISK.1) {
        let what = format!("Only {} MB are free on the core's disk.", free / 1_000_000);
        warn("disk", what, "Free some space, or set retention.max_bytes lower.");
    }
    for (name, end) in certificates(core).into_iter().filter(|(name, _)| *name != "nodes") {
        if days(end, now) < SOON {
            let what = format!("The certificate «{name}» ends {end:.0}.");
            warn("certificate", what, "Put a new one in its place; it is read without a restart.");
        }
    }
    if core.nodes_certificate.ends() < now {
        let what = "The certificate of the listener for nodes has expired.".to_owned();
        warn("nodes-certificate", what, "Look at the core's log: issuing a new one fails. Restart the core.");
    }
    if let Some(why) = core.people_tls.as_ref().and_then(crate::listener::PeopleTls::broken) {
        let what = format!("The certificate files on the disk cannot be used: {why}");
        warn("tls-files", what, "Mend them; the old certificate is in use meanwhile.");
    }
    if let Some(why) = core.collector.borrow().as_deref() {
        let what = format!("The audit log does not reach the log collector: {why}");
        warn("collector", what, "Look after audit.syslog; what was not sent is sent then.");
    }
    found
}
