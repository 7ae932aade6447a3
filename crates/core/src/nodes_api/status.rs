//! A node's report about itself.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use store::Report;
use wire::limit;
use wire::link::{Heard, problem};
use wire::status::Status;

use super::caller::Caller;
use super::hello::heartbeat;
use super::read;
use crate::problem::Problem;
use crate::sight::worse;
use crate::silence::{back, cut};
use crate::state::Shared;

/// Longest text of a report that is kept, in bytes.
const TEXT: usize = 1024;
/// Most sentences about the policy that are kept.
const POLICY: usize = 32;
/// Most permissions that are kept: more than there are.
const ALLOWED: usize = 32;
/// Most daemons of a Wazuh manager that are kept; one has about twenty.
const DAEMONS: usize = 64;
/// Longest name of a daemon, and of how it is, in bytes.
const WORD: usize = 64;

/// Takes a node's report.
pub(super) async fn status(
    State(core): State<Shared>,
    Caller(identity): Caller,
    body: Body,
) -> Result<Json<Heard>, Problem> {
    let status = fit(read::json(body).await?)?;
    let now = core.now();
    let skew_seconds = status.now.duration_since(now).as_secs_f64();
    let (blind, blind_why) = core.sight.judge(identity.node, &status, now);
    let (name, why) = (identity.name.clone(), blind_why.clone());
    let report = Report { status, skew_seconds, blind, blind_why };
    core.store
        .heard(identity.node, report, move |before| {
            let returned = back(before, &name, &name, now);
            returned.into_iter().chain(worse(before, blind, why.as_deref(), &name, &name, now)).collect()
        })
        .await?;
    Ok(Json(Heard { now, heartbeat: heartbeat(&core) }))
}

/// Cuts a report to what is kept and shown: a thousand nodes' reports are in one answer.
fn fit(mut status: Status) -> Result<Status, Problem> {
    if status.sources.len() > limit::SOURCES {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            problem::TOO_LARGE,
            "The report has too many sources.",
        )
        .detail(format!("At most {} are taken.", limit::SOURCES)));
    }
    let short = |text: &mut Option<String>| {
        if let Some(text) = text
            && text.len() > TEXT
        {
            *text = cut(text, TEXT);
        }
    };
    status.version = cut(&status.version, 64);
    status.sources = std::mem::take(&mut status.sources)
        .into_iter()
        .map(|(name, mut source)| {
            source.path = cut(&source.path, TEXT);
            short(&mut source.bad_sample);
            short(&mut source.error);
            (cut(&name, 128), source)
        })
        .collect();
    short(&mut status.spool.refused_why);
    short(&mut status.spool.error);
    short(&mut status.uplink.address);
    short(&mut status.uplink.error);
    status.allowed.truncate(ALLOWED);
    if let Some(wazuh) = &mut status.wazuh {
        wazuh.url = cut(&wazuh.url, TEXT);
        let texts = [&mut wazuh.error, &mut wazuh.version, &mut wazuh.hostname, &mut wazuh.cluster];
        let texts = texts.into_iter().chain([&mut wazuh.queue_name, &mut wazuh.indexer, &mut wazuh.indexer_error]);
        texts.for_each(short);
        let daemons = std::mem::take(&mut wazuh.daemons).into_iter().take(DAEMONS);
        wazuh.daemons = daemons.map(|(name, state)| (cut(&name, WORD), cut(&state, WORD))).collect();
    }
    status.policy.truncate(POLICY);
    status.policy.iter_mut().for_each(|sentence| *sentence = cut(sentence, TEXT));
    Ok(status)
}
