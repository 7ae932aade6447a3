//! GitHub, imitated after docs.github.com: «Authorizing OAuth apps», and of the REST API (2022-11-28) «Get the authenticated
//! user», «List organization memberships for the authenticated user», «List teams for the authenticated user».

use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::{Browser, SECRET, add, query, stage};

type Fields = std::collections::HashMap<String, String>;

#[derive(Default)]
struct Said {
    user: Value,
    memberships: Vec<Value>,
    teams: Vec<Value>,
    /// The PKCE challenge that the code «c» was given for.
    challenge: String,
}

type Shared = State<Arc<Mutex<Said>>>;

async fn start() -> (String, Arc<Mutex<Said>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let said = Arc::new(Mutex::new(Said::default()));
    let router = Router::new()
        .route("/login/oauth/access_token", post(token))
        .route("/api/v3/meta", get(|| async { Json(json!({})) }))
        .route("/api/v3/user", get(user))
        .route("/api/v3/user/memberships/orgs", get(memberships))
        .route("/api/v3/user/teams", get(teams))
        .with_state(said.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (host, said)
}

async fn token(State(said): Shared, Form(fields): Form<Fields>) -> Json<Value> {
    let verifier = ring::digest::digest(&ring::digest::SHA256, fields["code_verifier"].as_bytes());
    let right = fields["code"] == "c"
        && fields["client_id"] == "socme"
        && fields["client_secret"] == SECRET
        && BASE64.encode(verifier) == said.lock().unwrap().challenge;
    Json(if right {
        json!({"access_token": "gho_imitated", "token_type": "bearer", "scope": "read:org"})
    } else {
        json!({"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."})
    })
}

fn known(headers: &HeaderMap) {
    assert_eq!(headers["authorization"], "Bearer gho_imitated");
    assert!(headers["user-agent"].to_str().unwrap().starts_with("SOCme/"));
}

async fn user(State(said): Shared, headers: HeaderMap) -> Json<Value> {
    known(&headers);
    Json(said.lock().unwrap().user.clone())
}

async fn memberships(State(said): Shared, Query(page): Query<Fields>, headers: HeaderMap) -> Json<Value> {
    known(&headers);
    assert_eq!(page["state"], "active", "who was only invited is no member");
    Json(cut(&said.lock().unwrap().memberships, &page))
}

async fn teams(State(said): Shared, Query(page): Query<Fields>, headers: HeaderMap) -> Json<Value> {
    known(&headers);
    Json(cut(&said.lock().unwrap().teams, &page))
}

fn cut(all: &[Value], page: &Fields) -> Value {
    let number = |name: &str| page[name].parse::<usize>().unwrap();
    let size = number("per_page");
    Value::Array(all.iter().skip((number("page") - 1) * size).take(size).cloned().collect())
}

#[tokio::test]
async fn people_of_an_organisation_sign_in_with_github_and_only_their_number_counts() {
    let mut stage = stage().await;
    let (host, said) = start().await;
    let mapping = json!([{"group": "Acme/Night-Shift", "access": {"everywhere": "analyst"}}]);
    let rules = json!({"groups": ["acme"], "mapping": mapping});
    let provider = add(&mut stage, "github", "GitHub", &host, json!({"strangers": true, "rules": rules})).await;
    let (_, tested) = stage.ask("POST", &format!("/providers/{provider}/test"), None).await;
    assert_eq!(tested["fine"], true, "{tested}");

    let come = async |browser: &mut Browser| {
        let url = browser.begin("/session/visit", &provider).await;
        assert_eq!((query(&url, "code_challenge_method"), query(&url, "scope")), ("S256".into(), "read:org".into()));
        said.lock().unwrap().challenge = query(&url, "code_challenge");
        let back = json!({"slug": "github", "code": "c", "state": query(&url, "state")});
        browser.end(&back).await
    };
    for nobody in [json!({"login": "octocat"}), json!({"id": null, "login": "octocat"}), json!({"id": 0, "login": "x"})]
    {
        said.lock().unwrap().user = nobody;
        let status = come(&mut Browser::new(&stage)).await.0;
        assert!(matches!(status.as_u16(), 401 | 502), "{status}");
        stage.running.as_ref().unwrap().core.visits.forget();
    }
    said.lock().unwrap().user = json!({"id": 7, "login": "octocat"});
    assert_eq!(come(&mut Browser::new(&stage)).await.1["type"], "not-let-in");

    // The organisation is on the second page.
    let organisation = |login: &str| json!({"state": "active", "organization": {"login": login}});
    let mut memberships: Vec<_> = (0..100).map(|n| organisation(&format!("other-{n}"))).collect();
    memberships.push(organisation("acme"));
    said.lock().unwrap().memberships = memberships;
    let (status, first) = come(&mut Browser::new(&stage)).await;
    assert_eq!((status.as_u16(), first["me"]["role"].as_str()), (200, Some("guest")), "{first}");

    // A new login, the same number: the same person. In the team now.
    said.lock().unwrap().user = json!({"id": 7, "login": "hexacat"});
    said.lock().unwrap().teams = vec![json!({"slug": "night-shift", "organization": {"login": "acme"}})];
    let mut browser = Browser::new(&stage);
    let (status, second) = come(&mut browser).await;
    assert_eq!((status.as_u16(), &second["me"]["id"]), (200, &first["me"]["id"]), "{second}");
    assert_eq!(second["me"]["role"], "analyst");
    assert_eq!(browser.get("/me/identities").await["identities"][0]["label"], "hexacat");

    // The old login, another number: somebody else.
    said.lock().unwrap().user = json!({"id": 8, "login": "octocat"});
    let (status, other) = come(&mut Browser::new(&stage)).await;
    assert_eq!(status, 200, "{other}");
    assert_ne!(other["me"]["id"], first["me"]["id"]);

    // A code that was not given for this visit's challenge.
    let mut browser = Browser::new(&stage);
    let url = browser.begin("/session/visit", &provider).await;
    let (status, refused) = browser.end(&json!({"slug": "github", "code": "c", "state": query(&url, "state")})).await;
    assert_eq!((status.as_u16(), refused["type"].as_str()), (401, Some("visit-untrue")), "{refused}");
    stage.stop().await;
}

#[tokio::test]
async fn a_github_is_told_by_its_host_and_limited_by_organisations() {
    let mut stage = stage().await;
    let (host, _) = start().await;
    let shown = add(&mut stage, "github", "GitHub", &format!("{host}/some/path"), json!({})).await;
    assert_eq!(stage.get(&format!("/providers/{shown}")).await["issuer"], json!(host));
    let domains = json!({"name": "Other", "kind": "github", "client_id": "x", "rules": {"domains": ["acme.example"]}});
    let (status, said) = stage.ask("POST", "/providers", Some(domains)).await;
    assert_eq!((status.as_u16(), said["field"].as_str()), (400, Some("domains")), "{said}");
    stage.stop().await;
}
