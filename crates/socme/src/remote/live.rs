//! The core's live stream (server-sent events).

use reqwest::Response;

use super::core::Core;
use super::failure::{Failure, Kind, Result};

/// Longest event, in bytes.
const LONGEST: usize = 1024 * 1024;

/// What happens, as it happens.
pub(super) struct Stream {
    answer: Response,
    lines: Lines,
    /// Where to go on, as the core said last.
    pub(super) last: Option<String>,
}

impl Stream {
    /// Opens the stream where it was left.
    pub(super) async fn open(core: &Core, last: Option<String>) -> Result<Self> {
        let answer = core.stream("/live", &[], last.as_deref()).await?;
        Ok(Self { answer, lines: Lines::default(), last })
    }

    /// The name of the next event; none when the stream ends.
    pub(super) async fn next(&mut self, core: &Core) -> Result<Option<String>> {
        let mut name = String::new();
        loop {
            for line in self.lines.by_ref() {
                match line.split_once(':').map(|(field, value)| (field, value.strip_prefix(' ').unwrap_or(value))) {
                    Some(("event", value)) => value.clone_into(&mut name),
                    Some(("id", value)) => self.last = Some(value.to_owned()),
                    // An event ends with an empty line.
                    None if line.is_empty() && !name.is_empty() => return Ok(Some(name)),
                    // Its data is of no interest: who listens asks for what is new.
                    _ => {}
                }
            }
            match self.answer.chunk().await.map_err(|error| core.unreached(&error))? {
                Some(piece) => self.lines.add(&piece)?,
                None => return Ok(None),
            }
        }
    }
}

/// Bytes as whole lines.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    read: usize,
}

impl Lines {
    fn add(&mut self, piece: &[u8]) -> Result<()> {
        self.bytes.drain(..std::mem::take(&mut self.read));
        if self.bytes.len() + piece.len() > LONGEST {
            return Err(Failure::new(Kind::Failed, "The core's live stream makes no sense."));
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

impl Iterator for Lines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let rest = &self.bytes[self.read..];
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(&rest[..end]).trim_end_matches('\r').to_owned();
        self.read += end + 1;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_come() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in ["event: he", "llo\r\nid: 1:2", "\n", "\n: a comment\n"] {
            lines.add(piece.as_bytes()).unwrap();
            found.extend(lines.by_ref());
        }
        assert_eq!(found, ["event: hello", "id: 1:2", "", ": a comment"]);
    }
}
