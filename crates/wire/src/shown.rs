//! Text that others wrote, made safe for a terminal.
//!
//! A log line, a rule's name or a host's name may hold what a terminal obeys (escape sequences), what turns a line round
//! (direction marks) or what nobody sees. All of that is shown as an escape instead of being sent.

/// The text with every character that does something, or that nobody sees, written as an escape.
#[must_use]
pub fn shown(text: &str) -> String {
    escaped(text, |c, out| out.extend(c.escape_unicode()))
}

/// A JSON text with these characters as JSON's own escapes: it means the same, and a terminal is safe from it.
#[must_use]
pub fn json(text: &str) -> String {
    escaped(text, |c, out| {
        // Between values, where the text has several lines; within a string it is an escape already.
        if c == '\n' {
            return out.push(c);
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    })
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) { escape(c, &mut out) } else { out.push(c) }
    }
    out
}

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(shown("a\u{1b}[2Jb\nc\u{9b}0m"), "a\\u{1b}[2Jb\\u{a}c\\u{9b}0m");
        assert_eq!(shown("evil\u{202e}gpj.exe\u{2028}"), "evil\\u{202e}gpj.exe\\u{2028}");
        assert_eq!(shown("Été 東京 «x»"), "Été 東京 «x»");
    }

    #[test]
    fn a_json_text_still_means_the_same() {
        let text = "\u{1b}[31m \u{9b} \u{202e} \u{e0041} \u{7f} é";
        let written = json(&serde_json::to_string(text).unwrap());
        assert!(!written.chars().any(acts), "{written}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        assert_eq!(json("{\n  \"a\\n\": 1\n}\n"), "{\n  \"a\\n\": 1\n}\n");
    }
}
