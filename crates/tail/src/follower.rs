//! Reading on, through all generations.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::time::{Duration, SystemTime};

use crate::cursor::{Cursor, KNOWN, Known, Past, Print};
use crate::generations::{self, Generation};
use crate::place::{self, Held, Search};
use crate::reader::{Heads, Reader, outer};
use crate::window::{CHUNK, Next, Window};
use crate::{Fill, Gap, Lag, Spec, Start};

/// How much longer than the grace a compressed file that ends early is waited for after its last change.
const PATIENCE: u32 = 15;
/// How often the folder is looked at while nothing of the live file was taken yet.
const LOOK: Duration = Duration::from_secs(10);

/// Follows one file.
pub struct Follower {
    spec: Spec,
    /// Up to where lines were taken.
    place: Cursor,
    /// The generation that is being read.
    reader: Option<Reader>,
    window: Window,
    heads: Heads,
    /// True once it is sure that no other generation comes before the one being read.
    sure: bool,
    /// When the folder was last looked at.
    looked: Option<SystemTime>,
    /// Since when nothing came from a generation that is no longer live.
    quiet: Option<SystemTime>,
    odd: Option<Odd>,
    /// True if the hole before the next generation was reported.
    hole_told: bool,
    /// Where the place was found last in other files than the one being read, for which list of generations.
    twin: Option<(u64, Option<usize>)>,
}

/// Something odd that must last for a while to be believed.
struct Odd {
    since: SystemTime,
    wait: Duration,
    /// The generations as they were; a change is a reason to look again, and to wait anew.
    list: u64,
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
            place: cursor.unwrap_or_default(),
            reader: None,
            window: Window::default(),
            heads: Heads::default(),
            sure: false,
            looked: None,
            quiet: None,
            odd: None,
            hole_told: false,
            twin: None,
        };
        if fresh {
            follower.begin(start)?;
        }
        Ok(follower)
    }

    /// Reads on. Call it again at once after anything but [`Fill::Idle`] and [`Fill::Missing`].
    ///
    /// [`Fill::Gap`] and [`Fill::Long`] move the cursor: commit them with it.
    ///
    /// # Errors
    /// When a file cannot be read; nothing is lost, call it again later.
    pub fn fill(&mut self, now: SystemTime) -> io::Result<Fill> {
        loop {
            match self.window.next(self.spec.max_line) {
                Next::Lines => return Ok(Fill::Lines),
                Next::Long(long) => {
                    self.stand();
                    return Ok(Fill::Long(long));
                }
                Next::Nothing => {}
            }
            let step = if self.reader.is_some() { self.read_on(now) } else { self.resume(now) };
            match step {
                Ok(None) => {}
                Ok(Some(fill)) => return Ok(fill),
                // Renamed or deleted since it was listed: look again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Fill::Idle),
                Err(error) => return Err(error),
            }
        }
    }

    /// The complete lines that are ready, without their line ends, each with the number that [`Follower::advance`] and
    /// [`Follower::cursor_at`] take for the place behind it.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], usize)> {
        self.window.lines()
    }

    /// The cursor behind a line.
    #[must_use]
    pub fn cursor_at(&self, end: usize) -> Cursor {
        let mut cursor = self.place.clone();
        cursor.stand(&self.window.past_at(end));
        cursor
    }

    /// Takes the lines up to a place. What is not taken is delivered again.
    pub fn advance(&mut self, end: usize) {
        self.window.advance(end);
        self.stand();
    }

    /// Moves the place to where the window is. Whatever was odd is not, if it moves on.
    fn stand(&mut self) {
        if self.place.offset != self.window.ahead.offset {
            self.odd = None;
        }
        self.place.stand(&self.window.ahead);
    }

    /// The place up to which lines were taken.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.place.clone()
    }

    /// How far behind reading is.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn lag(&self) -> io::Result<Lag> {
        let mut lag = Lag::default();
        let mut add = |bytes: u64, modified: SystemTime| {
            lag.bytes += bytes;
            if bytes > 0 && lag.modified.is_none() {
                lag.modified = Some(modified);
            }
        };
        let mut being_read = (self.place.device, self.place.inode);
        if let Some(reader) = &self.reader {
            being_read = (reader.generation.device, reader.generation.inode);
            add(reader.left()? + self.window.rest().len() as u64, reader.now()?.1);
            if generations::is_live(&self.spec.path, being_read.0, being_read.1) {
                return Ok(lag);
            }
        }
        let list = generations::list(&self.spec, &self.place.since)?;
        let at = list.iter().position(|generation| generation.is(being_read.0, being_read.1));
        let rest = match at {
            Some(at) if self.reader.is_some() => at + 1,
            Some(at) if self.place.offset > 0 => {
                add(list[at].size.saturating_sub(self.place.offset), list[at].modified);
                at + 1
            }
            _ => place::after(&self.place.known, &list, &mut Heads::default())?,
        };
        for generation in &list[rest.min(list.len())..] {
            add(generation.size, generation.modified);
        }
        Ok(lag)
    }

    /// Finds the first place in a file that is followed for the first time.
    fn begin(&mut self, start: Start) -> io::Result<()> {
        let list = generations::list(&self.spec, "")?;
        let live = list.iter().position(Generation::live);
        let earlier = &list[..live.unwrap_or(list.len())];
        for generation in earlier.iter().rev().take(KNOWN).rev() {
            // One that may not be read need not be read.
            let print = self.heads.of(generation).map(|head| Print::of(&head.bytes)).unwrap_or_default();
            self.know(generation, print, None);
        }
        self.place.since = earlier.last().map(|generation| generation.date.clone()).unwrap_or_default();
        let Some(live) = live.map(|at| &list[at]) else { return Ok(()) };
        let offset = match start {
            Start::Beginning => 0,
            Start::End => last_line_end(live)?,
        };
        self.enter(live, offset)
    }

    /// Opens a generation as the one being read.
    fn enter(&mut self, generation: &Generation, offset: u64) -> io::Result<()> {
        let (reader, past) = Reader::open(generation, offset)?;
        self.go_on_in(reader, past);
        Ok(())
    }

    fn go_on_in(&mut self, reader: Reader, past: Past) {
        self.place.device = reader.generation.device;
        self.place.inode = reader.generation.inode;
        self.place.stand(&past);
        if !reader.generation.date.is_empty() {
            self.place.since.clone_from(&reader.generation.date);
        }
        self.sure = past.offset > 0;
        self.window.begin(past);
        // That a compressed one opens says nothing: where it is damaged is seen only when reading gets there.
        if !reader.packed() {
            self.odd = None;
        }
        self.reader = Some(reader);
        self.quiet = None;
        self.twin = None;
    }

    /// Lets go of the generation being read; the place stays.
    fn let_go(&mut self) {
        self.reader = None;
        self.window.drop_all();
        self.quiet = None;
        self.twin = None;
    }

    /// Finds the place of the cursor again, or the generation after it.
    fn resume(&mut self, now: SystemTime) -> io::Result<Option<Fill>> {
        let Some(list) = self.look(now)? else { return Ok(Some(Fill::Idle)) };
        if self.odd.as_ref().is_some_and(|odd| odd.list == sum(&list) && !odd.over(now)) {
            return Ok(Some(Fill::Idle));
        }
        if self.place.offset == 0 {
            return self.next(&list, now);
        }
        match place::search(&self.place, &list, &self.window.ahead.head, &mut self.heads)? {
            Search::Found(_, reader, past) => {
                self.go_on_in(*reader, past);
                Ok(None)
            }
            Search::Lost(last) => self.lost(&list, last, now),
        }
    }

    /// Begins the next generation.
    fn next(&mut self, list: &[Generation], now: SystemTime) -> io::Result<Option<Fill>> {
        if !self.hole_told
            && let Some(why) = place::hole(&self.place, list, &mut self.heads)?
        {
            if !self.believe(now, list, 1) {
                return Ok(Some(Fill::Idle));
            }
            self.hole_told = true;
            self.odd = None;
            return Ok(Some(Fill::Gap(Gap { file: self.name(), from: None, why })));
        }
        let Some((at, offset)) = place::next(&self.place, list, &mut self.heads)? else {
            return Ok(Some(Fill::Missing));
        };
        match self.enter(&list[at], offset) {
            Err(error) if !list[at].plain() && !outer(&error) && error.kind() != io::ErrorKind::NotFound => {
                self.damaged(&list[at], list, &error, now)
            }
            other => other.map(|()| None),
        }
    }

    /// Reads once.
    fn read_on(&mut self, now: SystemTime) -> io::Result<Option<Fill>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let packed = reader.packed();
        match self.window.read(reader) {
            Ok(0) => self.at_end(now),
            Ok(n) => {
                if !untouched(reader, &self.window, n as u64) {
                    self.let_go();
                    return Ok(None);
                }
                if !self.sure && !self.make_sure(now)? {
                    self.let_go();
                    return Ok(Some(Fill::Idle));
                }
                if !packed {
                    self.odd = None;
                }
                self.window.keep(n, self.spec.max_line);
                self.quiet = None;
                Ok(None)
            }
            Err(error) if packed && !outer(&error) => {
                let generation = reader.generation.clone();
                self.let_go();
                let Some(list) = self.look(now)? else { return Ok(Some(Fill::Idle)) };
                self.damaged(&generation, &list, &error, now)
            }
            Err(error) => Err(error),
        }
    }

    /// True if the first bytes of a generation that just came are those that come next: it might have been copied away and
    /// truncated since it was chosen.
    fn make_sure(&mut self, now: SystemTime) -> io::Result<bool> {
        let Some(list) = self.look(now)? else { return Ok(false) };
        let next = place::next(&self.place, &list, &mut self.heads)?;
        let reader = self.reader.as_ref().map(|reader| (reader.generation.device, reader.generation.inode));
        self.sure = next.zip(reader).is_some_and(|((at, _), (device, inode))| list[at].is(device, inode));
        Ok(self.sure)
    }

    /// The generation has no more bytes for now.
    fn at_end(&mut self, now: SystemTime) -> io::Result<Option<Fill>> {
        let Some(reader) = &self.reader else { return Ok(None) };
        let (packed, generation) = (reader.packed(), &reader.generation);
        let (size, touched) = (reader.now()?.0, reader.touched()?);
        if !packed {
            if size < reader.offset || !untouched(reader, &self.window, 0) {
                self.let_go();
                return Ok(None);
            }
            if size > reader.offset {
                return Ok(None);
            }
            if generations::is_live(&self.spec.path, generation.device, generation.inode) {
                self.odd = None;
                self.quiet = None;
                if size == 0 && self.looked.is_none_or(|looked| lasted(looked, now).is_none_or(|time| time >= LOOK)) {
                    self.let_go();
                    return Ok(None);
                }
                return Ok(Some(Fill::Idle));
            }
        }
        let (device, inode) = (generation.device, generation.inode);
        let Some(list) = self.look(now)? else { return Ok(Some(Fill::Idle)) };
        let at = match list.iter().position(|generation| generation.is(device, inode)) {
            Some(at) => Some(at),
            None => self.find_twin(&list)?,
        };
        if self.reader.as_ref().is_none_or(|reader| !reader.generation.is(device, inode)) {
            // It goes on in another file.
            return Ok(None);
        }
        let later = match at {
            Some(at) => at + 1,
            None => place::after(&self.place.known, &list, &mut self.heads)?,
        };
        if !packed {
            // The writer has gone on if a newer generation has content; even then one that reopens late may append.
            let gone_on = list[later.min(list.len())..].iter().any(|generation| generation.size > 0);
            if !gone_on || !self.rested(touched, now) {
                return Ok(Some(Fill::Idle));
            }
            if let Some(live) = list.last().filter(|live| live.live() && self.place.head.full())
                && let Held::Yes(reader, past) = place::held(&self.place, live, &mut self.heads)?
            {
                // This was a copy, and the original goes on.
                self.go_on_in(*reader, past);
                return Ok(None);
            }
        }
        match self.window.finish() {
            Next::Nothing => {}
            // They are returned by the loop that called this.
            Next::Lines => return Ok(None),
            Next::Long(long) => {
                self.place.stand(&self.window.ahead);
                return Ok(Some(Fill::Long(long)));
            }
        }
        self.finish();
        Ok(None)
    }

    /// Where the place is, now that the file being read has no name any more: compressed, or replaced by a copy.
    fn find_twin(&mut self, list: &[Generation]) -> io::Result<Option<usize>> {
        if self.place.offset == 0 {
            return Ok(None);
        }
        let sum = sum(list);
        if let Some((seen, at)) = self.twin
            && seen == sum
        {
            return Ok(at);
        }
        let at = match place::search(&self.place, list, &[], &mut self.heads)? {
            Search::Found(at, reader, past) => {
                if list[at].plain() {
                    self.go_on_in(*reader, past);
                }
                Some(at)
            }
            Search::Lost(_) => None,
        };
        self.twin = Some((sum, at));
        Ok(at)
    }

    /// Leaves a finished generation behind.
    fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            let print = Print::of(&self.window.ahead.head);
            if print.len > 0 {
                self.know(&reader.generation, print, Some(reader.offset));
            }
        }
        self.leave();
    }

    /// The next generation is to be begun.
    fn leave(&mut self) {
        self.let_go();
        self.window.begin(Past::default());
        self.place.offset = 0;
        self.place.head = Print::default();
        self.place.tail = Print::default();
        self.odd = None;
        self.hole_told = false;
    }

    /// Remembers a generation that is not to be read (again).
    fn know(&mut self, generation: &Generation, print: Print, size: Option<u64>) {
        let entry = Known { print, device: generation.device, inode: generation.inode, size };
        let known = &mut self.place.known;
        let again = |old: &Known| (old.device, old.inode) == (entry.device, entry.inode);
        if let Some(at) = known.iter().position(again) {
            let newest = at + 1 == known.len();
            // One that grew after it was left keeps its place among the others.
            if newest || known[at].print == entry.print {
                known[at] = entry;
                return;
            }
            known.remove(at);
        }
        known.push(entry);
        let extra = known.len().saturating_sub(KNOWN);
        known.drain(..extra);
    }

    /// The place is nowhere. If that lasts, it is a gap.
    fn lost(
        &mut self,
        list: &[Generation],
        last: Option<(usize, Option<String>)>,
        now: SystemTime,
    ) -> io::Result<Option<Fill>> {
        let damaged = matches!(last, Some((_, Some(_))));
        if !self.believe(now, list, if damaged { PATIENCE } else { 1 }) {
            return Ok(Some(Fill::Idle));
        }
        let from = Some(self.place.offset);
        let Some((at, damage)) = last else {
            self.leave();
            let why = "the generation that was being read was deleted, truncated or overwritten before it was read to \
                       its end. Rotate by renaming, not by copytruncate, and keep more generations";
            return Ok(Some(Fill::Gap(Gap { file: self.name(), from, why: why.into() })));
        };
        let generation = &list[at];
        let file = generation.path.display().to_string();
        let why = damage.map_or_else(
            || {
                "it was cut, or changed before the place up to which it was read: what was there is not read again"
                    .into()
            },
            |damage| format!("the generation that was being read cannot be read on: {damage}"),
        );
        // What was taken of it must not come again: go on behind the place, if there is anything behind it.
        let behind = if generation.plain() { line_behind(generation, self.place.offset)? } else { None };
        if let Some(offset) = behind {
            self.enter(generation, offset)?;
        } else {
            let print = self.heads.of(generation).map(|head| Print::of(&head.bytes))?;
            self.know(generation, print, None);
            self.leave();
        }
        Ok(Some(Fill::Gap(Gap { file, from, why })))
    }

    /// A compressed generation cannot be read on: it is still being written, or damaged.
    fn damaged(
        &mut self,
        generation: &Generation,
        list: &[Generation],
        error: &io::Error,
        now: SystemTime,
    ) -> io::Result<Option<Fill>> {
        if !self.believe(now, list, PATIENCE) {
            return Ok(Some(Fill::Idle));
        }
        let print = self.heads.of(generation).map(|head| Print::of(&head.bytes)).unwrap_or_default();
        let gap = Gap {
            file: generation.path.display().to_string(),
            from: Some(self.place.offset),
            why: format!("this rotated file cannot be read on: {error}"),
        };
        self.know(generation, print, None);
        self.leave();
        Ok(Some(Fill::Gap(gap)))
    }

    /// The generations, if they do not change while they are listed: a rename meanwhile can hide one.
    fn look(&mut self, now: SystemTime) -> io::Result<Option<Vec<Generation>>> {
        let first = generations::list(&self.spec, &self.place.since)?;
        let list = generations::list(&self.spec, &self.place.since)?;
        let same = |(a, b): (&Generation, &Generation)| a.is(b.device, b.inode) && a.order == b.order;
        if first.len() != list.len() || !first.iter().zip(&list).all(same) {
            return Ok(None);
        }
        self.looked = Some(now);
        self.heads.keep(&list);
        Ok(Some(list))
    }

    /// True once something odd has lasted for so many times the grace, without any change.
    fn believe(&mut self, now: SystemTime, list: &[Generation], times: u32) -> bool {
        let (list, wait) = (sum(list), self.spec.grace * times);
        let odd = self.odd.get_or_insert(Odd { since: now, wait, list });
        if odd.list != list || lasted(odd.since, now).is_none() {
            *odd = Odd { since: now, wait, list };
        }
        odd.wait = wait;
        odd.over(now)
    }

    /// True once nothing was written to a generation, and it was not renamed, for the grace.
    fn rested(&mut self, touched: SystemTime, now: SystemTime) -> bool {
        let grace = self.spec.grace;
        if lasted(touched, now).is_some_and(|time| time >= grace) {
            return true;
        }
        let since = *self.quiet.get_or_insert(now);
        if lasted(since, now).is_none() {
            self.quiet = Some(now);
        }
        lasted(since, now).is_some_and(|time| time >= grace)
    }

    fn name(&self) -> String {
        self.spec.path.display().to_string()
    }
}

impl Odd {
    fn over(&self, now: SystemTime) -> bool {
        lasted(self.since, now).is_some_and(|time| time >= self.wait)
    }
}

/// How long ago `since` was; none if the clock was set back.
fn lasted(since: SystemTime, now: SystemTime) -> Option<Duration> {
    now.duration_since(since).ok()
}

/// Which rotated files there are, and how large.
fn sum(list: &[Generation]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for generation in list {
        (generation.device, generation.inode).hash(&mut hasher);
        if !generation.live() {
            (&generation.path, generation.size).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// True if what stands before the last `new` bytes read is as it was: neither truncated nor rewritten.
fn untouched(reader: &Reader, window: &Window, new: u64) -> bool {
    let (rest, ahead) = (window.rest(), &window.ahead);
    (rest.is_empty() || reader.still(rest, reader.offset - new)) && reader.still(&ahead.tail, ahead.offset)
}

/// Where the last complete line of a generation ends.
fn last_line_end(generation: &Generation) -> io::Result<u64> {
    let mut end = generation.size;
    while end > 0 {
        let from = end.saturating_sub(CHUNK as u64);
        let mut piece = Vec::new();
        read_piece(generation, from, end - from, &mut piece)?;
        if let Some(at) = memchr::memrchr(b'\n', &piece) {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

/// Where the first line begins that begins at `offset` or behind it; the end, if the live file has none there yet; none if
/// a rotated one has none.
fn line_behind(generation: &Generation, offset: u64) -> io::Result<Option<u64>> {
    let mut from = offset.saturating_sub(1);
    let mut piece = Vec::new();
    while from < generation.size {
        piece.clear();
        read_piece(generation, from, CHUNK as u64, &mut piece)?;
        if let Some(at) = memchr::memchr(b'\n', &piece) {
            return Ok(Some(from + at as u64 + 1));
        }
        if piece.is_empty() {
            break;
        }
        from += piece.len() as u64;
    }
    Ok(generation.live().then_some(generation.size))
}

fn read_piece(generation: &Generation, from: u64, most: u64, piece: &mut Vec<u8>) -> io::Result<()> {
    let (reader, _) = Reader::open(generation, from)?;
    io::Read::read_to_end(&mut io::Read::take(reader, most), piece).map(|_| ())
}
