//! Where values come from.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Fault, Given, KEYS, Value};

/// The file that is read if none is named and it is there.
const USUAL: &str = "/etc/socme/core.toml";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A line of the file, counted from 1.
    Line(PathBuf, usize),
    /// The file as a whole.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A flag.
    Flag(String),
    /// Nobody set it.
    Nobody,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, line) => write!(f, "{}:{line}", file.display()),
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Variable(name) => write!(f, "environment, {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::Nobody => f.write_str("settings"),
        }
    }
}

/// All values that somebody gave: those of flags hide those of the environment, these hide those of the file.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    values: BTreeMap<&'static str, (Given, Origin)>,
    faults: Vec<Fault>,
    file: Option<PathBuf>,
}

impl Layers {
    /// Reads the file (`named`, else `SOCME_CONFIG`, else the usual one if it is there), then the environment, then the
    /// flags (by key).
    #[must_use]
    pub fn read(
        named: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
        flags: &BTreeMap<&'static str, String>,
    ) -> Self {
        let mut layers = Self::default();
        let named = named.map(Path::to_owned).or_else(|| environment("SOCME_CONFIG").map(PathBuf::from));
        if let Some(path) = named.or_else(|| Some(PathBuf::from(USUAL)).filter(|usual| usual.exists())) {
            layers.read_file(&path);
            layers.file = Some(path);
        }
        for key in KEYS {
            if let Some(text) = environment(&key.variable()) {
                layers.values.insert(key.path, (Given::Text(text), Origin::Variable(key.variable())));
            }
            if let Some(text) = flags.get(key.path) {
                layers.values.insert(key.path, (Given::Text(text.clone()), Origin::Flag(key.flag())));
            }
        }
        layers
    }

    /// The file that was read.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is wrong before any value is looked at.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Where a key's value comes from.
    pub(crate) fn origin(&self, path: &str) -> Origin {
        self.values.get(path).map_or(Origin::Nobody, |(_, origin)| origin.clone())
    }

    /// A key's value; notes what is wrong with it.
    pub(crate) fn get<T: Value>(&self, path: &'static str, default: &str, faults: &mut Vec<Fault>) -> Option<T> {
        let (given, origin) = match self.values.get(path) {
            Some((given, origin)) => (given.clone(), origin.clone()),
            None => (
                DeValue::parse(default).map_or(Given::Other("nothing"), |value| given(value.get_ref())),
                Origin::Nobody,
            ),
        };
        match T::read(&given) {
            Ok(value) => Some(value),
            Err(why) => {
                faults.push(Fault { origin, key: Some(path.to_owned()), why });
                None
            }
        }
    }

    fn read_file(&mut self, path: &Path) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let why = format!("It cannot be read: {error}.");
                return self.faults.push(Fault { origin: Origin::File(path.to_owned()), key: None, why });
            }
        };
        self.take_text(path, &text);
    }

    /// A file of this text alone.
    #[cfg(fuzzing)]
    pub(crate) fn of_text(path: &Path, text: &str) -> Self {
        let mut layers = Self::default();
        layers.take_text(path, text);
        layers
    }

    fn take_text(&mut self, path: &Path, text: &str) {
        match DeTable::parse(text) {
            Ok(table) => self.take(path, text, table.get_ref(), ""),
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                let why = format!("This is not TOML: {}.", error.message().trim_end_matches('.'));
                self.faults.push(Fault { origin: Origin::Line(path.to_owned(), line), key: None, why });
            }
        }
    }

    fn take(&mut self, path: &Path, text: &str, table: &DeTable<'_>, prefix: &str) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let origin = Origin::Line(path.to_owned(), line_of(text, name.span().start));
            if let Some(known) = KEYS.iter().find(|known| known.path == key) {
                self.values.insert(known.path, (given_at(value), origin));
                continue;
            }
            let within = format!("{key}.");
            match value.get_ref() {
                DeValue::Table(inner) if KEYS.iter().any(|known| known.path.starts_with(&within)) => {
                    self.take(path, text, inner, &within);
                }
                _ => self.faults.push(Fault { origin, key: Some(key.clone()), why: unknown(&key) }),
            }
        }
    }
}

fn given_at(value: &Spanned<DeValue<'_>>) -> Given {
    given(value.get_ref())
}

fn given(value: &DeValue<'_>) -> Given {
    match value {
        DeValue::String(text) => Given::Text(text.to_string()),
        DeValue::Boolean(switch) => Given::Switch(*switch),
        DeValue::Integer(number) => match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
            Ok(number) => Given::Number(number),
            Err(_) => Given::Other("number"),
        },
        DeValue::Array(elements) => Given::List(elements.iter().map(given_at).collect()),
        other => Given::Other(other.type_str()),
    }
}

fn unknown(key: &str) -> String {
    let near = KEYS.iter().map(|known| (distance(key, known.path), known.path)).min();
    match near {
        Some((slips, path)) if slips <= 1 + key.len() / 4 => format!("There is no such key. Did you mean «{path}»?"),
        _ => "There is no such key. See core.example.toml for all keys.".into(),
    }
}

/// How many letters must be added, removed or changed to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let change = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn line_of(text: &str, byte: usize) -> usize {
    1 + text.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count()
}

/// Where data goes if nobody says: the system's folder for root and for its owner, else the user's own.
pub(crate) fn data_folder() -> PathBuf {
    let system = PathBuf::from("/var/lib/socme");
    let me = rustix::process::geteuid().as_raw();
    if me == 0 || std::fs::metadata(&system).is_ok_and(|folder| folder.uid() == me) {
        return system;
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute()).or_else(home);
    base.unwrap_or_else(|| PathBuf::from(".")).join("socme")
}
