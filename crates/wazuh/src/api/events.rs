//! Giving the manager events.

use serde_json::{Value, json};

use super::call::Call;
use super::{Api, Failed, Feature};
use crate::error::Error;

/// How many events one request may have.
const MOST: usize = 100;
/// How long one may be in bytes: 65535 with what the server puts before it.
const LONGEST: usize = 65_535 - 64;

/// Events for one request: at most 100, none longer than about 65 kB.
#[derive(Clone, Debug, Default)]
pub struct EventBatch(Vec<String>);

impl EventBatch {
    /// Adds an event: a line of text, or JSON as text.
    ///
    /// # Errors
    /// It is empty or too long, or the batch is full.
    pub fn push(&mut self, event: impl Into<String>) -> Result<(), Error> {
        let event = event.into();
        if event.is_empty() || event.len() > LONGEST {
            return Err(Error::Input(format!("an event has 1 to {LONGEST} bytes; this one has {}", event.len())));
        }
        if self.is_full() {
            return Err(Error::Input(format!("a request has at most {MOST} events")));
        }
        self.0.push(event);
        Ok(())
    }

    /// True if no other fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// # Events
impl Api {
    /// Gives the manager events, as if they came from agent 000 at `API-Webhook`. What it did not take is returned, by
    /// reason; the number of an event in there is the event itself. At most 30 such requests go out in a minute, and this
    /// waits for its turn.
    ///
    /// Wazuh server API, `POST /events` (`event:ingest`, 4.6).
    ///
    /// # Errors
    /// No answer, no permission, or an older manager.
    pub async fn send_events(&self, batch: &EventBatch) -> Result<Vec<Failed>, Error> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.require(Feature::Events).await?;
        let call = Call::post(&["events"], "event:ingest").events().json(json!({ "events": batch.0 }));
        Ok(self.items::<Value>(&call).await?.failed)
    }
}
