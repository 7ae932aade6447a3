//! ARCHITECTURE.md, held against the manifests, the imports and the migrations: its tables are read, so that they stay
//! true.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

type Words = BTreeSet<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rows of the table with this header: for each, the words in backquotes of the first cell, and the last cell.
fn table(header: &str) -> Vec<(Vec<String>, String)> {
    let text = read("ARCHITECTURE.md");
    let (_, rest) =
        text.split_once(&format!("{header}\n")).unwrap_or_else(|| panic!("ARCHITECTURE.md has no «{header}»"));
    rest.lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|');
            (quoted(cells.next().unwrap_or_default()), cells.next_back().unwrap_or_default().to_owned())
        })
        .collect()
}

/// What stands in backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A crate of ours: its folder, the name that others import it by, and the names of what it depends on.
struct Crate {
    folder: String,
    lib: String,
    dependencies: Words,
}

fn crates() -> Vec<Crate> {
    folders("crates")
        .into_iter()
        .map(|folder| {
            let manifest: toml::Table = read(format!("crates/{folder}/Cargo.toml")).parse().unwrap();
            let lib = manifest.get("lib").and_then(|lib| lib["name"].as_str()).unwrap_or(&folder).to_owned();
            let dependencies = manifest["dependencies"].as_table().unwrap().keys().cloned().collect();
            Crate { folder, lib, dependencies }
        })
        .collect()
}

fn folders(path: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(root().join(path))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Path (from `crates/`) and text without comments of each source file under a folder of it.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut todo = vec![root().join("crates").join(folder)];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(root().join("crates")).unwrap().to_str().unwrap().to_owned();
            let code: Vec<_> = fs::read_to_string(&path)
                .unwrap()
                .lines()
                .map(|line| line.split("//").next().unwrap_or_default().to_owned())
                .collect();
            found.push((name, code.join("\n")));
        }
    }
    found.sort();
    found
}

/// Whether code names something of the crate or module `name`.
fn mentions(code: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(i, _)| {
        let before = code[..i].chars().next_back();
        let after = &code[i + name.len()..];
        !before.is_some_and(|c| is_word(c) || c == '.' || c == ':')
            && (after.starts_with("::") || (code[..i].ends_with("use ") && after.starts_with([';', ' '])))
    })
}

#[test]
fn crates_use_what_the_map_says_and_nothing_else() {
    let crates = crates();
    let map: BTreeMap<String, Words> = table("| crate | is | uses |")
        .into_iter()
        .map(|(name, uses)| (name[0].clone(), quoted(&uses).into_iter().collect()))
        .collect();
    let names: Vec<_> = crates.iter().map(|c| &c.folder).collect();
    assert_eq!(map.keys().collect::<Vec<_>>(), names, "the map and the folder crates/ name different crates");
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let ours: BTreeMap<String, String> = workspace["workspace"]["dependencies"]
        .as_table()
        .unwrap()
        .iter()
        .filter_map(|(name, d)| Some((name.clone(), d.get("path")?.as_str()?.strip_prefix("crates/")?.to_owned())))
        .collect();
    for one in &crates {
        let used: Words = one.dependencies.iter().filter_map(|d| ours.get(d).cloned()).collect();
        assert_eq!(used, map[&one.folder], "{}: its Cargo.toml and the map differ", one.folder);
        let imported: Words = crates
            .iter()
            .filter(|other| other.folder != one.folder)
            .filter(|other| sources(&format!("{}/src", one.folder)).iter().any(|(_, code)| mentions(code, &other.lib)))
            .map(|other| other.folder.clone())
            .filter(|name| used.contains(name))
            .collect();
        assert_eq!(imported, used, "{}: it declares a crate of ours that it does not import", one.folder);
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    for (libraries, places) in table("| library | for | only in |") {
        let places = quoted(&places);
        for library in libraries {
            let import = library.replace('-', "_");
            for one in crates() {
                for (path, code) in sources(&format!("{}/src", one.folder)) {
                    if mentions(&code, &import) {
                        let at_home =
                            places.iter().any(|p| path.starts_with(&format!("{p}/")) || path == format!("{p}.rs"));
                        assert!(at_home, "{path} imports {library}, which belongs in {places:?} only");
                    }
                }
                if one.dependencies.contains(&library) {
                    let at_home = places.iter().any(|p| p.split('/').next() == Some(&one.folder));
                    assert!(at_home, "{} depends on {library}, which belongs in {places:?} only", one.folder);
                }
            }
        }
    }
}

#[test]
fn nothing_in_the_core_points_up() {
    let layers: Vec<Vec<String>> =
        table("| modules of `core` | layer |").into_iter().map(|(modules, _)| modules).collect();
    let level = |module: &str| layers.iter().position(|modules| modules.iter().any(|m| m == module));
    let mut seen = Words::new();
    for (path, code) in sources("core/src") {
        let inside = path.trim_start_matches("core/src/");
        let module = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        seen.insert(module.to_owned());
        let mine = level(module).unwrap_or_else(|| panic!("ARCHITECTURE.md gives core's module {module} no layer"));
        for (above, modules) in layers.iter().enumerate().take(mine) {
            for upper in modules {
                let points_up =
                    code.contains(&format!("crate::{upper}::")) || code.contains(&format!("crate::{upper};"));
                assert!(!points_up, "{path} (layer {mine}) uses {upper} (layer {above}), which is above it");
            }
        }
    }
    let listed: Words = layers.into_iter().flatten().collect();
    assert_eq!(listed, seen, "ARCHITECTURE.md and crates/core/src name different modules");
}

#[test]
fn tables_without_a_client_are_listed() {
    let listed: Words = table("| table | why it has no client |").into_iter().flat_map(|(names, _)| names).collect();
    for database in ["sqlite", "postgres"] {
        let mut found = Words::new();
        let migrations = root().join("crates/store/migrations").join(database);
        for entry in fs::read_dir(migrations).unwrap() {
            let sql = fs::read_to_string(entry.unwrap().path()).unwrap();
            for statement in sql.split("CREATE TABLE ").skip(1) {
                let (name, body) = statement.split_once('(').unwrap();
                let body = body.split(';').next().unwrap_or_default();
                let mut columns = body.lines().flat_map(|l| l.split(',')).map(str::trim);
                if !columns.any(|c| c.starts_with("client INTEGER") || c.starts_with("client bigint")) {
                    found.insert(name.trim().trim_matches('"').to_owned());
                }
            }
        }
        assert_eq!(
            listed, found,
            "ARCHITECTURE.md and the migrations for {database} name different tables without a client"
        );
    }
}

#[test]
fn the_map_leads_to_what_exists() {
    let text = read("ARCHITECTURE.md");
    for path in quoted(&text).into_iter().filter(|w| w.contains('/') && w.starts_with(|c: char| c.is_ascii_lowercase()))
    {
        if ["crates/", "docs/", "web/", "tests/", "demo/", "packaging/"].iter().any(|start| path.starts_with(start)) {
            assert!(root().join(&path).exists(), "ARCHITECTURE.md names {path}, which does not exist");
        }
    }
    for one in crates() {
        for (path, _) in sources(&format!("{}/src", one.folder)) {
            let Some((_, inside)) = path.split_once("/src/") else { continue };
            let module = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs");
            let shown = text.contains(&format!("`{module}`")) || ["lib", "main", "tests"].contains(&module);
            assert!(shown, "ARCHITECTURE.md does not say what {module} in crates/{} is for", one.folder);
        }
    }
}
