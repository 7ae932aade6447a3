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

    /// What a node knows a command by.
    async fn ticket(&self, node: NodeId, command: &Command) -> i64 {
        let waiting = self.store.waiting_commands(node).await.unwrap();
        waiting.iter().find(|waiting| waiting.number == command.id.0).expect("it waits").id
    }
}

fn ended(ticket: i64, end: End, answer: &Value) -> Record {
    let at = Timestamp::UNIX_EPOCH;
    let answer = if answer.is_null() { String::new() } else { answer.to_string() };
    Record::Outcome(Box::new(Outcome { id: ticket, token: 7, end, said: "so it is".into(), answer, at }))
}

#[tokio::test]
async fn a_command_is_begun_once_whoever_asks_and_told_no_more() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let command = story.asked(node.node, restart("001")).await;
    let waiting = story.store.waiting_commands(node.node).await.unwrap();
    let ticket = story.ticket(node.node, &command).await;
    assert_eq!(waiting, [wire::command::Command { id: ticket, number: command.id.0, deed: restart("001") }]);
    assert!(story.store.begin_command(node.node, ticket, 7).await.unwrap());
    assert!(story.store.begin_command(node.node, ticket, 7).await.unwrap(), "the answer was lost on its way");
    assert!(!story.store.begin_command(node.node, ticket, 8).await.unwrap(), "another disk, another token");
    assert_eq!(story.store.waiting_commands(node.node).await.unwrap(), []);
    story.hand.turn(60);
    assert!(!story.store.begin_command(node.node, ticket, 7).await.unwrap(), "it would be done late");
    node.send(&story.store, vec![ended(ticket, End::Done, &Value::Null)]).await;
    assert!(!story.store.begin_command(node.node, ticket, 7).await.unwrap(), "it has ended");
    let done = story.store.command_by_id(&all(), command.id).await.unwrap();
    assert_eq!((done.state, done.said.as_str()), (CommandState::Done, "so it is"));
}

#[tokio::test]
async fn a_command_expires_by_the_cores_clock() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let node = story.node(acme.id, "sensor").await;
    let command = story.asked(node.node, restart("001")).await;
    let ticket = story.ticket(node.node, &command).await;
    story.hand.turn(600);
    assert_eq!(story.state(command.id).await, CommandState::Expired);
    assert!(!story.store.begin_command(node.node, ticket, 7).await.unwrap());
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
    let ticket = story.ticket(node.node, &command).await;
    assert!(story.store.begin_command(node.node, ticket, 7).await.unwrap());
    story.hand.turn(3_601);
    story.store.tidy_commands().await.unwrap();
    assert_eq!(story.state(command.id).await, CommandState::Unknown);
    node.send(&story.store, vec![ended(ticket, End::Failed, &Value::Null)]).await;
    assert_eq!(story.state(command.id).await, CommandState::Failed);
}

#[tokio::test]
async fn how_a_command_ended_is_in_the_audit_log_unless_it_has_only_read() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let inventory = Deed::Inventory { agent: "001".into(), what: Inventory::Ports };
    let (failed, read) = (story.asked(node.node, restart("001")).await, story.asked(node.node, inventory).await);
    let tickets = [story.ticket(node.node, &failed).await, story.ticket(node.node, &read).await];
    let outcomes = tickets.map(|ticket| ended(ticket, End::Failed, &Value::Null)).to_vec();
    node.send(&story.store, outcomes).await;
    let late = story.asked(node.node, restart("002")).await;
    story.hand.turn(600);
    story.store.tidy_commands().await.unwrap();
    let ask = AuditAsk { action: Some("command.end".into()), client: Some(acme.id), limit: 9, ..AuditAsk::default() };
    let noted = story.store.audit(&all(), ask).await.unwrap();
    let told: Vec<_> = noted.iter().map(|note| [&note.who, &note.subject, &note.detail].map(String::as_str)).collect();
    let details = [(late.id, "expired"), (failed.id, "failed: so it is")]
        .map(|(id, end)| format!("number {id}, asked by test, {end}"));
    assert_eq!(told, [["the core", "sensor", &details[0]], ["node sensor", "sensor", &details[1]]]);
    assert_eq!(noted[0].after, Some(json!({"deed": "restart_agent", "agent": "002"})));
}

#[tokio::test]
async fn a_command_is_withdrawn_until_its_node_has_begun_it() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let node = story.node(acme.id, "sensor").await;
    let (one, two) = (story.asked(node.node, restart("001")).await, story.asked(node.node, restart("002")).await);
    let (first, second) = (story.ticket(node.node, &one).await, story.ticket(node.node, &two).await);
    let withdrawn = story.store.withdraw_command(admin(), &all(), one.id).await.unwrap();
    assert_eq!(withdrawn.state, CommandState::Withdrawn);
    assert!(!story.store.begin_command(node.node, first, 7).await.unwrap());
    assert!(story.store.begin_command(node.node, second, 7).await.unwrap());
    assert!(matches!(story.store.withdraw_command(admin(), &all(), two.id).await, Err(Error::Refused(_))));
}

#[tokio::test]
async fn a_node_has_only_its_own_commands() {
    let story = Story::begin().await;
    let (acme, globex) = (story.client("Acme").await, story.client("Globex").await);
    let node = story.node(acme.id, "one").await;
    let mut stranger = story.node(globex.id, "two").await;
    let command = story.asked(node.node, restart("001")).await;
    let ticket = story.ticket(node.node, &command).await;
    assert_eq!(story.store.waiting_commands(stranger.node).await.unwrap(), []);
    assert!(!story.store.begin_command(stranger.node, ticket, 7).await.unwrap());
    let taken = stranger.send(&story.store, vec![ended(ticket, End::Done, &Value::Null)]).await;
    assert_eq!(taken.refused, [], "after a restore a node tells of what the core does not know");
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
    let ticket = story.ticket(node.node, &first).await;
    node.send(&story.store, vec![ended(ticket, End::Done, &json!([22]))]).await;
    story.hand.turn(60);
    let second = story.asked(node.node, ask(Inventory::Ports)).await;
    let users = story.asked(node.node, ask(Inventory::Users)).await;
    let (second, users) = (story.ticket(node.node, &second).await, story.ticket(node.node, &users).await);
    node.send(&story.store, vec![ended(second, End::Done, &json!([22, 80])), ended(users, End::Failed, &Value::Null)])
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

#[tokio::test]
async fn of_two_machines_with_one_identity_only_the_one_that_began_a_command_ends_it() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let command = story.asked(node.node, restart("001")).await;
    let ticket = story.ticket(node.node, &command).await;
    assert!(story.store.begin_command(node.node, ticket, 8).await.unwrap());
    // The token of `ended` is 7.
    node.send(&story.store, vec![ended(ticket, End::Failed, &Value::Null)]).await;
    assert_eq!(story.state(command.id).await, CommandState::Taken);
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_refused_and_the_command_goes_on() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let command = story.asked(node.node, restart("001")).await;
    let ticket = story.ticket(node.node, &command).await;
    for answer in ["{", &"[".repeat(100_000)] {
        let Record::Outcome(outcome) = ended(ticket, End::Done, &Value::Null) else { panic!("an outcome") };
        let broken = Outcome { answer: answer.to_owned(), ..*outcome };
        let taken = node.send(&story.store, vec![Record::Outcome(Box::new(broken))]).await;
        assert_eq!(taken.refused.len(), 1);
    }
    assert_eq!(story.state(command.id).await, CommandState::Queued);
}

#[tokio::test]
async fn a_disabled_node_is_asked_nothing() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let node = story.node(acme.id, "sensor").await;
    let change = NodeChange { disabled: Some(true), ..NodeChange::default() };
    story.store.change_node(admin(), &all(), node.node, change).await.unwrap();
    let new = NewCommand { node: node.node, deed: restart("001"), within: SignedDuration::from_mins(1) };
    assert!(
        matches!(story.store.command(admin(), &all(), new).await, Err(Error::Refused(why)) if why.contains("disabled"))
    );
}
