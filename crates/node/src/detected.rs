//! `socme node tail`: what is being detected now. The node offers it on a socket in its data folder, a JSON line per alert.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::error::RecvError;
use wire::alert::{Alert, Severity};
use wire::shown;

use crate::pipeline::Shared;

fn path(data: &Path) -> PathBuf {
    data.join("tail.sock")
}

/// Offers new alerts to whoever may read the data folder.
pub async fn serve(data: PathBuf, shared: Arc<Shared>) {
    let path = path(&data);
    let _ = std::fs::remove_file(&path);
    let listener = match UnixListener::bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(error = %error, "`socme node tail` will not work");
            return;
        }
    };
    let _ = std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o660));
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(follow(stream, Arc::clone(&shared)));
    }
}

async fn follow(mut stream: UnixStream, shared: Arc<Shared>) {
    let mut alerts = shared.detected();
    loop {
        match alerts.recv().await {
            Ok(alert) => {
                let mut line = serde_json::to_vec(&*alert).unwrap_or_default();
                line.push(b'\n');
                if stream.write_all(&line).await.is_err() {
                    return;
                }
            }
            // A slow reader misses some; this is a look, not a record.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Prints what is being detected, until interrupted.
///
/// # Errors
/// When the node does not run, or its data folder may not be read.
pub async fn print(data: &Path, json: bool, colour: bool) -> Result<()> {
    let path = path(data);
    let stream = UnixStream::connect(&path).await.with_context(|| {
        format!("{} does not answer: is the node running, and may you read its folder?", path.display())
    })?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        if json {
            println!("{}", wire::shown::json(&line));
        } else if let Ok(alert) = serde_json::from_str::<Alert>(&line) {
            println!("{}", row(&alert, colour));
        }
    }
    Ok(())
}

/// True if no node listens there now. It may be that one does and cannot be reached.
pub async fn nobody_listens(data: &Path) -> bool {
    let asked = tokio::time::timeout(std::time::Duration::from_secs(1), UnixStream::connect(path(data))).await;
    let gone = |error: &std::io::Error| matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound);
    asked.is_ok_and(|asked| asked.as_ref().is_err_and(gone))
}

fn row(alert: &Alert, colour: bool) -> String {
    let (mark, code) = match alert.severity {
        Severity::Low => ("● L", "37"),
        Severity::Medium => ("◆ M", "33"),
        Severity::High => ("▲ H", "38;5;208"),
        Severity::Critical => ("⬣ C", "1;37;41"),
    };
    let mark = if colour { format!("\u{1b}[{code}m{mark}\u{1b}[0m") } else { mark.to_owned() };
    let time = alert.time.strftime("%H:%M:%SZ");
    let end = |end: &Option<wire::alert::Endpoint>| {
        end.as_ref().map_or_else(String::new, |end| {
            let port = end.port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}{port}", end.ip.clone().or(end.domain.clone()).unwrap_or_default())
        })
    };
    let (from, to) = (end(&alert.source), end(&alert.destination));
    let host = alert.host.as_ref().and_then(|host| host.name.clone()).unwrap_or_default();
    let about = if from.is_empty() && to.is_empty() { host } else { format!("{from} → {to}") };
    format!("{mark} {time} {:<8} {}  {}", alert.module, shown(&alert.rule.name), shown(&about))
}
