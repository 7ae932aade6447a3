//! An alert as a row of a table.

use serde_json::{Value, json};

use crate::remote::field::{items, moment, number, text};
use crate::remote::out::{Cell, Look, Out, clock};
use crate::remote::table::{Column, Row, Table, count, cut, whole};

/// Below this many columns the id goes on a line of its own.
const WIDE: usize = 150;

/// Short names of clients, by number.
pub(super) struct Slugs(Vec<(i64, String)>);

impl Slugs {
    pub(super) fn of(clients: &Value) -> Self {
        let slug = |client: &Value| (number(client, "id"), text(client, "slug").to_owned());
        Self(items(clients, "clients").iter().map(slug).collect())
    }

    /// What an alert is called. A client made since is called by its number.
    pub(super) fn reference(&self, alert: &Value) -> String {
        let client = number(alert, "client");
        let slug = self.0.iter().find(|(id, _)| *id == client).map(|(_, slug)| slug.clone());
        format!("{}/{}", slug.unwrap_or_else(|| client.to_string()), text(alert, "id"))
    }

    /// The alert with what it is called, for machines.
    pub(super) fn with_reference(&self, alert: &Value) -> Value {
        let mut alert = alert.clone();
        alert["ref"] = json!(self.reference(&alert));
        alert
    }
}

/// The table for this terminal.
pub(super) fn table(out: &Out) -> Table {
    let mut columns: Vec<Column> = vec![whole("SEVERITY"), whole("ARRIVED"), whole("STATE")];
    // Where there is little room the id below says whose it is.
    columns.extend(is_wide(out).then(|| cut("CLIENT")));
    columns.extend([cut("NODE"), cut("RULE"), cut("ABOUT"), count("COUNT")]);
    columns.extend(is_wide(out).then(|| whole("ID")));
    Table::new(&columns)
}

/// An alert's row.
pub(super) fn row(out: &Out, slugs: &Slugs, alert: &Value) -> Row {
    let state = text(alert, "state");
    let mut cells = vec![
        severity(text(alert, "severity")),
        clock(moment(alert, "arrived")).into(),
        Cell::new(state).look(if state == "open" { Look::Bold } else { Look::Dim }),
    ];
    cells.extend(is_wide(out).then(|| Cell::new(text(alert, "client_name"))));
    cells.extend([
        text(alert, "node_name").into(),
        text(alert, "rule_name").into(),
        about(alert).into(),
        number(alert, "count").to_string().into(),
    ]);
    let id = Cell::new(slugs.reference(alert));
    if is_wide(out) {
        cells.push(id);
        return Row::new(cells);
    }
    Row::new(cells).below(id)
}

/// A severity, with a mark of its own form.
pub(super) fn severity(word: &str) -> Cell {
    let (mark, look) = match word {
        "low" => ("●", Look::Plain),
        "medium" => ("◆", Look::Warning),
        "high" => ("▲", Look::Bad),
        "critical" => ("⬣", Look::Worst),
        _ => (" ", Look::Plain),
    };
    Cell::new(format!("{mark} {word}")).look(look)
}

/// Who is involved, in few words.
pub(super) fn about(alert: &Value) -> String {
    let end = |ip: &str, port: &str| {
        let address = text(alert, ip);
        match alert[port].as_u64() {
            Some(port) if address.contains(':') => format!("[{address}]:{port}"),
            Some(port) if !address.is_empty() => format!("{address}:{port}"),
            _ => address.to_owned(),
        }
    };
    let (from, to) = (end("source_ip", "source_port"), end("destination_ip", "destination_port"));
    let way = match (from.is_empty(), to.is_empty()) {
        (true, true) => String::new(),
        (false, true) => from,
        (true, false) => format!("→ {to}"),
        (false, false) => format!("{from} → {to}"),
    };
    let others = ["host", "user", "domain"].map(|name| text(alert, name));
    let said: Vec<&str> = std::iter::once(way.as_str()).chain(others).filter(|part| !part.is_empty()).collect();
    said.join(" ")
}

fn is_wide(out: &Out) -> bool {
    out.width.is_none_or(|width| width >= WIDE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_says_who_is_involved() {
        let alert =
            json!({"source_ip": "2001:db8::1", "source_port": 4711, "destination_ip": "10.0.0.2", "host": "web1"});
        assert_eq!(about(&alert), "[2001:db8::1]:4711 → 10.0.0.2 web1");
        assert_eq!(about(&json!({"user": "alice"})), "alice");
    }
}
