//! A command, and what it found.

use serde_json::Value;
use wire::command::Deed;

use crate::remote::core::Core;
use crate::remote::failure::Result;
use crate::remote::field::{is, items, moment, number, text};
use crate::remote::out::{Cell, Look, Out, clock};
use crate::remote::table::{Column, Row, Table, cut};

/// What is asked, in words.
pub(super) fn deed(command: &Value) -> String {
    let Ok(deed) = serde_json::from_value::<Deed>(command.clone()) else {
        // A newer core knows more.
        return text(command, "deed").replace('_', " ");
    };
    match deed {
        Deed::RestartAgent { agent } => format!("restart agent {agent}"),
        Deed::AddToGroup { agent, group } => format!("add agent {agent} to group {group}"),
        Deed::RemoveFromGroup { agent, group } => format!("remove agent {agent} from group {group}"),
        Deed::UpgradeAgent { agent } => format!("upgrade agent {agent}"),
        Deed::ScanAgent { agent } => format!("scan agent {agent}"),
        Deed::BlockAddress { agent, address, seconds } => format!("block {address} at agent {agent} for {seconds} s"),
        Deed::Logtest { event, .. } => format!("logtest: {event}"),
        Deed::ReadRules { file } => format!("read {file}"),
        Deed::Inventory { agent, .. } => format!("{} of agent {agent}", text(command, "what")),
        Deed::FindVulnerable { cve } => format!("find {cve}"),
    }
}

/// How it stands.
pub(super) fn state(command: &Value) -> Cell {
    let state = text(command, "state");
    Cell::new(state).look(match state {
        "done" => Look::Good,
        "failed" | "refused" => Look::Bad,
        "expired" | "unknown" => Look::Warning,
        "withdrawn" => Look::Dim,
        _ => Look::Plain,
    })
}

/// What a state means, where the word alone may mislead.
fn meaning(state: &str) -> &'static str {
    match state {
        "queued" => " (it waits for its node)",
        "taken" => " (the node is at it)",
        "refused" => " (the client's policy forbids it: nothing was done)",
        "expired" => " (the node did not begin it in time: nothing was done)",
        "unknown" => " (it may have been done: look before you ask again)",
        "withdrawn" => " (nothing was done)",
        _ => "",
    }
}

pub(super) async fn run(core: &Core, out: &Out, command: &Value) -> Result<()> {
    if out.json {
        return out.json(command);
    }
    let node = core.get(&format!("/nodes/{}", number(command, "node")), &[]).await?;
    out.field("command", number(command, "id").to_string())?;
    out.field("what", deed(command))?;
    out.field("client", text(&node, "client_name"))?;
    out.field("node", text(&node, "name"))?;
    out.field("asked", format!("{} by {}", clock(moment(command, "created")), text(command, "who")))?;
    out.field("expires", clock(moment(command, "expires")))?;
    out.field("begun", clock(moment(command, "begun")))?;
    out.field("ended", clock(moment(command, "finished")))?;
    let word = text(command, "state");
    out.field("state", format!("{word}{}", meaning(word)))?;
    out.field("said", text(command, "said"))?;
    answer(out, &command["answer"])
}

/// What was found: rows as a table, a file as its lines, anything else as JSON.
pub(super) fn answer(out: &Out, answer: &Value) -> Result<()> {
    if answer.is_null() {
        return Ok(());
    }
    out.heading("Found")?;
    if let Some(file) = answer["text"].as_str() {
        return file.lines().try_for_each(|line| out.say(line));
    }
    let rows = items(answer, "items");
    if !answer["items"].is_array() {
        let told = serde_json::to_string_pretty(answer).unwrap_or_default();
        return told.lines().try_for_each(|line| out.say(line));
    }
    rows_of(out, rows)?;
    if is(answer, "cut") {
        out.tell(format!("These are the first {} of {}: the node sends no more at once.", rows.len(), answer["total"]));
    }
    Ok(())
}

fn rows_of(out: &Out, rows: &[Value]) -> Result<()> {
    // The heads of our own node's answers are few; those of a hostile one are not to be printed as heads.
    const HEADS: [&str; 41] = [
        "cve",
        "policy",
        "severity",
        "score",
        "package",
        "name",
        "version",
        "vendor",
        "architecture",
        "format",
        "protocol",
        "address",
        "port",
        "remote_address",
        "remote_port",
        "process",
        "pid",
        "user",
        "command",
        "state",
        "started",
        "id",
        "groups",
        "shell",
        "home",
        "last_login",
        "pass",
        "fail",
        "invalid",
        "total",
        "at",
        "agent",
        "detected",
        "title",
        "reference",
        "system",
        "cpu",
        "cores",
        "memory_bytes",
        "board_serial",
        "remediation",
    ];
    let has = |head: &&'static str| rows.iter().any(|row| !matches!(row[*head], Value::Null | Value::Array(_)));
    let heads: Vec<&'static str> = HEADS.into_iter().filter(has).collect();
    let columns: Vec<Column> = heads.iter().map(|head| cut(head)).collect();
    let cell = |value: &Value| match value {
        Value::Null => Cell::new(""),
        Value::String(text) => Cell::new(text),
        other => Cell::new(other.to_string()),
    };
    let row = |row: &Value| Row::new(heads.iter().map(|head| cell(&row[*head])).collect());
    Table::new(&columns).print(out, &rows.iter().map(row).collect::<Vec<_>>())
}
