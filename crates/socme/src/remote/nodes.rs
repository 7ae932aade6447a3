//! `socme nodes …`

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::confirm::confirm;
use super::core::Core;
use super::failure::{Failure, Result};
use super::field::{items, moment, number, text};
use super::out::{Cell, Form, Look, Out, clock};
use super::table::{Row, Table, count, cut, whole};
use super::{names, signed_in};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme nodes list --client acme
  socme nodes token acme --hours 2       what to run on a machine that is to become a node
  socme nodes change acme/office --site 'Cellar, rack 2'
  socme nodes delete acme/office --yes office

A NODE is named by its name, its number, or CLIENT/NAME.")]
pub(crate) struct Nodes {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the nodes that you may see
    List {
        /// Only those of this client
        #[arg(long)]
        client: Option<String>,
    },
    /// Show a node
    #[command(after_help = "Examples:\n  socme nodes show acme/office\n  socme nodes show --json 3 | jq .status")]
    Show { node: String },
    /// Change what people know about a node
    #[command(after_help = "Example:\n  socme nodes change office --name cellar --contact 'Jo, +33 1 23 45 67 89'")]
    Change {
        node: String,
        #[command(flatten)]
        about: About,
    },
    /// Take no records of a node for now
    Disable { node: String },
    /// Take its records again
    Enable { node: String },
    /// Let a node speak no more until it enrols again: for a machine that is stolen or gone
    Revoke { node: String },
    /// Delete a node with its alerts
    #[command(after_help = "Example:\n  socme nodes delete acme/office --yes office    in a script")]
    Delete {
        node: String,
        /// Its exact name, instead of asking for it
        #[arg(long, value_name = "NAME")]
        yes: Option<String>,
    },
    /// Make a one-time token with which a machine enrols as a node, and print the command to run there
    #[command(after_help = "Examples:
  socme nodes token acme
  ssh sensor \"$(socme nodes token acme --json | jq -r .command)\"")]
    Token {
        /// The client whose node it becomes
        client: String,
        /// For how many hours the token can be used
        #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=168))]
        hours: u16,
    },
}

/// What people know about a node.
#[derive(Args, Debug)]
struct About {
    /// Its name; unique within the client
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where it stands
    #[arg(long, value_name = "TEXT")]
    site: Option<String>,
    /// Whom to ask there
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
    /// The switch's port that mirrors the traffic
    #[arg(long, value_name = "TEXT")]
    mirror_port: Option<String>,
    /// Whatever is worth knowing
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
}

impl About {
    fn fields(self) -> Map<String, Value> {
        let given = [
            ("name", self.name),
            ("site", self.site),
            ("contact", self.contact),
            ("mirror_port", self.mirror_port),
            ("notes", self.notes),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
    }
}

impl Nodes {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let core = signed_in()?;
        match self.action {
            Action::List { client } => list(&core, &out, client.as_deref()).await,
            Action::Show { node } => show(&out, &names::node(&core, &node).await?),
            Action::Change { node, about } => {
                let change = about.fields();
                if change.is_empty() {
                    return Err(Failure::usage("Nothing is to be changed.").mend("See: socme nodes change --help"));
                }
                change_to(&core, &out, &node, &change.into()).await
            }
            Action::Disable { node } => change_to(&core, &out, &node, &json!({ "disabled": true })).await,
            Action::Enable { node } => change_to(&core, &out, &node, &json!({ "disabled": false })).await,
            Action::Revoke { node } => {
                let id = number(&names::node(&core, &node).await?, "id");
                show(&out, &core.post(&format!("/nodes/{id}/revoke"), &json!({})).await?)
            }
            Action::Delete { node, yes } => delete(&core, &out, &node, yes.as_deref()).await,
            Action::Token { client, hours } => token(&core, &out, &client, hours).await,
        }
    }
}

async fn list(core: &Core, out: &Out, client: Option<&str>) -> Result<()> {
    let client = match client {
        Some(client) => Some(("client", number(&names::client(core, client).await?, "id").to_string())),
        None => None,
    };
    let answer = core.get("/nodes", client.as_slice()).await?;
    let nodes = items(&answer, "nodes");
    if out.json {
        return nodes.iter().try_for_each(|node| out.json(node));
    }
    let columns = [
        cut("CLIENT"),
        cut("NODE"),
        whole("STATE"),
        cut("SEES"),
        whole("LAST HEARD"),
        count("ALERTS"),
        count("NUMBER"),
    ];
    let row = |node: &Value| {
        Row::new(vec![
            text(node, "client_name").into(),
            text(node, "name").into(),
            state(node),
            sight(node),
            clock(moment(node, "last_heard")).into(),
            number(node, "alerts").to_string().into(),
            number(node, "id").to_string().into(),
        ])
    };
    Table::new(&columns).print(out, &nodes.iter().map(row).collect::<Vec<_>>())
}

fn state(node: &Value) -> Cell {
    let state = text(node, "state");
    Cell::new(state).look(match state {
        "online" => Look::Good,
        "late" => Look::Warning,
        "offline" | "revoked" => Look::Bad,
        _ => Look::Dim,
    })
}

fn sight(node: &Value) -> Cell {
    match text(node, "blind") {
        "blind" => Cell::new("nothing").look(Look::Bad),
        "partly" => Cell::new("a part").look(Look::Warning),
        _ => Cell::new("all"),
    }
}

fn show(out: &Out, node: &Value) -> Result<()> {
    if out.json {
        return out.json(node);
    }
    out.field("node", text(node, "name"))?;
    out.field("number", number(node, "id").to_string())?;
    out.field("client", text(node, "client_name"))?;
    out.field("state", text(node, "state"))?;
    out.field("sees too little", text(node, "blind_why"))?;
    out.field("last heard", clock(moment(node, "last_heard")))?;
    out.field("host", text(node, "hostname"))?;
    out.field("site", text(node, "site"))?;
    out.field("contact", text(node, "contact"))?;
    out.field("mirror port", text(node, "mirror_port"))?;
    out.field("notes", text(node, "notes"))?;
    out.field("version", text(node, "version"))?;
    out.field("enrolled", clock(moment(node, "enrolled")))?;
    out.field("certificate to", clock(moment(node, "certificate_end")))?;
    out.field("alerts", number(node, "alerts").to_string())?;
    let refused = number(node, "refused");
    out.field("refused", if refused > 0 { format!("{refused} records") } else { String::new() })?;
    for lost in items(node, "lost") {
        let at = clock(moment(lost, "at"));
        out.field("lost", format!("records {} to {}, {at}: {}", lost["from"], lost["to"], text(lost, "why")))?;
    }
    Ok(())
}

async fn change_to(core: &Core, out: &Out, node: &str, change: &Value) -> Result<()> {
    let id = number(&names::node(core, node).await?, "id");
    show(out, &core.patch(&format!("/nodes/{id}"), change).await?)
}

async fn delete(core: &Core, out: &Out, node: &str, yes: Option<&str>) -> Result<()> {
    let node = names::node(core, node).await?;
    let (id, name) = (number(&node, "id"), text(&node, "name"));
    let goes = core.get(&format!("/nodes/{id}/consequences"), &[]).await?;
    confirm("node", name, &format!("deletes it and its {} alerts", number(&goes, "alerts")), yes).await?;
    core.delete(&format!("/nodes/{id}"), Some(&json!({ "confirm": name }))).await?;
    if out.json {
        return out.json(&json!({ "deleted": node, "alerts": goes["alerts"] }));
    }
    out.say(format!("The node «{name}» is deleted, with {} alerts.", number(&goes, "alerts")))
}

async fn token(core: &Core, out: &Out, client: &str, hours: u16) -> Result<()> {
    let client = names::client(core, client).await?;
    let path = format!("/clients/{}/tokens", number(&client, "id"));
    let made = core.post(&path, &json!({ "valid_hours": hours })).await?;
    if out.json {
        return out.json(&made);
    }
    out.tell(format!(
        "Run this as root on the machine that becomes a node of «{}», once, before {}:",
        text(&client, "name"),
        clock(moment(&made, "expires"))
    ));
    out.say(text(&made, "command"))
}
