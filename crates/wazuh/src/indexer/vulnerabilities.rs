//! What is vulnerable now.

use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::search::every;
use super::{Hit, Indexer, Order, Search, VULNERABILITIES};
use crate::Error;
use crate::alerts::loose::{at, text, truth};
use crate::alerts::timestamp;

/// A package on a host with a known vulnerability: one document for each of the three. It vanishes once mended.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Vulnerability {
    /// The CVE.
    pub id: Option<String>,
    /// `Critical`, `High`, `Medium`, `Low`; none where it is not rated (`-`).
    pub severity: Option<String>,
    /// CVSS base score, 0 to 10.
    pub score: Option<f64>,
    /// The version of CVSS.
    pub score_version: Option<String>,
    /// A text.
    pub description: Option<String>,
    /// Where to read more.
    pub reference: Option<String>,
    /// When it was found on this host.
    pub detected_at: Option<Timestamp>,
    /// When it was made public.
    pub published_at: Option<Timestamp>,
    /// True while its rating is under evaluation.
    pub under_evaluation: Option<bool>,
    /// Up to which version it is there (4.12 and later).
    pub condition: Option<String>,
    /// The host's agent.
    pub agent_id: Option<String>,
    /// The host's name.
    pub agent_name: Option<String>,
    /// The host's system, in full.
    pub os: Option<String>,
    /// The package.
    pub package: Option<String>,
    /// Its version there.
    pub package_version: Option<String>,
    /// Its architecture.
    pub architecture: Option<String>,
    /// The cluster of managers that found it.
    pub cluster: Option<String>,
}

/// Which vulnerabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VulnerabilityFilter {
    /// On this host.
    pub agent: Option<String>,
    /// This CVE.
    pub cve: Option<String>,
    /// Of one of these severities, as the indexer writes them: `Critical`, …
    pub severities: Vec<String>,
}

/// How many there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Severities {
    /// 9.0 and above, as a rule.
    pub critical: u64,
    /// 7.0 and above.
    pub high: u64,
    /// 4.0 and above.
    pub medium: u64,
    /// Below.
    pub low: u64,
    /// Not rated.
    pub unrated: u64,
}

impl VulnerabilityFilter {
    fn query(&self) -> Value {
        let mut all = Vec::new();
        all.extend(self.agent.as_ref().map(|agent| json!({ "term": { "agent.id": agent } })));
        all.extend(self.cve.as_ref().map(|cve| json!({ "term": { "vulnerability.id": cve } })));
        if !self.severities.is_empty() {
            all.push(json!({ "terms": { "vulnerability.severity": self.severities } }));
        }
        every(all)
    }
}

impl Vulnerability {
    /// Reads a document; a field of another type than it should be is none.
    #[must_use]
    pub fn of(document: &Value) -> Self {
        let time = |path: &str| text(document, path).and_then(|text| timestamp(&text));
        let known = |path: &str| text(document, path).filter(|text| text != "-");
        Self {
            id: text(document, "vulnerability.id"),
            severity: known("vulnerability.severity"),
            score: at(document, "vulnerability.score.base").and_then(score),
            score_version: known("vulnerability.score.version"),
            description: text(document, "vulnerability.description"),
            reference: text(document, "vulnerability.reference"),
            detected_at: time("vulnerability.detected_at"),
            published_at: time("vulnerability.published_at"),
            under_evaluation: truth(document, "vulnerability.under_evaluation"),
            condition: text(document, "vulnerability.scanner.condition"),
            agent_id: text(document, "agent.id"),
            agent_name: text(document, "agent.name"),
            os: text(document, "host.os.full").or_else(|| text(document, "host.os.name")),
            package: text(document, "package.name"),
            package_version: text(document, "package.version"),
            architecture: known("package.architecture"),
            cluster: text(document, "wazuh.cluster.name"),
        }
    }
}

impl Indexer {
    /// Vulnerabilities of hosts, or hosts of a vulnerability, by CVE, host and package. None before Wazuh 4.8, where the
    /// manager's API has them.
    ///
    /// Wazuh indexer, `wazuh-states-vulnerabilities-*`, as [`Self::search`]. The stream ends with the first error.
    pub fn vulnerabilities(
        &self,
        filter: &VulnerabilityFilter,
    ) -> impl Stream<Item = Result<Vulnerability, Error>> + Send + use<> {
        let order = ["vulnerability.id", "agent.id", "package.name", "package.version"];
        let order = order.map(Order::keyword).to_vec();
        let indexer = self.clone();
        let hits = self.search(Search::new(VULNERABILITIES, filter.query(), order)).into_stream();
        hits.map(move |hit| hit.and_then(|hit| Ok(Vulnerability::of(&parse(&indexer, &hit)?))))
    }

    /// How many there are of each severity: on one host, or on all.
    ///
    /// Wazuh indexer, `wazuh-states-vulnerabilities-*`, as [`Self::terms`].
    ///
    /// # Errors
    /// The indexer cannot be asked, or counted a part only.
    pub async fn severities(&self, filter: &VulnerabilityFilter) -> Result<Severities, Error> {
        let terms = self.terms(VULNERABILITIES, &filter.query(), "vulnerability.severity", 20).await?;
        let mut counts = Severities { unrated: terms.others, ..Severities::default() };
        for (severity, documents) in terms.terms {
            let count = match severity.to_ascii_lowercase().as_str() {
                "critical" => &mut counts.critical,
                "high" => &mut counts.high,
                "medium" => &mut counts.medium,
                "low" => &mut counts.low,
                _ => &mut counts.unrated,
            };
            *count += documents;
        }
        Ok(counts)
    }
}

pub(super) fn parse(indexer: &Indexer, hit: &Hit) -> Result<Value, Error> {
    serde_json::from_str(hit.source.get()).map_err(|error| indexer.unexpected(&error.to_string()))
}

fn score(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
