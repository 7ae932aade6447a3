//! Work that follows the alerts: the text index, dictionaries, clearing away. Each step is small, idempotent, and leaves the
//! database as it should be if it is the last one.

use std::time::Duration;

use crate::bodies::Dictionaries;
use crate::engine::writer::{Shared, Writer};
use crate::{Error, Result, Store, retention, search};

/// How often it looks when nobody tells of work.
const LOOK: Duration = Duration::from_secs(10);

impl Store {
    /// Does all the background's work that there is now. For tests and tools that opened the store without it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn catch_up(&self) -> Result<()> {
        let (writer, shared) = (self.writer()?, self.0.shared.clone());
        while step(&writer, &shared).await? {}
        Ok(())
    }

    pub(crate) fn start_background(&self) {
        let (mut work, store) = (self.live().work(), std::sync::Arc::downgrade(&self.0));
        tokio::spawn(async move {
            loop {
                let _ = tokio::time::timeout(LOOK, work.changed()).await;
                let Some(inner) = store.upgrade() else { return };
                let store = Store(inner);
                match store.catch_up().await {
                    Ok(()) => {}
                    Err(Error::Closed) => return,
                    Err(error) => {
                        tracing::warn!(%error, "the background's work failed; it is tried again");
                        tokio::time::sleep(LOOK).await;
                    }
                }
            }
        });
    }
}

/// One step; true if there is more to do.
async fn step(writer: &Writer, shared: &std::sync::Arc<Shared>) -> Result<bool> {
    writer.write("make room", 1, retention::make_room).await?;
    let more = writer.write("index text", 500, search::take_in).await?;
    let learning = shared.clone();
    writer.write("learn dictionaries", 1, move |tx| learning.dictionaries.learn(tx.sql)).await?;
    let training = shared.clone();
    let trained = tokio::task::spawn_blocking(move || training.dictionaries.train()).await;
    if let Ok(Some(trained)) = trained {
        let trained = std::sync::Arc::new(trained);
        let stored = trained.clone();
        let id = writer.write("store dictionary", 1, move |tx| Dictionaries::insert(tx, &stored)).await?;
        shared.dictionaries.activate(id, &trained);
    }
    let cleared = writer.write("clear away", 500, retention::clear_away).await?;
    Ok(more || cleared)
}
