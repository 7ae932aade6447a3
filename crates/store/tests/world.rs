//! A store of its own, with a clock that stands still.

use jiff::{SignedDuration, Timestamp};
use store::testing::Database;
use store::*;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) hand: Hand,
    pub(crate) database: Database,
    clock: Clock,
}

pub(crate) fn noon() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn all() -> Scope {
    Scope::internal("a test looks at everything")
}

pub(crate) fn someone() -> Actor {
    Actor::named("someone")
}

impl World {
    pub(crate) async fn new() -> Self {
        let (clock, hand) = Clock::stopped(noon());
        let database = Database::new(super::KIND);
        let store = open(&database, &clock).await;
        Self { store, hand, database, clock }
    }

    /// Closes the store and opens it again.
    pub(crate) async fn restart(&mut self) {
        self.store.close().await;
        self.store = open(&self.database, &self.clock).await;
    }

    pub(crate) async fn client(&self, name: &str) -> ClientId {
        let new = NewClient { name: name.into(), ..NewClient::default() };
        self.store.create_client(someone(), new).await.unwrap().id
    }

    /// Enrols a node.
    pub(crate) async fn node(&self, client: ClientId, hostname: &str) -> NodeId {
        let (secret, _) =
            self.store.create_token(someone(), &all(), client, SignedDuration::from_hours(24)).await.unwrap();
        let new = new_node(hostname);
        let enrolled = self.store.enrol(&secret, new, |_| Ok((certificate(), ()))).await.unwrap();
        enrolled.identity.node
    }

    pub(crate) async fn user(&self, name: &str, access: Access) -> User {
        let new = NewUser { name: name.into(), access, passphrase: Some("$argon2id$…".into()) };
        self.store.create_user(someone(), new).await.unwrap()
    }
}

async fn open(database: &Database, clock: &Clock) -> Store {
    let options = Options { clock: clock.clone(), background: false, ..Options::default() };
    Store::open(database.place(), options).await.unwrap()
}

/// A machine with a key of its own.
pub(crate) fn new_node(hostname: &str) -> NewNode {
    NewNode { hostname: hostname.into(), version: "0.1.0".into(), key: fingerprint() }
}

pub(crate) fn certificate() -> Certificate {
    Certificate {
        fingerprint: fingerprint(),
        serial: "01".into(),
        starts: noon(),
        ends: noon() + SignedDuration::from_hours(24 * 7),
    }
}

/// Another one each time.
pub(crate) fn fingerprint() -> Fingerprint {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    Fingerprint(bytes)
}
