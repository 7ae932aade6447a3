//! Reads a generation from any offset, plain or compressed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};

use flate2::read::MultiGzDecoder;

use crate::cursor::{HEAD, Print, TAIL};
use crate::generations::{Generation, Packing};

/// An open generation. It stays readable when its file is renamed or deleted.
pub(crate) struct Reader {
    pub(crate) generation: Generation,
    file: File,
    unpack: Option<Box<dyn Read + Send>>,
    /// Where the next byte comes from, in decompressed bytes.
    pub(crate) offset: u64,
    /// Its first bytes, at most [`HEAD`] and at most those before the place where reading began.
    pub(crate) head: Vec<u8>,
    /// The last bytes before the place where reading began, at most [`TAIL`].
    pub(crate) tail: Vec<u8>,
}

impl Reader {
    /// Opens a generation at `offset`. An offset past its end is an [`io::ErrorKind::UnexpectedEof`].
    pub(crate) fn open(generation: &Generation, offset: u64) -> io::Result<Self> {
        let mut file = File::open(&generation.path)?;
        let meta = file.metadata()?;
        let mut generation = generation.clone();
        (generation.device, generation.inode, generation.size) = (meta.dev(), meta.ino(), meta.len());
        let head_len = usize::try_from(offset).unwrap_or(HEAD).min(HEAD);
        let tail_len = usize::try_from(offset).unwrap_or(TAIL).min(TAIL);
        let (mut head, mut tail) = (vec![0; head_len], vec![0; tail_len]);
        let mut unpack: Option<Box<dyn Read + Send>> = match generation.packing {
            Packing::Plain => None,
            Packing::Gzip => Some(Box::new(MultiGzDecoder::new(io::BufReader::new(file.try_clone()?)))),
            Packing::Zstd => Some(Box::new(zstd::Decoder::new(file.try_clone()?)?)),
        };
        if let Some(unpack) = &mut unpack {
            skip(unpack, offset, &mut head, &mut tail)?;
        } else {
            file.read_exact_at(&mut head, 0)?;
            file.read_exact_at(&mut tail, offset - tail_len as u64)?;
            file.seek(SeekFrom::Start(offset))?;
        }
        Ok(Self { generation, file, unpack, offset, head, tail })
    }

    /// Appends up to `most` bytes to `buffer`; 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let old = buffer.len();
        buffer.resize(old + most, 0);
        let result = loop {
            let into = &mut buffer[old..];
            let result = match &mut self.unpack {
                Some(unpack) => unpack.read(into),
                None => self.file.read(into),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let n = *result.as_ref().unwrap_or(&0);
        buffer.truncate(old + n);
        self.offset += n as u64;
        result
    }

    pub(crate) fn packed(&self) -> bool {
        self.unpack.is_some()
    }

    /// Its size now, if it is plain.
    pub(crate) fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// True if the bytes before `offset` are still `tail`: neither truncated nor rewritten.
    pub(crate) fn intact(&self, offset: u64, tail: &[u8]) -> bool {
        let mut now = vec![0; tail.len()];
        self.packed() || (self.file.read_exact_at(&mut now, offset - tail.len() as u64).is_ok() && now == tail)
    }
}

/// The first bytes of a generation, at most [`HEAD`].
pub(crate) fn head(generation: &Generation) -> io::Result<Vec<u8>> {
    let mut reader = Reader::open(generation, 0)?;
    let mut bytes = Vec::new();
    while bytes.len() < HEAD {
        let left = HEAD - bytes.len();
        match reader.read(&mut bytes, left) {
            Ok(0) => break,
            Ok(_) => {}
            // A compressed file that is still being written.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// True if the generation has the place: it begins with `head`, and `tail` stands before `offset`.
pub(crate) fn holds(generation: &Generation, offset: u64, head: &Print, tail: &Print) -> bool {
    if generation.packing == Packing::Plain && generation.size < offset {
        return false;
    }
    // Cheap first: the head alone, before decompressing up to the offset.
    if !crate::reader::head(generation).is_ok_and(|bytes| head.begins(&bytes)) {
        return false;
    }
    Reader::open(generation, offset).is_ok_and(|reader| Print::of(&reader.tail) == *tail)
}

fn skip(from: &mut impl Read, offset: u64, head: &mut [u8], tail: &mut [u8]) -> io::Result<()> {
    from.read_exact(head)?;
    let mut at = head.len() as u64;
    let middle = offset.saturating_sub(tail.len() as u64);
    if at < middle {
        let skipped = io::copy(&mut from.take(middle - at), &mut io::sink())?;
        at += skipped;
        if at < middle {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        return from.read_exact(tail);
    }
    // The tail overlaps the head.
    let overlap = usize::try_from(at - middle).unwrap_or(0).min(tail.len());
    tail[..overlap].copy_from_slice(&head[head.len() - overlap..]);
    from.read_exact(&mut tail[overlap..])
}
