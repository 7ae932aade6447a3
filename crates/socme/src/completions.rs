//! `socme completions`: what makes a shell complete the words of this program.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Print what makes your shell complete `socme …`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme completions bash > ~/.local/share/bash-completion/completions/socme
  socme completions zsh > ~/.zfunc/_socme      with fpath+=~/.zfunc before compinit
  socme completions fish > ~/.config/fish/completions/socme.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints it.
    ///
    /// # Errors
    /// Nobody takes what is printed.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        // Into memory first: the generator panics where writing fails.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::Cli::command(), "socme", &mut script);
        std::io::stdout().lock().write_all(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
