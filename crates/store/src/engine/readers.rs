//! Reads: each on one snapshot, on a connection that cannot write, as many at once as there are connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::engine::sql::Sql;
use crate::engine::timings::Timings;
use crate::engine::{postgresql, sqlite};
use crate::{Error, Result};

/// How long a read may wait for a connection.
const WAIT: Duration = Duration::from_secs(10);

/// Those who read.
#[derive(Clone)]
pub(crate) struct Readers {
    pool: Arc<Pool>,
    free: Arc<Semaphore>,
    timings: Arc<Timings>,
}

/// Their connections.
pub(crate) enum Pool {
    Sqlite(sqlite::readers::Pool),
    Postgres(Box<postgresql::readers::Pool>),
}

impl Readers {
    pub(crate) fn new(pool: Pool, count: usize, timings: Arc<Timings>) -> Self {
        Self { pool: Arc::new(pool), free: Arc::new(Semaphore::new(count)), timings }
    }

    /// Runs `query` on one snapshot, for as long as it takes, on a connection of its own.
    pub(crate) async fn snapshot<T: Send + 'static>(
        &self,
        query: impl FnOnce(Sql<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pool = self.pool.clone();
        let task = tokio::task::spawn_blocking(move || match &*pool {
            Pool::Sqlite(pool) => pool.apart(query),
            Pool::Postgres(pool) => pool.apart(query),
        });
        task.await.map_err(|error| Error::Damaged(format!("a fault in the program ended a long read: {error}")))?
    }

    /// Runs `query` on one snapshot.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        query: impl FnOnce(Sql<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = tokio::time::timeout(WAIT, self.free.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| Error::Busy)?.map_err(|_| Error::Closed)?;
        let (pool, timings) = (self.pool.clone(), self.timings.clone());
        let task = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let result = match &*pool {
                Pool::Sqlite(pool) => pool.run(query),
                Pool::Postgres(pool) => pool.run(query),
            };
            timings.note(name, began.elapsed());
            drop(permit);
            result
        });
        task.await.map_err(|error| Error::Damaged(format!("a fault in the program ended «{name}»: {error}")))?
    }
}
