//! The manager's API (Wazuh server API, port 55000), 4.3 to 4.14.
//!
//! ```no_run
//! # async fn example() -> Result<(), wazuh::Error> {
//! use futures::TryStreamExt as _;
//! use wazuh::api::{Api, Query, Settings};
//! use wazuh::{Secret, Server, Trust};
//!
//! let trust = Trust::Pin("AB:CD…".parse().map_err(|_| wazuh::Error::Input("not a fingerprint".into()))?);
//! let server = Server::new("https://wazuh.example:55000", trust);
//! let api = Api::new(Settings::new(server, "socme", Secret::new("password")))?;
//! let mut agents = std::pin::pin!(api.agents().query(&Query::is_not("id", "000")?)?.stream());
//! while let Some(agent) = agents.try_next().await? {
//!     println!("{:?} {:?}", agent.id, agent.status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What is asked is asked through at most two requests at a time and within a budget for a minute, because a manager does
//! its work in one process and counts the requests of all its clients together.

mod active_response;
mod agents;
mod call;
mod clock;
mod cluster;
mod deletion;
mod envelope;
mod events;
mod groups;
mod inventory;
mod listing;
mod login;
mod logtest;
mod loose;
mod manager;
mod mitre;
mod pace;
mod query;
mod restart;
mod ruleset;
mod scans;
mod target;
mod upgrade;
mod version;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

pub use active_response::ActiveResponse;
pub use agents::{Agent, AgentKey, Counts, Outdated, Overview, States, System};
pub use clock::{Clock, MachineClock};
pub use cluster::{ClusterStatus, Node};
pub use deletion::{AgentStatus, Deletion};
pub use envelope::{Failed, Items, Sent};
pub use events::EventBatch;
pub use groups::{Group, GroupFile};
pub use inventory::{
    Address, Endpoint, Hardware, Hotfix, Interface, InventorySystem, Memory, NetworkProtocol, OsFacts, Package, Port,
    Process, Processor, ScanTime,
};
pub use listing::Listing;
pub use logtest::{LogtestEvent, Verdict};
pub use loose::When;
pub use manager::{ApiInfo, DaemonStatistics, HourStatistics, LogEntry, LogSummary, ManagerInfo, UpdateCheck};
pub use mitre::{MitreItem, MitreKind};
pub use query::Query;
pub use restart::Applied;
pub use ruleset::{Contents, Decoder, Lookup, Rule, Ruleset, RulesetFile, Written};
pub use scans::{Check, FileState, LastScan, Policy, RootcheckFinding};
pub use target::{AgentId, Agents, Listed, MOST, NotAnAgentId};
pub use upgrade::{Upgrade, UpgradeResult, UpgradeTask};
pub use version::{Feature, NotAVersion, Version};

use crate::certificate::Certificate;
use crate::connection::{Answer, Connection, Server};
use crate::error::Error;
use crate::secret::Secret;
use call::Call;
use envelope::Asked;
use login::{Login, Token};
use pace::Pace;

/// How long an answer may take where the server was told to take its time.
const PATIENCE: Duration = Duration::from_secs(120);
/// How much the server takes in at `POST /events` in a minute.
const EVENT_REQUESTS: u32 = 30;

/// How to reach a manager, and how gently.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where.
    pub server: Server,
    /// A user of the server API: those of the indexer are others.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// The most requests in any minute, logins included; 60. The server takes 300 from all its clients together.
    pub per_minute: u32,
    /// How many requests may be under way at once; 2.
    pub at_once: usize,
    /// True if a call waits (about a minute) and asks once more where the server says that there were too many requests;
    /// the default. Otherwise it fails at once.
    pub patient: bool,
    /// What waits are counted by.
    pub clock: Arc<dyn Clock>,
}

impl Settings {
    /// With the usual limits.
    #[must_use]
    pub fn new(server: Server, user: impl Into<String>, password: Secret) -> Self {
        Self {
            server,
            user: user.into(),
            password,
            per_minute: 60,
            at_once: 2,
            patient: true,
            clock: Arc::new(MachineClock::default()),
        }
    }
}

/// A client of one manager. Clones share the token, the budget and the connections.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    connection: Connection,
    user: String,
    password: Secret,
    patient: bool,
    clock: Arc<dyn Clock>,
    pace: Pace,
    event_pace: Pace,
    slots: Semaphore,
    login: tokio::sync::Mutex<Login>,
    /// The version, and the number of the token with which it was read: a manager that was upgraded is asked again.
    version: Mutex<Option<(u64, Version)>>,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("address", &self.address()).field("user", &self.0.user).finish_non_exhaustive()
    }
}

impl Api {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// The address is not one, or a file with a certificate or key cannot be used.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            connection: Connection::new(&settings.server)?,
            user: settings.user,
            password: settings.password,
            patient: settings.patient,
            clock: settings.clock,
            pace: Pace::new(settings.per_minute),
            event_pace: Pace::new(EVENT_REQUESTS),
            slots: Semaphore::new(settings.at_once.clamp(1, 16)),
            login: tokio::sync::Mutex::new(Login::default()),
            version: Mutex::new(None),
        })))
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.connection.address()
    }

    /// The certificate of the last handshake, accepted or not; nothing before the first.
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        self.0.connection.certificate()
    }

    /// The manager's version. Read once for each token.
    ///
    /// # Errors
    /// It is older than 4.3, or 5 and above: those are not spoken with.
    pub async fn version(&self) -> Result<Version, Error> {
        // The first token comes with the first request, and the version is asked for with it.
        let token = self.token(None).await?;
        let known = *self.0.version.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, version)) = known
            && number == token.number
        {
            return Ok(version);
        }
        let info = self.info().await?;
        let text = info.api_version.unwrap_or_default();
        let wrong = |found: &str, needs: &str| Error::Version {
            address: self.address().to_owned(),
            found: found.to_owned(),
            needs: needs.to_owned(),
        };
        let Ok(version) = text.parse::<Version>() else {
            return Err(wrong(&crate::error::shown(&text), "its version cannot be read: is this a Wazuh manager?"));
        };
        if version.major >= 5 {
            return Err(wrong(
                &version.to_string(),
                "Wazuh 5 has another API, without rules, active response and alerts.json; this client speaks with 4.3 to 4.14",
            ));
        }
        if version < Version::OLDEST {
            return Err(wrong(&version.to_string(), "this client speaks with 4.3 to 4.14: upgrade the manager"));
        }
        *self.0.version.lock().unwrap_or_else(PoisonError::into_inner) = Some((token.number, version));
        Ok(version)
    }

    /// Fails with a sentence that says what to do if the manager lacks this.
    ///
    /// # Errors
    /// It lacks it, or cannot be asked.
    pub async fn require(&self, feature: Feature) -> Result<(), Error> {
        let version = self.version().await?;
        if version.has(feature) {
            return Ok(());
        }
        Err(Error::Version {
            address: self.address().to_owned(),
            found: version.to_string(),
            needs: format!("{} needs {}", feature.otherwise(), feature.since()),
        })
    }

    /// A list.
    async fn items<T: DeserializeOwned>(&self, call: &Call) -> Result<Items<T>, Error> {
        envelope::items(&self.ask(call).await?, &self.asked(call))
    }

    /// What was done to agents.
    async fn sent(&self, call: &Call, agents: &Agents) -> Result<Sent, Error> {
        Ok(self.items::<AgentId>(call).await?.sent(agents))
    }

    /// An object.
    async fn object<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        envelope::object(&self.ask(call).await?, &self.asked(call))
    }

    /// A sentence.
    async fn message(&self, call: &Call) -> Result<String, Error> {
        envelope::message(&self.ask(call).await?, &self.asked(call))
    }

    fn asked(&self, call: &Call) -> Asked {
        Asked { address: self.address().to_owned(), action: call.action }
    }

    /// An answer of a manager that this client speaks with.
    async fn ask(&self, call: &Call) -> Result<Answer, Error> {
        self.version().await?;
        self.send(call).await
    }

    /// An answer with a status below 400: with a token, within the limits, and asked once more where that may help.
    async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let inner = &*self.0;
        let asked = self.asked(call);
        let (mut refused, mut waited) = (None, false);
        // What changes something is not asked twice, so it is given time from the beginning.
        let mut long = call.waits && !call.only_reads();
        loop {
            if call.events {
                inner.event_pace.take(&*inner.clock).await;
            }
            let token = self.token(refused).await?;
            let answer = {
                let _slot = inner.slots.acquire().await;
                inner.pace.take(&*inner.clock).await;
                self.once(call, &token, long).await?
            };
            match answer.status {
                ..=399 => return Ok(answer),
                // The server did nothing, so even a change may be asked for again.
                401 if refused.is_none() => refused = Some(token.number),
                429 => {
                    let pace = if call.events && envelope::code(&answer) == Some(6005) {
                        &inner.event_pace
                    } else {
                        &inner.pace
                    };
                    let again = pace.hold(&*inner.clock);
                    if waited || !inner.patient {
                        return Err(Error::TooManyRequests { address: asked.address, again });
                    }
                    waited = true;
                }
                500 if !long && call.waits && envelope::code(&answer) == Some(3021) => long = true,
                _ => return Err(envelope::refusal(&answer, &asked)),
            }
        }
    }

    async fn once(&self, call: &Call, token: &Token, long: bool) -> Result<Answer, Error> {
        let connection = &self.0.connection;
        let mut url = connection.url(call.segments());
        call.fill(&mut url, long);
        let mut request = connection.request(call.method.clone(), url).bearer_auth(token.text.reveal());
        if long {
            request = request.timeout(PATIENCE);
        }
        connection.send(call.dress(request)).await
    }

    /// A token, but not the one with this number: that was refused.
    async fn token(&self, refused: Option<u64>) -> Result<Token, Error> {
        let clock = &*self.0.clock;
        let mut login = self.0.login.lock().await;
        if let Some(token) = login.fresh(refused, clock.now()) {
            return Ok(token);
        }
        let old = login.still_good(refused, clock.now());
        match (self.log_in(&mut login).await, old) {
            (Err(error), Some(old)) if error.is_passing() => {
                tracing::debug!(address = self.address(), %error, "the token could not be renewed and is used to its end");
                Ok(old)
            }
            (outcome, _) => outcome,
        }
    }

    async fn log_in(&self, login: &mut Login) -> Result<Token, Error> {
        let inner = &*self.0;
        let clock = &*inner.clock;
        if let Some(error) = login.must_not_try(clock.now()) {
            return Err(error);
        }
        let address = || self.address().to_owned();
        let mut waited = false;
        loop {
            inner.pace.take(clock).await;
            let began = clock.now();
            let method = if login.by_get { Method::GET } else { Method::POST };
            let mut url = inner.connection.url(["security", "user", "authenticate"]);
            url.query_pairs_mut().append_pair("raw", "true");
            let request = inner.connection.request(method, url).basic_auth(&inner.user, Some(inner.password.reveal()));
            let answer = inner.connection.send(request).await?;
            let asked = Asked { address: address(), action: "to log in" };
            match answer.status {
                ..=299 => {
                    let text = std::str::from_utf8(&answer.body).unwrap_or_default().trim();
                    // A header cannot carry anything else, and nothing else is a token.
                    if text.is_empty()
                        || !text.bytes().all(|byte| byte.is_ascii_graphic())
                        || text.starts_with(['{', '<'])
                    {
                        return Err(envelope::unexpected(&asked, "a login without a token"));
                    }
                    return Ok(login.accepted(Secret::new(text), began));
                }
                401 => {
                    let error = Error::WrongPassword { address: address(), user: inner.user.clone(), again: None };
                    return Err(login.refuse(error, clock.now()));
                }
                405 if !login.by_get => login.by_get = true,
                429 => {
                    let again = inner.pace.hold(clock);
                    if waited || !inner.patient {
                        return Err(Error::TooManyRequests { address: address(), again });
                    }
                    waited = true;
                }
                _ => {
                    let error = envelope::refusal(&answer, &asked);
                    return Err(if matches!(error, Error::Blocked { .. }) {
                        login.refuse(error, clock.now())
                    } else {
                        error
                    });
                }
            }
        }
    }
}
