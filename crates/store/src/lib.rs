//! SOCme's database: the only place that knows SQL.
//!
//! Open a [`Store`] and ask it; everything is async and nothing of the database shows in a signature. Every function on
//! tenants' data takes a [`Scope`]; every change by a person takes an [`Actor`] and is in the audit log, in the same
//! transaction. A change is on the disk when the function returns.
//!
//! The database is a SQLite file, or PostgreSQL, which several cores may share. Which of them it is knows only `engine`, and, where the
//! two differ, a `match` in the file of the resource; the suite in `tests` knows only the public functions, and runs on both.

mod access;
mod actions;
mod alerts;
mod archive;
mod audit;
mod authorities;
mod background;
mod bodies;
mod ceremonies;
mod changes;
mod charts;
mod clients;
mod clock;
mod commands;
mod engine;
mod enrolment;
mod error;
mod export;
mod factors;
mod facts;
mod health;
mod holds;
mod hosts;
mod id;
mod identities;
mod ingest;
mod jobs;
mod keys;
mod leases;
mod links;
mod list;
mod memory;
mod nodes;
mod oldest;
mod passkeys;
mod place;
mod postings;
mod providers;
mod reports;
mod retention;
mod rollups;
mod rules;
mod scope;
mod sealed;
mod search;
mod secret;
mod sessions;
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod text;
mod users;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use access::{Access, Duty, Role};
pub use actions::{Action, COMMENT, Done, MOST};
pub use alerts::{AlertDetail, AlertRow, Deed, HistoryEntry, State, TimeFlag};
pub use archive::Contents;
pub use audit::{Actor, AuditAsk, AuditEntry, AuditHead, Verified};
pub use authorities::{Authority, AuthorityId, AuthorityState, NewAuthority};
pub use ceremonies::{Remembered, Step};
pub use changes::{Change, Nudge, What};
pub use charts::{Facet, Facets, Histogram};
pub use clients::{Client, ClientChange, NewClient};
pub use clock::{Clock, Hand};
pub use commands::{Command, CommandAsk, CommandState, NewCommand};
pub use engine::timings::Timing;
pub use enrolment::{Certificate, Enrolment, Fingerprint, Identity, NewNode, TokenRow};
pub use error::{Error, Result};
pub use export::{HourCount, Piece};
pub use factors::Authenticator;
pub use facts::Facts;
pub use health::{Health, Taken};
pub use holds::Hold;
pub use hosts::{Host, HostAsk, HostCounts, HostPage, HostPlace};
pub use id::{
    AlertId, ApiKeyId, ClientId, CommandId, IdentityId, NodeId, PasskeyId, ProviderId, SessionId, TokenId, UserId,
};
pub use identities::{LinkedIdentity, Shown};
pub use ingest::Ingested;
pub use keys::{ApiKey, KeyHolder, NewApiKey};
pub use list::{Ask, COUNT, PAGE, Page};
pub use nodes::{Blind, Consequences, LostRecords, Node, NodeChange, Standing};
pub use passkeys::Passkey;
pub use place::{Place, Server};
pub use providers::{Mapped, NewProvider, Provider, ProviderChange, ProviderKind, ProviderRules};
pub use reports::Report;
pub use retention::Keep;
pub use scope::{Reach, Scope};
pub use sealed::Sealed;
pub use secret::Secret;
pub use sessions::{NewSession, Proof, Session};
pub use users::{NewUser, Preferences, User, UserChange};

use engine::postgresql::line::{Line, Purpose};
use engine::readers::{Pool, Readers};
use engine::sql::{Lock, Sql};
use engine::timings::Timings;
use engine::writer::{Around, Shared, Tx, Writer};
use engine::{postgresql, sqlite};

/// Batches that are prepared and written at once; more of them wait.
const INGEST_TURNS: usize = 16;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its clock.
    pub clock: Clock,
    /// Connections for reading, 1 to 64. With SQLite each may take up to `cache_mib` of memory.
    pub readers: usize,
    /// Changes that may be under way at once, with PostgreSQL; 1 to 64. SQLite has one writer.
    pub writers: usize,
    /// Page cache of each connection, in MiB, with SQLite.
    pub cache_mib: u32,
    /// False: nothing happens in the background; tests call [`Store::catch_up`] instead.
    pub background: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock: Clock::system(), readers: 4, writers: 4, cache_mib: 32, background: true }
    }
}

/// What the database is, for those who look at it from outside.
enum Engine {
    File(PathBuf),
    Server,
}

/// The database. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    engine: Engine,
    clock: Clock,
    shared: Arc<Shared>,
    readers: Readers,
    writer: Mutex<Option<Writer>>,
    live: Arc<changes::Live>,
    timings: Arc<Timings>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
    /// Batches that are worked on at once.
    ingest_turns: Arc<tokio::sync::Semaphore>,
    meter: health::Meter,
}

impl Store {
    /// Opens the database, makes it if it is not there, and brings its tables up to date. A file's folder must exist and be
    /// private (0700); a server's database must exist, and belong to the role that connects.
    ///
    /// # Errors
    /// It cannot be opened, or was made by a newer version.
    pub async fn open(place: impl Into<Place>, options: Options) -> Result<Self> {
        let place = place.into();
        let background = options.background;
        let task = tokio::task::spawn_blocking(move || match &place {
            Place::File(path) => Self::open_file(path, &options),
            Place::Postgres(server) => Self::open_server(server, &options),
        });
        let store = task.await.map_err(|error| Error::Damaged(error.to_string()))??;
        if background {
            store.start_background();
        }
        Ok(store)
    }

    fn open_file(path: &Path, options: &Options) -> Result<Self> {
        let share = sqlite::Share { cache_kib: options.cache_mib * 1024, mmap: 1 << 30, statements: 256 };
        // The writer touches the most pages.
        let mut connection =
            sqlite::open_writer(path, sqlite::Share { cache_kib: share.cache_kib * 4, mmap: 0, ..share })?;
        sqlite::migrate(&mut connection)?;
        let cipher = sqlite::within(&mut connection, |sql| first_start(sql, options.clock.millis()))?;
        let around = around(Sql::Sqlite(&connection), options, cipher)?;
        let pool = Pool::Sqlite(sqlite::readers::Pool::open(path, share)?);
        let (writer, jobs) = Writer::new();
        let thread = sqlite::writer::start(connection, around.clone(), jobs)?;
        Ok(Self::new(Engine::File(path.to_owned()), around, pool, options, writer, vec![thread]))
    }

    fn open_server(server: &Server, options: &Options) -> Result<Self> {
        let ca = server.ca_file.as_deref();
        let place = postgresql::place::Place::new(&server.url, server.password.as_deref(), ca)?;
        let direct = match &server.direct_url {
            Some(url) => postgresql::place::Place::new(url, server.password.as_deref(), ca)?,
            None => place.clone(),
        };
        postgresql::migrate::migrate(&place)?;
        let line = Line::new(&place, Purpose::Writing);
        let sql = Sql::Postgres(&line);
        sql.alone(Lock::Tables)?;
        postgresql::partitions::prepare(&line)?;
        let cipher = first_start(sql, options.clock.millis())?;
        let around = around(sql, options, cipher)?;
        line.commit()?;
        let (mouth, mut threads) = postgresql::hearing::start(&place, &direct, &around.live)?;
        let (writer, jobs) = Writer::new();
        threads.extend(postgresql::writers::start(&place, options.writers.clamp(1, 64), &around, &mouth, jobs)?);
        let pool = Pool::Postgres(Box::new(postgresql::readers::Pool::new(&place)));
        Ok(Self::new(Engine::Server, around, pool, options, writer, threads))
    }

    fn new(
        engine: Engine,
        around: Around,
        pool: Pool,
        options: &Options,
        writer: Writer,
        threads: Vec<std::thread::JoinHandle<()>>,
    ) -> Self {
        let readers = Readers::new(pool, options.readers.clamp(1, 64), around.timings.clone());
        Self(Arc::new(Inner {
            engine,
            clock: around.clock,
            shared: around.shared,
            readers,
            writer: Mutex::new(Some(writer)),
            live: around.live,
            timings: around.timings,
            threads: Mutex::new(threads),
            ingest_turns: Arc::new(tokio::sync::Semaphore::new(INGEST_TURNS)),
            meter: health::Meter::default(),
        }))
    }

    /// Ends the background's work and the writer; returns when all is on the disk. Whatever is asked later is answered
    /// [`Error::Closed`].
    pub async fn close(&self) {
        let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(writer);
        let threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        let _ = ended.await;
    }

    /// The database's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn writer(&self) -> Result<Writer> {
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Closed)
    }

    async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer()?.write(name, 1, job).await
    }

    async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        query: impl FnOnce(Sql<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.readers.read(name, query).await
    }

    fn live(&self) -> &changes::Live {
        &self.0.live
    }
}

/// What jobs have around them, from an open database.
fn around(sql: Sql<'_>, options: &Options, cipher: id::Cipher) -> Result<Around> {
    Ok(Around {
        clock: options.clock.clone(),
        timings: Arc::new(Timings::default()),
        live: Arc::new(changes::Live::load(sql)?),
        shared: Arc::new(Shared { cipher, dictionaries: bodies::Dictionaries::load(sql)? }),
    })
}

/// What every database has from its first start on: its key, and the client «SOC».
fn first_start(sql: Sql<'_>, now: i64) -> Result<id::Cipher> {
    archive::demand_whole(sql)?;
    let key: Option<Vec<u8>> = sql.one("SELECT value FROM meta WHERE name = 'key'", [], |row| row.get(0))?;
    let key: [u8; 32] = match key {
        Some(key) => key.try_into().map_err(|_| Error::Damaged("its key has the wrong length".into()))?,
        None => {
            let key = secret::random()?;
            sql.run("INSERT INTO meta (name, value) VALUES ('key', ?1)", [key])?;
            clients::insert_builtin(sql, now)?;
            key
        }
    };
    Ok(id::Cipher::new(key))
}
