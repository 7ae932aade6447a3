//! `wazuh`: a Wazuh manager and its indexer from a terminal. Also a tour of what the crate `wazuh` can do.
//!
//! `cargo run --example wazuh -- --help`
//!
//! # Invariants
//! - A password comes from a file or from the environment, never from the command line, where every user of the machine
//!   could read it.
//! - What a server or a log wrote reaches a terminal only through [`out`], which makes it harmless.

mod agents;
mod alerts;
mod failure;
mod follow;
mod info;
mod logtest;
mod out;
mod pull;
mod reach;
mod times;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use failure::Result;
use out::Out;

/// A Wazuh manager and its indexer from a terminal
#[derive(Parser)]
#[command(
    name = "wazuh",
    version,
    max_term_width = 110,
    after_long_help = "Passwords are read from a file (--password-file) or from WAZUH_PASSWORD and WAZUH_INDEXER_PASSWORD, never from \
                       the command line.\n\n\
                       Exit codes: 0 done, 1 not or not wholly done, 2 the command line is wrong, 3 the server cannot answer now \
                       (try again later), 4 its certificate is not trusted, 5 wrong password, blocked or not permitted.\n\n\
                       Examples:\n  \
                       wazuh info --url https://wazuh.example:55000 --user reader --password-file ~/.wazuh\n  \
                       wazuh agents --status disconnected --silent-for 1d\n  \
                       wazuh rules pull ruleset/\n  \
                       wazuh logtest --expect 5710 < auth.log\n  \
                       wazuh alerts follow --level 7 --state /var/lib/wazuh-follow.json --json\n  \
                       wazuh alerts search --from 1d --level 12"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// For machines: JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// What the manager is, and how its daemons and agents do
    Info(info::Info),
    /// List agents
    Agents(agents::Agents),
    /// The ruleset's files
    #[command(subcommand)]
    Rules(Rules),
    /// What the manager's rules make of log lines
    Logtest(logtest::Logtest),
    /// Alerts, from alerts.json or from the indexer
    #[command(subcommand)]
    Alerts(Alerts),
}

#[derive(Subcommand)]
enum Rules {
    /// Fetch the files of rules, decoders and lists into a folder
    Pull(pull::Pull),
}

#[derive(Subcommand)]
enum Alerts {
    /// Print alerts as they come: from alerts.json on the manager, or with --indexer from the indexer
    Follow(follow::Follow),
    /// Print the alerts that the indexer holds, oldest first
    Search(alerts::Search),
}

/// Which alerts.
#[derive(Args, Clone, Debug)]
struct Which {
    /// Of this level (0 to 16) or above
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=16))]
    level: Option<u8>,
    /// Of one of these rules, by number
    #[arg(long = "rule", value_name = "ID", value_delimiter = ',')]
    rules: Vec<String>,
    /// Of this agent, by number
    #[arg(long, value_name = "ID")]
    agent: Option<wazuh::api::AgentId>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(cli: Cli) -> Result<()> {
    let out = Out::new(cli.json);
    match cli.command {
        Command::Info(info) => info.run(out).await,
        Command::Agents(agents) => agents.run(out).await,
        Command::Rules(Rules::Pull(pull)) => pull.run(out).await,
        Command::Logtest(logtest) => logtest.run(out).await,
        Command::Alerts(Alerts::Follow(follow)) => follow.run(out).await,
        Command::Alerts(Alerts::Search(search)) => search.run(out).await,
    }
}
