//! A provider of identities that lies as it is told: an imitation after OpenID Connect Core 1.0 and Discovery 1.0, for
//! attacks that no real provider would play.

use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

type Fields = std::collections::HashMap<String, String>;

/// What it says.
#[derive(Default)]
pub(super) struct Said {
    /// Instead of its description.
    pub(super) description: Option<Response>,
    /// Added to its description.
    pub(super) more: Value,
    /// The ID token; none: no ID token.
    pub(super) token: Option<String>,
    /// What was sent to the token endpoint.
    pub(super) codes: Vec<Fields>,
    /// Its keys.
    keys: Vec<Value>,
}

pub(super) struct Crooked {
    pub(super) issuer: String,
    pub(super) said: Arc<Mutex<Said>>,
    key: EcdsaKeyPair,
    kid: String,
}

impl Crooked {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let said = Arc::new(Mutex::new(Said { more: json!({}), ..Said::default() }));
        let state = (issuer.clone(), said.clone());
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut crooked = Self { issuer, said, key: draw(), kid: String::new() };
        crooked.change_key("first");
        crooked
    }

    /// Signs with another key from now on.
    pub(super) fn change_key(&mut self, kid: &str) {
        (self.key, self.kid) = (draw(), kid.to_owned());
        let public = self.key.public_key().as_ref();
        let (x, y) = (BASE64.encode(&public[1..33]), BASE64.encode(&public[33..]));
        let key = json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y});
        self.said.lock().unwrap().keys = vec![key];
    }

    /// A right ID token, but for what is changed.
    pub(super) fn token(&self, nonce: &str, changed: &Value) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.issuer, "aud": "socme", "sub": "7", "iat": now, "exp": now + 300, "nonce": nonce,
            "preferred_username": "mallory",
        });
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.sign(&json!({"alg": "ES256", "kid": self.kid}), &claims)
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", BASE64.encode(signature))
    }

    /// Gives this ID token to whoever exchanges a code next.
    pub(super) fn gives(&self, token: String) {
        self.said.lock().unwrap().token = Some(token);
    }
}

pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

fn draw() -> EcdsaKeyPair {
    let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
    let made = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(kind, made.as_ref(), &random).unwrap()
}

type Shared = State<(String, Arc<Mutex<Said>>)>;

async fn describe(State((issuer, said)): Shared) -> Response {
    let mut said = said.lock().unwrap();
    if let Some(instead) = said.description.take() {
        return instead;
    }
    let mut description = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        "authorization_response_iss_parameter_supported": true,
    });
    for (name, value) in said.more.as_object().unwrap() {
        description[name] = value.clone();
    }
    Json(description).into_response()
}

async fn keys(State((_, said)): Shared) -> Json<Value> {
    Json(json!({ "keys": said.lock().unwrap().keys }))
}

async fn token(State((_, said)): Shared, Form(fields): Form<Fields>) -> Json<Value> {
    let mut said = said.lock().unwrap();
    said.codes.push(fields);
    let mut answer = json!({"access_token": "a", "token_type": "Bearer"});
    if let Some(token) = &said.token {
        answer["id_token"] = json!(token);
    }
    Json(answer)
}
