//! The query language, for whoever writes in it.

use axum::Json;
use axum::extract::State;
use query::{Expected, Field, offset, quote};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Parameters;
use super::person::Person;
use crate::problem::Problem;
use crate::state::Shared;

/// Suggestions at most.
const MOST: usize = 20;

/// A text that may be a query.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Text {
    /// The text.
    #[serde(default)]
    q: String,
}

/// What a text means. Places are in UTF-16 code units, as JavaScript counts.
#[derive(Serialize, ToSchema)]
#[schema(as = QueryParse)]
pub(super) struct Parsed {
    /// True if it is a query.
    ok: bool,
    /// Its terms, all of which must match.
    tree: Option<Vec<Term>>,
    /// The same query as it is written at its shortest.
    canonical: Option<String>,
    /// What is wrong with it.
    error: Option<Wrong>,
}

/// A term.
#[derive(Serialize, ToSchema)]
#[schema(as = QueryTerm)]
struct Term {
    /// What fulfils it must not match.
    negated: bool,
    /// The field asked about; null for free text.
    field: Option<&'static str>,
    /// Any of these; for free text its words, next to one another.
    values: Vec<String>,
    /// Where it begins.
    start: usize,
    /// Where it ends.
    end: usize,
}

/// What is wrong with a text.
#[derive(Serialize, ToSchema)]
#[schema(as = QueryError)]
struct Wrong {
    /// A word for it that stays the same, for translation.
    code: &'static str,
    /// What is wrong.
    message: String,
    /// The mend.
    mend: String,
    /// Where it begins.
    start: usize,
    /// Where it ends.
    end: usize,
}

/// A place in a text.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct At {
    /// The text.
    #[serde(default)]
    q: String,
    /// Where, in UTF-16 code units; without it the end.
    at: Option<usize>,
}

/// What can be written at a place.
#[derive(Serialize, ToSchema)]
#[schema(as = QueryCompletion)]
pub(super) struct Completed {
    /// Where what a suggestion replaces begins.
    start: usize,
    /// Where it ends.
    end: usize,
    /// What can be written there.
    suggestions: Vec<Suggestion>,
}

/// Something that can be written.
#[derive(Serialize, ToSchema)]
#[schema(as = QuerySuggestion)]
struct Suggestion {
    /// The text to put there.
    text: String,
    /// What it stands for.
    description: String,
}

/// What a text means.
#[utoipa::path(get, path = "/query/parse", tag = "query", params(Text), responses((status = 200, body = Parsed)))]
pub(super) async fn parse(_: Person, Parameters(Text { q }): Parameters<Text>) -> Json<Parsed> {
    let place = |byte| offset::to_utf16(&q, byte);
    Json(match query::parse(&q) {
        Ok(query) => {
            let terms = query.terms.iter().map(|term| Term {
                negated: term.negated,
                field: term.condition.field().map(Field::word),
                values: term.condition.values(),
                start: place(term.span.start),
                end: place(term.span.end),
            });
            Parsed { ok: true, tree: Some(terms.collect()), canonical: Some(query.to_string()), error: None }
        }
        Err(error) => {
            let (start, end) = (place(error.span.start), place(error.span.end));
            let wrong = Wrong { code: error.problem.code(), message: error.message(), mend: error.mend(), start, end };
            Parsed { ok: false, tree: None, canonical: None, error: Some(wrong) }
        }
    })
}

/// What can be written at a place in a text, within what the asker may see.
#[utoipa::path(get, path = "/query/complete", tag = "query", params(At), responses((status = 200, body = Completed)))]
pub(super) async fn complete(
    State(core): State<Shared>,
    person: Person,
    Parameters(At { q, at }): Parameters<At>,
) -> Result<Json<Completed>, Problem> {
    // Longer texts are no queries anyway.
    let q: String = q.chars().take(query::LENGTH).collect();
    let found = query::complete(&q, at.map_or(q.len(), |at| offset::from_utf16(&q, at)));
    let suggestions = match found.what {
        Expected::Nothing => Vec::new(),
        Expected::Fields(fields) => {
            let suggestion = |field: Field| Suggestion { text: format!("{field}:"), description: about(field).into() };
            fields.into_iter().map(suggestion).collect()
        }
        Expected::Values { field, prefix, others } => {
            let mut values = values(&core, &person, field).await?;
            values.retain(|(value, name)| fits(value, name, &prefix) && !others.contains(value));
            values.truncate(MOST);
            let suggestion = |(value, name): (String, String)| Suggestion { text: quote(&value), description: name };
            values.into_iter().map(suggestion).collect()
        }
    };
    let place = |byte| offset::to_utf16(&q, byte);
    Ok(Json(Completed { start: place(found.start), end: place(found.end), suggestions }))
}

/// The values that a field can have, each with what it stands for.
async fn values(core: &Shared, person: &Person, field: Field) -> Result<Vec<(String, String)>, Problem> {
    let fixed = |word: &&str| ((*word).to_owned(), String::new());
    Ok(match field {
        Field::Client => {
            let clients = core.store.clients(&person.scope).await?;
            clients.into_iter().map(|client| (client.slug, client.name)).collect()
        }
        Field::Node => {
            let nodes = core.store.nodes(&person.scope, None).await?;
            nodes.into_iter().map(|node| (node.name, node.client_name)).collect()
        }
        Field::After | Field::Before => {
            let spans = [("1h", "an hour ago"), ("24h", "a day ago"), ("7d", "a week ago"), ("30d", "30 days ago")];
            spans.map(|(value, name)| (value.to_owned(), name.to_owned())).into()
        }
        other => other.words().iter().map(fixed).collect(),
    })
}

fn fits(value: &str, name: &str, prefix: &str) -> bool {
    let prefix = prefix.to_lowercase();
    value.to_lowercase().starts_with(&prefix) || name.to_lowercase().starts_with(&prefix)
}

fn about(field: Field) -> &'static str {
    match field {
        Field::Severity => "how bad it is",
        Field::Client => "the client",
        Field::Source => "where it comes from",
        Field::State => "whether somebody has dealt with it",
        Field::Node => "the node",
        Field::Rule => "the rule, by its identifier",
        Field::Ip => "an address or network, on either side",
        Field::Host => "the host that it is about",
        Field::User => "the account that it is about",
        Field::Hash => "a file's hash",
        Field::Domain => "a name that was asked for",
        Field::After => "arrived since",
        Field::Before => "arrived before",
    }
}
