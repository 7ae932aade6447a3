//! What the imitation knows, and which part of it answers.

use std::collections::{BTreeMap, VecDeque};

use axum::http::request::Parts;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Clock;
use super::answer::Canned;

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`, `PUT`…
    pub method: String,
    /// The path.
    pub path: String,
    /// The parameters.
    pub query: BTreeMap<String, String>,
    /// The content type.
    pub kind: String,
    /// The body.
    pub body: Bytes,
    pub(super) authorization: String,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) end: i64,
    pub(super) settings: u32,
}

/// What the imitation knows. Change it while it runs.
#[derive(Debug)]
pub struct State {
    /// Its clock.
    pub clock: Clock,
    /// `4.3.11`, `4.8.2`, `4.12.0`, `4.14.7`, `5.0.0`: the shapes of the answers follow.
    pub version: String,
    /// Who may log in.
    pub user: String,
    /// With what.
    pub password: String,
    /// How long a token lasts, in seconds.
    pub life: i64,
    /// `max_request_per_minute`; 0 for no limit.
    pub per_minute: u32,
    /// How many logins there were.
    pub logins: u32,
    /// What the user may not do, by the begin of the path. Whoever asks for all of something then gets an empty list.
    pub denied: Vec<String>,
    /// Agents that the user may not see: left out of lists, and refused by name.
    pub unseen: Vec<String>,
    /// True if work takes longer than the server waits.
    pub slow: bool,
    /// Answers that are given once, before anything else, to the first request that they fit.
    pub canned: VecDeque<Canned>,
    /// The agents, as `GET /agents` has them.
    pub agents: Vec<Value>,
    /// Agents on which active response is switched off.
    pub without_response: Vec<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// What each agent has, by `packages`, `ports`, `os`…
    pub inventory: BTreeMap<(String, String), Vec<Value>>,
    /// The files of rules, decoders and lists, by `rules/etc/rules/own.xml`.
    pub files: BTreeMap<String, String>,
    /// The files that are in force.
    pub loaded: BTreeMap<String, String>,
    /// Responses that `ar.conf` has.
    pub responses: Vec<String>,
    /// True if the configuration is broken.
    pub broken: bool,
    /// What a reload of the ruleset has to say although it succeeds.
    pub warnings: Vec<String>,
    /// True if `GET /manager/status` answers while daemons are not ready, as the contract has it: it is exempt. False if whether
    /// a token still counts cannot be asked then, so that nothing answers.
    pub status_answers: bool,
    /// True if it is a cluster.
    pub cluster: bool,
    /// The daemons that do not run.
    pub stopped: Vec<String>,
    /// Sessions of logtest.
    pub sessions: Vec<String>,
    /// Upgrades: agent and status.
    pub upgrades: Vec<(String, String)>,
    /// True if an agent that is restarted comes back when it was disconnected, for stories about the rest of the way. A
    /// manager refuses such a one (1707), and so does this, usually.
    pub restart_revives: bool,
    /// Every request that was answered.
    pub log: Vec<Asked>,
    pub(super) tokens: Vec<Token>,
    pub(super) settings: u32,
    pub(super) failures: Option<(i64, u32)>,
    pub(super) window: Option<(i64, u32)>,
    pub(super) event_window: Option<(i64, u32)>,
    /// When a restart was asked for, in milliseconds.
    pub(super) restarted: Option<i64>,
}

impl Asked {
    pub(super) fn read(parts: &Parts, body: Bytes) -> Self {
        let header =
            |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        // A semicolon that is not escaped separates parameters, as `&` does.
        let pairs = parts.uri.query().unwrap_or_default().replace(';', "&");
        let uri = format!("/?{pairs}").parse::<axum::http::Uri>().unwrap_or_default();
        let query = axum::extract::Query::<BTreeMap<String, String>>::try_from_uri(&uri);
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: query.map(|query| query.0).unwrap_or_default(),
            kind: header("content-type"),
            body,
            authorization: header("authorization"),
        }
    }

    /// A parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        self.get(name).map(|text| text.split(',').map(str::to_owned).collect())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl State {
    pub(super) fn new(clock: Clock) -> Self {
        let now = clock.text();
        let agent = |id: &str, name: &str, platform: &str| {
            json!({
                "id": id, "name": name, "ip": "10.0.0.5", "registerIP": "any", "status": "active", "status_code": 0,
                "version": "Wazuh v4.14.7", "manager": "mgr", "node_name": "node01", "group": ["default"],
                "dateAdd": "2026-04-01T10:00:00+00:00", "lastKeepAlive": now, "group_config_status": "synced",
                "os": { "name": platform, "platform": platform, "version": "1.0", "arch": "x86_64" },
            })
        };
        let mut manager = agent("000", "mgr", "ubuntu");
        manager["lastKeepAlive"] = "9999-12-31T23:59:59+00:00".into();
        let never = json!({
            "id": "003", "name": "spare", "registerIP": "any", "status": "never_connected", "node_name": "unknown",
            "dateAdd": "2026-04-01T10:00:00+00:00", "group": ["default"],
        });
        let agents = vec![
            manager,
            agent("001", "web1", "ubuntu"),
            agent("002", "dc1", "windows"),
            never,
            agent("1000", "mail", "debian"),
        ];
        let own = "<group name=\"local,\">\n  <rule id=\"100001\" level=\"5\"><description>own</description></rule>\n</group>\n";
        let files: BTreeMap<String, String> = [
            ("rules/etc/rules/local_rules.xml", own),
            ("rules/ruleset/rules/0095-sshd_rules.xml", "<group name=\"sshd,\"></group>\n"),
            ("decoders/etc/decoders/local_decoder.xml", "<decoder name=\"own\"></decoder>\n"),
            ("lists/etc/lists/bad-ips", "192.0.2.7:scanner\n"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        Self {
            clock,
            version: "4.14.7".into(),
            user: "wazuh".into(),
            password: "wazuh-wui".into(),
            life: 900,
            per_minute: 300,
            logins: 0,
            denied: Vec::new(),
            unseen: Vec::new(),
            slow: false,
            canned: VecDeque::new(),
            agents,
            without_response: Vec::new(),
            groups: vec!["default".into(), "web".into()],
            inventory: super::inventory::example(),
            loaded: files.clone(),
            files,
            responses: vec!["firewall-drop600".into()],
            broken: false,
            warnings: Vec::new(),
            status_answers: false,
            cluster: false,
            stopped: Vec::new(),
            sessions: Vec::new(),
            upgrades: Vec::new(),
            restart_revives: false,
            log: Vec::new(),
            tokens: Vec::new(),
            settings: 0,
            failures: None,
            window: None,
            event_window: None,
            restarted: None,
        }
    }

    /// True if the version is before this one.
    pub(super) fn before(&self, major: u32, minor: u32) -> bool {
        let (own_major, own_minor, _) = self.numbers();
        (own_major, own_minor) < (major, minor)
    }

    /// The three numbers of the version.
    pub(super) fn numbers(&self) -> (u32, u32, u32) {
        let mut parts = self.version.split('.').map(|part| part.parse().unwrap_or(0_u32));
        let mut next = || parts.next().unwrap_or(0);
        (next(), next(), next())
    }

    /// True but for the time from 1 s to 10 s after a restart was asked for.
    pub(super) fn is_up(&self) -> bool {
        self.restarted.is_none_or(|at| !(1000..10_000).contains(&(self.clock.now_ms() - at)))
    }

    /// Begins a restart: the API goes away after a second, is back after ten, and its daemons after twenty.
    pub fn restart(&mut self) {
        self.restarted = Some(self.clock.now_ms());
        self.loaded = self.files.clone();
    }

    pub(super) fn is_starting(&self) -> bool {
        self.restarted.is_some_and(|at| (10_000..20_000).contains(&(self.clock.now_ms() - at)))
    }

    pub(super) fn answer(&mut self, asked: &Asked) -> Canned {
        self.log.push(asked.clone());
        if let Some(refused) = self.limit(asked) {
            return refused;
        }
        if let Some(place) = self.canned.iter().position(|canned| asked.path.starts_with(&canned.path)) {
            return self.canned.remove(place).unwrap_or_else(|| Canned::message(""));
        }
        if asked.body.len() > 10_485_760 {
            return Canned::problem(413, "Content size exceeded.", "Content size exceeded", None);
        }
        let login = asked.path == "/security/user/authenticate";
        if login && asked.method != "DELETE" {
            return self.login(asked);
        }
        if let Some(refused) = self.unauthorised(asked) {
            return refused;
        }
        if login {
            return self.log_out();
        }
        let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        if !self.before(5, 0) && GONE.contains(&parts[0]) {
            return Canned::problem(404, "Not Found", "404: Not Found", None);
        }
        if let Some(refused) = super::routes::refusal(self, asked) {
            return refused;
        }
        if let Some(denied) = self.denial(asked) {
            return denied;
        }
        if self.slow && !asked.is_true("wait_for_complete") && asked.path != "/" {
            return Canned::problem(500, "Wazuh Internal Error", "Timeout executing API request", Some(3021));
        }
        let answer = match parts[0] {
            "" | "manager" | "cluster" => self.of_manager(asked, &parts),
            "agents" | "overview" | "groups" | "tasks" | "active-response" => self.of_agents(asked, &parts),
            "syscollector" | "sca" | "syscheck" | "rootcheck" | "mitre" => self.of_inventory(asked, &parts),
            "rules" | "decoders" | "lists" | "logtest" | "events" => self.of_ruleset(asked, &parts),
            _ => None,
        };
        answer.unwrap_or_else(|| Canned::problem(404, "Not Found", "404: Not Found", None))
    }
}

/// What Wazuh 5 has no more.
const GONE: [&str; 12] = [
    "manager",
    "rules",
    "decoders",
    "lists",
    "logtest",
    "active-response",
    "events",
    "syscollector",
    "sca",
    "syscheck",
    "rootcheck",
    "tasks",
];
