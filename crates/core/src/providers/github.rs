//! GitHub, and GitHub Enterprise Server: OAuth with PKCE, and who it was from the API. Of a person only the number counts.

use http::{HeaderValue, Method, StatusCode, header};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse as _, TokenUrl,
};
use openidconnect::{http, url::Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::Provider;

use super::found::{Found, label};
use super::visit::Visit;
use super::{Exchange, Refusal};
use crate::outgoing::{Failure, Outgoing};

/// Entries of a page of the API, and pages that are read of each list.
const PAGE: usize = 100;
const PAGES: usize = 10;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

#[derive(Deserialize)]
struct User {
    /// Never given to another account; the login is, once it was changed.
    id: u64,
    login: String,
}

#[derive(Deserialize)]
struct Membership {
    organization: Organisation,
}

#[derive(Deserialize)]
struct Organisation {
    login: String,
}

#[derive(Deserialize)]
struct Team {
    slug: String,
    organization: Organisation,
}

/// Where to send a browser.
pub(super) fn destination(provider: &Provider, visit: &Visit, back: &str) -> Result<Url, Refusal> {
    let client = client(provider, None, back)?;
    let state = visit.state.reveal().to_owned();
    let verifier = PkceCodeVerifier::new(visit.verifier.reveal().to_owned());
    let mut request = client
        .authorize_url(move || CsrfToken::new(state))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(provider.rules.scopes.iter().cloned().map(Scope::new));
    if needs_groups(provider) {
        request = request.add_scope(Scope::new("read:org".into()));
    }
    Ok(request.url().0)
}

/// Exchanges the code, and asks the API who it was.
pub(super) async fn recognise(outgoing: &Outgoing, provider: &Provider, exchange: Exchange) -> Result<Found, Refusal> {
    let secret = exchange.secret.map(|secret| ClientSecret::new(secret.reveal().to_owned()));
    let client = client(provider, secret, &exchange.back)?;
    let request = client.exchange_code(exchange.code).set_pkce_verifier(exchange.verifier);
    let tokens: BasicTokenResponse = request.request_async(outgoing).await.map_err(not_taken)?;
    let api = Api { outgoing, base: api(&provider.issuer), token: tokens.access_token().secret() };
    let user: User = api.get("/user").await?;
    if user.id == 0 {
        return Err(Refusal::Untrue("GitHub does not say who this is".into()));
    }
    let mut groups = Vec::new();
    if needs_groups(provider) {
        let memberships: Vec<Membership> = api.all("/user/memberships/orgs?state=active&").await?;
        groups.extend(memberships.into_iter().map(|membership| membership.organization.login));
        let teams: Vec<Team> = api.all("/user/teams?").await?;
        groups.extend(teams.into_iter().map(|team| format!("{}/{}", team.organization.login, team.slug)));
    }
    Ok(Found { subject: user.id.to_string(), label: label(&user.login), groups, ..Found::default() })
}

/// Whether there is a GitHub at this address.
pub(super) async fn test(outgoing: &Outgoing, provider: &Provider) -> Result<(), Refusal> {
    let api = Api { outgoing, base: api(&provider.issuer), token: "" };
    let answer = outgoing.send(api.request("/meta")?).await?;
    // An Enterprise Server in private mode wants to know first who asks: that is an answer too.
    if answer.status().is_success() || answer.status() == StatusCode::UNAUTHORIZED {
        return Ok(());
    }
    Err(Refusal::Unusable(format!("it answered {} where GitHub's API should be", answer.status())))
}

fn needs_groups(provider: &Provider) -> bool {
    !provider.rules.groups.is_empty() || !provider.rules.mapping.is_empty()
}

fn client(provider: &Provider, secret: Option<ClientSecret>, back: &str) -> Result<Client, Refusal> {
    let unusable = |error: openidconnect::url::ParseError| Refusal::Unusable(error.to_string());
    let base = provider.issuer.trim_end_matches('/');
    let mut client = BasicClient::new(ClientId::new(provider.client_id.clone()))
        .set_auth_uri(AuthUrl::new(format!("{base}/login/oauth/authorize")).map_err(unusable)?)
        .set_token_uri(TokenUrl::new(format!("{base}/login/oauth/access_token")).map_err(unusable)?)
        .set_redirect_uri(RedirectUrl::new(back.to_owned()).map_err(unusable)?)
        .set_auth_type(AuthType::RequestBody);
    if let Some(secret) = secret {
        client = client.set_client_secret(secret);
    }
    Ok(client)
}

/// Where the API of a GitHub is.
fn api(host: &str) -> String {
    match host.trim_end_matches('/') {
        "https://github.com" => "https://api.github.com".to_owned(),
        own => format!("{own}/api/v3"),
    }
}

fn not_taken(error: RequestTokenError<Failure, BasicErrorResponse>) -> Refusal {
    match error {
        RequestTokenError::Request(failure) => failure.into(),
        RequestTokenError::ServerResponse(said) => Refusal::Untrue(format!("the code was not taken: {}", said.error())),
        // GitHub says «200» to a bad code, and the error in the body.
        RequestTokenError::Parse(_, body) => match serde_json::from_slice::<BasicErrorResponse>(&body) {
            Ok(said) => Refusal::Untrue(format!("the code was not taken: {}", said.error())),
            Err(_) => Refusal::Unusable("its answer to the code cannot be read".into()),
        },
        RequestTokenError::Other(why) => Refusal::Unusable(why),
    }
}

struct Api<'a> {
    outgoing: &'a Outgoing,
    base: String,
    token: &'a str,
}

impl Api<'_> {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let answer = self.outgoing.send(self.request(path)?).await?;
        let place = path.split('?').next().unwrap_or_default();
        if answer.status() != StatusCode::OK {
            return Err(Refusal::Unusable(format!("its API answered {} to {place}", answer.status())));
        }
        let read = serde_json::from_slice(answer.body());
        read.map_err(|error| Refusal::Unusable(format!("its API's answer to {place} cannot be read: {error}")))
    }

    /// All pages of a list.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Refusal> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let found: Vec<T> = self.get(&format!("{path}per_page={PAGE}&page={page}")).await?;
            let last = found.len() < PAGE;
            all.extend(found);
            if last {
                break;
            }
        }
        Ok(all)
    }

    fn request(&self, path: &str) -> Result<HttpRequest, Refusal> {
        let unusable = |error: &dyn std::fmt::Display| Refusal::Unusable(error.to_string());
        let mut request = http::Request::builder()
            .method(Method::GET)
            .uri(format!("{}{path}", self.base))
            .header(header::ACCEPT, "application/vnd.github+json")
            .header("X-GitHub-Api-Version", "2022-11-28");
        if !self.token.is_empty() {
            let mut bearer =
                HeaderValue::try_from(format!("Bearer {}", self.token)).map_err(|error| unusable(&error))?;
            bearer.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, bearer);
        }
        request.body(Vec::new()).map_err(|error| unusable(&error))
    }
}
