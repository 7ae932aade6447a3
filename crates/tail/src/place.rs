//! Recognises generations: which one holds the cursor's place, and which come after it.
//!
//! Names shift, inodes are used again, copies have other inodes, and short generations may be all alike. So a generation
//! is known first by being the same file with the same beginning; failing that, by its beginning, and then only behind
//! the place of the one that was finished before it. The live file is never taken for a finished one.

use std::cmp::Reverse;
use std::io;

use crate::cursor::{Cursor, Known, Past, Print};
use crate::generations::{Generation, Order};
use crate::reader::{Heads, Reader, outer};

/// Whether a generation holds the cursor's place.
pub(crate) enum Held {
    /// It does: here it is, open.
    Yes(Box<Reader>, Past),
    /// It is another generation.
    No,
    /// It begins as the cursor's does, but the place is not there: it was cut, or written over.
    Cut,
    /// It cannot be told, because of this damage.
    Damaged(String),
}

/// Whether the generation holds the place.
pub(crate) fn held(place: &Cursor, generation: &Generation, heads: &mut Heads) -> io::Result<Held> {
    let head = heads.of(generation)?;
    if !place.head.begins(&head.bytes) {
        return Ok(head.damage.clone().map_or(Held::No, Held::Damaged));
    }
    if generation.plain() && generation.size < place.offset {
        return Ok(Held::Cut);
    }
    match Reader::open(generation, place.offset) {
        Ok((reader, past)) if Print::of(&past.tail) == place.tail => Ok(Held::Yes(Box::new(reader), past)),
        Ok(_) => Ok(Held::Cut),
        Err(error) if outer(&error) || error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(error) if generation.plain() && error.kind() == io::ErrorKind::UnexpectedEof => Ok(Held::Cut),
        Err(error) => Ok(Held::Damaged(error.to_string())),
    }
}

/// What a search for the cursor's place found.
pub(crate) enum Search {
    /// The place, in this generation of the list.
    Found(usize, Box<Reader>, Past),
    /// Not the place, but the generation that it was in, if that can be said, and what is wrong with it.
    Lost(Option<(usize, Option<String>)>),
}

/// Searches the cursor's place. `bytes` are the first bytes of its generation, if they are still in memory.
pub(crate) fn search(place: &Cursor, list: &[Generation], bytes: &[u8], heads: &mut Heads) -> io::Result<Search> {
    let base = after(&place.known, list, heads)?;
    let same = |at: &usize| list[*at].plain() && list[*at].is(place.device, place.inode);
    let others = (base..list.len()).filter(|at| !same(at));
    let (mut cut, mut damaged) = (None, None);
    for at in (base..list.len()).filter(same).chain(others) {
        match held(place, &list[at], heads)? {
            Held::Yes(reader, past) => return Ok(Search::Found(at, reader, past)),
            Held::Cut => cut = cut.or(Some((at, None))),
            Held::Damaged(why) => damaged = damaged.or(Some((at, Some(why)))),
            Held::No => {
                // A copy that was made, and finished, before the last of what was read of the original.
                let head = &heads.of(&list[at])?.bytes;
                if !list[at].live() && !head.is_empty() && list[at].size < place.offset && bytes.starts_with(head) {
                    cut = cut.or(Some((at, None)));
                }
            }
        }
    }
    Ok(Search::Lost(cut.or(damaged)))
}

/// The first generation behind all that are finished.
pub(crate) fn after(known: &[Known], list: &[Generation], heads: &mut Heads) -> io::Result<usize> {
    let Some((newest, older)) = known.split_last() else { return Ok(0) };
    for (at, generation) in list.iter().enumerate() {
        if !generation.live() && same(newest, generation, heads)? {
            return Ok(at + 1);
        }
    }
    let low = after(older, list, heads)?;
    for (at, generation) in list.iter().enumerate().skip(low) {
        if !generation.live() && alike(&newest.print, heads.of(generation)?.bytes.as_slice()) {
            return Ok(at + 1);
        }
    }
    Ok(low)
}

/// What is to be read next: a generation, and from where on. None if there is nothing (yet).
pub(crate) fn next(place: &Cursor, list: &[Generation], heads: &mut Heads) -> io::Result<Option<(usize, u64)>> {
    let base = after(&place.known, list, heads)?;
    for (at, generation) in list.iter().enumerate() {
        if let Some(known) = find(&place.known, generation, heads)? {
            // It grew after it was left: a writer was late, or (Wazuh, clock set back) it is the live one again.
            let grown = |size: &u64| generation.size > *size || (generation.live() && generation.size == *size);
            match known.size.filter(|_| generation.plain()).filter(grown) {
                Some(size) => return Ok(Some((at, size))),
                None if !generation.live() => continue,
                None => {}
            }
        }
        // Nothing, compressed, is some bytes.
        let head = heads.of(generation)?;
        let empty = head.bytes.is_empty() && head.damage.is_none() && !generation.live();
        if at >= base && !empty && !copy_of_live(generation, list, heads)? {
            return Ok(Some((at, 0)));
        }
    }
    Ok(None)
}

/// The entry of a generation among those that are finished, if it is still the same file.
fn find<'k>(known: &'k [Known], generation: &Generation, heads: &mut Heads) -> io::Result<Option<&'k Known>> {
    for known in known.iter().rev() {
        if same(known, generation, heads)? {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

fn same(known: &Known, generation: &Generation, heads: &mut Heads) -> io::Result<bool> {
    Ok(generation.is(known.device, known.inode) && known.print.begins(&heads.of(generation)?.bytes))
}

/// A short generation is known whole: one that merely begins alike is another.
fn alike(print: &Print, head: &[u8]) -> bool {
    print.len > 0 && print.begins(head) && (print.full() || print.len as usize == head.len())
}

/// True if it is a copy of the live file, which has not been truncated (yet). The live file itself is read.
fn copy_of_live(generation: &Generation, list: &[Generation], heads: &mut Heads) -> io::Result<bool> {
    let Some(live) = list.last().filter(|live| live.live() && !generation.live()) else { return Ok(false) };
    let print = Print::of(&heads.of(live)?.bytes);
    Ok(print.full() && generation.plain() && print.begins(&heads.of(generation)?.bytes))
}

/// A hole in the numbers of rotated files: something was rotated and deleted before it was read.
pub(crate) fn hole(place: &Cursor, list: &[Generation], heads: &mut Heads) -> io::Result<Option<String>> {
    let base = after(&place.known, list, heads)?;
    let Some(left) = base.checked_sub(1).and_then(|at| list.get(at)) else { return Ok(None) };
    let read = place.known.last().is_some_and(|known| known.size.is_some());
    let Order::Numbered(Reverse(from)) = left.order else { return Ok(None) };
    let Some(expected) = from.checked_sub(1).filter(|n| read && *n > 0) else { return Ok(None) };
    Ok(match list.get(base).map(|generation| &generation.order) {
        Some(Order::Numbered(Reverse(to))) if *to == expected => None,
        _ => Some(format!("rotated file number {expected} was deleted before it was read")),
    })
}
