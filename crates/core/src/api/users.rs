//! Users: who may come in, and what they may do.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{NewUser, UserChange, UserId};
use utoipa::ToSchema;

use super::clients::Confirm;
use super::extract::{Body, Place};
use super::me::{Access, Role};
use super::person::Person;
use super::sessions::{Ended, Sessions};
use crate::problem::{Problem, ProblemBody};
use crate::state::{Core, Shared};

/// How long an invitation holds.
const INVITATION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct User {
    /// Number.
    id: i64,
    /// The name that they sign in with.
    name: String,
    /// The most that they may do anywhere.
    role: Role,
    /// What they may do, and where.
    access: Access,
    /// They may not sign in.
    disabled: bool,
    /// They have a passphrase.
    has_passphrase: bool,
    /// They have an authenticator.
    has_authenticator: bool,
    /// Passkeys that they have.
    passkeys: u64,
    /// Until when the invitation holds that they have not taken up.
    invited_until: Option<Timestamp>,
    /// Since when.
    created: Timestamp,
    /// When they last signed in.
    seen: Option<Timestamp>,
}

impl User {
    fn new(core: &Core, user: store::User) -> Self {
        let now = core.now();
        Self {
            id: user.id.0,
            role: user.role().into(),
            name: user.name,
            access: (&user.access).into(),
            disabled: user.disabled,
            has_passphrase: user.has_passphrase,
            has_authenticator: user.has_authenticator,
            passkeys: user.passkeys,
            invited_until: user.invited.filter(|ends| *ends >= now),
            created: user.created,
            seen: user.seen,
        }
    }
}

/// Users.
#[derive(Serialize, ToSchema)]
#[schema(as = Accounts)]
pub(super) struct Users {
    /// By name.
    users: Vec<User>,
}

/// A user to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(super) struct New {
    /// The name to sign in with, 1 to 64 characters.
    name: String,
    /// What they may do, and where.
    access: Access,
}

/// What to change; what is not there stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange)]
pub(super) struct Change {
    /// 1 to 64 characters.
    name: Option<String>,
    /// What they may do, and where, instead of what they may do now.
    access: Option<Access>,
    /// True: they are signed out everywhere and may not sign in.
    disabled: Option<bool>,
}

/// An invitation: the only time that its link is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct Invitation {
    /// Whom it invites.
    user: User,
    /// The link to give them; it works once.
    url: String,
    /// Until when.
    expires: Timestamp,
}

/// All users.
#[utoipa::path(get, path = "/users", tag = "users", responses((status = 200, body = Users)))]
pub(super) async fn list(State(core): State<Shared>, _: Person) -> Result<Json<Users>, Problem> {
    let users = core.store.users().await?;
    Ok(Json(Users { users: users.into_iter().map(|user| User::new(&core, user)).collect() }))
}

/// Makes a user, and the link that invites them.
#[utoipa::path(post, path = "/users", tag = "users", request_body = New, responses(
    (status = 201, body = Invitation),
    (status = 400, body = ProblemBody),
))]
pub(super) async fn create(
    State(core): State<Shared>,
    person: Person,
    Body(New { name, access }): Body<New>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let new = NewUser { name, access: access.read()?, passphrase: None };
    let (user, secret, expires) = core.store.invite(person.actor, new, INVITATION).await?;
    Ok((StatusCode::CREATED, Json(Invitation { user: User::new(&core, user), url: url(&core, &secret), expires })))
}

/// A user.
#[utoipa::path(get, path = "/users/{id}", tag = "users", params(("id" = i64, Path)), responses(
    (status = 200, body = User),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn get(State(core): State<Shared>, _: Person, Place(id): Place<i64>) -> Result<Json<User>, Problem> {
    Ok(Json(User::new(&core, core.store.user(UserId(id)).await?)))
}

/// Changes what a user is called, may do, or whether they may sign in. Takes effect at once, on open pages too.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", params(("id" = i64, Path)), request_body = Change, responses(
    (status = 200, body = User),
    (status = 400, body = ProblemBody),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "They are the last administrator"),
))]
pub(super) async fn change(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(change): Body<Change>,
) -> Result<Json<User>, Problem> {
    let access = change.access.map(Access::read).transpose()?;
    let change = UserChange { name: change.name, access, disabled: change.disabled };
    Ok(Json(User::new(&core, core.store.change_user(person.actor, UserId(id), change).await?)))
}

/// Deletes a user. What they did stays in the audit log.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", params(("id" = i64, Path)), request_body = Confirm, responses(
    (status = 204),
    (status = 400, body = ProblemBody, description = "The name is not the user's"),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "They are the last administrator"),
))]
pub(super) async fn delete(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
    Body(confirm): Body<Confirm>,
) -> Result<StatusCode, Problem> {
    let user = core.store.user(UserId(id)).await?;
    confirm.check(&user.name)?;
    core.store.delete_user(person.actor, user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes another invitation for a user who lost the first one, or their way in. Earlier ones are dead.
#[utoipa::path(post, path = "/users/{id}/invitation", tag = "users", params(("id" = i64, Path)), responses(
    (status = 201, body = Invitation),
    (status = 404, body = ProblemBody),
    (status = 409, body = ProblemBody, description = "They are disabled"),
))]
pub(super) async fn invite(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let (secret, expires) = core.store.invite_again(person.actor, UserId(id), INVITATION).await?;
    let user = User::new(&core, core.store.user(UserId(id)).await?);
    Ok((StatusCode::CREATED, Json(Invitation { user, url: url(&core, &secret), expires })))
}

/// Where a user is signed in.
#[utoipa::path(get, path = "/users/{id}/sessions", tag = "users", params(("id" = i64, Path)), responses(
    (status = 200, body = Sessions),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn sessions(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Json<Sessions>, Problem> {
    Ok(Json(Sessions::new(core.store.sessions(UserId(id)).await?, person.session().ok())))
}

/// Signs a user out everywhere.
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "users", params(("id" = i64, Path)), responses(
    (status = 200, body = Ended),
    (status = 404, body = ProblemBody),
))]
pub(super) async fn end_sessions(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Json<Ended>, Problem> {
    let ended = core.store.end_sessions(person.actor, UserId(id), None).await?;
    Ok(Json(Ended { ended }))
}

fn url(core: &Core, secret: &store::Secret) -> String {
    format!("{}/invitation#{}", core.people_url, secret.reveal())
}
