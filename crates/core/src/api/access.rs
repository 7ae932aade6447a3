//! Who may do what: one table for every path of the API. It is enforced before a handler runs, it writes itself into the
//! API's description and into the manual (`docs/en/roles.md`), and a test walks the description so that no path is forgotten.
//!
//! # Invariants
//! - A path that is not in the table is refused.
//! - A handler gets a scope that holds only the clients where the asker has the role that the table asks for; the store takes
//!   nothing else.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use store::Role;

use super::person::{Person, Presented};
use crate::problem::Problem;
use crate::state::Shared;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Anybody, signed in or not.
    Anyone,
    /// Whoever is signed in, guests as well.
    SignedIn,
    /// Somebody with this role, or more.
    Role(Role),
}

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Nobody's data.
    Nothing,
    /// The asker alone.
    Self_,
    /// One client: that of another does not exist.
    Client,
    /// What the asker's clients have; the rest is left out, of counts too.
    Clients,
    /// The whole SOC.
    Everything,
}

/// What the asker must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// A session or a key.
    Any,
    /// A session in which they have shown lately who they are, or a key.
    Lately,
    /// A session: it is about the person at the screen.
    Session,
    /// A session in which they have shown lately who they are: no key.
    SessionLately,
    /// A key: it is about the program that asks.
    Key,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) method: &'static str,
    /// Below `/api/v1`.
    pub(crate) path: &'static str,
    pub(crate) who: Who,
    pub(crate) about: About,
    pub(crate) shows: Shows,
}

const fn anyone(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, who: Who::Anyone, about: About::Nothing, shows: Shows::Any }
}

const fn own(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, who: Who::SignedIn, about: About::Self_, shows: Shows::Session }
}

const fn viewer(method: &'static str, path: &'static str, about: About) -> Rule {
    Rule { method, path, who: Who::Role(Role::Viewer), about, shows: Shows::Any }
}

const fn analyst(method: &'static str, path: &'static str, about: About) -> Rule {
    Rule { method, path, who: Who::Role(Role::Analyst), about, shows: Shows::Any }
}

const fn admin(method: &'static str, path: &'static str, about: About) -> Rule {
    Rule { method, path, who: Who::Role(Role::Admin), about, shows: Shows::Any }
}

impl Rule {
    const fn shows(mut self, shows: Shows) -> Self {
        self.shows = shows;
        self
    }
}

use About::{Client, Clients, Everything, Nothing};

/// The table.
pub(crate) const TABLE: &[Rule] = &[
    // Getting in, and one's own page.
    anyone("GET", "/setup"),
    anyone("POST", "/setup"),
    anyone("POST", "/session"),
    anyone("POST", "/session/second"),
    anyone("POST", "/session/passkey"),
    anyone("POST", "/session/passkey/begin"),
    anyone("POST", "/session/link"),
    anyone("POST", "/session/invitation"),
    anyone("POST", "/session/invitation/whom"),
    anyone("GET", "/session/providers"),
    anyone("POST", "/session/visit"),
    anyone("POST", "/session/visit/end"),
    own("POST", "/session/visit/proof"),
    own("POST", "/session/visit/link").shows(Shows::SessionLately),
    own("DELETE", "/session"),
    own("POST", "/session/proof"),
    own("GET", "/me").shows(Shows::Any),
    own("PATCH", "/me"),
    own("PUT", "/me/passphrase"),
    own("DELETE", "/me/passphrase").shows(Shows::SessionLately),
    own("POST", "/me/authenticator/begin").shows(Shows::SessionLately),
    own("POST", "/me/authenticator").shows(Shows::SessionLately),
    own("DELETE", "/me/authenticator").shows(Shows::SessionLately),
    own("POST", "/me/recovery-codes").shows(Shows::SessionLately),
    own("GET", "/me/passkeys"),
    own("POST", "/me/passkeys").shows(Shows::SessionLately),
    own("POST", "/me/passkeys/begin").shows(Shows::SessionLately),
    own("DELETE", "/me/passkeys/{id}").shows(Shows::SessionLately),
    own("GET", "/me/sessions"),
    own("DELETE", "/me/sessions"),
    own("DELETE", "/me/sessions/{id}"),
    own("GET", "/me/keys"),
    own("POST", "/me/keys").shows(Shows::SessionLately),
    own("DELETE", "/me/keys/{id}"),
    own("GET", "/me/identities"),
    own("DELETE", "/me/identities/{id}").shows(Shows::SessionLately),
    own("GET", "/me/key").shows(Shows::Key),
    own("DELETE", "/me/key").shows(Shows::Key),
    own("GET", "/version").shows(Shows::Any),
    // Clients and their nodes.
    viewer("GET", "/clients", Clients),
    admin("POST", "/clients", Nothing),
    viewer("GET", "/clients/{id}", Client),
    admin("PATCH", "/clients/{id}", Client),
    admin("DELETE", "/clients/{id}", Client).shows(Shows::Lately),
    admin("PUT", "/clients/{id}/retention", Client).shows(Shows::Lately),
    admin("PUT", "/clients/{id}/hold", Client),
    admin("DELETE", "/clients/{id}/hold", Client).shows(Shows::Lately),
    admin("GET", "/clients/{id}/export", Client).shows(Shows::Lately),
    admin("GET", "/clients/{id}/tokens", Client),
    admin("POST", "/clients/{id}/tokens", Client),
    admin("DELETE", "/clients/{id}/tokens/{token_id}", Client),
    viewer("GET", "/nodes", Clients),
    viewer("GET", "/nodes/{id}", Client),
    admin("PATCH", "/nodes/{id}", Client),
    admin("DELETE", "/nodes/{id}", Client).shows(Shows::Lately),
    admin("POST", "/nodes/{id}/revoke", Client),
    admin("GET", "/nodes/{id}/consequences", Client),
    // Hosts, and what nodes are asked to do.
    viewer("GET", "/hosts", Clients),
    viewer("GET", "/hosts/counts", Clients),
    viewer("GET", "/nodes/{id}/hosts/{agent}", Client),
    analyst("POST", "/nodes/{id}/commands", Client),
    viewer("GET", "/commands", Clients),
    viewer("GET", "/commands/{id}", Client),
    analyst("DELETE", "/commands/{id}", Client),
    analyst("POST", "/searches/vulnerable", Clients),
    // Alerts.
    viewer("GET", "/alerts", Clients),
    viewer("GET", "/alerts/count", Clients),
    viewer("GET", "/alerts/histogram", Clients),
    viewer("GET", "/alerts/facets", Clients),
    viewer("GET", "/alerts/{client}/{id}", Client),
    analyst("POST", "/alerts/actions", Client),
    viewer("GET", "/query/parse", Nothing),
    viewer("GET", "/query/complete", Clients),
    // Guests as well: their open page is told when they are given something.
    Rule { about: Clients, ..own("GET", "/live").shows(Shows::Any) },
    // The SOC itself.
    analyst("GET", "/health", Nothing),
    admin("GET", "/users", Everything),
    admin("POST", "/users", Everything).shows(Shows::Lately),
    admin("GET", "/users/{id}", Everything),
    admin("PATCH", "/users/{id}", Everything).shows(Shows::Lately),
    admin("DELETE", "/users/{id}", Everything).shows(Shows::Lately),
    admin("POST", "/users/{id}/invitation", Everything).shows(Shows::Lately),
    admin("DELETE", "/users/{id}/factors", Everything).shows(Shows::Lately),
    admin("GET", "/users/{id}/sessions", Everything),
    admin("DELETE", "/users/{id}/sessions", Everything),
    admin("GET", "/providers", Everything),
    admin("POST", "/providers", Everything).shows(Shows::Lately),
    admin("GET", "/providers/{id}", Everything),
    admin("PATCH", "/providers/{id}", Everything).shows(Shows::Lately),
    admin("DELETE", "/providers/{id}", Everything).shows(Shows::Lately),
    admin("POST", "/providers/{id}/test", Everything),
    admin("GET", "/keys", Everything),
    admin("DELETE", "/keys/{id}", Everything),
    admin("GET", "/audit", Everything),
    admin("GET", "/audit/export", Everything),
    admin("GET", "/audit/head", Everything),
];

static BY_PATH: LazyLock<HashMap<(&str, &str), &Rule>> =
    LazyLock::new(|| TABLE.iter().map(|rule| ((rule.method, rule.path), rule)).collect());

/// The line for a path.
pub(super) fn rule(method: &str, path: &str) -> Option<&'static Rule> {
    let method = if method == "HEAD" { "GET" } else { method };
    BY_PATH.get(&(method, path.strip_prefix("/api/v1")?)).copied()
}

/// Holds a request against the table, and gives the handler who asks.
pub(super) async fn enforce(State(core): State<Shared>, mut request: Request, next: Next) -> Response {
    let found = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let Some(rule) = found.as_deref().and_then(|path| rule(request.method().as_str(), path)) else {
        return no_rule(request.method(), found.as_deref()).into_response();
    };
    if let Who::Role(_) | Who::SignedIn = rule.who {
        let presented = Presented::read(&core, request.headers(), request.extensions());
        match Person::of(&core, presented, rule).await {
            Ok(person) => drop(request.extensions_mut().insert(person)),
            Err(problem) => return problem.into_response(),
        }
    }
    next.run(request).await
}

fn no_rule(method: &Method, path: Option<&str>) -> Problem {
    match path {
        // Another method of a path that there is, or a path that was never written into the table.
        Some(path) if TABLE.iter().any(|rule| path.strip_prefix("/api/v1") == Some(rule.path)) => {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This path has no such method.")
        }
        Some(path) => Problem::internal(format!("nobody said who may {method} {path}")),
        None => Problem::not_found("path").detail("See the API's description."),
    }
}

impl Who {
    /// In words, for the description and the manual.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::SignedIn => "signed in",
            Self::Role(role) => role.word(),
        }
    }
}

impl About {
    /// In words, for the description and the manual.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Nothing => "nobody's data",
            Self::Self_ => "oneself",
            Self::Client => "one client; another's does not exist",
            Self::Clients => "one's clients; the rest is left out",
            Self::Everything => "the whole SOC",
        }
    }
}

impl Shows {
    /// In words, for the description and the manual.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Any => "session or key",
            Self::Lately => "session with a proof of the last 15 minutes, or key",
            Self::Session => "session",
            Self::SessionLately => "session with a proof of the last 15 minutes",
            Self::Key => "key",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_says_who_may_use_it() {
        let document = serde_json::to_value(super::super::document()).unwrap();
        let mut walked = 0;
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                assert!(rule(&method.to_uppercase(), path).is_some(), "nobody said who may {method} {path}");
                walked += 1;
            }
        }
        assert_eq!(walked, TABLE.len(), "a line of the table is of no path, or there twice");
        assert_eq!(BY_PATH.len(), TABLE.len());
    }

    #[test]
    fn the_manual_has_the_table_and_is_not_stale() {
        for (file, head) in [
            ("docs/en/roles.md", "| request | who | about | shows |\n|---|---|---|---|\n"),
            ("docs/fr/roles.md", "| requête | qui | sur quoi | présente |\n|---|---|---|---|\n"),
        ] {
            let mut table = String::from(head);
            for rule in TABLE {
                let Rule { method, path, who, about, shows } = rule;
                let shows = if *who == Who::Anyone { "nothing" } else { shows.words() };
                table += &format!("| `{method} {path}` | {} | {} | {shows} |\n", who.words(), about.words());
            }
            crate::testing::has_fresh(file, "<!-- made from the table in the code -->\n", &table);
        }
    }
}
