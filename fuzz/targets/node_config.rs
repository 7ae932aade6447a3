//! A node's file is read or refused with its place.
#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match node::config::Config::parse(Path::new("node.toml"), text) {
        Ok(config) => {
            assert!(config.source.len() <= wire::limit::SOURCES);
            assert!(config.source.iter().all(|source| !source.name.is_empty()));
        }
        Err(wrong) => {
            assert!(wrong.line.is_none_or(|line| (1..=text.lines().count().max(1) + 1).contains(&line)), "{wrong}");
        }
    }
});
