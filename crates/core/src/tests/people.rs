//! People: who gets in, who does not, and what they are told.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{PASSPHRASE, Stage, plain};

fn credentials(name: &str, passphrase: &str) -> Option<Value> {
    Some(json!({"name": name, "passphrase": passphrase}))
}

#[tokio::test]
async fn the_setup_link_works_once() {
    let mut stage = Stage::empty("").await;
    let link = stage.running.as_ref().unwrap().setup_link.clone().unwrap();
    let token = link.split_once('#').unwrap().1.to_owned();
    assert_eq!(stage.get("/setup").await["needed"], true);
    let set_up = |token: &str, passphrase: &str| Some(json!({"token": token, "name": "Ada", "passphrase": passphrase}));
    let (status, weak) = stage.ask("POST", "/setup", set_up(&token, "password1234")).await;
    assert_eq!((status.as_u16(), weak["field"].as_str()), (400, Some("passphrase")), "{weak}");
    assert_eq!(stage.ask("POST", "/setup", set_up("AAAA", PASSPHRASE)).await.0, 400);
    assert_eq!(stage.ask("POST", "/setup", set_up(&token, PASSPHRASE)).await.0, 200);
    assert_eq!(stage.get("/me").await["role"], "admin");
    assert_eq!(stage.get("/setup").await["needed"], false);
    let (status, dead) = stage.ask("POST", "/setup", set_up(&token, PASSPHRASE)).await;
    assert_eq!(status, 409, "{dead}");
    stage.stop().await;
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_passphrase_are_told_in_the_same_words_and_guessing_gets_slow() {
    let mut stage = Stage::new().await;
    let mut answers = Vec::new();
    for (name, passphrase) in [("Ada", "not this one, but long"), ("Bob", "not this one, but long")] {
        let (status, mut said) = stage.ask("POST", "/session", credentials(name, passphrase)).await;
        said["id"] = Value::Null;
        answers.push((status, said));
    }
    assert_eq!(answers[0].0, 401);
    assert_eq!(answers[0], answers[1]);
    let mut last = StatusCode::OK;
    for _ in 0..8 {
        last = stage.ask("POST", "/session", credentials("Ada", "not this one, but long")).await.0;
    }
    assert_eq!(last, 429);
    assert_eq!(
        stage.ask("POST", "/session", credentials("Ada", PASSPHRASE)).await.0,
        429,
        "not even with the right one"
    );
    // Whoever guesses here does not lock Ada out elsewhere.
    stage.http = plain(Some([127, 0, 0, 9]));
    assert_eq!(stage.ask("POST", "/session", credentials("Ada", PASSPHRASE)).await.0, 200);
    stage.stop().await;
}

#[tokio::test]
async fn a_session_is_for_its_browser_alone_and_ends() {
    let mut stage = Stage::new().await;
    let request = stage.http.post(format!("{}/api/v1/session", stage.base)).header("x-socme", "1");
    let answer = request.json(&credentials("Ada", PASSPHRASE)).send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    stage.get("/me").await;
    // Not used for 13 hours.
    stage.clock.turn(13 * 3600);
    assert_eq!(stage.ask("GET", "/me", None).await.0, 401);
    // Used all the time, but for more than a week.
    stage.ask("POST", "/session", credentials("ada", PASSPHRASE)).await;
    for _ in 0..15 {
        stage.clock.turn(11 * 3600);
        stage.get("/me").await;
    }
    stage.clock.turn(11 * 3600);
    assert_eq!(stage.ask("GET", "/me", None).await.0, 401);
    // Signed out.
    stage.ask("POST", "/session", credentials("ada", PASSPHRASE)).await;
    let cookie = stage.cookie.clone();
    assert_eq!(stage.ask("DELETE", "/session", None).await.0, 204);
    stage.cookie = cookie;
    assert_eq!(stage.ask("GET", "/me", None).await.0, 401);
    stage.stop().await;
}

#[tokio::test]
async fn another_site_cannot_have_a_browser_change_anything() {
    let stage = Stage::new().await;
    let url = format!("{}/api/v1/clients", stage.base);
    let send = |headers: &[(&'static str, &'static str)]| {
        let mut request = stage.http.post(&url).header("cookie", &stage.cookie).json(&json!({"name": "Evil"}));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send()
    };
    assert_eq!(send(&[]).await.unwrap().status(), 403);
    assert_eq!(send(&[("x-socme", "1"), ("sec-fetch-site", "cross-site")]).await.unwrap().status(), 403);
    assert_eq!(send(&[("x-socme", "1"), ("sec-fetch-site", "same-site")]).await.unwrap().status(), 403);
    assert_eq!(send(&[("x-socme", "1"), ("sec-fetch-site", "same-origin")]).await.unwrap().status(), 201);
    stage.stop().await;
}

#[tokio::test]
async fn a_page_may_load_nothing_from_elsewhere_and_data_is_not_kept() {
    let stage = Stage::new().await;
    let page = stage.http.get(&stage.base).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    let data = stage.http.get(format!("{}/api/v1/version", stage.base)).send().await.unwrap();
    assert_eq!(data.headers()["cache-control"], "no-store");
    let metrics = stage.http.get(format!("{}/metrics", stage.base)).send().await.unwrap();
    assert!(!metrics.text().await.unwrap().contains("# TYPE"), "figures are not for the public");
    stage.stop().await;
}

#[tokio::test]
async fn what_a_person_changes_is_in_the_audit_log() {
    let mut stage = Stage::new().await;
    let (_, made) = stage.ask("POST", "/clients", Some(json!({"name": "Acme"}))).await;
    stage.ask("PATCH", &format!("/clients/{}", made["id"]), Some(json!({"notes": "third floor"}))).await;
    let entries = stage.get("/audit").await["entries"].clone();
    let told: Vec<_> =
        entries.as_array().unwrap().iter().map(|entry| (entry["who"].as_str(), entry["subject"].as_str())).collect();
    assert!(
        told.iter().filter(|entry| entry.0 == Some("Ada") && entry.1.is_some_and(|s| s.contains("Acme"))).count() >= 2,
        "{entries}"
    );
    stage.stop().await;
}

#[tokio::test]
async fn what_is_wrong_in_a_request_is_told_by_field_with_the_mend() {
    let mut stage = Stage::new().await;
    let (status, said) = stage.ask("POST", "/clients", Some(json!({"name": ""}))).await;
    assert_eq!((status.as_u16(), said["field"].as_str()), (400, Some("name")), "{said}");
    let (status, said) = stage.ask("GET", "/alerts?q=severity%3Ahihg", None).await;
    assert_eq!((status.as_u16(), said["field"].as_str(), said["start"].as_u64()), (400, Some("q"), Some(9)), "{said}");
    assert!(said["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    for path in ["/clients/99", "/nodes/99", "/alerts/1/0192d5c0-0000-7000-8000-000000000000", "/nowhere"] {
        assert_eq!(stage.ask("GET", path, None).await.0, 404, "{path}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_new_certificate_for_people_is_taken_up_and_a_broken_one_is_not() {
    let files = tempfile::tempdir().unwrap();
    let (certificate, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    let write = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned(), "localhost".to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        reqwest::Certificate::from_der(made.cert.der()).unwrap()
    };
    let first = write("first.example");
    let more = format!("tls_certificate = {certificate:?}\ntls_key = {key:?}");
    let stage = Stage::empty(&more).await;
    let port = stage.running.as_ref().unwrap().people.port();
    let ask = |trusted: &reqwest::Certificate| {
        let client = reqwest::Client::builder().add_root_certificate(trusted.clone()).no_proxy().build().unwrap();
        client.get(format!("https://localhost:{port}/healthz")).send()
    };
    assert_eq!(ask(&first).await.unwrap().status(), 200);
    let core = stage.running.as_ref().unwrap().core.clone();
    let refresh = || core.people_tls.as_ref().unwrap().refresh();
    let second = write("the.second.example");
    refresh();
    assert_eq!(ask(&second).await.unwrap().status(), 200);
    assert!(ask(&first).await.is_err());
    std::fs::write(&key, "no key").unwrap();
    refresh();
    assert_eq!(ask(&second).await.unwrap().status(), 200);
    stage.stop().await;
}

#[tokio::test]
async fn a_program_signs_out_by_deleting_its_own_key_and_no_other() {
    let mut stage = Stage::new().await;
    let mut secrets = Vec::new();
    for name in ["one", "other"] {
        let (status, made) =
            stage.ask("POST", "/me/keys", Some(json!({"name": name, "role": "viewer", "valid_days": 1}))).await;
        assert_eq!(status, 201, "{made}");
        secrets.push(made["secret"].as_str().unwrap().to_owned());
    }
    for method in ["GET", "DELETE"] {
        assert_eq!(stage.ask(method, "/me/key", None).await.0, 403, "a session is no key");
    }
    let with_key = async |method: &str, secret: &str| {
        let url = format!("{}/api/v1/me/key", stage.base);
        let request = stage.http.request(method.parse().unwrap(), url).bearer_auth(secret);
        request.send().await.unwrap()
    };
    let this: Value = with_key("GET", &secrets[0]).await.json().await.unwrap();
    assert_eq!(this["name"], "one", "{this}");
    assert_eq!(with_key("DELETE", &secrets[0]).await.status(), 204);
    assert_eq!(with_key("GET", &secrets[0]).await.status(), 401);
    assert_eq!(with_key("GET", &secrets[1]).await.status(), 200);
    let audit = stage.get("/audit?action=key.delete").await;
    assert_eq!(audit["entries"][0]["subject"], "one", "{audit}");
    stage.stop().await;
}
