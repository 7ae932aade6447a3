use jiff::SignedDuration;
use serde_json::{Value, json};
use wire::command::{Deed, End, Inventory, Outcome};
use wire::link::Record;

use super::*;

fn restart(agent: &str) -> Deed {
    Deed::RestartAgent { agent: agent.into() }
}

impl Story {
    async fn asked(&self, node: NodeId, deed: Deed) -> Command {
        let new = NewCommand { node, deed, within: SignedDuration::from_mins(10) };
        self.store.command(admin(), &all(), new).await.unwrap()
    }

    async fn state(&self, id: CommandId) -> CommandState {
        self.store.command_by_id(&all(), id).await.unwrap().state
    }
}

fn ended(command: &Command, end: End, answer: Value) -> Record {
    let at = Timestamp::UNIX_EPOCH;
    Record::Outcome(Box::new(Outcome { id: command.id.0, end, said: "so it is".into(), answer, at }))
}

#[tokio::test]
async fn a_command_is_begun_once_whoever_asks_and_told_no_more() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let command = story.asked(node.node, restart("001")).await;
    let waiting = story.store.waiting_commands(node.node).await.unwrap();
    assert_eq!(waiting, [wire::command::Command { id: command.id.0, deed: restart("001") }]);
    assert!(story.store.begin_command(node.node, command.id, 7).await.unwrap());
    assert!(story.store.begin_command(node.node, command.id, 7).await.unwrap(), "the answer was lost on its way");
    assert!(!story.store.begin_command(node.node, command.id, 8).await.unwrap(), "another disk, another token");
    assert_eq!(story.store.waiting_commands(node.node).await.unwrap(), []);
    story.hand.turn(60);
    assert!(!story.store.begin_command(node.node, command.id, 7).await.unwrap(), "it would be done late");
    node.send(&story.store, vec![ended(&command, End::Done, Value::Null)]).await;
    assert!(!story.store.begin_command(node.node, command.id, 7).await.unwrap(), "it has ended");
    let done = story.store.command_by_id(&all(), command.id).await.unwrap();
    assert_eq!((done.state, done.said.as_str()), (CommandState::Done, "so it is"));
}

#[tokio::test]
async fn a_command_expires_by_the_cores_clock() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let node = story.node(acme.id, "sensor").await;
    let command = story.asked(node.node, restart("001")).await;
    story.hand.turn(600);
    assert_eq!(story.state(command.id).await, CommandState::Expired);
    assert!(!story.store.begin_command(node.node, command.id, 7).await.unwrap());
    assert_eq!(story.store.tidy_commands().await.unwrap(), 1);
    assert_eq!(story.store.tidy_commands().await.unwrap(), 0);
    assert_eq!(story.state(command.id).await, CommandState::Expired);
}

#[tokio::test]
async fn a_command_that_was_begun_and_never_heard_of_again_is_unknown_until_there_is_news() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let command = story.asked(node.node, restart("001")).await;
    assert!(story.store.begin_command(node.node, command.id, 7).await.unwrap());
    story.hand.turn(3_601);
    story.store.tidy_commands().await.unwrap();
    assert_eq!(story.state(command.id).await, CommandState::Unknown);
    node.send(&story.store, vec![ended(&command, End::Failed, Value::Null)]).await;
    assert_eq!(story.state(command.id).await, CommandState::Failed);
}

#[tokio::test]
async fn a_command_is_withdrawn_until_its_node_has_begun_it() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let node = story.node(acme.id, "sensor").await;
    let (one, two) = (story.asked(node.node, restart("001")).await, story.asked(node.node, restart("002")).await);
    let withdrawn = story.store.withdraw_command(admin(), &all(), one.id).await.unwrap();
    assert_eq!(withdrawn.state, CommandState::Withdrawn);
    assert!(!story.store.begin_command(node.node, one.id, 7).await.unwrap());
    assert!(story.store.begin_command(node.node, two.id, 7).await.unwrap());
    assert!(matches!(story.store.withdraw_command(admin(), &all(), two.id).await, Err(Error::Refused(_))));
}

#[tokio::test]
async fn a_node_has_only_its_own_commands() {
    let story = Story::begin().await;
    let (acme, globex) = (story.client("Acme").await, story.client("Globex").await);
    let node = story.node(acme.id, "one").await;
    let mut stranger = story.node(globex.id, "two").await;
    let command = story.asked(node.node, restart("001")).await;
    assert_eq!(story.store.waiting_commands(stranger.node).await.unwrap(), []);
    assert!(!story.store.begin_command(stranger.node, command.id, 7).await.unwrap());
    let taken = stranger.send(&story.store, vec![ended(&command, End::Done, Value::Null)]).await;
    assert_eq!(taken.refused.len(), 1);
    assert_eq!(story.state(command.id).await, CommandState::Queued);
    let scope = Scope::of_client(globex.id, "a test");
    assert!(story.store.command_by_id(&scope, command.id).await.is_err());
    assert!(story.store.withdraw_command(admin(), &scope, command.id).await.is_err());
    let new = NewCommand { node: node.node, deed: restart("001"), within: SignedDuration::from_mins(1) };
    assert!(story.store.command(admin(), &scope, new).await.is_err());
    assert_eq!(story.store.commands(&scope, CommandAsk { limit: 9, ..CommandAsk::default() }).await.unwrap(), []);
}

#[tokio::test]
async fn the_latest_answer_about_a_host_is_kept_with_its_age_and_earlier_ones_go() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let ask = |what| Deed::Inventory { agent: "001".into(), what };
    let first = story.asked(node.node, ask(Inventory::Ports)).await;
    node.send(&story.store, vec![ended(&first, End::Done, json!([22]))]).await;
    story.hand.turn(60);
    let second = story.asked(node.node, ask(Inventory::Ports)).await;
    let users = story.asked(node.node, ask(Inventory::Users)).await;
    node.send(&story.store, vec![ended(&second, End::Done, json!([22, 80])), ended(&users, End::Failed, Value::Null)])
        .await;
    let known = story.store.host_answers(&all(), node.node, "001".into()).await.unwrap();
    assert_eq!(known.iter().map(|command| command.answer.clone()).collect::<Vec<_>>(), [Some(json!([22, 80]))]);
    assert_eq!(known[0].finished, Some(story.store.clock().now()));
    assert_eq!(story.store.command_by_id(&all(), first.id).await.unwrap().answer, None);
}

#[tokio::test]
async fn too_many_waiting_commands_are_refused_with_a_reason() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let node = story.node(acme.id, "sensor").await;
    for _ in 0..200 {
        story.asked(node.node, restart("001")).await;
    }
    let new = NewCommand { node: node.node, deed: restart("001"), within: SignedDuration::from_mins(1) };
    assert!(matches!(story.store.command(admin(), &all(), new).await, Err(Error::Refused(_))));
}
