//! SOCme's command line.

mod completions;
mod demo;
#[cfg(test)]
mod reference;
mod remote;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// SOCme: a decentralised Security Operations Center.
#[derive(Parser)]
#[command(name = "socme", version, propagate_version = true, after_help = remote::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The core: pages and API for people, the way in for nodes
    Core(socme_core::cli::CoreCommand),
    /// A node: watches this network and sends alerts to the core
    Node(node::cli::Node),
    #[command(flatten)]
    Remote(remote::Remote),
    Completions(completions::Completions),
    /// A demo on this machine alone: a core, three clients, and traffic that their sensors see
    Demo(demo::Demo),
    /// Make the demo's traffic
    #[command(hide = true)]
    DemoTraffic(demo::traffic::Traffic),
}

fn main() -> ExitCode {
    let cli = Cli::parse_from(remote::typed(std::env::args_os()));
    // The core logs as its settings say.
    if !matches!(cli.command, Command::Core(_)) {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_ansi(terminal && std::env::var_os("NO_COLOR").is_none())
            .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
            .init();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Core(core) => core.run().await,
            Command::Node(node) => node.run().await,
            Command::Remote(remote) => Ok(remote.run().await),
            Command::Completions(completions) => completions.run(),
            Command::Demo(demo) => demo.run().await,
            Command::DemoTraffic(traffic) => traffic.run().await,
        }
    });
    // Whatever still computes must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
