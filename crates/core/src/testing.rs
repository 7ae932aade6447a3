//! For tests alone.

/// Fails if the file (named from the workspace's root) is not `text`; with `BLESS=1` in the environment, writes it.
pub(crate) fn is_fresh(file: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{file} is stale: BLESS=1 cargo test -p socme-core stale");
}

/// As [`is_fresh`], for what follows the line `mark` in a file, up to an empty line.
pub(crate) fn has_fresh(file: &str, mark: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let whole = std::fs::read_to_string(&path).unwrap_or_default();
    let (before, after) = whole.split_once(mark).unwrap_or_else(|| panic!("{file} has no line {mark}"));
    let rest = after.split_once("\n\n").map_or("", |(_, rest)| rest);
    is_fresh(file, &format!("{before}{mark}{text}\n{rest}"));
}
