//! `socme clients …`

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use super::confirm::confirm;
use super::core::Core;
use super::failure::{Failure, Result};
use super::field::{is, items, moment, number, text};
use super::out::{Form, Out, clock};
use super::progress::Progress;
use super::table::{Row, Table, count, cut, whole};
use super::{names, signed_in};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme clients list
  socme clients create 'Acme Works' --time-zone Europe/Paris
  socme clients change acme-works --contacts 'Jo, +33 1 23 45 67 89'
  socme clients keep acme-works 90           its alerts for 90 days
  socme clients export acme-works acme.zip   everything of it, as JSON Lines in an archive
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
    /// Say how long a client's alerts are kept
    #[command(after_help = "Examples:
  socme clients keep acme 90
  socme clients keep acme usual    as long as the core keeps alerts

Older alerts are deleted within minutes, but for those under legal hold.")]
    Keep {
        client: String,
        /// Days from their arrival, 1 to 36500; or «usual»
        #[arg(value_parser = days)]
        days: Days,
    },
    /// Put a client under legal hold: nothing of it is deleted, neither by age nor by hand
    #[command(after_help = "Example:\n  socme clients hold acme --why 'case 2026-118'")]
    Hold {
        client: String,
        /// Why; it is in the audit log
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Lift a legal hold: what is older than it is kept for is deleted within minutes
    #[command(after_help = "Example:\n  socme clients release acme --yes 'Acme Works'    in a script")]
    Release {
        client: String,
        /// Its exact name, instead of asking for it
        #[arg(long, value_name = "NAME")]
        yes: Option<String>,
    },
    /// Write everything of a client into a file: a ZIP archive of JSON Lines
    #[command(after_help = "Example:\n  socme clients export acme acme.zip")]
    Export {
        client: String,
        /// Where to; it must not exist
        file: PathBuf,
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
            Action::Keep { client, days: Days(days) } => {
                let path = format!("/clients/{}/retention", number(&names::client(&core, &client).await?, "id"));
                show(&out, &core.put(&path, &json!({ "keep_days": days })).await?)
            }
            Action::Hold { client, why } => {
                let path = format!("/clients/{}/hold", number(&names::client(&core, &client).await?, "id"));
                show(&out, &core.put(&path, &json!({ "why": why })).await?)
            }
            Action::Release { client, yes } => release(&core, &out, &client, yes.as_deref()).await,
            Action::Export { client, file } => export(&core, &out, &client, &file).await,
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
    out.field("alerts kept", kept(client))?;
    if !client["hold"].is_null() {
        let since = clock(moment(&client["hold"], "since"));
        out.field("legal hold", format!("since {since}: {}", text(&client["hold"], "why")))?;
    }
    if is(client, "builtin") {
        out.field("built in", "the core's own alarms belong to it")?;
    }
    out.field("since", clock(moment(client, "created")))
}

/// For how long its alerts are kept, in words.
fn kept(client: &Value) -> String {
    let days = match client["kept_days"].as_i64() {
        Some(1) => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
        None => "for ever".to_owned(),
    };
    if client["keep_days"].is_null() { format!("{days}, as for all clients") } else { days }
}

async fn release(core: &Core, out: &Out, client: &str, yes: Option<&str>) -> Result<()> {
    let client = names::client(core, client).await?;
    confirm("client", text(&client, "name"), "lifts its hold, and what is older than it is kept for is deleted", yes)
        .await?;
    show(out, &core.delete(&format!("/clients/{}/hold", number(&client, "id")), None).await?)
}

/// Written beside, and given its name when it is whole.
async fn export(core: &Core, out: &Out, client: &str, file: &Path) -> Result<()> {
    let client = names::client(core, client).await?;
    let shown = file.display();
    if file.exists() {
        return Err(Failure::usage(format!("{shown} exists already.")).mend("Choose another name."));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("{shown}: {error}"));
    // For its owner alone, and gone if this ends before it is whole.
    let mut beside = NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    let progress = Progress::begin(format!("Exporting {}", text(&client, "slug")));
    let mut answer = core.stream(&format!("/clients/{}/export", number(&client, "id")), &[], None).await?;
    let mut bytes: u64 = 0;
    while let Some(piece) = answer.chunk().await.map_err(|error| core.unreached(&error))? {
        beside.write_all(&piece).map_err(|error| failed(&error))?;
        bytes += piece.len() as u64;
        progress.now(format!("Exporting {}: {:.1} MB", text(&client, "slug"), bytes as f64 / 1e6));
    }
    beside.as_file().sync_all().map_err(|error| failed(&error))?;
    beside.persist_noclobber(file).map_err(|error| failed(&error.error))?;
    progress.end().await;
    if out.json {
        return out.json(&json!({ "file": file, "bytes": bytes, "client": client }));
    }
    out.say(format!("{shown} is whole: {bytes} bytes, everything of «{}».", text(&client, "name")))
}

/// Days; none: as long as the core keeps alerts.
#[derive(Clone, Copy, Debug)]
struct Days(Option<u32>);

fn days(text: &str) -> std::result::Result<Days, String> {
    if text == "usual" {
        return Ok(Days(None));
    }
    let days = text.parse().ok().filter(|days| (1..=36_500).contains(days));
    days.map(|days| Days(Some(days))).ok_or_else(|| "give days, 1 to 36500, or «usual»".to_owned())
}

async fn delete(core: &Core, out: &Out, client: &str, yes: Option<&str>) -> Result<()> {
    let client = names::client(core, client).await?;
    let name = text(&client, "name");
    confirm("client", name, "deletes it and all of its alerts", yes).await?;
    core.delete(&format!("/clients/{}", number(&client, "id")), Some(&json!({ "confirm": name }))).await?;
    if out.json {
        return out.json(&json!({ "deleted": client }));
    }
    out.say(format!("The client «{name}» is deleted."))
}
