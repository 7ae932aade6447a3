//! What was begun of the core's commands, so that none is done twice, whatever crashes.
//!
//! # Invariants
//! - A command is noted, durably, before the core is asked whether it may begin, and so before anything is done.
//! - One that is noted as begun when the node starts was interrupted: its end is reported as unknown, and it is never done.
//! - Its end and the note of it are one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use wire::command::{End, Outcome};
use wire::link::Record;

use crate::pipeline::{Shared, Void};
use crate::spool::{LASTING, Note};

/// A command's note is kept for so long after its end: longer than the core lets one wait.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 8);

/// A command's note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    /// When.
    at: Timestamp,
    /// True once its end is in the spool.
    ended: bool,
}

/// The notes, and what was noted.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    noted: BTreeMap<i64, Noted>,
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
        let mut journal = Self { shared: Arc::clone(shared), noted };
        let interrupted: Vec<i64> = journal.noted.iter().filter(|(_, noted)| !noted.ended).map(|(id, _)| *id).collect();
        for id in interrupted {
            let said = "the node was interrupted while it was at it: it may have been done, look before you ask again";
            let (said, answer) = (said.to_owned(), serde_json::Value::Null);
            journal.end(Outcome { id, end: End::Unknown, said, answer, at: now }).await?;
        }
        Ok(journal)
    }

    /// Whether a command was seen before.
    pub(crate) fn knows(&self, id: i64) -> bool {
        self.noted.contains_key(&id)
    }

    /// Notes that it is about to begin.
    ///
    /// # Errors
    /// It is not noted: nothing may be done.
    pub(crate) async fn begin(&mut self, id: i64, now: Timestamp) -> Result<(), Void> {
        let noted = Noted { at: now, ended: false };
        self.write(Vec::new(), vec![note(id, Some(noted))]).await?;
        self.noted.insert(id, noted);
        Ok(())
    }

    /// Reports its end.
    ///
    /// # Errors
    /// It is not reported: the node stops, or its spool begins anew.
    pub(crate) async fn end(&mut self, outcome: Outcome) -> Result<(), Void> {
        let (id, noted) = (outcome.id, Noted { at: outcome.at, ended: true });
        let old: Vec<i64> = self
            .noted
            .iter()
            .filter(|(_, noted)| noted.ended && outcome.at.duration_since(noted.at) > KEPT)
            .map(|(id, _)| *id)
            .collect();
        let mut notes = vec![note(id, Some(noted))];
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

fn note(id: i64, noted: Option<Noted>) -> Note {
    (format!("{LASTING}{id}"), noted.map(|noted| serde_json::to_vec(&noted).unwrap_or_default()))
}
