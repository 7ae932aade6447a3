//! Waiting for the end of a command.

use std::time::Duration;

use serde_json::Value;

use super::show::{self, deed};
use crate::remote::core::Core;
use crate::remote::failure::{Failure, Kind, Result};
use crate::remote::field::{number, text};
use crate::remote::out::Out;
use crate::remote::progress::Progress;

/// How often is asked: soon at first, then more rarely.
pub(in crate::remote) struct Pace(Duration);

impl Pace {
    pub(in crate::remote) fn new() -> Self {
        Self(Duration::from_millis(200))
    }

    pub(in crate::remote) async fn pause(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 5 / 4).min(Duration::from_secs(2));
    }
}

/// Whether its end is still to come.
pub(in crate::remote) fn is_open(command: &Value) -> bool {
    matches!(text(command, "state"), "queued" | "taken")
}

/// Waits, prints the end, and fails in the words and with the exit code of it. The core ends every command: what its node does
/// not begin expires, and of what it began nobody waits longer than an hour.
pub(super) async fn told(core: &Core, out: &Out, command: Value) -> Result<()> {
    let command = end(core, command).await?;
    let id = number(&command, "id");
    let said = text(&command, "said");
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    if out.json {
        out.json(&command)?;
    }
    let failure = match text(&command, "state") {
        "done" if out.json => return Ok(()),
        "done" => {
            out.say(format!("Done{said}."))?;
            return show::answer(out, &command["answer"]);
        }
        "refused" => Failure::new(Kind::Forbidden, format!("Refused{said}."))
            .mend("What a node may do stands in its policy file, which is the client's."),
        "expired" => Failure::new(Kind::NotBegun, "The node did not begin it in time: nothing was done.")
            .mend("Is the node online? See: socme nodes list"),
        "withdrawn" => Failure::new(Kind::NotBegun, "It was withdrawn: nothing was done."),
        "failed" => Failure::failed(format!("It failed{said}.")),
        _ => Failure::new(Kind::Unknown, format!("Nobody knows whether it was done{said}."))
            .mend("It is not repeated by itself: look at the host before you ask again."),
    };
    out.tell(format!("Command {id}, {}:", deed(&command)));
    Err(failure)
}

async fn end(core: &Core, mut command: Value) -> Result<Value> {
    let (id, what) = (number(&command, "id"), deed(&command));
    let progress = Progress::begin(String::new());
    let mut pace = Pace::new();
    while is_open(&command) {
        progress.now(match text(&command, "state") {
            "queued" => format!("Command {id}, {what}: waiting for its node"),
            _ => format!("Command {id}, {what}: the node is at it"),
        });
        pace.pause().await;
        match core.get(&format!("/commands/{id}"), &[]).await {
            Ok(now) => command = now,
            // The command goes on without us; the core is back before long.
            Err(failure) if failure.kind() == Kind::Later => {
                progress.now(format!("Command {id}, {what}: {}", failure.said()));
                pace.pause().await;
            }
            Err(failure) => return Err(failure),
        }
    }
    progress.end().await;
    Ok(command)
}
