//! The bytes that are in memory: whole lines that wait to be taken, and the beginning of the next one.

use std::io::{self, Read};

use crate::LongLine;
use crate::cursor::{Past, without_nuls};

/// How many bytes are read at once.
pub(crate) const CHUNK: usize = 512 * 1024;
/// How much of a line that is too long is kept.
const LONG_HEAD: usize = 200;

/// What [`Window::next`] found.
pub(crate) enum Next {
    /// `lines()` gives some.
    Lines,
    /// A line that was too long has been passed.
    Long(LongLine),
    /// More must be read.
    Nothing,
}

/// `bytes[start..lines]` are whole lines to be taken, `bytes[start..whole]` are whole lines, `bytes[start..end]` is what was
/// read and not taken. What is too long for memory (a line, a hole) leaves the window untaken: then `ahead` is where
/// `start` is, and the cursor is still before it.
#[derive(Default)]
pub(crate) struct Window {
    bytes: Vec<u8>,
    start: usize,
    lines: usize,
    whole: usize,
    end: usize,
    long: Option<LongLine>,
    /// What stands before `start`.
    pub(crate) ahead: Past,
}

impl Window {
    /// Empties it; the next bytes come from behind `past`.
    pub(crate) fn begin(&mut self, past: Past) {
        self.drop_all();
        self.ahead = past;
    }

    /// Forgets what was read.
    pub(crate) fn drop_all(&mut self) {
        (self.start, self.lines, self.whole, self.end) = (0, 0, 0, 0);
        self.long = None;
    }

    /// What was read and not taken.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Reads once, at most [`CHUNK`] bytes, which [`Window::keep`] makes part of it. 0 at the end.
    pub(crate) fn read(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.compact();
        if self.bytes.len() < self.end + CHUNK {
            self.bytes.resize(self.end + CHUNK, 0);
        }
        loop {
            match from.read(&mut self.bytes[self.end..self.end + CHUNK]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Keeps what was just read.
    pub(crate) fn keep(&mut self, n: usize, max_line: usize) {
        let old = self.end;
        self.end += n;
        if let Some(at) = memchr::memrchr(b'\n', &self.bytes[old..self.end]) {
            self.whole = old + at + 1;
        }
        self.pass_nuls();
        if self.whole <= self.start && self.end - self.start > max_line {
            self.pass_long(self.end);
        }
    }

    /// What there is to be taken.
    pub(crate) fn next(&mut self, max_line: usize) -> Next {
        if self.start < self.lines {
            return Next::Lines;
        }
        self.pass_nuls();
        if self.start >= self.whole {
            if self.long.is_none() && self.end - self.start > max_line {
                self.pass_long(self.end);
            }
            return Next::Nothing;
        }
        if self.long.is_some() {
            return self.end_long();
        }
        self.lines = self.whole;
        if self.whole - self.start > max_line {
            // Rare: only then can one of them be too long.
            let mut from = self.start;
            for at in memchr::memchr_iter(b'\n', &self.bytes[self.start..self.whole]) {
                let to = self.start + at + 1;
                if trim(&self.bytes[from..to - 1]).len() > max_line {
                    if from > self.start {
                        self.lines = from;
                        break;
                    }
                    // What follows it is still to be looked at.
                    self.lines = self.start;
                    self.long = Some(LongLine { head: Vec::new(), bytes: 0 });
                    return self.end_long();
                }
                from = to;
            }
        }
        Next::Lines
    }

    /// The generation is finished: what is left is its last line, without an end.
    pub(crate) fn finish(&mut self) -> Next {
        if let Some(mut long) = self.long.take() {
            self.add_to(&mut long, self.end);
            return Next::Long(long);
        }
        (self.whole, self.lines) = (self.end, self.end);
        if self.start < self.end { Next::Lines } else { Next::Nothing }
    }

    /// The lines to be taken, each with the number of the place behind it.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let ready = &self.bytes[self.start..self.lines];
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

    /// What will be past once the lines up to `end` are taken.
    pub(crate) fn past_at(&self, end: usize) -> Past {
        let mut past = self.ahead.clone();
        past.take(&self.bytes[self.start..self.within(end)]);
        past
    }

    /// Takes the lines up to `end`.
    pub(crate) fn advance(&mut self, end: usize) {
        let end = self.within(end);
        self.ahead.take(&self.bytes[self.start..end]);
        self.start = end;
    }

    fn within(&self, end: usize) -> usize {
        end.clamp(self.start, self.lines.max(self.start))
    }

    /// Drops a hole before a line.
    fn pass_nuls(&mut self) {
        if self.start >= self.lines && self.long.is_none() && self.start < self.end && self.bytes[self.start] == 0 {
            let piece = self.rest();
            let run = piece.len() - without_nuls(piece).len();
            self.pass(self.start + run);
        }
    }

    /// Drops what was read of a line that is too long, but its head.
    fn pass_long(&mut self, to: usize) {
        let mut long = self.long.take().unwrap_or_else(|| LongLine { head: Vec::new(), bytes: 0 });
        self.add_to(&mut long, to);
        self.long = Some(long);
    }

    /// Drops the last piece of a line that is too long.
    fn end_long(&mut self) -> Next {
        let Some(mut long) = self.long.take() else { return Next::Nothing };
        let ready = &self.bytes[self.start..self.whole];
        let line = memchr::memchr(b'\n', ready).unwrap_or(ready.len());
        self.add_to(&mut long, self.start + line);
        self.pass((self.start + 1).min(self.whole));
        Next::Long(long)
    }

    fn add_to(&mut self, long: &mut LongLine, to: usize) {
        let piece = &self.bytes[self.start..to];
        let missing = LONG_HEAD.saturating_sub(long.head.len()).min(piece.len());
        long.head.extend_from_slice(&piece[..missing]);
        long.bytes += piece.len() as u64;
        self.pass(to);
    }

    fn pass(&mut self, to: usize) {
        let passed = &self.bytes[self.start..to];
        self.ahead.take(passed);
        self.start = to;
        self.lines = self.lines.max(to);
    }

    fn compact(&mut self) {
        if self.start == 0 {
            return;
        }
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.lines = self.lines.saturating_sub(self.start);
        self.whole = self.whole.saturating_sub(self.start);
        self.start = 0;
        if self.end == 0 && self.bytes.len() > 2 * CHUNK {
            self.bytes = Vec::new();
        }
    }
}

fn trim(line: &[u8]) -> &[u8] {
    without_nuls(line.strip_suffix(b"\r").unwrap_or(line))
}
