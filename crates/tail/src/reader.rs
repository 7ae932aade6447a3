//! Reads a generation from any offset, plain or compressed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;

use crate::cursor::{HEAD, Past, TAIL, without_nuls};
use crate::generations::{Generation, Packing};

/// How many bytes are skipped at once.
const PIECE: usize = 64 * 1024;

/// An open generation. It stays readable when its file is renamed or deleted.
pub(crate) struct Reader {
    pub(crate) generation: Generation,
    file: File,
    unpack: Option<Box<dyn Read + Send>>,
    /// Where the next byte comes from, in decompressed bytes.
    pub(crate) offset: u64,
}

impl Reader {
    /// Opens a generation at `offset`, and says what stands before it. An offset past its end is an
    /// [`io::ErrorKind::UnexpectedEof`]; another file under that name by now is an [`io::ErrorKind::NotFound`].
    pub(crate) fn open(generation: &Generation, offset: u64) -> io::Result<(Self, Past)> {
        let mut file = File::open(&generation.path)?;
        let meta = file.metadata()?;
        if !generation.is(meta.dev(), meta.ino()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut unpack: Option<Box<dyn Read + Send>> = match generation.packing {
            Packing::Plain => None,
            Packing::Gzip => Some(Box::new(MultiGzDecoder::new(io::BufReader::new(file.try_clone()?)))),
            Packing::Zstd => Some(Box::new(zstd::Decoder::new(file.try_clone()?)?)),
            Packing::Foreign(how) => {
                let why = format!("it is compressed with {how}, which cannot be read: use gzip or zstd");
                return Err(io::Error::new(io::ErrorKind::Unsupported, why));
            }
        };
        let past = if let Some(unpack) = &mut unpack {
            skip(unpack, offset)?
        } else {
            let past = before(&file, offset)?;
            file.seek(SeekFrom::Start(offset))?;
            past
        };
        Ok((Self { generation: generation.clone(), file, unpack, offset }, past))
    }

    /// True if it is decompressed.
    pub(crate) fn packed(&self) -> bool {
        self.unpack.is_some()
    }

    /// Its size now, as it is on disk, and when it was last written to.
    pub(crate) fn now(&self) -> io::Result<(u64, SystemTime)> {
        let meta = self.file.metadata()?;
        Ok((meta.len(), meta.modified()?))
    }

    /// When it, or a name of it, was last changed: as long ago as it is quiet.
    pub(crate) fn touched(&self) -> io::Result<SystemTime> {
        let meta = self.file.metadata()?;
        let change = u64::try_from(meta.ctime()).unwrap_or(0);
        Ok(meta.modified()?.max(SystemTime::UNIX_EPOCH + Duration::from_secs(change)))
    }

    /// Bytes on disk that were not read yet.
    pub(crate) fn left(&self) -> io::Result<u64> {
        let at = if self.packed() { (&self.file).stream_position()? } else { self.offset };
        Ok(self.now()?.0.saturating_sub(at))
    }

    /// True if the bytes before `end` are still these: neither truncated nor rewritten.
    pub(crate) fn still(&self, bytes: &[u8], end: u64) -> bool {
        let bytes = &bytes[bytes.len().saturating_sub(TAIL)..];
        let mut now = [0; TAIL];
        let now = &mut now[..bytes.len()];
        self.packed() || (self.file.read_exact_at(now, end - bytes.len() as u64).is_ok() && now == bytes)
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = match &mut self.unpack {
            Some(unpack) => unpack.read(into)?,
            None => self.file.read(into)?,
        };
        self.offset += n as u64;
        Ok(n)
    }
}

/// True if an error says something about this machine, not about the file: then waiting helps, and giving up loses lines.
pub(crate) fn outer(error: &io::Error) -> bool {
    // Too many open files, of this process or of all; no memory.
    error.kind() == io::ErrorKind::PermissionDenied || matches!(error.raw_os_error(), Some(24 | 23 | 12))
}

/// The first bytes of a generation, and what kept it from being read, if anything did.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) bytes: Vec<u8>,
    pub(crate) damage: Option<String>,
}

/// The heads of generations, kept while these do not change: a compressed one costs much to look into.
#[derive(Default)]
pub(crate) struct Heads(HashMap<(u64, u64, u64, SystemTime), Head>);

impl Heads {
    /// The head of a generation.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when it moved since it was listed, and those of [`outer`].
    pub(crate) fn of(&mut self, generation: &Generation) -> io::Result<&Head> {
        Ok(match self.0.entry(key(generation)) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(place) => place.insert(head(generation)?),
        })
    }

    /// Forgets all but those of `list`.
    pub(crate) fn keep(&mut self, list: &[Generation]) {
        self.0.retain(|kept, _| list.iter().any(|generation| key(generation) == *kept));
    }
}

fn key(generation: &Generation) -> (u64, u64, u64, SystemTime) {
    (generation.device, generation.inode, generation.size, generation.modified)
}

fn head(generation: &Generation) -> io::Result<Head> {
    let hard = |error: &io::Error| outer(error) || error.kind() == io::ErrorKind::NotFound;
    let damaged = |error: &io::Error| Some(error.to_string());
    let (mut reader, _) = match Reader::open(generation, 0) {
        Err(error) if hard(&error) => return Err(error),
        Err(error) => return Ok(Head { bytes: Vec::new(), damage: damaged(&error) }),
        Ok(open) => open,
    };
    if !reader.packed() {
        let start = content(&reader.file)?;
        reader.file.seek(SeekFrom::Start(start))?;
    }
    let (mut past, mut piece) = (Past::default(), vec![0; 4 * HEAD]);
    while past.head.len() < HEAD {
        match reader.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => past.take(&piece[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if hard(&error) => return Err(error),
            Err(error) => return Ok(Head { bytes: past.head, damage: damaged(&error) }),
        }
    }
    Ok(Head { bytes: past.head, damage: None })
}

/// What stands before `offset` in a plain file.
fn before(file: &File, offset: u64) -> io::Result<Past> {
    let at_most = |most: usize, bytes: u64| usize::try_from(bytes).unwrap_or(most).min(most);
    let start = if offset == 0 { 0 } else { content(file)?.min(offset) };
    let mut past = Past { offset, head: vec![0; at_most(HEAD, offset - start)], tail: vec![0; at_most(TAIL, offset)] };
    file.read_exact_at(&mut past.head, start)?;
    let from = offset - past.tail.len() as u64;
    file.read_exact_at(&mut past.tail, from)?;
    Ok(past)
}

/// Where the first byte is that is no NUL; the end of the file, if there is none.
fn content(file: &File) -> io::Result<u64> {
    let mut first = [0];
    if file.read_at(&mut first, 0)? == 0 || first[0] != 0 {
        return Ok(0);
    }
    // A hole of any size costs nothing; file systems that know none say 0.
    let mut at = match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(0)) {
        Err(rustix::io::Errno::NXIO) => return Ok(file.metadata()?.len()),
        at => at.unwrap_or(0),
    };
    let mut piece = vec![0; PIECE];
    loop {
        let n = file.read_at(&mut piece, at)?;
        let nuls = n - without_nuls(&piece[..n]).len();
        at += nuls as u64;
        if n == 0 || nuls < n {
            return Ok(at);
        }
    }
}

/// Decompresses up to `offset`.
fn skip(from: &mut impl Read, offset: u64) -> io::Result<Past> {
    let (mut past, mut piece) = (Past::default(), vec![0; PIECE]);
    while past.offset < offset {
        let most = usize::try_from(offset - past.offset).unwrap_or(PIECE).min(PIECE);
        match from.read(&mut piece[..most]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => past.take(&piece[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(past)
}
