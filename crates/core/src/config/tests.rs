//! Settings: which layer wins, and that whatever is wrong is said with its place and its mend.

use std::collections::BTreeMap;

use super::*;

fn load(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("core.toml");
    std::fs::write(&path, file).unwrap();
    let environment: BTreeMap<&str, &str> = environment.iter().copied().collect();
    let flags = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    let layers = Layers::read(Some(&path), |name| environment.get(name).map(|v| (*v).to_owned()), &flags);
    let prefix = format!("{}/", folder.path().display());
    Config::load(&layers).map_err(|faults| faults.iter().map(|f| f.to_string().replace(&prefix, "")).collect())
}

#[test]
fn nothing_needs_to_be_set() {
    let config = load("", &[], &[]).unwrap();
    assert_eq!(config.people_listen.to_string(), "127.0.0.1:7440");
    assert_eq!(config.nodes_silence_alarms.len(), 3);
    assert!(config.data.ends_with("socme"));
    assert_eq!(config.retention_max_age, Bound::At(Duration::from_secs(365 * 86_400)));
    assert_eq!(config.people_url(config.people_listen), "http://localhost:7440");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "data = '/a'\n[people]\nlisten = '127.0.0.1:1'\n[nodes]\nlisten = '127.0.0.1:2'\n";
    let environment = [("SOCME_PEOPLE_LISTEN", "127.0.0.1:3"), ("SOCME_NODES_LISTEN", "127.0.0.1:4")];
    let config = load(file, &environment, &[("nodes.listen", "127.0.0.1:5")]).unwrap();
    assert_eq!(config.data, PathBuf::from("/a"));
    assert_eq!(config.people_listen.port(), 3);
    assert_eq!(config.nodes_listen.port(), 5);
}

#[test]
fn lists_sizes_and_durations_are_read_from_the_file_and_from_text() {
    let file =
        "node_addresses = ['core.example:7443', '[2001:db8::1]:7443']\n[retention]\nmax_bytes = '80 GB'\nmax_age='off'";
    let environment = [("SOCME_NODES_SILENCE_ALARMS", "5m, 2h"), ("SOCME_TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1")];
    let config = load(file, &environment, &[]).unwrap();
    assert_eq!(config.node_addresses.len(), 2);
    assert_eq!(config.retention_max_bytes, Bound::At(80_000_000_000));
    assert_eq!(config.retention_max_age, Bound::Off);
    assert_eq!(config.nodes_silence_alarms, [Duration::from_secs(300), Duration::from_secs(7200)]);
    assert_eq!(config.trusted_proxies.len(), 2);
}

#[test]
fn each_fault_has_its_place_and_its_mend_and_all_are_told_at_once() {
    let file = "# SOCme\npublic_url = 'soc.example'\n\n[people]\nlisen = '127.0.0.1:1'\nlisten = 7440\nplain_http_anywhere = 'no'\n\n[nodes]\nheartbeat = '10'\n\n[cluster]\nsize = 3\n";
    let faults = load(file, &[("SOCME_LOG_FORMAT", "xml")], &[("nodes.batches_per_second", "0")]).unwrap_err();
    assert_eq!(
        faults,
        [
            "core.toml:12: cluster: There is no such key. See core.example.toml for all keys.",
            "core.toml:5: people.lisen: There is no such key. Did you mean «people.listen»?",
            "core.toml:2: public_url: «soc.example» is not such an address. Write for instance \"https://soc.example.org\".",
            "environment, SOCME_LOG_FORMAT: log_format: «xml» is no format. Write \"text\" or \"json\".",
            "core.toml:6: people.listen: Write it in quotation marks.",
            "core.toml:7: people.plain_http_anywhere: Write true or false, without quotation marks.",
            "core.toml:10: nodes.heartbeat: Write a number with its unit, such as \"30s\", \"10m\", \"12h\" or \"7d\".",
            "flag --nodes-batches-per-second: nodes.batches_per_second: Write a whole number above 0.",
        ]
    );
}

#[test]
fn what_is_not_toml_is_said_with_its_line() {
    let faults = load("data = '/a'\n[people\n", &[], &[]).unwrap_err();
    assert!(faults[0].starts_with("core.toml:2: This is not TOML: "), "{faults:?}");
}

#[test]
fn plain_http_stays_on_this_machine_unless_told() {
    let faults = load("[people]\nlisten = '0.0.0.0:7440'\n", &[], &[]).unwrap_err();
    assert!(faults[0].starts_with("core.toml:2: people.listen: Plain HTTP would be reachable"), "{faults:?}");
    assert!(load("[people]\nlisten = '0.0.0.0:7440'\nplain_http_anywhere = true\n", &[], &[]).is_ok());
    let tls = "[people]\nlisten = '0.0.0.0:7440'\ntls_certificate = 'c'\ntls_key = 'k'\n";
    assert!(load(tls, &[], &[]).unwrap().secure_cookies());
    let half = load("[people]\ntls_key = 'k'\n", &[], &[]).unwrap_err();
    assert_eq!(half, ["core.toml:2: people.tls_key: It needs people.tls_certificate as well."]);
}

#[test]
fn settings_must_fit_together() {
    let file = "[nodes]\nheartbeat = '40s'\nsilence_alarms = ['1h', '10m']\nlisten = '0.0.0.0:7441'\n[people]\nsession_idle = '30d'\n";
    let faults = load(file, &[], &[]).unwrap_err();
    let keys: Vec<&str> = faults.iter().map(|f| f.split(": ").nth(1).unwrap()).collect();
    assert_eq!(keys, ["nodes.late_after", "nodes.silence_alarms", "people.session_idle", "metrics.listen"]);
}

#[test]
fn the_example_says_what_holds_without_it() {
    let example = example();
    let all: String = example
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned() + "\n")
        .collect();
    let (given, nobody) = (load(&all, &[], &[]).unwrap(), load("", &[], &[]).unwrap());
    assert_eq!(format!("{given:?}"), format!("{nobody:?}"));
    for key in KEYS {
        let name = key.path.rsplit('.').next().unwrap();
        assert!(all.contains(&format!("\n{name} = ")), "{} is missing", key.path);
    }
}

#[test]
fn the_example_file_is_not_stale() {
    crate::testing::is_fresh("docs/core.example.toml", &example());
}
