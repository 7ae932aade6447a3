//! Providers of identities: where people may show elsewhere who they are. A provider's secret is not here: the core seals it
//! (`sealed.rs`), under a name that [`Provider::sealed_name`] gives.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::{self, Access};
use crate::audit::{self, Actor, Note};
use crate::clock::from_millis;
use crate::engine::sql::{Row, Sql, params};
use crate::engine::writer::Tx;
use crate::id::ProviderId;
use crate::{Error, Result, Store, sealed, users};

/// Providers at most: the sign-in page has a button for each.
const MOST: i64 = 50;
/// Lines of a mapping, and entries of each list.
const LINES: usize = 500;
/// Characters of a group's name, an issuer and the like.
const LONG: usize = 500;

/// How one speaks with a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenID Connect.
    Oidc,
    /// GitHub, or a GitHub Enterprise Server: OAuth, and an API of its own.
    GitHub,
}

impl ProviderKind {
    pub(crate) fn from_code(code: i64) -> Self {
        if code == Self::GitHub as i64 { Self::GitHub } else { Self::Oidc }
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::GitHub => "github",
        }
    }
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its number.
    pub id: ProviderId,
    /// What the button says; unique whatever the case.
    pub name: String,
    /// Its word in the address that the provider sends people back to; never changes.
    pub slug: String,
    /// How one speaks with it.
    pub kind: ProviderKind,
    /// OpenID Connect: the issuer, to the letter. GitHub: where it is, such as `https://github.com`.
    pub issuer: String,
    /// As what the core is registered there.
    pub client_id: String,
    /// People may sign in through it.
    pub enabled: bool,
    /// Whoever it knows and the core does not gets an account that may do nothing yet.
    pub strangers: bool,
    /// Whom it lets in, and what they may do.
    pub rules: ProviderRules,
    /// A secret is stored.
    pub has_secret: bool,
    /// Since when.
    pub created: Timestamp,
}

impl Provider {
    /// Under which name a provider's secret is sealed.
    #[must_use]
    pub fn sealed_name(id: ProviderId) -> String {
        format!("provider/{id}")
    }
}

/// Whom a provider lets in, and what they may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderRules {
    /// What is asked for beside what is always asked for.
    pub scopes: Vec<String>,
    /// The claim that names the groups; dots lead into objects. OpenID Connect only.
    pub groups_claim: String,
    /// Only people with a verified mail address of one of these domains; empty: all. OpenID Connect only.
    pub domains: Vec<String>,
    /// Only members of one of these groups; empty: all. GitHub: `organisation`, or `organisation/team`.
    pub groups: Vec<String>,
    /// What members of groups may do; empty: groups change nothing.
    pub mapping: Vec<Mapped>,
}

/// What members of a group may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    /// The group.
    pub group: String,
    /// What its members may do.
    pub access: Access,
}

/// A provider to be.
#[derive(Clone, Debug)]
pub struct NewProvider {
    /// What the button says, 1 to 64 characters.
    pub name: String,
    /// Its word in the address that people come back to: 1 to 40 of a–z, 0–9 and `-`.
    pub slug: String,
    /// How one speaks with it.
    pub kind: ProviderKind,
    /// The issuer, or GitHub's address.
    pub issuer: String,
    /// As what the core is registered there.
    pub client_id: String,
    /// People may sign in through it.
    pub enabled: bool,
    /// Unknown people get an account.
    pub strangers: bool,
    /// Whom it lets in, and what they may do.
    pub rules: ProviderRules,
}

/// What to change about a provider; none: leave as it is.
#[derive(Clone, Debug, Default)]
pub struct ProviderChange {
    /// What the button says.
    pub name: Option<String>,
    /// The issuer, or GitHub's address: only together with the secret, so that nobody can have the old one sent elsewhere.
    pub issuer: Option<String>,
    /// As what the core is registered there.
    pub client_id: Option<String>,
    /// The secret, enciphered by the core; `Some(None)` removes it.
    pub secret: Option<Option<Vec<u8>>>,
    /// Whether people may sign in through it.
    pub enabled: Option<bool>,
    /// Whether unknown people get an account.
    pub strangers: Option<bool>,
    /// Whom it lets in, and what they may do.
    pub rules: Option<ProviderRules>,
}

impl Store {
    /// Adds a provider; `seal` enciphers its secret, if it has one, once its number is known.
    ///
    /// # Errors
    /// Something of it cannot be taken, or the name or the slug is taken.
    pub async fn create_provider(
        &self,
        actor: Actor,
        new: NewProvider,
        seal: impl FnOnce(ProviderId) -> Result<Option<Vec<u8>>> + Send + 'static,
    ) -> Result<Provider> {
        self.write("create provider", move |tx| {
            if tx.sql.number("SELECT count(*) FROM provider", [])? >= MOST {
                return Err(Error::Refused(format!("there are {MOST} providers already: delete some first")));
            }
            let (name, slug, rules) = (check_name(&new.name)?, check_slug(&new.slug)?, check_rules(tx.sql, &new.rules)?);
            let issuer = check("issuer", &new.issuer)?;
            let client_id = check("client_id", &new.client_id)?;
            let inserted = tx.sql.insert_unless_taken(
                "INSERT INTO provider (name, folded, slug, kind, issuer, client_id, enabled, strangers, rules, created) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    name,
                    users::fold(name),
                    slug,
                    new.kind as i64,
                    issuer,
                    client_id,
                    new.enabled,
                    new.strangers,
                    rules,
                    tx.now
                ],
            )?;
            let id = ProviderId(inserted.ok_or_else(taken)?);
            if let Some(secret) = seal(id)? {
                sealed::put(tx, &actor, &Provider::sealed_name(id), &secret)?;
            }
            let provider = load(tx.sql, id)?;
            audit::note(tx, &actor, Note::new("provider.create", &provider.name).to(&told(&provider)))?;
            Ok(provider)
        })
        .await
    }

    /// All providers, by name.
    ///
    /// # Errors
    /// The database fails.
    pub async fn providers(&self) -> Result<Vec<Provider>> {
        self.read("providers", |sql| {
            let ids = sql.all("SELECT id FROM provider ORDER BY folded", [], |row| row.get(0))?;
            ids.into_iter().map(|id| load(sql, id)).collect()
        })
        .await
    }

    /// A provider.
    ///
    /// # Errors
    /// There is none such.
    pub async fn provider(&self, id: ProviderId) -> Result<Provider> {
        self.read("provider", move |sql| load(sql, id)).await
    }

    /// Changes a provider.
    ///
    /// # Errors
    /// There is none such, something cannot be taken, or no administrator could sign in any more.
    pub async fn change_provider(&self, actor: Actor, id: ProviderId, change: ProviderChange) -> Result<Provider> {
        self.write("change provider", move |tx| {
            let (before, could) = (load(tx.sql, id)?, users::admin_can_enter(tx.sql, None)?);
            let now = before.clone();
            let name = check_name(change.name.as_deref().unwrap_or(&now.name))?;
            let issuer = check("issuer", change.issuer.as_deref().unwrap_or(&now.issuer))?;
            if issuer != now.issuer && now.has_secret && change.secret.is_none() {
                let why = "give the secret again: the one that is stored belongs to the provider that stood here before";
                return Err(Error::invalid("secret", why));
            }
            let client_id = check("client_id", change.client_id.as_deref().unwrap_or(&now.client_id))?;
            let rules = check_rules(tx.sql, change.rules.as_ref().unwrap_or(&now.rules))?;
            let (enabled, strangers) = (change.enabled.unwrap_or(now.enabled), change.strangers.unwrap_or(now.strangers));
            let changed = tx.sql.run_unless_taken(
                "UPDATE provider SET name = ?2, folded = ?3, issuer = ?4, client_id = ?5, enabled = ?6, strangers = ?7, \
                 rules = ?8 WHERE id = ?1",
                params![id, name, users::fold(name), issuer, client_id, enabled, strangers, rules],
            )?;
            changed.ok_or_else(taken)?;
            match &change.secret {
                Some(Some(secret)) => sealed::put(tx, &actor, &Provider::sealed_name(id), secret)?,
                Some(None) => sealed::remove(tx, &actor, &Provider::sealed_name(id))?,
                None => {}
            }
            keep_a_way_in(tx.sql, could)?;
            let after = load(tx.sql, id)?;
            if after != before {
                let note = Note::new("provider.change", &after.name).changes(&told(&before), &told(&after));
                audit::note(tx, &actor, note)?;
            }
            Ok(after)
        })
        .await
    }

    /// Deletes a provider with its secret. Who is linked to it stays linked, should it be added again.
    ///
    /// # Errors
    /// There is none such, or no administrator could sign in any more.
    pub async fn delete_provider(&self, actor: Actor, id: ProviderId) -> Result<()> {
        self.write("delete provider", move |tx| {
            let (provider, could) = (load(tx.sql, id)?, users::admin_can_enter(tx.sql, None)?);
            tx.sql.run("DELETE FROM provider WHERE id = ?1", [id])?;
            keep_a_way_in(tx.sql, could)?;
            sealed::remove(tx, &actor, &Provider::sealed_name(id))?;
            audit::note(tx, &actor, Note::new("provider.delete", &provider.name).from(&told(&provider)))
        })
        .await
    }
}

fn keep_a_way_in(sql: Sql<'_>, could: bool) -> Result<()> {
    if could && !users::admin_can_enter(sql, None)? {
        let why = "no administrator could sign in any more: give one of them a passphrase or another provider first";
        return Err(Error::Refused(why.into()));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "a name has 1 to 64 characters"));
    }
    Ok(name)
}

fn check_slug(slug: &str) -> Result<&str> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.is_empty() || slug.len() > 40 || !slug.chars().all(fine) {
        return Err(Error::invalid("slug", "this word has 1 to 40 characters, of a to z, 0 to 9 and «-»"));
    }
    Ok(slug)
}

fn check<'t>(field: &'static str, text: &'t str) -> Result<&'t str> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONG || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("it has 1 to {LONG} characters")));
    }
    Ok(text)
}

/// The rules as they are stored.
fn check_rules(sql: Sql<'_>, rules: &ProviderRules) -> Result<String> {
    let ProviderRules { scopes, groups_claim, domains, groups, mapping } = rules;
    for (field, list) in [("scopes", scopes), ("domains", domains), ("groups", groups)] {
        if list.len() > LINES {
            return Err(Error::invalid(field, format!("there may be {LINES} at most")));
        }
        list.iter().try_for_each(|entry| check(field, entry).map(drop))?;
    }
    if scopes.iter().any(|scope| scope.contains(|c: char| !c.is_ascii_graphic() || c == '"' || c == '\\')) {
        return Err(Error::invalid("scopes", "a scope is one word"));
    }
    if !groups_claim.is_empty() {
        check("groups_claim", groups_claim)?;
    }
    if mapping.len() > LINES {
        return Err(Error::invalid("mapping", format!("there may be {LINES} lines at most")));
    }
    for Mapped { group, access } in mapping {
        check("mapping", group)?;
        if let Access::Given { clients, .. } = access {
            access::known(sql, clients.keys())?;
        }
    }
    Ok(serde_json::to_string(rules)?)
}

fn taken() -> Error {
    Error::invalid("name", "another provider has this name, or this word in its address")
}

/// What the audit log says of a provider.
fn told(provider: &Provider) -> serde_json::Value {
    let Provider { name, slug, kind, issuer, client_id, enabled, strangers, rules, has_secret, .. } = provider;
    let mapping: Vec<_> = rules.mapping.iter().map(|line| json!([line.group, line.access.words()])).collect();
    json!({
        "name": name, "slug": slug, "kind": kind.word(), "issuer": issuer, "client_id": client_id, "enabled": enabled,
        "strangers": strangers, "has_secret": has_secret, "scopes": rules.scopes, "groups_claim": rules.groups_claim,
        "domains": rules.domains, "groups": rules.groups, "mapping": mapping,
    })
}

pub(crate) fn load(sql: Sql<'_>, id: ProviderId) -> Result<Provider> {
    let found = sql.one(
        "SELECT id, name, slug, kind, issuer, client_id, enabled, strangers, rules, created, \
         (SELECT count(*) FROM sealed WHERE sealed.name = 'provider/' || provider.id) FROM provider WHERE id = ?1",
        [id],
        read,
    )?;
    found.ok_or(Error::NotFound("provider"))
}

/// A provider that people may sign in through now.
pub(crate) fn load_enabled(tx: &Tx<'_>, id: ProviderId) -> Result<Provider> {
    let provider = load(tx.sql, id)?;
    if !provider.enabled {
        return Err(Error::Refused("this provider is switched off".into()));
    }
    Ok(provider)
}

fn read(row: &Row<'_>) -> Result<Provider> {
    Ok(Provider {
        id: row.get(0)?,
        name: row.get(1)?,
        slug: row.get(2)?,
        kind: ProviderKind::from_code(row.get(3)?),
        issuer: row.get(4)?,
        client_id: row.get(5)?,
        enabled: row.get(6)?,
        strangers: row.get(7)?,
        rules: serde_json::from_str(&row.get::<_, String>(8)?)?,
        created: from_millis(row.get(9)?),
        has_secret: row.get::<_, i64>(10)? > 0,
    })
}
