//! `socme node …`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::config::{Config, PATH};
use crate::identity::Identity;
use crate::policy::Policy;
use crate::{detected, doctor, enrol, run, status};

/// A node: watches this network and sends alerts to the core.
#[derive(Debug, Args)]
pub struct Node {
    #[command(subcommand)]
    command: Command,
    /// The node's file
    #[arg(long, global = true, env = "SOCME_NODE_CONFIG", default_value = PATH, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read the sources and send alerts, until SIGTERM
    Run,
    /// Enrol this machine with the one-time token from «Add a node»
    #[command(after_help = "Example:\n  socme node enrol socme1.eyJhIjpbImNvcmUuZXhhbXBsZTo3NDQzIl0s…")]
    Enrol {
        /// The token, one word
        token: String,
        /// Reach the core here instead of where the token says
        #[arg(long, value_name = "HOST:PORT")]
        address: Option<String>,
        /// Enrol again, as a new node, though this machine is enrolled
        #[arg(long)]
        force: bool,
    },
    /// Say what is wrong with the node's file and the policy file
    Check,
    /// How the node is; exit code 0: well, 1: something is wrong, 2: it does not run
    Status {
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Look for what is wrong with the node and around it, and say the mend; exit code 0: nothing, 1: something is wrong,
    /// 2: something could not be examined
    #[command(after_help = "Example:\n  sudo socme node doctor")]
    Doctor {
        /// For machines: a list of findings
        #[arg(long)]
        json: bool,
    },
    /// What is being detected now
    Tail {
        /// For machines: one alert a line
        #[arg(long)]
        json: bool,
    },
    /// Print an example of the node's file, or of the policy file, with every key
    Example {
        /// Of the policy file
        #[arg(long)]
        policy: bool,
    },
}

impl Node {
    /// Does what was asked.
    ///
    /// # Errors
    /// Says what went wrong, with the mend.
    pub async fn run(self) -> Result<ExitCode> {
        if let Command::Example { policy } = self.command {
            print!("{}", if policy { Policy::example() } else { Config::example() });
            return Ok(ExitCode::SUCCESS);
        }
        if let Command::Doctor { json } = self.command {
            return Ok(doctor::run(&self.config, json).await);
        }
        let config = Config::read(&self.config)?;
        match self.command {
            Command::Run => {
                if Identity::read(&config.data)?.is_none() {
                    eprintln!(
                        "This node is not enrolled: press «Add a node» on the core's page of the client, and paste what it shows here."
                    );
                    return Ok(ExitCode::from(3));
                }
                run::run(config).await?;
            }
            Command::Enrol { token, address, force } => {
                eprintln!("Enrolling with the core…");
                let identity = enrol::enrol(&config, &token, address.as_deref(), force).await?;
                let about = &identity.about;
                println!(
                    "This machine is now node «{}» of client «{}».",
                    wire::shown(&about.name),
                    wire::shown(&about.client)
                );
                println!("Next: sudo systemctl enable --now socme-node, then sudo socme node doctor");
            }
            Command::Check => return Ok(check(&config).await),
            Command::Status { json } => return Ok(print_status(&config, json)),
            Command::Tail { json } => {
                let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
                detected::print(&config.data, json, colour).await?;
            }
            Command::Example { .. } | Command::Doctor { .. } => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn check(config: &Config) -> ExitCode {
    match Policy::read(&config.policy) {
        Ok(policy) => {
            for source in &config.source {
                let place =
                    if source.kind.is_file() { source.path.display().to_string() } else { "indexer".to_owned() };
                println!("source {}: {}", wire::shown(&source.name), wire::shown(&place));
            }
            for line in policy.summary() {
                println!("policy: {}", wire::shown(&line));
            }
            println!("The node's file and the policy file are right.");
            if doctor::say_wazuh(config).await { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

fn print_status(config: &Config, json: bool) -> ExitCode {
    let Ok(status) = status::read(&config.data) else {
        eprintln!(
            "{} is not there: is the node running, and may you read its folder?",
            status::path(&config.data).display()
        );
        return ExitCode::from(2);
    };
    let now = Timestamp::now();
    if json {
        println!("{}", wire::shown::json(&serde_json::to_string_pretty(&status).unwrap_or_default()));
    } else {
        print!("{}", status::table(&status, now));
    }
    if status::wrong(&status, now).is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
