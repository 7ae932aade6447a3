//! A core's settings are read or refused, each fault with its place: the file's text, and the same text as the value of every
//! variable of the environment.
#![no_main]

use socme_core::fuzzing;

libfuzzer_sys::fuzz_target!(|text: &str| {
    fuzzing::settings(text);
});
