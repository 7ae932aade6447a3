//! What is secret is looked for in everything that a core gives out or leaves behind: its log at its most talkative, every answer,
//! a backup, both exports, the database itself.

use std::io::Read as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::core::Core;
use crate::support::node::Node;
use crate::support::socme;

const PASSPHRASE: &str = "three large boats at dawn";
const WRONG: &str = "a wrong guess that is long enough";
const AT_GITHUB: &str = "gh-secret-5f1d7c0be2a94e";

/// A secret, and every way in which it could be written.
struct Secret {
    what: &'static str,
    forms: Vec<String>,
}

impl Secret {
    fn text(what: &'static str, text: &str) -> Self {
        assert!(text.len() >= 8, "{what} is too short to be looked for: {text}");
        let bytes = text.as_bytes();
        let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
        let forms = vec![
            text.to_owned(),
            STANDARD.encode(bytes).trim_end_matches('=').to_owned(),
            URL_SAFE_NO_PAD.encode(bytes),
            hex(bytes),
            percent,
            text.replace(' ', "%20"),
            text.replace(' ', "+"),
        ];
        Self { what, forms }
    }

    /// Bytes, as they are given out in Base64.
    fn bytes(what: &'static str, written: &str) -> Self {
        let mut secret = Self::text(what, written);
        let engines = [STANDARD_NO_PAD, URL_SAFE_NO_PAD];
        let raw = engines.iter().find_map(|engine| engine.decode(written.trim_end_matches('=')).ok());
        let raw = raw.unwrap_or_else(|| panic!("{what} is no Base64: {written}"));
        secret.forms.extend([hex(&raw), hex(&raw).to_uppercase(), format!("{raw:?}")]);
        secret
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn after_hash(url: &Value) -> String {
    url.as_str().unwrap().split_once('#').unwrap().1.to_owned()
}

#[test]
fn what_is_secret_is_in_no_log_answer_backup_or_export() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = Core::start(folder.path(), "log = \"trace\"");
    let mut secrets = vec![Secret::text("the passphrase", PASSPHRASE), Secret::text("a wrong passphrase", WRONG)];
    let master = std::fs::read_to_string(core.data.join("master.key")).unwrap();
    secrets.push(Secret::bytes("the master key", master.trim()));

    // Everything that gives somebody or something a secret, and some tries with wrong ones.
    let client = core.new_client("Acme");
    let token = core.new_token(client);
    secrets.push(Secret::text("an enrolment token", &token));
    let node = Node::new(&folder.path().join("node"), "");
    node.enrol(&token);
    secrets.push(Secret::text("an enrolment token that nobody used", &core.new_token(client)));
    let invited = core.post("/users", json!({"name": "vera", "access": {"everywhere": "viewer"}}));
    secrets.push(Secret::text("an invitation", &after_hash(&invited["url"])));
    let key = core.post("/me/keys", json!({"name": "desk", "role": "admin"}));
    secrets.push(Secret::text("a key", key["secret"].as_str().unwrap()));
    let github =
        json!({"name": "GitHub", "kind": "github", "client_id": "socme", "secret": AT_GITHUB, "enabled": true});
    core.post("/providers", github);
    secrets.push(Secret::text("a provider's secret", AT_GITHUB));
    let begun = core.post("/me/authenticator/begin", json!({}));
    let (secret, ticket) = (begun["secret"].as_str().unwrap().to_owned(), begun["ticket"].as_str().unwrap());
    secrets.push(Secret::text("an authenticator's secret", &secret));
    let code = Command::new("oathtool").args(["-b", "--totp", &secret]).output().unwrap().stdout;
    let code = String::from_utf8(code).unwrap();
    let given = core.post("/me/authenticator", json!({"ticket": ticket, "code": code.trim()}));
    for code in given["codes"].as_array().unwrap() {
        secrets.push(Secret::text("a recovery code", code.as_str().unwrap()));
    }
    for cookie in core.cookie().split(';').filter_map(|cookie| cookie.split_once('=')) {
        secrets.push(Secret::text("a session", cookie.1));
    }
    let cookie = core.cookie().to_owned();
    assert_eq!(core.send("POST", "/session", Some(json!({"name": "admin", "passphrase": WRONG}))).status, 401);
    core.send("POST", "/session", Some(json!({"name": PASSPHRASE, "passphrase": [WRONG]})));
    core.send("POST", "/session/link", Some(json!({"token": "AAAA"})));
    assert_eq!(core.cookie(), cookie, "still signed in");

    // What is given out.
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    let document: Value = serde_json::from_slice(&socme().args(["core", "openapi"]).output().unwrap().stdout).unwrap();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path.trim_start_matches("/api/v1");
        if operations["get"].is_null() || ["/live", "/clients/{id}/export"].contains(&path) {
            continue;
        }
        for id in ["1", "2"] {
            let answer = core.send("GET", &path.replace("{id}", id).replace("{client}", id), None);
            asked += usize::from(answer.status == 200);
            found.push((format!("GET {path} {id}: {}", answer.status), answer.body.into_bytes()));
        }
    }
    assert!(asked > 30, "{asked}");
    let archive = folder.path().join("acme.zip");
    let home = folder.path().join("home");
    let url = format!("http://{}", core.people);
    let export = socme()
        .args(["clients", "export", "acme", archive.to_str().unwrap()])
        .env("HOME", &home)
        .env("SOCME_URL", &url)
        .env("SOCME_KEY", key["secret"].as_str().unwrap())
        .output()
        .unwrap();
    assert!(export.status.success(), "{export:?}");
    found.push(("what the export said".into(), [export.stdout, export.stderr].concat()));
    let mut archive = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        found.push((format!("a file of the client's archive, {at}"), bytes));
    }
    let backup = folder.path().join("socme.backup");
    let written = socme().args(["core", "--config"]).arg(core.config()).arg("backup").arg(&backup).output().unwrap();
    assert!(written.status.success(), "{written:?}");
    found.push(("the backup".into(), zstd::decode_all(std::fs::File::open(&backup).unwrap()).unwrap()));

    // What is left behind.
    for file in std::fs::read_dir(&core.data).unwrap().map(|entry| entry.unwrap().path()) {
        if file.is_file() && file.file_name().is_some_and(|name| name != "master.key") {
            found.push((format!("{}", file.display()), std::fs::read(&file).unwrap()));
        }
    }
    let log = core.process().log();
    assert!(log.contains("TRACE"), "the log is as talkative as it can be");
    // The first link to set up is meant to be read there; it is dead by now.
    found.push(("the log".into(), log.into_bytes()));

    let mut told = Vec::new();
    for (place, bytes) in &found {
        let text = String::from_utf8_lossy(bytes);
        for secret in &secrets {
            if secret.forms.iter().any(|form| text.contains(form.as_str())) {
                told.push(format!("{} is in {place}", secret.what));
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    println!("{} secrets looked for in {} places, {} of them answers", secrets.len(), found.len(), asked);
}
