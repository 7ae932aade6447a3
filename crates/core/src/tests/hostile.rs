//! A node that lies, repeats itself, shouts, or is somebody else: the core stays well, and others do not notice.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair, SanType};
use reqwest::StatusCode;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::{Value, json};
use wire::link::{Position, problem};
use wire::token::Token;

use super::Stage;

/// A node as an attacker would write one: it checks nothing, and sends what it is told.
pub(super) struct Liar {
    key: KeyPair,
    certificate: String,
    base: String,
    http: reqwest::Client,
    pub(super) id: i64,
}

impl Liar {
    /// Enrols for a client.
    pub(super) async fn new(stage: &mut Stage, client: i64) -> Self {
        let (_, made) = stage.ask("POST", &format!("/clients/{client}/tokens"), Some(json!({}))).await;
        let token = Token::decode(made["token"].as_str().unwrap()).unwrap();
        let base = format!("https://{}", stage.running.as_ref().unwrap().nodes);
        let key = KeyPair::generate().unwrap();
        let enrol = json!({"wire": wire::VERSION, "secret": token.secret, "csr": request(&key), "version": "0", "hostname": "box"});
        let mut liar = Self { key, certificate: String::new(), base, http: stranger(), id: 0 };
        let (status, enrolled) = liar.post(wire::path::ENROL, &enrol).await;
        assert_eq!(status, 200, "{enrolled}");
        liar.id = enrolled["node"].as_i64().unwrap();
        liar.take(enrolled["certificate"].as_str().unwrap());
        liar
    }

    /// Shows this certificate from now on.
    pub(super) fn take(&mut self, certificate: &str) {
        self.certificate = certificate.to_owned();
        self.http = shows(certificate, &self.key);
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(path, body.to_string().into_bytes(), false).await.unwrap()
    }

    async fn send(&self, path: &str, body: Vec<u8>, packed: bool) -> Result<(StatusCode, Value), reqwest::Error> {
        let mut request = self.http.post(format!("{}{path}", self.base));
        if packed {
            request = request.header("content-encoding", "zstd");
        }
        let answer = request.body(body).send().await?;
        let status = answer.status();
        Ok((status, serde_json::from_str(&answer.text().await?).unwrap_or(Value::Null)))
    }

    pub(super) async fn hello(&self) -> (StatusCode, Value) {
        self.post(wire::path::HELLO, &hello()).await
    }

    pub(super) async fn renew(&self) -> (StatusCode, Value) {
        self.post(wire::path::RENEW, &json!({"csr": request(&self.key)})).await
    }

    /// Sends records after a position; the tag of the new one is its number.
    async fn batch(&self, after: Option<Position>, first: u64, records: &[Value]) -> (StatusCode, Value) {
        self.post(wire::path::BATCH, &batch(after, first, records)).await
    }
}

fn hello() -> Value {
    json!({"wire": wire::VERSION, "version": "0", "position": null, "now": Timestamp::now()})
}

fn at(number: u64) -> Position {
    Position { epoch: 9, number, tag: number }
}

fn batch(after: Option<Position>, first: u64, records: &[Value]) -> Value {
    let to = at(first + records.len() as u64 - 1);
    json!({"wire": wire::VERSION, "after": after, "first": first, "to": to, "cursors": {}, "records": records})
}

fn alert(rule: &str) -> Value {
    let now = Timestamp::now();
    json!({"kind": "alert", "module": "suricata", "rule": {"id": rule, "name": format!("rule {rule}")}, "severity": "high",
        "time": now, "seen": now, "last": now, "count": 1, "closed": true})
}

fn request(key: &KeyPair) -> String {
    CertificateParams::default().serialize_request(key).unwrap().pem().unwrap()
}

fn stranger() -> reqwest::Client {
    client(tls().with_no_client_auth())
}

fn shows(certificate: &str, key: &KeyPair) -> reqwest::Client {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = rustls::crypto::ring::sign::any_ecdsa_type(&key).unwrap();
    // Nothing checks here that the two belong together.
    let pair = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    client(tls().with_client_cert_resolver(Arc::new(pair)))
}

fn client(mut tls: ClientConfig) -> reqwest::Client {
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let builder = reqwest::Client::builder().use_preconfigured_tls(tls).no_proxy();
    builder.timeout(Duration::from_secs(20)).build().unwrap()
}

fn tls() -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody))
}

/// Trusts everybody: it is the core that is tried here.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

async fn client_of(stage: &mut Stage, name: &str) -> i64 {
    let (status, made) = stage.ask("POST", "/clients", Some(json!({"name": name}))).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_i64().unwrap()
}

#[track_caller]
fn refused(answer: &(StatusCode, Value), status: u16, kind: &str) {
    assert_eq!((answer.0.as_u16(), answer.1["type"].as_str().unwrap_or("")), (status, kind), "{}", answer.1);
}

#[tokio::test]
async fn without_a_certificate_of_this_core_one_can_only_enrol() {
    let mut stage = Stage::new().await;
    let acme = client_of(&mut stage, "Acme").await;
    let mut liar = Liar::new(&mut stage, acme).await;
    let mut params = CertificateParams::default();
    params.subject_alt_names.push(SanType::URI(format!("socme:node:{}", liar.id).try_into().unwrap()));
    let forged = params.self_signed(&liar.key).unwrap().pem();
    for http in [stranger(), shows(&forged, &liar.key)] {
        liar.http = http;
        for path in [wire::path::HELLO, wire::path::BATCH, wire::path::STATUS, wire::path::RENEW] {
            refused(&liar.post(path, &hello()).await, 401, problem::CERTIFICATE);
        }
    }
    // A token works once, and a guessed one not at all.
    for secret in ["", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let enrol = json!({"wire": wire::VERSION, "secret": secret, "csr": request(&KeyPair::generate().unwrap()), "version": "0", "hostname": "x"});
        refused(&liar.post(wire::path::ENROL, &enrol).await, 403, problem::TOKEN);
    }
    stage.stop().await;
}

#[tokio::test]
async fn another_nodes_certificate_opens_nothing_without_its_key() {
    let mut stage = Stage::new().await;
    let (acme, bolt) = (client_of(&mut stage, "Acme").await, client_of(&mut stage, "Bolt").await);
    let (liar, victim) = (Liar::new(&mut stage, acme).await, Liar::new(&mut stage, bolt).await);
    let thief = Liar { http: shows(&victim.certificate, &liar.key), ..liar };
    assert!(thief.send(wire::path::HELLO, hello().to_string().into_bytes(), false).await.is_err());
    // Nor can it have its own certificate renewed for another's key, or another's for its own.
    let mut thief = thief;
    thief.http = shows(&thief.certificate, &thief.key);
    let csr = json!({"csr": request(&victim.key)});
    refused(&thief.post(wire::path::RENEW, &csr).await, 400, problem::MALFORMED);
    stage.stop().await;
}

#[tokio::test]
async fn an_expired_node_can_only_renew_and_not_after_91_days() {
    let mut stage = Stage::new().await;
    let acme = client_of(&mut stage, "Acme").await;
    let (mut late, lost) = (Liar::new(&mut stage, acme).await, Liar::new(&mut stage, acme).await);
    assert_eq!(late.hello().await.0, 200);
    stage.clock.turn(8 * 86_400);
    refused(&late.hello().await, 401, problem::EXPIRED);
    refused(&late.batch(None, 1, &[alert("1")]).await, 401, problem::EXPIRED);
    let (status, renewed) = late.renew().await;
    assert_eq!(status, 200, "{renewed}");
    late.take(renewed["certificate"].as_str().unwrap());
    assert_eq!(late.hello().await.0, 200);
    stage.clock.turn(90 * 86_400);
    refused(&lost.renew().await, 401, problem::TOO_OLD);
    refused(&lost.hello().await, 401, problem::TOO_OLD);
    assert_eq!(late.renew().await.0, 200, "this one expired 83 days ago");
    stage.stop().await;
}

#[tokio::test]
async fn a_revoked_node_is_out_at_once_and_a_disabled_one_can_come_back() {
    let mut stage = Stage::new().await;
    let acme = client_of(&mut stage, "Acme").await;
    let (liar, good) = (Liar::new(&mut stage, acme).await, Liar::new(&mut stage, acme).await);
    assert_eq!((liar.hello().await.0, good.hello().await.0), (StatusCode::OK, StatusCode::OK));
    let disable = |disabled: bool| Some(json!({ "disabled": disabled }));
    stage.ask("PATCH", &format!("/nodes/{}", liar.id), disable(true)).await;
    refused(&liar.hello().await, 403, problem::DISABLED);
    assert_eq!(liar.renew().await.0, 200);
    stage.ask("PATCH", &format!("/nodes/{}", liar.id), disable(false)).await;
    assert_eq!(liar.hello().await.0, 200);
    assert_eq!(stage.ask("POST", &format!("/nodes/{}/revoke", liar.id), None).await.0, 200);
    // Its connection is cut; on a new one it is told why, whatever it asks.
    for path in [wire::path::HELLO, wire::path::BATCH, wire::path::RENEW] {
        let body = hello().to_string().into_bytes();
        let answer = match liar.send(path, body.clone(), false).await {
            Ok(answer) => answer,
            Err(_) => liar.send(path, body, false).await.unwrap(),
        };
        refused(&answer, 403, problem::REVOKED);
    }
    assert_eq!(good.hello().await.0, 200);
    stage.stop().await;
}

#[tokio::test]
async fn replayed_skipped_and_reordered_numbers_change_nothing() {
    let mut stage = Stage::new().await;
    let acme = client_of(&mut stage, "Acme").await;
    let liar = Liar::new(&mut stage, acme).await;
    assert_eq!(liar.batch(None, 1, &[alert("1"), alert("2")]).await.0, 200);
    let elsewhere = [
        (None, 1),                               // again
        (Some(at(1)), 2),                        // from the middle
        (Some(at(7)), 8),                        // ahead
        (Some(Position { tag: 3, ..at(2) }), 3), // another history
    ];
    for (after, first) in elsewhere {
        let (status, conflict) = liar.batch(after, first, &[alert("3")]).await;
        assert_eq!(status, 409, "{conflict}");
        assert_eq!(conflict["position"], json!(at(2)));
    }
    // A batch whose numbers contradict one another.
    let mut crooked = batch(Some(at(2)), 3, &[alert("3")]);
    crooked["to"] = json!(at(9));
    refused(&liar.post(wire::path::BATCH, &crooked).await, 400, problem::MALFORMED);
    // Counts for what it never sent.
    let now = Timestamp::now();
    let count = json!({"kind": "count", "alert": 1, "count": 5, "first": now, "last": now});
    let (status, taken) = liar.batch(Some(at(2)), 3, &[count]).await;
    assert_eq!((status.as_u16(), taken["refused"][0]["number"].as_u64()), (200, Some(3)));
    let alerts = stage.get("/alerts?q=source:suricata").await;
    assert_eq!(alerts["alerts"].as_array().unwrap().len(), 2);
    assert!(alerts["alerts"].as_array().unwrap().iter().all(|row| row["count"] == 1));
    stage.stop().await;
}

#[tokio::test]
async fn bombs_depths_and_giants_are_refused_with_a_reason_and_others_go_on() {
    let mut stage = Stage::new().await;
    let (acme, bolt) = (client_of(&mut stage, "Acme").await, client_of(&mut stage, "Bolt").await);
    let (liar, good) = (Liar::new(&mut stage, acme).await, Liar::new(&mut stage, bolt).await);
    // A field of a gigabyte, in 100 KB.
    let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
    bomb.write_all(b"{\"wire\":1,\"records\":[{\"kind\":\"alert\",\"raw\":\"").unwrap();
    for _ in 0..1024 {
        bomb.write_all(&[b'a'; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    refused(&liar.send(wire::path::BATCH, bomb, true).await.unwrap(), 413, problem::TOO_LARGE);
    // More than is taken at all.
    let giant = vec![b' '; wire::limit::BATCH_WIRE_BYTES + 1];
    refused(&liar.send(wire::path::BATCH, giant, false).await.unwrap(), 413, problem::TOO_LARGE);
    let giant = vec![b' '; wire::limit::BODY + 1];
    for path in [wire::path::HELLO, wire::path::STATUS, wire::path::RENEW, wire::path::ENROL] {
        refused(&liar.send(path, giant.clone(), false).await.unwrap(), 413, problem::TOO_LARGE);
    }
    // Nested a hundred times in a place where anything goes, and ten thousand times anywhere.
    for (depth, path) in [(10_000, wire::path::BATCH), (10_000, wire::path::HELLO), (128, wire::path::BATCH)] {
        let nested = format!("{{\"cursors\":{{\"x\":{}{}}}}}", "[".repeat(depth), "]".repeat(depth));
        refused(&liar.send(path, nested.into_bytes(), false).await.unwrap(), 400, problem::MALFORMED);
    }
    let mut deep = batch(None, 1, &[alert("1")]);
    deep["cursors"] = serde_json::from_str(&format!("{{\"x\":{}{}}}", "[".repeat(100), "]".repeat(100))).unwrap();
    assert_eq!(liar.post(wire::path::BATCH, &deep).await.0, 200, "within what is read: kept as it is");
    // Not even JSON, not even zstd.
    for (body, packed) in [(b"\xff\x00\x1b[2J".to_vec(), false), (b"\x28\xb5\x2f\xfd\xff\xff\xff\xff".to_vec(), true)] {
        refused(&liar.send(wire::path::BATCH, body, packed).await.unwrap(), 400, problem::MALFORMED);
    }
    // A field that is too long is refused alone.
    let mut long = alert("2");
    long["rule"]["name"] = json!("n".repeat(wire::limit::TEXT + 1));
    let (status, taken) = liar.batch(Some(at(1)), 2, &[long, alert("3")]).await;
    assert_eq!((status.as_u16(), taken["refused"].as_array().unwrap().len()), (200, 1), "{taken}");
    // A node of a later version is told what to do.
    let newer = json!({"wire": wire::VERSION + 1, "something": "else"});
    refused(&liar.post(wire::path::HELLO, &newer).await, 426, problem::WIRE);
    assert_eq!(good.batch(None, 1, &[alert("9")]).await.0, 200);
    stage.stop().await;
}

#[tokio::test]
async fn who_sends_too_fast_is_slowed_down_alone() {
    let mut stage = Stage::new().await;
    let (acme, bolt) = (client_of(&mut stage, "Acme").await, client_of(&mut stage, "Bolt").await);
    let (liar, good) = (Liar::new(&mut stage, acme).await, Liar::new(&mut stage, bolt).await);
    let empty = json!({});
    let mut slowed = None;
    for _ in 0..2_000 {
        let answer = liar.post(wire::path::BATCH, &empty).await;
        if answer.0 == 429 {
            slowed = Some(answer);
            break;
        }
    }
    refused(&slowed.expect("slowed down"), 429, problem::LATER);
    assert_eq!(good.batch(None, 1, &[alert("9")]).await.0, 200);
    stage.stop().await;
}

#[tokio::test]
async fn hostile_text_and_times_are_kept_as_they_are_and_flagged() {
    let mut stage = Stage::new().await;
    let acme = client_of(&mut stage, "Acme").await;
    let liar = Liar::new(&mut stage, acme).await;
    let text = "<script>alert(1)</script>\u{1b}]0;x\u{7}\u{202e}'; DROP TABLE alert; --\0${jndi:ldap://x}";
    let mut far = alert("1");
    for field in ["message", "url", "location"] {
        far[field] = json!(text);
    }
    far["rule"] = json!({"id": text, "name": text, "category": text, "groups": [text], "references": [text]});
    far["host"] = json!({"id": text, "name": text, "ip": text});
    far["source"] = json!({"ip": text, "port": 1, "domain": text});
    far["user"] = json!({"name": text, "domain": text});
    far["process"] = json!({"executable": text, "command_line": text, "parent": text});
    far["file"] = json!({"path": text, "md5": text});
    far["domains"] = json!([text]);
    far["raw"] = json!(text);
    (far["time"], far["last"]) = (json!("9999-12-30T12:00:00Z"), json!("9999-12-30T12:00:00Z"));
    let mut past = alert("2");
    (past["time"], past["last"]) = (json!("-009998-01-02T00:00:00Z"), json!("-009998-01-02T00:00:00Z"));
    let (status, taken) = liar.batch(None, 1, &[far, past]).await;
    assert_eq!(status, 200, "{taken}");
    assert_eq!(taken["refused"].as_array().map_or(0, Vec::len), 0, "{taken}");
    let rows = stage.get("/alerts?q=source:suricata").await["alerts"].clone();
    let flags: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["time_flag"].clone()).collect();
    assert_eq!(flags, [json!("past"), json!("future")]);
    let id = rows[1]["id"].as_str().unwrap();
    let told = stage.get(&format!("/alerts/{acme}/{id}")).await;
    assert_eq!((told["alert"]["message"].as_str(), told["raw"]["text"].as_str()), (Some(text), Some(text)));
    // It is found by its words, and searched for by anything without harm.
    assert_eq!(stage.get("/alerts?q=jndi").await["alerts"].as_array().unwrap().len(), 1);
    for path in ["/alerts/histogram", "/alerts/facets", "/nodes", "/health"] {
        stage.get(path).await;
    }
    stage.stop().await;
}
