//! The chain of records, and where the core stands in it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use wire::link::{Cursors, Lost, Position, Record};

use super::{Error, LASTING, Spool, parse, set, signed, unsigned};

/// Some records, as they are sent.
#[derive(Debug)]
pub struct Parcel {
    /// The position that they follow.
    pub after: Option<Position>,
    /// Number of the first.
    pub first: u64,
    /// The position behind the last.
    pub to: Position,
    /// The whole [`wire::link::Batch`] as JSON.
    pub json: Vec<u8>,
}

/// What a core has of the epoch before a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// All of it: what was seen stays seen.
    Taken,
    /// A part that cannot be told.
    Unknown,
}

impl Spool {
    /// Where the chain ends: the last position, or the one that this epoch follows.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn end(&self) -> Result<Option<Position>, Error> {
        let last = self
            .db
            .prepare_cached("SELECT number, tag FROM position ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        match last {
            Some((number, tag)) => {
                Ok(Some(Position { epoch: self.epoch, number: unsigned(number), tag: unsigned(tag) }))
            }
            None => self.base(),
        }
    }

    /// The position of the core that this epoch follows.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn base(&self) -> Result<Option<Position>, Error> {
        let text: Option<String> = self.meta("base")?;
        text.map(|text| parse(text.as_bytes())).transpose().map(Option::flatten)
    }

    /// Makes the core's position the place from which records are sent on, if the chain has it and all that follows it.
    /// Records up to there are confirmed, those behind are not, whatever was said before.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn stand_at(&mut self, core: Option<Position>) -> Result<bool, Error> {
        self.settle()?;
        let trimmed: i64 = self.meta("trimmed")?.unwrap_or(0);
        let seq = if core == self.base()? {
            Some(0)
        } else if let Some(core) = core.filter(|core| core.epoch == self.epoch) {
            self.db
                .query_row(
                    "SELECT seq FROM position WHERE number = ?1 AND tag = ?2",
                    [signed(core.number), signed(core.tag)],
                    |row| row.get(0),
                )
                .optional()?
        } else {
            None
        };
        let Some(seq) = seq.filter(|seq| *seq >= trimmed) else { return Ok(false) };
        if self.confirmed != seq {
            self.confirmed = seq;
            match set(&self.db, "confirmed", seq) {
                // The core says it again after a restart; a full disk must not keep the node from reporting that it is full.
                Err(Error::Full(_)) => {}
                done => done?,
            }
        }
        Ok(true)
    }

    /// The next records to send: whole transactions, about `bytes` of them.
    ///
    /// # Errors
    /// [`Error::Broken`] when a record is damaged.
    pub fn parcel(&mut self, records: usize, bytes: usize) -> Result<Option<Parcel>, Error> {
        self.settle()?;
        let mut rows =
            self.db.prepare_cached("SELECT seq, number, sum, body FROM record WHERE seq > ?1 ORDER BY seq")?;
        let mut ends =
            self.db.prepare_cached("SELECT seq, number, tag, cursors FROM position WHERE seq > ?1 ORDER BY seq")?;
        let mut ends = ends.query([self.confirmed])?;
        let mut rows = rows.query([self.confirmed])?;
        let (mut json, mut count, mut first, mut found) = (Vec::new(), 0, None, None);
        // Take one transaction after the other, as long as there is room.
        while let Some(end) = ends.next()? {
            let (seq, number, tag): (i64, i64, i64) = (end.get(0)?, end.get(1)?, end.get(2)?);
            let (mut piece, mut pieces) = (Vec::new(), 0);
            let mut at = 0;
            while at < seq {
                let Some(row) = rows.next()? else {
                    return Err(Error::Broken(format!("records up to {seq} are missing")));
                };
                at = row.get(0)?;
                let body = row.get_ref(3)?.as_blob().map_err(|error| Error::Broken(error.to_string()))?;
                if row.get::<_, i64>(2)? != sum(body) {
                    return Err(Error::Broken(format!("the checksum of record {at} does not match")));
                }
                first.get_or_insert(unsigned(row.get(1)?));
                if count + pieces > 0 {
                    piece.push(b',');
                }
                piece.extend_from_slice(body);
                pieces += 1;
            }
            let full = count > 0 && (count + pieces > records || json.len() + piece.len() > bytes);
            if full {
                break;
            }
            json.extend_from_slice(&piece);
            count += pieces;
            let to = Position { epoch: self.epoch, number: unsigned(number), tag: unsigned(tag) };
            found = Some((to, end.get::<_, String>(3)?));
            if count >= records || json.len() >= bytes {
                break;
            }
        }
        let (Some((to, cursors)), Some(first)) = (found, first) else { return Ok(None) };
        let after = self.position_at(self.confirmed)?;
        let head = serde_json::json!({"wire": wire::VERSION, "after": after, "first": first, "to": to}).to_string();
        let mut out = Vec::with_capacity(json.len() + head.len() + cursors.len() + 64);
        out.extend_from_slice(&head.as_bytes()[..head.len() - 1]);
        out.extend_from_slice(b",\"cursors\":");
        out.extend_from_slice(cursors.as_bytes());
        out.extend_from_slice(b",\"records\":[");
        out.extend_from_slice(&json);
        out.extend_from_slice(b"]}");
        Ok(Some(Parcel { after, first, to, json: out }))
    }

    /// The core has everything up to a position.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn confirm(&mut self, to: Position) -> Result<(), Error> {
        self.stand_at(Some(to)).map(drop)
    }

    /// Follows the core, whose position is none of ours: a new epoch begins there, and reading goes on from its cursors.
    /// Nothing that was not confirmed is needed: it comes again from the sources. A source that the core has never heard of
    /// goes on from the oldest place known here. If the core has nothing of this node at all, that holds for every source,
    /// and what was confirmed before is recorded as lost.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn adopt(&mut self, core: Option<Position>, cursors: &Cursors, now: Timestamp) -> Result<Cursors, Error> {
        self.settle()?;
        let lost = match core {
            None if !self.waiting => self.position_at(self.confirmed)?,
            _ => None,
        };
        let mut all = self.cursors()?;
        all.extend(self.base_cursors()?);
        all.extend(self.cursors_at(self.confirmed)?);
        all.extend(cursors.clone());
        let why = "the core has nothing of this node: it was set up anew, or restored from a backup that is too old";
        let lost = lost.map(|end| Lost { epoch: end.epoch, from: 1, to: end.number, why: why.to_owned() });
        let before = (self.epoch, self.number);
        let done = self.begin_epoch(core, &all, lost, Before::Unknown, now);
        self.doubt = done.is_err().then_some(before);
        done.map(|()| all)
    }

    /// Where reading stood at the end of a transaction, if it is still known.
    pub(super) fn cursors_at(&self, seq: i64) -> Result<Cursors, Error> {
        let kept: Option<String> = self
            .db
            .prepare_cached("SELECT cursors FROM position WHERE seq = ?1")?
            .query_row([seq], |row| row.get(0))
            .optional()?;
        kept.map_or(Ok(Cursors::new()), |kept| parse(kept.as_bytes()))
    }

    /// Where reading stood when this epoch began.
    pub(super) fn base_cursors(&self) -> Result<Cursors, Error> {
        let kept: Option<String> = self.meta("base_cursors")?;
        kept.map_or(Ok(Cursors::new()), |kept| parse(kept.as_bytes()))
    }

    pub(super) fn begin_epoch(
        &mut self,
        base: Option<Position>,
        cursors: &Cursors,
        lost: Option<Lost>,
        before: Before,
        now: Timestamp,
    ) -> Result<(), Error> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        tx.execute_batch(
            "DELETE FROM record; DELETE FROM position; DELETE FROM window; DELETE FROM cursor; DELETE FROM meta;",
        )?;
        if before == Before::Unknown {
            // What was seen and is not at the core has to be read again.
            tx.execute("DELETE FROM seen", [])?;
        }
        tx.execute("DELETE FROM note WHERE NOT (key >= ?1 AND key < ?1 || '~')", [LASTING])?;
        for (source, cursor) in cursors {
            tx.execute("INSERT INTO cursor (source, cursor) VALUES (?1, ?2)", params![source, cursor.to_string()])?;
        }
        set(&tx, "epoch", random())?;
        set(&tx, "base", serde_json::to_string(&base).unwrap_or_default())?;
        set(&tx, "base_cursors", serde_json::to_string(cursors).unwrap_or_default())?;
        let lost: Vec<Vec<u8>> =
            lost.map(Record::Lost).iter().map(|lost| serde_json::to_vec(lost).unwrap_or_default()).collect();
        append(&tx, 0, 0, &lost, now)?;
        tx.commit()?;
        self.load()
    }

    pub(super) fn position_at(&self, seq: i64) -> Result<Option<Position>, Error> {
        let found = self
            .db
            .prepare_cached("SELECT number, tag FROM position WHERE seq = ?1")?
            .query_row([seq], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        match found {
            Some((number, tag)) => {
                Ok(Some(Position { epoch: self.epoch, number: unsigned(number), tag: unsigned(tag) }))
            }
            None => self.base(),
        }
    }
}

/// Adds records to the chain, as the end of a transaction. Gives the last one's `seq` and number.
pub(super) fn append(
    db: &Connection,
    mut seq: i64,
    mut number: u64,
    bodies: &[Vec<u8>],
    now: Timestamp,
) -> Result<(i64, u64), Error> {
    if bodies.is_empty() {
        return Ok((seq, number));
    }
    let mut insert =
        db.prepare_cached("INSERT INTO record (seq, number, at, sum, body) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for body in bodies {
        seq += 1;
        number += 1;
        insert.execute(params![seq, signed(number), now.as_second(), sum(body), body])?;
    }
    db.prepare_cached("INSERT INTO position (seq, number, tag, cursors) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        seq,
        signed(number),
        signed(random()),
        all_cursors(db)?
    ])?;
    set(db, "seq", seq)?;
    set(db, "number", number)?;
    Ok((seq, number))
}

fn all_cursors(db: &Connection) -> Result<String, Error> {
    let mut rows = db.prepare_cached("SELECT source, cursor FROM cursor ORDER BY source")?;
    let mut rows = rows.query([])?;
    let mut out = String::from("{");
    while let Some(row) = rows.next()? {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&serde_json::Value::String(row.get(0)?).to_string());
        out.push(':');
        out.push_str(row.get_ref(1)?.as_str().map_err(|error| Error::Broken(error.to_string()))?);
    }
    out.push('}');
    Ok(out)
}

fn sum(body: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&blake3::hash(body).as_bytes()[..8]);
    i64::from_le_bytes(bytes)
}

/// At most 2^53 - 1, so that it survives any JSON reader.
pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without the system's randomness the clock tells epochs apart well enough.
    if getrandom::fill(&mut bytes).is_err() {
        bytes = Timestamp::now().as_nanosecond().to_le_bytes()[..8].try_into().unwrap_or_default();
    }
    (u64::from_le_bytes(bytes) >> 11).max(1)
}
