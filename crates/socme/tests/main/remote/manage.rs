//! Clients, nodes, users, keys and the audit log; and what a viewer may do of that.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{PASSPHRASE, Soc, text};

#[test]
fn clients_nodes_and_users_are_managed_and_a_viewer_only_reads_their_own() {
    let mut soc = Soc::new();
    soc.happens(5710, "sshd: one");
    soc.has(1);
    let admin = soc.admin();

    // Clients, by name and number.
    let made = &admin.does(&["clients", "create", "Règle & Fils", "--time-zone", "Europe/Paris", "--json"]).json()[0];
    let (slug, id) = (text(made, "slug"), made["id"].to_string());
    admin.does(&["clients", "change", "règle & fils", "--contacts", "Jo\n+33 1"]);
    assert!(admin.does(&["clients", "show", &id]).out.contains("+33 1"));
    let wrong = admin.run(&["clients", "create", "X", "--time-zone", "Mars/Base"]);
    assert_eq!((wrong.code, wrong.err.contains("time_zone")), (2, true), "{}", wrong.err);
    assert_eq!(admin.run(&["clients", "delete", slug]).code, 2, "a script must say the name");
    assert_eq!(admin.run(&["clients", "delete", slug, "--yes", "Règle"]).code, 2);
    let mut terminal = admin.at_terminal(&["clients", "delete", slug]);
    terminal.answer("Type its name to go on: ", "Règle & Fils");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(admin.run(&["clients", "show", slug]).code, 4);
    assert_eq!(admin.run(&["clients", "delete", "acme", "--yes", "Acme"]).code, 1, "it still has a node");

    // Nodes.
    let node = &admin.does(&["nodes", "list", "--json", "--client", "acme"]).json()[0];
    let called = format!("acme/{}", text(node, "name"));
    admin.does(&["nodes", "change", &called, "--site", "Cellar", "--name", "office"]);
    assert!(admin.does(&["nodes", "show", "OFFICE"]).out.contains("Cellar"));
    assert_eq!(admin.does(&["nodes", "disable", "acme/office", "--json"]).json()[0]["state"], "disabled");
    admin.does(&["nodes", "enable", "acme/office"]);
    let command = admin.does(&["nodes", "token", "City Library", "--hours", "2"]);
    assert!(command.out.starts_with("socme node enrol socme1."), "{}", command.out);

    // A viewer is invited, signs in, and may read what they were given.
    let invited = &admin.does(&["users", "invite", "vera", "--client", "acme=viewer", "--json"]).json()[0];
    let token = text(invited, "url").rsplit('#').next().expect("token").to_owned();
    let cookie = soc.core.send("POST", "/session/invitation", Some(json!({"token": token, "passphrase": PASSPHRASE})));
    assert_eq!(cookie.status, 200, "{}", cookie.body);
    let vera = soc.person("vera");
    vera.login(&[&soc.url], "vera", PASSPHRASE);
    let clients: Vec<_> = vera.does(&["clients", "list", "--json"]).json();
    assert_eq!(clients.iter().map(|client| text(client, "slug")).collect::<Vec<_>>(), ["acme"]);
    let id = vera.does(&["alerts", "list", "--ids", "source:wazuh"]).out;
    let id = id.trim();
    let refused = vera.run(&["alerts", "ack", id]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("Your role does not allow this."), "{}", refused.err);
    assert_eq!(vera.run(&["clients", "show", "city-library"]).code, 4);
    assert_eq!(vera.run(&["alerts", "show", &id.replace("acme/", "city-library/")]).code, 4);
    assert_eq!(vera.run(&["users", "list"]).code, 3);

    // A key in a file that others can read is not used; nor is it sent anywhere else.
    std::fs::set_permissions(vera.login_file(), std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let open = vera.run(&["whoami"]);
    assert_eq!((open.code, open.err.contains("chmod 600")), (3, true), "{}", open.err);
    std::fs::set_permissions(vera.login_file(), std::fs::Permissions::from_mode(0o600)).expect("chmod");
    let elsewhere = vera.command(&["whoami"]).env("SOCME_URL", "http://127.0.0.1:9").output().expect("run");
    assert_eq!(elsewhere.status.code(), Some(3));

    // Her key is an administrator's to delete; who is disabled is out.
    let keys = admin.does(&["keys", "list", "--all", "--json"]).json();
    let hers = keys.iter().find(|key| key["user_name"] == "vera").expect("her key");
    admin.does(&["keys", "delete", "--all", &hers["id"].to_string()]);
    assert_eq!(vera.run(&["whoami"]).code, 3);
    admin.does(&["users", "disable", "vera"]);
    let audit = admin.does(&["audit", "list", "--json", "--action", "user", "--from", "1h"]).json();
    assert!(audit.iter().any(|entry| entry["action"] == "user.change"), "{audit:?}");
    let exported = admin.does(&["audit", "export"]).json();
    let head = &admin.does(&["audit", "head", "--json"]).json()[0];
    assert!(exported.iter().any(|entry| entry["link"] == head["link"]), "{head}");
    admin.does(&["users", "delete", "vera", "--yes", "vera"]);
}
