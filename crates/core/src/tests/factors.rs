//! A second factor: whoever has a passphrase alone stays out. The authenticator is oathtool.

use std::process::Command;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{PASSPHRASE, Stage};

/// The code of an authenticator with this secret, so many seconds from the stage's now.
fn code(stage: &Stage, secret: &str, later: i64) -> String {
    let at = stage.store().clock().now().as_second() + later;
    let output = Command::new("oathtool").args(["--totp", "--base32", &format!("--now=@{at}"), secret]).output();
    let output = output.expect("oathtool is not installed: run scripts/setup test");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Sets an authenticator up; says its secret and the recovery codes.
async fn set_up(stage: &mut Stage) -> (String, Vec<String>) {
    let (status, begun) = stage.ask("POST", "/me/authenticator/begin", None).await;
    assert_eq!(status, 200, "{begun}");
    let secret = begun["secret"].as_str().unwrap().to_owned();
    assert!(begun["url"].as_str().unwrap().contains(&secret) && begun["picture"].as_str().unwrap().contains("<svg"));
    let wrong = json!({"ticket": begun["ticket"], "code": "000000"});
    let (status, said) = stage.ask("POST", "/me/authenticator", Some(wrong)).await;
    assert_eq!((status.as_u16(), said["field"].as_str()), (400, Some("code")), "{said}");
    assert_eq!(stage.get("/me").await["has_authenticator"], false, "nothing changes before the first code");
    let right = json!({"ticket": begun["ticket"], "code": code(stage, &secret, 0)});
    let (status, said) = stage.ask("POST", "/me/authenticator", Some(right)).await;
    assert_eq!(status, 200, "{said}");
    let codes = said["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    (secret, codes)
}

/// Gives name and passphrase; says the ticket.
async fn passphrase(stage: &mut Stage) -> Value {
    stage.cookie.clear();
    let (status, said) = stage.ask("POST", "/session", Some(json!({"name": "Ada", "passphrase": PASSPHRASE}))).await;
    assert_eq!(status, 202, "{said}");
    assert_eq!(stage.cookie, "", "no session yet");
    assert_eq!(stage.ask("GET", "/me", None).await.0, 401);
    said["ticket"].clone()
}

async fn second(stage: &mut Stage, ticket: &Value, code: &str) -> StatusCode {
    stage.ask("POST", "/session/second", Some(json!({"ticket": ticket, "code": code}))).await.0
}

#[tokio::test]
async fn a_passphrase_alone_opens_nothing_and_a_code_works_once() {
    let mut stage = Stage::new().await;
    let (secret, recovery) = set_up(&mut stage).await;
    assert_eq!(stage.get("/me").await["recovery_codes"], 10);

    let ticket = passphrase(&mut stage).await;
    let (used, next) = (code(&stage, &secret, 0), code(&stage, &secret, 30));
    assert_eq!(second(&mut stage, &json!("guess"), &next).await, 400);
    assert_eq!(second(&mut stage, &ticket, &used).await, 401, "it set the authenticator up: somebody may have seen it");
    assert_eq!(second(&mut stage, &ticket, &next).await, 200);
    assert_eq!(second(&mut stage, &ticket, &next).await, 400, "the ticket is used up");
    let ticket = passphrase(&mut stage).await;
    assert_eq!(second(&mut stage, &ticket, &next).await, 401, "whoever looked over a shoulder comes too late");

    // The phone is lost: each recovery code works once, however it is typed.
    assert_eq!(second(&mut stage, &ticket, &format!(" {} ", recovery[3].to_uppercase())).await, 200);
    assert_eq!(stage.get("/me").await["recovery_codes"], 9);
    let ticket = passphrase(&mut stage).await;
    assert_eq!(second(&mut stage, &ticket, &recovery[3]).await, 401);
    assert_eq!(second(&mut stage, &ticket, &recovery[4]).await, 200);
    assert_eq!(stage.ask("DELETE", "/me/authenticator", None).await.0, 204);
    stage.cookie.clear();
    let credentials = json!({"name": "Ada", "passphrase": PASSPHRASE});
    assert_eq!(stage.ask("POST", "/session", Some(credentials)).await.0, 200);
    stage.stop().await;
}

#[tokio::test]
async fn codes_cannot_be_guessed_from_many_places_nor_with_many_tickets() {
    let mut stage = Stage::new().await;
    let (secret, _) = set_up(&mut stage).await;
    let (mut tried, mut throttled) = (0, 0);
    for place in 1..=4 {
        stage.http = super::plain(Some([127, 0, 0, place]));
        let ticket = passphrase(&mut stage).await;
        for _ in 0..5 {
            match second(&mut stage, &ticket, "000000").await.as_u16() {
                401 => tried += 1,
                429 => throttled += 1,
                other => panic!("{other}"),
            }
        }
        let right = code(&stage, &secret, 30);
        assert_eq!(second(&mut stage, &ticket, &right).await, 400, "five tries end a ticket");
    }
    assert_eq!((tried, throttled), (5, 15));
    stage.stop().await;
}

#[tokio::test]
async fn a_dangerous_deed_asks_for_both_factors_again() {
    let mut stage = Stage::new().await;
    let (secret, recovery) = set_up(&mut stage).await;
    let invite = || Some(json!({"name": "Vera", "access": {"admin": false, "everywhere": "viewer", "clients": []}}));
    stage.clock.turn(16 * 60);
    let (status, said) = stage.ask("POST", "/users", invite()).await;
    assert_eq!((status.as_u16(), said["type"].as_str()), (403, Some("prove")), "{said}");
    let (status, said) = stage.ask("POST", "/session/proof", Some(json!({"passphrase": PASSPHRASE}))).await;
    assert_eq!((status.as_u16(), said["field"].as_str()), (400, Some("code")), "{said}");
    let proof = json!({"passphrase": PASSPHRASE, "code": code(&stage, &secret, 0)});
    let (status, said) = stage.ask("POST", "/session/proof", Some(proof)).await;
    assert_eq!(status, 200, "{said}");
    assert!(said["proved_until"].is_string());
    let (status, made) = stage.ask("POST", "/users", invite()).await;
    assert_eq!(status, 201, "{made}");

    // Whoever resets the factors of somebody signs them out, and they sign in with the passphrase alone.
    let me = stage.get("/me").await["id"].clone();
    assert_eq!(stage.ask("DELETE", &format!("/users/{me}/factors"), None).await.0, 204);
    assert_eq!(stage.ask("GET", "/me", None).await.0, 401);
    let (status, _) = stage.ask("POST", "/session", Some(json!({"name": "Ada", "passphrase": PASSPHRASE}))).await;
    assert_eq!(status, 200);
    assert_eq!(stage.get("/me").await["recovery_codes"], 0);
    drop(recovery);
    stage.stop().await;
}

#[tokio::test]
async fn nobody_loses_their_last_way_in() {
    let mut stage = Stage::new().await;
    let (status, said) = stage.ask("DELETE", "/me/passphrase", None).await;
    assert_eq!(status, 409, "{said}");
    assert!(said["detail"].as_str().unwrap().contains("last way"), "{said}");
    let begun = stage.ask("POST", "/session/passkey/begin", None).await.1;
    let nonsense = json!({"ticket": begun["ticket"], "credential": {"id": "x"}});
    assert_eq!(stage.ask("POST", "/session/passkey", Some(nonsense.clone())).await.0, 400);
    assert_eq!(stage.ask("POST", "/session/passkey", Some(nonsense)).await.0, 400, "a ticket is used once");
    stage.stop().await;
}
