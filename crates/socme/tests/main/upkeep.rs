//! What somebody does at the core's own machine: back up, restore, take another master key, come in again, check the audit log.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::core::Core;
use crate::support::socme;

/// What a command says, and its exit code.
fn at(core: &Core, words: &[&str]) -> (i32, String, String) {
    let output = socme().arg("core").arg("--config").arg(core.config()).args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn fine(core: &Core, words: &[&str]) -> String {
    let (code, out, error) = at(core, words);
    assert_eq!(code, 0, "{words:?}: {out} {error}");
    out
}

fn names(core: &Core) -> Vec<String> {
    let clients = core.get("/clients")["clients"].clone();
    clients.as_array().unwrap().iter().map(|client| client["name"].as_str().unwrap().to_owned()).collect()
}

/// Signs in through a link that a command has printed.
fn come_in(core: &mut Core, link: &str, path: &str, more: &Value) -> u16 {
    let mut body = json!({"token": link.trim().split_once('#').unwrap().1});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    core.send("POST", path, Some(body)).status
}

#[test]
fn a_backup_is_written_while_the_core_runs_and_restored_with_its_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = Core::start(folder.path(), "");
    core.new_client("Acme");
    let file = folder.path().join("socme.backup");
    let name = file.to_str().unwrap();
    let said = fine(&core, &["backup", name]);
    assert!(said.contains("is whole") && said.contains("2 clients"), "{said}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(at(&core, &["backup", name]).2.contains("exists already"));
    let whole: Value = serde_json::from_str(&fine(&core, &["backup", "--verify", name, "--json"])).unwrap();
    assert_eq!(whole["rows"]["client"], 2);
    // What must not be in a backup is not.
    let key = std::fs::read_to_string(core.data.join("master.key")).unwrap();
    let plain = zstd::decode_all(std::fs::File::open(&file).unwrap()).unwrap();
    assert!(!String::from_utf8(plain).unwrap().contains(key.trim()));

    core.new_client("After the backup");
    assert!(at(&core, &["restore", name]).2.contains("another core is running"));
    core.kill();
    assert!(at(&core, &["restore", name]).2.contains("there is a database"));
    std::fs::remove_dir_all(&core.data).unwrap();
    let lost = at(&core, &["restore", name]);
    assert!(lost.0 == 1 && lost.2.contains("--forget-secrets"), "{lost:?}");
    assert!(!core.data.join("socme.db").exists(), "nothing is left of what was refused");

    put_key(&core.data, &key);
    fine(&core, &["restore", name]);
    core.launch();
    core.wait_ready();
    let link = fine(&core, &["sign-in-link"]);
    assert_eq!(come_in(&mut core, &link, "/session/link", &json!({})), 200);
    assert_eq!(names(&core), ["Acme", "SOC"]);

    // The key is lost for good.
    core.kill();
    std::fs::remove_dir_all(&core.data).unwrap();
    let said = fine(&core, &["restore", "--forget-secrets", name]);
    assert!(said.contains("enrol every node anew"), "{said}");
    core.launch();
    core.wait_ready();
    let link = fine(&core, &["sign-in-link"]);
    assert_eq!(come_in(&mut core, &link, "/session/link", &json!({})), 200);
    assert_eq!(names(&core), ["Acme", "SOC"]);
}

#[test]
fn another_master_key_opens_everything_and_the_old_one_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = Core::start(folder.path(), "");
    assert!(at(&core, &["rotate-key"]).2.contains("another core is running"));
    core.kill();
    let key = core.data.join("master.key");
    let before = std::fs::read_to_string(&key).unwrap();
    let said = fine(&core, &["rotate-key"]);
    assert!(said.contains("1 secrets"), "{said}");
    assert_ne!(std::fs::read_to_string(&key).unwrap(), before);
    assert_eq!(std::fs::read_to_string(core.data.join("master.key.old")).unwrap(), before);
    core.launch();
    core.wait_ready();
    core.kill();

    // Killed before the files had their names: what was done is seen, and only the names are changed.
    std::fs::rename(&key, core.data.join("master.key.new")).unwrap();
    std::fs::copy(core.data.join("master.key.old"), &key).unwrap();
    let failed = at(&core, &["run"]);
    assert!(failed.0 == 1 && failed.2.contains("master"), "{failed:?}");
    std::fs::remove_file(core.data.join("master.key.old")).unwrap();
    fine(&core, &["rotate-key"]);

    // Killed between the two names.
    std::fs::rename(&key, core.data.join("master.key.new")).unwrap();
    fine(&core, &["rotate-key"]);
    core.launch();
    core.wait_ready();
    core.kill();
    // The key that backups need is not written over.
    let kept = at(&core, &["rotate-key"]);
    assert!(kept.0 == 1 && kept.2.contains("put it elsewhere"), "{kept:?}");
}

#[test]
fn whoever_has_the_machine_comes_in_again_and_sees_who_changed_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = Core::start(folder.path(), "");
    let head = fine(&core, &["audit-head"]);
    let link = fine(&core, &["recover-admin", "--user", "Ada", "--reset-factors"]);
    assert!(link.contains("/invitation#"), "{link}");
    let choose = json!({"passphrase": "four small boats at dusk"});
    assert_eq!(come_in(&mut core, &link, "/session/invitation", &choose), 200);
    let me = core.get("/me");
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("Ada"), Some("admin")));

    let said = fine(&core, &["verify-audit", "--head", head.trim()]);
    assert!(said.contains("is whole"), "{said}");
    core.kill();
    let database = rusqlite::Connection::open(core.data.join("socme.db")).unwrap();
    database.execute("UPDATE audit SET who = 'nobody' WHERE id = 2", []).unwrap();
    let (code, out, _) = at(&core, &["verify-audit"]);
    assert!(code == 3 && out.contains("entry 2"), "{code} {out}");
}

fn put_key(data: &Path, key: &str) {
    std::fs::create_dir_all(data).unwrap();
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(data.join("master.key"), key).unwrap();
    std::fs::set_permissions(data.join("master.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
}
