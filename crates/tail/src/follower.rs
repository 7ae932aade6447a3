//! Reading on, through all generations.

use std::io;
use std::time::SystemTime;

use crate::cursor::{Cursor, HEAD, KNOWN, Print, TAIL};
use crate::generations::{self, Generation, Order, Packing};
use crate::reader::{self, Reader};
use crate::{Spec, Start};

/// How many bytes are read at once.
const CHUNK: usize = 512 * 1024;
/// How much of a line that is too long is kept.
const LONG_HEAD: usize = 200;

/// What [`Follower::fill`] found.
#[derive(Debug)]
pub enum Fill {
    /// Complete lines are ready: see [`Follower::lines`].
    Lines,
    /// Everything there is has been taken.
    Idle,
    /// The file is not there (yet).
    Missing,
    /// Something was lost before it could be read. Reading goes on behind it.
    Gap(Gap),
    /// A line was longer than allowed, and skipped.
    Long(LongLine),
}

/// Something that was lost before it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The file, as it was called last.
    pub file: String,
    /// From which byte on, where that is known.
    pub from: Option<u64>,
    /// What happened, in a sentence.
    pub why: String,
}

/// A line that was longer than allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongLine {
    /// Its first bytes.
    pub head: Vec<u8>,
    /// Its length in bytes.
    pub bytes: u64,
}

/// How far behind reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Bytes written and not taken, over all generations; compressed ones count as they are on disk.
    pub bytes: u64,
    /// When the oldest generation with unread bytes was last written to.
    pub modified: Option<SystemTime>,
}

/// Follows one file.
pub struct Follower {
    spec: Spec,
    cursor: Cursor,
    reader: Option<Reader>,
    /// Bytes from the cursor on: `buffer[start..]` is not taken yet, `buffer[start..lines]` are complete lines.
    buffer: Vec<u8>,
    start: usize,
    lines: usize,
    /// First bytes of the generation up to the cursor, and last bytes before it.
    head: Vec<u8>,
    tail: Vec<u8>,
    /// The line being skipped.
    long: Option<LongLine>,
    /// Since when something odd is seen that must last for a while to be believed.
    odd_since: Option<SystemTime>,
}

impl Follower {
    /// Follows a file from a cursor on, or for the first time.
    ///
    /// # Errors
    /// When the folder or the file cannot be read for a reason other than that it is not there.
    pub fn open(spec: Spec, cursor: Option<Cursor>, start: Start) -> io::Result<Self> {
        let fresh = cursor.is_none();
        let mut follower = Self {
            spec,
            cursor: cursor.unwrap_or_default(),
            reader: None,
            buffer: Vec::new(),
            start: 0,
            lines: 0,
            head: Vec::new(),
            tail: Vec::new(),
            long: None,
            odd_since: None,
        };
        if fresh {
            follower.begin(start)?;
        }
        Ok(follower)
    }

    /// Reads on. Call it again at once after anything but [`Fill::Idle`] and [`Fill::Missing`].
    ///
    /// # Errors
    /// When the file cannot be read; nothing is lost, call it again later.
    pub fn fill(&mut self, now: SystemTime) -> io::Result<Fill> {
        if self.start < self.lines {
            return Ok(Fill::Lines);
        }
        if self.cursor.offset == 0 && self.long.is_none() {
            // Nothing of it was taken yet, so nothing would tell if it was copied and truncated meanwhile: look anew
            // which generation comes next.
            self.reader = None;
            self.drop_buffer();
        }
        if self.reader.is_none()
            && let Some(fill) = self.resume(now)?
        {
            return Ok(fill);
        }
        self.read_on(now)
    }

    /// The complete lines that are ready, without their line ends, each with the number that [`Follower::advance`] and
    /// [`Follower::cursor_at`] take for the place behind it.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let ready = &self.buffer[self.start..self.lines];
        let base = self.start;
        let mut from = 0;
        let mut ends = memchr::memchr_iter(b'\n', ready);
        std::iter::from_fn(move || {
            if from >= ready.len() {
                return None;
            }
            // The last line of a finished generation may lack its line end.
            let (end, next) = ends.next().map_or((ready.len(), ready.len()), |at| (at, at + 1));
            let line = trim(&ready[from..end]);
            from = next;
            Some((line, base + next))
        })
    }

    /// The cursor behind a line.
    #[must_use]
    pub fn cursor_at(&self, end: usize) -> Cursor {
        let taken = &self.buffer[self.start..end];
        let (mut head, mut tail) = (self.head.clone(), self.tail.clone());
        remember(&mut head, &mut tail, taken);
        let mut cursor = self.cursor.clone();
        cursor.offset += taken.len() as u64;
        cursor.head = Print::of(&head);
        cursor.tail = Print::of(&tail);
        cursor
    }

    /// Takes the lines up to a place. What is not taken is delivered again.
    pub fn advance(&mut self, end: usize) {
        let taken = &self.buffer[self.start..end];
        remember(&mut self.head, &mut self.tail, taken);
        self.cursor.offset += taken.len() as u64;
        self.cursor.head = Print::of(&self.head);
        self.cursor.tail = Print::of(&self.tail);
        self.start = end;
    }

    /// The place up to which lines were taken.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor.clone()
    }

    /// How far behind reading is.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn lag(&self) -> io::Result<Lag> {
        let mut lag = Lag::default();
        if let Some(reader) = &self.reader {
            let size = if reader.packed() { reader.offset } else { reader.size()? };
            lag.bytes = size.saturating_sub(self.cursor.offset);
            if lag.bytes > 0 {
                lag.modified = std::fs::metadata(&reader.generation.path).and_then(|meta| meta.modified()).ok();
            }
            if generations::is_live(&self.spec.path, self.cursor.device, self.cursor.inode) {
                return Ok(lag);
            }
        }
        let list = generations::list(&self.spec)?;
        let at = self.place_in(&list).map_or_else(|| self.after_known(&list), |at| at + 1);
        for generation in &list[at.min(list.len())..] {
            lag.bytes += generation.size;
            lag.modified = lag.modified.or((generation.size > 0).then_some(generation.modified));
        }
        Ok(lag)
    }

    /// Finds the first place in a file that is followed for the first time.
    fn begin(&mut self, start: Start) -> io::Result<()> {
        let list = generations::list(&self.spec)?;
        let live = list.iter().position(|generation| generation.order == Order::Live);
        let earlier = &list[..live.unwrap_or(list.len())];
        for generation in earlier.iter().rev().take(KNOWN).rev() {
            self.know(Print::of(&reader::head(generation)?));
        }
        let Some(live) = live.map(|at| &list[at]) else { return Ok(()) };
        let offset = match start {
            Start::Beginning => 0,
            Start::End => last_line_end(live)?,
        };
        self.enter(live, offset)
    }

    /// Opens a generation as the one being read.
    fn enter(&mut self, generation: &Generation, offset: u64) -> io::Result<()> {
        let reader = Reader::open(generation, offset)?;
        self.cursor.device = reader.generation.device;
        self.cursor.inode = reader.generation.inode;
        self.cursor.offset = offset;
        (self.head, self.tail) = (reader.head.clone(), reader.tail.clone());
        self.cursor.head = Print::of(&self.head);
        self.cursor.tail = Print::of(&self.tail);
        self.reader = Some(reader);
        self.drop_buffer();
        self.odd_since = None;
        Ok(())
    }

    /// Finds the place of the cursor again, or the generation after it.
    fn resume(&mut self, now: SystemTime) -> io::Result<Option<Fill>> {
        let list = generations::list(&self.spec)?;
        if self.cursor.offset > 0 {
            if let Some(at) = self.place_in(&list) {
                self.enter(&list[at], self.cursor.offset)?;
                return Ok(None);
            }
            // A compressed generation may still be being written.
            if !self.believe(now) {
                return Ok(Some(Fill::Idle));
            }
            let gap = Gap {
                file: self.spec.path.display().to_string(),
                from: Some(self.cursor.offset),
                why: "the generation that was being read is gone, or was overwritten, before it was read to its end"
                    .into(),
            };
            self.cursor.offset = 0;
            self.odd_since = None;
            return Ok(Some(Fill::Gap(gap)));
        }
        let at = self.after_known(&list);
        match list.get(at) {
            Some(next) => self.enter_next(next).map(|()| None),
            None => Ok(Some(Fill::Missing)),
        }
    }

    fn enter_next(&mut self, generation: &Generation) -> io::Result<()> {
        match self.enter(generation, 0) {
            // Renamed or deleted since it was listed: look again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Reads from the open generation until there is a complete line, or nothing more.
    fn read_on(&mut self, now: SystemTime) -> io::Result<Fill> {
        self.compact();
        loop {
            let Some(reader) = &mut self.reader else { return Ok(Fill::Idle) };
            let old = self.buffer.len();
            match reader.read(&mut self.buffer, CHUNK) {
                Ok(0) => return self.at_end(now),
                Ok(_) => {}
                Err(error) if reader.packed() => return self.packed_broken(now, &error),
                Err(error) => return Err(error),
            }
            if !reader.intact(self.cursor.offset, &self.tail) {
                return self.truncated(now);
            }
            self.odd_since = None;
            if let Some(fill) = self.take_in(old) {
                return Ok(fill);
            }
        }
    }

    /// Looks for line ends in what was just read, `buffer[old..]`.
    fn take_in(&mut self, old: usize) -> Option<Fill> {
        let mut from = old;
        if self.buffer[self.start] == 0 && self.long.is_none() {
            self.skip_nuls();
            from = 0;
        }
        if let Some(end) = memchr::memrchr(b'\n', &self.buffer[from..]) {
            let end = from + end + 1;
            if let Some(mut long) = self.long.take() {
                let first = memchr::memchr(b'\n', &self.buffer[self.start..end]).map_or(end, |at| self.start + at + 1);
                long.bytes += (first - self.start - 1) as u64;
                self.lines = first;
                self.advance(first);
                self.lines = end;
                return Some(Fill::Long(long));
            }
            self.lines = end;
            return Some(Fill::Lines);
        }
        if self.buffer.len() - self.start > self.spec.max_line {
            self.skip_long();
        }
        None
    }

    /// Drops what was read of a line that is too long. The cursor moves with it: a restart in mid-line skips the rest as a
    /// line of its own, which no source takes for an event.
    fn skip_long(&mut self) {
        let piece = &self.buffer[self.start..];
        let long =
            self.long.get_or_insert_with(|| LongLine { head: piece[..LONG_HEAD.min(piece.len())].to_vec(), bytes: 0 });
        long.bytes += piece.len() as u64;
        self.lines = self.buffer.len();
        self.advance(self.lines);
        self.compact();
    }

    /// Drops a run of NUL bytes: the hole that a writer leaves when its file was truncated under it.
    fn skip_nuls(&mut self) {
        let piece = &self.buffer[self.start..];
        let run = piece.iter().position(|b| *b != 0).unwrap_or(piece.len());
        self.lines = self.start + run;
        self.advance(self.lines);
        self.compact();
    }

    /// The generation has no more bytes for now.
    fn at_end(&mut self, now: SystemTime) -> io::Result<Fill> {
        let Some(reader) = &self.reader else { return Ok(Fill::Idle) };
        if !reader.packed() {
            if reader.size()? < reader.offset || !reader.intact(self.cursor.offset, &self.tail) {
                return self.truncated(now);
            }
            if generations::is_live(&self.spec.path, self.cursor.device, self.cursor.inode) {
                self.odd_since = None;
                return Ok(Fill::Idle);
            }
        }
        let list = generations::list(&self.spec)?;
        let at = self.place_in(&list);
        let next = at.map_or_else(|| self.after_known(&list), |at| at + 1);
        let later = &list[next.min(list.len())..];
        // The writer has gone on if a newer generation has content; only then is this one finished.
        let gone_on = later.iter().any(|generation| generation.size > 0);
        let packed = reader.packed();
        if !gone_on && !packed {
            return Ok(Fill::Idle);
        }
        if !packed && reader.size()? > reader.offset {
            return self.read_on(now);
        }
        if self.start < self.buffer.len() && self.long.is_none() {
            // A last line without its end.
            self.lines = self.buffer.len();
            return Ok(Fill::Lines);
        }
        let hole = at.and_then(|at| hole(&list[at].order, later.first().map(|generation| &generation.order)));
        if hole.is_some() && !self.believe(now) {
            return Ok(Fill::Idle);
        }
        self.finish();
        if let Some(why) = hole {
            return Ok(Fill::Gap(Gap { file: self.spec.path.display().to_string(), from: None, why }));
        }
        self.fill(now)
    }

    /// Leaves a finished generation behind.
    fn finish(&mut self) {
        let print = Print::of(&self.head);
        self.know(print);
        self.reader = None;
        self.cursor.offset = 0;
        self.cursor.head = Print::default();
        self.cursor.tail = Print::default();
        self.head.clear();
        self.tail.clear();
        self.long = None;
        self.odd_since = None;
        self.drop_buffer();
    }

    fn know(&mut self, print: Print) {
        if print.len > 0 {
            self.cursor.known.push(print);
            let extra = self.cursor.known.len().saturating_sub(KNOWN);
            self.cursor.known.drain(..extra);
        }
    }

    /// The file was cut or overwritten under us. If a copy holds the place, reading goes on there.
    fn truncated(&mut self, now: SystemTime) -> io::Result<Fill> {
        self.reader = None;
        self.drop_buffer();
        if self.cursor.offset == 0 {
            return self.fill(now);
        }
        let list = generations::list(&self.spec)?;
        if self.place_in(&list).is_some() {
            return self.fill(now);
        }
        let gap = Gap {
            file: self.spec.path.display().to_string(),
            from: Some(self.cursor.offset),
            why: "the file was truncated or overwritten, and no copy of it was found. Rotate it by renaming, not by copytruncate".into(),
        };
        self.finish();
        Ok(Fill::Gap(gap))
    }

    /// A compressed generation cannot be read on: it is still being written, or damaged.
    fn packed_broken(&mut self, now: SystemTime, error: &io::Error) -> io::Result<Fill> {
        let file = self.reader.take().map(|reader| reader.generation.name()).unwrap_or_default();
        self.drop_buffer();
        if !self.believe(now) {
            return Ok(Fill::Idle);
        }
        let gap = Gap { file, from: Some(self.cursor.offset), why: format!("the compressed file is damaged: {error}") };
        self.finish();
        Ok(Fill::Gap(gap))
    }

    /// True once something odd has lasted for the grace.
    fn believe(&mut self, now: SystemTime) -> bool {
        let since = *self.odd_since.get_or_insert(now);
        now.duration_since(since).is_ok_and(|lasted| lasted >= self.spec.grace)
    }

    /// Which generation holds the cursor's place.
    fn place_in(&self, list: &[Generation]) -> Option<usize> {
        let Cursor { device, inode, offset, head, tail, .. } = &self.cursor;
        let same = |generation: &Generation| generation.is(*device, *inode);
        if *offset == 0 {
            return list.iter().position(same).filter(|_| self.reader.is_some());
        }
        let holds = |generation: &Generation| reader::holds(generation, *offset, head, tail);
        list.iter().position(|g| same(g) && holds(g)).or_else(|| list.iter().position(|g| !same(g) && holds(g)))
    }

    /// The first generation after those that are known to be finished.
    fn after_known(&self, list: &[Generation]) -> usize {
        let heads: Vec<Vec<u8>> = list.iter().map(|g| reader::head(g).unwrap_or_default()).collect();
        let known = |head: &Vec<u8>| {
            self.cursor.known.iter().any(|print| {
                // A short generation is known whole: one that merely begins alike is another.
                print.begins(head) && (print.len as usize >= HEAD || print.len as usize == head.len())
            })
        };
        let next = heads.iter().rposition(known).map_or(0, |at| at + 1);
        // Empty generations have nothing to read and could not be known afterwards; the live one may still grow.
        (next..list.len()).find(|at| !heads[*at].is_empty() || list[*at].order == Order::Live).unwrap_or(list.len())
    }

    fn compact(&mut self) {
        self.buffer.drain(..self.start);
        self.lines -= self.start;
        self.start = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > 2 * CHUNK {
            self.buffer = Vec::new();
        }
    }

    fn drop_buffer(&mut self) {
        self.buffer.clear();
        (self.start, self.lines) = (0, 0);
    }
}

/// A hole in the numbers of rotated files: something was rotated and deleted before it was read.
fn hole(from: &Order, to: Option<&Order>) -> Option<String> {
    let Order::Numbered(std::cmp::Reverse(from)) = from else { return None };
    let expected = from.checked_sub(1).filter(|n| *n > 0)?;
    match to {
        Some(Order::Numbered(std::cmp::Reverse(to))) if *to == expected => None,
        _ => Some(format!("rotated file number {expected} was deleted before it was read")),
    }
}

fn remember(head: &mut Vec<u8>, tail: &mut Vec<u8>, taken: &[u8]) {
    let missing = HEAD.saturating_sub(head.len()).min(taken.len());
    head.extend_from_slice(&taken[..missing]);
    if taken.len() >= TAIL {
        tail.clear();
        tail.extend_from_slice(&taken[taken.len() - TAIL..]);
    } else {
        tail.extend_from_slice(taken);
        let extra = tail.len().saturating_sub(TAIL);
        tail.drain(..extra);
    }
}

fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let nuls = line.iter().position(|b| *b != 0).unwrap_or(line.len());
    &line[nuls..]
}

/// Where the last complete line of a generation ends.
fn last_line_end(generation: &Generation) -> io::Result<u64> {
    debug_assert_eq!(generation.packing, Packing::Plain);
    let mut end = generation.size;
    let mut piece = Vec::new();
    while end > 0 {
        let from = end.saturating_sub(CHUNK as u64);
        piece.clear();
        let most = usize::try_from(end - from).unwrap_or(CHUNK);
        Reader::open(generation, from)?.read(&mut piece, most)?;
        if let Some(at) = memchr::memrchr(b'\n', &piece) {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}
