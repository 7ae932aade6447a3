//! Backups: all of it comes back, into either kind of database, and the world goes on from there.

use serde_json::{Value, json};
use wire::command::{End, Outcome};

use super::story::open;
use super::*;

async fn back_up(story: &Story) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rows = story.store.back_up(file.reopen().unwrap(), |_| {}).await.unwrap();
    let bytes = std::fs::read(file.path()).unwrap();
    assert_eq!(Contents::of(bytes.as_slice()).unwrap().rows.values().sum::<u64>(), rows);
    bytes
}

async fn restore(bytes: &[u8], kind: Kind, secrets: bool) -> (Database, Result<u64>) {
    let (database, bytes) = (Database::new(kind), bytes.to_vec());
    let whole = Contents::of(bytes.as_slice()).unwrap();
    let options = Options { background: false, ..Options::default() };
    let done = Store::restore(database.place(), options, std::io::Cursor::new(bytes), &whole, secrets, |_| {}).await;
    (database, done)
}

/// What people see of a store.
async fn seen(store: &Store, story: &Story) -> impl PartialEq + std::fmt::Debug {
    store.catch_up().await.unwrap();
    let scope = all();
    let ask = |query: &str| store.alerts(&scope, story.ask(query));
    let now = store.clock().now();
    let query = || query::parse("").unwrap();
    (
        ask("").await.unwrap().alerts,
        ask("\"rule 77\"").await.unwrap().alerts,
        ask("ip:192.0.2.9").await.unwrap().alerts,
        store.facets(&all(), query(), TimeZone::UTC, now).await.unwrap(),
        (store.clients(&all()).await.unwrap(), hosts_and_commands(store).await),
        store.users().await.unwrap(),
        store
            .audit(&all(), AuditAsk { action: Some("client".into()), limit: 99, ..AuditAsk::default() })
            .await
            .unwrap(),
    )
}

/// A node tells of a host, and answers one of two questions; the other one waits.
async fn known(story: &Story, node: NodeId) -> (Record, Record) {
    let host = json!({"agent": "001", "name": "naïve \u{202e} web", "state": "active", "groups": ["default", "web"]});
    let hosts = json!({"changed": [host]});
    let ask = async |deed: Value| {
        let deed = serde_json::from_value(deed).unwrap();
        let new = NewCommand { node, deed, within: SignedDuration::from_hours(1) };
        story.store.command(admin(), &all(), new).await.unwrap().id
    };
    let ports = ask(json!({"deed": "inventory", "agent": "001", "what": "ports"})).await;
    ask(json!({"deed": "restart_agent", "agent": "001"})).await;
    let waiting = story.store.waiting_commands(node).await.unwrap();
    let ticket = waiting.iter().find(|waiting| waiting.number == ports.0).unwrap().id;
    let answer = json!({"items": [{"port": 22}], "total": 1, "cut": false}).to_string();
    let at = Timestamp::UNIX_EPOCH;
    let outcome = Outcome { id: ticket, token: 0, end: End::Done, said: "1 found".into(), answer, at };
    (Record::Hosts(Box::new(serde_json::from_value(hosts).unwrap())), Record::Outcome(Box::new(outcome)))
}

/// Hosts, and commands that have ended, with what was found.
async fn hosts_and_commands(store: &Store) -> (HostPage, Vec<Command>) {
    let hosts = store.hosts(&all(), HostAsk { limit: 9, ..HostAsk::default() }).await.unwrap();
    let mut commands = Vec::new();
    for command in store.commands(&all(), CommandAsk { limit: 9, ..CommandAsk::default() }).await.unwrap() {
        commands.push(store.command_by_id(&all(), command.id).await.unwrap());
    }
    commands.retain(|command| command.state == CommandState::Done);
    assert_eq!((hosts.hosts.len(), commands.len()), (1, 1), "what is compared is there");
    (hosts, commands)
}

#[tokio::test]
async fn all_of_it_comes_back_into_either_kind_of_database_and_the_node_goes_on() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await.id;
    let mut node = story.node(acme, "probe").await;
    for batch in 0..5 {
        let mut alerts: Vec<Alert> = (0..500).map(|n| alert(&format!("{}", batch * 500 + n))).collect();
        alerts[0].source = Some(Endpoint { ip: Some("192.0.2.9".into()), ..Endpoint::default() });
        node.send(&story.store, alerts.into_iter().map(|alert| Record::Alert(Box::new(alert))).collect()).await;
    }
    let (told, outcome) = known(&story, node.node).await;
    node.send(&story.store, vec![told, outcome]).await;
    let first = story.rows("").await.remove(0);
    let comment = Some("naïve \u{202e}\u{1f600} \" text\n".to_owned());
    story.store.act(admin(), &all(), vec![(acme, first.id)], Action::Close, comment).await.unwrap();
    let new = NewUser { name: "Vera".into(), access: Access::at(Duty::Viewer, [acme]), passphrase: Some("$x".into()) };
    let vera = story.store.create_user(admin(), new).await.unwrap();
    let hour = SignedDuration::from_hours(1);
    let session = NewSession { how: Proof::Passphrase, idle: hour, longest: hour, address: None, agent: None };
    let (secret, _) = story.store.begin_session(vera.id, session).await.unwrap();
    story.store.seal(admin(), "mail", vec![0, 159, 146, 150]).await.unwrap();

    let restart = story.store.waiting_commands(node.node).await.unwrap().remove(0).id;
    let bytes = back_up(&story).await;
    let before = seen(&story.store, &story).await;
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (database, done) = restore(&bytes, kind, true).await;
        assert!(done.unwrap() > 5_000);
        let store = open(&database, story.store.clock().clone()).await;
        assert_eq!(format!("{:?}", seen(&store, &story).await), format!("{before:?}"), "{kind:?}");
        assert!(matches!(store.verify_audit(None).await.unwrap(), Verified::Whole { .. }));
        assert_eq!(store.sealed("mail").await.unwrap(), Some(vec![0, 159, 146, 150]));
        assert_eq!(store.session(&secret, None).await.unwrap(), None, "a backup lets nobody in");
        // What waited may have been done or withdrawn since: it is not told to the node again, whose word is still heard.
        assert_eq!(store.waiting_commands(node.node).await.unwrap(), []);
        let latest =
            async || store.commands(&all(), CommandAsk { limit: 1, ..CommandAsk::default() }).await.unwrap().remove(0);
        assert_eq!((latest().await.deed.word(), latest().await.state), ("restart_agent", CommandState::Unknown));
        // What comes next comes after, with numbers that were never given.
        let mut on = Sender { node: node.node, position: node.position, epoch: node.epoch };
        on.send(&store, vec![Record::Alert(Box::new(alert("next")))]).await;
        let end = Outcome {
            id: restart,
            token: 7,
            end: End::Done,
            said: String::new(),
            answer: String::new(),
            at: Timestamp::UNIX_EPOCH,
        };
        on.send(&store, vec![Record::Outcome(Box::new(end))]).await;
        assert_eq!(latest().await.state, CommandState::Done);
        let newest = store.alerts(&all(), story.ask("")).await.unwrap().alerts.remove(0);
        assert_eq!(newest.rule_id, "next");
        assert!(newest.id > first.id);
        let other =
            store.create_client(admin(), NewClient { name: "Other".into(), ..NewClient::default() }).await.unwrap();
        assert!(other.id > acme);
        let new = NewUser { name: "Bob".into(), access: Access::none(), passphrase: None };
        assert!(store.create_user(admin(), new).await.unwrap().id > vera.id);
        store.close().await;
        // Restored once more into what is no longer empty: nothing is touched.
        let whole = Contents::of(bytes.as_slice()).unwrap();
        let again = std::io::Cursor::new(bytes.clone());
        let refused = Store::restore(database.place(), Options::default(), again, &whole, true, |_| {}).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_backup_that_is_cut_changed_or_foreign_is_refused_before_anything_is_written() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await.id;
    let mut node = story.node(acme, "probe").await;
    node.send(&story.store, vec![Record::Alert(Box::new(alert("1")))]).await;
    let bytes = back_up(&story).await;
    for cut in [0, 1, 10, bytes.len() / 2, bytes.len() - 1] {
        assert!(Contents::of(&bytes[..cut]).is_err(), "{cut}");
    }
    let plain = zstd::decode_all(bytes.as_slice()).unwrap();
    let changed = String::from_utf8(plain).unwrap().replacen("Acme", "Evil", 1);
    let packed = zstd::encode_all(changed.as_bytes(), 1).unwrap();
    let refused = Contents::of(packed.as_slice()).unwrap_err().to_string();
    assert!(refused.contains("changed after it was written"), "{refused}");
    assert!(Contents::of(b"nonsense".as_slice()).unwrap_err().to_string().contains("no backup"));
}

#[tokio::test]
async fn without_the_master_key_secrets_are_left_out_and_an_unfinished_restore_opens_for_nobody() {
    let story = Story::begin().await;
    story.store.seal(admin(), "mail", vec![7; 9]).await.unwrap();
    let bytes = back_up(&story).await;
    let sealed = Contents::of(bytes.as_slice()).unwrap().sealed;
    assert_eq!(sealed, [Sealed { name: "mail".into(), bytes: vec![7; 9] }]);
    let (database, done) = restore(&bytes, KIND, false).await;
    done.unwrap();
    let store = open(&database, story.store.clock().clone()).await;
    assert_eq!(store.sealed("mail").await.unwrap(), None);
    store.close().await;
    database.tamper("INSERT INTO meta (name, value) VALUES ('restoring', '1')");
    let error = Store::open(database.place(), Options::default()).await.err().unwrap().to_string();
    assert!(error.contains("begun and not ended"), "{error}");
}

#[tokio::test]
async fn a_client_that_is_erased_leaves_no_host_and_no_command() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await.id;
    let mut node = story.node(acme, "probe").await;
    let (told, outcome) = known(&story, node.node).await;
    node.send(&story.store, vec![told, outcome]).await;
    let rows = async || {
        let contents = Contents::of(back_up(&story).await.as_slice()).unwrap();
        ["host", "command"].map(|table| contents.rows.get(table).copied().unwrap_or_default())
    };
    assert_eq!(rows().await, [1, 2]);
    story.store.delete_node(admin(), &all(), node.node).await.unwrap();
    story.store.catch_up().await.unwrap();
    assert_eq!(rows().await, [0, 0], "they go with their node");
    story.store.delete_client(admin(), &all(), acme).await.unwrap();
    story.store.catch_up().await.unwrap();
    let said = story.store.audit(&all(), AuditAsk { limit: 99, ..AuditAsk::default() }).await.unwrap();
    let told = format!("{said:?}");
    assert!(!told.contains("restart_agent"), "what was asked of its nodes is erased: {told}");
}

#[tokio::test]
async fn a_backup_from_before_commands_had_tickets_is_restored() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await.id;
    let mut node = story.node(acme, "probe").await;
    let (told, outcome) = known(&story, node.node).await;
    node.send(&story.store, vec![told, outcome]).await;
    let bytes = back_up(&story).await;
    let (mut old, mut inside) = (Vec::new(), false);
    for line in String::from_utf8(zstd::decode_all(bytes.as_slice()).unwrap()).unwrap().lines() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if let Some(columns) = line.get_mut("columns") {
            let columns = columns.as_array_mut().unwrap();
            inside = columns.last() == Some(&json!("ticket"));
            columns.retain(|column| column != "ticket");
        } else if inside && let Some(row) = line.as_array_mut() {
            row.pop();
        } else if line.get("blake3").is_some() {
            line["blake3"] = blake3::hash(&old).to_hex().as_str().into();
        }
        old.extend_from_slice(line.to_string().as_bytes());
        old.push(b'\n');
    }
    let (database, done) = restore(&zstd::encode_all(old.as_slice(), 1).unwrap(), KIND, true).await;
    assert!(done.unwrap() > 0);
    let store = open(&database, story.store.clock().clone()).await;
    assert_eq!(store.commands(&all(), CommandAsk { limit: 9, ..CommandAsk::default() }).await.unwrap().len(), 2);
}
