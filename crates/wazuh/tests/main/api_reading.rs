//! What is read of the manager and of its agents, in the shapes of every version.

use futures::TryStreamExt as _;
use serde_json::json;
use wazuh::Kind;
use wazuh::api::{MitreKind, Query, Ruleset, When};
use wazuh_imitation::api::Canned;

use crate::manager::{client, id, manager, manager_of, requests, settings};

#[tokio::test]
async fn agents_are_listed_with_the_manager_the_silent_and_the_thousandth() {
    let manager = manager().await;
    let api = client(&manager);
    let agents = api.agents().all().await.unwrap();
    let ids: Vec<_> = agents.iter().filter_map(|agent| agent.id.as_ref()).map(ToString::to_string).collect();
    assert_eq!(ids, ["000", "001", "002", "003", "1000"]);
    assert_eq!(agents[0].last_keep_alive, Some(When::Always));
    assert!(agents[1].is_active() && agents[1].wazuh().is_some());
    assert_eq!((agents[3].last_keep_alive.as_ref(), agents[3].wazuh()), (None, None));
    let others = api.agents().query(&Query::is_not("id", "000").unwrap()).unwrap();
    assert_eq!(others.count().await.unwrap(), 4);
    let silent = api.agents().with("status", "never_connected").all().await.unwrap();
    assert_eq!(silent[0].name.as_deref(), Some("spare"));
}

#[tokio::test]
async fn a_condition_is_understood_as_it_was_meant() {
    let manager = manager().await;
    manager.state().agents[2]["lastKeepAlive"] = "2026-04-28T10:00:00+00:00".into();
    let api = client(&manager);
    let found = async |query: Query| -> Vec<String> {
        let agents = api.agents().query(&query).unwrap().all().await.unwrap();
        agents.into_iter().filter_map(|agent| agent.id).map(|id| id.to_string()).collect()
    };
    let either = || Query::equals("name", "WEB1").unwrap().or(Query::contains("name", "ai").unwrap());
    assert_eq!(found(either()).await, ["001", "1000"], "whatever the case");
    let active = Query::equals("status", "active").unwrap();
    assert_eq!(found(either().and(Query::is_not("id", "001").unwrap())).await, ["1000"], "parentheses hold together");
    assert_eq!(found(active.clone().and(Query::more("lastKeepAlive", "1d").unwrap())).await, ["002"], "an age");
    assert_eq!(found(Query::less("lastKeepAlive", "2026-04-30").unwrap()).await, ["002"], "a time");
    for within in [Query::less("lastKeepAlive", "1d"), Query::equals("lastKeepAlive", "1d")] {
        assert_eq!(
            found(within.unwrap()).await,
            ["001", "1000"],
            "whatever the date, it leaves out the manager itself"
        );
    }
    assert_eq!(found(Query::is_null("version").unwrap()).await, ["003"]);
    assert_eq!(found(Query::equals("group", "default").unwrap().and(active)).await.len(), 4);
    for (field, value, code) in [("nonsense", "1", 1408), ("lastKeepAlive", "soon", 1412)] {
        let query = Query::equals(field, value).unwrap();
        assert_eq!(api.agents().query(&query).unwrap().all().await.unwrap_err().code(), Some(code));
    }
}

#[tokio::test]
async fn every_list_is_asked_with_what_each_version_knows() {
    for version in ["4.3.11", "4.4.5", "4.6.0", "4.8.2", "4.9.2", "4.12.0", "4.13.1", "4.14.7"] {
        let manager = manager_of(version).await;
        let mut hurried = settings(&manager);
        hurried.per_minute = 1000;
        manager.state().per_minute = 0;
        let api = wazuh::api::Api::new(hurried).unwrap();
        let host = id("001");
        macro_rules! all {
            ($($list:expr),* $(,)?) => { $(
                if let Err(error) = $list.all().await {
                    panic!("{version}, {}: {error}", stringify!($list));
                }
            )* };
        }
        all!(
            api.agents(),
            api.agents_without_group(),
            api.outdated_agents(),
            api.groups(),
            api.group_agents("web").unwrap(),
            api.group_files("web").unwrap(),
            api.packages(&host),
            api.ports(&host),
            api.processes(&host),
            api.addresses(&host),
            api.interfaces(&host),
            api.network_protocols(&host),
            api.hotfixes(&host),
            api.logs(),
            api.rules(),
            api.decoders(),
            api.lookups(),
            api.ruleset_files(Ruleset::Rules),
            api.ruleset_files(Ruleset::Decoders),
            api.ruleset_files(Ruleset::Lists),
            api.policies(&host),
            api.checks(&host, "cis_ubuntu22-04").unwrap(),
            api.files(&host),
            api.rootcheck(&host),
            api.tasks(),
            api.mitre(MitreKind::Techniques),
            api.mitre(MitreKind::Tactics),
        );
        if version == "4.14.7" {
            all!(api.users(&host), api.services(&host));
        }
    }
}

#[tokio::test]
async fn an_agent_that_does_not_exist_is_an_error_although_the_status_is_200() {
    let manager = manager().await;
    let api = client(&manager);
    let error = api.agent(&id("998")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::NotFound, Some(1701)));
    assert_eq!(api.os(&id("998")).await.unwrap_err().code(), Some(1701));
    // It exists and has never told anything.
    assert_eq!(api.os(&id("003")).await.unwrap_err().code(), Some(2007));
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page_and_each_row_once() {
    let manager = manager().await;
    let api = client(&manager);
    let names: Vec<_> =
        api.packages(&id("001")).stream().map_ok(|package| package.name.unwrap()).try_collect().await.unwrap();
    assert_eq!(names.len(), 1203);
    let mut unique: Vec<String> = names.clone();
    unique.dedup();
    assert_eq!(unique.len(), 1203);
    assert_eq!(requests(&manager, "/syscollector/001/packages"), 3);
    assert_eq!(api.packages(&id("001")).page_size(7).page(1200).await.unwrap().items.len(), 3);
}

#[tokio::test]
async fn a_page_that_is_refused_ends_a_stream_with_an_error_and_a_list_altogether() {
    let manager = manager().await;
    let api = client(&manager);
    let body = serde_json::json!({ "title": "Wazuh Internal Error", "error": 2009 });
    let mut stream = std::pin::pin!(api.packages(&id("001")).stream());
    for _ in 0..500 {
        stream.try_next().await.unwrap().unwrap();
    }
    manager.state().canned.push_back(Canned::new("/syscollector", 500, body.clone()));
    assert_eq!(stream.try_next().await.unwrap_err().kind(), Kind::NotReady);
    assert!(stream.try_next().await.unwrap().is_none());
    manager.state().canned.push_back(Canned::new("/syscollector", 500, body));
    assert!(api.packages(&id("001")).all().await.is_err());
}

#[tokio::test]
async fn the_summary_of_4_3_is_flat_and_later_ones_are_not() {
    for version in ["4.3.11", "4.8.2", "4.14.7"] {
        let manager = manager_of(version).await;
        let api = client(&manager);
        let counts = api.agent_states().await.unwrap().connection.unwrap();
        assert_eq!((counts.active, counts.never_connected, counts.total), (Some(3), Some(1), Some(4)), "{version}");
        let overview = api.overview().await.unwrap();
        assert_eq!(overview.counts().connection.unwrap().total, Some(4), "{version}");
        assert_eq!(overview.last_registered_agent.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_manager_tells_of_itself_in_every_version() {
    for version in ["4.3.11", "4.8.2", "4.12.0", "4.14.7"] {
        let manager = manager_of(version).await;
        let api = client(&manager);
        assert!(api.info().await.unwrap().revision.is_some());
        let info = api.manager_info().await.unwrap();
        assert_eq!(info.compilation_date.is_some(), version == "4.3.11", "{version}");
        let daemons = api.daemons().await.unwrap();
        assert_eq!(
            (&*daemons["wazuh-analysisd"], &*daemons["wazuh-maild"]),
            ("running", "stopped"),
            "not all need run"
        );
        let statistics = api.daemon_statistics(&["wazuh-analysisd"]).await.unwrap();
        assert_eq!(statistics[0].name.as_deref(), Some("wazuh-analysisd"), "{version}");
        assert!(!statistics[0].metrics.as_ref().unwrap().is_empty());
    }
}

#[tokio::test]
async fn logs_statistics_and_configuration_are_read() {
    let manager = manager().await;
    let api = client(&manager);
    let logs = api.logs().with("level", "error").all().await.unwrap();
    assert_eq!((logs.len(), logs[0].tag.as_deref()), (1, Some("wazuh-analysisd")));
    assert_eq!(api.log_summary().await.unwrap()["wazuh-analysisd"].error, Some(1));
    assert_eq!(api.statistics(None).await.unwrap()[0].total_alerts, Some(3));
    let never = api.statistics(Some("2020-01-01".parse().unwrap())).await.unwrap_err();
    assert_eq!(never.code(), Some(1308));
    assert_eq!(api.configuration(None, None).await.unwrap()["global"]["jsonout_output"], "yes");
    assert!(api.raw_configuration().await.unwrap().contains("<ossec_config>"));
    let update = api.update_check().await.unwrap();
    assert_eq!(update.last_available_patch.unwrap()["tag"], "v4.14.8");
}

#[tokio::test]
async fn the_inventory_of_a_host_is_read_whatever_the_types_are() {
    let manager = manager().await;
    let api = client(&manager);
    let host = id("001");
    let os = api.os(&host).await.unwrap();
    assert_eq!(os.os.unwrap().major.as_deref(), Some("22"));
    assert_eq!(os.scan.unwrap().time.unwrap().at(), Some("2026-05-01T09:00:00Z".parse().unwrap()));
    assert_eq!(api.hardware(&host).await.unwrap().cpu.unwrap().cores, Some(4));
    assert_eq!(api.ports(&host).all().await.unwrap()[0].pid, Some(900));
    assert_eq!(api.processes(&host).all().await.unwrap()[0].pid, Some(900));
    assert_eq!(api.addresses(&host).all().await.unwrap()[0].proto.as_deref(), Some("ipv4"));
    assert_eq!(api.interfaces(&host).all().await.unwrap()[0].mtu, Some(1500));
    assert_eq!(api.network_protocols(&host).all().await.unwrap()[0].gateway.as_deref(), Some("10.0.0.1"));
    assert_eq!(api.hotfixes(&host).all().await.unwrap()[0].hotfix.as_deref(), Some("KB5034441"));
    assert_eq!(api.users(&host).all().await.unwrap()[0]["user"]["name"], "root");
    manager.state().version = "4.12.0".into();
    let older = client(&manager).users(&host).all().await.unwrap_err();
    assert_eq!(older.kind(), Kind::WrongVersion);
}

#[tokio::test]
async fn policies_files_rootkits_and_techniques_are_read() {
    let manager = manager().await;
    let api = client(&manager);
    let host = id("001");
    assert_eq!(api.policies(&host).all().await.unwrap()[0].score, Some(66));
    let checks = api.checks(&host, "cis_ubuntu22-04").unwrap().all().await.unwrap();
    assert_eq!(checks[0].result.as_deref(), Some("failed"));
    assert!(api.checks(&host, "../001").is_err());
    assert_eq!(api.files(&host).all().await.unwrap()[0].size, Some(10));
    assert_eq!(api.last_file_scan(&host).await.unwrap().end, None);
    assert_eq!(api.rootcheck(&host).all().await.unwrap()[0].status.as_deref(), Some("outstanding"));
    assert!(api.last_rootcheck(&host).await.unwrap().end.is_some());
    assert_eq!(api.technique("T1059").await.unwrap().deprecated, Some(false));
    assert_eq!(api.technique("T9999").await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn parentheses_within_parentheses_are_asked_of_managers_that_understand_them() {
    let nested = || {
        let status = |text| Query::equals("status", text).unwrap();
        let name = |text| Query::equals("name", text).unwrap();
        status("active")
            .or(status("pending"))
            .and(name("web1"))
            .or(name("spare"))
            .and(Query::is_not("id", "000").unwrap())
    };
    let manager = manager().await;
    assert_eq!(client(&manager).agents().query(&nested()).unwrap().count().await.unwrap(), 2);
    let older = manager_of("4.5.2").await;
    let error = client(&older).agents().query(&nested()).unwrap().count().await.unwrap_err();
    assert!(error.kind() == Kind::WrongVersion && error.to_string().contains("4.5.3"), "{error}");
    assert_eq!(requests(&older, "/agents"), 0);
}

#[tokio::test]
async fn rows_that_are_alike_are_given_once_each_over_all_pages() {
    let manager = manager().await;
    let host = id("001");
    let rows = |row: &dyn Fn(usize) -> serde_json::Value| (0..1100).map(row).collect::<Vec<_>>();
    let key = r"HKEY_LOCAL_MACHINE\Software\Run";
    for (what, rows) in [
        (
            "syscheck",
            rows(
                &|n| json!({ "file": key, "type": "registry_value", "arch": "[x64]", "value": { "name": format!("v{n:04}") } }),
            ),
        ),
        (
            "ports",
            rows(&|n| {
                json!({ "protocol": "tcp", "local": { "ip": "10.0.0.5", "port": 443 }, "inode": 0, "pid": 4,
            "remote": { "ip": format!("192.0.2.{}", n % 250), "port": 1024 + n } })
            }),
        ),
        (
            "packages",
            rows(
                &|n| json!({ "name": "requests", "version": "2.0", "format": "pypi", "location": format!("/venv{n}") }),
            ),
        ),
    ] {
        manager.state().inventory.insert(("001".into(), what.into()), rows);
    }
    let api = client(&manager);
    let unique = |rows: Vec<String>| rows.into_iter().collect::<std::collections::BTreeSet<_>>().len();
    let values: Vec<_> = api.files(&host).all().await.unwrap().iter().map(|row| format!("{row:?}")).collect();
    let ports: Vec<_> = api.ports(&host).all().await.unwrap().iter().map(|row| format!("{row:?}")).collect();
    let packages: Vec<_> = api.packages(&host).all().await.unwrap().iter().map(|row| format!("{row:?}")).collect();
    assert_eq!([unique(values), unique(ports), unique(packages)], [1100; 3]);
}

#[tokio::test]
async fn a_version_is_read_with_a_v_before_it_and_a_revision_as_a_number() {
    let manager = manager().await;
    let body = json!({ "data": { "api_version": "v4.7.2", "revision": 40720, "hostname": "mgr" }, "error": 0 });
    for _ in 0..2 {
        // This goes before all else, and the login is the first.
        let login =
            Canned { path: "/security".into(), status: 200, body: "e30.e30.x".into(), kind: Some("text/plain".into()) };
        manager.state().canned.extend([login, Canned::new("/", 200, body.clone())]);
    }
    assert_eq!(client(&manager).version().await.unwrap().to_string(), "4.7.2");
    assert_eq!(client(&manager).info().await.unwrap().revision.as_deref(), Some("40720"));
}
