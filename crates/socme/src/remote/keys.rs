//! `socme keys …`
//!
//! The core lets a key neither make keys nor see its person's others: a stolen one must not become more. So what is about
//! one's own keys asks for the passphrase, except where an administrator's key may see everybody's.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::account::Account;
use super::core::Core;
use super::failure::Result;
use super::field::{items, moment, number, text};
use super::login::sign_in;
use super::names::{closeness, pick};
use super::out::{Form, Out, clock};
use super::role::Role;
use super::table::{Row, Table, count, cut, whole};
use super::{names, signed_in};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme keys list
  socme keys create 'nightly report' --role viewer --client acme --days 365
  socme keys delete 'nightly report'

What is about your own keys asks for your passphrase: a key alone cannot make other keys. An administrator's key sees
and deletes all of them without it.")]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List your keys
    List {
        /// Everybody's (for administrators)
        #[arg(long)]
        all: bool,
    },
    /// Make a key; it is printed once, on standard output
    #[command(after_help = "Example:\n  socme keys create backup --role viewer --days 30 > backup.key")]
    Create {
        /// What it is for
        name: String,
        /// The most that it allows
        #[arg(long, value_enum)]
        role: Role,
        /// In how many days it ends
        #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3660))]
        days: u16,
        /// It ends when it is deleted
        #[arg(long, conflicts_with = "days")]
        endless: bool,
        /// Only for this client; may be given several times
        #[arg(long, value_name = "CLIENT")]
        client: Vec<String>,
    },
    /// Delete a key: who uses it is let in no more
    #[command(after_help = "Examples:\n  socme keys delete 'nightly report'\n  socme keys delete 12")]
    Delete {
        /// Its number or its name
        key: String,
        /// Anybody's (for administrators)
        #[arg(long)]
        all: bool,
    },
}

impl Keys {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        match self.action {
            Action::List { all } => Ring::open(all).await?.end(async |ring| list(&out, &ring.keys().await?)).await,
            Action::Create { name, role, days, endless, client } => {
                Ring::with_passphrase()
                    .await?
                    .end(async |ring| {
                        let clients = names::clients(&ring.core, &client).await?;
                        let clients = (!clients.is_empty()).then_some(clients);
                        let days = (!endless).then_some(days);
                        let new = json!({ "name": name, "role": role.word(), "clients": clients, "valid_days": days });
                        created(&out, &ring.core.post("/me/keys", &new).await?)
                    })
                    .await
            }
            Action::Delete { key, all } => {
                Ring::open(all).await?.end(async |ring| delete(&out, ring, &key).await).await
            }
        }
    }
}

/// Keys, and the way to them.
struct Ring {
    core: Core,
    /// Where they are.
    path: &'static str,
    /// Whose: a user's number; none: everybody's.
    of: Option<i64>,
    /// It was opened with a passphrase, for this alone.
    session: bool,
}

impl Ring {
    /// With the key that this machine has, if it is an administrator's; else with the passphrase.
    async fn open(all: bool) -> Result<Self> {
        let core = signed_in()?;
        let me = core.get("/me", &[]).await?;
        if all || text(&me, "role") == "admin" {
            let of = (!all).then(|| number(&me, "id"));
            return Ok(Self { core, path: "/keys", of, session: false });
        }
        Self::as_person(Some(text(&me, "name").to_owned())).await
    }

    async fn with_passphrase() -> Result<Self> {
        let me = signed_in()?.get("/me", &[]).await?;
        Self::as_person(Some(text(&me, "name").to_owned())).await
    }

    async fn as_person(name: Option<String>) -> Result<Self> {
        let account = Account::current()?;
        let mut core = Core::at(account.url, account.ca.as_deref(), account.insecure_http)?;
        sign_in(&mut core, name).await?;
        Ok(Self { core, path: "/me/keys", of: None, session: true })
    }

    async fn keys(&self) -> Result<Vec<Value>> {
        let answer = self.core.get(self.path, &[]).await?;
        let ours = |key: &&Value| self.of.is_none_or(|user| number(key, "user") == user);
        Ok(items(&answer, "keys").iter().filter(ours).cloned().collect())
    }

    /// Does something, and signs out again if somebody signed in for it.
    async fn end(self, with: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        let done = with(&self).await;
        let ended = if self.session { self.core.delete("/session", None).await.map(drop) } else { Ok(()) };
        done.and(ended)
    }
}

fn list(out: &Out, keys: &[Value]) -> Result<()> {
    if out.json {
        return keys.iter().try_for_each(|key| out.json(key));
    }
    let columns = [
        cut("KEY"),
        cut("USER"),
        whole("ROLE"),
        cut("CLIENTS"),
        whole("ENDS"),
        whole("LAST USED"),
        cut("FROM"),
        count("NUMBER"),
    ];
    let row = |key: &Value| {
        let clients = key["clients"]
            .as_array()
            .map_or("all".to_owned(), |clients| clients.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        Row::new(vec![
            text(key, "name").into(),
            text(key, "user_name").into(),
            text(key, "role").into(),
            clients.into(),
            moment(key, "expires").map_or("never".to_owned(), |at| clock(Some(at))).into(),
            clock(moment(key, "used")).into(),
            text(key, "used_from").into(),
            number(key, "id").to_string().into(),
        ])
    };
    Table::new(&columns).print(out, &keys.iter().map(row).collect::<Vec<_>>())
}

fn created(out: &Out, made: &Value) -> Result<()> {
    if out.json {
        return out.json(made);
    }
    let end = moment(&made["key"], "expires")
        .map_or("until it is deleted".to_owned(), |at| format!("until {}", clock(Some(at))));
    out.tell(format!("The key «{}» holds {end}. It is shown this once:", text(&made["key"], "name")));
    out.say(text(made, "secret"))
}

async fn delete(out: &Out, ring: &Ring, wanted: &str) -> Result<()> {
    let told = |key: &Value| format!("{} of {} ({})", text(key, "name"), text(key, "user_name"), number(key, "id"));
    let key = pick(&ring.keys().await?, "key", wanted, &closeness, told)?;
    ring.core.delete(&format!("{}/{}", ring.path, number(&key, "id")), None).await?;
    if out.json {
        return out.json(&json!({ "deleted": key }));
    }
    out.say(format!("The key «{}» is deleted.", text(&key, "name")))
}
