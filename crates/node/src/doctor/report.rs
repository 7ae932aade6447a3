//! The findings, for people and for machines.

use std::io::{IsTerminal, Write as _};
use std::time::Duration;

use serde_json::{Value, json};

use super::finding::{Finding, State};
use super::source::SOURCE;

/// One JSON list, with a line's end. There are no headings in it, so what is said of a source begins with its name.
pub(super) fn json(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let Finding { group, check, state, says, mend } = finding;
        let says = if group.starts_with(SOURCE) { format!("{group}: {says}") } else { says.clone() };
        json!({"check": check, "state": state, "says": says, "mend": mend})
    };
    let list: Vec<Value> = findings.iter().map(one).collect();
    let text = serde_json::to_string_pretty(&list).unwrap_or_default();
    format!("{text}\n")
}

/// Grouped, worst things marked by a sign and a word; colour only repeats them.
pub(super) fn table(findings: &[Finding], colour: bool) -> String {
    let mut out = String::new();
    let mut group = "";
    for finding in findings {
        if group != finding.group {
            group = &finding.group;
            out.push_str(&format!("{group}\n"));
        }
        let (sign, word, code) = look(finding.state);
        let state = format!("{sign} {word:<8}");
        let state = if colour { format!("\u{1b}[{code}m{state}\u{1b}[0m") } else { state };
        out.push_str(&format!("  {state} {}\n", finding.says));
        if let Some(mend) = &finding.mend {
            out.push_str(&format!("             → {mend}\n"));
        }
    }
    out.push_str(&format!("\n{}\n", sum(findings)));
    out
}

fn look(state: State) -> (char, &'static str, &'static str) {
    match state {
        State::Fine => ('✓', "fine", "32"),
        State::NotApplicable => ('–', "skipped", "2"),
        State::Warning => ('!', "warning", "33"),
        State::Unknown => ('?', "unknown", "33"),
        State::Wrong => ('✗', "WRONG", "1;31"),
    }
}

fn sum(findings: &[Finding]) -> String {
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let warnings = match count(State::Warning) {
        1 => "1 warning".to_owned(),
        n => format!("{n} warnings"),
    };
    let unknown = match count(State::Unknown) {
        0 => String::new(),
        n => format!(", {n} could not be examined"),
    };
    format!("{} wrong, {warnings}, {} fine{unknown}.", count(State::Wrong), count(State::Fine))
}

/// Says that there is something to wait for, on a terminal; never ends.
pub(super) async fn progress() {
    let shown = std::io::stderr().is_terminal();
    let _clear = shown.then(|| Clear);
    for seconds in 1.. {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if shown {
            let _ = write!(std::io::stderr(), "\r\u{1b}[KAsking the core, watching the sources… {seconds} s");
        }
    }
}

/// Takes the line away when what was waited for is there.
struct Clear;

impl Drop for Clear {
    fn drop(&mut self) {
        let _ = write!(std::io::stderr(), "\r\u{1b}[K");
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Check;
    use super::*;

    fn findings() -> Vec<Finding> {
        const CORE: Check = Check::new("Core", "core");
        vec![
            Check::new("Settings", "settings").fine("the file is right"),
            CORE.wrong("a:1: nothing listens there", "start it"),
            CORE.warning("b:2: slow", "wait"),
        ]
    }

    #[test]
    fn each_state_has_a_sign_and_a_word_and_each_group_one_heading() {
        let plain = table(&findings(), false);
        let expected = "Settings\n  ✓ fine     the file is right\nCore\n  ✗ WRONG    a:1: nothing listens there\n             → start it\n  ! warning  b:2: slow\n             → wait\n\n1 wrong, 1 warning, 1 fine.\n";
        assert_eq!(plain, expected);
        assert!(table(&findings(), true).contains("\u{1b}[1;31m✗ WRONG"));
    }

    #[test]
    fn machines_get_a_list_with_four_keys() {
        let mut findings = findings();
        findings.push(Check::of("Source wazuh", "source-file").fine("it is there"));
        let list: Value = serde_json::from_str(&json(&findings)).unwrap();
        let wrong =
            json!({"check": "core", "state": "wrong", "says": "a:1: nothing listens there", "mend": "start it"});
        assert_eq!((list[1].clone(), &list[0]["mend"]), (wrong, &Value::Null));
        assert_eq!(list[3]["says"], "Source wazuh: it is there");
    }
}
