//! `socme users …`

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::confirm::confirm;
use super::core::Core;
use super::failure::{Failure, Result};
use super::field::{is, items, moment, number, text};
use super::out::{Cell, Form, Look, Out, clock};
use super::role::{Given, in_words};
use super::table::{Row, Table, count, cut, whole};
use super::{names, signed_in};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme users list
  socme users invite alice --client acme=analyst --client library=viewer
  socme users invite bob --everywhere analyst
  socme users change alice --everywhere analyst
  socme users disable alice

A USER is named by name or number. What is given replaces what they had.")]
pub(crate) struct Users {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all users
    List,
    /// Show a user
    Show { user: String },
    /// Make a user, and print the link that invites them
    #[command(after_help = "Examples:
  socme users invite alice --client acme=analyst
  socme users invite alice --again    another link, for somebody who lost the first one or their way in")]
    Invite {
        /// The name that they will sign in with
        name: String,
        #[command(flatten)]
        given: Given,
        /// For a user that there is already; earlier links are dead
        #[arg(long, conflicts_with_all = ["admin", "everywhere", "client"])]
        again: bool,
    },
    /// Change what a user is called or may do; it takes effect at once
    #[command(after_help = "Examples:
  socme users change alice --name alice.martin
  socme users change alice --client acme=viewer    this client alone from now on
  socme users change alice --nothing               nothing any more")]
    Change {
        user: String,
        /// The name that they sign in with
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        given: Given,
        /// Take everything away
        #[arg(long, conflicts_with_all = ["admin", "everywhere", "client"])]
        nothing: bool,
    },
    /// Sign a user out everywhere and let them in no more
    Disable { user: String },
    /// Let them in again
    Enable { user: String },
    /// Delete a user; what they did stays in the audit log
    #[command(after_help = "Example:\n  socme users delete alice --yes alice    in a script")]
    Delete {
        user: String,
        /// Their exact name, instead of asking for it
        #[arg(long, value_name = "NAME")]
        yes: Option<String>,
    },
}

impl Users {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let core = signed_in()?;
        match self.action {
            Action::List => list(&core, &out).await,
            Action::Show { user } => show(&core, &out, &names::user(&core, &user).await?).await,
            Action::Invite { name, again: true, .. } => {
                let id = number(&names::user(&core, &name).await?, "id");
                invited(&out, &core.post(&format!("/users/{id}/invitation"), &json!({})).await?)
            }
            Action::Invite { name, given, .. } => {
                let new = json!({ "name": name, "access": given.access(&core).await? });
                invited(&out, &core.post("/users", &new).await?)
            }
            Action::Change { user, name, given, nothing } => {
                let mut change = Map::new();
                change.extend(name.map(|name| ("name".into(), name.into())));
                if nothing || !given.is_empty() {
                    change.insert("access".into(), given.access(&core).await?);
                }
                if change.is_empty() {
                    return Err(Failure::usage("Nothing is to be changed.").mend("See: socme users change --help"));
                }
                change_to(&core, &out, &user, &change.into()).await
            }
            Action::Disable { user } => change_to(&core, &out, &user, &json!({ "disabled": true })).await,
            Action::Enable { user } => change_to(&core, &out, &user, &json!({ "disabled": false })).await,
            Action::Delete { user, yes } => delete(&core, &out, &user, yes.as_deref()).await,
        }
    }
}

async fn list(core: &Core, out: &Out) -> Result<()> {
    let answer = core.get("/users", &[]).await?;
    let users = items(&answer, "users");
    if out.json {
        return users.iter().try_for_each(|user| out.json(user));
    }
    let clients = core.get("/clients", &[]).await?;
    let columns = [cut("USER"), whole("STATE"), whole("LAST SEEN"), cut("MAY"), count("NUMBER")];
    let row = |user: &Value| {
        Row::new(vec![
            text(user, "name").into(),
            state(user),
            clock(moment(user, "seen")).into(),
            in_words(&user["access"], items(&clients, "clients")).into(),
            number(user, "id").to_string().into(),
        ])
    };
    Table::new(&columns).print(out, &users.iter().map(row).collect::<Vec<_>>())
}

fn state(user: &Value) -> Cell {
    if is(user, "disabled") {
        Cell::new("disabled").look(Look::Bad)
    } else if moment(user, "invited_until").is_some() {
        Cell::new("invited").look(Look::Warning)
    } else {
        Cell::new("active")
    }
}

async fn show(core: &Core, out: &Out, user: &Value) -> Result<()> {
    if out.json {
        return out.json(user);
    }
    let clients = core.get("/clients", &[]).await?;
    out.field("user", text(user, "name"))?;
    out.field("number", number(user, "id").to_string())?;
    out.field("may", in_words(&user["access"], items(&clients, "clients")))?;
    out.field("disabled", if is(user, "disabled") { "yes" } else { "no" })?;
    out.field("invited until", clock(moment(user, "invited_until")))?;
    out.field("last seen", clock(moment(user, "seen")))?;
    out.field("since", clock(moment(user, "created")))
}

fn invited(out: &Out, invitation: &Value) -> Result<()> {
    if out.json {
        return out.json(invitation);
    }
    out.tell(format!(
        "Give «{}» this link. It works once, until {}:",
        text(&invitation["user"], "name"),
        clock(moment(invitation, "expires"))
    ));
    out.say(text(invitation, "url"))
}

async fn change_to(core: &Core, out: &Out, user: &str, change: &Value) -> Result<()> {
    let id = number(&names::user(core, user).await?, "id");
    let changed = core.patch(&format!("/users/{id}"), change).await?;
    show(core, out, &changed).await
}

async fn delete(core: &Core, out: &Out, user: &str, yes: Option<&str>) -> Result<()> {
    let user = names::user(core, user).await?;
    let name = text(&user, "name");
    confirm("user", name, "deletes them", yes).await?;
    core.delete(&format!("/users/{}", number(&user, "id")), Some(&json!({ "confirm": name }))).await?;
    if out.json {
        return out.json(&json!({ "deleted": user }));
    }
    out.say(format!("The user «{name}» is deleted."))
}
