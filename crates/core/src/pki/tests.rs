//! Who is believed to be which node.

use std::time::Duration;

use jiff::SignedDuration;
use rcgen::{CertificateParams, KeyPair, SanType};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use store::{Clock, NodeId, Options, Store};

use super::*;
use crate::seal::Sealer;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

fn noon() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

async fn authorities(folder: &tempfile::TempDir, master: u8) -> anyhow::Result<Authorities> {
    let (clock, _) = Clock::stopped(noon());
    let options = Options { clock, background: false, ..Options::default() };
    let store = Store::open(&folder.path().join("socme.db"), options).await.unwrap();
    let loaded = Authorities::load(&store, &Sealer::new(&[master; 32]).unwrap()).await;
    store.close().await;
    loaded
}

fn request(params: &CertificateParams) -> (KeyPair, String) {
    let key = KeyPair::generate().unwrap();
    let pem = params.serialize_request(&key).unwrap().pem().unwrap();
    (key, pem)
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_node_is_known_by_what_the_core_signed_also_when_it_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let ours = authorities(&folder, 1).await.unwrap();
    // What the node writes into its request is left aside.
    let mut wishes = CertificateParams::new(vec!["core.socme.internal".to_owned()]).unwrap();
    wishes.subject_alt_names.push(SanType::URI("socme:node:1".try_into().unwrap()));
    wishes.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let (_, pem) = request(&wishes);
    let request = Request::read(&pem).unwrap();
    let (certificate, pem) = request.sign(&ours, NodeId(12), noon(), WEEK).unwrap();
    assert_eq!(certificate.ends, noon() + SignedDuration::from_hours(7 * 24));
    let shown = [der(&pem)];
    let badge = Badge { node: NodeId(12), key: request.key(), starts: certificate.starts, ends: certificate.ends };
    for days in [-300, 0, 8, 97, 5000] {
        let now = noon() + SignedDuration::from_hours(days * 24);
        assert_eq!(Peer::of(Some(&shown), &ours, now), Peer::Node(badge.clone()), "{days} days on");
    }
    assert_eq!(Peer::of(None, &ours, noon()), Peer::Nobody);

    // After a restart it is the same authority.
    let again = authorities(&folder, 1).await.unwrap();
    assert_eq!(again.fingerprint(), ours.fingerprint());
    assert_eq!(Peer::of(Some(&shown), &again, noon()), Peer::Node(badge));
    let other_key = authorities(&folder, 2).await.err().unwrap().to_string();
    assert!(other_key.contains("master.key"), "{other_key}");
}

#[tokio::test]
async fn who_was_signed_by_somebody_else_is_a_stranger() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ours, theirs) = (authorities(&folder, 1).await.unwrap(), authorities(&elsewhere, 1).await.unwrap());
    let (_, pem) = request(&CertificateParams::default());
    let (_, foreign) = Request::read(&pem).unwrap().sign(&theirs, NodeId(12), noon(), WEEK).unwrap();
    let stranger = |pem: &str| Peer::of(Some(&[der(pem)]), &ours, noon()) == Peer::Stranger;
    assert!(stranger(&foreign));

    // Signed by itself, with a node's name.
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names.push(SanType::URI("socme:node:12".try_into().unwrap()));
    assert!(stranger(&params.self_signed(&key).unwrap().pem()));

    // The core's own certificate for its listener is no node's, and neither is the authority's.
    let (server, _) = server_certificate(&ours, noon(), WEEK).unwrap();
    for certificate in &server.cert {
        assert_eq!(Peer::of(Some(std::slice::from_ref(certificate)), &ours, noon()), Peer::Stranger);
    }
    assert_eq!(Peer::of(Some(&[CertificateDer::from(vec![0x30, 0x80, 0xff])]), &ours, noon()), Peer::Stranger);
    // A damaged signature.
    let (_, pem) = Request::read(&pem).unwrap().sign(&ours, NodeId(12), noon(), WEEK).unwrap();
    let mut bytes = der(&pem).to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert_eq!(Peer::of(Some(&[CertificateDer::from(bytes)]), &ours, noon()), Peer::Stranger);
}

#[test]
fn only_a_request_that_is_signed_with_its_own_key_is_taken() {
    let (_, pem) = request(&CertificateParams::default());
    assert!(Request::read(&pem).is_ok());
    let lines: Vec<&str> = pem.lines().collect();
    let mut forged: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let last = forged.len() - 2;
    forged[last] = forged[last].chars().rev().collect();
    assert!(Request::read(&forged.join("\n")).is_err());
    assert!(Request::read("hello").is_err());
    assert!(Request::read(&"A".repeat(9000)).is_err());
    let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let pem = CertificateParams::default().serialize_request(&ed25519).unwrap().pem().unwrap();
    assert_eq!(Request::read(&pem).err(), Some("the certificate request has a key of another kind than ECDSA P-256"));
}
