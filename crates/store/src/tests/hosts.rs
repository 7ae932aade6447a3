use wire::host::{HostState, Hosts};
use wire::link::Record;

use super::*;

fn host(agent: &str, name: &str, state: HostState) -> wire::host::Host {
    wire::host::Host {
        agent: agent.into(),
        name: name.into(),
        state,
        why: None,
        version: Some("4.14.7".into()),
        behind: false,
        system: Some("Ubuntu 22.04.4 LTS".into()),
        platform: Some("ubuntu".into()),
        architecture: None,
        groups: vec!["default".into(), "web_1".into()],
        address: Some("10.0.0.5".into()),
        manager: None,
        registered: None,
        seen: None,
    }
}

fn changed(changed: Vec<wire::host::Host>) -> Record {
    Record::Hosts(Box::new(Hosts { changed, ..Hosts::default() }))
}

fn names(page: &HostPage) -> Vec<&str> {
    page.hosts.iter().map(|host| host.told.name.as_str()).collect()
}

fn few(limit: usize) -> HostAsk {
    HostAsk { limit, ..HostAsk::default() }
}

#[tokio::test]
async fn hosts_are_the_sum_of_the_differences_that_nodes_tell() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let (web, db) = (host("001", "Web1", HostState::Active), host("002", "db1", HostState::Active));
    node.send(&story.store, vec![changed(vec![web.clone(), db])]).await;
    let began = story.store.clock().now();
    story.hand.turn(60);
    let silent = host("002", "db1", HostState::Disconnected);
    node.send(&story.store, vec![changed(vec![web, silent])]).await;
    let page = story.store.hosts(&all(), few(9)).await.unwrap();
    assert_eq!(names(&page), ["db1", "Web1"]);
    assert_eq!(page.hosts[0].since, story.store.clock().now(), "its state is new");
    assert_eq!(page.hosts[1].since, began, "its state is the same");
    let gone = Hosts { gone: vec!["002".into()], ..Hosts::default() };
    node.send(&story.store, vec![Record::Hosts(Box::new(gone))]).await;
    assert_eq!(names(&story.store.hosts(&all(), few(9)).await.unwrap()), ["Web1"]);
    let only = Hosts { only: Some(Vec::new()), ..Hosts::default() };
    node.send(&story.store, vec![Record::Hosts(Box::new(only))]).await;
    assert_eq!(names(&story.store.hosts(&all(), few(9)).await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn hosts_are_found_by_what_they_are() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let mut laptop = host("003", "laptop_7", HostState::Disconnected);
    (laptop.version, laptop.behind) = (Some("4.9.0".into()), true);
    (laptop.platform, laptop.groups, laptop.address) = (Some("windows".into()), vec!["webs1".into()], None);
    let all_of_them = vec![host("001", "web1", HostState::Active), host("002", "web2", HostState::Active), laptop];
    node.send(&story.store, vec![changed(all_of_them)]).await;
    let found = async |ask: HostAsk| {
        let page = story.store.hosts(&all(), HostAsk { limit: 9, ..ask }).await.unwrap();
        page.hosts.into_iter().map(|host| host.told.agent).collect::<Vec<_>>()
    };
    let text = |text: &str| HostAsk { text: text.into(), ..HostAsk::default() };
    assert_eq!(found(text("WEB")).await, ["001", "002"]);
    assert_eq!(found(text("10.0.0")).await, ["001", "002"]);
    assert_eq!(found(text("p_7")).await, ["003"]);
    assert_eq!(found(text("%")).await, [""; 0], "no character has a meaning");
    assert_eq!(found(HostAsk { group: "web_1".into(), ..HostAsk::default() }).await, ["001", "002"]);
    assert_eq!(found(HostAsk { state: Some(HostState::Disconnected), ..HostAsk::default() }).await, ["003"]);
    assert_eq!(found(HostAsk { platform: "windows".into(), ..HostAsk::default() }).await, ["003"]);
    assert_eq!(found(HostAsk { version: "4.14.7".into(), ..HostAsk::default() }).await, ["001", "002"]);
    assert_eq!(found(HostAsk { behind: true, ..HostAsk::default() }).await, ["003"]);
    let counts = story.store.host_counts(&all(), None, None).await.unwrap();
    assert_eq!((counts.all, counts.behind), (3, 1));
    assert_eq!(counts.states, [(HostState::Active, 2), (HostState::Disconnected, 1)].into());
    assert_eq!(counts.groups, [("default".into(), 2), ("web_1".into(), 2), ("webs1".into(), 1)].into());
}

#[tokio::test]
async fn a_list_of_hosts_goes_on_where_it_was_and_none_is_twice() {
    let story = Story::begin().await;
    let (acme, globex) = (story.client("Acme").await, story.client("Globex").await);
    let (mut one, mut two) = (story.node(acme.id, "one").await, story.node(globex.id, "two").await);
    let many = |prefix: &str| {
        (1..=7).map(|n| host(&format!("{n:03}"), &format!("{prefix}{}", n / 2), HostState::Active)).collect()
    };
    one.send(&story.store, vec![changed(many("a"))]).await;
    two.send(&story.store, vec![changed(many("A"))]).await;
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = story.store.hosts(&all(), HostAsk { after, ..few(3) }).await.unwrap();
        seen.extend(page.hosts.into_iter().map(|host| (host.client, host.told.agent)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 14);
}

#[tokio::test]
async fn hosts_of_others_are_neither_listed_nor_counted() {
    let story = Story::begin().await;
    let (acme, globex) = (story.client("Acme").await, story.client("Globex").await);
    let (mut one, mut two) = (story.node(acme.id, "one").await, story.node(globex.id, "two").await);
    one.send(&story.store, vec![changed(vec![host("001", "ours", HostState::Active)])]).await;
    two.send(&story.store, vec![changed(vec![host("001", "theirs", HostState::Active)])]).await;
    let scope = Scope::of_client(acme.id, "a test");
    assert_eq!(names(&story.store.hosts(&scope, few(9)).await.unwrap()), ["ours"]);
    assert_eq!(story.store.host_counts(&scope, None, None).await.unwrap().all, 1);
    assert_eq!(story.store.host_counts(&scope, Some(globex.id), None).await.unwrap().all, 0);
    assert!(story.store.host(&scope, two.node, "001".into()).await.is_err());
    assert_eq!(story.store.host(&scope, one.node, "001".into()).await.unwrap().told.name, "ours");
}

#[tokio::test]
async fn a_node_has_so_many_hosts_and_no_more_and_what_is_left_out_is_said() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let of = |from: usize, to: usize| -> Vec<_> {
        (from..to).map(|n| host(&format!("{n:06}"), "web", HostState::Active)).collect()
    };
    let most = wire::limit::HOSTS;
    let records = (0..most).step_by(200).map(|from| changed(of(from, from + 200))).collect();
    assert_eq!(node.send(&story.store, records).await.refused, []);
    // One is known, one is new and there is no room for it.
    let silent = host("000001", "web", HostState::Disconnected);
    let new = host("999999", "web", HostState::Active);
    let taken = node.send(&story.store, vec![changed(vec![silent.clone(), new.clone()])]).await;
    assert!(taken.refused[0].why.contains("1 were left out"), "{taken:?}");
    let counts = story.store.host_counts(&all(), None, None).await.unwrap();
    assert_eq!((counts.all, counts.states[&HostState::Disconnected]), (most as u64, 1));
    // One goes, and there is room for another.
    let gone = Record::Hosts(Box::new(Hosts { gone: vec!["000002".into()], ..Hosts::default() }));
    assert_eq!(node.send(&story.store, vec![changed(vec![silent]), gone, changed(vec![new])]).await.refused, []);
    assert_eq!(story.store.host_counts(&all(), None, None).await.unwrap().all, most as u64);
}

#[tokio::test]
async fn counts_tell_the_most_frequent_kinds_and_say_that_there_are_more() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    let odd = |n: usize| {
        let mut odd = host(&format!("{n:06}"), "web", HostState::Active);
        odd.groups = vec!["default".into(), format!("g{n}")];
        odd
    };
    let records = (0..3_000).step_by(200).map(|from| changed((from..from + 200).map(odd).collect())).collect();
    node.send(&story.store, records).await;
    let usual = (3_000..3_200).map(|n| host(&format!("{n:06}"), "web", HostState::Disconnected)).collect();
    node.send(&story.store, vec![changed(usual)]).await;
    let counts = story.store.host_counts(&all(), None, None).await.unwrap();
    assert_eq!((counts.all, counts.states[&HostState::Disconnected], counts.cut), (3_200, 200, true));
    assert_eq!((counts.groups.len(), counts.groups["web_1"]), (crate::hosts::KINDS, 200));
    assert!(counts.groups.contains_key("default"));
}
