//! What an indexer does wrong at times: only the imitation does so when it is told to.

use jiff::SignedDuration;
use serde_json::json;
use wazuh::Error;
use wazuh::indexer::{ALERTS, AlertFilter, Pages, Search};
use wazuh_imitation::indexer::{Indexer as Imitation, Misbehaviour, Points, Reply};

use super::Ground;
use super::stories::alert;

/// An imitation that holds so many alerts.
async fn holding(many: usize) -> (Ground, Imitation) {
    let ground = Ground::imitation().await;
    let Ground::Imitation(imitation, _) = &ground else { unreachable!() };
    let imitation = imitation.clone();
    for n in 0..many {
        let at = "2026-05-01T22:00:00Z".parse::<jiff::Timestamp>().unwrap();
        imitation.add_alert(&alert(n, at + SignedDuration::from_secs(i64::try_from(n).unwrap())));
    }
    drop(imitation.requests());
    (ground, imitation)
}

fn pages(ground: &Ground, point: bool) -> Pages {
    ground.client().search(Search { page: 10, point, ..Search::alerts(&AlertFilter::default()) })
}

/// Reads on through whatever goes wrong; the errors, and how many documents came.
async fn through(mut pages: Pages) -> (Vec<Error>, usize) {
    let (mut errors, mut documents) = (Vec::new(), 0);
    loop {
        match pages.next().await {
            Ok(Some(page)) => documents += page.hits.len(),
            Ok(None) => return (errors, documents),
            Err(error) => errors.push(error),
        }
        assert!(errors.len() < 20, "{errors:?}");
    }
}

#[tokio::test]
async fn an_answer_that_lacks_a_part_is_an_error_and_the_next_call_reads_it_again() {
    for point in [true, false] {
        let (ground, imitation) = holding(40).await;
        let reading = pages(&ground, point);
        if point {
            imitation.next(Misbehaviour::None);
        }
        imitation.next(Misbehaviour::Partial { shards: 1 });
        imitation.next(Misbehaviour::TimedOut);
        let (errors, documents) = through(reading).await;
        assert_eq!(documents, 40, "nothing is passed over");
        assert!(matches!(errors[..], [Error::Partial { .. }, Error::Partial { .. }]), "{errors:?}");
        assert!(errors[0].to_string().contains("shards answered"), "{}", errors[0]);
    }
}

#[tokio::test]
async fn a_count_of_a_part_is_no_count() {
    let (ground, imitation) = holding(10).await;
    let everything = json!({ "match_all": {} });
    for bad in [Misbehaviour::Partial { shards: 2 }, Misbehaviour::TimedOut] {
        imitation.next(bad);
        let counted = ground.client().count(ALERTS, &everything).await;
        assert!(matches!(counted, Err(Error::Partial { .. })), "{counted:?}");
    }
}

#[tokio::test]
async fn a_spurious_401_is_asked_once_more_and_a_real_one_is_a_wrong_password() {
    let (ground, imitation) = holding(1).await;
    imitation.next(Misbehaviour::Reply(Reply::unauthorized()));
    assert!(ground.client().info().await.is_ok());
    drop(imitation.requests());
    imitation.behave(|behaviour| behaviour.password = "another".into());
    let error = ground.client().info().await.unwrap_err();
    assert!(matches!(&error, Error::WrongPassword { user, .. } if user == "reader"), "{error:?}");
    assert_eq!(imitation.requests().len(), 2, "once more, and no further");
    for body in ["Authentication finally failed", ""] {
        imitation.next(Misbehaviour::Reply(Reply::text(401, body)));
        imitation.next(Misbehaviour::Reply(Reply::text(401, body)));
        assert!(matches!(ground.client().info().await, Err(Error::WrongPassword { .. })), "no JSON is expected of it");
    }
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named_and_a_block_is_not_taken_for_one() {
    let (ground, imitation) = holding(1).await;
    let count = async || ground.client().count(ALERTS, &json!({ "match_all": {} })).await.unwrap_err();
    imitation.next(Misbehaviour::Reply(Reply::forbidden("indices:data/read/search")));
    let error = count().await;
    assert!(matches!(&error, Error::NoPermission { action, .. } if action == "indices:data/read/search"), "{error:?}");
    let blocked = "blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];";
    imitation.next(Misbehaviour::Reply(Reply::error(403, "cluster_block_exception", blocked)));
    let error = count().await;
    assert!(matches!(&error, Error::Refused { status: 403, .. }) && error.to_string().contains("read-only"), "{error}");
}

#[tokio::test]
async fn what_passes_is_told_from_what_does_not() {
    let (ground, imitation) = holding(1).await;
    let count = async |reply: Reply| {
        imitation.next(Misbehaviour::Reply(reply));
        ground.client().count(ALERTS, &json!({ "match_all": {} })).await.unwrap_err()
    };
    for busy in [Reply::rejected(), Reply::circuit_broken()] {
        assert!(matches!(count(busy).await, Error::TooManyRequests { .. }));
    }
    for starting in [Reply::unavailable(), Reply::not_initialized()] {
        let error = count(starting).await;
        assert!(matches!(error, Error::NotReady { .. }), "{error:?}");
    }
    let error = count(Reply::no_index("wazuh-alerts-x")).await;
    assert!(matches!(&error, Error::NotFound { detail, .. } if detail.contains("wazuh-alerts-x")), "{error:?}");
    let error = count(Reply::text(200, "<html>a proxy\u{1b}[2J")).await;
    assert!(matches!(error, Error::Unexpected { .. }) && !error.to_string().contains('\u{1b}'), "{error}");
    imitation.next(Misbehaviour::HangUp);
    let error = ground.client().info().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn who_may_not_open_a_point_in_time_reads_without() {
    for points in [Points::Forbidden, Points::Useless, Points::Unknown] {
        let (ground, imitation) = holding(40).await;
        imitation.behave(|behaviour| behaviour.points = points);
        let (errors, documents) = through(pages(&ground, true)).await;
        assert_eq!((errors, documents), (Vec::new(), 40), "{points:?}");
    }
    let (ground, imitation) = holding(40).await;
    imitation.behave(|behaviour| behaviour.most_contexts = 0);
    assert_eq!(through(pages(&ground, true)).await, (Vec::new(), 40), "too many are open");
}

#[tokio::test]
async fn no_sort_on_the_id_is_needed() {
    let (ground, imitation) = holding(40).await;
    imitation.behave(|behaviour| behaviour.id_order = false);
    assert_eq!(through(pages(&ground, true)).await, (Vec::new(), 40));
}

#[tokio::test]
async fn a_point_in_time_that_lacks_shards_is_not_read_through() {
    let (ground, imitation) = holding(40).await;
    let shards = json!({ "total": 3, "successful": 2, "skipped": 0, "failed": 1 });
    let partial = json!({ "pit_id": "half", "_shards": shards, "creation_time": 1 });
    imitation.next(Misbehaviour::Reply(Reply::ok(partial)));
    assert_eq!(through(pages(&ground, true)).await, (Vec::new(), 40));
    let asked = imitation.requests();
    assert!(!asked.iter().any(|line| line == "POST /_search"), "{asked:?}");
}
