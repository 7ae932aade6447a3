//! Choosing a passphrase, and changing it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::Body;
use super::me::Me;
use super::person::{From, Person};
use super::session::recognise;
use crate::passphrase::weakness;
use crate::problem::{Problem, ProblemBody};
use crate::state::{Core, Shared};

/// Another passphrase.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PassphraseChange)]
pub(super) struct Change {
    /// The passphrase until now; without one, the proof of the last 15 minutes suffices.
    old: Option<String>,
    /// The passphrase from now on, 12 characters at least.
    new: String,
}

/// Changes the asker's passphrase, and signs them out everywhere else.
#[utoipa::path(put, path = "/me/passphrase", tag = "me", operation_id = "change_passphrase", request_body = Change, responses(
    (status = 200, body = Me),
    (status = 400, body = ProblemBody, description = "The new one cannot be taken"),
    (status = 401, body = ProblemBody, description = "The old one is wrong"),
    (status = 429, body = ProblemBody, description = "Too many attempts"),
))]
pub(super) async fn change(
    State(core): State<Shared>,
    mut person: Person,
    from: From,
    Body(Change { old, new }): Body<Change>,
) -> Result<Json<Me>, Problem> {
    match old {
        Some(old) => drop(recognise(&core, &person.user.name, old, &from).await?),
        None if person.user.has_passphrase => return Err(Problem::invalid("old", "Give the passphrase until now.")),
        None => person.demand_proof(&core)?,
    }
    let hash = chosen(&core, new, &person.user.name, "new").await?;
    let but = person.session()?.id;
    person.user = core.store.set_passphrase(person.actor.clone(), person.user.id, Some(hash), Some(but)).await?;
    Ok(Json(Me::of(&core, &person)))
}

/// Takes the asker's passphrase away: from now on they sign in by passkey or provider.
#[utoipa::path(delete, path = "/me/passphrase", tag = "me", operation_id = "remove_passphrase", responses(
    (status = 204),
    (status = 409, body = ProblemBody, description = "It is the last way to sign in"),
))]
pub(super) async fn remove(State(core): State<Shared>, person: Person) -> Result<StatusCode, Problem> {
    let but = person.session()?.id;
    core.store.set_passphrase(person.actor, person.user.id, None, Some(but)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The hash of a passphrase that somebody has chosen, unless it is a bad choice.
pub(super) async fn chosen(
    core: &Core,
    passphrase: String,
    name: &str,
    field: &'static str,
) -> Result<String, Problem> {
    if let Some(why) = weakness(&passphrase, name) {
        return Err(Problem::invalid(field, why));
    }
    let looked = core.breached.clone();
    let (known, passphrase) = tokio::task::spawn_blocking(move || (looked.holds(&passphrase), passphrase))
        .await
        .map_err(Problem::internal)?;
    match known {
        Ok(false) => {}
        Ok(true) => {
            let why = "This passphrase is in a list of stolen ones: attackers try it first. Choose another one.";
            return Err(Problem::invalid(field, why));
        }
        // Whoever chooses cannot mend it; the log and `socme core check` tell who can.
        Err(error) => tracing::warn!(%error, "the list of breached passphrases cannot be read; it was not asked"),
    }
    Ok(core.passphrases.hash(passphrase).await?)
}
