//! The part of the work on a batch that needs no database: checking, hashing, compressing. Done beside the writer, not in it.

use wire::command::Outcome;
use wire::host::Hosts;
use wire::link::{Batch, Count, Cursors, Lost, Position, Record};
use wire::{Alert, limit};

use super::refused;
use crate::bodies::{Packed, Packer};
use crate::engine::writer::Shared;
use crate::facts::about;
use crate::id::ClientId;
use crate::{Result, commands};

/// Longest message in a list, in bytes; the whole is in the details.
const MESSAGE: usize = 240;

/// A batch, ready to be written.
pub(crate) struct Prepared {
    pub(crate) after: Option<Position>,
    pub(crate) first: u64,
    pub(crate) to: Position,
    pub(crate) cursors: Cursors,
    pub(crate) records: Vec<PreparedRecord>,
}

pub(crate) enum PreparedRecord {
    Alert(Box<PreparedAlert>),
    Count(Count),
    Lost(Lost),
    Hosts(Box<Hosts>),
    Outcome(Box<PreparedOutcome>),
    Refused(String),
}

/// The end of a command, with what was found compressed.
pub(crate) struct PreparedOutcome {
    pub(crate) outcome: Outcome,
    pub(crate) answer: Option<Vec<u8>>,
}

/// An alert, ready to be written.
pub(crate) struct PreparedAlert {
    pub(crate) alert: Alert,
    pub(crate) has_raw: bool,
    pub(crate) body: Packed,
    /// Hashes of what it is about.
    pub(crate) entities: Vec<i64>,
}

impl Prepared {
    pub(crate) fn new(shared: &Shared, client: ClientId, batch: Batch) -> Result<Self> {
        let snapshot = shared.dictionaries.snapshot();
        let mut packer = Packer::new(&shared.dictionaries, &snapshot);
        let mut records = Vec::with_capacity(batch.records.len());
        for record in batch.records {
            records.push(match record {
                Record::Alert(alert) => match alert.check() {
                    Ok(()) => PreparedRecord::Alert(Box::new(prepare_alert(shared, &mut packer, client, *alert)?)),
                    Err(breach) => PreparedRecord::Refused(breach.to_string()),
                },
                Record::Count(count) => match check_count(&count) {
                    Ok(()) => PreparedRecord::Count(count),
                    Err(why) => PreparedRecord::Refused(why),
                },
                Record::Lost(lost)
                    if lost.why.len() > limit::TEXT || lost.from > lost.to || lost.to > i64::MAX as u64 =>
                {
                    PreparedRecord::Refused("lost: is no range of numbers with a reason".into())
                }
                Record::Lost(lost) => PreparedRecord::Lost(lost),
                Record::Hosts(hosts) => match hosts.check() {
                    Ok(()) => PreparedRecord::Hosts(hosts),
                    Err(breach) => PreparedRecord::Refused(breach.to_string()),
                },
                Record::Outcome(outcome) => match outcome.check().and_then(|()| is_json(&outcome.answer)) {
                    Ok(()) => PreparedRecord::Outcome(Box::new(prepare_outcome(*outcome)?)),
                    Err(why) => PreparedRecord::Refused(why),
                },
            });
        }
        Ok(Self { after: batch.after, first: batch.first, to: batch.to, cursors: batch.cursors, records })
    }

    /// The number of the record at an index.
    pub(crate) fn number(&self, index: usize) -> u64 {
        self.first + index as u64
    }

    pub(crate) fn refusal(&self, index: usize, why: String) -> wire::link::Refused {
        refused(self.number(index), why)
    }
}

fn check_count(count: &Count) -> std::result::Result<(), String> {
    if count.count == 0 || count.count > limit::COUNT {
        return Err(format!("count is {}, 1 to 2^53 are taken", count.count));
    }
    if count.witnesses.len() > wire::Source::ALL.len() {
        return Err(format!(
            "witnesses has {} elements, at most {} are taken",
            count.witnesses.len(),
            wire::Source::ALL.len()
        ));
    }
    if count.samples.len() > limit::SAMPLES {
        return Err(format!("samples has {} elements, at most {} are taken", count.samples.len(), limit::SAMPLES));
    }
    count.samples.iter().try_for_each(|sample| sample.check().map_err(|breach| breach.to_string()))
}

/// Whether an answer can be shown later. It is looked at alone, so that only one is in memory as more than a text.
fn is_json(answer: &str) -> std::result::Result<(), String> {
    let read = if answer.is_empty() { Ok(()) } else { serde_json::from_str::<serde_json::Value>(answer).map(drop) };
    read.map_err(|error| format!("outcome: the answer is no JSON: {error}"))
}

fn prepare_outcome(mut outcome: Outcome) -> Result<PreparedOutcome> {
    let answer = std::mem::take(&mut outcome.answer);
    let answer = if answer.is_empty() { None } else { Some(commands::pack(&answer)?) };
    Ok(PreparedOutcome { outcome, answer })
}

pub(crate) fn prepare_alert(
    shared: &Shared,
    packer: &mut Packer<'_>,
    client: ClientId,
    mut alert: Alert,
) -> Result<PreparedAlert> {
    let body = packer.pack(&mut alert)?;
    let mut entities: Vec<i64> =
        about(&alert).iter().map(|(kind, value)| shared.cipher.entity(client, *kind, value)).collect();
    entities.sort_unstable();
    entities.dedup();
    let has_raw = !alert.raw.is_empty();
    alert.raw = String::new();
    if let Some(message) = &mut alert.message {
        truncate(message, MESSAGE);
    }
    Ok(PreparedAlert { alert, has_raw, body, entities })
}

/// Cuts a text to at most `most` bytes, between characters.
fn truncate(text: &mut String, most: usize) {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}
