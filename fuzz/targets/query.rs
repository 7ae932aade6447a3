//! A query either parses, and then prints as text that parses to the same tree, or says what is wrong.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = query::tokens(text);
    if let Ok(tree) = query::parse(text) {
        let printed = tree.to_string();
        assert_eq!(query::parse(&printed).map(|t| t.to_string()), Ok(printed));
    }
});
