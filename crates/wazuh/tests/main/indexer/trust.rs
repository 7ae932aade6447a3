//! An indexer behind TLS, as Wazuh's own tool for certificates makes it: a private root, and a certificate for an address.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::TlsAcceptor;
use wazuh::indexer::Indexer;
use wazuh::{Doubt, Error, Secret, Server, Trust};
use wazuh_imitation::indexer::Indexer as Imitation;

fn named(part: DnType, name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(part, name);
    names
}

/// Where it listens, and its root (PEM).
async fn listen() -> (String, String) {
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name = named(DnType::OrganizationalUnitName, "Wazuh");
    let pem = root.clone().self_signed(&root_key).unwrap().pem();
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    leaf.distinguished_name = named(DnType::CommonName, "node-1");
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = builder.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let router = Imitation::new().router();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                let service = TowerToHyperService::new(router);
                drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tls), service).await);
            });
        }
    });
    (url, pem)
}

#[tokio::test]
async fn an_indexer_is_trusted_by_its_private_root_for_the_address_in_its_certificate() {
    let (url, root) = listen().await;
    let ask = async |url: &str, trust: Trust| {
        Indexer::new(&Server::new(url, trust), "reader", Secret::new("secret")).unwrap().info().await
    };
    let error = ask(&url, Trust::System).await.unwrap_err();
    let Error::Certificate { doubts, presented, .. } = error else { panic!("{error}") };
    assert!(matches!(doubts[..], [Doubt::UnknownIssuer(_)]), "{doubts:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("root-ca.pem");
    std::fs::write(&file, root).unwrap();
    let ca = Trust::Ca { file, name: None };
    assert_eq!(ask(&url, ca.clone()).await.unwrap().shown_version, "7.10.2");
    let error = ask(&url.replace("127.0.0.1", "localhost"), ca).await.unwrap_err();
    let Error::Certificate { doubts, .. } = error else { panic!("{error}") };
    assert!(matches!(&doubts[..], [Doubt::WrongName { made_for, .. }] if made_for == &["127.0.0.1"]), "{doubts:?}");
    ask(&url, Trust::Pin(presented.fingerprint)).await.unwrap();
}
