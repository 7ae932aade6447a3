//! Which paths there are in which version, and which parameters and bodies they take. All else is refused, as the server does.

use std::sync::LazyLock;

use serde_json::Value;

use super::answer::Canned;
use super::state::{Asked, State};

/// `METHOD path@since | parameters | keys of the body`. A parameter that ends in `!` must be there, `@4.6` is the version
/// that brought it, `<4.14` the one that took it away. Words in capitals stand for several parameters.
const TABLE: &str = "
GET /
GET /security/user/authenticate | raw
POST /security/user/authenticate@4.4 | raw
DELETE /security/user/authenticate
GET /manager/status | WAIT
GET /manager/info | WAIT
GET /manager/logs | WAIT PAGE q select@4.6 distinct@4.6 level tag
GET /manager/logs/summary | WAIT
GET /manager/stats | WAIT date
GET /manager/stats/analysisd | WAIT
GET /manager/stats/remoted | WAIT
GET /manager/daemons/stats@4.4 | WAIT daemons_list
GET /manager/configuration | WAIT section field raw distinct@4.6
GET /manager/configuration/validation | WAIT
PUT /manager/restart | pretty wait_for_complete<4.14
PUT /manager/analysisd/reload@4.13 | WAIT
GET /manager/version/check@4.8 | pretty force_query
GET /cluster/status | WAIT
GET /cluster/nodes | WAIT PAGE q select distinct@4.6 nodes_list type
GET /cluster/configuration/validation | WAIT nodes_list
PUT /cluster/restart | pretty wait_for_complete<4.14 nodes_list
PUT /cluster/analysisd/reload@4.13 | WAIT nodes_list
GET /cluster/{}/status | WAIT
GET /agents | WAIT PAGE AGENTS q select distinct@4.6 agents_list status older_than group_config_status@4.4
POST /agents | WAIT | name ip
DELETE /agents | WAIT AGENTS q agents_list! status! older_than purge
GET /agents/no_group | WAIT PAGE q select
GET /agents/outdated | WAIT PAGE q select@4.9
GET /agents/summary@4.13 | WAIT agents_list
GET /agents/summary/status | WAIT
GET /overview/agents | WAIT
GET /agents/{}/key | WAIT
PUT /agents/restart | WAIT agents_list
PUT /agents/reconnect | WAIT agents_list
PUT /agents/group/{}/restart | WAIT
PUT /agents/upgrade | WAIT AGENTS q agents_list! upgrade_version use_http force wpk_repo package_type@4.9
GET /agents/upgrade_result | WAIT AGENTS q agents_list
GET /tasks/status | WAIT PAGE q select agents_list command module node status tasks_list
PUT /agents/group | WAIT agents_list group_id! force_single_group
DELETE /agents/group | WAIT agents_list! group_id!
PUT /agents/{}/group/{} | WAIT force_single_group
PUT /active-response | WAIT agents_list | command arguments alert custom<4.8
GET /groups | WAIT PAGE q@4.6 select@4.6 distinct@4.6 groups_list hash
POST /groups | WAIT | group_id
DELETE /groups | WAIT groups_list!
GET /groups/{}/agents | WAIT PAGE q select distinct@4.6 status
GET /groups/{}/files | WAIT PAGE q@4.6 select@4.6 distinct@4.6 hash
GET /groups/{}/files/{}@4.9 | WAIT raw type
GET /groups/{}/files/{}/xml<4.9 | WAIT type
PUT /groups/{}/configuration | WAIT
GET /syscollector/{}/os | WAIT select
GET /syscollector/{}/hardware | WAIT select
GET /syscollector/{}/packages | WAIT PAGE q select distinct@4.6 name vendor version architecture format
GET /syscollector/{}/ports | WAIT PAGE q select distinct@4.6 pid protocol local.ip local.port remote.ip state process tx_queue
GET /syscollector/{}/processes | WAIT PAGE q select distinct@4.6 pid name ppid state euser ruser suser egroup rgroup sgroup fgroup priority nlwp pgrp
GET /syscollector/{}/netaddr | WAIT PAGE q select distinct@4.6 iface proto address netmask broadcast
GET /syscollector/{}/netiface | WAIT PAGE q select distinct@4.6 name adapter type state mtu
GET /syscollector/{}/netproto | WAIT PAGE q select distinct@4.6 iface type gateway dhcp
GET /syscollector/{}/hotfixes | WAIT PAGE q select distinct@4.6 hotfix
GET /syscollector/{}/users@4.14 | WAIT PAGE q select distinct
GET /syscollector/{}/groups@4.14 | WAIT PAGE q select distinct
GET /syscollector/{}/services@4.14 | WAIT PAGE q select distinct
GET /syscollector/{}/browser_extensions@4.14 | WAIT PAGE q select distinct
GET /sca/{} | WAIT PAGE q name description references select@4.4 distinct@4.4
GET /sca/{}/checks/{} | WAIT PAGE q select@4.4 distinct@4.4 result title description rationale remediation command reason file process directory registry references condition status<4.4
GET /syscheck/{} | WAIT PAGE q select distinct file arch value.name value.type type summary md5 sha1 sha256 hash
GET /syscheck/{}/last_scan | WAIT
PUT /syscheck | WAIT agents_list
GET /rootcheck/{} | WAIT PAGE q select distinct status pci_dss cis
GET /rootcheck/{}/last_scan | WAIT
PUT /rootcheck | WAIT agents_list
GET /mitre/techniques | WAIT PAGE q select distinct@4.6 technique_ids
GET /mitre/tactics | WAIT PAGE q select distinct@4.6 tactic_ids
GET /mitre/groups | WAIT PAGE q select distinct@4.6 group_ids
GET /mitre/software | WAIT PAGE q select distinct@4.6 software_ids
GET /mitre/mitigations | WAIT PAGE q select distinct@4.6 mitigation_ids
GET /mitre/references | WAIT PAGE q select reference_ids
GET /rules | WAIT PAGE q select distinct@4.6 rule_ids status group level filename relative_dirname pci_dss gdpr gpg13 hipaa nist-800-53 tsc mitre
GET /rules/files | WAIT PAGE q@4.6 select@4.6 distinct@4.6 status filename relative_dirname
GET /decoders | WAIT PAGE q select distinct@4.6 decoder_names status filename relative_dirname
GET /decoders/files | WAIT PAGE q@4.6 select@4.6 distinct@4.6 status filename relative_dirname
GET /lists | WAIT PAGE q@4.6 select distinct@4.6 filename relative_dirname
GET /lists/files | WAIT PAGE filename relative_dirname
GET /rules/files/{} | WAIT raw relative_dirname@4.6
PUT /rules/files/{} | WAIT overwrite relative_dirname@4.6
DELETE /rules/files/{} | WAIT relative_dirname@4.6
GET /decoders/files/{} | WAIT raw relative_dirname@4.6
PUT /decoders/files/{} | WAIT overwrite relative_dirname@4.6
DELETE /decoders/files/{} | WAIT relative_dirname@4.6
GET /lists/files/{} | WAIT raw
PUT /lists/files/{} | WAIT overwrite
DELETE /lists/files/{} | WAIT
PUT /logtest | WAIT | event log_format location token
DELETE /logtest/sessions/{} | WAIT
POST /events@4.6 | WAIT | events
";

const WORDS: [(&str, &str); 3] = [
    ("WAIT", "pretty wait_for_complete"),
    ("PAGE", "offset limit sort search"),
    ("AGENTS", "group ip manager name node_name os.name os.platform os.version registerIP version"),
];

static ROUTES: LazyLock<Vec<Route>> =
    LazyLock::new(|| TABLE.lines().filter(|line| !line.is_empty()).map(Route::read).collect());

/// A name, and the versions that know it.
#[derive(Debug)]
struct Known {
    name: &'static str,
    needed: bool,
    since: (u32, u32),
    until: (u32, u32),
}

#[derive(Debug)]
struct Route {
    method: &'static str,
    path: Known,
    parameters: Vec<Known>,
    keys: Vec<Known>,
}

impl Known {
    fn read(text: &'static str) -> Self {
        let number = |text: &str| {
            let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
            (major.parse().unwrap_or_default(), minor.parse().unwrap_or_default())
        };
        let (text, until) = text.split_once('<').map_or((text, (u32::MAX, 0)), |(text, until)| (text, number(until)));
        let (text, since) = text.split_once('@').map_or((text, (0, 0)), |(text, since)| (text, number(since)));
        let name = text.trim_end_matches('!');
        Self { name, needed: name.len() < text.len(), since, until }
    }

    fn many(text: &'static str) -> Vec<Self> {
        let one = |word: &'static str| {
            let several = WORDS.iter().find(|(short, _)| *short == word);
            several.map_or(word, |(_, all)| *all).split(' ').map(Self::read).collect::<Vec<_>>()
        };
        text.split_whitespace().flat_map(one).collect()
    }

    fn is_in(&self, state: &State) -> bool {
        !state.before(self.since.0, self.since.1) && state.before(self.until.0, self.until.1)
    }
}

impl Route {
    fn read(line: &'static str) -> Self {
        let mut parts = line.split('|').map(str::trim);
        let (method, path) = parts.next().unwrap_or_default().split_once(' ').unwrap_or_default();
        let mut list = || Known::many(parts.next().unwrap_or_default());
        Self { method, path: Known::read(path), parameters: list(), keys: list() }
    }

    fn fits(&self, path: &str) -> bool {
        let (mut own, mut asked) = (self.path.name.split('/'), path.split('/'));
        loop {
            match (own.next(), asked.next()) {
                (None, None) => return true,
                (Some("{}"), Some(part)) if !part.is_empty() => {}
                (Some(own), Some(part)) if own == part => {}
                _ => return false,
            }
        }
    }
}

/// Why a request is refused before anybody looks at what it is about: no such path, no such method there, a parameter or a
/// key of the body that this version does not know, one that is missing, or one whose value is of another kind.
pub(super) fn refusal(state: &State, asked: &Asked) -> Option<Canned> {
    let bad = |detail: String| Some(Canned::problem(400, "Bad Request", &detail, None));
    let here = || ROUTES.iter().filter(|route| route.path.is_in(state) && route.fits(&asked.path));
    // A path that is written out goes before one with a name in it.
    let route = here().filter(|route| route.method == asked.method).min_by_key(|route| route.path.name.contains('{'));
    let Some(route) = route else {
        let (status, title) = if here().next().is_some() { (405, "Method Not Allowed") } else { (404, "Not Found") };
        return Some(Canned::problem(status, title, &format!("{status}: {title}"), None));
    };
    let known = || route.parameters.iter().filter(|parameter| parameter.is_in(state));
    if let Some(name) = asked.query.keys().find(|name| !known().any(|known| known.name == name.as_str())) {
        return bad(format!("Extra query parameter(s) {name} not in spec"));
    }
    if let Some(missing) = known().find(|known| known.needed && !asked.query.contains_key(known.name)) {
        return bad(format!("Missing query parameter '{}'", missing.name));
    }
    if let Some((name, value)) = asked.query.iter().find(|(name, value)| !is_fine(asked, name, value)) {
        return bad(format!("Wrong value for '{name}': '{value}'"));
    }
    if asked.path.strip_prefix("/agents/").is_some_and(|rest| rest.ends_with("/key") && !is_id(&rest[..rest.len() - 4]))
    {
        return bad("Wrong type, expected a number of an agent".to_owned());
    }
    if !route.keys.is_empty() {
        if asked.kind != "application/json" {
            return Some(Canned::problem(415, "Unsupported Media Type", "Invalid Content-type", None));
        }
        let Value::Object(body) = asked.json() else { return bad("None is not of type 'object'".to_owned()) };
        let known = |name: &str| route.keys.iter().any(|key| key.name == name && key.is_in(state));
        if let Some(name) = body.keys().find(|name| !known(name)) {
            return bad(format!("Invalid field found {{'{name}'}}"));
        }
    }
    None
}

fn is_id(text: &str) -> bool {
    text.len() >= 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// True for a value of the kind that the parameter has.
fn is_fine(asked: &Asked, name: &str, value: &str) -> bool {
    const STATES: [&str; 4] = ["active", "pending", "never_connected", "disconnected"];
    let (method, path) = (asked.method.as_str(), asked.path.as_str());
    let number = || value.parse::<u32>().ok();
    match name {
        "offset" => number().is_some(),
        "limit" if path == "/manager/logs" => number().is_some_and(|limit| (1..=500).contains(&limit)),
        "limit" => number().is_some_and(|limit| (1..=100_000).contains(&limit)),
        // Where leaving it out would mean nothing, all are said.
        "agents_list" if value == "all" => {
            matches!((method, path), ("DELETE", "/agents" | "/agents/group") | ("PUT", "/agents/upgrade"))
        }
        "agents_list" => value.split(',').all(is_id),
        "status" if path == "/agents" && value == "all" => method == "DELETE",
        "status" if path == "/agents" => value.split(',').all(|state| STATES.contains(&state)),
        "status" if path.starts_with("/rules") || path.starts_with("/decoders") => {
            matches!(value, "enabled" | "disabled" | "all")
        }
        "level" if path == "/manager/logs" => {
            matches!(value, "critical" | "debug" | "debug2" | "error" | "info" | "warning")
        }
        "daemons_list" => value.split(',').all(|name| matches!(name, "wazuh-analysisd" | "wazuh-remoted" | "wazuh-db")),
        "package_type" => matches!(value, "rpm" | "deb"),
        "upgrade_version" => {
            value.trim_start_matches('v').split('.').filter(|part| part.parse::<u32>().is_ok()).count() == 3
        }
        "raw" | "overwrite" | "purge" | "force" | "use_http" | "force_single_group" | "distinct"
        | "wait_for_complete" | "pretty" => matches!(value, "true" | "false"),
        "search" => !value.contains([';', '|', '&', '^', '*', '>']),
        "older_than" => {
            let digits = value.trim_end_matches(['d', 'h', 'm', 's']);
            value.len() - digits.len() <= 1 && digits.parse::<u64>().is_ok()
        }
        "relative_dirname" => value.starts_with("etc/") || value.starts_with("ruleset/"),
        _ => true,
    }
}
