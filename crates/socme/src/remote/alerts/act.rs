//! Acknowledging, closing, reopening, commenting.

use std::io::BufRead as _;

use serde_json::{Value, json};

use super::reference::{Finder, Reference};
use crate::remote::core::Core;
use crate::remote::failure::{Failure, Result};
use crate::remote::field::items;
use crate::remote::out::Out;
use crate::remote::progress::Progress;

/// Alerts that the core changes at once, at most.
const MOST: usize = 500;

/// What is done to alerts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Acknowledge,
    Close,
    Reopen,
    Comment,
}

impl Deed {
    /// The API's word for it, and how it is told.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Acknowledge => ("acknowledge", "acknowledged"),
            Self::Close => ("close", "closed"),
            Self::Reopen => ("reopen", "opened again"),
            Self::Comment => ("comment", "commented on"),
        }
    }
}

/// To which alerts.
#[derive(clap::Args, Debug)]
pub(super) struct Act {
    /// Their ids, as the list prints them; «-»: from standard input, one a line
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Why, for those who come later
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

/// What is said, about which alerts.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  socme alerts comment acme/0193f2a8-7c11-7e3a-9d20-5b7c4a9e1f30 --comment 'asked the office'"
)]
pub(super) struct Comment {
    /// Their ids, as the list prints them; «-»: from standard input, one a line
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// What to say
    #[arg(long, value_name = "TEXT", required = true)]
    comment: String,
}

impl Act {
    pub(super) async fn run(self, core: &Core, out: &Out, deed: Deed) -> Result<()> {
        act(core, out, deed, &self.ids, self.comment.as_deref()).await
    }
}

impl Comment {
    pub(super) async fn run(self, core: &Core, out: &Out) -> Result<()> {
        act(core, out, Deed::Comment, &self.ids, Some(&self.comment)).await
    }
}

async fn act(core: &Core, out: &Out, deed: Deed, ids: &[String], comment: Option<&str>) -> Result<()> {
    let (word, told) = deed.words();
    let alerts = find(core, ids).await?;
    let (mut changed, mut unchanged) = (0, 0);
    let progress = Progress::begin("Changing alerts");
    for some in alerts.chunks(MOST) {
        let done = core.post("/alerts/actions", &json!({ "alerts": some, "action": word, "comment": comment })).await;
        let done = done.inspect_err(|_| {
            if changed + unchanged > 0 {
                out.tell(format!("{} were {told} before this went wrong.", changed + unchanged));
            }
        })?;
        for (name, was) in [("changed", true), ("unchanged", false)] {
            for alert in items(&done, name) {
                *(if was { &mut changed } else { &mut unchanged }) += 1;
                if out.json {
                    let mut alert = alert.clone();
                    alert["changed"] = was.into();
                    out.json(&alert)?;
                }
            }
        }
        progress.now(format!("Changing alerts, {} so far", changed + unchanged));
    }
    progress.end().await;
    if out.json {
        return Ok(());
    }
    let already = if unchanged > 0 { format!(", {unchanged} so already") } else { String::new() };
    out.say(format!("{changed} {told}{already}."))
}

/// The alerts as the API wants them.
async fn find(core: &Core, ids: &[String]) -> Result<Vec<Value>> {
    let mut wanted = Vec::new();
    for id in ids {
        if id == "-" {
            for line in std::io::stdin().lock().lines() {
                let line = line?;
                if !line.trim().is_empty() {
                    wanted.push(Reference::read(&line)?);
                }
            }
        } else {
            wanted.push(Reference::read(id)?);
        }
    }
    if wanted.is_empty() {
        return Err(Failure::usage("No id came from standard input.")
            .mend("For instance: socme alerts list --ids QUERY | socme alerts ack -"));
    }
    let finder = Finder::new(core).await?;
    let mut alerts = Vec::with_capacity(wanted.len());
    for wanted in &wanted {
        let (client, id) = finder.place(wanted).await?;
        alerts.push(json!({ "client": client, "id": id }));
    }
    Ok(alerts)
}
