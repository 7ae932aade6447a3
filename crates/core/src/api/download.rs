//! A file that is written while it is sent. It may take hours, so whether its asker may still have it is looked at all the while.
//!
//! A download that breaks off ends in an error, never as if it were whole.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _, stream};
use store::{Access, Nudge, UserId};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::person::{Pass, Person};
use crate::problem::Problem;
use crate::state::Shared;

/// How often the session is looked at; what this core does to it is heard at once.
const RECHECK: Duration = Duration::from_secs(5);

/// Why a download broke off.
#[derive(Debug, thiserror::Error)]
#[error("the download broke off: {0}")]
struct Broken(&'static str);

/// A file of this kind and name, made of these pieces.
pub(super) fn download<E>(
    core: Shared,
    person: Person,
    kind: &'static str,
    name: &str,
    pieces: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> Result<Response, Problem>
where
    E: std::fmt::Display + Send + 'static,
{
    let watched = Watched {
        nudges: core.store.watch(),
        core,
        user: person.user.id,
        pass: person.pass,
        access: person.access,
        recheck: Instant::now() + RECHECK,
        pieces: Box::pin(pieces),
    };
    let pieces = stream::try_unfold(watched, |mut watched| async move {
        Ok::<_, Broken>(watched.next().await?.map(|piece| (piece, watched)))
    });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    let disposition = format!("attachment; filename=\"{name}\"");
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(disposition).map_err(Problem::internal)?);
    Ok(response)
}

/// A download under way.
struct Watched<S> {
    core: Shared,
    user: UserId,
    pass: Pass,
    access: Access,
    nudges: broadcast::Receiver<Nudge>,
    recheck: Instant,
    pieces: Pin<Box<S>>,
}

impl<E: std::fmt::Display, S: Stream<Item = Result<Bytes, E>>> Watched<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            tokio::select! {
                // What forbids it counts before what is there to be sent.
                biased;
                () = self.core.stop.cancelled() => return Err(Broken("the core stops")),
                nudge = self.nudges.recv() => self.hear(&nudge)?,
                () = tokio::time::sleep_until(self.recheck) => self.look().await?,
                piece = self.pieces.next() => return match piece {
                    Some(Err(error)) => {
                        tracing::warn!(%error, "a download broke off");
                        Err(Broken("the core's log says why"))
                    }
                    Some(Ok(piece)) => Ok(Some(piece)),
                    None => Ok(None),
                },
            }
        }
    }

    fn hear(&mut self, nudge: &Result<Nudge, broadcast::error::RecvError>) -> Result<(), Broken> {
        match nudge {
            Ok(Nudge::SessionEnded(session)) if matches!(&self.pass, Pass::Session(own, _) if own.id == *session) => {
                Err(Broken("the session has ended"))
            }
            Ok(Nudge::User(user)) if *user != self.user => Ok(()),
            Ok(Nudge::User(_)) | Err(broadcast::error::RecvError::Lagged(_)) => {
                self.recheck = Instant::now();
                Ok(())
            }
            Err(broadcast::error::RecvError::Closed) => Err(Broken("the core stops")),
            Ok(_) => Ok(()),
        }
    }

    async fn look(&mut self) -> Result<(), Broken> {
        self.recheck = Instant::now() + RECHECK;
        match self.pass.again(&self.core).await {
            Ok(Some(access)) if access == self.access => Ok(()),
            Ok(_) => Err(Broken("its asker may no longer have it")),
            Err(error) => {
                tracing::warn!(%error, "a session cannot be looked at");
                Ok(())
            }
        }
    }
}
