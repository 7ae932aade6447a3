//! What is done to agents, and that nobody is meant who was not named.

use std::time::Duration;

use wazuh::Kind;
use wazuh::api::{ActiveResponse, Agents, Deletion, Upgrade};

use crate::manager::{client, id, manager, manager_of, these};

#[tokio::test]
async fn a_restart_reaches_some_and_says_of_each_other_one_why_not() {
    let manager = manager().await;
    let sent = client(&manager).restart_agents(&these(&["000", "001", "003", "998"])).await.unwrap();
    assert!(sent.reached(&id("001")).is_ok());
    let code = |agent: &str| sent.reached(&id(agent)).unwrap_err().code();
    assert_eq!((code("000"), code("003"), code("998")), (Some(1703), Some(1707), Some(1701)));
}

#[tokio::test]
async fn an_agent_that_fell_silent_is_not_reached_by_a_restart_and_comes_back_by_itself() {
    let manager = manager().await;
    let api = client(&manager);
    manager.state().agents[1]["status"] = "disconnected".into();
    manager.state().agents[1]["status_code"] = 4.into();
    let silent = api.agents().with("status", "disconnected").all().await.unwrap();
    assert_eq!((silent.len(), silent[0].status_code), (1, Some(4)));
    let sent = api.restart_agents(&these(&["001"])).await.unwrap();
    assert_eq!(sent.reached(&id("001")).unwrap_err().code(), Some(1707));
    assert!(!api.agent(&id("001")).await.unwrap().is_active());
    manager.state().agents[1]["status"] = "active".into();
    assert!(api.agent(&id("001")).await.unwrap().is_active());
}

#[tokio::test]
async fn a_connected_agent_is_deleted_only_when_that_is_said() {
    let manager = manager().await;
    let api = client(&manager);
    let week = Duration::from_secs(7 * 86400);
    let sent = api.delete_agents(&Deletion::silent_for(these(&["001", "003"]), week)).await.unwrap();
    assert_eq!(sent.reached(&id("001")).unwrap_err().code(), Some(1731));
    sent.reached(&id("003")).unwrap();
    let sent = api.delete_agents(&Deletion::at_once(these(&["000", "001", "998"])).purge()).await.unwrap();
    sent.reached(&id("001")).unwrap();
    assert_eq!(sent.reached(&id("000")).unwrap_err().code(), Some(1703));
    assert_eq!(sent.reached(&id("998")).unwrap_err().code(), Some(1701));
}

#[tokio::test]
async fn an_agent_is_added_and_its_key_is_never_printed() {
    let manager = manager().await;
    let api = client(&manager);
    let added = api.add_agent("new-1", Some("192.0.2.0/24")).await.unwrap();
    assert_eq!(added.id, id("1001"));
    assert!(!format!("{added:?}").contains(added.key.reveal()));
    assert_eq!(api.agent_key(&added.id).await.unwrap().key.reveal(), added.key.reveal());
    assert_eq!(api.add_agent("new-1", None).await.unwrap_err().code(), Some(1705));
    assert_eq!(api.add_agent("new-3", Some("192.0.2.0/24")).await.unwrap_err().code(), Some(1706));
    assert_eq!(api.agent_key(&id("000")).await.unwrap_err().code(), Some(1703));
    assert_eq!(api.add_agent("a b", None).await.unwrap_err().kind(), Kind::Input);
    manager.state().stopped.push("wazuh-authd".into());
    assert_eq!(api.add_agent("new-2", None).await.unwrap_err().kind(), Kind::NotReady);
}

#[tokio::test]
async fn an_address_is_blocked_where_that_is_possible() {
    let manager = manager().await;
    manager.state().without_response.push("002".into());
    let api = client(&manager);
    let block = ActiveResponse::named("firewall-drop600").unwrap().about("192.0.2.7".parse().unwrap());
    let sent = api.active_response(&these(&["000", "001", "002", "003", "998"]), &block).await.unwrap();
    assert_eq!(sent.reached(&id("998")).unwrap_err().code(), Some(1701));
    assert_eq!(sent.to, [id("001")]);
    // The server says nothing of the manager itself, and that is not taken for done.
    assert_eq!(sent.silent, [id("000")]);
    assert!(sent.reached(&id("000")).is_err());
    assert_eq!(sent.reached(&id("002")).unwrap_err().code(), Some(1750));
    assert_eq!(sent.reached(&id("003")).unwrap_err().code(), Some(1707));
    let body = manager.state().log.last().unwrap().body.clone();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["alert"]["data"]["srcip"], "192.0.2.7");
    assert!(body.get("custom").is_none());
    let unknown = ActiveResponse::named("firewall-drop").unwrap();
    let sent = api.active_response(&these(&["001"]), &unknown).await.unwrap();
    assert_eq!(sent.reached(&id("001")).unwrap_err().code(), Some(1652));
}

#[tokio::test]
async fn only_all_means_all() {
    let manager = manager().await;
    let api = client(&manager);
    assert!(Agents::these([]).is_err());
    let block = ActiveResponse::program_without_end("firewall-drop").unwrap();
    let last = || manager.state().log.last().unwrap().get("agents_list").map(str::to_owned);
    api.active_response(&these(&["001"]), &block).await.unwrap();
    assert_eq!(last().as_deref(), Some("001"));
    let sent = api.active_response(&Agents::All, &block).await.unwrap();
    assert_eq!((last(), sent.to.len()), (None, 3));
}

#[tokio::test]
async fn an_upgrade_is_begun_and_followed() {
    let manager = manager().await;
    let api = client(&manager);
    let begun = api.upgrade_agents(&these(&["001", "003"]), &Upgrade::default()).await.unwrap();
    assert_eq!((begun.items[0].agent.as_ref(), begun.failed[0].code), (Some(&id("001")), 1707));
    // The agent is a number in this answer.
    let results = api.upgrade_results(&these(&["001"])).await.unwrap();
    assert_eq!(results.items[0].agent, Some(id("001")));
    manager.state().upgrades[0].1 = "Updated".into();
    assert_eq!(api.tasks().all().await.unwrap()[0].status.as_deref(), Some("Updated"));
}

#[tokio::test]
async fn agents_join_and_leave_groups() {
    for version in ["4.8.2", "4.14.7"] {
        let manager = manager_of(version).await;
        let api = client(&manager);
        api.add_group("db").await.unwrap();
        assert_eq!(api.add_group("db").await.unwrap_err().code(), Some(1711));
        api.join_group(&id("001"), "db", false).await.unwrap();
        assert_eq!(api.join_group(&id("001"), "db", false).await.unwrap_err().code(), Some(1751));
        assert_eq!(api.join_group(&id("001"), "nowhere", false).await.unwrap_err().kind(), Kind::NotFound);
        let sent = api.add_to_group("db", &these(&["002", "998"]), true).await.unwrap();
        assert_eq!(sent.reached(&id("998")).unwrap_err().code(), Some(1701));
        assert_eq!(api.group_agents("db").unwrap().count().await.unwrap(), 2);
        let groups = async |agent: &str| api.agent(&id(agent)).await.unwrap().group.unwrap();
        assert_eq!(
            (groups("001").await, groups("002").await),
            (vec!["default".into(), "db".into()], vec!["db".to_owned()])
        );
        let sent = api.remove_from_group("db", &these(&["001", "1000"])).await.unwrap();
        assert_eq!(sent.reached(&id("1000")).unwrap_err().code(), Some(1734));
        assert_eq!(api.group_files("db").unwrap().all().await.unwrap()[0].filename.as_deref(), Some("agent.conf"));
        assert!(api.group_file("db", "agent.conf").await.unwrap().contains("agent_config"), "{version}");
        assert!(api.group_file("db", "../../x").await.is_err());
        api.set_group_configuration("db", "<agent_config/>").await.unwrap_err();
        api.set_group_configuration("db", "<agent_config></agent_config>").await.unwrap();
        api.delete_group("db").await.unwrap();
        assert_eq!(api.delete_group("db").await.unwrap_err().code(), Some(1710));
        assert_eq!(api.delete_group("default").await.unwrap_err().code(), Some(1712));
    }
}

#[tokio::test]
async fn scans_are_begun_on_those_that_are_connected() {
    let manager = manager().await;
    let api = client(&manager);
    let sent = api.scan_files(&these(&["001", "003"])).await.unwrap();
    assert_eq!((sent.to.len(), sent.failed[0].code), (1, 1707));
    api.run_rootcheck(&these(&["001"])).await.unwrap().reached(&id("001")).unwrap();
    api.reconnect_agents(&these(&["002"])).await.unwrap().reached(&id("002")).unwrap();
    assert_eq!(api.restart_group("default").await.unwrap().to.len(), 3);
    assert_eq!(api.restart_group("nowhere").await.unwrap_err().code(), Some(1710));
}
