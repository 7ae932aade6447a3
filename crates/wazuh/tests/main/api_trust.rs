//! Whom the client trusts, and what it says when it does not.

use std::path::PathBuf;

use wazuh::api::{Api, Settings};
use wazuh::{Doubt, Error, Identity, Kind, Route, Secret, Server, Trust};
use wazuh_imitation::api::{Imitation, Options};

use crate::manager::{client, manager};

fn with(url: &str, trust: Trust) -> Api {
    Api::new(Settings::new(Server::new(url, trust), "wazuh", Secret::new("wazuh-wui"))).unwrap()
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn doubts(error: &Error) -> &[Doubt] {
    match error {
        Error::Certificate { doubts, .. } => doubts,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_with_the_fingerprint_that_then_works() {
    let manager = manager().await;
    let error = with(&manager.url, Trust::System).info().await.unwrap_err();
    assert_eq!(error.kind(), Kind::WrongCertificate);
    assert_eq!(doubts(&error), [Doubt::SelfSigned]);
    let said = error.to_string();
    let pin = said.rsplit(' ').next().unwrap();
    assert_eq!(pin, manager.fingerprint);
    let api = with(&manager.url, Trust::Pin(pin.parse().unwrap()));
    assert_eq!(api.info().await.unwrap().hostname.as_deref(), Some("mgr"));
    let seen = api.certificate().unwrap();
    assert_eq!(seen.fingerprint.to_string(), manager.fingerprint);
    assert!(seen.not_after.unwrap() > jiff::Timestamp::now());
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_certificate_is_said_at_once() {
    let manager = Imitation::start(Options { expired: true, ..Options::default() }).await.unwrap();
    let url = manager.url.replace("localhost", "127.0.0.1");
    let error = with(&url, Trust::System).info().await.unwrap_err();
    assert!(
        matches!(doubts(&error), [Doubt::SelfSigned, Doubt::WrongName { made_for, .. }, Doubt::Expired(_)] if made_for == &["localhost"]),
        "{error}"
    );
    assert!(error.to_string().contains("expired on 20"), "{error}");
}

#[tokio::test]
async fn a_certificate_whose_only_fault_is_its_age_is_told_apart_and_can_be_pinned() {
    let manager = Imitation::start(Options { expired: true, ..Options::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let trust = Trust::Ca { file: file(&folder, "ca.pem", &manager.certificate), name: None };
    let error = with(&manager.url, trust).info().await.unwrap_err();
    assert_eq!(error.kind(), Kind::ExpiredCertificate, "{error}");
    with(&manager.url, Trust::Pin(manager.fingerprint.parse().unwrap())).info().await.unwrap();
}

#[tokio::test]
async fn a_certificate_in_a_file_is_trusted_for_its_own_name_or_the_one_that_is_given() {
    let manager = manager().await;
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, "ca.pem", &manager.certificate);
    let url = manager.url.replace("localhost", "127.0.0.1");
    let error = with(&url, Trust::Ca { file: file.clone(), name: None }).info().await.unwrap_err();
    assert!(matches!(doubts(&error), [Doubt::WrongName { .. }]), "{error}");
    with(&url, Trust::Ca { file, name: Some("localhost".into()) }).info().await.unwrap();
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused_and_nothing_is_sent() {
    let (one, other) = (manager().await, manager().await);
    let error = with(&one.url, Trust::Pin(other.fingerprint.parse().unwrap())).info().await.unwrap_err();
    assert!(matches!(doubts(&error), [Doubt::NotPinned(_)]), "{error}");
    assert!(one.state().log.is_empty());
}

#[tokio::test]
async fn one_client_may_check_nothing_and_another_one_still_checks() {
    let manager = manager().await;
    with(&manager.url, Trust::Nothing).info().await.unwrap();
    assert!(with(&manager.url, Trust::System).info().await.is_err());
}

#[tokio::test]
async fn a_manager_that_wants_a_certificate_says_so_and_takes_the_right_one() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["client".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.clone().self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let own = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec!["node".to_owned()]).unwrap();
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = leaf.signed_by(&own, &issuer).unwrap();
    let manager = Imitation::start(Options { clients: Some(authority.pem()), ..Options::default() }).await.unwrap();
    let trust = Trust::Pin(manager.fingerprint.parse().unwrap());
    let error = with(&manager.url, trust.clone()).info().await.unwrap_err();
    assert!(matches!(error, Error::Identity { given: false, .. }), "{error:?}");
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::new(&manager.url, trust);
    server.identity = Some(Identity {
        certificate: file(&folder, "node.pem", &leaf.pem()),
        key: file(&folder, "node.key", &own.serialize_pem()),
    });
    Api::new(Settings::new(server, "wazuh", Secret::new("wazuh-wui"))).unwrap().info().await.unwrap();
}

#[tokio::test]
async fn what_keeps_a_client_from_the_manager_is_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let route = |error: Error| match error {
        Error::Unreachable { route, .. } => route,
        other => panic!("{other}"),
    };
    let nobody = with(&format!("https://127.0.0.1:{port}"), Trust::Nothing).info().await.unwrap_err();
    assert_eq!(route(nobody), Route::Refused);
    let nameless = with("https://no-such-name.invalid:55000", Trust::Nothing).info().await.unwrap_err();
    assert_eq!(route(nameless), Route::NoName);
    // The port for orders speaks plain HTTP.
    let manager = manager().await;
    let plain = with(&manager.control.replace("http:", "https:"), Trust::Nothing).info().await.unwrap_err();
    assert!(matches!(route(plain), Route::NotTls(_)));
}

#[test]
fn a_password_never_crosses_a_network_in_the_clear_nor_stands_in_an_address_or_a_message() {
    let build = |url: &str| Api::new(Settings::new(Server::new(url, Trust::System), "u", Secret::new("hunter2")));
    for url in ["http://wazuh.example:55000", "https://u:p@wazuh.example:55000", "wazuh.example", "ftp://x"] {
        assert_eq!(build(url).unwrap_err().kind(), Kind::Input, "{url}");
    }
    let settings = Settings::new(Server::new("https://a", Trust::System), "u", Secret::new("hunter2"));
    let api = build("https://a").unwrap();
    assert!(!format!("{settings:?} {api:?} {}", settings.password).contains("hunter2"));
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named() {
    let trust = Trust::Ca { file: "/nowhere/ca.pem".into(), name: None };
    let error = Api::new(Settings::new(Server::new("https://a", trust), "u", Secret::new("p"))).unwrap_err();
    assert!(error.to_string().contains("/nowhere/ca.pem"));
    let manager = manager().await;
    client(&manager).info().await.unwrap();
}
