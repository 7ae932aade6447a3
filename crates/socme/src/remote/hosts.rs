//! `socme hosts …`

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wire::host::is_agent;

use super::core::Core;
use super::failure::{Failure, Kind, Result};
use super::field::{is, items, moment, number, text};
use super::out::{Cell, Form, Look, Out, clock};
use super::progress::Progress;
use super::table::{Column, Row, Table, count, cut, whole};
use super::times::age;
use super::{names, signed_in};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  socme hosts list --client acme --state disconnected
  socme hosts list --behind                whose agent is older than its manager
  socme hosts show acme/web1
  socme commands ask restart-agent acme/web1 --wait

A HOST is named as the list prints it, NODE/AGENT, by its name, or CLIENT/NAME.")]
pub(crate) struct Hosts {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the hosts that you may see, by client and name
    #[command(after_help = "Examples:
  socme hosts list
  socme hosts list web --limit 200         with «web» in their name or address
  socme hosts list --all --json --state disconnected | jq -r .name")]
    List(List),
    /// Count hosts by state, system, version and group
    #[command(after_help = "Example:\n  socme hosts count --client acme")]
    Count(Whose),
    /// Show a host, and what was last read of it
    #[command(after_help = "Examples:
  socme hosts show acme/web1
  socme hosts show 3/001 --json | jq '.answers[] | {what, finished}'")]
    Show { host: String },
}

/// Whose hosts.
#[derive(Args, Debug)]
struct Whose {
    /// Only those of this client
    #[arg(long)]
    client: Option<String>,
    /// Only those that this node knows
    #[arg(long)]
    node: Option<String>,
}

/// Which hosts.
#[derive(Args, Debug)]
struct List {
    /// With this in their name or address
    text: Option<String>,
    #[command(flatten)]
    whose: Whose,
    /// In this state
    #[arg(long, value_parser = PossibleValuesParser::new(["active", "disconnected", "pending", "never_connected"]))]
    state: Option<String>,
    /// Only those whose agent is older than its manager
    #[arg(long)]
    behind: bool,
    /// With this version of the agent, such as 4.14.7
    #[arg(long, value_name = "VERSION")]
    agent_version: Option<String>,
    /// In this group
    #[arg(long)]
    group: Option<String>,
    /// With this operating system, in one word: ubuntu, windows
    #[arg(long, value_name = "SYSTEM")]
    platform: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "all")]
    limit: usize,
    /// All of them, however many
    #[arg(long)]
    all: bool,
}

/// Rows that the core gives at once, at most.
const PAGE: usize = 200;
/// From so many columns on, the node and the address are shown.
const WIDE: usize = 140;

impl Hosts {
    pub(super) async fn run(self) -> Result<()> {
        let out = Out::new(self.form);
        let core = signed_in()?;
        match self.action {
            Action::List(list) => list.run(&core, &out).await,
            Action::Count(whose) => counts(&out, &core.get("/hosts/counts", &whose.asked(&core).await?).await?),
            Action::Show { host } => {
                let host = find(&core, &host).await?;
                show(&out, &core.get(&path(&host), &[]).await?)
            }
        }
    }
}

/// What a host is called.
pub(super) fn reference(host: &Value) -> String {
    format!("{}/{}", number(host, "node"), text(host, "agent"))
}

/// Where the API has it.
fn path(host: &Value) -> String {
    format!("/nodes/{}/hosts/{}", number(host, "node"), text(host, "agent"))
}

/// The host that is called so: `NODE/AGENT`, its name, or `CLIENT/NAME`.
pub(super) async fn find(core: &Core, wanted: &str) -> Result<Value> {
    let wanted = wanted.trim();
    let (of, name) = wanted.rsplit_once('/').map_or((None, wanted), |(of, name)| (Some(of), name));
    if let Some(node) = of.filter(|_| is_agent(name)) {
        let node = number(&names::node(core, node).await?, "id");
        return Ok(core.get(&format!("/nodes/{node}/hosts/{name}"), &[]).await?["host"].clone());
    }
    let mut asked = vec![("text", name.to_owned()), ("limit", PAGE.to_string())];
    if let Some(client) = of {
        asked.push(("client", number(&names::client(core, client).await?, "id").to_string()));
    }
    let mut named: Vec<Value> = Vec::new();
    loop {
        let page = core.get("/hosts", &asked).await?;
        let called = |host: &&Value| text(host, "name").to_lowercase() == name.to_lowercase();
        named.extend(items(&page, "hosts").iter().filter(called).cloned());
        asked.retain(|(parameter, _)| *parameter != "cursor");
        match page["next"].as_str() {
            Some(next) if named.len() < PAGE => asked.push(("cursor", next.to_owned())),
            _ => break,
        }
    }
    let exact: Vec<&Value> = named.iter().filter(|host| text(host, "name") == name).collect();
    let fitting = if exact.is_empty() { named.iter().collect() } else { exact };
    match fitting.as_slice() {
        [] => Err(Failure::new(Kind::NotFound, format!("There is no host «{wanted}», or you may not see it."))
            .mend("Those that you may see: socme hosts list")),
        [one] => Ok((*one).clone()),
        several => {
            let told = |host: &&Value| format!("{} of {}", reference(host), text(host, "client_name"));
            let several: Vec<String> = several.iter().map(told).collect();
            Err(Failure::usage(format!("«{wanted}» may be {}.", several.join(" or ")))
                .mend("Write NODE/AGENT, as the list prints it."))
        }
    }
}

impl Whose {
    async fn asked(&self, core: &Core) -> Result<Vec<(&'static str, String)>> {
        let mut asked = Vec::new();
        if let Some(client) = &self.client {
            asked.push(("client", number(&names::client(core, client).await?, "id").to_string()));
        }
        if let Some(node) = &self.node {
            asked.push(("node", number(&names::node(core, node).await?, "id").to_string()));
        }
        Ok(asked)
    }
}

impl List {
    async fn run(self, core: &Core, out: &Out) -> Result<()> {
        let limit = if self.all { usize::MAX } else { self.limit };
        let mut asked = self.whose.asked(core).await?;
        let filters = [
            ("text", self.text),
            ("state", self.state),
            ("version", self.agent_version),
            ("group", self.group),
            ("platform", self.platform),
            ("behind", self.behind.then(|| "true".to_owned())),
        ];
        asked.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let mut table = table(out);
        let (mut cursor, mut listed) = (None::<String>, 0);
        let progress = out.width.is_none().then(|| Progress::begin("Asking for hosts"));
        while listed < limit {
            let mut parameters = asked.clone();
            parameters.push(("limit", (limit - listed).min(PAGE).to_string()));
            parameters.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page = core.get("/hosts", &parameters).await?;
            let hosts = items(&page, "hosts");
            listed += hosts.len();
            if out.json {
                hosts.iter().try_for_each(|host| out.json(&with_reference(host)))?;
            } else if !hosts.is_empty() {
                table.print(out, &hosts.iter().map(|host| row(out, host)).collect::<Vec<_>>())?;
            }
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        if let Some(progress) = progress {
            progress.end().await;
        }
        if out.json {
            return Ok(());
        }
        if listed == 0 {
            out.tell("No host matches.");
        } else if cursor.is_some() {
            out.tell(format!("These are the first {listed}. For more: --limit N, or --all."));
        }
        Ok(())
    }
}

fn with_reference(host: &Value) -> Value {
    let mut host = host.clone();
    host["ref"] = json!(reference(&host));
    host
}

fn is_wide(out: &Out) -> bool {
    out.width.is_none_or(|width| width >= WIDE)
}

fn table(out: &Out) -> Table {
    let mut columns: Vec<Column> = vec![whole("HOST"), cut("NAME"), cut("CLIENT")];
    columns.extend(is_wide(out).then(|| cut("NODE")));
    columns.extend([whole("STATE"), count("FOR"), cut("SYSTEM"), cut("AGENT")]);
    columns.extend(is_wide(out).then(|| cut("ADDRESS")));
    Table::new(&columns)
}

fn row(out: &Out, host: &Value) -> Row {
    let mut cells: Vec<Cell> =
        vec![reference(host).into(), text(host, "name").into(), text(host, "client_name").into()];
    cells.extend(is_wide(out).then(|| Cell::new(text(host, "node_name"))));
    cells.extend([state(host), age(moment(host, "since")).into(), text(host, "system").into(), version(host)]);
    cells.extend(is_wide(out).then(|| Cell::new(text(host, "address"))));
    Row::new(cells)
}

fn state(host: &Value) -> Cell {
    let state = text(host, "state");
    Cell::new(state.replace('_', " ")).look(match state {
        "active" => Look::Good,
        "pending" => Look::Warning,
        "disconnected" => Look::Bad,
        _ => Look::Dim,
    })
}

fn version(host: &Value) -> Cell {
    let version = text(host, "version");
    if is(host, "behind") { Cell::new(format!("{version} (behind)")).look(Look::Warning) } else { Cell::new(version) }
}

fn counts(out: &Out, counts: &Value) -> Result<()> {
    if out.json {
        return out.json(counts);
    }
    out.field("hosts", number(counts, "all").to_string())?;
    out.field("behind", number(counts, "behind").to_string())?;
    for (heading, name) in
        [("By state", "states"), ("By system", "platforms"), ("By version", "versions"), ("By group", "groups")]
    {
        if items(counts, name).is_empty() {
            continue;
        }
        out.heading(heading)?;
        for one in items(counts, name) {
            let value = match text(one, "value") {
                "" => "unknown".to_owned(),
                value => value.replace('_', " "),
            };
            out.field(&number(one, "hosts").to_string(), value)?;
        }
    }
    Ok(())
}

fn show(out: &Out, detail: &Value) -> Result<()> {
    if out.json {
        return out.json(detail);
    }
    let host = &detail["host"];
    let since = moment(host, "since");
    out.field("host", text(host, "name"))?;
    out.field("called", reference(host))?;
    out.field("client", text(host, "client_name"))?;
    out.field("node", text(host, "node_name"))?;
    let ago = age(since);
    out.field("state", format!("{}, for {ago} ({})", text(host, "state").replace('_', " "), clock(since)))?;
    out.field("why", text(host, "why"))?;
    out.field("last seen", clock(moment(host, "seen")))?;
    let behind = if is(host, "behind") { ", older than its manager" } else { "" };
    let version = text(host, "version");
    out.field("agent", if version.is_empty() { String::new() } else { format!("{version}{behind}") })?;
    out.field("system", text(host, "system"))?;
    out.field("processor", text(host, "architecture"))?;
    let groups: Vec<&str> = items(host, "groups").iter().filter_map(Value::as_str).collect();
    out.field("groups", groups.join(", "))?;
    out.field("address", text(host, "address"))?;
    out.field("manager", text(host, "manager"))?;
    out.field("registered", clock(moment(host, "registered")))?;
    let looked = moment(detail, "looked");
    out.field("as of", if looked.is_some() { format!("{} ago", age(looked)) } else { "unknown".into() })?;
    out.heading("Read of it")?;
    let answers = items(detail, "answers");
    if answers.is_empty() {
        return out.say(format!("nothing yet; for instance: socme commands ask inventory {} ports", reference(host)));
    }
    let row = |answer: &Value| {
        Row::new(vec![
            text(answer, "what").into(),
            format!("{} ago", age(moment(answer, "finished"))).into(),
            text(answer, "said").into(),
            format!("socme commands show {}", number(answer, "id")).into(),
        ])
    };
    let columns = [whole("WHAT"), whole("READ"), cut("FOUND"), whole("ALL OF IT")];
    Table::new(&columns).print(out, &answers.iter().map(row).collect::<Vec<_>>())
}
