//! The command `wazuh` (in `examples/`), run as a program against the imitation.

mod alerts;
mod manager;
mod pull;
mod trust;

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use wazuh_imitation::api::Imitation;
use wazuh_imitation::indexer::Indexer;

/// What came of it.
#[derive(Debug)]
struct Told {
    code: i32,
    out: String,
    err: String,
}

/// The program, without anything from the environment of this one.
fn program() -> Command {
    // Cargo builds examples before it runs tests, beside the folder of the tests' own program.
    let here = std::env::current_exe().unwrap();
    let folder: PathBuf = here.parent().unwrap().parent().unwrap().join("examples");
    let program = folder.join(format!("wazuh{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "`cargo build --package wazuh --example wazuh` makes {}", program.display());
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn told(mut command: Command) -> Told {
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Told { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Asks this manager.
fn of(manager: &Imitation, arguments: &[&str]) -> Command {
    let mut command = program();
    command
        .env("WAZUH_URL", &manager.url)
        .env("WAZUH_USER", "wazuh")
        .env("WAZUH_PASSWORD", "wazuh-wui")
        .env("WAZUH_PIN", &manager.fingerprint)
        .args(arguments);
    command
}

async fn ask(manager: &Imitation, arguments: &[&str]) -> Told {
    told(of(manager, arguments)).await
}

/// The same with a standard input.
async fn ask_with(manager: &Imitation, arguments: &[&str], input: &str) -> Told {
    let mut child = of(manager, arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Told { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Asks this indexer.
async fn ask_indexer(indexer: &Indexer, arguments: &[&str]) -> Told {
    let mut command = program();
    let address = indexer.listen().await.unwrap();
    command
        .env("WAZUH_INDEXER_URL", format!("http://{address}"))
        .env("WAZUH_INDEXER_USER", "reader")
        .env("WAZUH_INDEXER_PASSWORD", "secret")
        .args(arguments);
    told(command).await
}

/// Lines of JSON.
fn rows(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
