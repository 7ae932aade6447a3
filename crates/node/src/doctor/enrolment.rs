//! The node's identity: is it there, does it belong to the service's user, how long is its certificate valid.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::Node;
use super::finding::{AS_ROOT, Check, Finding, quoted};
use crate::identity::Identity;
use crate::status::span;
use crate::uplink::renewal;

const ENROLLED: Check = Check::new("Enrolment", "enrolled");
const OWNER: Check = Check::new("Enrolment", "owner");
const CERTIFICATE: Check = Check::new("Enrolment", "certificate");

const ENROL: &str = "press «Add a node» on the core's page of the client, then sudo socme node enrol TOKEN";
/// The same for a machine that was enrolled before.
pub(super) const ENROL_AGAIN: &str = "press «Add a node» on the core's page of the client, then sudo socme node enrol --force TOKEN and sudo systemctl restart socme-node";

/// The identity, if there is one that can be read.
pub(super) fn look(node: &Node) -> (Vec<Finding>, Option<Identity>) {
    let data = &node.config.data;
    // One who may not look inside does not know whether it is there.
    if std::fs::metadata(data.join("identity/node.json")).is_err_and(|e| e.kind() == ErrorKind::PermissionDenied) {
        let says = format!("{} may not be read by this user", data.join("identity").display());
        return (vec![ENROLLED.unknown(says, AS_ROOT)], None);
    }
    let owner = owner(node);
    match Identity::read(data) {
        Ok(Some(identity)) => {
            let about = &identity.about;
            let says = format!("this machine is node «{}» of client «{}»", about.name, about.client);
            let certificate = match identity.life() {
                Ok((from, to)) => certificate(from, to, node.now),
                Err(error) => CERTIFICATE.wrong(format!("{error:#}"), ENROL_AGAIN),
            };
            let findings = [ENROLLED.fine(says)].into_iter().chain(owner).chain([certificate]).collect();
            (findings, Some(identity))
        }
        Ok(None) => {
            let says = format!("this machine is not enrolled: {} holds no identity", data.display());
            ([ENROLLED.wrong(says, ENROL)].into_iter().chain(owner).collect(), None)
        }
        Err(error) => {
            let denied = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
            let finding = if denied.into_iter().any(|cause| cause.kind() == ErrorKind::PermissionDenied) {
                ENROLLED.unknown(format!("{error:#}"), AS_ROOT)
            } else {
                ENROLLED.wrong(format!("{error:#}"), ENROL_AGAIN)
            };
            ([finding].into_iter().chain(owner).collect(), None)
        }
    }
}

/// What is in the data folder must belong to whom the folder belongs, and the key to that user alone.
fn owner(node: &Node) -> Vec<Finding> {
    let data = &node.config.data;
    let Ok(folder) = std::fs::metadata(data) else { return Vec::new() };
    let user = node.accounts.numbered(folder.uid(), folder.gid()).name;
    let strangers: Vec<_> = inside(data)
        .into_iter()
        .filter_map(|path| Some((std::fs::symlink_metadata(&path).ok()?.uid(), path)))
        .filter(|(uid, _)| *uid != folder.uid())
        .collect();
    if let Some((uid, path)) = strangers.first() {
        let other = node.accounts.numbered(*uid, *uid).name;
        return vec![OWNER.wrong(
            format!(
                "{} belongs to {other}, but the node runs as {user}, whose folder this is: it may not read or write it",
                path.display()
            ),
            format!("sudo chown -R {user}: {} && sudo systemctl restart socme-node", quoted(data)),
        )];
    }
    let key = data.join("identity/key.pem");
    if std::fs::metadata(&key).is_ok_and(|key| key.mode() & 0o077 != 0) {
        let says = format!("{} can be read by others on this machine", key.display());
        return vec![OWNER.wrong(says, format!("sudo chmod 600 {}", quoted(&key)))];
    }
    if key.exists() {
        vec![OWNER.fine(format!("all of {} belongs to {user}, and the key is for nobody else", data.display()))]
    } else {
        Vec::new()
    }
}

/// The files that a node makes.
fn inside(data: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.take(1_000).map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut paths = list(data);
    paths.extend(list(&data.join("identity")));
    paths.sort();
    paths
}

/// Judges a certificate's life.
fn certificate(from: Timestamp, to: Timestamp, now: Timestamp) -> Finding {
    let left = to.duration_since(now);
    if now < from {
        let says = format!("the certificate begins {from:.0}, but this machine's clock says {now:.0}");
        return CERTIFICATE.wrong(says, "sudo timedatectl set-ntp true");
    }
    if left.is_negative() {
        let ago = span(-left.as_secs());
        if -left > SignedDuration::from_hours(24 * 90) {
            let says = format!("the certificate ended {ago} ago, which is too long to renew it");
            return CERTIFICATE.wrong(says, ENROL_AGAIN);
        }
        return CERTIFICATE.wrong(
            format!("the certificate ended {ago} ago; a node that reaches the core renews it by itself"),
            "mend what is said about the core and the service, then sudo systemctl restart socme-node",
        );
    }
    let late = now.duration_since(renewal(from, to));
    // It is renewed with the next report.
    let patience = SignedDuration::from_hours(1).min(to.duration_since(from) / 20);
    if late > patience {
        return CERTIFICATE.warning(
            format!(
                "the certificate ends in {} and should have been renewed {} ago",
                span(left.as_secs()),
                span(late.as_secs())
            ),
            "sudo systemctl restart socme-node, then sudo journalctl -u socme-node says why it is not renewed",
        );
    }
    CERTIFICATE.fine(format!("the certificate is valid for another {}", span(left.as_secs())))
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn a_certificate_is_late_after_two_thirds_of_its_life_and_lost_90_days_after_its_end() {
        let at = |hours: i64| Timestamp::from_second(hours * 3_600).unwrap();
        let state = |now| certificate(at(100), at(196), at(now)).state;
        assert_eq!(state(99), State::Wrong);
        assert_eq!(state(100), State::Fine);
        assert_eq!(state(164), State::Fine);
        assert_eq!(state(166), State::Warning);
        assert_eq!(state(197), State::Wrong);
        assert!(certificate(at(100), at(196), at(197)).says.contains("renews it by itself"));
        assert!(certificate(at(100), at(196), at(196 + 91 * 24)).mend.unwrap().contains("enrol --force"));
    }

    #[test]
    fn a_key_that_others_can_read_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        std::fs::create_dir(data.join("identity")).unwrap();
        std::fs::write(data.join("identity/key.pem"), "k").unwrap();
        let node = Node {
            config: crate::config::Config { data: data.to_owned(), ..Default::default() },
            accounts: Default::default(),
            service: None,
            status: None,
            runs: false,
            now: Timestamp::UNIX_EPOCH,
        };
        let mode = |mode| {
            std::fs::set_permissions(data.join("identity/key.pem"), std::os::unix::fs::PermissionsExt::from_mode(mode))
        };
        mode(0o640).unwrap();
        assert_eq!(owner(&node)[0].state, State::Wrong);
        mode(0o600).unwrap();
        assert_eq!(owner(&node)[0].state, State::Fine);
        let (findings, identity) = look(&node);
        assert_eq!((findings[0].state, identity.is_none()), (State::Wrong, true));
        assert!(findings[0].mend.as_ref().unwrap().contains("socme node enrol TOKEN"));
    }
}
