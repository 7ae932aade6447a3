//! Everything that is known of an alert.

use serde_json::Value;

use super::reference::{Finder, Reference};
use super::row::{about, severity};
use crate::remote::core::Core;
use crate::remote::failure::Result;
use crate::remote::field::{items, moment, number, text};
use crate::remote::out::{Cell, Look, Out, clock};

pub(super) async fn run(core: &Core, out: &Out, id: &str) -> Result<()> {
    let wanted = Reference::read(id)?;
    let finder = Finder::new(core).await?;
    let (client, id) = finder.place(&wanted).await?;
    let alert = finder.slugs().with_reference(&core.get(&format!("/alerts/{client}/{id}"), &[]).await?);
    if out.json {
        return out.json(&alert);
    }
    let name = Cell::new(format!("  {}", text(&alert, "rule_name"))).look(Look::Bold);
    out.line(&[severity(text(&alert, "severity")), name])?;
    out.line(&[])?;
    out.field("state", text(&alert, "state"))?;
    out.field("client", text(&alert, "client_name"))?;
    out.field("node", text(&alert, "node_name"))?;
    out.field("source", text(&alert, "module"))?;
    out.field("rule", text(&alert, "rule_id"))?;
    out.field("about", about(&alert))?;
    out.field("message", text(&alert, "message"))?;
    times(out, &alert)?;
    out.field("id", text(&alert, "ref"))?;
    entities(out, &alert)?;
    history(out, &alert)?;
    if let Some(raw) = alert["raw"]["text"].as_str() {
        out.heading("Event")?;
        let value = serde_json::from_str::<Value>(raw).and_then(|event| serde_json::to_string_pretty(&event));
        value.as_deref().unwrap_or(raw).lines().try_for_each(|line| out.say(line))?;
    }
    Ok(())
}

fn times(out: &Out, alert: &Value) -> Result<()> {
    let flag = match alert["time_flag"].as_str() {
        Some("future") => " (not believable: it lies ahead of its arrival)",
        Some("past") => " (not believable: it lies far behind its arrival)",
        _ => "",
    };
    let (first, last) = (clock(moment(alert, "time")), clock(moment(alert, "last")));
    let until = if first == last { String::new() } else { format!(" to {last}") };
    out.field("happened", format!("{first}{until}{flag}"))?;
    out.field("arrived", clock(moment(alert, "arrived")))?;
    let count = number(alert, "count");
    out.field("events", format!("{count}{}", folded(alert)))
}

fn folded(alert: &Value) -> &'static str {
    match text(alert, "fold") {
        "address" => ", all of one rule and source address",
        "rule" => ", all of one rule",
        _ => "",
    }
}

fn entities(out: &Out, alert: &Value) -> Result<()> {
    let entities = items(alert, "entities");
    if entities.is_empty() {
        return Ok(());
    }
    out.heading("It is about")?;
    entities.iter().try_for_each(|entity| out.field(text(entity, "kind"), text(entity, "value")))
}

fn history(out: &Out, alert: &Value) -> Result<()> {
    out.heading("History")?;
    for entry in items(alert, "history") {
        let (who, action) = (text(entry, "who"), text(entry, "action"));
        let by = match action {
            _ if who.is_empty() => String::new(),
            "arrived" => format!(" from {who}"),
            _ => format!(" by {who}"),
        };
        let at = Cell::new(clock(moment(entry, "at"))).look(Look::Dim);
        out.line(&[at, Cell::new(format!("  {action}{by}"))])?;
        for line in text(entry, "comment").lines() {
            out.say(format!("    {line}"))?;
        }
    }
    Ok(())
}
