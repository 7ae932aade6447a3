//! Two clients with something each, one of them another's: whatever is asked in whoever's name must not tell of it.

use jiff::SignedDuration;
use store::{
    Access, Actor, Certificate, ClientId, CommandId, Fingerprint, NewClient, NewCommand, NewNode, NewProvider,
    NewSession, NewUser, NodeId, Proof, ProviderId, ProviderKind, ProviderRules, Scope, SessionId, Store, User, UserId,
};
use uuid::Uuid;

use super::Stage;

/// What only the other client's data says: whoever finds it in an answer has seen too much.
pub(super) const OTHERS: &str = "zweitmarke";

/// Everything that belongs to one client.
pub(super) struct Things {
    pub(super) client: ClientId,
    pub(super) node: NodeId,
    pub(super) alert: Uuid,
    pub(super) command: CommandId,
}

pub(super) struct World {
    pub(super) stage: Stage,
    pub(super) provider: ProviderId,
    pub(super) own: Things,
    pub(super) other: Things,
}

pub(super) fn actor() -> Actor {
    Actor::named("a test")
}

pub(super) fn all() -> Scope {
    Scope::internal("a test")
}

impl World {
    pub(super) async fn new() -> Self {
        let stage = Stage::new().await;
        let store = stage.store();
        let own = things(&store, "Acme", "erstmarke").await;
        let other = things(&store, "Other", OTHERS).await;
        store.catch_up().await.unwrap();
        let new = NewProvider {
            name: "Company".into(),
            slug: "company".into(),
            kind: ProviderKind::Oidc,
            issuer: "https://127.0.0.1:9".into(),
            client_id: "socme".into(),
            enabled: true,
            strangers: false,
            rules: ProviderRules::default(),
        };
        let provider = store.create_provider(actor(), new, |_| Ok(None)).await.unwrap().id;
        Self { stage, provider, own, other }
    }
}

/// A client with a node and an alert that says `word`.
pub(super) async fn things(store: &Store, name: &str, word: &str) -> Things {
    let client =
        store.create_client(actor(), NewClient { name: name.into(), ..NewClient::default() }).await.unwrap().id;
    let node = node(store, client, word).await;
    let now = store.clock().now();
    let mut alarm = crate::silence::alarm(word, word, wire::Severity::High, &format!("{word} says so"), word, now);
    alarm.user = Some(wire::alert::User { name: word.into(), ..wire::alert::User::default() });
    let alert = store.raise(&all(), client, Some(node), alarm).await.unwrap().0;
    let command = command(store, node).await;
    Things { client, node, alert, command }
}

/// A node with a host that say `word`.
pub(super) async fn node(store: &Store, client: ClientId, word: &str) -> NodeId {
    let (secret, _) = store.create_token(actor(), &all(), client, SignedDuration::from_hours(1)).await.unwrap();
    let now = store.clock().now();
    let mut key = [0; 32];
    getrandom::fill(&mut key).unwrap();
    let certificate = Certificate {
        fingerprint: Fingerprint(key),
        serial: "01".into(),
        starts: now,
        ends: now + SignedDuration::from_hours(1),
    };
    let machine = NewNode { hostname: format!("{word}-box"), version: "0".into(), key: Fingerprint(key) };
    let node = store.enrol(&secret, machine, |_| Ok((certificate, ()))).await.unwrap().identity.node;
    let host = wire::host::Host {
        agent: "001".into(),
        name: format!("{word}-host"),
        state: wire::host::HostState::Active,
        why: None,
        version: None,
        behind: false,
        system: None,
        platform: None,
        architecture: None,
        groups: Vec::new(),
        address: None,
        manager: None,
        registered: None,
        seen: None,
    };
    let hosts = wire::host::Hosts { changed: vec![host], ..wire::host::Hosts::default() };
    let to = wire::link::Position { epoch: 1, number: 1, tag: 1 };
    let records = vec![wire::link::Record::Hosts(Box::new(hosts))];
    let cursors = wire::link::Cursors::new();
    let batch = wire::link::Batch { wire: wire::VERSION, after: None, first: 1, to, cursors, records };
    store.take_batch(node, batch).await.unwrap();
    node
}

/// A command that its node has not begun.
pub(super) async fn command(store: &Store, node: NodeId) -> CommandId {
    let deed = wire::command::Deed::RestartAgent { agent: "001".into() };
    let new = NewCommand { node, deed, within: SignedDuration::from_hours(1) };
    store.command(actor(), &all(), new).await.unwrap().id
}

pub(super) async fn user(store: &Store, access: &Access) -> User {
    let name = format!("user {}", Uuid::now_v7());
    store.create_user(actor(), NewUser { name, access: access.clone(), passphrase: None }).await.unwrap()
}

pub(super) async fn session(store: &Store, user: UserId) -> (String, SessionId) {
    let hours = SignedDuration::from_hours;
    let new = NewSession { how: Proof::Passphrase, idle: hours(1), longest: hours(1), address: None, agent: None };
    let (secret, begun) = store.begin_session(user, new).await.unwrap();
    (format!("socme_session={}", secret.reveal()), begun.id)
}
