//! `socme` for people at a terminal and for scripts: asks a core, as anybody may, over its API.
//!
//! One file per resource; below them [`core`] (the API over HTTP), [`account`] (which core, and with which key), [`out`] and
//! [`table`] (what a terminal gets), [`failure`] (what went wrong, and its exit code).

mod account;
mod address;
mod alerts;
mod ask;
mod audit;
mod clients;
mod commands;
mod confirm;
mod core;
mod failure;
mod field;
mod hosts;
mod keys;
mod live;
mod login;
mod names;
mod nodes;
mod out;
mod progress;
mod role;
mod table;
mod times;
mod users;
mod vulnerable;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Subcommand;
use tokio::signal::unix::{SignalKind, signal};

/// What a person or a script does at a core.
#[derive(Debug, Subcommand)]
pub(crate) enum Remote {
    Login(login::Login),
    Logout(login::Logout),
    Whoami(login::Whoami),
    /// Alerts: list, read, watch, acknowledge, close
    Alerts(alerts::Alerts),
    /// Clients: the organisations that are watched
    Clients(clients::Clients),
    /// Nodes: the machines that watch
    Nodes(nodes::Nodes),
    /// Hosts: what the clients' Wazuh agents watch
    Hosts(hosts::Hosts),
    /// Commands: what is asked of nodes, and what became of it
    Commands(commands::Commands),
    /// Find the hosts that have a vulnerability, at all clients
    Vulnerable(vulnerable::Vulnerable),
    /// Users: who may sign in, and what they may do (for administrators)
    Users(users::Users),
    /// Keys for programs
    Keys(keys::Keys),
    /// Who changed what (for administrators)
    Audit(audit::Audit),
}

/// The exit codes, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes of what asks a core (login to audit): 0 done, 1 it could not be done, 2 wrong usage, 3 not signed in or not
allowed, 4 there is no such thing or you may not see it, 130 interrupted; of what is asked of a node: 5 the client's policy
forbids it, 6 the node did not begin it in time or it was withdrawn, 7 nobody knows whether it was done.";

/// Whoever pressed Ctrl-C knows why it ended.
const INTERRUPTED: u8 = 130;

impl Remote {
    /// Does it; what went wrong is told on standard error.
    pub(crate) async fn run(self) -> ExitCode {
        // Listened for before anything begins: from here on the signal itself ends nothing.
        let mut interrupt = match signal(SignalKind::interrupt()) {
            Ok(interrupt) => interrupt,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        };
        let done = async {
            match self {
                Self::Login(login) => login.run().await,
                Self::Logout(logout) => logout.run().await,
                Self::Whoami(whoami) => whoami.run().await,
                Self::Alerts(alerts) => alerts.run().await,
                Self::Clients(clients) => clients.run().await,
                Self::Nodes(nodes) => nodes.run().await,
                Self::Hosts(hosts) => hosts.run().await,
                Self::Commands(commands) => commands.run().await,
                Self::Vulnerable(vulnerable) => vulnerable.run().await,
                Self::Users(users) => users.run().await,
                Self::Keys(keys) => keys.run().await,
                Self::Audit(audit) => audit.run().await,
            }
        };
        // Interrupted here and not by the signal itself, so that a terminal that hides what is typed shows it again.
        let done = tokio::select! {
            done = done => done,
            _ = interrupt.recv() => {
                eprintln!();
                return ExitCode::from(INTERRUPTED);
            }
        };
        let Err(failure) = done else { return ExitCode::SUCCESS };
        if let Some(told) = failure.told() {
            eprint!("{told}");
        }
        ExitCode::from(failure.code())
    }
}

/// The command line with terms such as `-severity:low`, which would be read as options, written as `!severity:low`: it is
/// the same to the query language.
pub(crate) fn typed(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    if arguments.get(1).is_some_and(|command| command == "alerts") {
        for argument in &mut arguments {
            let term = argument.to_str().and_then(|text| text.strip_prefix('-'));
            let field = |text: &&str| {
                text.find(|c: char| !c.is_ascii_lowercase())
                    .is_some_and(|end| end > 1 && text[end..].starts_with([':', '<', '>']))
            };
            if let Some(term) = term.filter(field) {
                *argument = format!("!{term}").into();
            }
        }
    }
    arguments
}

/// The core that this machine is signed in at.
fn signed_in() -> failure::Result<core::Core> {
    core::Core::of(&account::Account::current()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negated_term_is_no_option() {
        let typed = |line: &str| {
            let typed = typed(line.split(' ').map(OsString::from));
            typed.into_iter().map(|word| word.into_string().unwrap()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            typed("socme alerts list -severity:low -rule:5 --json"),
            "socme alerts list !severity:low !rule:5 --json"
        );
        assert_eq!(typed("socme alerts list -severity<high"), "socme alerts list !severity<high");
        for same in ["socme alerts ack - --comment=a:b", "socme alerts list -h --limit 3 -x:", "socme node -ab:c"] {
            assert_eq!(typed(same), same);
        }
    }
}
