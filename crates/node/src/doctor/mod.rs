//! `socme node doctor`: looks for what is wrong with the node and around it. Each finding comes with its mend.
//!
//! It changes nothing, neither here nor at the core. It runs as root or as anybody, with or without a node that runs, is
//! enrolled or has a file that can be read: whatever keeps it from looking is a finding. Each wait has an end.

mod clock;
mod core;
mod enrolment;
mod finding;
mod lines;
mod machine;
mod process;
mod report;
mod rights;
mod service;
mod settings;
mod source;
mod suricata;
mod wazuh;

use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use wire::status::Status;

use crate::config::Config;
use crate::owner::{Account, Accounts};
use finding::{Check, Finding};

/// Longest look at a source, which may be on a disk that does not answer.
const SOURCE: Duration = Duration::from_secs(30);

/// What most checks want to know.
#[derive(Clone)]
struct Node {
    config: Config,
    accounts: Accounts,
    /// As whom the service runs.
    service: Option<Account>,
    /// What the node last wrote about itself.
    status: Option<Status>,
    /// Whether it still runs.
    runs: bool,
    now: Timestamp,
}

/// Looks, and says what it found. The exit code is 0 if nothing is wrong, 1 if something is, 2 if something could not be
/// examined.
pub async fn run(file: &Path, json: bool) -> ExitCode {
    let findings = tokio::select! {
        findings = examine(file, Timestamp::now()) => findings,
        () = report::progress() => Vec::new(),
    };
    let mut out = std::io::stdout();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = if json { report::json(&findings) } else { report::table(&findings, colour) };
    // Whoever reads may have gone; the exit code is still true.
    let _ = out.write_all(text.as_bytes());
    ExitCode::from(finding::exit_code(&findings))
}

/// Asks the Wazuh that the file names, and prints what it finds; true if nothing is wrong.
pub async fn say_wazuh(config: &Config) -> bool {
    let findings = wazuh::look(config, Timestamp::now()).await;
    print!("{}", report::table(&findings, false));
    finding::exit_code(&findings) == 0
}

/// Everything that there is to look at, in the order in which it is told.
async fn examine(file: &Path, now: Timestamp) -> Vec<Finding> {
    let accounts = Accounts::read();
    let (mut findings, config) = settings::file(file, &accounts);
    let Some(config) = config else { return findings };
    let service = accounts.of_data(&config.data);
    findings.push(settings::policy(&config.policy, service.as_ref()));
    let status = crate::status::read(&config.data);
    let runs = match &status {
        Ok(status) => service::runs(status, &config.data, now).await,
        Err(_) => false,
    };
    let node = Node { config, accounts, service, status: status.as_ref().ok().cloned(), runs, now };
    let (enrolment, identity) = enrolment::look(&node);
    findings.extend(enrolment);
    let enrolled = identity.is_some();
    let (reached, sources, wazuh) =
        tokio::join!(core::look(identity.as_ref()), look_at_sources(&node), wazuh::look(&node.config, now));
    findings.extend(reached.findings);
    findings.push(clock::judge(reached.skew, identity.and_then(|i| i.life().ok()), now));
    findings.extend(service::look(&node, status.as_ref().err(), enrolled));
    findings.extend(sources);
    findings.extend(wazuh);
    findings.extend(machine::look(&node));
    findings
}

/// Looks at all sources at once, since it waits for each of them to grow.
async fn look_at_sources(node: &Node) -> Vec<Finding> {
    const SOURCES: Check = Check::new("Sources", "sources");
    if node.config.source.is_empty() {
        return vec![SOURCES.wrong(
            "nothing is read: neither Suricata's nor Wazuh's folder is there, or this user may not see it",
            "install one of them, or name its file as [[source]] in /etc/socme/node.toml: socme node example",
        )];
    }
    // How an indexer is, is told with the manager.
    let looks = node.config.source.iter().filter(|one| one.kind.is_file()).map(|one| async {
        let (name, node, one) = (&one.name, node.clone(), one.clone());
        let look = tokio::task::spawn_blocking(move || source::look(&node, &one));
        match tokio::time::timeout(SOURCE, look).await {
            Ok(Ok(findings)) => findings,
            _ => vec![SOURCES.unknown(
                format!("{name}: looking at it came to no end within {} s", SOURCE.as_secs()),
                "does the disk with its file work?",
            )],
        }
    });
    join_all(looks).await.into_iter().flatten().collect()
}
