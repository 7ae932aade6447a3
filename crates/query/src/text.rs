//! How text is cut into words: the same for what is sought and for what it is sought in.
//!
//! A word is a run of letters and digits. The characters `. - _ @ :` hold it together (`evil.example`, `10.0.0.1:443`,
//! `bob@example.org`), but neither begin nor end it. Words are lower-cased and lose their diacritics, as SQLite's FTS5
//! does with `unicode61 remove_diacritics 2` (which treats what comes from here as it is, given
//! `tokenchars '.-_@:'`).

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

use crate::net;

/// Characters that hold a word together.
pub const JOINERS: [char; 5] = ['.', '-', '_', '@', ':'];
/// Parts of words shorter than this, in characters, are not sought on their own.
const SHORTEST_PART: usize = 3;

/// The words of a text, in order.
///
/// ```
/// assert_eq!(query::tokens("GET /Éric/a.php from 10.0.0.1:443."), ["get", "eric", "a.php", "from", "10.0.0.1:443"]);
/// ```
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let folded = fold(text);
    folded
        .split(|c: char| !(c.is_alphanumeric() || JOINERS.contains(&c)))
        .map(|word| word.trim_matches(JOINERS))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What an index of free text holds about something that has these texts: all words in order, and after them, each
/// once, the parts of words that are held together by [`JOINERS`], so that `evil` finds `www.evil.example`.
///
/// A text term matches if its words occur here next to one another. An index that holds exactly this, and a
/// [`crate::Query::matches`], agree.
///
/// ```
/// assert_eq!(query::index_words(["Login of bob@example.org"]), ["login", "of", "bob@example.org", "bob", "example.org", "example", "org"]);
/// ```
#[must_use]
pub fn index_words<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut words: Vec<String> = texts.into_iter().flat_map(tokens).collect();
    let mut seen: HashSet<&str> = words.iter().map(String::as_str).collect();
    let parts: Vec<String> =
        words.iter().flat_map(|w| parts(w)).filter(|p| seen.insert(p)).map(str::to_owned).collect();
    words.extend(parts);
    words
}

/// What a word that is held together is made of: at `@` and `:` (unless it is an IPv6 or hardware address), then at
/// `. - _` as far as the pieces have letters: nobody seeks the `168` of an address.
fn parts(word: &str) -> Vec<&str> {
    let mut found = Vec::new();
    if net::is_colon_address(word) {
        return found;
    }
    let pieces = |text, joiners: &'static [char]| {
        str::split(text, joiners)
            .map(|p| p.trim_matches(JOINERS))
            .filter(move |p| *p != text && p.chars().count() >= SHORTEST_PART)
    };
    let outer: Vec<&str> = pieces(word, &['@', ':']).collect();
    found.extend(&outer);
    for piece in if outer.is_empty() { vec![word] } else { outer } {
        found.extend(pieces(piece, &['.', '-', '_']).filter(|p| p.chars().any(char::is_alphabetic)));
    }
    found
}

/// Lower case, without diacritics.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let is_mark = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    text.nfd().filter(|c| !is_mark(c)).flat_map(char::to_lowercase).nfd().filter(|c| !is_mark(c)).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_into_words() {
        for (text, words) in [
            ("", &[][..]),
            ("... -- ::", &[]),
            ("ET SCAN sqlmap/1.5 (POST)", &["et", "scan", "sqlmap", "1.5", "post"]),
            ("Connexion échouée à l’hôte", &["connexion", "echouee", "a", "l", "hote"]),
            ("http://Evil.example/x.php?id=1", &["http", "evil.example", "x.php", "id", "1"]),
            ("fe80::1, aa:bb:cc:dd:ee:ff", &["fe80::1", "aa:bb:cc:dd:ee:ff"]),
            (r"C:\Windows\cmd.exe", &["c", "windows", "cmd.exe"]),
            ("İSTANBUL Straße Ｅ", &["istanbul", "straße", "ｅ"]),
            ("Привет Мир 漢字 한국", &["привет", "мир", "漢字", "한국"]),
            ("a\0b\u{1b}[31mred", &["a", "b", "31mred"]),
        ] {
            assert_eq!(tokens(text), words, "{text}");
        }
    }

    #[test]
    fn parts_of_words_are_found_too() {
        for (text, extra) in [
            ("www.evil.example", &["www", "evil", "example"][..]),
            ("10.0.0.1:443 192.168.1.10", &["10.0.0.1", "443"]),
            ("fe80::aaaa:bbbb", &[]),
            ("bob@mail.example.org bob", &["mail.example.org", "mail", "example", "org"]),
            ("ET_SCAN-2026", &["scan"]),
            ("x.y.z", &[]),
        ] {
            assert_eq!(index_words([text])[tokens(text).len()..], *extra, "{text}");
        }
    }

    #[test]
    fn cutting_a_word_again_changes_nothing() {
        for c in '\0'..='\u{1ffff}' {
            for word in tokens(&format!("a{c}b {c}")) {
                assert_eq!(tokens(&word), [word.as_str()], "U+{:04X}", c as u32);
            }
        }
    }
}
