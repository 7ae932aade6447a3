//! `socme vulnerable …`

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::commands::{Pace, is_open};
use super::core::Core;
use super::failure::{Failure, Result};
use super::field::{is, items, moment, number, text};
use super::out::{Cell, Form, Look, Out, clock};
use super::progress::Progress;
use super::table::{Row, Table, count, cut, whole};
use super::{hosts, names, signed_in};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme vulnerable CVE-2026-12345
  socme vulnerable CVE-2026-12345 --client acme --patience 300
  socme vulnerable CVE-2026-12345 --json | jq -r 'select(.unanswered == null) | .ref'

Every node that has a Wazuh indexer and whose client allows it is asked; each answers by itself. Nodes that have not
answered are named, so that nobody takes a part for the whole; then the exit code is 1. Nodes that know no indexer are
named as well, and do not count.")]
pub(crate) struct Vulnerable {
    /// Its number, such as CVE-2026-12345
    cve: String,
    /// Ask the nodes of this client only
    #[arg(long)]
    client: Option<String>,
    /// Wait for answers so long; nodes that come later can still answer for 10 minutes
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    #[command(flatten)]
    form: Form,
}

/// Rows that the core gives at once, at most.
const PAGE: i64 = 200;

/// A node that has not answered.
struct Silent {
    client: String,
    node: String,
    /// The API's word for it.
    word: String,
    why: String,
}

impl Vulnerable {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let core = signed_in()?;
        let cve = self.cve.trim().to_uppercase();
        let client = match &self.client {
            Some(client) => Some(number(&names::client(&core, client).await?, "id")),
            None => None,
        };
        let nodes = core.get("/nodes", &[]).await?;
        let asked = core.post("/searches/vulnerable", &json!({ "cve": cve, "client": client })).await?;
        let commands = ended(&core, &cve, &asked, Instant::now() + Duration::from_secs(self.patience)).await?;
        let mut silent: Vec<Silent> = items(&asked, "not_asked").iter().map(not_asked).collect();
        let (mut rows, mut cut_short) = (Vec::new(), 0);
        for command in &commands {
            let node = items(&nodes, "nodes").iter().find(|node| number(node, "id") == number(command, "node"));
            let named = |name| node.map_or_else(String::new, |node| text(node, name).to_owned());
            if text(command, "state") == "done" {
                cut_short += i64::from(is(&command["answer"], "cut"));
                for found in items(&command["answer"], "items") {
                    let mut found = found.clone();
                    if !found.is_object() {
                        continue;
                    }
                    for name in ["client", "node"] {
                        found[name] = command[name].clone();
                    }
                    found["client_name"] = named("client_name").into();
                    found["node_name"] = named("name").into();
                    found["ref"] = hosts::reference(&found).into();
                    rows.push(found);
                }
            } else {
                let word = text(command, "state").to_owned();
                let why = unanswered(&word, text(command, "said"));
                silent.push(Silent { client: named("client_name"), node: named("name"), word, why });
            }
        }
        // Answers come in any order.
        let place = |row: &Value| ["client_name", "name", "ref"].map(|name| text(row, name).to_owned());
        rows.sort_by_cached_key(place);
        told(&out, &cve, &rows, &silent, commands.len())?;
        if cut_short > 0 {
            out.tell(format!("{cut_short} nodes found more than they send at once."));
        }
        let missing = silent.iter().filter(|node| node.word != "no_indexer").count();
        if missing > 0 || cut_short > 0 {
            return Err(Failure::failed("This is not the whole: not all nodes have answered.")
                .mend("What comes later: socme commands list --deed find_vulnerable"));
        }
        Ok(())
    }
}

/// The commands with what they found, as far as they have ended until then.
async fn ended(core: &Core, cve: &str, asked: &Value, until: Instant) -> Result<Vec<Value>> {
    let mut open: BTreeMap<i64, Value> =
        items(asked, "commands").iter().map(|command| (number(command, "id"), command.clone())).collect();
    let mut ended = Vec::new();
    let all = open.len();
    let progress = Progress::begin(format!("Asking {all} nodes"));
    let mut pace = Pace::new();
    while let Some((&first, _)) = open.first_key_value() {
        // One list says of all how they stand; only who has ended is asked for what it found.
        let mut before = None;
        loop {
            let mut parameters =
                vec![("deed", "find_vulnerable".to_owned()), ("subject", cve.to_owned()), ("limit", PAGE.to_string())];
            parameters.extend(before.map(|before: i64| ("cursor", before.to_string())));
            let page = core.get("/commands", &parameters).await?;
            let page = items(&page, "commands");
            for command in page {
                let id = number(command, "id");
                if !open.contains_key(&id) {
                    continue;
                }
                if is_open(command) {
                    open.insert(id, command.clone());
                } else {
                    open.remove(&id);
                    ended.push(core.get(&format!("/commands/{id}"), &[]).await?);
                }
            }
            before = page.last().map(|command| number(command, "id")).filter(|last| *last > first);
            if before.is_none() {
                break;
            }
        }
        progress.now(format!("{} of {all} nodes have answered", ended.len()));
        if Instant::now() >= until {
            break;
        }
        if !open.is_empty() {
            pace.pause().await;
        }
    }
    progress.end().await;
    ended.extend(open.into_values());
    Ok(ended)
}

fn not_asked(node: &Value) -> Silent {
    let word = text(node, "why");
    let why = match word {
        "no_indexer" => "it knows no Wazuh indexer",
        "policy" => "its client's policy forbids it",
        "disabled" => "it is disabled or revoked",
        "busy" => "too many commands wait for it",
        other => other,
    };
    Silent {
        client: text(node, "client_name").to_owned(),
        node: text(node, "node_name").to_owned(),
        word: word.to_owned(),
        why: why.to_owned(),
    }
}

fn unanswered(state: &str, said: &str) -> String {
    let why = match state {
        "queued" => "it has not come for the question",
        "taken" => "it is still looking",
        "failed" => "it could not look",
        "refused" => "its client's policy forbids it",
        "expired" => "it did not come in time",
        "withdrawn" => "the question was withdrawn",
        _ => "nobody knows what became of the question",
    };
    if said.is_empty() { why.to_owned() } else { format!("{why}: {said}") }
}

fn told(out: &Out, cve: &str, rows: &[Value], silent: &[Silent], asked: usize) -> Result<()> {
    if out.json {
        rows.iter().try_for_each(|row| out.json(row))?;
        return silent.iter().try_for_each(|node| {
            let (client, name) = (&node.client, &node.node);
            out.json(&json!({ "client_name": client, "node_name": name, "unanswered": node.word, "why": node.why }))
        });
    }
    if rows.is_empty() {
        out.say(format!("No host is known to have {cve}, at {asked} nodes that were asked."))?;
    } else {
        let columns = [
            whole("HOST"),
            cut("NAME"),
            cut("CLIENT"),
            cut("NODE"),
            cut("PACKAGE"),
            cut("VERSION"),
            cut("SEVERITY"),
            count("SCORE"),
            whole("FOUND"),
        ];
        let row = |row: &Value| {
            Row::new(vec![
                text(row, "ref").into(),
                text(row, "name").into(),
                text(row, "client_name").into(),
                text(row, "node_name").into(),
                text(row, "package").into(),
                text(row, "version").into(),
                text(row, "severity").into(),
                row["score"].as_f64().map(|score| format!("{score:.1}")).unwrap_or_default().into(),
                clock(moment(row, "detected")).into(),
            ])
        };
        Table::new(&columns).print(out, &rows.iter().map(row).collect::<Vec<_>>())?;
    }
    if silent.is_empty() {
        return Ok(());
    }
    out.heading("Not answered")?;
    let row = |node: &Silent| {
        let look = if node.word == "no_indexer" { Look::Dim } else { Look::Warning };
        Row::new(vec![Cell::new(&node.client), Cell::new(&node.node), Cell::new(&node.why).look(look)])
    };
    Table::new(&[cut("CLIENT"), cut("NODE"), cut("WHY")]).print(out, &silent.iter().map(row).collect::<Vec<_>>())
}
