//! `wazuh rules pull`

use std::fs;

use serde_json::json;
use wazuh_imitation::api::Canned;

use super::{ask, rows};
use crate::manager::{manager, manager_of};

#[tokio::test]
async fn ones_own_files_come_into_a_folder_and_what_was_changed_there_is_kept() {
    let manager = manager().await;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("ruleset");
    let to = here.to_str().unwrap();
    let told = ask(&manager, &["rules", "pull", to]).await;
    assert_eq!(told.code, 0, "{told:?}");
    let own = here.join("etc/rules/local_rules.xml");
    assert!(fs::read_to_string(&own).unwrap().contains("100001"));
    assert_eq!(fs::read_to_string(here.join("etc/lists/bad-ips")).unwrap(), "192.0.2.7:scanner\n");
    assert!(here.join("etc/decoders/local_decoder.xml").exists());
    assert!(!here.join("ruleset").exists(), "Wazuh's own only with --all");
    fs::write(&own, "mine").unwrap();
    let told = ask(&manager, &["rules", "pull", to, "--json"]).await;
    assert!(told.code == 1 && told.err.contains("--overwrite"), "{told:?}");
    let outcomes: Vec<_> = rows(&told.out).iter().map(|row| row["outcome"].as_str().unwrap().to_owned()).collect();
    assert_eq!(outcomes, ["kept", "unchanged", "unchanged"]);
    assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
    let told = ask(&manager, &["rules", "pull", to, "--overwrite", "--part", "rules", "--all"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    assert!(fs::read_to_string(&own).unwrap().contains("100001"));
    assert!(here.join("ruleset/rules/0095-sshd_rules.xml").exists());
    let mut left: Vec<_> =
        fs::read_dir(here.join("etc/rules")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["local_rules.xml"], "nothing else is left behind");
}

#[tokio::test]
async fn a_manager_of_4_3_knows_no_folders_and_its_files_come_all_the_same() {
    let manager = manager_of("4.3.11").await;
    let folder = tempfile::tempdir().unwrap();
    let told = ask(&manager, &["rules", "pull", folder.path().to_str().unwrap()]).await;
    assert_eq!(told.code, 0, "{told:?}");
    assert!(folder.path().join("etc/rules/local_rules.xml").exists());
}

#[tokio::test]
async fn a_hostile_name_is_refused_and_the_others_come() {
    let manager = manager().await;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("a/b/ruleset");
    let names = [
        ("etc/rules", "../../../evil.xml"),
        ("etc/../../..", "evil.xml"),
        ("/etc/rules", "evil.xml"),
        ("etc//rules", "evil.xml"),
        ("etc/rules", ".evil.xml"),
        ("etc/rules", "e\u{1b}[2Jvil.xml"),
        ("etc/rules", "evil.xml/"),
        ("etc/rules", ""),
        ("etc\\..\\..", "evil.xml"),
        ("etc/.hidden", "own.xml"),
        ("etc/rules", "local_rules.xml"),
    ];
    manager.state().files.insert("rules/etc/.hidden/own.xml".into(), "<group/>".into());
    let items: Vec<_> = names.map(|(dir, name)| json!({ "filename": name, "relative_dirname": dir })).into();
    let body = json!({ "data": { "affected_items": items, "total_affected_items": items.len(), "failed_items": [] }, "error": 0 });
    let canned = json!({ "path": "/rules/files", "status": 200, "body": body });
    manager.state().canned.push_back(serde_json::from_value::<Canned>(canned).unwrap());
    let told = ask(&manager, &["rules", "pull", here.to_str().unwrap(), "--part", "rules"]).await;
    assert!(told.code == 1 && !told.err.contains('\u{1b}'), "{told:?}");
    let told_of = "1 files are as on the manager, 8 are not";
    assert!(told.err.contains(told_of), "what does not lie in etc/ is not one's own: {told:?}");
    let mut found = Vec::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    assert_eq!(found, [here.join("etc/rules/local_rules.xml")]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_in_the_folder_is_not_followed() {
    let manager = manager().await;
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("etc")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("etc/rules")).unwrap();
    let told = ask(&manager, &["rules", "pull", folder.path().to_str().unwrap(), "--overwrite"]).await;
    assert!(told.code == 1 && told.err.contains("symbolic link"), "{told:?}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
