//! The last lines of a log that grows, however large it is: only its end is read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// So much of the end is read, in bytes.
const END: u64 = 4 << 20;

/// The end of a log.
pub(super) struct End(Vec<u8>);

impl End {
    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let from = file.metadata()?.len().saturating_sub(END);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        // It may grow meanwhile.
        file.take(END).read_to_end(&mut bytes)?;
        Ok(Self::of(bytes, from > 0))
    }

    /// Keeps whole lines only: the last one may be half written, the first one is cut if something stands before it.
    fn of(mut bytes: Vec<u8>, cut: bool) -> Self {
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(end);
        if cut {
            let begin = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            bytes.drain(..begin);
        }
        Self(bytes)
    }

    /// Its lines, the last one first.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.0.rsplit(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, cut: bool) -> Vec<String> {
        End::of(text.into(), cut).lines().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    #[test]
    fn only_whole_lines_count() {
        assert_eq!(lines("one\ntwo\r\n\nthr", false), ["two", "one"]);
        assert_eq!(lines("ne\ntwo\nthree\n", true), ["three", "two"]);
        assert!(lines("half", false).is_empty() && lines("half\n", true).is_empty() && lines("", true).is_empty());
    }

    #[test]
    fn only_the_end_of_a_large_file_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = format!("{}\n", "x".repeat(999));
        std::fs::write(file.path(), line.repeat(6_000)).unwrap();
        let end = End::read(file.path()).unwrap();
        assert_eq!(end.lines().count(), 4_194);
        assert!(end.lines().all(|line| line.len() == 999));
    }
}
