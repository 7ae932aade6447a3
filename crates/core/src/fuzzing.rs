//! What the fuzz targets reach of the inside. Only they are built with it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::{Config, Layers};

/// Reads settings from a file of this text, then from variables of the environment that all hold it.
///
/// # Panics
/// Where a fault has no place, or no words.
pub fn settings(text: &str) {
    let lines = text.lines().count().max(1) + 1;
    for layers in [
        Layers::of_text(Path::new("core.toml"), text),
        Layers::read(Some(Path::new("/dev/null")), |_| Some(text.to_owned()), &BTreeMap::new()),
    ] {
        for fault in Config::load(&layers).err().into_iter().flatten() {
            assert!(!fault.why.is_empty());
            let told = fault.to_string();
            let line = told.strip_prefix("core.toml:").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
            assert!(line.is_none_or(|line| (1..=lines).contains(&line)), "{told}");
        }
    }
}
