//! Where the stories are told: with the imitation, or with OpenSearch.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use wazuh::indexer::Indexer;
use wazuh::{Secret, Server, Trust};
use wazuh_imitation::indexer::{Indexer as Imitation, day_index};

pub(crate) enum Ground {
    Imitation(Imitation, SocketAddr),
    OpenSearch(OpenSearch),
}

/// A node of OpenSearch with Wazuh's templates, as long as this lives.
pub(crate) struct OpenSearch {
    address: SocketAddr,
    http: reqwest::Client,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Drop for OpenSearch {
    fn drop(&mut self) {
        // It ends with its standard input, too, should this process be killed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Ground {
    pub(crate) async fn imitation() -> Self {
        let imitation = Imitation::new();
        let address = imitation.listen().await.unwrap();
        Self::Imitation(imitation, address)
    }

    /// None if there is no OpenSearch or no Java on this machine, which is said.
    pub(crate) async fn opensearch() -> Option<Self> {
        match OpenSearch::start() {
            Ok(started) => {
                started.put("/_index_template/wazuh-alerts", &alerts_template()).await;
                started.put("/_index_template/wazuh-states", &states_template()).await;
                Some(Self::OpenSearch(started))
            }
            // Whoever fetched it does not want it passed over.
            Err(why) if std::env::var_os("SOCME_TEST_OPENSEARCH").is_some() => panic!("no real OpenSearch: {why}"),
            Err(why) => {
                eprintln!("SKIPPED: no real OpenSearch: {why}");
                None
            }
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let (Self::Imitation(_, address) | Self::OpenSearch(OpenSearch { address, .. })) = self;
        *address
    }

    pub(crate) fn client(&self) -> Indexer {
        let server = Server::new(format!("http://{}", self.address()), Trust::System);
        Indexer::new(&server, "reader", Secret::new("secret")).unwrap()
    }

    /// Indexes alerts by the day of their time, and lets them be found.
    pub(crate) async fn alerts(&self, lines: &[String]) {
        self.documents(lines.iter().map(|line| (day_index(line), line.as_str()))).await;
    }

    /// Indexes documents, and lets them be found.
    pub(crate) async fn add(&self, index: &str, documents: &[Value]) {
        let lines: Vec<String> = documents.iter().map(ToString::to_string).collect();
        self.documents(lines.iter().map(|line| (index.to_owned(), line.as_str()))).await;
    }

    async fn documents<'l>(&self, documents: impl Iterator<Item = (String, &'l str)>) {
        match self {
            Self::Imitation(imitation, _) => documents.for_each(|(index, line)| drop(imitation.add(&index, line))),
            Self::OpenSearch(real) => {
                let mut bulk = String::new();
                for (index, line) in documents {
                    bulk += &format!("{}\n{line}\n", json!({ "index": { "_index": index } }));
                }
                let answer = real.ask("POST", "/_bulk?refresh=true", Some(bulk)).await;
                assert_eq!(answer["errors"], false, "{answer}");
            }
        }
    }

    pub(crate) async fn make_index(&self, index: &str) {
        match self {
            Self::Imitation(imitation, _) => imitation.make_index(index),
            Self::OpenSearch(real) => real.put(&format!("/{index}"), &json!({})).await,
        }
    }

    pub(crate) async fn delete_index(&self, index: &str) {
        match self {
            Self::Imitation(imitation, _) => imitation.delete_index(index),
            Self::OpenSearch(real) => drop(real.ask("DELETE", &format!("/{index}"), None).await),
        }
    }

    /// Ends all points in time, as time does.
    pub(crate) async fn expire_points(&self) {
        match self {
            Self::Imitation(imitation, _) => imitation.expire_points(),
            Self::OpenSearch(real) => drop(real.ask("DELETE", "/_search/point_in_time/_all", None).await),
        }
    }

    pub(crate) async fn open_points(&self) -> usize {
        match self {
            Self::Imitation(imitation, _) => imitation.open_points(),
            Self::OpenSearch(real) => {
                let all = real.ask("GET", "/_search/point_in_time/_all", None).await;
                all["pits"].as_array().map_or(0, Vec::len)
            }
        }
    }

    /// An index whose shards have no place yet, as after a failure of the machine that had them: OpenSearch alone.
    pub(crate) async fn make_index_away(&self, index: &str) {
        let Self::OpenSearch(real) = self else { unreachable!() };
        let nowhere = json!({ "settings": { "index.routing.allocation.require._name": "nowhere" } });
        real.put(&format!("/{index}?wait_for_active_shards=0"), &nowhere).await;
    }

    /// Gives them a place.
    pub(crate) async fn bring_back(&self, index: &str) {
        let Self::OpenSearch(real) = self else { unreachable!() };
        let anywhere = json!({ "index.routing.allocation.require._name": null });
        real.put(&format!("/{index}/_settings"), &anywhere).await;
        let health =
            real.ask("GET", &format!("/_cluster/health/{index}?wait_for_status=green&timeout=60s"), None).await;
        assert_eq!(health["timed_out"], false, "{health}");
    }

    /// Forgets all documents.
    pub(crate) async fn clear(&self) {
        if let Self::OpenSearch(real) = self {
            self.expire_points().await;
            real.ask("DELETE", "/wazuh-*", None).await;
        }
    }
}

impl OpenSearch {
    fn start() -> Result<Self, String> {
        // For the client of this ground alone, which speaks no TLS and wants one all the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/opensearch");
        let jars = jars().ok_or("its jars are not there; `make target/tools/opensearch/lib` fetches them")?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut process = Command::new("java")
            .args([
                "-Xms64m",
                "-Xmx256m",
                "-XX:MaxDirectMemorySize=64m",
                "-XX:+UseSerialGC",
                "-Dlog4j2.disable.jmx=true",
            ])
            .arg(format!("-Dlog4j.configurationFile={}", here.join("log4j2.properties").display()))
            .args(["-cp", &format!("{}/*", jars.display())])
            .arg(here.join("Launcher.java"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("java: {error}"))?;
        let lines = BufReader::new(process.stdout.take().ok_or("no output")?).lines();
        for line in lines.map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("ready ") {
                let address = address.parse().map_err(|_| format!("it listens on {address}"))?;
                return Ok(Self { address, http: reqwest::Client::new(), process, _folder: folder });
            }
        }
        // That it is there and does not start is no reason to skip.
        panic!("OpenSearch ended before it was ready; its words are above: {:?}", process.wait());
    }

    async fn ask(&self, method: &str, path: &str, body: Option<String>) -> Value {
        let method = method.parse().unwrap();
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        let request = request.header("content-type", "application/json").body(body.unwrap_or_default());
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn put(&self, path: &str, body: &Value) {
        let answer = self.ask("PUT", path, Some(body.to_string())).await;
        assert_eq!(answer["acknowledged"], true, "{answer}");
    }
}

fn jars() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/opensearch/lib");
    std::fs::read_dir(&folder).ok()?.next()?.ok()?;
    Some(folder)
}

/// What of Wazuh's template for alerts a reader meets: shards, keywords, dates.
fn alerts_template() -> Value {
    let date = json!({ "type": "date", "format": "date_optional_time||epoch_millis" });
    json!({
        "index_patterns": ["wazuh-alerts-4.x-*"],
        "template": {
            "settings": { "number_of_shards": 3, "number_of_replicas": 0 },
            "mappings": {
                "date_detection": false,
                "dynamic_templates": [
                    { "strings": { "match_mapping_type": "string", "mapping": { "type": "keyword" } } }
                ],
                "properties": {
                    "timestamp": date,
                    "@timestamp": date,
                    "rule": { "properties": { "level": { "type": "long" } } },
                    "full_log": { "type": "text" },
                },
            },
        },
    })
}

/// The same for the states of hosts.
fn states_template() -> Value {
    let keywords = json!([{ "strings": { "match_mapping_type": "string", "mapping": { "type": "keyword" } } }]);
    json!({
        "index_patterns": ["wazuh-states-*"],
        "template": {
            "settings": { "number_of_shards": 1, "number_of_replicas": 0 },
            "mappings": {
                "date_detection": false,
                "dynamic_templates": keywords,
                "properties": {
                    "vulnerability": { "properties": {
                        "detected_at": { "type": "date" },
                        "published_at": { "type": "date" },
                        "score": { "properties": { "base": { "type": "float" } } },
                        "under_evaluation": { "type": "boolean" },
                    } },
                    "process": { "properties": { "pid": { "type": "long" } } },
                    "source": { "properties": { "port": { "type": "long" } } },
                },
            },
        },
    })
}
