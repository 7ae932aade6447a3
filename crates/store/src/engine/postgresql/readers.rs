//! Connections that cannot write.

use std::sync::{Mutex, PoisonError};

use super::line::{Line, Purpose};
use super::place::Place;
use crate::engine::sql::Sql;
use crate::{Error, Result};

/// The pool.
pub(crate) struct Pool {
    place: Place,
    idle: Mutex<Vec<Line>>,
}

impl Pool {
    pub(crate) fn new(place: &Place) -> Self {
        Self { place: place.clone(), idle: Mutex::new(Vec::new()) }
    }

    /// Runs `query` on a connection of its own, without an end.
    pub(crate) fn apart<T>(&self, query: impl FnOnce(Sql<'_>) -> Result<T>) -> Result<T> {
        let line = Line::new(&self.place, Purpose::Copying);
        let result = query(Sql::Postgres(&line));
        line.undo();
        result
    }

    pub(crate) fn run<T>(&self, query: impl FnOnce(Sql<'_>) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let line = idle.unwrap_or_else(|| Line::new(&self.place, Purpose::Reading));
        let result = query(Sql::Postgres(&line));
        let ended = match &result {
            // The statement's failure has undone the transaction; what else there is to say went with it.
            Err(Error::Deadline | Error::Damaged(_) | Error::Busy | Error::Full(_) | Error::Away(_)) => {
                line.undo();
                Ok(())
            }
            _ => line.commit(),
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        let value = result?;
        ended?;
        Ok(value)
    }
}
