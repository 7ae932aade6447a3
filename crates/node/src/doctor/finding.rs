//! What was found, and how bad it is.

use std::borrow::Cow;
use std::path::Path;

use serde::Serialize;
use wire::shown;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// As it should be.
    Fine,
    /// There is nothing to look at.
    NotApplicable,
    /// It works, and deserves a look.
    Warning,
    /// It could not be examined.
    Unknown,
    /// It does not work.
    Wrong,
}

/// One finding.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// Under which heading it is shown.
    pub(super) group: Cow<'static, str>,
    /// What was looked at: a word that programs can rely on.
    pub(super) check: &'static str,
    /// How it is.
    pub(super) state: State,
    /// The same in a sentence, under the heading.
    pub(super) says: String,
    /// What to do.
    pub(super) mend: Option<String>,
}

/// Something that is looked at.
#[derive(Clone, Debug)]
pub(super) struct Check {
    group: Cow<'static, str>,
    name: &'static str,
}

impl Check {
    /// A check with a heading of its own or shared with others.
    pub(super) const fn new(group: &'static str, name: &'static str) -> Self {
        Self { group: Cow::Borrowed(group), name }
    }

    /// A check of something that has a name.
    pub(super) fn of(group: &str, name: &'static str) -> Self {
        Self { group: Cow::Owned(shown(group)), name }
    }

    pub(super) fn fine(&self, says: impl AsRef<str>) -> Finding {
        self.finding(State::Fine, says.as_ref(), None)
    }

    pub(super) fn not_applicable(&self, says: impl AsRef<str>) -> Finding {
        self.finding(State::NotApplicable, says.as_ref(), None)
    }

    pub(super) fn warning(&self, says: impl AsRef<str>, mend: impl AsRef<str>) -> Finding {
        self.finding(State::Warning, says.as_ref(), Some(mend.as_ref()))
    }

    pub(super) fn unknown(&self, says: impl AsRef<str>, mend: impl AsRef<str>) -> Finding {
        self.finding(State::Unknown, says.as_ref(), Some(mend.as_ref()))
    }

    pub(super) fn wrong(&self, says: impl AsRef<str>, mend: impl AsRef<str>) -> Finding {
        self.finding(State::Wrong, says.as_ref(), Some(mend.as_ref()))
    }

    /// Text from files and from the core goes in here: what comes out is safe for a terminal.
    fn finding(&self, state: State, says: &str, mend: Option<&str>) -> Finding {
        Finding { group: self.group.clone(), check: self.name, state, says: shown(says), mend: mend.map(shown) }
    }
}

/// 0: nothing is wrong, 1: something is, 2: something could not be examined.
pub(super) fn exit_code(findings: &[Finding]) -> u8 {
    let any = |state| findings.iter().any(|finding| finding.state == state);
    match () {
        () if any(State::Wrong) => 1,
        () if any(State::Unknown) => 2,
        () => 0,
    }
}

/// The mend where this user may not look.
pub(super) const AS_ROOT: &str = "sudo socme node doctor";

/// A path as a shell takes it: the mends are copied.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: Check = Check::new("Core", "core");

    #[test]
    fn what_is_wrong_outranks_what_is_not_known_and_warnings_pass() {
        let (fine, warning) = (CHECK.fine(""), CHECK.warning("", ""));
        let (unknown, wrong) = (CHECK.unknown("", ""), CHECK.wrong("", ""));
        assert_eq!(exit_code(&[fine, warning.clone(), CHECK.not_applicable("")]), 0);
        assert_eq!(exit_code(&[warning.clone(), unknown.clone()]), 2);
        assert_eq!(exit_code(&[unknown, wrong, warning]), 1);
    }

    #[test]
    fn text_of_others_obeys_neither_in_a_terminal_nor_in_a_shell() {
        let finding = Check::of("Source \u{1b}[2J", "file").warning("a\u{1b}b", "c\nd");
        assert_eq!((finding.group.as_ref(), finding.says.as_str()), ("Source \\u{1b}[2J", "a\\u{1b}b"));
        assert_eq!(finding.mend.as_deref(), Some("c\\u{a}d"));
        assert_eq!(quoted(Path::new("/var/log/eve.json")), "/var/log/eve.json");
        assert_eq!(quoted(Path::new("/x; rm '$(y)'")), r"'/x; rm '\''$(y)'\'''");
    }
}
