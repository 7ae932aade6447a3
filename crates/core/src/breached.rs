//! The list of breached passphrases, if there is one: a file in the format of Have I Been Pwned's download, one SHA-1 in
//! hexadecimal and a count per line (`<40 digits>:<count>`), ordered by hash. It is many gigabytes long: a few dozen reads
//! find an entry, nothing of it is kept in memory.
//! Source: <https://haveibeenpwned.com/Passwords>.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// Digits of a SHA-1.
const DIGITS: usize = 40;
/// Longest line that can be one of the list.
const LINE: u64 = 64;

/// The list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breached(Option<PathBuf>);

impl Breached {
    /// The list in this file; without one nothing is in it.
    pub(crate) fn new(path: Option<&Path>) -> Self {
        Self(path.map(Path::to_owned))
    }

    /// True if this passphrase is in the list.
    pub(crate) fn holds(&self, passphrase: &str) -> io::Result<bool> {
        let Some(path) = &self.0 else { return Ok(false) };
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, passphrase.as_bytes());
        let wanted: String = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        find(path, &wanted)
    }

    /// Says what is wrong with the file.
    pub(crate) fn check(&self) -> io::Result<()> {
        match &self.0 {
            Some(path) => find(path, &"0".repeat(DIGITS)).map(drop),
            None => Ok(()),
        }
    }
}

/// Halves the file until the line is found, or none is left.
fn find(path: &Path, wanted: &str) -> io::Result<bool> {
    let mut file = BufReader::with_capacity(512, File::open(path)?);
    let (mut from, mut to) = (0, file.get_ref().metadata()?.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let Some((begins, ends, hash)) = line_at(&mut file, middle)? else {
            to = middle;
            continue;
        };
        match hash.as_str().cmp(wanted) {
            Ordering::Equal => return Ok(true),
            Ordering::Less => from = ends,
            Ordering::Greater => to = middle.min(begins),
        }
    }
    Ok(false)
}

/// The line that holds this byte or, if that is in a line's middle, the next; with where it begins and ends.
fn line_at(file: &mut BufReader<File>, byte: u64) -> io::Result<Option<(u64, u64, String)>> {
    let mut begins = byte;
    file.seek(SeekFrom::Start(byte.saturating_sub(1)))?;
    if byte > 0 {
        let mut rest = Vec::new();
        let read = file.by_ref().take(LINE).read_until(b'\n', &mut rest)? as u64;
        begins = byte - 1 + read;
    }
    let mut line = Vec::new();
    let read = file.by_ref().take(LINE).read_until(b'\n', &mut line)? as u64;
    if read == 0 {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&line).trim_end().to_uppercase();
    let hash = text.split(':').next().unwrap_or_default();
    if hash.len() != DIGITS || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("at byte {begins} there is no line «<SHA-1 in hexadecimal>:<count>»"),
        ));
    }
    Ok(Some((begins, begins + read, hash.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_nothing_else() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let sha = |text: &str| {
            let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
            digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<String>()
        };
        for count in [0, 1, 2, 3, 50, 333] {
            let mut lines: Vec<String> =
                (0..count).map(|n| format!("{}:{}\r\n", sha(&format!("word {n}")), n * n * 97)).collect();
            lines.sort();
            std::fs::write(file.path(), lines.concat()).unwrap();
            let list = Breached::new(Some(file.path()));
            for n in 0..count {
                assert!(list.holds(&format!("word {n}")).unwrap(), "{n} of {count}");
            }
            for n in 0..50 {
                assert!(!list.holds(&format!("other {n}")).unwrap());
            }
        }
        std::fs::write(file.path(), "letmein\npassword\n").unwrap();
        assert!(Breached::new(Some(file.path())).check().unwrap_err().to_string().contains("SHA-1"));
        assert!(!Breached::default().holds("letmein").unwrap());
    }
}
