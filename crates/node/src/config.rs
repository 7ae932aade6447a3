//! The node's file: `/etc/socme/node.toml`.

mod wazuh;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wire::Source;

pub use self::wazuh::{Limits, Reach, Wazuh};

/// The folder of the data, unless the settings say otherwise: the package makes it, for the service's user.
pub const HOME: &str = "/var/lib/socme-node";
/// Where the file is unless told otherwise.
pub const PATH: &str = "/etc/socme/node.toml";

/// What a node is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of the node's identity and spool.
    pub data: PathBuf,
    /// The client's policy file; it need not exist.
    pub policy: PathBuf,
    /// The spool.
    pub spool: Spool,
    /// Folding.
    pub fold: Fold,
    /// What is read. If none is given: those of the usual files that exist.
    pub source: Vec<SourceConfig>,
    /// The Wazuh manager beside this node, and its indexer.
    pub wazuh: Wazuh,
}

/// The spool's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spool {
    /// Most bytes on disk.
    pub limit: Bytes,
}

/// Folding's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fold {
    /// Length of a window of event time in seconds, 0 to 3600; 0 switches folding off.
    pub window_seconds: u32,
    /// Other lengths for some rules.
    pub rule: Vec<FoldRule>,
}

/// Another window for one rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldRule {
    /// `suricata` or `wazuh`.
    pub source: Source,
    /// The rule's id.
    pub id: String,
    /// As above.
    pub window_seconds: u32,
}

/// One source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// What it is.
    pub kind: Kind,
    /// What it is called in the status; its kind unless given.
    #[serde(default)]
    pub name: String,
    /// The file; the usual one unless given.
    #[serde(default)]
    pub path: PathBuf,
    /// Where reading begins in a file that is there already.
    #[serde(default)]
    pub start: Start,
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Suricata's EVE file.
    Suricata,
    /// A Wazuh manager's `alerts.json`.
    Wazuh,
    /// The alerts in the indexer of `[wazuh.indexer]`, where the manager is on another machine.
    #[serde(rename = "wazuh-indexer")]
    WazuhIndexer,
}

/// Where reading begins in a file that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// After its last line.
    #[default]
    End,
    /// At its first line.
    Beginning,
}

/// A number of bytes: a number, or text such as `"64 MiB"`, `"1 GiB"`, `"500 MB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl Default for Config {
    fn default() -> Self {
        Self {
            data: HOME.into(),
            policy: "/etc/socme/policy.toml".into(),
            spool: Spool::default(),
            fold: Fold::default(),
            source: Vec::new(),
            wazuh: Wazuh::default(),
        }
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self { limit: Bytes(1 << 30) }
    }
}

impl Default for Fold {
    fn default() -> Self {
        Self { window_seconds: 60, rule: Vec::new() }
    }
}

impl Kind {
    /// Where alerts of it come from.
    #[must_use]
    pub fn module(self) -> Source {
        match self {
            Self::Suricata => Source::Suricata,
            Self::Wazuh | Self::WazuhIndexer => Source::Wazuh,
        }
    }

    /// True if it is a file that is followed.
    #[must_use]
    pub fn is_file(self) -> bool {
        !matches!(self, Self::WazuhIndexer)
    }

    /// The usual file.
    #[must_use]
    pub fn usual_path(self) -> &'static str {
        match self {
            Self::Suricata => "/var/log/suricata/eve.json",
            Self::Wazuh => "/var/ossec/logs/alerts/alerts.json",
            Self::WazuhIndexer => "",
        }
    }
}

/// What is wrong with a file, with the mend.
#[derive(Debug, thiserror::Error)]
#[error("{file}{line}: {problem}", file = .file.display(), line = .line.map(|n| format!(":{n}")).unwrap_or_default())]
pub struct Wrong {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1 on, where known.
    pub line: Option<usize>,
    /// What is wrong, and the mend.
    pub problem: String,
}

impl Wrong {
    pub(crate) fn of_toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        Self { file: file.to_owned(), line, problem: error.message().trim_end().to_owned() }
    }

    pub(crate) fn whole(file: &Path, problem: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), line: None, problem: problem.to_string() }
    }
}

impl Config {
    /// Reads the file. A missing file at the usual place is an empty one.
    ///
    /// # Errors
    /// Says file, line and what is wrong.
    pub fn read(path: &Path) -> Result<Self, Wrong> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path == Path::new(PATH) => String::new(),
            Err(error) => return Err(Wrong::whole(path, format!("cannot be read: {error}"))),
        };
        Self::parse(path, &text)
    }

    /// Reads what stands in the file.
    ///
    /// # Errors
    /// Says file, line and what is wrong.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Wrong> {
        let config: Self = toml::from_str(text).map_err(|error| Wrong::of_toml(path, text, &error))?;
        config.complete().map_err(|problem| Wrong::whole(path, problem))
    }

    fn complete(mut self) -> Result<Self, String> {
        if self.source.is_empty() {
            for kind in [Kind::Suricata, Kind::Wazuh] {
                if Path::new(kind.usual_path()).parent().is_some_and(Path::exists) {
                    let (name, path) = (String::new(), PathBuf::new());
                    self.source.push(SourceConfig { kind, name, path, start: Start::End });
                }
            }
        }
        let mut names = std::collections::BTreeSet::new();
        for source in &mut self.source {
            if source.name.is_empty() {
                source.name = source.kind.module().word().to_owned();
            }
            if source.kind.is_file() && source.path.as_os_str().is_empty() {
                source.path = source.kind.usual_path().into();
            }
            if source.name.len() > 64 || !names.insert(source.name.clone()) {
                return Err(format!(
                    "the source name «{}» is used twice or is longer than 64 bytes: give each [[source]] a `name` of its own",
                    source.name.escape_debug()
                ));
            }
        }
        if self.source.len() > wire::limit::SOURCES {
            return Err(format!("{} sources are given, at most {} are read", self.source.len(), wire::limit::SOURCES));
        }
        let windows = self.fold.rule.iter().map(|rule| rule.window_seconds).chain([self.fold.window_seconds]);
        if let Some(long) = windows.into_iter().find(|seconds| *seconds > 3600) {
            return Err(format!("window_seconds = {long} is too long: give 0 to 3600"));
        }
        self.wazuh.check()?;
        if self.source.iter().any(|source| !source.kind.is_file()) && self.wazuh.indexer.is_none() {
            return Err(
                "a source of the kind \"wazuh-indexer\" needs [wazuh.indexer]: say there how it is reached".into()
            );
        }
        if self.spool.limit.0 < 16 << 20 {
            return Err("spool.limit is too small: give at least \"16 MiB\"".into());
        }
        Ok(self)
    }

    /// The source of Suricata whose events come by way of Wazuh as well, if both are read: the first.
    #[must_use]
    pub fn echoed(&self) -> Option<&str> {
        let first = |module| self.source.iter().find(|source| source.kind.module() == module);
        first(Source::Wazuh).and(first(Source::Suricata)).map(|source| source.name.as_str())
    }

    /// The file with every key, its meaning and its usual value.
    #[must_use]
    pub fn example() -> String {
        include_str!("config/example.toml").to_owned()
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        let text = match Form::deserialize(deserializer).map_err(|_| serde::de::Error::custom(BYTES))? {
            Form::Number(number) => return Ok(Self(number)),
            Form::Text(text) => text,
        };
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let factor = match text[digits..].trim() {
            "" | "B" => 1,
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1_u64 << 30,
            _ => return Err(serde::de::Error::custom(BYTES)),
        };
        let number: u64 = text[..digits].parse().map_err(|_| serde::de::Error::custom(BYTES))?;
        number.checked_mul(factor).map(Self).ok_or_else(|| serde::de::Error::custom(BYTES))
    }
}

const BYTES: &str = "give a number of bytes, or text such as \"64 MiB\" or \"1 GiB\"";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Wrong> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::read(file.path())
    }

    #[test]
    fn the_example_has_every_key_and_the_usual_values() {
        let example = read(&Config::example()).unwrap();
        let usual = Config::default();
        assert_eq!((example.data, example.policy), (usual.data, usual.policy));
        assert_eq!(example.spool.limit, usual.spool.limit);
        assert_eq!(example.fold.window_seconds, usual.fold.window_seconds);
        assert_eq!(example.source.len(), 2);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let wrong = read("data = \"/tmp/x\"\n\n[spool]\nlimt = 5\n").unwrap_err();
        assert_eq!(wrong.line, Some(4));
        assert!(wrong.to_string().contains("limt"), "{wrong}");
    }

    #[test]
    fn sizes_are_numbers_or_text_with_a_unit() {
        assert_eq!(read("[spool]\nlimit = \"64 MiB\"\n").unwrap().spool.limit, Bytes(64 << 20));
        assert_eq!(read("[spool]\nlimit = 33554432\n").unwrap().spool.limit, Bytes(32 << 20));
        assert!(read("[spool]\nlimit = \"lots\"\n").unwrap_err().to_string().contains("64 MiB"));
    }

    #[test]
    fn two_sources_of_one_name_are_refused() {
        let two = "[[source]]\nkind = \"suricata\"\n[[source]]\nkind = \"suricata\"\npath = \"/x\"\n";
        assert!(read(two).unwrap_err().to_string().contains("`name`"));
    }
}
