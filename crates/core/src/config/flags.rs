//! One flag per key, made from the list of keys.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Arg, ArgMatches, Command};

use super::{KEYS, Layers};

/// The flags' names, in the order of the keys: clap keeps references.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| KEYS.iter().map(super::About::flag).collect());

/// The settings on the command line.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The file to read.
    pub config: Option<PathBuf>,
    /// What was given, by key.
    pub values: BTreeMap<&'static str, String>,
}

impl Flags {
    /// All layers, with the environment of this process.
    #[must_use]
    pub fn layers(&self) -> Layers {
        Layers::read(self.config.as_deref(), |name| std::env::var(name).ok(), &self.values)
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .global(true)
            .help("The file with the settings [default: /etc/socme/core.toml if it is there]");
        KEYS.iter().zip(NAMES.iter()).fold(command.arg(config), |command, (key, name)| {
            let short: String =
                key.doc.join(" ").trim().split_inclusive(". ").next().unwrap_or_default().trim().to_owned();
            let help = format!("{short} [default: {}] [env: {}]", key.default, key.variable());
            let arg = Arg::new(key.path).long(name.as_str()).value_name("VALUE").global(true).help(help);
            command.arg(arg.hide_short_help(true).help_heading("Settings"))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.config = matches.get_one::<String>("config").map(PathBuf::from);
        for key in KEYS {
            if let Some(text) = matches.get_one::<String>(key.path) {
                self.values.insert(key.path, text.clone());
            }
        }
        Ok(())
    }
}
