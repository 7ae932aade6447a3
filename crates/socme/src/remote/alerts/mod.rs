//! `socme alerts …`

mod act;
mod list;
mod reference;
mod row;
mod show;
mod watch;

use clap::{Args, Subcommand};

use super::failure::Result;
use super::out::{Form, Out};
use super::signed_in;
use act::Deed;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme alerts list 'severity>=high state:open'
  socme alerts show acme/0193f2a8-7c11-7e3a-9d20-5b7c4a9e1f30
  socme alerts list --ids 'rule:2024897 state:open' | socme alerts close --comment 'a scanner of ours' -
  socme alerts watch 'severity:critical'

The query language is that of the page: see docs/en/query.md.")]
pub(crate) struct Alerts {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List alerts, newest first
    #[command(after_help = "Examples:
  socme alerts list
  socme alerts list client:acme after:24h --limit 200
  socme alerts list --all --json 'source:wazuh after:7d' > week.jsonl")]
    List(list::List),
    /// Show everything that is known of an alert
    #[command(after_help = "Examples:
  socme alerts show acme/0193f2a8-7c11-7e3a-9d20-5b7c4a9e1f30
  socme alerts show --json ID | jq -r .raw.text    the event as its source wrote it")]
    Show {
        /// Its id, as the list prints it, with or without its client; or its address in the browser
        id: String,
    },
    /// Count alerts, up to a thousand
    #[command(after_help = "Example:\n  socme alerts count state:open severity:critical")]
    Count {
        /// The query; without it all
        #[arg(value_name = "QUERY")]
        query: Vec<String>,
    },
    /// Print alerts as they arrive, until interrupted; none is lost when the core is away for a while
    #[command(after_help = "Examples:
  socme alerts watch
  socme alerts watch --json 'severity>=high' | while read -r alert; do notify \"$alert\"; done")]
    Watch(watch::Watch),
    /// Say that somebody has seen them
    #[command(
        visible_alias = "acknowledge",
        after_help = "Example:\n  socme alerts ack acme/0193f2a8-7c11-7e3a-9d20-5b7c4a9e1f30"
    )]
    Ack(act::Act),
    /// Say that they are done with
    #[command(after_help = "Example:\n  socme alerts list --ids 'rule:2024897 state:open' | socme alerts close -")]
    Close(act::Act),
    /// Open them again
    Reopen(act::Act),
    /// Say something about them
    Comment(act::Comment),
}

impl Alerts {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let core = signed_in()?;
        match self.action {
            Action::List(list) => list.run(&core, &out).await,
            Action::Show { id } => show::run(&core, &out, &id).await,
            Action::Count { query } => list::count(&core, &out, &query).await,
            Action::Watch(watch) => watch.run(&core, &out).await,
            Action::Ack(act) => act.run(&core, &out, Deed::Acknowledge).await,
            Action::Close(act) => act.run(&core, &out, Deed::Close).await,
            Action::Reopen(act) => act.run(&core, &out, Deed::Reopen).await,
            Action::Comment(comment) => comment.run(&core, &out).await,
        }
    }
}
