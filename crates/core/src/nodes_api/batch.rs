//! A node's records.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use store::Ingested;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::limit;
use wire::link::{Batch, Record, problem};

use super::caller::Caller;
use super::{check_wire, read};
use crate::metrics::By;
use crate::problem::Problem;
use crate::state::Shared;

/// Stores a batch, if it follows where the core stands. The answer is the acknowledgement.
pub(super) async fn batch(
    State(core): State<Shared>,
    Caller(identity): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let later = |why: &str, problem: Problem| {
        core.metrics.later.get_or_create(&By("reason", why.into())).inc();
        problem
    };
    let _turn = core.links.turn(identity.node, Instant::now()).map_err(|wait| {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, problem::LATER, "Too many batches.");
        later("rate", problem.retry_after(wait))
    })?;
    let full = || later("room", Problem::later("Too many nodes are sending at this moment."));
    // Room for what will be in memory is taken before it is: for the body as sent, then for what it unfolds to.
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let length = length.unwrap_or(limit::BATCH_WIRE_BYTES);
    if length > limit::BATCH_WIRE_BYTES {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, problem::TOO_LARGE, "The batch is too large.")
            .detail(format!("At most {} bytes are taken.", limit::BATCH_WIRE_BYTES)));
    }
    let room = room(&core.batch_room, length).ok_or_else(full)?;
    let bytes = read::body(body, limit::BATCH_WIRE_BYTES).await?;
    // A few unfold at once; whoever waits for that holds no more than what they sent.
    let turn = core.decode_turns.clone().acquire_owned().await.map_err(Problem::internal)?;
    let read = tokio::task::spawn_blocking(move || {
        let text = read::decompress(&bytes, limit::BATCH_BYTES)?;
        drop(bytes);
        Ok::<_, Problem>((read::parse::<Batch>(&text)?, text.len()))
    });
    let (batch, size) = read.await.map_err(Problem::internal)??;
    drop((room, turn));
    let unfolded = self::room(&core.batch_room, size.saturating_mul(2)).ok_or_else(full)?;
    check_wire(batch.wire)?;
    let severities = severities(&batch);
    let records = batch.records.len() as u64;
    let ingested = core.store.take_batch(identity.node, batch).await;
    drop(unfolded);
    match ingested {
        Ok(Ingested::Taken(taken)) => {
            core.metrics.taken(records, taken.refused.len() as u64, severities, Instant::now());
            Ok(Json(taken).into_response())
        }
        Ok(Ingested::Conflict(conflict)) => {
            core.metrics.conflicts.inc();
            tracing::info!(node = identity.node.0, "a batch does not follow where the core stands");
            Ok((StatusCode::CONFLICT, Json(conflict)).into_response())
        }
        Err(error @ (store::Error::Busy | store::Error::Full(_) | store::Error::Away(_))) => {
            Err(later("store", error.into()))
        }
        Err(error) => Err(error.into()),
    }
}

fn room(all: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    all.clone().try_acquire_many_owned((bytes / 1024 + 1) as u32).ok()
}

fn severities(batch: &Batch) -> [u64; 4] {
    let mut counts = [0; 4];
    for record in &batch.records {
        if let Record::Alert(alert) = record {
            counts[alert.severity as usize] += 1;
        }
    }
    counts
}
