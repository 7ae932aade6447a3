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
