//! Working through alerts, from signing in to signing out.

use super::{PASSPHRASE, Soc, mode, text};

#[test]
fn an_administrator_signs_in_works_through_alerts_and_signs_out() {
    let soc = Soc::new();
    soc.happens(5710, "sshd: one");
    soc.happens(5711, "sshd: two");
    soc.has(2);
    let admin = soc.person("admin");
    assert_eq!(admin.run(&["alerts", "list"]).code, 3, "nobody is signed in yet");

    let seen = admin.login(&[&soc.url, "--role", "analyst"], "admin", PASSPHRASE);
    assert!(!seen.contains(PASSPHRASE), "the passphrase was shown: {seen}");
    assert_eq!(mode(&admin.login_file()), 0o600);
    let who = &admin.does(&["whoami", "--json"]).json()[0];
    assert_eq!((text(&who["me"], "role"), text(&who["key"], "role")), ("analyst", "analyst"));
    assert!(text(&who["key"], "name").starts_with("socme on "), "{who}");
    let sessions = soc.core.get("/me/sessions");
    assert_eq!(sessions["sessions"].as_array().map(Vec::len), Some(1), "signing in leaves no session: {sessions}");

    let list = admin.does(&["alerts", "list", "--json", "rule:5710,5711"]).json();
    assert_eq!(list.len(), 2);
    let (newest, oldest) = (text(&list[0], "ref"), text(&list[1], "ref"));
    assert!(newest.starts_with("acme/"), "{newest}");
    let table = admin.does(&["alerts", "list", "severity>=high", "source:wazuh"]).out;
    assert!(table.contains("sshd: one") && table.contains(newest), "{table}");
    assert_eq!(admin.does(&["alerts", "count", "source:wazuh"]).out, "2\n");
    let paged = admin.does(&["alerts", "list", "--ids", "--limit", "1", "source:wazuh"]).out;
    assert_eq!(paged, format!("{newest}\n"));

    // Show, by all that it is called.
    let shown = admin.does(&["alerts", "show", oldest]).out;
    assert!(shown.contains("sshd: one") && shown.contains("203.0.113.9") && shown.contains("arrived"), "{shown}");
    let bare = text(&list[1], "id");
    let in_browser = format!("{}/alerts/{}/{bare}", soc.url, list[1]["client"]);
    for named in [bare, in_browser.as_str()] {
        assert_eq!(text(&admin.does(&["alerts", "show", "--json", named]).json()[0], "id"), bare);
    }
    assert_eq!(admin.run(&["alerts", "show", &format!("city-library/{bare}")]).code, 4);

    // Acknowledge, and close what comes from standard input.
    assert_eq!(admin.does(&["alerts", "ack", oldest, "--comment", "seen"]).out, "1 acknowledged.\n");
    let closed = admin.run_with(&["alerts", "close", "-", "--json"], &format!("{oldest}\n\n{}\n", list[0]));
    assert_eq!(closed.code, 0, "{}", closed.err);
    assert!(closed.json().iter().all(|alert| alert["state"] == "closed" && alert["changed"] == true));
    assert_eq!(admin.does(&["alerts", "close", oldest]).out, "0 closed, 1 so already.\n");
    let history = admin.does(&["alerts", "show", oldest]).out;
    assert!(history.contains("acknowledged by admin") && history.contains("seen"), "{history}");

    // A query that is wrong is pointed at.
    let wrong = admin.run(&["alerts", "list", "state:open sevrity:high"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("  state:open sevrity:high\n             ^"), "{}", wrong.err);

    // An analyst's key manages nothing, whoever made it.
    assert_eq!(admin.run(&["clients", "create", "Another"]).code, 3);
    let key = std::fs::read_to_string(admin.login_file()).expect("read");
    admin.does(&["logout"]);
    assert!(!admin.login_file().exists());
    let key = key.lines().find_map(|line| line.strip_prefix("key = ")).expect("key").trim_matches('"').to_owned();
    let dead = admin.command(&["whoami"]).env("SOCME_URL", &soc.url).env("SOCME_KEY", key).output().expect("run");
    assert_eq!(dead.status.code(), Some(3), "the key is deleted at the core too");
}
