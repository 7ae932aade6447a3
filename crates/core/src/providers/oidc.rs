//! OpenID Connect, by the library that its field uses.

use std::collections::HashMap;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm as Alg, CoreResponseMode, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreSubjectIdentifierType, CoreTokenIntrospectionResponse,
    CoreTokenType,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthType, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdTokenFields, IssuerUrl, LocalizedClaim, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, StandardClaims,
    StandardErrorResponse, StandardTokenResponse, TokenResponse as _, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Provider;

use super::found::{Found, label};
use super::visit::{Purpose, Visit};
use super::{Exchange, Refusal};
use crate::outgoing::{Failure, Outgoing};

/// Signatures that count: never `none`, and never one that the client's own secret makes.
const SIGNATURES: [Alg; 9] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];
/// How long ago somebody may have shown there who they are, when a fresh proof is asked for.
const LATELY: i64 = 300;

/// What a provider's description says beside the standard's first edition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct More {
    /// It says who it is when it sends people back (RFC 9207).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

/// Claims beside the standard's: groups are among them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Rest {
    #[serde(flatten)]
    claims: HashMap<String, Value>,
}

impl AdditionalClaims for Rest {}

/// A provider's description, with its keys.
pub(super) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What a code was exchanged for.
pub(super) type Tokens = StandardTokenResponse<
    IdTokenFields<Rest, EmptyExtraTokenFields, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, Alg>,
    CoreTokenType,
>;

type Client = openidconnect::Client<
    Rest,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why tokens were not read.
pub(super) enum Unread {
    /// They are signed with a key that was not among those known.
    UnknownKey(String),
    /// They are not to be believed, or the provider failed.
    No(Refusal),
}

impl From<Unread> for Refusal {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::UnknownKey(why) => Self::Untrue(why),
            Unread::No(refusal) => refusal,
        }
    }
}

/// Asks an issuer for its description and keys.
pub(super) async fn discover(outgoing: &Outgoing, issuer: &str) -> Result<Metadata, Refusal> {
    let unusable = |why: String| Refusal::Unusable(why);
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| unusable("the issuer is no address".into()))?;
    Metadata::discover_async(issuer, outgoing).await.map_err(|error| {
        unusable(match error {
            DiscoveryError::Request(failure) => failure.to_string(),
            DiscoveryError::Response(status, _, why) if status.is_success() => {
                format!("what it answered is no description of a provider: {why}")
            }
            DiscoveryError::Response(status, ..) => {
                format!("it answered {status} where the description of a provider should be: is the issuer complete?")
            }
            DiscoveryError::Parse(error) => format!("its description cannot be read: {error}"),
            DiscoveryError::Validation(why) => format!("{why}: write the issuer exactly as the provider does"),
            other => other.to_string(),
        })
    })
}

/// Fails if sign-in cannot work with a provider that describes itself so.
pub(super) fn usable(metadata: &Metadata) -> Result<(), Refusal> {
    let no = |why: &str| Err(Refusal::Unusable(why.into()));
    if metadata.token_endpoint().is_none() {
        return no("its description names no token endpoint");
    }
    if !metadata.id_token_signing_alg_values_supported().iter().any(|alg| SIGNATURES.contains(alg)) {
        return no("it signs with none of the algorithms that are accepted (RS, PS, ES and EdDSA)");
    }
    if metadata.jwks().keys().is_empty() {
        return no("it has published no keys");
    }
    Ok(())
}

/// Where to send a browser.
pub(super) fn destination(provider: &Provider, metadata: &Metadata, visit: &Visit, back: &str) -> Result<Url, Refusal> {
    let client = client(provider, metadata, None, back)?;
    let (state, nonce) = (visit.state.reveal().to_owned(), visit.nonce.reveal().to_owned());
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let verifier = PkceCodeVerifier::new(visit.verifier.reveal().to_owned());
    let mut request = client
        .authorize_url(flow, move || CsrfToken::new(state), move || Nonce::new(nonce))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scope(Scope::new("profile".into()))
        .add_scope(Scope::new("email".into()))
        .add_scopes(provider.rules.scopes.iter().cloned().map(Scope::new));
    if let Purpose::Proof(_) = visit.purpose {
        request = request.set_max_age(std::time::Duration::ZERO);
    }
    Ok(request.url().0)
}

/// Fails if another than this provider sent the browser back.
pub(super) fn check_sender(provider: &Provider, metadata: &Metadata, iss: Option<&str>) -> Result<(), Refusal> {
    let says_so = metadata.additional_metadata().authorization_response_iss_parameter_supported;
    match iss {
        Some(iss) if iss == provider.issuer => Ok(()),
        None if !says_so => Ok(()),
        _ => Err(Refusal::Untrue("another provider than the one asked sent the browser back".into())),
    }
}

/// Exchanges a code for tokens.
pub(super) async fn exchange(
    outgoing: &Outgoing,
    provider: &Provider,
    metadata: &Metadata,
    exchange: Exchange,
) -> Result<Tokens, Refusal> {
    let secret = exchange.secret.map(|secret| ClientSecret::new(secret.reveal().to_owned()));
    let client = client(provider, metadata, secret, &exchange.back)?;
    let request = client.exchange_code(exchange.code).map_err(|error| Refusal::Unusable(error.to_string()))?;
    request.set_pkce_verifier(exchange.verifier).request_async(outgoing).await.map_err(|error| match error {
        RequestTokenError::Request(failure) => failure.into(),
        // What else an answer says may hold what it should not.
        RequestTokenError::ServerResponse(said) => Refusal::Untrue(format!("the code was not taken: {}", said.error())),
        RequestTokenError::Parse(error, _) => Refusal::Unusable(format!("its tokens cannot be read: {error}")),
        RequestTokenError::Other(why) => Refusal::Unusable(why),
    })
}

/// Checks the ID token, and reads who it is about.
pub(super) async fn read(
    outgoing: &Outgoing,
    provider: &Provider,
    metadata: &Metadata,
    visit: &Visit,
    tokens: &Tokens,
) -> Result<Found, Unread> {
    let client = client(provider, metadata, None, "https://unused.invalid").map_err(Unread::No)?;
    let untrue = |why: String| Unread::No(Refusal::Untrue(why));
    let token = tokens.id_token().ok_or_else(|| untrue("it gave no ID token".into()))?;
    let verifier = client.id_token_verifier().set_allowed_algs(SIGNATURES);
    let nonce = Nonce::new(visit.nonce.reveal().to_owned());
    let claims = token.claims(&verifier, &nonce).map_err(|error| match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            Unread::UnknownKey("the ID token is signed with an unknown key".into())
        }
        ClaimsVerificationError::SignatureVerification(error) => untrue(format!("the ID token: {error}")),
        error => untrue(format!("the ID token: {error}")),
    })?;
    if let Some(expected) = claims.access_token_hash() {
        let (alg, key) = (token.signing_alg(), token.signing_key(&verifier));
        let (Ok(alg), Ok(key)) = (alg, key) else { return Err(untrue("the ID token names no key".into())) };
        let found = AccessTokenHash::from_token(tokens.access_token(), alg, key);
        if found.ok().as_ref() != Some(expected) {
            return Err(untrue("the access token is not the one that the ID token speaks of".into()));
        }
    }
    // By this machine's clock, as the library checks the rest: both moments were written by other machines.
    if let (Purpose::Proof(_), Some(at)) = (&visit.purpose, claims.auth_time())
        && jiff::Timestamp::now().as_second() - at.timestamp() > LATELY
    {
        return Err(untrue("it did not ask again who is there".into()));
    }
    let mut found = Found { subject: claims.subject().to_string(), ..Found::default() };
    let claim = group_claim(provider);
    let standard = StandardClaims::new(claims.subject().clone())
        .set_email(claims.email().cloned())
        .set_email_verified(claims.email_verified())
        .set_preferred_username(claims.preferred_username().cloned())
        .set_name(claims.name().cloned());
    add(&mut found, &standard, claims.additional_claims(), claim);
    // Many providers put only the subject into the token, and the rest where it is asked for with the access token.
    if metadata.userinfo_endpoint().is_some() && lacks(provider, &found) {
        let request = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()));
        let request = request.map_err(|error| Unread::No(Refusal::Unusable(error.to_string())))?;
        let more: Result<UserInfoClaims<Rest, CoreGenderClaim>, _> = request.request_async(outgoing).await;
        let more = more.map_err(|error| Unread::No(unread_more(error)))?;
        add(&mut found, more.standard_claims(), more.additional_claims(), claim);
    }
    if found.label.is_empty() {
        found.label = label(&found.subject);
    }
    Ok(found)
}

fn unread_more(error: openidconnect::UserInfoError<Failure>) -> Refusal {
    use openidconnect::UserInfoError;
    match error {
        UserInfoError::Request(failure) => failure.into(),
        UserInfoError::ClaimsVerification(error) => Refusal::Untrue(format!("what it says of the person: {error}")),
        UserInfoError::Response(status, ..) => Refusal::Unusable(format!("it answered {status} to who this is")),
        other => Refusal::Unusable(format!("what it says of the person cannot be read: {other}")),
    }
}

fn client(
    provider: &Provider,
    metadata: &Metadata,
    secret: Option<ClientSecret>,
    back: &str,
) -> Result<Client, Refusal> {
    let back = RedirectUrl::new(back.to_owned()).map_err(|error| Refusal::Unusable(error.to_string()))?;
    let id = ClientId::new(provider.client_id.clone());
    let client = Client::from_provider_metadata(metadata.clone(), id, secret).set_redirect_uri(back);
    let methods = metadata.token_endpoint_auth_methods_supported();
    // Without a word from the provider it is the standard's default: in a header.
    let in_header = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
    Ok(client.set_auth_type(if in_header { AuthType::BasicAuth } else { AuthType::RequestBody }))
}

fn group_claim(provider: &Provider) -> &str {
    if provider.rules.groups_claim.is_empty() { "groups" } else { &provider.rules.groups_claim }
}

/// True if something is not known yet that is shown or decided by.
fn lacks(provider: &Provider, found: &Found) -> bool {
    let rules = &provider.rules;
    let groups = !rules.groups.is_empty() || !rules.mapping.is_empty();
    found.label.is_empty()
        || (groups && found.groups.is_empty())
        || (!rules.domains.is_empty() && found.verified_mail.is_none())
}

/// Adds what is said of somebody to what is known; what is known already stays.
fn add(found: &mut Found, standard: &StandardClaims<CoreGenderClaim>, rest: &Rest, claim: &str) {
    let mail = standard.email().map(|mail| mail.as_str().to_owned());
    if found.verified_mail.is_none() && standard.email_verified() == Some(true) {
        found.verified_mail.clone_from(&mail);
    }
    if found.label.is_empty() {
        let name = |claim: Option<&LocalizedClaim<openidconnect::EndUserName>>| {
            claim.and_then(|claim| claim.get(None)).map(|name| name.as_str().to_owned())
        };
        let login = standard.preferred_username().map(|login| login.as_str().to_owned());
        found.label = label(&login.or_else(|| name(standard.name())).or(mail).unwrap_or_default());
    }
    if found.hosted_domain.is_none() {
        found.hosted_domain = rest.claims.get("hd").and_then(Value::as_str).map(str::to_owned);
    }
    if found.groups.is_empty() {
        found.groups = groups(&rest.claims, claim);
    }
}

/// What a claim names: a text or a list of them, found by its name or by a path of names.
fn groups(claims: &HashMap<String, Value>, claim: &str) -> Vec<String> {
    let by_path = || {
        let mut names = claim.split('.');
        let first = claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    };
    match claims.get(claim).or_else(by_path) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_name_and_by_path() {
        let claims: Rest = serde_json::from_value(serde_json::json!({
            "groups": ["a", 7, "b"], "realm_access": { "roles": ["c"] }, "https://acme.example/role": "d", "x": 1,
        }))
        .unwrap();
        let of = |claim| groups(&claims.claims, claim);
        assert_eq!(of("groups"), ["a", "b"]);
        assert_eq!(of("realm_access.roles"), ["c"]);
        assert_eq!(of("https://acme.example/role"), ["d"]);
        assert!(of("x").is_empty() && of("x.y").is_empty() && of("").is_empty());
    }
}
