//! CONTRACT.md tells the truth about which test shows what.

use std::path::Path;

#[test]
fn every_test_that_the_table_of_the_contract_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("CONTRACT.md")).unwrap();
    let mut sources = String::new();
    // alerts.json is followed by a crate of its own.
    let mut folders = vec![root.join("tests/main"), root.join("src"), root.join("../tail/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut named = 0;
    for row in table.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let tests = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap_or_default();
        for test in tests.split('`').skip(1).step_by(2) {
            assert!(sources.contains(&format!("fn {test}(")), "no test is called {test}: {row}");
            named += 1;
        }
    }
    assert!(named > 30, "only {named} tests are named");
}
