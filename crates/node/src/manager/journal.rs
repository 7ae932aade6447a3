//! What was begun of the core's commands, so that none is done twice, whatever crashes.
//!
//! # Invariants
//! - A command is noted, durably, before the core is asked whether it may begin, and so before anything is done.
//! - One that is noted as begun when the node starts was interrupted: its end is reported as unknown, and it is never done.
//! - Its end and the note of it are one transaction.
//! - An end that the spool forgot before the core had it, since it began a new epoch, is told again ([`Journal::retell`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::command::{End, Outcome};
use wire::link::Record;

use crate::pipeline::{Shared, Void};
use crate::spool::{LASTING, Note};

/// Noted where all ends were told in this epoch; it goes with the epoch.
const TOLD: &str = "told-ends";
/// A command's note is kept for so long after its end: longer than the core lets one wait.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 8);

/// A command's note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    /// When.
    at: Timestamp,
    /// With which the core is asked whether it may begin.
    token: u64,
    /// How it ended, and what was said of it, once that is in the spool. What was found is in the record alone.
    end: Option<(End, String)>,
}

/// The notes, and what was noted.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    noted: BTreeMap<i64, Noted>,
    /// The spool's epoch in which all ends were told.
    epoch: Option<u64>,
}

/// How a command ended here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    /// Its ticket.
    pub(crate) id: i64,
    /// How.
    pub(crate) end: End,
    /// In a sentence.
    pub(crate) said: String,
    /// What was found.
    pub(crate) answer: Value,
}

impl Journal {
    /// Reads what is noted, and reports what was interrupted.
    ///
    /// # Errors
    /// The spool cannot be read, or begins anew at this moment.
    pub(crate) async fn open(shared: &Arc<Shared>, now: Timestamp) -> Result<Self, Void> {
        let notes = shared.with_spool(|spool| spool.notes(LASTING)).map_err(|_| Void)?;
        let noted: BTreeMap<i64, Noted> = notes
            .into_iter()
            .filter_map(|(id, json)| Some((id.parse().ok()?, serde_json::from_slice(&json).ok()?)))
            .collect();
        let mut journal = Self { shared: Arc::clone(shared), noted, epoch: None };
        let interrupted: Vec<i64> =
            journal.noted.iter().filter(|(_, noted)| noted.end.is_none()).map(|(id, _)| *id).collect();
        for id in interrupted {
            let said = "the node was interrupted while it was at it: it may have been done, look before you ask again";
            journal.end(Ended { id, end: End::Unknown, said: said.to_owned(), answer: Value::Null }, now).await?;
        }
        journal.retell().await?;
        Ok(journal)
    }

    /// Tells all ends again, if the spool has begun a new epoch: those that the core had not confirmed are lost with the old one,
    /// and the core may have been restored. It takes each once.
    ///
    /// # Errors
    /// They are not told: the node stops, or its spool begins anew.
    pub(crate) async fn retell(&mut self) -> Result<(), Void> {
        let epoch = self.shared.epoch().ok_or(Void)?;
        if self.epoch == Some(epoch) {
            return Ok(());
        }
        if !self.shared.with_spool(|spool| spool.notes(TOLD)).map_err(|_| Void)?.is_empty() {
            self.epoch = self.shared.epoch().filter(|now| *now == epoch);
            return Ok(());
        }
        let ends = self.noted.iter().filter_map(|(id, noted)| {
            let (end, said) = noted.end.clone()?;
            let outcome = Outcome { id: *id, token: noted.token, end, said, answer: String::new(), at: noted.at };
            Some(Record::Outcome(Box::new(outcome)))
        });
        let ends: Vec<Record> = ends.collect();
        // A transaction must fit a batch.
        let mut pieces: Vec<_> = ends.chunks(100).map(|piece| (piece.to_vec(), Vec::new())).collect();
        pieces.push((Vec::new(), vec![(TOLD.to_owned(), Some(Vec::new()))]));
        for (records, notes) in pieces {
            self.shared.post(epoch, records, notes).await?;
        }
        self.epoch = Some(epoch);
        Ok(())
    }

    /// Whether a command was seen before.
    pub(crate) fn knows(&self, id: i64) -> bool {
        self.noted.contains_key(&id)
    }

    /// Notes that it is about to begin, and with which token the core is asked.
    ///
    /// # Errors
    /// It is not noted: nothing may be done.
    pub(crate) async fn begin(&mut self, id: i64, token: u64, now: Timestamp) -> Result<(), Void> {
        let noted = Noted { at: now, token, end: None };
        self.write(Vec::new(), vec![note(id, Some(&noted))]).await?;
        self.noted.insert(id, noted);
        Ok(())
    }

    /// Reports its end.
    ///
    /// # Errors
    /// It is not reported: the node stops, or its spool begins anew.
    pub(crate) async fn end(&mut self, ended: Ended, now: Timestamp) -> Result<(), Void> {
        let id = ended.id;
        let outcome = outcome(ended, self.noted.get(&id).map_or(0, |noted| noted.token), now);
        let noted = Noted { at: now, token: outcome.token, end: Some((outcome.end, outcome.said.clone())) };
        let old: Vec<i64> = self
            .noted
            .iter()
            .filter(|(_, noted)| noted.end.is_some() && now.duration_since(noted.at) > KEPT)
            .map(|(id, _)| *id)
            .collect();
        let mut notes = vec![note(id, Some(&noted))];
        notes.extend(old.iter().map(|id| note(*id, None)));
        self.write(vec![Record::Outcome(Box::new(outcome))], notes).await?;
        self.noted.insert(id, noted);
        self.noted.retain(|id, _| !old.contains(id));
        Ok(())
    }

    /// Writes in whatever epoch there is: these notes outlive one.
    async fn write(&self, records: Vec<Record>, notes: Vec<Note>) -> Result<(), Void> {
        // An epoch may begin between the two; the second try is in the new one.
        for _ in 0..3 {
            let epoch = self.shared.epoch().ok_or(Void)?;
            if self.shared.post(epoch, records.clone(), notes.clone()).await.is_ok() {
                return Ok(());
            }
        }
        Err(Void)
    }
}

fn note(id: i64, noted: Option<&Noted>) -> Note {
    (format!("{LASTING}{id}"), noted.map(|noted| serde_json::to_vec(noted).unwrap_or_default()))
}

/// What is sent of an end: bounded.
pub(super) fn outcome(ended: Ended, token: u64, at: Timestamp) -> Outcome {
    let Ended { id, mut end, said, answer } = ended;
    let mut said = crate::normalise::cut(&said, wire::limit::WORD * 4).to_owned();
    let mut answer = if answer.is_null() { String::new() } else { answer.to_string() };
    if answer.len() > wire::limit::ANSWER {
        (end, answer) = (End::Failed, String::new());
        "the answer is too long to be sent".clone_into(&mut said);
    }
    Outcome { id, token, end, said, answer, at }
}
