//! How the command reaches a server, and what it says where that fails.

use wazuh_imitation::api::{Imitation, Options};

use super::{ask, of, program, told};
use crate::manager::manager;

#[tokio::test]
async fn the_error_about_a_certificate_prints_the_pin_that_then_works() {
    let manager = manager().await;
    let mut command = of(&manager, &["info"]);
    let refused = told(std::mem::replace(command.env_remove("WAZUH_PIN"), program())).await;
    assert_eq!((refused.code, refused.out.as_str()), (4, ""), "{}", refused.err);
    let pin = refused.err.trim().rsplit(' ').next().unwrap();
    let mut command = of(&manager, &["info", "--pin", pin]);
    command.env_remove("WAZUH_PIN");
    let fine = told(command).await;
    assert!(fine.code == 0 && fine.out.contains("4.14.7"), "{fine:?}");
}

#[tokio::test]
async fn an_authority_in_a_file_is_trusted_and_no_check_at_all_is_loud() {
    let manager = manager().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &manager.certificate).unwrap();
    let mut command = of(&manager, &["info", "--ca", file.to_str().unwrap()]);
    command.env_remove("WAZUH_PIN");
    let fine = told(command).await;
    assert_eq!((fine.code, fine.err.as_str()), (0, ""), "{fine:?}");
    let mut command = of(&manager, &["info", "--insecure"]);
    command.env_remove("WAZUH_PIN");
    let fine = told(command).await;
    assert!(fine.code == 0 && fine.err.contains("NOT checked"), "{fine:?}");
}

#[tokio::test]
async fn what_is_wrong_has_a_sentence_and_an_exit_code_of_its_own() {
    let manager = manager().await;
    let wrong = told({
        let mut command = of(&manager, &["info"]);
        command.env("WAZUH_PASSWORD", "hunter2");
        command
    });
    let wrong = wrong.await;
    assert!(wrong.code == 5 && wrong.err.contains("wrong name or password for wazuh"), "{wrong:?}");
    assert!(!wrong.err.contains("hunter2"), "{wrong:?}");
    manager.state().version = "5.0.0".into();
    let five = ask(&manager, &["info"]).await;
    assert!(five.code == 1 && five.err.contains("Wazuh 5.0.0"), "{five:?}");
    manager.state().version = "4.14.7".into();
    manager.state().stopped.push("wazuh-analysisd".into());
    let down = ask(&manager, &["logtest", "a line"]).await;
    assert_eq!(down.code, 3, "{down:?}");
    let nobody = told({
        let mut command = of(&manager, &["info", "--url", "https://127.0.0.1:1"]);
        command.env_remove("WAZUH_PIN");
        command
    });
    let nobody = nobody.await;
    assert!(nobody.code == 3 && nobody.err.contains("nothing listens there"), "{nobody:?}");
}

#[tokio::test]
async fn a_password_comes_from_a_file_or_the_environment_and_from_nowhere_else() {
    let manager = Imitation::start(Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let with_file = async |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = of(&manager, &["info", "--password-file", file.to_str().unwrap()]);
        command.env_remove("WAZUH_PASSWORD");
        told(command).await
    };
    assert_eq!(with_file("wazuh-wui\n").await.code, 0);
    let two = with_file("one\ntwo\n").await;
    assert!(two.code == 2 && two.err.contains("one line"), "{two:?}");
    assert_eq!(with_file("\n").await.code, 2);
    let mut command = of(&manager, &["info"]);
    command.env_remove("WAZUH_PASSWORD");
    let none = told(command).await;
    assert!(none.code == 2 && none.err.contains("--password-file") && none.err.contains("WAZUH_PASSWORD"), "{none:?}");
    let argument = ask(&manager, &["info", "--password", "wazuh-wui"]).await;
    assert_eq!(argument.code, 2, "there is no such option");
    let address = ask(&manager, &["info", "--url", "https://wazuh:wazuh-wui@localhost:1"]).await;
    assert!(address.code == 2 && !address.err.contains("wazuh-wui"), "{address:?}");
}

#[tokio::test]
async fn every_command_helps() {
    for command in
        [&["info"][..], &["agents"], &["rules", "pull"], &["logtest"], &["alerts", "follow"], &["alerts", "search"]]
    {
        let mut help = program();
        help.args(command).arg("--help").env("WAZUH_PASSWORD", "hunter2").env("WAZUH_INDEXER_PASSWORD", "hunter2");
        help.env("WAZUH_URL", "https://u:hunter2@a").env("WAZUH_INDEXER_URL", "https://u:hunter2@a");
        let help = told(help).await;
        assert!(help.code == 0 && help.out.contains("Usage: wazuh"), "{command:?}: {help:?}");
        assert!(!help.out.contains("hunter2"), "{command:?}");
    }
    let mut help = program();
    help.arg("--help");
    let help = told(help).await.out;
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
}
