//! A core: process, data folder, and a signed-in administrator.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::link::Link;
use super::{Process, free_address, socme, wait_for};

/// A core that runs, can be killed and started again on the same data and the same ports.
pub struct Core {
    pub data: PathBuf,
    pub people: SocketAddr,
    pub nodes: SocketAddr,
    config: PathBuf,
    process: Option<Process>,
    cookie: String,
}

const START: Duration = Duration::from_secs(30);

impl Core {
    /// Starts a core in `folder`; `more` is added to its file.
    pub fn start(folder: &Path, more: &str) -> Self {
        Self::start_at(folder, free_address(), more)
    }

    /// Starts a core whose nodes reach it through a relay.
    pub fn start_behind_link(folder: &Path, more: &str) -> (Self, Link) {
        let nodes = free_address();
        let link = Link::to(nodes);
        let more = format!("node_addresses = [\"{}\"]\n{more}", link.address);
        (Self::start_at(folder, nodes, &more), link)
    }

    fn start_at(folder: &Path, nodes: SocketAddr, more: &str) -> Self {
        let (people, metrics) = (free_address(), free_address());
        let data = folder.join("core");
        let config = folder.join("core.toml");
        let text = format!(
            "data = {data:?}\n{more}\n[people]\nlisten = \"{people}\"\n[nodes]\nlisten = \"{nodes}\"\n[metrics]\nlisten = \"{metrics}\"\n"
        );
        std::fs::write(&config, text).expect("write core.toml");
        let mut core = Self { data, people, nodes, config, process: None, cookie: String::new() };
        core.launch();
        let token = core.process.as_mut().expect("running").wait_for_line("the setup link", START, |line| {
            line.split_once("/setup#").map(|(_, token)| token.split_whitespace().next().unwrap_or("").to_owned())
        });
        core.wait_ready();
        let made = core.send(
            "POST",
            "/setup",
            Some(json!({"token": token, "name": "admin", "passphrase": "three large boats at dawn"})),
        );
        assert_eq!(made.status, 200, "setup: {}", made.body);
        core
    }

    /// Its settings.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Starts a further core on the database of another one, with its master key; `more` names the database, as it did there.
    pub fn join(folder: &Path, first: &Self, more: &str) -> Self {
        let (people, nodes, metrics) = (free_address(), free_address(), free_address());
        let (data, config) = (folder.join("core"), folder.join("core.toml"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&data).expect("create");
        std::fs::copy(first.data.join("master.key"), data.join("master.key")).expect("copy the key");
        let text = format!(
            "data = {data:?}\n{more}\n[people]\nlisten = \"{people}\"\n[nodes]\nlisten = \"{nodes}\"\n[metrics]\nlisten = \"{metrics}\"\n"
        );
        std::fs::write(&config, text).expect("write core.toml");
        let mut core = Self { data, people, nodes, config, process: None, cookie: first.cookie.clone() };
        core.launch();
        core.wait_ready();
        core
    }

    /// What shows who asks, for a request of the test's own.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    pub fn launch(&mut self) {
        let mut command = socme();
        command.arg("core").arg("--config").arg(&self.config);
        self.process = Some(Process::start("core", command));
    }

    /// Waits until the core answers.
    pub fn wait_ready(&self) {
        wait_for("the core to be ready", START, || {
            let answer = blocking("GET", &format!("http://{}/readyz", self.people), "", None);
            (answer.status == 200).then_some(())
        });
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the core runs")
    }

    /// Has people come over TLS from the next launch on, with this certificate and key (PEM).
    pub fn encipher(&self, certificate: &str, key: &str) {
        let folder = self.config.parent().expect("folder");
        let (chain, secret) = (folder.join("people.pem"), folder.join("people.key"));
        std::fs::write(&chain, certificate).expect("write");
        std::fs::write(&secret, key).expect("write");
        let text = std::fs::read_to_string(&self.config).expect("read core.toml");
        let more = format!("[people]\ntls_certificate = {chain:?}\ntls_key = {secret:?}\n");
        std::fs::write(&self.config, text.replace("[people]\n", &more)).expect("write core.toml");
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Copies the database (with its log) of a core that does not run.
    pub fn copy_database(&self, to: &Path) {
        copy_folder(&self.data, to);
    }

    /// Puts a copy back.
    pub fn restore_database(&self, from: &Path) {
        std::fs::remove_dir_all(&self.data).expect("remove");
        copy_folder(from, &self.data);
    }

    /// Asks the core for something, as its administrator.
    pub fn get(&self, path: &str) -> Value {
        let answer = blocking("GET", &self.url(path), &self.cookie, None);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    pub fn post(&mut self, path: &str, body: Value) -> Value {
        let answer = self.send("POST", path, Some(body));
        assert!((200..300).contains(&answer.status), "POST {path}: {} {}", answer.status, answer.body);
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }

    pub fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let answer = blocking(method, &self.url(path), &self.cookie, body);
        if let Some(cookie) = &answer.cookie {
            self.cookie.clone_from(cookie);
        }
        answer
    }

    /// Makes a client, and a token with which one node of it enrols.
    pub fn new_client(&mut self, name: &str) -> i64 {
        self.post("/clients", json!({"name": name}))["id"].as_i64().expect("id")
    }

    pub fn new_token(&mut self, client: i64) -> String {
        self.post(&format!("/clients/{client}/tokens"), json!({}))["token"].as_str().expect("token").to_owned()
    }

    /// Number of alert rows of Suricata, read from the database itself.
    pub fn rows(&self) -> i64 {
        let db = rusqlite::Connection::open(self.data.join("socme.db")).expect("open");
        let sql = "SELECT count(*) FROM alert a JOIN rule r ON r.id = a.rule WHERE r.module = 0";
        db.query_row(sql, [], |row| row.get(0)).expect("count")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1{path}", self.people)
    }
}

/// What the core answered.
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub cookie: Option<String>,
}

fn blocking(method: &str, url: &str, cookie: &str, body: Option<Value>) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    // Plain HTTP alone is spoken here, but the client wants to know who would encrypt.
    let _ = rustls::crypto::ring::default_provider().install_default();
    runtime.block_on(async {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("client");
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("method");
        let mut request = client.request(method, url).header("X-Socme", "1").header("Cookie", cookie);
        if let Some(body) = body {
            request = request.json(&body);
        }
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let cookie = answer.headers().get("set-cookie").and_then(|v| v.to_str().ok());
                let cookie = cookie.map(|v| v.split(';').next().unwrap_or("").to_owned());
                Answer { status, cookie, body: answer.text().await.unwrap_or_default() }
            }
            Err(error) => Answer { status: 0, cookie: None, body: error.to_string() },
        }
    })
}

/// Copies a folder of plain files and folders.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("create");
    for entry in std::fs::read_dir(from).expect("read folder").map(|e| e.expect("entry")) {
        let target = to.join(entry.file_name());
        let kind = entry.file_type().expect("type");
        if kind.is_dir() {
            copy_folder(&entry.path(), &target);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target).expect("copy");
        }
    }
    let mode = std::fs::metadata(from).expect("metadata").permissions();
    std::fs::set_permissions(to, mode).expect("permissions");
}
