//! `wazuh rules pull`
//!
//! # Invariant
//! Nothing is written outside of the folder, whatever the manager calls its files: every step of a path is checked, and no
//! symbolic link is followed below the folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use wazuh::Error;
use wazuh::api::{Feature, Ruleset, RulesetFile};

use crate::failure::{Failure, Result};
use crate::out::{Out, tell};
use crate::reach::Manager;

#[derive(Args)]
pub(crate) struct Pull {
    /// Where to: etc/rules, etc/decoders and etc/lists appear in it
    folder: PathBuf,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::Rules, Part::Decoders, Part::Lists])]
    part: Vec<Part>,
    /// Wazuh's own files (ruleset/...) too: several hundred, which takes minutes: see --per-minute
    #[arg(long)]
    all: bool,
    /// Replace files in the folder that differ, which otherwise are kept and named
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    manager: Manager,
}

/// A part of the ruleset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Rules,
    Decoders,
    Lists,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Written,
    Unchanged,
    Kept,
}

impl Pull {
    pub(crate) async fn run(self, out: Out) -> Result<()> {
        let api = self.manager.client()?;
        let folders = api.version().await?.has(Feature::Folders);
        let (mut done, mut refused) = (0, 0);
        for part in &self.part {
            for file in api.ruleset_files(part.ruleset()).all().await? {
                let (name, dirname) = names(&file);
                if !self.all && dirname.split('/').next() != Some("etc") {
                    continue;
                }
                let Some(path) = place(dirname, name) else {
                    tell(format_args!("«{dirname}/{name}»: a name that could lead out of the folder: not fetched"));
                    refused += 1;
                    continue;
                };
                // A file of lists is asked for by its name alone.
                let folder = (folders && *part != Part::Lists).then_some(dirname);
                let text = match api.read_file(part.ruleset(), name, folder).await {
                    Ok(text) => text,
                    // Gone since it was listed, or a name that no file of the ruleset has.
                    Err(error @ (Error::NotFound { .. } | Error::Input(_))) => {
                        tell(error);
                        refused += 1;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                let outcome = write(&self.folder, &path, &text, self.overwrite)?;
                if outcome == Outcome::Kept {
                    tell(format_args!("{}: differs here, and is kept: --overwrite replaces it", path.display()));
                    refused += 1;
                } else {
                    done += 1;
                }
                say(out, &path, outcome)?;
            }
        }
        if refused > 0 {
            return Err(Failure::here(format!("{done} files are as on the manager, {refused} are not")));
        }
        Ok(())
    }
}

impl Part {
    fn ruleset(self) -> Ruleset {
        match self {
            Self::Rules => Ruleset::Rules,
            Self::Decoders => Ruleset::Decoders,
            Self::Lists => Ruleset::Lists,
        }
    }
}

fn names(file: &RulesetFile) -> (&str, &str) {
    (file.filename.as_deref().unwrap_or_default(), file.relative_dirname.as_deref().unwrap_or_default())
}

fn say(out: Out, path: &Path, outcome: Outcome) -> Result<()> {
    let word = match outcome {
        Outcome::Written => "written",
        Outcome::Unchanged => "unchanged",
        Outcome::Kept => "kept",
    };
    if out.json {
        return out.json(&json!({ "file": path.display().to_string(), "outcome": word }));
    }
    out.line(format_args!("{word:<9}  {}", path.display()))
}

/// Where a file goes, below the folder. None if a step of it is anything but a plain name.
fn place(dirname: &str, name: &str) -> Option<PathBuf> {
    let plain = |step: &str| {
        let fine = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        !step.is_empty() && step.len() <= 128 && !step.starts_with(['.', '-']) && step.chars().all(fine)
    };
    let steps: Vec<&str> = dirname.split('/').chain([name]).collect();
    (steps.len() <= 8 && steps.iter().all(|step| plain(step))).then(|| steps.iter().collect())
}

fn write(folder: &Path, path: &Path, text: &str, overwrite: bool) -> Result<Outcome> {
    let target = folder.join(path);
    let wrong = |at: &Path, why: &dyn std::fmt::Display| Failure::here(format!("{}: {why}", at.display()));
    let parent = target.parent().unwrap_or(folder);
    std::fs::create_dir_all(folder).map_err(|error| wrong(folder, &error))?;
    let mut at = folder.to_owned();
    for step in path {
        at.push(step);
        if at.is_symlink() {
            return Err(wrong(&at, &"a symbolic link, which is not followed: remove it"));
        }
        if at != target && !at.is_dir() {
            std::fs::create_dir(&at).map_err(|error| wrong(&at, &error))?;
        }
    }
    match std::fs::read(&target) {
        Ok(old) if old == text.as_bytes() => return Ok(Outcome::Unchanged),
        Ok(_) if !overwrite => return Ok(Outcome::Kept),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(wrong(&target, &error)),
    }
    // No name from the manager begins with a dot.
    let new = parent.join(format!(".{}.new", path.file_name().unwrap_or_default().display()));
    let put = || {
        drop(std::fs::remove_file(&new));
        std::fs::File::create_new(&new)?.write_all(text.as_bytes())?;
        std::fs::rename(&new, &target)
    };
    put().map_err(|error| wrong(&target, &error))?;
    Ok(Outcome::Written)
}
