//! `wazuh agents`

use std::pin::pin;

use clap::{Args, ValueEnum};
use futures::TryStreamExt as _;
use wazuh::api::{Agent, Query, System, When};

use crate::failure::Result;
use crate::out::Out;
use crate::reach::Manager;
use crate::times::wazuh_age;

#[derive(Args)]
pub(crate) struct Agents {
    /// In one of these states
    #[arg(long, value_enum, value_delimiter = ',')]
    status: Vec<State>,
    /// In this group
    #[arg(long)]
    group: Option<String>,
    /// On this system: linux's name such as ubuntu, windows, darwin
    #[arg(long, value_name = "NAME")]
    platform: Option<String>,
    /// Of this version of Wazuh, for example 4.14.7
    #[arg(long, value_name = "VERSION")]
    agent_version: Option<wazuh::api::Version>,
    /// Not heard of for so long: 10m, 2h, 7d
    #[arg(long, value_name = "AGE", value_parser = wazuh_age)]
    silent_for: Option<String>,
    /// Whose name contains this
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// With this text in any field
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// The manager itself (000) too
    #[arg(long)]
    with_manager: bool,
    #[command(flatten)]
    manager: Manager,
}

/// What an agent's connection is.
#[derive(Clone, Copy, ValueEnum)]
enum State {
    Active,
    Disconnected,
    NeverConnected,
    Pending,
}

impl Agents {
    pub(crate) async fn run(self, out: Out) -> Result<()> {
        let mut list = self.manager.client()?.agents();
        let states: Vec<&str> = self.status.iter().map(|state| state.wazuh()).collect();
        for (parameter, value) in [
            ("status", Some(states.join(",")).filter(|text| !text.is_empty())),
            ("group", self.group),
            ("os.platform", self.platform),
            ("version", self.agent_version.map(|version| format!("v{version}"))),
            ("older_than", self.silent_for),
        ] {
            if let Some(value) = value {
                list = list.with(parameter, value);
            }
        }
        let mut query = (!self.with_manager).then(|| Query::is_not("id", "000")).transpose()?;
        if let Some(name) = self.name {
            let named = Query::contains("name", &name)?;
            query = Some(match query {
                Some(query) => query.and(named),
                None => named,
            });
        }
        if let Some(query) = &query {
            list = list.query(query)?;
        }
        if let Some(text) = self.search {
            list = list.search(&text)?;
        }
        if out.json {
            let mut agents = pin!(list.stream());
            while let Some(agent) = agents.try_next().await? {
                out.json(&agent)?;
            }
            return Ok(());
        }
        let rows: Vec<_> = list.all().await?.iter().map(row).collect();
        out.table(["ID", "NAME", "STATUS", "VERSION", "SYSTEM", "ADDRESS", "GROUPS", "LAST SEEN"], &rows)
    }
}

impl State {
    fn wazuh(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disconnected => "disconnected",
            Self::NeverConnected => "never_connected",
            Self::Pending => "pending",
        }
    }
}

fn row(agent: &Agent) -> [String; 8] {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let system = |system: &System| {
        [system.name.as_deref(), system.version.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let seen = match &agent.last_keep_alive {
        Some(When::At(time)) => time.to_string(),
        Some(When::Always) => "always".into(),
        Some(When::Unclear(text)) => text.clone(),
        None => "-".into(),
    };
    [
        agent.id.as_ref().map_or_else(|| "-".into(), ToString::to_string),
        text(&agent.name),
        text(&agent.status),
        agent.wazuh().map_or_else(|| "-".into(), |version| version.to_string()),
        agent.os.as_ref().map(system).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".into()),
        text(&agent.ip),
        agent.group.as_ref().map_or_else(|| "-".into(), |groups| groups.join(",")),
        seen,
    ]
}
