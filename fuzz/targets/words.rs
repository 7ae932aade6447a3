//! Text is cut into words that are the same when they are cut again, and each word of a text finds that text.
#![no_main]

use query::{index_words, tokens};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let words = tokens(text);
    let index = index_words([text]);
    assert_eq!(index[..words.len()], words);
    for word in &index {
        assert_eq!(tokens(word), [word.as_str()], "«{word}» of «{text}»");
    }
    for word in words.iter().take(8) {
        // A word that reads as a field or an operator is another matter.
        let Ok(query) = query::parse(&query::quote(word)) else { continue };
        if let [query::Term { negated: false, condition: query::Condition::Text(sought), .. }] = &query.terms[..] {
            assert!(index.windows(sought.len()).any(|found| found == sought), "«{word}» does not find «{text}»");
        }
    }
});
