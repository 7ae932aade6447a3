use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use wire::link::{Batch, Cursors, Record};

use super::*;
use crate::config::Config;
use crate::pipeline::Pipeline;
use crate::policy::Policy;
use crate::spool::Spool;

/// A core that says what the test tells it to.
#[derive(Clone, Default)]
struct Core(Arc<Mutex<VecDeque<Option<bool>>>>, Arc<Mutex<Vec<u64>>>);

impl Ask for Core {
    async fn begin(&self, begin: &Begin) -> Option<bool> {
        self.1.lock().unwrap().push(begin.token);
        self.0.lock().unwrap().pop_front().unwrap_or(Some(true))
    }
}

struct Story {
    folder: tempfile::TempDir,
    pipeline: Option<Pipeline>,
    core: Core,
    done: Arc<AtomicUsize>,
}

impl Story {
    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Spool::create(folder.path(), 64 << 20).unwrap();
        let mut story = Self { folder, pipeline: None, core: Core::default(), done: Arc::default() };
        story.start();
        story
    }

    fn start(&mut self) {
        if let Some(pipeline) = self.pipeline.take() {
            pipeline.stop();
        }
        let config = Config { data: self.folder.path().to_owned(), ..Config::default() };
        self.pipeline = Some(Pipeline::start(&config, Policy::default()).unwrap());
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.pipeline.as_ref().unwrap().shared
    }

    /// Hears these commands, and works until `ends` of them have ended.
    async fn hear(&self, allow: &[Permission], ids: &[(i64, Deed)], ends: usize) -> Vec<(i64, End)> {
        let (send, receive) = mpsc::channel(WAITING);
        for (id, deed) in ids {
            send.send(Command { id: *id, number: *id, deed: deed.clone() }).await.unwrap();
        }
        let perform = |_| {
            self.done.fetch_add(1, Ordering::SeqCst);
            async { Performed::done("done") }
        };
        let work = run(self.shared(), allow, self.core.clone(), receive, perform);
        let mut news = self.shared().news();
        let enough = async {
            while self.outcomes().len() < ends {
                news.changed().await.unwrap();
            }
        };
        tokio::select! {
            _ = work => panic!("it works on"),
            () = enough => {}
        }
        self.outcomes()
    }

    fn outcomes(&self) -> Vec<(i64, End)> {
        let parcel = self.shared().with_spool(|spool| spool.parcel(1 << 20, 1 << 30)).unwrap();
        let Some(parcel) = parcel else { return Vec::new() };
        let batch: Batch = serde_json::from_slice(&parcel.json).unwrap();
        let outcome = |record| match record {
            Record::Outcome(outcome) => {
                assert_eq!(outcome.check(), Ok(()));
                (outcome.id, outcome.end)
            }
            other => panic!("{other:?}"),
        };
        batch.records.into_iter().map(outcome).collect()
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }
}

fn restart() -> Deed {
    Deed::RestartAgent { agent: "001".into() }
}

const RESTART: &[Permission] = &[Permission::Restart];

#[tokio::test]
async fn a_command_is_done_once_however_often_it_is_told() {
    let mut story = Story::begin();
    let told = [(1, restart()), (1, restart()), (2, restart())];
    assert_eq!(story.hear(RESTART, &told, 2).await.len(), 2);
    story.start();
    assert_eq!(story.hear(RESTART, &[(1, restart()), (3, restart())], 3).await[2], (3, End::Done));
    assert_eq!(story.done(), 3);
}

#[tokio::test]
async fn what_the_policy_forbids_is_refused_and_the_core_is_not_asked() {
    let story = Story::begin();
    assert_eq!(story.hear(&Permission::READING, &[(1, restart())], 1).await, [(1, End::Refused)]);
    assert_eq!(story.done(), 0);
    assert!(story.core.1.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_the_core_does_not_let_begin_is_not_done() {
    let story = Story::begin();
    story.core.0.lock().unwrap().push_back(Some(false));
    assert_eq!(story.hear(RESTART, &[(1, restart())], 1).await, [(1, End::Failed)]);
    assert_eq!(story.done(), 0);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_in_the_same_name() {
    let story = Story::begin();
    story.core.0.lock().unwrap().extend([None, None, Some(true)]);
    assert_eq!(story.hear(RESTART, &[(1, restart())], 1).await, [(1, End::Done)]);
    let tokens = story.core.1.lock().unwrap().clone();
    assert_eq!(tokens.len(), 3);
    assert!(tokens.iter().all(|token| *token == tokens[0]));
}

#[tokio::test]
async fn what_a_crash_interrupted_is_unknown_and_never_done_again() {
    let mut story = Story::begin();
    let (send, receive) = mpsc::channel(WAITING);
    send.send(Command { id: 1, number: 1, deed: restart() }).await.unwrap();
    let (began, mut begun) = mpsc::channel(1);
    let perform = |_| {
        began.try_send(()).unwrap();
        std::future::pending()
    };
    tokio::select! {
        _ = run(story.shared(), RESTART, story.core.clone(), receive, perform) => panic!("it works on"),
        _ = begun.recv() => {}
    }
    story.start();
    assert_eq!(story.hear(RESTART, &[(1, restart()), (2, restart())], 2).await, [(1, End::Unknown), (2, End::Done)]);
    assert_eq!(story.done(), 1);
}

#[tokio::test]
async fn a_spool_that_begins_anew_remembers_what_was_done_and_tells_it_again() {
    let story = Story::begin();
    story.hear(RESTART, &[(1, restart())], 1).await;
    story.shared().adopt(None, &Cursors::new()).unwrap();
    assert_eq!(story.outcomes(), [], "the core had not confirmed it");
    assert_eq!(story.hear(RESTART, &[(1, restart())], 1).await, [(1, End::Done)]);
    assert_eq!(story.done(), 1);
}

#[tokio::test]
async fn what_waits_for_its_turn_is_not_begun_and_upgrades_keep_no_other_from_it() {
    let story = Story::begin();
    let upgrade = || Deed::UpgradeAgent { agent: "001".into() };
    let (send, receive) = mpsc::channel(WAITING);
    for id in 1..=6 {
        send.send(Command { id, number: id, deed: upgrade() }).await.unwrap();
    }
    send.send(Command { id: 7, number: 7, deed: restart() }).await.unwrap();
    // No upgrade ends.
    let perform = |deed: Deed| async move {
        if matches!(deed, Deed::UpgradeAgent { .. }) { std::future::pending().await } else { Performed::done("done") }
    };
    let allow = &[Permission::Restart, Permission::Upgrade];
    let work = run(story.shared(), allow, story.core.clone(), receive, perform);
    let mut news = story.shared().news();
    let enough = async {
        while story.outcomes().is_empty() || story.core.1.lock().unwrap().len() < 5 {
            tokio::select! { _ = news.changed() => {}, () = tokio::time::sleep(Duration::from_millis(20)) => {} }
        }
    };
    tokio::select! {
        _ = work => panic!("it works on"),
        () = enough => {}
    }
    assert_eq!(story.outcomes(), [(7, End::Done)]);
    assert_eq!(story.core.1.lock().unwrap().len(), 5, "four upgrades and the restart: the others can be withdrawn");
}

#[tokio::test]
async fn a_deed_without_an_end_is_given_up_and_one_that_panics_is_told() {
    let endless = || std::future::pending::<Performed>();
    let given_up = within(Duration::ZERO, true, endless()).await;
    assert_eq!((given_up.end, given_up.said.contains("given up")), (End::Failed, true));
    assert_eq!(within(Duration::ZERO, false, endless()).await.end, End::Unknown, "it may have been done");
    assert_eq!(within(LONGEST, false, async { panic!("a test's") }).await.end, End::Unknown);
}

#[test]
fn an_answer_that_is_too_long_fails_with_a_reason() {
    let long = Ended { answer: Value::String("x".repeat(wire::limit::ANSWER)), ..ended(1, End::Done, String::new()) };
    let outcome = crate::manager::journal::outcome(long, 0, Timestamp::now());
    assert_eq!((outcome.end, outcome.check()), (End::Failed, Ok(())));
}
