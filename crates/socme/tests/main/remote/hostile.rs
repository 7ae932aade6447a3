//! What others wrote, on a terminal.

use super::Soc;

#[test]
fn hostile_text_reaches_no_terminal() {
    let soc = Soc::new();
    soc.happens(5710, "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}gnp.exe\nSEVERITY  fake");
    soc.has(1);
    let admin = soc.admin();
    let id = admin.does(&["alerts", "list", "--ids", "source:wazuh"]).out;
    let id = id.trim();
    let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    for arguments in [
        &["alerts", "list"] as &[_],
        &["alerts", "list", "--json"],
        &["alerts", "show", id],
        &["alerts", "show", id, "--json"],
    ] {
        let said = admin.does(arguments);
        assert!(said.out.contains("1b"), "what is hostile is shown: {}", said.out);
        assert!(!said.out.chars().any(acts), "{arguments:?}: {:?}", said.out);
    }
    let list = admin.does(&["alerts", "list", "source:wazuh"]).out;
    assert_eq!(list.lines().count(), 2, "a line for the heads and one for the alert: {list}");
    let (code, seen) = admin.at_terminal(&["alerts", "show", id]).end();
    assert_eq!(code, 0, "{seen}");
    assert!(
        !seen.contains("\u{1b}]0;") && !seen.contains("\u{1b}[2J") && !seen.contains(['\u{9b}', '\u{202e}', '\u{7}'])
    );
    assert!(seen.contains("\u{1b}[1m"), "there is colour on a terminal: {seen:?}");
    // Somebody else's name is as hostile as a log's.
    let wrong = admin.run(&["clients", "show", "\u{1b}[31mred"]);
    assert_eq!((wrong.code, wrong.err.contains('\u{1b}')), (4, false), "{:?}", wrong.err);
}
