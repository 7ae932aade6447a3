//! The language as a table: what is written, how it is understood, what is refused and with what mend.

use super::*;

#[test]
fn what_is_written_is_understood() {
    for (written, canonical) in [
        ("", ""),
        (" \t\n ", ""),
        ("severity:high", "severity:high"),
        ("SEVERITY:High", "severity:high"),
        ("severity=high", "severity:high"),
        ("severity:critical,high,high", "severity>=high"),
        ("severity:low,high", "severity:low,high"),
        ("severity>=high", "severity>=high"),
        ("severity>high", "severity:critical"),
        ("severity<=medium", "severity:low,medium"),
        ("severity<medium", "severity:low"),
        ("severity>=low", "severity>=low"),
        ("client:acme", "client:acme"),
        ("client:\"Acme Works\",b", "client:\"Acme Works\",b"),
        ("client:\"acme\"", "client:acme"),
        ("client:\" acme \"", "client:acme"),
        (r#"client:"the \"best\"""#, r#"client:"the \"best\"""#),
        (r#"client:a"b"#, r#"client:a"b"#),
        ("source:socme,wazuh,suricata", "source:suricata,wazuh,socme"),
        ("state:open,acknowledged", "state:open,acknowledged"),
        ("node:Office", "node:Office"),
        ("rule:2024897,5710", "rule:2024897,5710"),
        ("ip:10.0.0.1", "ip:10.0.0.1"),
        ("ip:10.1.2.3/8", "ip:10.0.0.0/8"),
        ("ip:2001:DB8::1,10.0.0.0/8", "ip:2001:db8::1,10.0.0.0/8"),
        ("ip:::ffff:10.0.0.1", "ip:10.0.0.1"),
        ("host:WEB1", "host:web1"),
        (r"user:CORP\Bob", r"user:corp\bob"),
        ("hash:D41D8CD98F00B204E9800998ECF8427E", "hash:d41d8cd98f00b204e9800998ecf8427e"),
        ("domain:Evil.Example.", "domain:evil.example"),
        ("after:24h before:2026-11-01", "after:24h before:2026-11-01"),
        ("after:2026-11-01T08:30", "after:2026-11-01T08:30:00"),
        ("after:\"2026-11-01 08:30\"", "after:2026-11-01T08:30:00"),
        ("after:2026-11-01T08:30:00+01:00", "after:2026-11-01T07:30:00Z"),
        ("-severity:low !state:closed", "-severity:low -state:closed"),
        ("sqlmap Scan", "sqlmap scan"),
        ("\"SQL injection\"", "\"sql injection\""),
        ("-\"two words\"", "-\"two words\""),
        ("/etc/passwd", "\"etc passwd\""),
        ("10.0.0.1:443", "\"10.0.0.1:443\""),
        ("fe80::1", "\"fe80::1\""),
        ("cafe::beef", "\"cafe::beef\""),
        ("aa:bb:cc:dd:ee:ff", "\"aa:bb:cc:dd:ee:ff\""),
        ("http://evil.example/x", "\"http evil.example x\""),
        (r"C:\Windows", "\"c windows\""),
        ("\"severity:high\"", "\"severity:high\""),
        ("a,b", "\"a b\""),
        ("id=1 <script>", "\"id 1\" script"),
        ("échec", "echec"),
        ("and or not", "and or not"),
        ("--verbose", "-verbose"),
        ("\u{a0}x\u{3000}y", "x y"),
    ] {
        let query = parse(written).unwrap_or_else(|e| panic!("{written}: {e}"));
        assert_eq!(query.to_string(), canonical, "{written}");
        assert_eq!(parse(canonical).as_ref(), Ok(&query), "{written}");
        for term in &query.terms {
            assert_eq!(parse(&written[term.span.start..term.span.end]).unwrap().terms.first(), Some(term), "{written}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_where_and_with_a_mend() {
    for (written, place, message, mend) in [
        ("x sevrity:high", "sevrity", "There is no field «sevrity».", "Did you mean «severity:»?"),
        ("banana:x", "banana", "There is no field «banana».", "The fields are severity, client"),
        ("since:24h", "since", "There is no field «since».", "Did you mean «after:»?"),
        ("severity:low,hihg", "hihg", "«hihg» is not a severity.", "Did you mean «severity:high»?"),
        ("state:done", "done", "«done» is not a state.", "It can be open, acknowledged, closed."),
        (
            "source:",
            "source:",
            "«source» has no value.",
            "Write the value right after the colon, without a blank: source:suricata.",
        ),
        ("host: web1", "host:", "«host» has no value.", "Write the value"),
        ("host:a,,b", "host:a,,b", "«host» has no value.", "Write the value"),
        ("host:\" \"", "\" \"", "«host» has no value.", "Write the value"),
        ("domain:.", ".", "«domain» has no value.", "Write the value"),
        ("ip:10.0.0", "10.0.0", "«10.0.0» is neither an address nor a network.", "Write an address such as 10.0.0.1"),
        ("ip:10.0.0.0/33", "10.0.0.0/33", "«10.0.0.0/33» is neither", "Write an address"),
        ("after:soon", "soon", "«soon» is not a moment.", "Write a date"),
        ("after:1h,2h", "after:1h,2h", "«after» takes one value here.", "Keep one value: after:24h."),
        ("hash:abc", "abc", "«abc» is not a hash.", "Write the whole MD5"),
        ("rule>5", "rule>5", "«rule» cannot be compared.", "Only severity has an order. Write rule:2024897."),
        (
            "severity>critical",
            "severity>critical",
            "Nothing has severity>critical.",
            "Write for instance severity>=high.",
        ),
        ("severity>=low,high", "severity>=low,high", "«severity» takes one value here.", "Keep one value"),
        ("a \"b c", "\"b c", "A quotation mark is not closed.", "Add a closing quotation mark."),
        ("client:\"a", "\"a", "A quotation mark is not closed.", "Add a closing"),
        ("\"a\"b", "\"a\"b", "Something follows the closing quotation mark.", "Put a blank"),
        ("host:\"a\"b,c", "\"a\"b", "Something follows the closing quotation mark.", "Put a blank"),
        ("a - b", "-", "Nothing follows the minus sign.", "Write what to leave out"),
        ("a -> b", "->", "«>» has no word to search for.", "Search for a word"),
        ("a OR b", "OR", "«OR» is not part of the language.", "For any of several values write field:one,two."),
        ("a NOT b", "NOT", "«NOT» is not part of the language.", "Put a minus before"),
        ("a AND b", "AND", "«AND» is not part of the language.", "Leave it out"),
    ] {
        let error = parse(written).expect_err(written);
        assert_eq!(&written[error.span.start..error.span.end], place, "{written}");
        assert!(error.message().starts_with(message), "{written}: {}", error.message());
        assert!(error.mend().starts_with(mend), "{written}: {}", error.mend());
    }
}

#[test]
fn a_query_is_bounded() {
    let problem = |text: &str| parse(text).unwrap_err().problem;
    assert_eq!(problem(&"x".repeat(LENGTH + 1)), Problem::TooLong);
    assert!(parse(&"x".repeat(LENGTH)).is_ok());
    assert_eq!(problem(&"x ".repeat(TERMS + 1)), Problem::TooManyTerms);
    assert!(parse(&"x ".repeat(TERMS)).is_ok());
    assert_eq!(problem(&format!("rule:{}", ["1"; VALUES + 1].join(","))), Problem::TooManyValues);
    assert!(parse(&format!("rule:{}", ["1"; VALUES].join(","))).is_ok());
    assert_eq!(problem(&format!("\"{}\"", "x ".repeat(VALUES + 1))), Problem::TooManyValues);
    // «Ⱥ» is longer in lower case: what is printed would not be readable.
    assert_eq!(problem(&format!("host:{}", "Ⱥ".repeat(2_000))), Problem::TooLong);
}

/// SplitMix64: the same texts in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn text(&mut self) -> String {
        const PIECES: &[&str] = &[
            "severity",
            "client",
            "source",
            "state",
            "node",
            "rule",
            "ip",
            "host",
            "user",
            "hash",
            "domain",
            "after",
            "before",
            ":",
            ":",
            ":",
            ":",
            "=",
            ">=",
            "<=",
            "<",
            ">",
            ",",
            ",",
            " ",
            " ",
            " ",
            " ",
            "\"",
            "\"",
            "\"",
            "\\",
            "-",
            "!",
            "/",
            ".",
            "@",
            "_",
            "high",
            "low,critical",
            "open",
            "closed",
            "suricata",
            "acme",
            "10.0.0.1",
            "10.1.0.0/16",
            "2001:db8::1",
            "::",
            "24h",
            "7d",
            "2026-11-01",
            "T08:30",
            "Z",
            "+01:00",
            "d41d8cd98f00b204e9800998ecf8427e",
            "web1",
            "Été",
            "İ",
            "Σ",
            "ΑΣ",
            "Ⱥ",
            "한",
            "漢",
            "😀",
            "\u{301}",
            "\u{345}",
            "\0",
            "\u{1b}",
            "\u{2028}",
            "\u{a0}",
            "AND",
            "x",
            "(",
            ")",
            "*",
            "http://",
        ];
        (0..self.roll(24)).map(|_| PIECES[self.roll(PIECES.len())]).collect()
    }
}

#[test]
fn what_is_printed_is_read_back_the_same() {
    let mut dice = Dice(3);
    let mut understood = 0;
    for _ in 0..20_000 {
        let text = dice.text();
        let at = dice.roll(text.len() + 2);
        let completion = crate::complete(&text, at);
        assert!(text.get(completion.start..completion.end).is_some(), "{text:?}");
        match parse(&text) {
            Ok(query) => {
                let printed = query.to_string();
                assert_eq!(parse(&printed), Ok(query.clone()), "{text:?} → {printed:?}");
                assert_eq!(parse(&printed).unwrap().to_string(), printed, "{text:?}");
                understood += usize::from(!query.terms.is_empty());
                if let Some(index) = query.terms.len().checked_sub(1).map(|last| dice.roll(last + 1)) {
                    let turned = parse(&crate::edit::negate(&text, index).unwrap()).unwrap();
                    assert_eq!(turned.terms[index].condition, query.terms[index].condition, "{text:?}");
                    assert_ne!(turned.terms[index].negated, query.terms[index].negated, "{text:?}");
                    let removed = parse(&crate::edit::remove(&text, index).unwrap()).unwrap();
                    assert_eq!(removed.terms.len() + 1, query.terms.len(), "{text:?}");
                }
            }
            Err(error) => {
                assert!(text.get(error.span.start..error.span.end).is_some(), "{text:?}: {error:?}");
                assert!(!error.message().is_empty() && !error.mend().is_empty());
            }
        }
    }
    assert!(understood > 1_000, "only {understood} of the texts were queries");
}

/// What stands in backquotes in the manual's tables, and is not the name of a field or value, is a query.
#[test]
fn the_manual_gives_queries_that_work() {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    for language in ["en", "fr"] {
        let page = std::fs::read_to_string(format!("{manual}/{language}/query.md")).unwrap();
        let mut tried = 0;
        for row in page.lines().filter(|line| line.starts_with("| `")) {
            for example in row.split('`').skip(1).step_by(2).filter(|e| e.contains([':', '=', '<', '"'])) {
                if !["<=", "<"].contains(&example) {
                    parse(example).unwrap_or_else(|e| panic!("{language}: {example}: {e}"));
                    tried += 1;
                }
            }
        }
        for field in Field::ALL {
            assert!(page.contains(&format!("\n| `{field}` |")), "{language}: {field} is not in the table");
        }
        assert!(tried > 30, "{language}: only {tried} examples");
    }
}
