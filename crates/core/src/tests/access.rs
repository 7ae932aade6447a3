//! The whole table of who may do what, tried: every path of the API, by everybody, on their own client, another's, and none.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::{Value, json};
use store::{Access, ApiKeyId, ClientId, Duty, NewApiKey, Reach, Role, SessionId, Shown, Store, TokenId, User};
use uuid::Uuid;

use super::world::{OTHERS, World, actor, all, command, node, session, user};
use crate::api::access::{About, Rule, Shows, TABLE, Who};

/// Whose thing a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// One at the client that the asker was given; of users and sessions: the asker's own.
    Own,
    /// One at another client; somebody else's.
    Other,
    /// None at all.
    Nothing,
}

/// Somebody who asks.
#[derive(Clone, Debug)]
struct Asker {
    what: &'static str,
    /// None: nobody is signed in.
    access: Option<Access>,
    with_key: bool,
}

impl World {
    fn askers(&self) -> Vec<Asker> {
        let client = self.own.client;
        let mut askers = vec![Asker { what: "nobody", access: None, with_key: false }];
        for (what, access) in [
            ("a guest", Access::none()),
            ("a viewer of the client", Access::at(Duty::Viewer, [client])),
            ("an analyst of the client", Access::at(Duty::Analyst, [client])),
            (
                "an analyst of the client who may look at the other",
                Access::Given {
                    everywhere: None,
                    clients: [(client, Duty::Analyst), (self.other.client, Duty::Viewer)].into(),
                },
            ),
            ("a viewer of all clients", Access::everywhere(Duty::Viewer)),
            ("an analyst of all clients", Access::everywhere(Duty::Analyst)),
            ("an administrator", Access::Admin),
        ] {
            askers.push(Asker { what, access: Some(access.clone()), with_key: false });
            if access != Access::none() {
                askers.push(Asker { what, access: Some(access), with_key: true });
            }
        }
        askers
    }
}

/// What somebody presents, made anew for each request: requests end sessions and delete keys.
struct Pass {
    user: Option<User>,
    session: Option<SessionId>,
    key: Option<ApiKeyId>,
    header: (&'static str, String),
}

async fn key(store: &Store, user: &User) -> (String, ApiKeyId) {
    let new = NewApiKey { name: "key".into(), role: user.role(), clients: Reach::All, valid: None };
    let (secret, key) = store.create_api_key(actor(), user.id, new).await.unwrap();
    (format!("Bearer {}", secret.reveal()), key.id)
}

async fn pass(store: &Store, asker: &Asker) -> Pass {
    let Some(access) = &asker.access else {
        return Pass { user: None, session: None, key: None, header: ("x-nothing", String::new()) };
    };
    let user = user(store, access).await;
    let (cookie, session) = session(store, user.id).await;
    let made = if user.role() > Role::Guest { Some(key(store, &user).await) } else { None };
    let header = match &made {
        Some((bearer, _)) if asker.with_key => ("authorization", bearer.clone()),
        _ => ("cookie", cookie),
    };
    Pass { user: Some(user), session: Some(session), key: made.map(|made| made.1), header }
}

/// Where a request goes, and its body; none if it has no such target.
async fn request(world: &World, rule: &Rule, target: Target, pass: &Pass) -> Option<(String, Value)> {
    let store = world.stage.store();
    let things = match target {
        Target::Own => Some(&world.own),
        Target::Other => Some(&world.other),
        Target::Nothing => None,
    };
    let client = things.map_or(9_999, |things| things.client.0);
    let stranger = user(&store, &Access::none()).await;
    let place = match rule.path {
        "/clients/{id}"
        | "/clients/{id}/tokens"
        | "/clients/{id}/retention"
        | "/clients/{id}/hold"
        | "/clients/{id}/export" => rule.path.replace("{id}", &client.to_string()),
        "/clients/{id}/tokens/{token_id}" => {
            let token = match things {
                Some(things) => {
                    let hour = SignedDuration::from_hours(1);
                    store.create_token(actor(), &all(), things.client, hour).await.unwrap().1.id
                }
                None => TokenId(9_999),
            };
            format!("/clients/{client}/tokens/{token}")
        }
        path if path.starts_with("/nodes/{id}") => {
            let node = things.map_or(9_999, |things| things.node.0);
            path.replace("{id}", &node.to_string()).replace("{agent}", "001")
        }
        "/commands/{id}" => {
            let id = match things {
                // Whoever withdrew it took it from the next, and the nodes of before are revoked by now.
                Some(things) if rule.method == "DELETE" => {
                    let word = if target == Target::Other { OTHERS } else { "own" };
                    command(&store, node(&store, things.client, word).await).await.0
                }
                Some(things) => things.command.0,
                None => 9_999_999,
            };
            format!("/commands/{id}")
        }
        "/alerts/{client}/{id}" => format!("/alerts/{client}/{}", things.map_or(Uuid::nil(), |things| things.alert)),
        path if path.starts_with("/users/{id}") => {
            let id = match target {
                Target::Nothing => 9_999,
                _ => stranger.id.0,
            };
            path.replace("{id}", &id.to_string())
        }
        "/me/sessions/{id}" => {
            let id = match target {
                Target::Own => pass.session.unwrap_or(SessionId(9_999)),
                Target::Other => session(&store, stranger.id).await.1,
                Target::Nothing => SessionId(9_999),
            };
            format!("/me/sessions/{id}")
        }
        "/me/passkeys/{id}" => {
            let owner = if target == Target::Own {
                pass.user.as_ref().map_or(stranger.id, |user| user.id)
            } else {
                stranger.id
            };
            let id = Uuid::now_v7().as_bytes().to_vec();
            store.add_passkey(actor(), owner, "phone", id, "{}".into()).await.unwrap();
            let id = store.passkeys(owner).await.unwrap()[0].id.0;
            format!("/me/passkeys/{}", if target == Target::Nothing { 9_999 } else { id })
        }
        "/me/identities/{id}" => {
            let owner = if target == Target::Own {
                pass.user.as_ref().map_or(stranger.id, |user| user.id)
            } else {
                stranger.id
            };
            let subject = Uuid::now_v7().to_string();
            let shown = Shown { provider: world.provider, subject, label: "somebody".into(), access: None };
            store.link_identity(actor(), owner, shown).await.unwrap();
            let id = store.identities(owner).await.unwrap()[0].id.0;
            format!("/me/identities/{}", if target == Target::Nothing { 9_999 } else { id })
        }
        path if path.starts_with("/providers/{id}") => {
            let id = if target == Target::Nothing { 9_999 } else { world.provider.0 };
            path.replace("{id}", &id.to_string())
        }
        path @ ("/me/keys/{id}" | "/keys/{id}") => {
            let id = match target {
                // A guest has none.
                Target::Own => pass.key.or(pass.user.is_none().then_some(ApiKeyId(9_999)))?,
                Target::Other => key(&store, &user(&store, &Access::Admin).await).await.1,
                Target::Nothing => ApiKeyId(9_999),
            };
            path.replace("{id}", &id.to_string())
        }
        path if path.contains('{') => panic!("nobody said what {path} is about: write it here"),
        "/alerts/actions" => "/alerts/actions".into(),
        path if target == Target::Own => path.to_owned(),
        // No thing is named in the path: it is the same request for all targets.
        _ => return None,
    };
    let body = match (rule.method, rule.path) {
        ("POST", "/alerts/actions") => {
            let alert = things.map_or(Uuid::nil(), |things| things.alert);
            json!({"action": "comment", "comment": "seen", "alerts": [{"client": client, "id": alert}]})
        }
        ("POST", "/nodes/{id}/commands") => json!({"deed": "restart_agent", "agent": "001"}),
        ("POST", "/searches/vulnerable") => json!({"cve": "CVE-2026-12345"}),
        ("PUT", "/clients/{id}/hold") => json!({"why": "a test"}),
        // Deletes nothing: the name is not typed.
        ("DELETE", _) => json!({"confirm": ""}),
        _ => json!({}),
    };
    Some((place, body))
}

/// What must be answered: this status, or (none) anything that shows that they were let through.
fn expected(rule: &Rule, asker: &Asker, target: Target, own: ClientId, other: ClientId) -> Option<u16> {
    let Who::Role(role) = rule.who else {
        return match (rule.who, &asker.access) {
            (Who::Anyone, _) => None,
            (_, None) => Some(401),
            _ if asker.with_key && !matches!(rule.shows, Shows::Any | Shows::Key) => Some(403),
            _ if !asker.with_key && rule.shows == Shows::Key => Some(403),
            _ if rule.path.contains('{') && target != Target::Own => Some(404),
            _ => None,
        };
    };
    let Some(access) = &asker.access else { return Some(401) };
    if access.role() < role {
        return Some(403);
    }
    if asker.with_key && matches!(rule.shows, Shows::Session | Shows::SessionLately) {
        return Some(403);
    }
    match (rule.about, target) {
        (About::Client, Target::Nothing) => Some(404),
        (About::Client, _) => {
            let client = if target == Target::Own { own } else { other };
            if access.reach(role).holds(client) {
                None
            } else if access.reach(Role::Viewer).holds(client) {
                Some(403)
            } else {
                Some(404)
            }
        }
        (About::Everything, Target::Nothing) if rule.path.contains('{') => Some(404),
        _ => None,
    }
}

#[tokio::test]
async fn everybody_gets_what_the_table_says_and_nothing_else() {
    let world = World::new().await;
    let store = world.stage.store();
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for rule in TABLE.iter().filter(|rule| rule.path != "/live") {
        for asker in world.askers() {
            for target in [Target::Own, Target::Other, Target::Nothing] {
                let pass = pass(&store, &asker).await;
                let Some((place, body)) = request(&world, rule, target, &pass).await else { continue };
                let url = format!("{}/api/v1{place}", world.stage.base);
                let asked = world.stage.http.request(rule.method.parse().unwrap(), url).header("x-socme", "1");
                let answer = asked.header(pass.header.0, &pass.header.1).json(&body).send().await.unwrap();
                let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
                let kind = serde_json::from_str::<Value>(&text).unwrap_or_default()["type"].clone();
                let fits = match expected(rule, &asker, target, world.own.client, world.other.client) {
                    Some(expected) => status == expected,
                    // Without a passphrase nobody can show it, and a nonsensical body is told as such.
                    None => kind == "wrong-sign-in" || ![401, 403, 404, 405, 500].contains(&status),
                };
                let sees = asker.access.as_ref().map(|access| access.reach(Role::Viewer));
                let leaks = !sees.is_some_and(|sees| sees.holds(world.other.client)) && text.contains(OTHERS);
                if !fits || leaks {
                    let with = if asker.with_key { " (key)" } else { "" };
                    wrong.push(format!(
                        "{} {} for {:?} by {}{with}: {status}{} {}",
                        rule.method,
                        rule.path,
                        target,
                        asker.what,
                        if leaks { " TELLS OF THE OTHER CLIENT" } else { "" },
                        text.chars().take(200).collect::<String>()
                    ));
                }
                *tried.entry(asker.what).or_default() += 1;
                let _ = &pass.user;
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
    let cases: usize = tried.values().sum();
    println!("{cases} cases: {} paths, by {} kinds of askers", TABLE.len() - 1, world.askers().len());
    assert!(cases > 1_000, "{tried:?}");
    world.stage.stop().await;
}

#[tokio::test]
async fn a_live_stream_tells_of_ones_clients_alone() {
    let world = World::new().await;
    let store = world.stage.store();
    let (own, other) = (world.own.client, world.other.client);
    for asker in world.askers() {
        let pass = pass(&store, &asker).await;
        let request = world.stage.http.get(format!("{}/api/v1/live", world.stage.base));
        let answer = request.header(pass.header.0, &pass.header.1).send().await.unwrap();
        let sees = match &asker.access {
            None => {
                assert_eq!(answer.status(), 401);
                continue;
            }
            // A guest hears of nothing but that they were given something.
            Some(access) => access.reach(Role::Viewer),
        };
        let mut events = Events::new(answer);
        let hello = events.next("hello").await.unwrap();
        for client in [own, other, ClientId::SOC] {
            assert_eq!(
                hello["clients"].get(client.to_string()).is_some(),
                sees.holds(client),
                "{}: {hello}",
                asker.what
            );
        }
        // The other's first: when one's own is heard of, the other's was told before, or never will be.
        for client in [other, own] {
            let now = store.clock().now();
            let alarm = crate::silence::alarm("live", "live", wire::Severity::Low, "live", "live", now);
            store.raise(&all(), client, None, alarm).await.unwrap();
        }
        let mut waiting: Vec<i64> =
            [own, other].into_iter().filter(|client| sees.holds(*client)).map(|c| c.0).collect();
        while !waiting.is_empty() {
            let heard = events.next("alerts").await.unwrap()["client"].as_i64().unwrap();
            assert!(sees.holds(ClientId(heard)), "{} hears of {heard}", asker.what);
            waiting.retain(|client| *client != heard);
        }
    }
    world.stage.stop().await;
}

#[tokio::test]
async fn whose_rights_change_loses_their_open_streams() {
    let world = World::new().await;
    let store = world.stage.store();
    let viewer = user(&store, &Access::at(Duty::Viewer, [world.own.client])).await;
    let open = async || {
        let (cookie, session) = session(&store, viewer.id).await;
        let request = world.stage.http.get(format!("{}/api/v1/live", world.stage.base)).header("cookie", cookie);
        let mut events = Events::new(request.send().await.unwrap());
        events.next("hello").await.unwrap();
        (events, session)
    };
    let change = async |access: Option<Access>, disabled: Option<bool>| {
        let change = store::UserChange { access, disabled, ..store::UserChange::default() };
        store.change_user(actor(), viewer.id, change).await.unwrap();
    };
    let (mut events, _) = open().await;
    change(Some(Access::at(Duty::Viewer, [world.other.client])), None).await;
    events.next("rights").await.unwrap();
    assert_eq!(events.next("nothing more").await, None);
    let (mut events, _) = open().await;
    change(Some(Access::none()), None).await;
    events.next("rights").await.unwrap();
    change(Some(Access::everywhere(Duty::Viewer)), None).await;
    let (mut events, ended) = open().await;
    store.end_session(actor(), viewer.id, ended).await.unwrap();
    events.next("session").await.unwrap();
    let (mut events, _) = open().await;
    change(None, Some(true)).await;
    events.next("session").await.unwrap();
    assert_eq!(events.next("nothing more").await, None);
    world.stage.stop().await;
}

/// A viewer who asks for what only another client has is told exactly what they are told of what nobody has.
#[tokio::test]
async fn no_question_tells_whether_another_client_has_something() {
    let world = World::new().await;
    let store = world.stage.store();
    let viewer = user(&store, &Access::at(Duty::Viewer, [world.own.client])).await;
    let (cookie, _) = session(&store, viewer.id).await;
    let ask = async |path: String| {
        let request = world.stage.http.get(format!("{}/api/v1{path}", world.stage.base)).header("cookie", &cookie);
        let answer = request.send().await.unwrap();
        let (status, mut said): (StatusCode, Value) = (answer.status(), answer.json().await.unwrap());
        // A problem's id is random, and a page's place is the time.
        for key in ["id", "new_cursor"] {
            said.as_object_mut().unwrap().remove(key);
        }
        (status, said)
    };
    let nobody = "nirgendwer";
    let mut asked = 0;
    for field in ["", "host:", "user:", "rule:", "node:", "client:", "ip:", "domain:", "hash:"] {
        for path in ["/alerts", "/alerts/count", "/alerts/histogram", "/alerts/facets", "/query/complete"] {
            let theirs = ask(format!("{path}?q={field}{OTHERS}")).await;
            let none = ask(format!("{path}?q={field}{nobody}")).await;
            let same = none.1 == serde_json::from_str::<Value>(&theirs.1.to_string().replace(OTHERS, nobody)).unwrap();
            assert!(theirs.0 == none.0 && same, "{path} {field}: {theirs:?} {none:?}");
            asked += 1;
        }
    }
    for id in [world.other.client.0, 9_999] {
        assert_eq!(ask(format!("/nodes?client={id}")).await.1["nodes"], json!([]));
    }
    let theirs = ask(format!("/alerts/{}/{}", world.own.client, world.other.alert)).await;
    assert_eq!(theirs, ask(format!("/alerts/{}/{}", world.own.client, Uuid::now_v7())).await);
    assert_eq!(theirs.0, 404);
    println!("{asked} questions");
    world.stage.stop().await;
}

/// A live stream, read event by event.
struct Events {
    body: std::pin::Pin<Box<dyn futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
}

impl Events {
    fn new(answer: reqwest::Response) -> Self {
        assert_eq!(answer.status(), 200);
        Self { body: Box::pin(answer.bytes_stream()), text: String::new() }
    }

    /// The data of the next event of this name; none when the stream ends. Waits for 20 seconds at most.
    async fn next(&mut self, name: &str) -> Option<Value> {
        let wait = async {
            loop {
                while let Some((event, rest)) = self.text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned()))
                {
                    self.text = rest;
                    let line = |key: &str| event.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("");
                    if line("event: ") == name {
                        return Some(serde_json::from_str(line("data: ")).unwrap());
                    }
                }
                let chunk = self.body.next().await?.ok()?;
                self.text += std::str::from_utf8(&chunk).unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("no {name} came"))
    }
}
