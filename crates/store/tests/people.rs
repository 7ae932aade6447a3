//! Users, sessions, links, clients, nodes, tokens, and what is written about them.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use jiff::SignedDuration;
use store::*;

use super::world::*;

fn session() -> NewSession {
    NewSession {
        how: Proof::Passphrase,
        idle: SignedDuration::from_hours(1),
        longest: SignedDuration::from_hours(12),
        address: Some("192.0.2.7".into()),
        agent: Some("Firefox".into()),
    }
}

fn admin(name: &str) -> NewUser {
    NewUser { name: name.into(), access: Access::Admin, passphrase: Some("$argon2id$…".into()) }
}

#[tokio::test]
async fn the_first_administrator_sets_up_once() {
    let world = World::new().await;
    let store = &world.store;
    assert!(store.needs_setup().await.unwrap());
    let old = store.setup_link(someone(), SignedDuration::from_hours(1)).await.unwrap();
    let link = store.setup_link(someone(), SignedDuration::from_hours(1)).await.unwrap();

    // Only the latest link opens, and a mistake in the form does not use it up.
    assert!(matches!(store.set_up(&old, admin("Ada"), session()).await, Err(Error::Invalid { field: "token", .. })));
    assert!(matches!(store.set_up(&link, admin(" "), session()).await, Err(Error::Invalid { field: "name", .. })));
    let (secret, begun) = store.set_up(&link, admin("Ada"), session()).await.unwrap();
    assert_eq!(begun.user.name, "Ada");
    assert_eq!(begun.user.role(), Role::Admin);
    assert_eq!(store.session(&secret, None).await.unwrap().unwrap().user, begun.user);

    assert!(!store.needs_setup().await.unwrap());
    assert!(store.set_up(&link, admin("Eve"), session()).await.is_err());
    assert!(matches!(store.setup_link(someone(), SignedDuration::from_hours(1)).await, Err(Error::Refused(_))));
}

#[tokio::test]
async fn a_session_ends_when_idle_when_old_and_when_ended() {
    let world = World::new().await;
    let ada = world.user("Ada", Access::Admin).await;
    let (idle, _) = world.store.begin_session(ada.id, session()).await.unwrap();
    let (busy, _) = world.store.begin_session(ada.id, session()).await.unwrap();
    for _ in 0..23 {
        world.hand.turn(31 * 60);
        assert!(world.store.session(&busy, None).await.unwrap().is_some());
    }
    assert_eq!(world.store.session(&idle, None).await.unwrap(), None);
    world.hand.turn(31 * 60);
    assert_eq!(world.store.session(&busy, None).await.unwrap(), None, "12 hours are over");

    let mut nudges = world.store.watch();
    let (secret, begun) = world.store.begin_session(ada.id, session()).await.unwrap();
    world.store.end_session(someone(), ada.id, begun.id).await.unwrap();
    assert_eq!(world.store.session(&secret, None).await.unwrap(), None);
    assert_eq!(nudges.recv().await.unwrap(), Nudge::SessionEnded(begun.id));
    assert_eq!(world.store.session(&Secret::presented("guess"), None).await.unwrap(), None);
}

#[tokio::test]
async fn a_stolen_database_holds_no_secret() {
    let mut world = World::new().await;
    let ada = world.user("Ada", Access::Admin).await;
    let client = world.client("Acme").await;
    let (session, _) = world.store.begin_session(ada.id, session()).await.unwrap();
    let link = world.store.sign_in_link(someone(), ada.id, SignedDuration::from_hours(1)).await.unwrap();
    let (token, _) = world.store.create_token(someone(), &all(), client, SignedDuration::from_hours(24)).await.unwrap();
    world.restart().await;
    if let Place::File(path) = world.database.place() {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let bytes = world.database.bytes();
    for secret in [session, link, token] {
        let needle = secret.reveal().as_bytes();
        assert!(!bytes.windows(needle.len()).any(|window| window == needle));
    }
}

#[tokio::test]
async fn a_sign_in_link_works_once_and_not_late() {
    let world = World::new().await;
    let ada = world.user("Ada", Access::everywhere(Duty::Analyst)).await;
    let link = world.store.sign_in_link(someone(), ada.id, SignedDuration::from_mins(10)).await.unwrap();
    assert!(world.store.sign_in_by_link(&link, session()).await.is_ok());
    assert!(world.store.sign_in_by_link(&link, session()).await.is_err());
    let late = world.store.sign_in_link(someone(), ada.id, SignedDuration::from_mins(10)).await.unwrap();
    world.hand.turn(601);
    assert!(world.store.sign_in_by_link(&late, session()).await.is_err());
}

#[tokio::test]
async fn the_last_administrator_stays_and_a_new_passphrase_ends_sessions() {
    let world = World::new().await;
    let ada = world.user("Ada", Access::Admin).await;
    let demote = UserChange { access: Some(Access::everywhere(Duty::Viewer)), ..UserChange::default() };
    assert!(matches!(world.store.change_user(someone(), ada.id, demote.clone()).await, Err(Error::Refused(_))));
    assert!(matches!(world.store.delete_user(someone(), ada.id).await, Err(Error::Refused(_))));
    assert_eq!(world.store.user(ada.id).await.unwrap().role(), Role::Admin);
    let bob = world.user("Bob", Access::Admin).await;
    let (secret, _) = world.store.begin_session(ada.id, session()).await.unwrap();
    let mut nudges = world.store.watch();
    assert_eq!(world.store.change_user(someone(), ada.id, demote).await.unwrap().role(), Role::Viewer);
    assert_eq!(nudges.recv().await.unwrap(), Nudge::User(ada.id));
    let (mine, begun) = world.store.begin_session(ada.id, session()).await.unwrap();
    let hash = Some("$argon2id$new".to_owned());
    world.store.set_passphrase(someone(), ada.id, hash.clone(), Some(begun.id)).await.unwrap();
    assert_eq!(world.store.session(&secret, None).await.unwrap(), None);
    assert!(world.store.session(&mine, None).await.unwrap().is_some(), "the one in which it was changed lives on");
    let (found, known) = world.store.user_to_sign_in(" ADA ").await.unwrap().unwrap();
    assert_eq!((found.id, known), (ada.id, hash));
    let disable = UserChange { disabled: Some(true), ..UserChange::default() };
    assert!(world.store.change_user(someone(), bob.id, disable.clone()).await.is_err());
    world.store.change_user(someone(), ada.id, disable).await.unwrap();
    assert_eq!(world.store.session(&mine, None).await.unwrap(), None);
    world.store.delete_user(someone(), ada.id).await.unwrap();
    assert!(world.store.user(ada.id).await.is_err());
}

#[tokio::test]
async fn an_invitation_is_taken_up_once_and_a_newer_one_replaces_it() {
    let world = World::new().await;
    let store = &world.store;
    let acme = world.client("Acme").await;
    let day = SignedDuration::from_hours(24);
    let new = |name: &str, client| NewUser {
        name: name.into(),
        access: Access::at(Duty::Viewer, [client]),
        passphrase: None,
    };
    assert!(matches!(
        store.invite(someone(), new("Vera", ClientId(99)), day).await,
        Err(Error::Invalid { field: "clients", .. })
    ));
    let (vera, first, _) = store.invite(someone(), new("Vera", acme), day).await.unwrap();
    assert_eq!(store.invited(&first).await.unwrap().name, "Vera");
    assert!(store.user(vera.id).await.unwrap().invited.is_some());
    let (second, _) = store.invite_again(someone(), vera.id, day).await.unwrap();
    assert!(store.invited(&first).await.is_err());
    assert!(store.sign_in_by_link(&second, session()).await.is_err(), "it is no sign-in link");
    let (secret, begun) = store.accept(&second, "$argon2id$hers".into(), session()).await.unwrap();
    assert_eq!((begun.user.id, begun.user.invited), (vera.id, None));
    assert!(store.session(&secret, None).await.unwrap().is_some());
    assert!(store.accept(&second, "$argon2id$evil".into(), session()).await.is_err());
    assert_eq!(store.passphrase(vera.id).await.unwrap().as_deref(), Some("$argon2id$hers"));

    let (late, _) = store.invite_again(someone(), vera.id, day).await.unwrap();
    world.hand.turn(24 * 3600 + 1);
    assert!(store.accept(&late, "$argon2id$late".into(), session()).await.is_err());
}

#[tokio::test]
async fn a_key_does_at_most_what_its_user_may() {
    let world = World::new().await;
    let store = &world.store;
    let (acme, other) = (world.client("Acme").await, world.client("Other").await);
    let vera = world.user("Vera", Access::at(Duty::Analyst, [acme])).await;
    let key = |role, clients| NewApiKey {
        name: "ticket desk".into(),
        role,
        clients,
        valid: Some(SignedDuration::from_hours(24)),
    };
    let refused = store.create_api_key(someone(), vera.id, key(Role::Admin, Reach::All)).await;
    assert!(matches!(refused, Err(Error::Invalid { field: "role", .. })));
    let refused = store.create_api_key(someone(), vera.id, key(Role::Viewer, Reach::Only([other].into()))).await;
    assert!(matches!(refused, Err(Error::Invalid { field: "clients", .. })));
    let (secret, made) = store.create_api_key(someone(), vera.id, key(Role::Viewer, Reach::All)).await.unwrap();
    assert!(secret.is_key());
    let holder = store.key_holder(&secret, Some("192.0.2.9")).await.unwrap().unwrap();
    assert_eq!(holder.access, Access::at(Duty::Viewer, [acme]));
    let keys = store.api_keys(Some(vera.id)).await.unwrap();
    assert_eq!((keys[0].id, keys[0].used_from.as_deref()), (made.id, Some("192.0.2.9")));

    // Its user may do less now, and so may it.
    let nothing = UserChange { access: Some(Access::none()), ..UserChange::default() };
    store.change_user(someone(), vera.id, nothing).await.unwrap();
    assert_eq!(store.key_holder(&secret, None).await.unwrap().unwrap().access, Access::none());
    world.hand.turn(24 * 3600);
    assert!(store.key_holder(&secret, None).await.unwrap().is_none());
    let eve = world.user("Eve", Access::none()).await;
    assert!(store.delete_api_key(someone(), Some(eve.id), made.id).await.is_err());
    store.delete_api_key(someone(), Some(vera.id), made.id).await.unwrap();
    assert_eq!(store.api_keys(None).await.unwrap(), []);
}

#[tokio::test]
async fn a_step_is_taken_once_in_time_and_not_tried_for_ever() {
    let world = World::new().await;
    let store = &world.store;
    let ada = world.user("Ada", Access::Admin).await;
    let begin = |step| store.begin_step(step, Some(ada.id), b"state".to_vec(), SignedDuration::from_mins(5));
    let secret = begin(Step::SecondFactor).await.unwrap();
    assert!(store.end_step(Step::Passkey, &secret).await.is_err(), "it is another step");
    for _ in 0..5 {
        assert_eq!(store.try_step(Step::SecondFactor, &secret).await.unwrap().user, Some(ada.id));
    }
    assert!(store.try_step(Step::SecondFactor, &secret).await.is_err());
    let secret = begin(Step::Provider).await.unwrap();
    assert_eq!(store.end_step(Step::Provider, &secret).await.unwrap().state, b"state");
    assert!(store.end_step(Step::Provider, &secret).await.is_err());
    let secret = begin(Step::Provider).await.unwrap();
    world.hand.turn(301);
    assert!(store.end_step(Step::Provider, &secret).await.is_err());
}

#[tokio::test]
async fn the_audit_log_shows_who_tampered_with_it() {
    let mut world = World::new().await;
    let client = world.client("Acme").await;
    world.client("Other").await;
    world.user("Ada", Access::Admin).await;
    let Verified::Whole { entries: 3, erased: 0, head } = world.store.verify_audit(None).await.unwrap() else {
        panic!("the chain does not hold");
    };
    // A client that is erased takes what is said of it along, and the chain holds.
    world.store.delete_client(someone(), &all(), client).await.unwrap();
    let whole = world.store.verify_audit(Some(head.clone())).await.unwrap();
    assert!(matches!(whole, Verified::Whole { entries: 4, erased: 1, .. }), "{whole:?}");
    let entries = world.store.audit(&all(), AuditAsk { client: Some(client), limit: 9, ..AuditAsk::default() }).await;
    assert_eq!(entries.unwrap().iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>(), ["Acme", ""]);

    world.store.close().await;
    let broken = |found: Verified| match found {
        Verified::Broken { entry, why } => (entry, why),
        Verified::Whole { .. } => panic!("nobody noticed"),
    };
    world.database.tamper("UPDATE audit SET who = 'nobody' WHERE id = 2");
    world.restart().await;
    assert_eq!(broken(world.store.verify_audit(None).await.unwrap()), (2, "its content was changed"));
    world.store.close().await;
    world.database.tamper("UPDATE audit SET who = 'someone' WHERE id = 2; DELETE FROM audit WHERE id = 3");
    world.restart().await;
    assert_eq!(broken(world.store.verify_audit(None).await.unwrap()), (3, "it is missing"));
    // Whoever cuts the tail and says so in the head is found out by the head that was kept elsewhere.
    world.store.close().await;
    world.database.tamper(
        "DELETE FROM audit WHERE id > 2; UPDATE audit_head SET id = 2, link = (SELECT link FROM audit WHERE id = 2)",
    );
    world.restart().await;
    assert!(matches!(world.store.verify_audit(None).await.unwrap(), Verified::Whole { entries: 2, .. }));
    assert_eq!(broken(world.store.verify_audit(Some(head)).await.unwrap()).0, 3);
}

#[tokio::test]
async fn clients_are_made_renamed_and_deleted() {
    let world = World::new().await;
    let store = &world.store;
    let new = NewClient { name: "Lycée Élysée".into(), notes: "café".into(), ..NewClient::default() };
    let client = store.create_client(someone(), new.clone()).await.unwrap();
    assert_eq!(client.slug, "lycee-elysee");
    let again = NewClient { name: "LYCÉE ÉLYSÉE".into(), ..new.clone() };
    assert!(matches!(store.create_client(someone(), again).await, Err(Error::Invalid { field: "name", .. })));
    let twin = NewClient { name: "Lycée-Élysée".into(), ..new };
    assert_eq!(store.create_client(someone(), twin).await.unwrap().slug, "lycee-elysee-2");

    let change = ClientChange { name: Some("Lycée".into()), ..ClientChange::default() };
    let changed = store.change_client(someone(), &all(), client.id, change).await.unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.slug.as_str(), changed.notes.as_str()),
        ("Lycée", "lycee-elysee", "café")
    );

    let names: Vec<String> = store.clients(&all()).await.unwrap().into_iter().map(|client| client.name).collect();
    assert_eq!(names, ["Lycée", "Lycée-Élysée", "SOC"]);
    world.node(client.id, "probe").await;
    assert!(matches!(store.delete_client(someone(), &all(), client.id).await, Err(Error::Refused(_))));
    assert!(matches!(store.delete_client(someone(), &all(), ClientId::SOC).await, Err(Error::Refused(_))));
    assert_eq!(store.client(&all(), client.id).await.unwrap().nodes, 1);
}

#[tokio::test]
async fn a_token_enrols_one_machine_and_answers_it_twice() {
    let world = World::new().await;
    let store = &world.store;
    let client = world.client("Acme").await;
    let (secret, row) = store.create_token(someone(), &all(), client, SignedDuration::from_hours(1)).await.unwrap();
    assert_eq!(row.used, None);
    let machine = new_node("probe");

    // Signing fails: the token lives.
    let failed = store.enrol(&secret, machine.clone(), |_| Err::<(Certificate, ()), _>(Error::Busy)).await;
    assert!(matches!(failed, Err(Error::Busy)));
    let first = store.enrol(&secret, machine.clone(), |_| Ok((certificate(), 1))).await.unwrap();
    assert_eq!((first.identity.name.as_str(), first.identity.client, first.signed), ("probe", client, 1));

    // Its answer was lost: the same machine asks again.
    let second = store.enrol(&secret, machine.clone(), |_| Ok((certificate(), 2))).await.unwrap();
    assert_eq!(second.identity, first.identity);
    // Somebody else has got hold of the token.
    assert!(store.enrol(&secret, new_node("evil"), |_| Ok((certificate(), 3))).await.is_err());
    // A second token does not give the same key to a second node.
    let (other, _) = store.create_token(someone(), &all(), client, SignedDuration::from_hours(1)).await.unwrap();
    assert!(store.enrol(&other, machine.clone(), |_| Ok((certificate(), 4))).await.is_err());
    world.hand.turn(3601);
    assert!(store.enrol(&other, new_node("late"), |_| Ok((certificate(), 5))).await.is_err());
    assert!(store.tokens(&all(), client).await.unwrap()[1].used.is_some());

    let known = store.identity_by_key(machine.key).await.unwrap().unwrap();
    assert_eq!(known, first.identity);
    store.revoke_node(someone(), &all(), known.node).await.unwrap();
    assert!(store.identity(known.node).await.unwrap().unwrap().revoked);
    assert!(store.renew(known.node, |_| Ok((certificate(), ()))).await.is_err());
    assert!(store.enrol(&secret, machine, |_| Ok((certificate(), 6))).await.is_err());
}

#[tokio::test]
async fn who_may_see_one_client_learns_nothing_of_another() {
    let world = World::new().await;
    let store = &world.store;
    let (acme, other) = (world.client("Acme").await, world.client("Other").await);
    let (ours, theirs) = (world.node(acme, "a").await, world.node(other, "b").await);
    let (_, token) = store.create_token(someone(), &all(), other, SignedDuration::from_hours(1)).await.unwrap();
    let vera = world.user("Vera", Access::at(Duty::Viewer, [acme])).await;
    let scope = &Scope::of(&vera.access, Role::Viewer);

    let seen: Vec<ClientId> = store.clients(scope).await.unwrap().into_iter().map(|client| client.id).collect();
    assert_eq!(seen, [acme]);
    let seen: Vec<NodeId> = store.nodes(scope, None).await.unwrap().into_iter().map(|node| node.id).collect();
    assert_eq!(seen, [ours]);
    assert_eq!(store.nodes(scope, Some(other)).await.unwrap(), []);
    assert!(matches!(store.client(scope, other).await, Err(Error::NotFound("client"))));
    assert!(matches!(store.node(scope, theirs).await, Err(Error::NotFound("node"))));
    assert!(matches!(store.tokens(scope, other).await, Err(Error::NotFound("client"))));
    assert!(matches!(store.consequences(scope, theirs).await, Err(Error::NotFound("node"))));
    let actor = || Actor::person(&vera, None);
    assert!(store.change_client(actor(), scope, other, ClientChange::default()).await.is_err());
    assert!(store.delete_client(actor(), scope, other).await.is_err());
    assert!(store.change_node(actor(), scope, theirs, NodeChange::default()).await.is_err());
    assert!(store.revoke_node(actor(), scope, theirs).await.is_err());
    assert!(store.delete_node(actor(), scope, theirs).await.is_err());
    assert!(store.delete_token(actor(), scope, other, token.id).await.is_err());
    assert!(store.delete_token(actor(), scope, acme, token.id).await.is_err());
    assert!(store.create_token(actor(), scope, other, SignedDuration::from_hours(1)).await.is_err());
    assert!(matches!(store.audit(scope, AuditAsk { limit: 9, ..AuditAsk::default() }).await, Err(Error::Forbidden(_))));
    let work = &Scope::of(&vera.access, Role::Analyst);
    assert!(matches!(store.client(work, acme).await, Err(Error::Forbidden(Role::Analyst))));
    assert!(matches!(store.client(work, other).await, Err(Error::NotFound("client"))));
    assert_eq!(store.numbers(scope).into_keys().collect::<Vec<_>>(), [acme]);
    let changes = store.changes_since(scope, &Default::default()).await.unwrap();
    assert!(changes.iter().all(|change| change.client == acme));
    assert_eq!(scope.narrowed([acme, other]).reach(), &Reach::Only(BTreeSet::from([acme])));
    // Nothing of it happened.
    assert_eq!(store.client(&all(), other).await.unwrap().name, "Other");
    assert_eq!(store.node(&all(), theirs).await.unwrap().revoked, None);
}

#[tokio::test]
async fn a_node_is_changed_disabled_and_deleted() {
    let world = World::new().await;
    let store = &world.store;
    let client = world.client("Acme").await;
    let node = world.node(client, "probe").await;
    let second = world.node(client, "probe").await;
    assert_eq!(store.node(&all(), second).await.unwrap().name, "probe-2");
    let change = NodeChange { site: Some("Cellar".into()), disabled: Some(true), ..NodeChange::default() };
    let changed = store.change_node(someone(), &all(), node, change).await.unwrap();
    assert_eq!((changed.site.as_str(), changed.disabled, changed.name.as_str()), ("Cellar", true, "probe"));
    assert!(store.identity(node).await.unwrap().unwrap().disabled);
    let taken = NodeChange { name: Some("probe-2".into()), ..NodeChange::default() };
    assert!(matches!(
        store.change_node(someone(), &all(), node, taken).await,
        Err(Error::Invalid { field: "name", .. })
    ));

    store.delete_node(someone(), &all(), node).await.unwrap();
    assert_eq!(store.identity(node).await.unwrap(), None);
    assert!(matches!(store.node(&all(), node).await, Err(Error::NotFound(_))));
    assert_eq!(store.nodes(&all(), None).await.unwrap().len(), 1);
    assert_eq!(store.node(&all(), world.node(client, "probe").await).await.unwrap().name, "probe");
}

#[tokio::test]
async fn everything_is_in_the_audit_log_and_changes_are_numbered() {
    let world = World::new().await;
    let store = &world.store;
    let before = store.numbers(&all());
    let client = world.client("Acme").await;
    let known = store.numbers(&all());
    assert!(!before.contains_key(&client));
    let node = world.node(client, "probe").await;
    let changes = store.changes_since(&all(), &known).await.unwrap();
    let number = store.numbers(&all())[&client];
    assert_eq!(
        changes,
        [Change { client, number, what: What::Client }, Change { client, number, what: What::Nodes(Some(node)) }]
    );
    assert_eq!(store.changes_since(&all(), &store.numbers(&all())).await.unwrap(), []);
    let from_the_future = [(client, number + 1)].into();
    assert_eq!(store.changes_since(&all(), &from_the_future).await.unwrap().last().unwrap().what, What::Reset);

    let ask = |ask: AuditAsk| async move { store.audit(&all(), AuditAsk { limit: 2, ..ask }).await.unwrap() };
    let actions = |entries: &[AuditEntry]| entries.iter().map(|entry| entry.action.clone()).collect::<Vec<_>>();
    let first = ask(AuditAsk::default()).await;
    assert_eq!(actions(&first), ["node.enrol", "token.create"]);
    let second = ask(AuditAsk { before: Some(first[1].id), ..AuditAsk::default() }).await;
    assert_eq!(second.iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>(), ["Acme"]);
    let only = |action: &str| AuditAsk { action: Some(action.into()), ..AuditAsk::default() };
    assert_eq!(actions(&ask(only("token")).await), ["token.create"]);
    assert_eq!(actions(&ask(only("token.create")).await), ["token.create"]);
    assert_eq!(actions(&ask(only("token.delete")).await), [""; 0]);
    assert_eq!(actions(&ask(AuditAsk { client: Some(ClientId::SOC), ..AuditAsk::default() }).await), [""; 0]);
    world.hand.turn(60);
    let change = ClientChange { notes: Some("third floor".into()), ..ClientChange::default() };
    store.change_client(someone(), &all(), client, change).await.unwrap();
    let later = ask(AuditAsk { from: Some(noon() + SignedDuration::from_secs(1)), ..AuditAsk::default() }).await;
    assert_eq!(actions(&later), ["client.change"]);
    assert_eq!(later[0].before, Some(serde_json::json!({ "notes": "" })));
    assert_eq!(later[0].after, Some(serde_json::json!({ "notes": "third floor" })));
    let earlier = ask(AuditAsk { to: Some(noon() + SignedDuration::from_secs(1)), ..AuditAsk::default() }).await;
    assert_eq!(actions(&earlier), ["node.enrol", "token.create"]);
}

#[tokio::test]
async fn the_core_keeps_its_authorities_settings_and_sealed_secrets() {
    let mut world = World::new().await;
    let ends = noon() + SignedDuration::from_hours(24 * 365);
    let new =
        NewAuthority { certificate: "PEM".into(), sealed_key: vec![1, 2, 3], ends, state: AuthorityState::Signing };
    let id = world.store.add_authority(someone(), new).await.unwrap();
    world.store.set_setting(someone(), "silence", &vec![600, 3600]).await.unwrap();
    world.store.seal(someone(), "mail", vec![9]).await.unwrap();
    world.restart().await;
    world.store.set_authority_state(someone(), id, AuthorityState::Retired).await.unwrap();
    let authorities = world.store.authorities().await.unwrap();
    assert_eq!((authorities[0].id, authorities[0].state, authorities[0].ends), (id, AuthorityState::Retired, ends));
    assert_eq!(world.store.setting::<Vec<u32>>("silence").await.unwrap(), Some(vec![600, 3600]));
    assert_eq!(world.store.setting::<Vec<u32>>("other").await.unwrap(), None);
    assert_eq!(world.store.sealed("mail").await.unwrap(), Some(vec![9]));
}
