//! Signing in and out, and who one is.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::account::Account;
use super::address::Address;
use super::core::Core;
use super::failure::{Failure, Kind, Result};
use super::field::{items, moment, number, text};
use super::out::{Form, Out, clock};
use super::role::Role;
use super::{ask, names};

/// How often a code may be mistyped.
const TRIES: u32 = 3;
/// Longest name of a key, in characters.
const NAME: usize = 64;
/// Longest key on standard input, in bytes.
const KEY: u64 = 1_000;

/// Sign this machine in at a core
///
/// Asks for your name and passphrase, has the core make a key for this machine, and keeps the key in
/// $XDG_CONFIG_HOME/socme/login.toml, which only you can read. The passphrase is not kept.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme login https://soc.example                  asks for name and passphrase
  socme login soc.example --role viewer --days 7   a key that only reads, for a week
  socme login soc.example --client acme            a key for one client alone
  socme login soc.example --key - < key.txt        a key made on your own page, if you sign in by passkey or provider
  socme login soc.example --ca ca.pem              the core's certificate is of an authority of your own

Without signing in, programs set SOCME_URL and SOCME_KEY (and SOCME_CA); these win over what is kept.")]
pub(crate) struct Login {
    /// Where the core is, as your browser shows it [default: where you signed in last]
    url: Option<String>,
    /// Your name, instead of asking for it
    #[arg(long, conflicts_with = "key")]
    name: Option<String>,
    /// The most that the key allows [default: what you may do]
    #[arg(long, value_enum, conflicts_with = "key")]
    role: Option<Role>,
    /// In how many days the key ends
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3660), conflicts_with = "key")]
    days: u16,
    /// Only for this client; may be given several times [default: all that you were given]
    #[arg(long, value_name = "CLIENT", conflicts_with = "key")]
    client: Vec<String>,
    /// Take a key from standard input instead of making one. It must be «-»: a key on the command line could be seen by others
    #[arg(long, value_name = "-", value_parser = ["-"])]
    key: Option<String>,
    /// Hold the core's certificate against these authorities (PEM) instead of this machine's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Allow http:// to another machine, where the way itself is enciphered (Tailscale, WireGuard)
    #[arg(long)]
    insecure_http: bool,
    #[command(flatten)]
    form: Form,
}

/// Sign this machine out: its key is deleted at the core and here
#[derive(Args, Debug)]
pub(crate) struct Logout {
    /// Forget the key here, even if the core cannot be asked to delete it
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    form: Form,
}

/// Say where this machine is signed in, as whom, and what it may do there
#[derive(Args, Debug)]
pub(crate) struct Whoami {
    #[command(flatten)]
    form: Form,
}

impl Login {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        // A file that cannot be used is no obstacle to making a new one.
        let before = Account::stored().ok().flatten();
        let url = self.address(before.as_ref()).await?;
        let ca = self
            .ca
            .as_ref()
            .map(|path| path.canonicalize().map_err(|error| Failure::failed(format!("{}: {error}", path.display()))));
        let ca = ca.transpose()?;
        let mut core = Core::at(url.clone(), ca.as_deref(), self.insecure_http)?;
        let key = match self.key {
            Some(_) => key_from_input()?,
            None => {
                let me = sign_in(&mut core, self.name.clone()).await?;
                // Signed out however this ends: the session has no other use.
                let made = self.make_key(&core, &me).await;
                let ended = core.delete("/session", None).await;
                let key = made?;
                ended?;
                key
            }
        };
        let core = core.with_key(&key)?;
        let me = core.get("/me", &[]).await?;
        let about = core.get("/me/key", &[]).await?;
        let account = Account { url, key, ca, insecure_http: self.insecure_http };
        let path = account.store()?;
        if let Some(before) = before.filter(|before| before.key != account.key) {
            // The key of the file that was replaced has nobody any more who could use it.
            if let Ok(old) = Core::of(&before) {
                let _ = old.delete("/me/key", None).await;
            }
        }
        if out.json {
            return out.json(&json!({ "url": account.url.to_string(), "file": path, "me": me, "key": about }));
        }
        out.say(format!("You are signed in at {} as {} ({}).", account.url, text(&me, "name"), text(&me, "role")))?;
        let end = moment(&about, "expires")
            .map_or("until it is deleted".to_owned(), |at| format!("until {}", clock(Some(at))));
        out.say(format!("The key «{}» is kept in {} and holds {end}.", text(&about, "name"), path.display()))
    }

    async fn address(&self, before: Option<&Account>) -> Result<Address> {
        let given = self.url.clone().or_else(|| std::env::var("SOCME_URL").ok().filter(|url| !url.trim().is_empty()));
        match (given, before) {
            (Some(url), _) => Address::read(&url),
            (None, Some(before)) => Ok(before.url.clone()),
            (None, None) => {
                let mend = "Name the core: socme login https://soc.example";
                Address::read(&ask::line("Address of the core: ", mend).await?)
            }
        }
    }

    async fn make_key(&self, core: &Core, me: &Value) -> Result<String> {
        let clients = names::clients(core, &self.client).await?;
        let role = match (self.role, text(me, "role")) {
            (Some(role), _) => role.word().to_owned(),
            (None, "guest") => {
                return Err(Failure::new(Kind::Refused, "You were given no client yet.")
                    .mend("Ask an administrator to give you one."));
            }
            // An administrator's key is for all clients.
            (None, "admin") if !clients.is_empty() => Role::Analyst.word().to_owned(),
            (None, role) => role.to_owned(),
        };
        let clients = (!clients.is_empty()).then_some(clients);
        let new = json!({ "name": key_name(), "role": role, "clients": clients, "valid_days": self.days });
        Ok(text(&core.post("/me/keys", &new).await?, "secret").to_owned())
    }
}

impl Logout {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let Some(account) = Account::stored()? else {
            return Err(Failure::new(Kind::Refused, "You are not signed in."));
        };
        let deleted = async { Core::of(&account)?.delete("/me/key", None).await }.await;
        match deleted {
            Ok(_) => {}
            // It is dead already.
            Err(failure) if failure.kind() == Kind::Refused => {}
            Err(failure) if self.force => out.tell(format!("The key lives on at the core: {}", failure.said())),
            Err(failure) => return Err(failure.mend("To forget the key here all the same: socme logout --force")),
        }
        Account::forget()?;
        if out.json {
            return out.json(&json!({ "url": account.url.to_string(), "signed_in": false }));
        }
        out.say(format!("You are signed out at {}.", account.url))
    }
}

impl Whoami {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let core = Core::of(&Account::current()?)?;
        let (me, key) = (core.get("/me", &[]).await?, core.get("/me/key", &[]).await?);
        let version = core.get("/version", &[]).await?;
        if out.json {
            let version = &version["version"];
            return out.json(&json!({ "url": core.address.to_string(), "version": version, "me": me, "key": key }));
        }
        out.field("core", format!("{} (version {})", core.address, text(&version, "version")))?;
        out.field("name", text(&me, "name"))?;
        out.field("role", text(&me, "role"))?;
        let clients = core.get("/clients", &[]).await.unwrap_or_default();
        let slugs: Vec<&str> = items(&clients, "clients").iter().map(|client| text(client, "slug")).collect();
        out.field("clients", slugs.join(", "))?;
        out.field("key", format!("{} (number {})", text(&key, "name"), number(&key, "id")))?;
        out.field("key ends", moment(&key, "expires").map_or("never".into(), |at| clock(Some(at))))
    }
}

/// Signs in with name and passphrase, at the terminal.
pub(super) async fn sign_in(core: &mut Core, name: Option<String>) -> Result<Value> {
    let mend = "In a script give a key: socme login --key - < FILE, or SOCME_URL and SOCME_KEY.";
    let name = match name {
        Some(name) => name,
        None => ask::line("Name: ", mend).await?,
    };
    let passphrase = ask::secret("Passphrase: ", mend).await?;
    let answer = core.sign_in("/session", &json!({ "name": name.trim(), "passphrase": passphrase })).await?;
    match answer["ticket"].as_str() {
        Some(ticket) => second(core, ticket, mend).await,
        None => Ok(answer),
    }
}

/// Gives the code of an authenticator, for whom a passphrase is not enough.
async fn second(core: &mut Core, ticket: &str, mend: &str) -> Result<Value> {
    let mut tried = 0;
    loop {
        let code = ask::line("Code of your authenticator, or a recovery code: ", mend).await?;
        tried += 1;
        match core.sign_in("/session/second", &json!({ "ticket": ticket, "code": code.trim() })).await {
            Err(failure) if failure.kind() == Kind::Refused && tried < TRIES => eprintln!("{}", failure.said()),
            done => return done,
        }
    }
}

fn key_from_input() -> Result<String> {
    let mut key = String::new();
    std::io::stdin().take(KEY).read_to_string(&mut key)?;
    Ok(key.trim().to_owned())
}

fn key_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host: String = host.chars().filter(|c| !c.is_control()).collect();
    format!("socme on {host}").chars().take(NAME).collect()
}
