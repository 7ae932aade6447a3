//! Attacks on people's sessions, tried and held.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{PASSPHRASE, Stage};

async fn sign_in(stage: &Stage, cookie: &str) -> (StatusCode, String) {
    let request = stage.http.post(format!("{}/api/v1/session", stage.base)).header("x-socme", "1");
    let request = request.header("cookie", cookie).json(&json!({"name": "Ada", "passphrase": PASSPHRASE}));
    let answer = request.send().await.unwrap();
    let given = answer.headers().get("set-cookie").map(|value| value.to_str().unwrap().to_owned());
    (answer.status(), given.unwrap_or_default())
}

async fn me(stage: &Stage, cookie: &str) -> StatusCode {
    let request = stage.http.get(format!("{}/api/v1/me", stage.base)).header("cookie", cookie);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn a_session_that_an_attacker_has_chosen_is_never_signed_in() {
    let stage = Stage::new().await;
    let chosen = format!("socme_session={}", "a".repeat(64));
    let (status, given) = sign_in(&stage, &chosen).await;
    assert_eq!(status, 200);
    let given = given.split(';').next().unwrap().to_owned();
    assert_ne!(given, chosen);
    assert_eq!(me(&stage, &chosen).await, 401);
    // A session that is there already is not made into another one's: each signing in gives a new secret.
    let (_, second) = sign_in(&stage, &given).await;
    assert_ne!(second.split(';').next().unwrap(), given);
    assert_eq!(me(&stage, &given).await, 200);
    // Beside another cookie of the same name, as a neighbour on the same host could set it, only the first counts, and opens nothing.
    assert_eq!(me(&stage, &format!("{chosen}; {given}")).await, 401);
    stage.stop().await;
}

#[tokio::test]
async fn with_tls_the_cookie_never_leaves_it_nor_this_host() {
    let files = tempfile::tempdir().unwrap();
    let (certificate, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let more = format!("tls_certificate = {certificate:?}\ntls_key = {key:?}");
    let stage = Stage::empty(&more).await;
    let running = stage.running.as_ref().unwrap();
    let trusted = reqwest::Certificate::from_der(made.cert.der()).unwrap();
    let http = reqwest::Client::builder().add_root_certificate(trusted).no_proxy().build().unwrap();
    let token = running.setup_link.as_ref().unwrap().split_once('#').unwrap().1;
    let url = format!("https://localhost:{}/api/v1/setup", running.people.port());
    let body = json!({"token": token, "name": "Ada", "passphrase": PASSPHRASE});
    let answer = http.post(url).header("x-socme", "1").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-socme_session="), "{cookie}");
    for word in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(answer.headers()["strict-transport-security"].to_str().unwrap().starts_with("max-age="));
    stage.stop().await;
}

#[tokio::test]
async fn what_was_secret_is_in_no_answer() {
    let mut stage = Stage::new().await;
    let (_, invited) =
        stage.ask("POST", "/users", Some(json!({"name": "Vera", "access": {"everywhere": "viewer"}}))).await;
    let (_, key) = stage.ask("POST", "/me/keys", Some(json!({"name": "desk", "role": "viewer"}))).await;
    let (_, begun) = stage.ask("POST", "/me/authenticator/begin", None).await;
    let link = invited["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let secrets = [
        PASSPHRASE.to_owned(),
        link,
        key["secret"].as_str().unwrap().to_owned(),
        begun["secret"].as_str().unwrap().to_owned(),
        stage.cookie.split_once('=').unwrap().1.to_owned(),
        "$argon2id$".to_owned(),
    ];
    let me = stage.get("/me").await["id"].clone();
    let paths = ["/me", "/me/keys", "/me/sessions", "/users", "/keys", "/audit", "/health", "/clients", "/version"];
    for path in paths.into_iter().map(str::to_owned).chain([format!("/users/{me}"), format!("/users/{me}/sessions")]) {
        let said: Value = stage.get(&path).await;
        let text = said.to_string();
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{path} tells a secret");
    }
    stage.stop().await;
}
