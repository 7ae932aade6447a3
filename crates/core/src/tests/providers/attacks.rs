//! What people and providers try who want in and must not.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use reqwest::Url;
use serde_json::{Value, json};

use super::crooked::{Crooked, unsigned};
use super::{Browser, Real, SECRET, Stage, add, query, stage};

/// A core that gives unknown people of a crooked provider an account: whatever is believed shows at once.
async fn crooked() -> (Stage, Crooked, Value) {
    let mut stage = stage().await;
    let crooked = Crooked::start().await;
    let provider = add(&mut stage, "oidc", "Crooked", &crooked.issuer, json!({"strangers": true})).await;
    (stage, crooked, provider)
}

/// What the crooked provider would send a browser back with.
fn returned(url: &Url, iss: &str) -> Value {
    json!({"slug": "crooked", "code": "c", "state": query(url, "state"), "iss": iss})
}

#[tokio::test]
async fn a_token_counts_only_if_all_of_it_is_right() {
    let (stage, crooked, provider) = crooked().await;
    let now = jiff::Timestamp::now().as_second();
    let wrong = |claims| move |_: &str, crooked: &Crooked, nonce: &str| crooked.token(nonce, &claims);
    type Lie = Box<dyn Fn(&str, &Crooked, &str) -> String>;
    let lies: Vec<(&str, Lie)> = vec![
        ("another nonce", Box::new(wrong(json!({"nonce": "another"})))),
        ("no nonce", Box::new(wrong(json!({"nonce": null})))),
        ("expired", Box::new(wrong(json!({"exp": now - 60})))),
        ("for another client", Box::new(wrong(json!({"aud": "another"})))),
        ("for another client too", Box::new(wrong(json!({"aud": ["socme", "another"]})))),
        ("from another issuer", Box::new(wrong(json!({"iss": "https://accounts.google.com"})))),
        ("nobody", Box::new(wrong(json!({"sub": ""})))),
        ("blank", Box::new(wrong(json!({"sub": "  "})))),
        ("no subject", Box::new(wrong(json!({"sub": null})))),
        ("another access token", Box::new(wrong(json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"})))),
        (
            "not signed",
            Box::new(|issuer, _, nonce| {
                let claims = json!({"iss": issuer, "aud": "socme", "sub": "7", "iat": 0, "exp": 9_999_999_999_i64, "nonce": nonce});
                unsigned(&json!({"alg": "none"}), &claims) + "."
            }),
        ),
        (
            "signed with the client's own secret",
            Box::new(|issuer, _, nonce| {
                let claims = json!({"iss": issuer, "aud": "socme", "sub": "7", "iat": 0, "exp": 9_999_999_999_i64, "nonce": nonce});
                let text = unsigned(&json!({"alg": "HS256"}), &claims);
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
                format!("{text}.{}", BASE64.encode(ring::hmac::sign(&key, text.as_bytes())))
            }),
        ),
        (
            "signed with a key that is not its",
            Box::new(|_, crooked, nonce| {
                let token = crooked.token(nonce, &json!({}));
                let (text, _) = token.rsplit_once('.').unwrap();
                format!("{text}.{}", BASE64.encode([7; 64]))
            }),
        ),
    ];
    for (what, lie) in lies {
        let mut browser = Browser::new(&stage);
        let url = browser.begin("/session/visit", &provider).await;
        crooked.gives(lie(&crooked.issuer, &crooked, &query(&url, "nonce")));
        stage.running.as_ref().unwrap().core.visits.forget();
        let (status, said) = browser.end(&returned(&url, &crooked.issuer)).await;
        assert!(matches!(status.as_u16(), 401 | 502), "{what}: {status} {said}");
        assert_eq!(browser.ask("GET", "/me", None).await.0, 401, "{what}");
    }
    // And the same with nothing wrong.
    let mut browser = Browser::new(&stage);
    let url = browser.begin("/session/visit", &provider).await;
    crooked.gives(crooked.token(&query(&url, "nonce"), &json!({})));
    let (status, said) = browser.end(&returned(&url, &crooked.issuer)).await;
    assert_eq!((status.as_u16(), said["me"]["role"].as_str()), (200, Some("guest")), "{said}");
    stage.stop().await;
}

#[tokio::test]
async fn a_token_of_another_visit_opens_nothing() {
    let (stage, crooked, provider) = crooked().await;
    let mut browser = Browser::new(&stage);
    let url = browser.begin("/session/visit", &provider).await;
    let token = crooked.token(&query(&url, "nonce"), &json!({}));
    crooked.gives(token.clone());
    assert_eq!(browser.end(&returned(&url, &crooked.issuer)).await.0, 200);
    let mut other = Browser::new(&stage);
    let url = other.begin("/session/visit", &provider).await;
    crooked.gives(token);
    assert_eq!(other.end(&returned(&url, &crooked.issuer)).await.0, 401);
    stage.stop().await;
}

#[tokio::test]
async fn a_key_that_is_new_is_asked_for_but_not_at_every_lie() {
    let (stage, mut crooked, provider) = crooked().await;
    let mut browser = Browser::new(&stage);
    let url = browser.begin("/session/visit", &provider).await;
    crooked.change_key("second");
    crooked.gives(crooked.token(&query(&url, "nonce"), &json!({})));
    assert_eq!(browser.end(&returned(&url, &crooked.issuer)).await.0, 401, "asked for less than a minute ago");
    stage.running.as_ref().unwrap().core.providers.age(std::time::Duration::from_secs(61));
    let url = browser.begin("/session/visit", &provider).await;
    crooked.gives(crooked.token(&query(&url, "nonce"), &json!({})));
    assert_eq!(browser.end(&returned(&url, &crooked.issuer)).await.0, 200);
    stage.stop().await;
}

#[tokio::test]
async fn what_came_back_counts_once_and_in_the_browser_that_was_sent() {
    let mut stage = stage().await;
    let real = Real::start(&stage, &["company"], &json!({"ada": {}, "mallory": {}}));
    let provider = add(&mut stage, "oidc", "Company", &real.issuer, json!({"strangers": true})).await;
    let mut browser = Browser::new(&stage);
    let url = browser.begin("/session/visit", &provider).await;
    let back = browser.visit(url, "ada").await;

    // Another browser has not begun it: neither one that holds nothing, nor one that is in the middle of another visit.
    let mut other = Browser::new(&stage);
    assert_eq!(other.end(&back).await.1["type"], "visit-over");
    other.begin("/session/visit", &provider).await;
    assert_eq!(other.end(&back).await.1["type"], "visit-untrue");
    // Whoever has somebody follow a link that signs them in as the attacker gets as far.
    let url = other.begin("/session/visit", &provider).await;
    let foreign = other.visit(url, "mallory").await;
    let mut victim = Browser::new(&stage);
    assert_eq!(victim.end(&foreign).await.1["type"], "visit-over");

    let mut kept = browser.cookies.clone();
    assert_eq!(browser.end(&back).await.0, 200);
    std::mem::swap(&mut browser.cookies, &mut kept);
    assert_eq!(browser.end(&back).await.1["type"], "visit-over", "a state counts once");
    // The code in a new visit: the provider takes no code twice, nor with another verifier.
    let url = browser.begin("/session/visit", &provider).await;
    let mut replayed = back.clone();
    replayed["state"] = json!(query(&url, "state"));
    let (status, said) = browser.end(&replayed).await;
    assert_eq!((status.as_u16(), said["type"].as_str()), (401, Some("visit-untrue")), "{said}");
    stage.stop().await;
}

#[tokio::test]
async fn what_one_provider_gave_is_never_taken_to_another() {
    let (mut stage, crooked, bad) = crooked().await;
    let real = Real::start(&stage, &["company"], &json!({"ada": {}}));
    let good = add(&mut stage, "oidc", "Company", &real.issuer, json!({"strangers": true})).await;
    let mut browser = Browser::new(&stage);
    // Ada begins at the crooked one, which sends her on to the honest one, with its own visit's state.
    let crooked_url = browser.begin("/session/visit", &bad).await;
    let mut other = Browser::new(&stage);
    let good_url = other.begin("/session/visit", &good).await;
    let code = other.visit(good_url, "ada").await["code"].clone();
    let state = query(&crooked_url, "state");
    let company = json!({"slug": "company", "code": code, "state": state, "iss": real.issuer});
    assert_eq!(browser.end(&company).await.1["type"], "visit-untrue", "come back to the address of another");
    for iss in [json!(real.issuer), Value::Null, json!(format!("{}/", crooked.issuer))] {
        let url = browser.begin("/session/visit", &bad).await;
        let back = json!({"slug": "crooked", "code": code, "state": query(&url, "state"), "iss": iss});
        stage.running.as_ref().unwrap().core.visits.forget();
        assert_eq!(browser.end(&back).await.1["type"], "visit-untrue", "{iss}");
    }
    assert!(crooked.said.lock().unwrap().codes.is_empty(), "the crooked one got the honest one's code");
    stage.stop().await;
}

#[tokio::test]
async fn neither_a_mail_address_nor_a_name_makes_somebody_somebody_else() {
    let (mut stage, crooked, provider) = crooked().await;
    let access = json!({"admin": true});
    stage.ask("POST", "/users", Some(json!({"name": "boss@acme.example", "access": access}))).await;
    for (name, claims) in [
        (
            "boss@acme.example 2",
            json!({"sub": "8", "email": "boss@acme.example", "email_verified": true, "preferred_username": null}),
        ),
        ("Ada 2", json!({"sub": "9", "preferred_username": "Ada"})),
        ("ada 3", json!({"sub": "ada", "preferred_username": "ada"})),
    ] {
        let mut browser = Browser::new(&stage);
        let url = browser.begin("/session/visit", &provider).await;
        crooked.gives(crooked.token(&query(&url, "nonce"), &claims));
        let (status, said) = browser.end(&returned(&url, &crooked.issuer)).await;
        assert_eq!((status.as_u16(), said["me"]["name"].as_str()), (200, Some(name)), "{said}");
        assert_eq!(said["me"]["role"], "guest");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_session_that_was_planted_is_not_the_one_that_begins() {
    let (stage, crooked, provider) = crooked().await;
    let mut browser = Browser::new(&stage);
    let planted = "0123456789abcdef".repeat(4);
    browser.cookies.entry(stage.base.clone()).or_default().insert("socme_session".into(), planted.clone());
    let url = browser.begin("/session/visit", &provider).await;
    crooked.gives(crooked.token(&query(&url, "nonce"), &json!({})));
    assert_eq!(browser.end(&returned(&url, &crooked.issuer)).await.0, 200);
    let jar = &browser.cookies[&stage.base];
    assert_ne!(jar["socme_session"], planted);
    assert!(!jar.contains_key("socme_visit"), "it is over");
    let mut attacker = Browser::new(&stage);
    attacker.cookies.entry(stage.base.clone()).or_default().insert("socme_session".into(), planted);
    assert_eq!(attacker.ask("GET", "/me", None).await.0, 401);
    stage.stop().await;
}

#[tokio::test]
async fn a_link_is_made_for_who_began_it_and_takes_nobody_elses() {
    let (mut stage, crooked, provider) = crooked().await;
    let mut stranger = Browser::new(&stage);
    let url = stranger.begin("/session/visit", &provider).await;
    crooked.gives(crooked.token(&query(&url, "nonce"), &json!({})));
    assert_eq!(stranger.end(&returned(&url, &crooked.issuer)).await.0, 200);

    let mut ada = Browser::new(&stage);
    ada.sign_in("Ada").await;
    let url = ada.begin("/session/visit/link", &provider).await;
    crooked.gives(crooked.token(&query(&url, "nonce"), &json!({})));
    assert_eq!(ada.end(&returned(&url, &crooked.issuer)).await.0, 409, "it is the stranger's");

    // Ada begins; then somebody else sits in the same browser.
    let url = ada.begin("/session/visit/link", &provider).await;
    crooked.gives(crooked.token(&query(&url, "nonce"), &json!({"sub": "10"})));
    let guest = stranger.cookies[&stage.base]["socme_session"].clone();
    ada.cookies.get_mut(&stage.base).unwrap().insert("socme_session".into(), guest);
    assert_eq!(ada.end(&returned(&url, &crooked.issuer)).await.1["type"], "visit-over");

    // A link needs a fresh proof.
    stage.clock.turn(16 * 60);
    let link = Some(json!({ "provider": provider }));
    assert_eq!(stage.ask("POST", "/session/visit/link", link).await.1["type"], "prove");
    stage.stop().await;
}

#[tokio::test]
async fn nobody_is_sent_anywhere_but_to_the_provider() {
    let (stage, crooked, provider) = crooked().await;
    let mut browser = Browser::new(&stage);
    let more = json!({"provider": provider, "next": "https://evil.example"});
    assert_eq!(browser.ask("POST", "/session/visit", Some(more)).await.0, 400);
    for path in [
        "/sign-in/return/crooked?next=//evil.example&code=c&state=s",
        "//evil.example",
        "/sign-in/return/https://evil.example",
    ] {
        let request = browser.http.get(format!("{}{path}", stage.base));
        let answer = browser.send(request).await;
        assert!(answer.headers().get("location").is_none(), "{path}");
    }
    // The way back from elsewhere changes nothing by itself: only the core's own page may ask.
    let url = format!("{}/api/v1/session/visit/end", stage.base);
    let request = browser.http.post(url).header("sec-fetch-site", "cross-site").header("x-socme", "1").json(&json!({}));
    assert_eq!(browser.send(request).await.status(), 403);
    // A description that sends browsers to a script is none.
    crooked.said.lock().unwrap().more = json!({"authorization_endpoint": "javascript:alert(1)"});
    stage.running.as_ref().unwrap().core.providers.age(std::time::Duration::from_secs(3601));
    assert_eq!(browser.ask("POST", "/session/visit", Some(json!({ "provider": provider }))).await.0, 502);
    stage.stop().await;
}

#[tokio::test]
async fn a_provider_cannot_lead_the_core_elsewhere() {
    let (mut stage, crooked, provider) = crooked().await;
    let path = format!("/providers/{provider}/test");
    let large = "x".repeat(2 << 20);
    for (description, word) in [
        ((StatusCode::FOUND, [("location", "http://169.254.169.254/")], "").into_response(), "302"),
        ((StatusCode::OK, [("content-type", "application/json")], "{}").into_response(), "cannot be read"),
        ((StatusCode::OK, [("content-type", "application/json")], large).into_response(), "larger than 1 MiB"),
    ] {
        crooked.said.lock().unwrap().description = Some(description);
        let (_, said) = stage.ask("POST", &path, None).await;
        assert!(said["fine"] == false && said["why"].as_str().unwrap().contains(word), "{said}");
    }
    for (more, word) in [
        (json!({"issuer": "https://accounts.google.com"}), "issuer"),
        (json!({"jwks_uri": "http://169.254.169.254/keys"}), "https://"),
        (json!({"jwks_uri": "https://169.254.169.254/keys"}), "private"),
        (json!({"id_token_signing_alg_values_supported": ["HS256", "none"]}), "algorithms"),
    ] {
        crooked.said.lock().unwrap().more = more;
        let (_, said) = stage.ask("POST", &path, None).await;
        assert!(said["fine"] == false && said["why"].as_str().unwrap().contains(word), "{word}: {said}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn without_the_setting_the_core_asks_no_private_address() {
    let mut stage = Stage::new().await;
    let new = |issuer: &str| {
        Some(json!({"name": issuer, "kind": "oidc", "issuer": issuer, "client_id": "socme", "secret": SECRET}))
    };
    for issuer in [
        "http://127.0.0.1:9",
        "https://127.0.0.1:9",
        "https://10.0.0.1",
        "https://[::1]",
        "https://169.254.169.254",
        "https://0x7f.1",
        "http://id.example",
        "file:///etc/passwd",
        "ada",
        "https://ada:secret@9.9.9.9",
    ] {
        let (status, said) = stage.ask("POST", "/providers", new(issuer)).await;
        assert_eq!((status.as_u16(), said["field"].as_str()), (400, Some("issuer")), "{issuer}: {said}");
    }
    // A name that leads inside is found out when it is resolved.
    let (_, made) = stage.ask("POST", "/providers", new("https://localhost:9")).await;
    let (_, said) = stage.ask("POST", &format!("/providers/{}/test", made["id"]), None).await;
    assert!(said["why"].as_str().unwrap().contains("people.private_providers"), "{said}");
    stage.stop().await;
}

#[tokio::test]
async fn whoever_tries_again_and_again_is_slowed_down() {
    let (stage, ..) = crooked().await;
    let mut browser = Browser::new(&stage);
    let mut last = 0;
    for _ in 0..7 {
        last = browser.end(&json!({"slug": "crooked", "state": "guess"})).await.0.as_u16();
    }
    assert_eq!(last, 429);
    stage.stop().await;
}
