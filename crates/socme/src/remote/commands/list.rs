//! Lists of commands.

use serde_json::Value;

use super::show::{deed, state};
use crate::remote::core::Core;
use crate::remote::failure::Result;
use crate::remote::field::{items, moment, number, text};
use crate::remote::out::{Out, clock};
use crate::remote::table::{Row, Table, count, cut, whole};
use crate::remote::{hosts, names};

/// Rows that the core gives at once, at most.
const PAGE: usize = 200;

/// Which commands.
#[derive(clap::Args, Debug)]
pub(super) struct List {
    /// Only those at this client
    #[arg(long)]
    client: Option<String>,
    /// Only those to this node
    #[arg(long)]
    node: Option<String>,
    /// Only those about this host
    #[arg(long, conflicts_with = "node")]
    host: Option<String>,
    /// Only those of this kind, such as restart_agent
    #[arg(long)]
    deed: Option<String>,
    /// Only those about this: a part of an inventory, the number of a vulnerability, a file of rules
    #[arg(long)]
    subject: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "all")]
    limit: usize,
    /// All of them, however many
    #[arg(long)]
    all: bool,
}

impl List {
    pub(super) async fn run(self, core: &Core, out: &Out) -> Result<()> {
        let limit = if self.all { usize::MAX } else { self.limit };
        let nodes = core.get("/nodes", &[]).await?;
        let mut asked = Vec::new();
        if let Some(client) = &self.client {
            asked.push(("client", number(&names::client(core, client).await?, "id").to_string()));
        }
        if let Some(node) = &self.node {
            asked.push(("node", number(&names::node(core, node).await?, "id").to_string()));
        }
        if let Some(host) = &self.host {
            let host = hosts::find(core, host).await?;
            asked.push(("node", number(&host, "node").to_string()));
            asked.push(("agent", text(&host, "agent").to_owned()));
        }
        asked.extend(self.deed.map(|deed| ("deed", deed.replace('-', "_"))));
        asked.extend(self.subject.map(|subject| ("subject", subject)));
        let columns = [
            count("NUMBER"),
            whole("ASKED"),
            cut("BY"),
            cut("CLIENT"),
            cut("NODE"),
            cut("WHAT"),
            whole("STATE"),
            cut("HOW IT ENDED"),
        ];
        let mut table = Table::new(&columns);
        let (mut before, mut listed, mut more) = (None, 0, true);
        while listed < limit && more {
            let page = (limit - listed).min(PAGE);
            let mut parameters = asked.clone();
            parameters.push(("limit", page.to_string()));
            parameters.extend(before.map(|before: i64| ("cursor", before.to_string())));
            let answer = core.get("/commands", &parameters).await?;
            let commands = items(&answer, "commands");
            more = commands.len() == page;
            listed += commands.len();
            before = commands.last().map(|command| number(command, "id"));
            if out.json {
                commands.iter().try_for_each(|command| out.json(command))?;
            } else if !commands.is_empty() {
                let nodes = items(&nodes, "nodes");
                table.print(out, &commands.iter().map(|command| row(nodes, command)).collect::<Vec<_>>())?;
            }
        }
        if !out.json && listed == 0 {
            out.tell("No command matches.");
        } else if !out.json && more {
            out.tell(format!("These are the latest {listed}. For more: --limit N, or --all."));
        }
        Ok(())
    }
}

fn row(nodes: &[Value], command: &Value) -> Row {
    let node = nodes.iter().find(|node| number(node, "id") == number(command, "node"));
    let named = |name| node.map_or_else(|| number(command, "node").to_string(), |node| text(node, name).to_owned());
    Row::new(vec![
        number(command, "id").to_string().into(),
        clock(moment(command, "created")).into(),
        text(command, "who").into(),
        named("client_name").into(),
        named("name").into(),
        deed(command).into(),
        state(command),
        text(command, "said").into(),
    ])
}
