//! Ways to sign in, and whom to believe.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{LIMIT, PASSPHRASE, Soc, text};
use crate::support::wait_for;

#[test]
fn a_key_from_elsewhere_and_the_environment_work_without_a_terminal() {
    let soc = Soc::new();
    let admin = soc.admin();
    assert_eq!(admin.run(&["login", &soc.url]).code, 2, "there is nobody to ask");
    assert_eq!(admin.run(&["login", "--key", "socme_x", &soc.url]).code, 2, "no key on the command line");
    let mut terminal =
        admin.at_terminal(&["keys", "create", "nightly", "--role", "viewer", "--client", "acme", "--json"]);
    terminal.answer("Passphrase: ", PASSPHRASE);
    let (code, seen) = terminal.end();
    let made: Value = seen.lines().find_map(|line| serde_json::from_str(line.trim()).ok()).unwrap_or_default();
    assert_eq!((code, text(&made["key"], "role")), (0, "viewer"), "{seen}");
    let secret = text(&made, "secret");

    let script = soc.person("script");
    let by_environment = |arguments: &[&str]| {
        let mut command = script.command(arguments);
        command.env("SOCME_URL", &soc.url).env("SOCME_KEY", secret);
        command.output().expect("run")
    };
    let listed = by_environment(&["clients", "list", "--json"]);
    assert!(listed.status.success(), "{listed:?}");
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 1, "only Acme: {listed:?}");
    assert!(!script.login_file().exists());

    let said = script.run_with(&["login", &soc.url, "--key", "-"], &format!("{secret}\n"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(text(&script.does(&["whoami", "--json"]).json()[0]["key"], "name"), "nightly");
    let dead = script.run_with(&["login", &soc.url, "--key", "-"], "socme_0000000000000000000000000000000000000000000");
    assert_eq!(dead.code, 3, "{}", dead.err);
    assert_eq!(script.does(&["whoami"]).code, 0, "a key that is refused replaces nothing");
    let plain = script.run_with(&["login", "http://192.0.2.1", "--key", "-"], secret);
    assert_eq!((plain.code, plain.err.contains("--insecure-http")), (2, true), "{}", plain.err);
}

#[test]
fn who_has_an_authenticator_is_asked_for_a_code() {
    let mut soc = Soc::new();
    let begun = soc.core.post("/me/authenticator/begin", json!({}));
    let code =
        Command::new("oathtool").args(["--totp", "--base32", text(&begun, "secret")]).output().expect("oathtool");
    let code = String::from_utf8(code.stdout).expect("UTF-8");
    let set = soc.core.post("/me/authenticator", json!({"ticket": begun["ticket"], "code": code.trim()}));
    let recovery = set["codes"][0].as_str().expect("a recovery code");
    let admin = soc.person("admin");
    let mut terminal = admin.at_terminal(&["login", &soc.url]);
    terminal.answer("Name: ", "admin");
    terminal.answer("Passphrase: ", PASSPHRASE);
    terminal.answer("recovery code: ", "000000");
    terminal.answer("recovery code: ", recovery);
    let (status, seen) = terminal.end();
    assert_eq!((status, seen.contains("This code is wrong")), (0, true), "{seen}");
    assert_eq!(text(&admin.does(&["whoami", "--json"]).json()[0]["me"], "name"), "admin");
    // A wrong passphrase is told in the core's words.
    let stranger = soc.person("stranger");
    let mut terminal = stranger.at_terminal(&["login", &soc.url, "--name", "admin"]);
    terminal.answer("Passphrase: ", "three small boats at dusk");
    let (status, seen) = terminal.end();
    assert_eq!((status, seen.contains("The name or the passphrase is wrong.")), (3, true), "{seen}");
    assert!(!stranger.login_file().exists());
}

#[test]
fn a_core_with_an_authority_of_its_own_is_believed_once_that_is_named() {
    let mut soc = Soc::new();
    let admin = soc.admin();
    let login = std::fs::read_to_string(admin.login_file()).expect("read");
    let key = login.lines().find_map(|line| line.strip_prefix("key = ")).expect("key").trim_matches('"').to_owned();
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("certificate");
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("certificate");
    let (ca, wrong) = (soc.folder.path().join("ca.pem"), soc.folder.path().join("wrong.pem"));
    std::fs::write(&ca, own.cert.pem()).expect("write");
    std::fs::write(&wrong, other.cert.pem()).expect("write");
    soc.core.kill();
    soc.core.encipher(&own.cert.pem(), &own.signing_key.serialize_pem());
    soc.core.launch();

    let url = soc.url.replace("http://", "https://");
    let person = soc.person("enciphered");
    let login = |ca: Option<&Path>| {
        let ca = ca.map(|ca| ["--ca", ca.to_str().expect("UTF-8")]);
        let named = ca.as_ref().map_or(&[] as &[&str], |ca| ca.as_slice());
        person.run_with(&[&["login", &url, "--key", "-"], named].concat(), &key)
    };
    let said = wait_for("the core over TLS", LIMIT, || {
        let said = login(Some(&ca));
        (said.code == 0).then_some(said)
    });
    assert!(said.out.contains("https://127.0.0.1"), "{}", said.out);
    person.does(&["clients", "list"]);
    for ca in [None, Some(wrong.as_path())] {
        let said = login(ca);
        assert_eq!((said.code, said.err.contains("--ca FILE")), (1, true), "{}", said.err);
    }
}
