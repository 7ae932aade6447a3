//! The node's file and the client's policy file: readable by whom they must be, and right.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use super::finding::{AS_ROOT, Check, Finding, quoted};
use crate::config::{Config, PATH};
use crate::owner::{Account, Accounts};
use crate::policy::Policy;

const SETTINGS: Check = Check::new("Settings", "settings");
const POLICY: Check = Check::new("Settings", "policy");

/// The node's file. Without it nothing else can be examined, because it says where everything is.
pub(super) fn file(path: &Path, accounts: &Accounts) -> (Vec<Finding>, Option<Config>) {
    let shown = path.display();
    if let Err(error) = File::open(path)
        && error.kind() == ErrorKind::PermissionDenied
    {
        let says = format!("{shown} may not be read by this user");
        return (vec![SETTINGS.unknown(says, AS_ROOT)], None);
    }
    let config = match Config::read(path) {
        Ok(config) => config,
        Err(wrong) => {
            let mend = format!("correct it (socme node example shows every key), then {AS_ROOT} again");
            return (vec![SETTINGS.wrong(wrong.to_string(), mend)], None);
        }
    };
    let service = accounts.of_data(&config.data);
    let finding = match unreadable_for(path, service.as_ref()) {
        Some(wrong) => SETTINGS.wrong(wrong, format!("sudo chmod a+r {}", quoted(path))),
        None if path == Path::new(PATH) && !path.exists() => {
            SETTINGS.fine(format!("{shown} is not there: the usual settings are used"))
        }
        None => SETTINGS.fine(format!("{shown} is right")),
    };
    (vec![finding], Some(config))
}

/// The client's policy file. With a broken one the node does not run.
pub(super) fn policy(path: &Path, service: Option<&Account>) -> Finding {
    let shown = path.display();
    if let Err(error) = File::open(path)
        && error.kind() == ErrorKind::PermissionDenied
    {
        return POLICY.unknown(format!("{shown} may not be read by this user"), AS_ROOT);
    }
    if let Some(wrong) = unreadable_for(path, service) {
        return POLICY.wrong(wrong, format!("sudo chmod a+r {}", quoted(path)));
    }
    match Policy::read(path) {
        Ok(_) if !path.exists() => POLICY.fine(format!("{shown} is not there: everything in an alert may leave")),
        Ok(policy) => match policy.summary() {
            kept if kept.is_empty() => POLICY.fine(format!("{shown} is right: everything in an alert may leave")),
            kept => POLICY.fine(format!("{shown} is right: {}", kept.join(", "))),
        },
        Err(wrong) => POLICY.wrong(
            format!("{wrong}. The node does not run until this is right"),
            "correct it (socme node example --policy shows every key), then sudo systemctl restart socme-node",
        ),
    }
}

/// Says so, if the service's user may not read a file that is there. Only root can try.
fn unreadable_for(path: &Path, service: Option<&Account>) -> Option<String> {
    let service = service?;
    let opened = service.act(|| File::open(path)).ok()?;
    let denied = opened.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    denied.then(|| format!("{} may not be read by {}, as whom the node runs", path.display(), service.name))
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn a_file_that_is_missing_or_wrong_is_a_finding_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let (findings, config) = file(&path, &Accounts::default());
        assert_eq!((findings[0].state, config.is_none()), (State::Wrong, true));
        std::fs::write(&path, "data = \"/x\"\nspoool = 1\n").unwrap();
        let (findings, _) = file(&path, &Accounts::default());
        assert!(findings[0].says.contains("node.toml:2"), "{}", findings[0].says);
        std::fs::write(&path, "data = \"/nowhere\"\n").unwrap();
        let (findings, config) = file(&path, &Accounts::default());
        assert_eq!((findings[0].state, config.is_some()), (State::Fine, true));
    }

    #[test]
    fn a_policy_says_what_it_keeps_and_a_broken_one_that_the_node_does_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        assert_eq!(policy(&path, None).state, State::Fine);
        std::fs::write(&path, "mask = [\"user.name\"]\n").unwrap();
        assert!(policy(&path, None).says.contains("user.name is masked"));
        std::fs::write(&path, "mask = [\"shoe.size\"]\n").unwrap();
        assert_eq!(policy(&path, None).state, State::Wrong);
    }
}
