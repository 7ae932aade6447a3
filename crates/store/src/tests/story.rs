use super::*;

/// A database of its own, with a clock that the test turns.
pub(in crate::tests) struct Story {
    pub(in crate::tests) database: Database,
    pub(in crate::tests) store: Store,
    pub(in crate::tests) hand: Hand,
}

impl Story {
    pub(in crate::tests) async fn begin() -> Self {
        let database = Database::new(KIND);
        let (clock, hand) = Clock::stopped(start());
        let store = open(&database, clock).await;
        Self { database, store, hand }
    }

    /// Closes the database and opens it again.
    pub(in crate::tests) async fn restart(&mut self) {
        self.store.close().await;
        self.store = open(&self.database, self.store.clock().clone()).await;
    }

    pub(in crate::tests) async fn client(&self, name: &str) -> Client {
        let new = NewClient { name: name.into(), ..NewClient::default() };
        self.store.create_client(admin(), new).await.unwrap()
    }

    pub(in crate::tests) async fn node(&self, client: ClientId, name: &str) -> Sender {
        let hour = SignedDuration::from_hours(1);
        let (token, _) = self.store.create_token(admin(), &all(), client, hour).await.unwrap();
        let mut key = [0; 32];
        key[..name.len()].copy_from_slice(name.as_bytes());
        let new = NewNode { hostname: name.into(), version: "1".into(), key: Fingerprint(key) };
        let certificate =
            Certificate { fingerprint: Fingerprint(key), serial: "1".into(), starts: start(), ends: start() };
        let enrolled = self.store.enrol(&token, new, |_| Ok((certificate, ()))).await.unwrap();
        Sender { node: enrolled.identity.node, position: None, epoch: 7 }
    }

    pub(in crate::tests) async fn rows(&self, query: &str) -> Vec<AlertRow> {
        self.store.alerts(&all(), self.ask(query)).await.unwrap().alerts
    }

    pub(in crate::tests) fn ask(&self, query: &str) -> Ask {
        let (query, now) = (query::parse(query).unwrap(), self.store.clock().now());
        Ask { query, zone: TimeZone::UTC, now, before: None, after: None, limit: PAGE }
    }
}

pub(in crate::tests) async fn open(database: &Database, clock: Clock) -> Store {
    let options = Options { clock, background: false, ..Options::default() };
    Store::open(database.place(), options).await.unwrap()
}
