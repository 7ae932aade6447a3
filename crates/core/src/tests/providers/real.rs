//! The whole way with a real, certified provider.

use serde_json::{Value, json};

use super::{Browser, PASSPHRASE, Real, add, address, query, stage};

#[tokio::test]
async fn an_administrator_adds_a_provider_links_to_it_and_signs_in_through_it() {
    let mut stage = stage().await;
    let accounts = json!({"ada": {"email": "ada@acme.example", "email_verified": true, "preferred_username": "ada.l"}});
    let real = Real::start(&stage, &["company"], &accounts);
    let provider = add(&mut stage, "oidc", "Company", &real.issuer, json!({})).await;
    let shown = stage.get(&format!("/providers/{provider}")).await;
    assert_eq!(shown["redirect_uri"], format!("{}/sign-in/return/company", address(&stage)));
    assert_eq!(shown["has_secret"], true);
    let (_, tested) = stage.ask("POST", &format!("/providers/{provider}/test"), None).await;
    assert_eq!(tested, json!({"fine": true, "why": null}));

    let mut browser = Browser::new(&stage);
    let doors = browser.get("/session/providers").await;
    assert_eq!(doors, json!({"providers": [{"id": provider, "name": "Company", "kind": "oidc"}]}));
    let url = browser.begin("/session/visit", &provider).await;
    assert_eq!(query(&url, "code_challenge_method"), "S256");
    assert_eq!(query(&url, "response_type"), "code");
    let back = browser.visit(url, "ada").await;
    assert_eq!(back["iss"], json!(real.issuer));
    let (status, said) = browser.end(&back).await;
    assert_eq!((status.as_u16(), said["type"].as_str()), (403, Some("not-linked")), "{said}");
    assert_eq!(browser.ask("GET", "/me", None).await.0, 401);

    browser.sign_in("Ada").await;
    let (status, said) = browser.round("/session/visit/link", &provider, "ada").await;
    assert_eq!((status.as_u16(), said["purpose"].as_str()), (200, Some("link")), "{said}");
    let linked = browser.get("/me/identities").await["identities"][0].clone();
    assert_eq!((linked["label"].as_str(), &linked["provider"]), (Some("ada.l"), &provider), "{linked}");
    assert_eq!(browser.ask("DELETE", "/session", None).await.0, 204);

    let (status, said) = browser.round("/session/visit", &provider, "ada").await;
    assert_eq!((status.as_u16(), said["me"]["name"].as_str()), (200, Some("Ada")), "{said}");
    let current = browser.get("/me/sessions").await["sessions"].as_array().unwrap().clone();
    let current = current.iter().find(|session| session["current"] == true).unwrap();
    assert_eq!(current["how"], "provider");

    // She has a passphrase, so this is not the last way in.
    assert_eq!(browser.ask("DELETE", &format!("/me/identities/{}", linked["id"]), None).await.0, 204);
    let audit = stage.get("/audit").await;
    for action in ["provider.create", "secret.change", "identity.link", "identity.unlink", "session.refuse"] {
        assert!(audit["entries"].as_array().unwrap().iter().any(|entry| entry["action"] == action), "{action}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let mut stage = stage().await;
    let secret = "a secret that nobody must see";
    let id = add(&mut stage, "oidc", "Company", "https://127.0.0.1:9", json!({ "secret": secret })).await;
    let path = format!("/providers/{id}");
    for asked in ["/providers", &path, "/audit", "/session/providers"] {
        assert!(!stage.get(asked).await.to_string().contains(secret), "{asked}");
    }
    // Nobody has it sent elsewhere: another issuer wants another secret.
    let (status, said) = stage.ask("PATCH", &path, Some(json!({"issuer": "https://127.0.0.1:8"}))).await;
    assert_eq!((status.as_u16(), said["field"].as_str()), (400, Some("secret")), "{said}");
    let (status, said) = stage.ask("PATCH", &path, Some(json!({"secret": 7}))).await;
    assert!(status == 400 && !said.to_string().contains(secret), "{said}");
    let folder = stage.data();
    stage.stop().await;
    for file in ["socme.db", "socme.db-wal"] {
        let bytes = std::fs::read(folder.path().join("data").join(file)).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{file}");
    }
}

#[tokio::test]
async fn an_invitation_is_taken_up_with_a_provider_that_then_is_the_last_way_in() {
    let mut stage = stage().await;
    let real = Real::start(&stage, &["company"], &json!({"bob": {}, "eve": {}}));
    let provider = add(&mut stage, "oidc", "Company", &real.issuer, json!({})).await;
    let viewer = json!({"everywhere": "viewer"});
    let (_, invited) = stage.ask("POST", "/users", Some(json!({"name": "Bob", "access": viewer}))).await;
    let token = invited["url"].as_str().unwrap().split_once('#').unwrap().1;

    let mut browser = Browser::new(&stage);
    let dead = json!({"provider": provider, "invitation": "0000"});
    assert_eq!(browser.ask("POST", "/session/visit", Some(dead)).await.0, 400);
    let url = browser.begin_with("/session/visit", json!({"provider": provider, "invitation": token})).await;
    assert!(!url.as_str().contains(token));
    let back = browser.visit(url, "bob").await;
    let (status, said) = browser.end(&back).await;
    assert_eq!((status.as_u16(), said["me"]["name"].as_str()), (200, Some("Bob")), "{said}");
    assert_eq!(said["me"]["role"], "viewer");

    // The link is used up, and Bob is Bob from now on.
    let again = json!({"provider": provider, "invitation": token});
    assert_eq!(Browser::new(&stage).ask("POST", "/session/visit", Some(again)).await.0, 400);
    let (status, said) = Browser::new(&stage).round("/session/visit", &provider, "bob").await;
    assert_eq!((status.as_u16(), said["me"]["name"].as_str()), (200, Some("Bob")), "{said}");

    let id = browser.get("/me/identities").await["identities"][0]["id"].clone();
    let (status, said) = browser.ask("DELETE", &format!("/me/identities/{id}"), None).await;
    assert_eq!(status, 409, "{said}");
    let (status, said) = browser.ask("PUT", "/me/passphrase", Some(json!({"new": PASSPHRASE}))).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(browser.ask("DELETE", &format!("/me/identities/{id}"), None).await.0, 204);
    stage.stop().await;
}

#[tokio::test]
async fn who_has_no_passphrase_shows_again_who_they_are_at_the_provider() {
    let mut stage = stage().await;
    let real = Real::start(&stage, &["company"], &json!({"bob": {}, "eve": {}}));
    let provider = add(&mut stage, "oidc", "Company", &real.issuer, json!({})).await;
    let (_, invited) = stage.ask("POST", "/users", Some(json!({"name": "Bob", "access": {"admin": true}}))).await;
    let token = invited["url"].as_str().unwrap().split_once('#').unwrap().1;
    let mut browser = Browser::new(&stage);
    let url = browser.begin_with("/session/visit", json!({"provider": provider, "invitation": token})).await;
    let back = browser.visit(url, "bob").await;
    assert_eq!(browser.end(&back).await.0, 200);

    let new = || Some(json!({"name": "Carol", "access": {}}));
    stage.clock.turn(16 * 60);
    assert_eq!(browser.ask("POST", "/users", new()).await.1["type"], "prove");
    // Somebody else's account proves nothing, however right it is.
    let url = browser.begin("/session/visit/proof", &provider).await;
    assert_eq!(query(&url, "max_age"), "0");
    let jar = browser.cookies.remove(&real.issuer);
    let back = browser.visit(url, "eve").await;
    let (status, said) = browser.end(&back).await;
    assert_eq!((status.as_u16(), said["type"].as_str()), (403, Some("not-linked")), "{said}");
    assert_eq!(browser.ask("POST", "/users", new()).await.1["type"], "prove");
    browser.cookies.insert(real.issuer.clone(), jar.unwrap());
    let (status, said) = browser.round("/session/visit/proof", &provider, "bob").await;
    assert_eq!((status.as_u16(), said["purpose"].as_str()), (200, Some("proof")), "{said}");
    assert!(said["me"]["proved_until"].is_string());
    assert_eq!(browser.ask("POST", "/users", new()).await.0, 201);
    stage.stop().await;
}

#[tokio::test]
async fn groups_say_at_each_sign_in_who_comes_in_and_what_they_may_do() {
    let mut stage = stage().await;
    let bob = |groups: &[&str]| json!({"bob": {"groups": groups, "preferred_username": "bob"}});
    let mut real = Real::start(&stage, &["company"], &bob(&["strangers"]));
    let (_, client) = stage.ask("POST", "/clients", Some(json!({"name": "Acme"}))).await;
    let acme = json!({"clients": [{"client": client["id"], "role": "analyst"}]});
    let rules = json!({
        "scopes": ["groups"], "groups": ["soc"],
        "mapping": [{"group": "acme", "access": acme}, {"group": "watchers", "access": {"everywhere": "viewer"}}],
    });
    let provider = add(&mut stage, "oidc", "Company", &real.issuer, json!({"strangers": true, "rules": rules})).await;

    let (status, said) = Browser::new(&stage).round("/session/visit", &provider, "bob").await;
    assert_eq!((status.as_u16(), said["type"].as_str()), (403, Some("not-let-in")), "{said}");
    for (groups, role, everywhere) in [
        (vec!["soc"], "guest", Value::Null),
        (vec!["soc", "acme"], "analyst", Value::Null),
        (vec!["soc", "acme", "watchers"], "analyst", json!("viewer")),
        (vec!["soc", "watchers"], "viewer", json!("viewer")),
    ] {
        real.tell(&bob(&groups));
        let (status, said) = Browser::new(&stage).round("/session/visit", &provider, "bob").await;
        assert_eq!(status, 200, "{said}");
        let me = &said["me"];
        assert_eq!((&me["name"], &me["role"]), (&json!("bob"), &json!(role)), "{groups:?}");
        assert_eq!(me["access"]["everywhere"], everywhere, "{groups:?}");
    }
    let audit = stage.get("/audit?action=user.change").await;
    let by = audit["entries"][0].clone();
    assert_eq!((by["who"].as_str(), by["detail"].as_str()), (Some("provider «Company»"), Some("by their groups")));

    // Whoever is disabled stays out, whatever the groups say.
    let users = stage.get("/users").await["users"].as_array().unwrap().clone();
    let bob = users.iter().find(|user| user["name"] == "bob").unwrap()["id"].clone();
    stage.ask("PATCH", &format!("/users/{bob}"), Some(json!({"disabled": true}))).await;
    assert_eq!(Browser::new(&stage).round("/session/visit", &provider, "bob").await.0, 409);
    stage.stop().await;
}

#[tokio::test]
async fn no_group_takes_the_last_administrators_rights_and_no_switch_locks_everybody_out() {
    let mut stage = stage().await;
    let real = Real::start(&stage, &["company"], &json!({"ada": {}}));
    let mapping = json!([{"group": "bosses", "access": {"admin": true}}]);
    let provider = add(&mut stage, "oidc", "Company", &real.issuer, json!({"rules": {"mapping": mapping}})).await;
    let mut browser = Browser::new(&stage);
    browser.sign_in("Ada").await;
    assert_eq!(browser.round("/session/visit/link", &provider, "ada").await.0, 200);
    let (status, said) = Browser::new(&stage).round("/session/visit", &provider, "ada").await;
    assert_eq!((status.as_u16(), said["me"]["role"].as_str()), (200, Some("admin")), "{said}");
    assert_eq!(stage.get("/audit?action=user.keep").await["entries"].as_array().unwrap().len(), 1);

    // With a second administrator, who has come, the groups have their way.
    let (_, invited) = stage.ask("POST", "/users", Some(json!({"name": "Bob", "access": {"admin": true}}))).await;
    let (status, said) = Browser::new(&stage).round("/session/visit", &provider, "ada").await;
    assert_eq!((status.as_u16(), said["me"]["role"].as_str()), (200, Some("admin")), "{said}");
    let token = invited["url"].as_str().unwrap().split_once('#').unwrap().1;
    let taken = json!({"token": token, "passphrase": PASSPHRASE});
    assert_eq!(Browser::new(&stage).ask("POST", "/session/invitation", Some(taken)).await.0, 200);
    let (status, said) = Browser::new(&stage).round("/session/visit", &provider, "ada").await;
    assert_eq!((status.as_u16(), said["me"]["role"].as_str()), (200, Some("guest")), "{said}");
    stage.stop().await;
}

#[tokio::test]
async fn a_provider_that_is_switched_off_lets_nobody_in_and_the_last_one_stays_on() {
    let mut stage = stage().await;
    let real = Real::start(&stage, &["company"], &json!({"bob": {}}));
    let provider = add(&mut stage, "oidc", "Company", &real.issuer, json!({})).await;
    let path = format!("/providers/{provider}");
    let mut browser = Browser::new(&stage);
    let url = browser.begin("/session/visit", &provider).await;
    let back = browser.visit(url, "bob").await;
    assert_eq!(stage.ask("PATCH", &path, Some(json!({"enabled": false}))).await.0, 200);
    assert_eq!(browser.end(&back).await.0, 502, "it was switched off while Bob was there");
    assert_eq!(browser.get("/session/providers").await["providers"], json!([]));
    assert_eq!(browser.ask("POST", "/session/visit", Some(json!({"provider": provider}))).await.0, 404);
    assert_eq!(stage.ask("PATCH", &path, Some(json!({"enabled": true}))).await.0, 200);

    // Bob becomes the only administrator who can sign in, and only through it.
    let (_, invited) = stage.ask("POST", "/users", Some(json!({"name": "Bob", "access": {"admin": true}}))).await;
    let token = invited["url"].as_str().unwrap().split_once('#').unwrap().1;
    let url = browser.begin_with("/session/visit", json!({"provider": provider, "invitation": token})).await;
    let back = browser.visit(url, "bob").await;
    assert_eq!(browser.end(&back).await.0, 200);
    let ada = browser.get("/users").await["users"][0]["id"].clone();
    assert_eq!(browser.ask("PATCH", &format!("/users/{ada}"), Some(json!({"disabled": true}))).await.0, 200);
    assert_eq!(browser.ask("PATCH", &path, Some(json!({"enabled": false}))).await.0, 409);
    assert_eq!(browser.ask("DELETE", &path, Some(json!({"confirm": "Company"}))).await.0, 409);
    stage.stop().await;
}
