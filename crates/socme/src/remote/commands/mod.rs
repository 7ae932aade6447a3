//! `socme commands …`

mod ask;
mod list;
mod show;
mod wait;

use clap::{Args, Subcommand};

use super::failure::Result;
use super::field::number;
use super::out::{Form, Out};
use super::signed_in;
pub(super) use wait::{Pace, is_open};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme commands ask restart-agent acme/web1 --wait
  socme commands list --client acme
  socme commands show 42

What a node does is decided by its client's policy file; what it forbids is refused, and the core cannot change that. A
command is done once or never: its node must begin it in time, and what a crash interrupted is «unknown» and not repeated.")]
pub(crate) struct Commands {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List commands, latest first
    #[command(after_help = "Examples:
  socme commands list --host acme/web1
  socme commands list --deed block_address --all --json")]
    List(list::List),
    /// Show a command, what became of it, and what it found
    #[command(after_help = "Examples:
  socme commands show 42
  socme commands show 42 --json | jq .answer.items")]
    Show {
        /// Its number
        number: u64,
    },
    /// Ask something of a node
    Ask(ask::Ask),
    /// Wait for a command's end; the exit code says which
    Wait {
        /// Its number
        number: u64,
    },
    /// Take back a command that its node has not begun
    Withdraw {
        /// Its number
        number: u64,
    },
}

impl Commands {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let core = signed_in()?;
        match self.action {
            Action::List(list) => list.run(&core, &out).await,
            Action::Show { number } => {
                show::run(&core, &out, &core.get(&format!("/commands/{number}"), &[]).await?).await
            }
            Action::Ask(ask) => ask.run(&core, &out).await,
            Action::Wait { number } => {
                wait::told(&core, &out, core.get(&format!("/commands/{number}"), &[]).await?).await
            }
            Action::Withdraw { number: id } => {
                let withdrawn = core.delete(&format!("/commands/{id}"), None).await?;
                if out.json {
                    return out.json(&withdrawn);
                }
                out.say(format!("The command {} is withdrawn: nothing was done.", number(&withdrawn, "id")))
            }
        }
    }
}
