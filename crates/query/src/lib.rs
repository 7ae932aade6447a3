//! SOCme's query language: text in, typed tree out, a tokeniser, and a matcher over anything that implements [`Fields`].
//!
//! The same language filters lists, and will name views, policies, exceptions and hunts.
//!
//! # Grammar
//! ```text
//! query  = { blank } [ term { blank { blank } term } ] { blank }      all terms must match
//! term   = [ "-" | "!" ] ( field op values | text )                    "-" and "!" negate
//! field  = "severity" | "client" | "source" | "state" | "node" | "rule" | "ip" | "host" | "user" | "hash"
//!        | "domain" | "after" | "before"                               in any case
//! op     = ":" | "=" | ">=" | ">" | "<=" | "<"                         the last four for severity only
//! values = value { "," value }                                         any of them
//! value  = bare | quoted        bare: no blank, no comma, does not begin with a quotation mark
//! text   = word | quoted        its words must stand next to one another
//! quoted = '"' { any character, `\"` for a quotation mark, `\\` for a backslash } '"'
//! ```
//! A word such as `name:` that is no field is an error rather than text, so that a slip of the keyboard is noticed;
//! `http://…`, `C:\…`, IPv6 and hardware addresses are text. `AND`, `OR` and `NOT` in capitals are kept for later.
//!
//! ```
//! let query = query::parse("severity>=high -client:acme \"SQL injection\"").unwrap();
//! assert_eq!(query.to_string(), "severity>=high -client:acme \"sql injection\"");
//!
//! let error = query::parse("sevrity:high").unwrap_err();
//! assert_eq!(error.message(), "There is no field «sevrity».");
//! assert!(error.mend().starts_with("Did you mean «severity:»?"));
//! ```
//!
//! # Invariants
//! - [`parse`] is a pure function, bounded by [`LENGTH`], [`TERMS`] and [`VALUES`], and never panics.
//! - `parse(q.to_string()) == q` for every `q` that [`parse`] returned.
//! - What a query finds in a database is what [`Query::matches`] says.

pub mod edit;
pub mod offset;

mod complete;
mod error;
mod matcher;
mod moment;
mod net;
mod parse;
mod scan;
mod text;
mod tree;
mod vocabulary;

pub use complete::{Completion, Expected, complete};
pub use error::{Error, Problem};
pub use matcher::Fields;
pub use moment::{Moment, Unit};
pub use net::{Net, NotNet, key as address_key};
pub use parse::parse;
pub use text::{JOINERS, index_words, tokens};
pub use tree::{Condition, Query, Span, Term, quote};
pub use vocabulary::{Field, Severity, Source, State};

/// Longest query, in bytes.
pub const LENGTH: usize = 4 * 1024;
/// Most terms in a query.
pub const TERMS: usize = 64;
/// Most values, or words of text, in a term.
pub const VALUES: usize = 32;
