//! Hears the core's commands: one long answer of server-sent events, opened again whenever it ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use wire::command::Command;

use crate::line::Line;

/// Longest event that is read, in bytes: a line for a logtest with JSON's escapes.
const LONGEST: usize = 8 * wire::limit::LOGTEST;
/// Between two answers, and after one that failed.
const PAUSE: Duration = Duration::from_millis(500);
const LONG_PAUSE: Duration = Duration::from_secs(15);

/// Hands on what the core asks, for as long as the line is there.
pub(super) async fn listen(line: Arc<Line>, to: mpsc::Sender<Command>) -> Infallible {
    loop {
        let wait = match once(&line, &to).await {
            Ok(()) => PAUSE,
            Err(why) => {
                tracing::debug!(error = %why, "the core's commands cannot be heard; trying again");
                LONG_PAUSE
            }
        };
        tokio::time::sleep(wait).await;
    }
}

async fn once(line: &Line, to: &mpsc::Sender<Command>) -> Result<(), String> {
    let mut answer = line.listen(wire::path::COMMANDS).await.map_err(|refusal| refusal.to_string())?;
    let mut events = Events::default();
    while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
        for data in events.take(&chunk)? {
            match serde_json::from_str::<Command>(&data) {
                Ok(command) => to.send(command).await.map_err(|_| "the node stops".to_owned())?,
                // A core that is newer may ask what this node has never heard of; it expires there.
                Err(error) => {
                    tracing::warn!(%error, "a command of the core cannot be read: is the core newer than this node?");
                }
            }
        }
    }
    Ok(())
}

/// What has come and is no whole event yet (WHATWG HTML, «server-sent events»; the core writes each in one `data:` line).
#[derive(Default)]
struct Events {
    rest: Vec<u8>,
}

impl Events {
    fn take(&mut self, chunk: &[u8]) -> Result<Vec<String>, String> {
        self.rest.extend_from_slice(chunk);
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(end) = memchr::memchr(b'\n', &self.rest[from..]) {
            let line = &self.rest[from..from + end];
            if let Some(data) = line.strip_prefix(b"data:") {
                found.push(String::from_utf8_lossy(data).trim().to_owned());
            }
            from += end + 1;
        }
        self.rest.drain(..from);
        if self.rest.len() > LONGEST {
            return Err("what the core sends is no command".to_owned());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_however_they_are_cut() {
        let text = b": hello\n\ndata: {\"id\":1}\n\n: still there\n\ndata: {\"id\":2}\n\n";
        for cut in 0..text.len() {
            let mut events = Events::default();
            let mut found = events.take(&text[..cut]).unwrap();
            found.extend(events.take(&text[cut..]).unwrap());
            assert_eq!(found, ["{\"id\":1}", "{\"id\":2}"]);
        }
        assert!(Events::default().take(&vec![b'x'; LONGEST + 1]).is_err());
    }
}
