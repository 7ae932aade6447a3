//! Lists that stand beside the large ones, and what a list cannot be asked for.

use wazuh::Kind;
use wazuh::api::{Agents, Query};

use crate::manager::{client, id, manager, manager_of};

#[tokio::test]
async fn agents_in_no_group_and_those_that_are_older_than_the_manager_are_listed() {
    let manager = manager().await;
    manager.state().agents[1].as_object_mut().unwrap().remove("group");
    manager.state().agents[2]["version"] = "Wazuh v4.3.0".into();
    let api = client(&manager);
    let alone = api.agents_without_group().all().await.unwrap();
    assert_eq!(alone.iter().filter_map(|agent| agent.id.clone()).collect::<Vec<_>>(), [id("001")]);
    let old = api.outdated_agents().all().await.unwrap();
    assert_eq!(old[0].id, Some(id("002")));
    let names: Vec<_> = api.groups().all().await.unwrap().into_iter().filter_map(|group| group.name).collect();
    assert_eq!(names, ["default", "web"]);
}

#[tokio::test]
async fn a_summary_by_system_needs_4_13_and_the_error_says_so() {
    let summary = client(&manager().await).agent_summary(&Agents::All).await.unwrap();
    assert!(summary.is_object(), "{summary}");
    let error = client(&manager_of("4.12.0").await).agent_summary(&Agents::All).await.unwrap_err();
    assert!(error.kind() == Kind::WrongVersion && error.to_string().contains("4.13"), "{error}");
}

#[tokio::test]
async fn what_a_list_cannot_search_for_is_refused_before_it_is_asked() {
    let manager = manager().await;
    let api = client(&manager);
    for text in ["", "-web", "a;b", "a|b", "a&b", "a^b", "a*b", "a>b"] {
        assert_eq!(api.agents().search(text).err().map(|error| error.kind()), Some(Kind::Input), "{text}");
    }
    assert!(manager.state().log.is_empty());
    let found = api.agents().search("web").unwrap().select(&["id", "os.platform"]).all().await.unwrap();
    assert!(!found.is_empty());
    let asked = manager.state().log.last().unwrap().clone();
    assert_eq!((asked.get("search"), asked.get("select")), (Some("web"), Some("id,os.platform")));
}

#[tokio::test]
async fn lists_that_are_not_in_a_database_take_no_parentheses() {
    let api = client(&manager().await);
    let either = |field| Query::equals(field, "a").unwrap().or(Query::equals(field, "b").unwrap());
    let nested = either("name").and(either("hash"));
    assert_eq!(api.group_files("web").unwrap().query(&nested).err().map(|error| error.kind()), Some(Kind::Input));
    assert_eq!(api.nodes().query(&nested).err().map(|error| error.kind()), Some(Kind::Input));
    assert_eq!(api.logs().query(&nested).err().map(|error| error.kind()), Some(Kind::Input));
    assert!(api.agents().query(&nested).is_ok());
}
