//! A core on a PostgreSQL server that goes away and comes back, and one with the wrong master key.

use std::time::Duration;

use store::Clock;
use store::testing::Cluster;

use super::*;

/// Runs something that waits on a thread of its own.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_says_that_its_database_is_away_and_goes_on_when_it_is_back() {
    let cluster = apart(|| Cluster::start(false));
    let stage = Stage::on(Some(cluster.database()), "").await;
    let ready = || async {
        let answer = stage.http.get(format!("{}/readyz", stage.base)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ready().await.0, 200);
    apart(|| cluster.stop());
    let (status, said) = ready().await;
    assert_eq!(status, 503);
    assert!(said.contains("cannot reach its database"), "{said}");
    apart(|| cluster.run());
    let mut tries = 0;
    while ready().await.0 != 200 {
        tries += 1;
        assert!(tries < 50, "it does not go on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.stop().await;
    apart(|| drop(cluster));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_core_needs_the_master_key_of_the_first() {
    let own = store::testing::cluster().database();
    let url = own.url();
    let first = Stage::on(Some(own), "").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("core.toml");
    let text = format!(
        "data = {:?}\n[people]\nlisten = '127.0.0.1:0'\n[nodes]\nlisten = '127.0.0.1:0'\n[metrics]\nlisten = 'off'\n\
         [database]\nurl = '{url}'\n",
        folder.path().join("data")
    );
    std::fs::write(&path, text).unwrap();
    let config = || Config::load(&Layers::read(Some(&path), |_| None, &Default::default())).unwrap();
    let said = |error: anyhow::Error| format!("{error:#}");
    let missing = start(config(), Clock::system()).await.err().map(said).unwrap();
    assert!(missing.contains("need the same master key") && missing.contains("is missing"), "{missing}");
    // A key of another core's is no use either.
    let key = folder.path().join("data/master.key");
    std::fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let wrong = start(config(), Clock::system()).await.err().map(said).unwrap();
    assert!(wrong.contains("need the same master key") && wrong.contains("does not open"), "{wrong}");
    // With the right one it runs beside the first.
    std::fs::copy(first.running.as_ref().unwrap().core.config.data.join("master.key"), &key).unwrap();
    let second = start(config(), Clock::system()).await.unwrap();
    assert!(second.node_addresses != first.running.as_ref().unwrap().node_addresses);
    second.stop().await;
    first.stop().await;
}

#[test]
fn a_password_is_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("core.toml");
    std::fs::write(&path, "[database]\nurl = 'postgres://socme:hush@127.0.0.1:1/socme'\n").unwrap();
    let layers = Layers::read(Some(&path), |_| None, &Default::default());
    let config = Config::load(&layers).unwrap();
    assert!(!format!("{config:?} {:?}", crate::run::place(&config).unwrap()).contains("hush"));
    let report = crate::check::check(&layers);
    let said = format!("{report:?}");
    assert!(said.contains("socme at 127.0.0.1:1") && said.contains("cannot be reached"), "{said}");
    assert!(!said.contains("hush"));
    std::fs::write(&path, "[database]\nurl = 'postgres//socme:hush@127.0.0.1'\n").unwrap();
    let faults = Config::load(&Layers::read(Some(&path), |_| None, &Default::default())).unwrap_err();
    assert!(!format!("{faults:?}").contains("hush"));
}
