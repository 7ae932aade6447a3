//! `socme audit …`

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::Value;

use super::core::Core;
use super::failure::{Failure, Kind, Result};
use super::field::{is, items, moment, number, text};
use super::out::{Form, Out, clock};
use super::progress::Progress;
use super::table::{Row, Table, count, cut, whole};
use super::times::moment as read_moment;
use super::{names, signed_in};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme audit list --from 24h
  socme audit list --user alice --action client
  socme audit export --from 2026-01-01 --output audit.jsonl
  socme audit head --json >> heads.jsonl    where the chain ends, to be kept elsewhere")]
pub(crate) struct Audit {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what was changed, latest first
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "all")]
        limit: usize,
        /// All of them, however many
        #[arg(long)]
        all: bool,
    },
    /// Write the entries as JSON Lines, latest first; that they were exported is noted itself
    Export {
        #[command(flatten)]
        which: Which,
        /// Where to; a file that is there already is not overwritten [default: standard output]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show where the chain ends: keep it where whoever writes to the database cannot reach it
    Head,
}

/// Which entries.
#[derive(Args, Debug)]
struct Which {
    /// At this moment or later: 24h, 7d, 2026-11-01, 2026-11-01T08:30
    #[arg(long, value_name = "MOMENT", value_parser = read_moment)]
    from: Option<Timestamp>,
    /// Before this moment
    #[arg(long, value_name = "MOMENT", value_parser = read_moment)]
    to: Option<Timestamp>,
    /// By this user
    #[arg(long)]
    user: Option<String>,
    /// Touching this client
    #[arg(long)]
    client: Option<String>,
    /// An action such as client.create, or all of a thing, such as client
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
}

impl Which {
    async fn parameters(&self, core: &Core) -> Result<Vec<(&'static str, String)>> {
        let mut parameters = Vec::new();
        parameters.extend(self.from.map(|at| ("from", at.to_string())));
        parameters.extend(self.to.map(|at| ("to", at.to_string())));
        if let Some(user) = &self.user {
            parameters.push(("user", number(&names::user(core, user).await?, "id").to_string()));
        }
        if let Some(client) = &self.client {
            parameters.push(("client", number(&names::client(core, client).await?, "id").to_string()));
        }
        parameters.extend(self.action.clone().map(|action| ("action", action)));
        Ok(parameters)
    }
}

impl Audit {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let core = signed_in()?;
        match self.action {
            Action::List { which, limit, all } => {
                let parameters = which.parameters(&core).await?;
                list(&core, &out, &parameters, if all { usize::MAX } else { limit }).await
            }
            Action::Export { which, output } => {
                let parameters = which.parameters(&core).await?;
                export(&core, &parameters, output).await
            }
            Action::Head => {
                let head = core.get("/audit/head", &[]).await?;
                if out.json {
                    return out.json(&head);
                }
                out.field("entry", number(&head, "id").to_string())?;
                out.field("link", text(&head, "link"))
            }
        }
    }
}

async fn list(core: &Core, out: &Out, parameters: &[(&'static str, String)], limit: usize) -> Result<()> {
    let columns =
        [count("ENTRY"), whole("WHEN"), cut("WHO"), cut("FROM"), whole("ACTION"), cut("SUBJECT"), cut("DETAIL")];
    let mut table = Table::new(&columns);
    let (mut cursor, mut left) = (None, limit);
    while left > 0 {
        let mut parameters = parameters.to_vec();
        parameters.extend(cursor.take().map(|cursor: i64| ("cursor", cursor.to_string())));
        let page = core.get("/audit", &parameters).await?;
        let entries = items(&page, "entries");
        let entries = &entries[..entries.len().min(left)];
        left -= entries.len();
        if out.json {
            entries.iter().try_for_each(|entry| out.json(entry))?;
        } else if !entries.is_empty() {
            table.print(out, &entries.iter().map(row).collect::<Vec<_>>())?;
        }
        cursor = page["next"].as_i64();
        if cursor.is_none() {
            break;
        }
    }
    if left == limit && !out.json {
        out.tell("No entry matches.");
    }
    Ok(())
}

fn row(entry: &Value) -> Row {
    let detail = if is(entry, "erased") { "erased with its client".to_owned() } else { detail(entry) };
    Row::new(vec![
        number(entry, "id").to_string().into(),
        clock(moment(entry, "at")).into(),
        text(entry, "who").into(),
        text(entry, "address").into(),
        text(entry, "action").into(),
        text(entry, "subject").into(),
        detail.into(),
    ])
}

/// The rest in a few words, and what it was before and is now.
fn detail(entry: &Value) -> String {
    let mut said: Vec<String> = Vec::from_iter(Some(text(entry, "detail").to_owned()).filter(|text| !text.is_empty()));
    let (before, after) = (entry["before"].as_object(), entry["after"].as_object());
    let names: std::collections::BTreeSet<&String> =
        before.into_iter().chain(after).flat_map(|side| side.keys()).collect();
    for name in names {
        let side = |side: Option<&serde_json::Map<String, Value>>| match side.and_then(|side| side.get(name)) {
            None | Some(Value::Null) => "–".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        said.push(format!("{name}: {} → {}", side(before), side(after)));
    }
    said.join(", ")
}

/// Passes the entries on as they come, whole lines only.
async fn export(core: &Core, parameters: &[(&'static str, String)], output: Option<PathBuf>) -> Result<()> {
    let mut answer = core.stream("/audit/export", parameters, None).await?;
    let mut to: Box<dyn Write> = match &output {
        Some(path) => {
            let file =
                File::create_new(path).map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
            Box::new(io::BufWriter::new(file))
        }
        None => Box::new(io::stdout().lock()),
    };
    let progress = output.is_some().then(|| Progress::begin("Exporting the audit log"));
    let (mut bytes, mut written) = (Vec::new(), 0_u64);
    while let Some(piece) = answer.chunk().await.map_err(|error| core.unreached(&error))? {
        bytes.extend_from_slice(&piece);
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { continue };
        let lines: Vec<u8> = bytes.drain(..=end).collect();
        written += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        to.write_all(wire::shown::json(&String::from_utf8_lossy(&lines)).as_bytes())?;
        if let Some(progress) = &progress {
            progress.now(format!("Exporting the audit log, {written} entries so far"));
        }
    }
    to.flush()?;
    if let Some(progress) = progress {
        progress.end().await;
    }
    if bytes.is_empty() { Ok(()) } else { Err(Failure::new(Kind::Later, "The export was cut off: it is not whole.")) }
}
