//! An enrolment token is decoded or refused, never more.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(token) = wire::token::Token::decode(text) {
        assert_eq!(wire::token::Token::decode(&token.encode()), Ok(token));
    }
});
