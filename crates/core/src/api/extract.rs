//! Reads what is asked; what cannot be read is a problem that says why.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::problem::Problem;
use crate::state::Shared;

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, core: &Shared) -> Result<Self, Problem> {
        let read = axum::Json::<T>::from_request(request, core).await;
        read.map(|axum::Json(body)| Self(body)).map_err(|rejection| match rejection {
            JsonRejection::BytesRejection(_) => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large, or was cut off.")
            }
            other => Problem::new(StatusCode::BAD_REQUEST, "malformed", "The body is not what it should be.")
                .detail(other.body_text()),
        })
    }
}

/// Parameters after the question mark.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Shared) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, core).await;
        read.map(|axum::extract::Query(query)| Self(query)).map_err(|rejection: QueryRejection| {
            Problem::new(StatusCode::BAD_REQUEST, "malformed", "A parameter is not what it should be.")
                .detail(rejection.body_text())
        })
    }
}

/// Parts of the path. What cannot be one names nothing.
pub(super) struct Place<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Shared) -> Result<Self, Problem> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, core).await;
        read.map(|axum::extract::Path(path)| Self(path)).map_err(|_: PathRejection| Problem::not_found("thing"))
    }
}

/// Tells `null` (`Some(None)`) from a field that is not there (`None`).
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}
