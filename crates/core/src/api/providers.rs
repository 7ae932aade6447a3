//! Providers of identities, for administrators. A secret goes in, and never comes out.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Mapped, NewProvider, ProviderChange, ProviderId, ProviderKind, ProviderRules};
use utoipa::ToSchema;

use super::clients::Confirm;
use super::extract::{Body, Place, given};
use super::me::Access;
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::seal::Hidden;
use crate::state::{Core, Shared};

/// Where GitHub is, for who writes nothing.
const GITHUB: &str = "https://github.com";

/// How one speaks with a provider.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ProviderKind)]
pub(super) enum Kind {
    /// OpenID Connect.
    Oidc,
    /// GitHub, or a GitHub Enterprise Server.
    GitHub,
}

impl From<ProviderKind> for Kind {
    fn from(kind: ProviderKind) -> Self {
        match kind {
            ProviderKind::Oidc => Self::Oidc,
            ProviderKind::GitHub => Self::GitHub,
        }
    }
}

impl From<Kind> for ProviderKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Oidc => Self::Oidc,
            Kind::GitHub => Self::GitHub,
        }
    }
}

/// What members of a group may do.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GroupAccess)]
struct Line {
    /// The group's name, as the provider writes it; GitHub: `organisation`, or `organisation/team`.
    group: String,
    /// What its members may do, and where.
    access: Access,
}

/// A provider.
#[derive(Serialize, ToSchema)]
pub(super) struct Provider {
    /// Number.
    id: i64,
    /// What the button says.
    name: String,
    /// Its word in `redirect_uri`.
    slug: String,
    /// How one speaks with it.
    kind: Kind,
    /// The issuer; GitHub: where it is.
    issuer: String,
    /// As what the core is registered there.
    client_id: String,
    /// A secret is stored.
    has_secret: bool,
    /// What to enter there as the address that people are sent back to.
    redirect_uri: String,
    /// People may sign in through it.
    enabled: bool,
    /// Whoever it knows and the core does not gets an account that may do nothing yet.
    strangers: bool,
    /// Whom it lets in, and what they may do.
    rules: Rules,
    /// Since when.
    created: Timestamp,
}

impl Provider {
    fn new(core: &Core, provider: store::Provider) -> Self {
        Self {
            id: provider.id.0,
            redirect_uri: address(core, &provider.slug),
            name: provider.name,
            slug: provider.slug,
            kind: provider.kind.into(),
            issuer: provider.issuer,
            client_id: provider.client_id,
            has_secret: provider.has_secret,
            enabled: provider.enabled,
            strangers: provider.strangers,
            rules: provider.rules.into(),
            created: provider.created,
        }
    }
}

/// Providers.
#[derive(Serialize, ToSchema)]
pub(super) struct Providers {
    /// By name.
    providers: Vec<Provider>,
    /// What comes before `slug` in the address that people are sent back to.
    redirect_base: String,
}

/// A provider to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProvider)]
pub(super) struct New {
    /// What the button says, 1 to 64 characters.
    name: String,
    /// Its word in the address that people are sent back to, of a–z, 0–9 and `-`; left out: made from the name. It stays.
    slug: Option<String>,
    /// How one speaks with it.
    kind: Kind,
    /// The issuer, exactly as the provider writes it; GitHub: where it is, left out for github.com.
    issuer: Option<String>,
    /// As what the core is registered there.
    client_id: String,
    /// The secret that goes with it.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<Hidden>,
    /// People may sign in through it; left out: yes.
    enabled: Option<bool>,
    /// Whoever it knows and the core does not gets an account that may do nothing yet; left out: no.
    #[serde(default)]
    strangers: bool,
    /// Whom it lets in, and what they may do.
    #[serde(default)]
    rules: Rules,
}

/// What to change; what is not there stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProviderChange)]
pub(super) struct Change {
    /// 1 to 64 characters.
    name: Option<String>,
    /// Only together with the secret.
    issuer: Option<String>,
    /// As what the core is registered there.
    client_id: Option<String>,
    /// Another secret; null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<Option<Hidden>>,
    /// People may sign in through it.
    enabled: Option<bool>,
    /// Unknown people get an account.
    strangers: Option<bool>,
    /// Whom it lets in, and what they may do, instead of what was set.
    rules: Option<Rules>,
}

/// Whom a provider lets in, and what they may do.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ProviderRules)]
struct Rules {
    /// What is asked for beside what is always asked for.
    scopes: Vec<String>,
    /// The claim that names the groups, dots lead into objects; empty: `groups`. OpenID Connect only.
    groups_claim: String,
    /// Only people with a verified mail address of one of these domains; none: all. OpenID Connect only.
    domains: Vec<String>,
    /// Only members of one of these groups; none: all. GitHub: `organisation`, or `organisation/team`.
    groups: Vec<String>,
    /// What members of groups may do, set at each sign-in; none: groups change nothing.
    mapping: Vec<Line>,
}

impl From<ProviderRules> for Rules {
    fn from(ProviderRules { scopes, groups_claim, domains, groups, mapping }: ProviderRules) -> Self {
        let line = |Mapped { group, access }| Line { group, access: (&access).into() };
        Self { scopes, groups_claim, domains, groups, mapping: mapping.into_iter().map(line).collect() }
    }
}

impl Rules {
    fn read(self, kind: ProviderKind) -> Result<ProviderRules, Problem> {
        let tidy = |list: Vec<String>| -> Vec<String> {
            list.into_iter().map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
        };
        let line = |Line { group, access }| Ok(Mapped { group: group.trim().to_owned(), access: access.read()? });
        let claim = Some(self.groups_claim.trim()).filter(|claim| !claim.is_empty()).unwrap_or("groups");
        let rules = ProviderRules {
            scopes: tidy(self.scopes),
            groups_claim: if kind == ProviderKind::Oidc { claim.to_owned() } else { String::new() },
            domains: tidy(self.domains),
            groups: tidy(self.groups),
            mapping: self.mapping.into_iter().map(line).collect::<Result<_, Problem>>()?,
        };
        if kind == ProviderKind::GitHub && !rules.domains.is_empty() {
            return Err(Problem::invalid(
                "domains",
                "GitHub is limited by organisations and teams: enter them as groups.",
            ));
        }
        Ok(rules)
    }
}

/// What came out when a provider was tried.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderTest)]
pub(super) struct Tested {
    /// It answers, and can be used.
    fine: bool,
    /// What is wrong with it, in words.
    why: Option<String>,
}

/// All providers.
#[utoipa::path(get, path = "/providers", tag = "providers", responses((status = 200, body = Providers)))]
pub(super) async fn list(State(core): State<Shared>, _: Person) -> Result<Json<Providers>, Problem> {
    let all = core.store.providers().await?;
    let providers = all.into_iter().map(|provider| Provider::new(&core, provider)).collect();
    Ok(Json(Providers { providers, redirect_base: address(&core, "") }))
}

/// Adds a provider.
#[utoipa::path(post, path = "/providers", tag = "providers", request_body = New, responses(
    (status = 201, body = Provider),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn create(
    State(core): State<Shared>,
    person: Person,
    Body(new): Body<New>,
) -> Result<(StatusCode, Json<Provider>), Problem> {
    let kind = ProviderKind::from(new.kind);
    let provider = NewProvider {
        slug: new.slug.unwrap_or_else(|| slug_of(&new.name)),
        issuer: checked_issuer(&core, kind, new.issuer.as_deref().unwrap_or(GITHUB))?,
        rules: new.rules.read(kind)?,
        name: new.name,
        kind,
        client_id: new.client_id,
        enabled: new.enabled.unwrap_or(true),
        strangers: new.strangers,
    };
    let (secret, sealing) = (new.secret.filter(|secret| !secret.reveal().trim().is_empty()), core.clone());
    let seal = move |id: ProviderId| {
        let seal =
            |secret: Hidden| seal(&sealing, id, &secret).map_err(|error| store::Error::Damaged(error.to_string()));
        secret.map(seal).transpose()
    };
    let made = core.store.create_provider(person.actor, provider, seal).await?;
    Ok((StatusCode::CREATED, Json(Provider::new(&core, made))))
}

/// A provider.
#[utoipa::path(get, path = "/providers/{id}", tag = "providers", params(("id" = i64, Path)), responses(
    (status = 200, body = Provider),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn get(
    State(core): State<Shared>,
    _: Person,
    Place(id): Place<i64>,
) -> Result<Json<Provider>, Problem> {
    Ok(Json(Provider::new(&core, core.store.provider(ProviderId(id)).await?)))
}

/// Changes a provider.
#[utoipa::path(patch, path = "/providers/{id}", tag = "providers", params(("id" = i64, Path)), request_body = Change, responses(
    (status = 200, body = Provider),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "No administrator could sign in any more"),
))]
pub(super) async fn change(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(change): Body<Change>,
) -> Result<Json<Provider>, Problem> {
    let now = core.store.provider(ProviderId(id)).await?;
    let issuer = change.issuer.map(|issuer| checked_issuer(&core, now.kind, &issuer)).transpose()?;
    let secret = change.secret.map(|secret| secret.filter(|secret| !secret.reveal().trim().is_empty()));
    let secret = secret.map(|secret| secret.map(|secret| seal(&core, now.id, &secret)).transpose()).transpose()?;
    let change = ProviderChange {
        name: change.name,
        issuer,
        client_id: change.client_id,
        secret,
        enabled: change.enabled,
        strangers: change.strangers,
        rules: change.rules.map(|rules| rules.read(now.kind)).transpose()?,
    };
    Ok(Json(Provider::new(&core, core.store.change_provider(person.actor, now.id, change).await?)))
}

/// Deletes a provider with its secret. Who is linked to it stays so, should it be added again.
#[utoipa::path(delete, path = "/providers/{id}", tag = "providers", params(("id" = i64, Path)), request_body = Confirm, responses(
    (status = 204),
    (status = 400, body = ProblemBody, description = "The name is not the provider's"),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "No administrator could sign in any more"),
))]
pub(super) async fn delete(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(confirm): Body<Confirm>,
) -> Result<StatusCode, Problem> {
    let provider = core.store.provider(ProviderId(id)).await?;
    confirm.check(&provider.name)?;
    core.store.delete_provider(person.actor, provider.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks a provider for its description, and says what is wrong with it.
#[utoipa::path(post, path = "/providers/{id}/test", tag = "providers", params(("id" = i64, Path)), responses(
    (status = 200, body = Tested),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn test(
    State(core): State<Shared>,
    _: Person,
    Place(id): Place<i64>,
) -> Result<Json<Tested>, Problem> {
    let provider = core.store.provider(ProviderId(id)).await?;
    let why = match secret_of(&core, &provider).await {
        Err(_) => Some("its secret cannot be read: enter it again".to_owned()),
        Ok(_) => core.providers.test(&provider).await.err().map(|refusal| refusal.words()),
    };
    Ok(Json(Tested { fine: why.is_none(), why }))
}

/// Where a provider sends people back to.
pub(super) fn address(core: &Core, slug: &str) -> String {
    format!("{}/sign-in/return/{slug}", core.people_url)
}

/// A provider's secret, opened.
pub(super) async fn secret_of(core: &Core, provider: &store::Provider) -> anyhow::Result<Option<Hidden>> {
    let name = store::Provider::sealed_name(provider.id);
    let Some(sealed) = core.store.sealed(&name).await? else { return Ok(None) };
    let opened = String::from_utf8(core.sealer.open(&name, &sealed)?)?;
    Ok(Some(Hidden::new(opened)))
}

fn seal(core: &Core, id: ProviderId, secret: &Hidden) -> anyhow::Result<Vec<u8>> {
    core.sealer.seal(&store::Provider::sealed_name(id), secret.reveal().trim().as_bytes())
}

/// An issuer that the core may ask; of GitHub only scheme, host and port.
fn checked_issuer(core: &Core, kind: ProviderKind, issuer: &str) -> Result<String, Problem> {
    let issuer = issuer.trim();
    let url =
        core.providers.check(issuer).map_err(|failure| Problem::invalid("issuer", sentence(&failure.to_string())))?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::invalid("issuer", "Write only https://, the host and the path."));
    }
    match kind {
        ProviderKind::Oidc => Ok(issuer.to_owned()),
        ProviderKind::GitHub => Ok(url.origin().ascii_serialization()),
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

/// A word for an address, made from a name.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.get(..40).unwrap_or(&slug).trim_matches('-');
    if slug.is_empty() { "provider".to_owned() } else { slug.to_owned() }
}
