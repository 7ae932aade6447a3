//! `socme clients …`

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::confirm::confirm;
use super::core::Core;
use super::failure::{Failure, Result};
use super::field::{is, items, moment, number, text};
use super::out::{Form, Out, clock};
use super::table::{Row, Table, count, cut, whole};
use super::{names, signed_in};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme clients list
  socme clients create 'Acme Works' --time-zone Europe/Paris
  socme clients change acme-works --contacts 'Jo, +33 1 23 45 67 89'
  socme clients delete acme-works --yes 'Acme Works'

A CLIENT is named by its short name, its number or its name.")]
pub(crate) struct Clients {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the clients that you may see
    List,
    /// Show a client
    #[command(after_help = "Example:\n  socme clients show acme")]
    Show { client: String },
    /// Make a client
    #[command(after_help = "Example:\n  socme clients create 'City Library' --notes 'closed on Mondays'")]
    Create {
        /// Its name; the short name follows from it
        name: String,
        #[command(flatten)]
        about: About,
    },
    /// Change what is known of a client
    #[command(after_help = "Example:\n  socme clients change acme --name 'Acme Works' --time-zone ''")]
    Change {
        client: String,
        /// Its name; the short name stays
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        about: About,
    },
    /// Delete a client that has no nodes, with its alerts
    #[command(after_help = "Example:\n  socme clients delete acme --yes 'Acme Works'    in a script")]
    Delete {
        client: String,
        /// Its exact name, instead of asking for it
        #[arg(long, value_name = "NAME")]
        yes: Option<String>,
    },
}

/// What is known of a client.
#[derive(Args, Debug)]
struct About {
    /// Whatever is worth knowing
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
    /// Its time zone, such as Europe/Paris; empty: unknown
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Whom to reach there, and how
    #[arg(long, value_name = "TEXT")]
    contacts: Option<String>,
}

impl About {
    fn fields(self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.extend(self.notes.map(|notes| ("notes".into(), notes.into())));
        fields.extend(self.contacts.map(|contacts| ("contacts".into(), contacts.into())));
        let zone = |zone: String| if zone.is_empty() { Value::Null } else { zone.into() };
        fields.extend(self.time_zone.map(|given| ("time_zone".into(), zone(given))));
        fields
    }
}

impl Clients {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let core = signed_in()?;
        match self.action {
            Action::List => list(&core, &out).await,
            Action::Show { client } => {
                let client = names::client(&core, &client).await?;
                show(&out, &client)
            }
            Action::Create { name, about } => {
                let mut new = about.fields();
                new.insert("name".into(), name.into());
                show(&out, &core.post("/clients", &new.into()).await?)
            }
            Action::Change { client, name, about } => {
                let mut change = about.fields();
                change.extend(name.map(|name| ("name".into(), name.into())));
                if change.is_empty() {
                    return Err(Failure::usage("Nothing is to be changed.").mend("See: socme clients change --help"));
                }
                let id = number(&names::client(&core, &client).await?, "id");
                show(&out, &core.patch(&format!("/clients/{id}"), &change.into()).await?)
            }
            Action::Delete { client, yes } => delete(&core, &out, &client, yes.as_deref()).await,
        }
    }
}

async fn list(core: &Core, out: &Out) -> Result<()> {
    let answer = core.get("/clients", &[]).await?;
    let clients = items(&answer, "clients");
    if out.json {
        return clients.iter().try_for_each(|client| out.json(client));
    }
    let columns = [whole("CLIENT"), cut("NAME"), count("NODES"), count("OPEN"), count("NUMBER")];
    let row = |client: &Value| {
        Row::new(vec![
            text(client, "slug").into(),
            text(client, "name").into(),
            number(client, "nodes").to_string().into(),
            number(client, "open_alerts").to_string().into(),
            number(client, "id").to_string().into(),
        ])
    };
    Table::new(&columns).print(out, &clients.iter().map(row).collect::<Vec<_>>())
}

fn show(out: &Out, client: &Value) -> Result<()> {
    if out.json {
        return out.json(client);
    }
    out.field("client", text(client, "slug"))?;
    out.field("name", text(client, "name"))?;
    out.field("number", number(client, "id").to_string())?;
    out.field("nodes", number(client, "nodes").to_string())?;
    out.field("open alerts", number(client, "open_alerts").to_string())?;
    out.field("time zone", text(client, "time_zone"))?;
    out.field("contacts", text(client, "contacts"))?;
    out.field("notes", text(client, "notes"))?;
    if is(client, "builtin") {
        out.field("built in", "the core's own alarms belong to it")?;
    }
    out.field("since", clock(moment(client, "created")))
}

async fn delete(core: &Core, out: &Out, client: &str, yes: Option<&str>) -> Result<()> {
    let client = names::client(core, client).await?;
    let name = text(&client, "name");
    confirm("client", name, " and all of its alerts", yes).await?;
    core.delete(&format!("/clients/{}", number(&client, "id")), Some(&json!({ "confirm": name }))).await?;
    if out.json {
        return out.json(&json!({ "deleted": client }));
    }
    out.say(format!("The client «{name}» is deleted."))
}
